"""Short journeys that end in effects outside. Each says what people do, and what must be there afterwards, once."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections import Counter

from sqlalchemy import delete, select

from sig_workers.store import schema_local
from sig_workers.store.schema_updates import Place, update_places
from tests.contract.forges.local import LocalWorld
from tests.contract.git import run_git
from tests.contract.world import SeenComment
from tests.faults.arena import RECOVERY, Arena

_NUMBERS = itertools.count(1)
LABELS = (
    'LABEL name="demo" version="1" summary="A demonstration" maintainer="sig@example.org"\n'
    'LABEL com.redhat.component="demo" usage="podman run demo"\n'
)


class Journey(ABC):
    """One repository's story. `act` does what people do, `ended` waits for the answer, `once` counts."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.number = next(_NUMBERS)

    def prepare(self) -> None:
        """Make what must be there before anything goes wrong."""
        return

    @abstractmethod
    def act(self) -> None: ...

    @abstractmethod
    def ended(self) -> bool:
        """Whether everything that must happen has happened."""

    @abstractmethod
    def once(self) -> dict[str, int]:
        """Asserts that each effect is there once; how many there are, by kind."""

    def wait(self, seconds: float = RECOVERY) -> None:
        """Until it has ended and nothing is going on any more."""
        self.arena.service.wait(self.ended, seconds, f"the end of {type(self).__name__}")
        self.arena.wait_idle()
        assert self.arena.badly_ended() == []


class Talk(Journey):
    """A pull request with a fault, and a command: a check of it and of the base, a comment, an answer, an answer."""

    def act(self) -> None:
        base = f'FROM registry.example/base:1\n{LABELS}COPY app /app\nUSER 1001\nCMD ["/app"]\n'
        self.repo = self.arena.repository({".sigbot.yaml": "version: 1\nlint: {}\n", "Containerfile": base})
        self.main = self.repo.head("main")
        fault = base.replace("USER", "MAINTAINER sig@example.org\nUSER")
        self.head = self.repo.push("alice", "change", {"Containerfile": fault})
        self.pull = self.repo.open_pr("alice", "change")
        self.said = [
            self.repo.comment("alice", self.pull, "/sig ping"),
            self.repo.comment("bob", self.pull, "/sig lint"),
        ]

    def ended(self) -> bool:
        checks = [*self.repo.checks(self.main or ""), *self.repo.checks(self.head)]
        return [one.state for one in checks] == ["success", "failure"] and len(self.ours()) >= 3

    def ours(self) -> list[SeenComment]:
        return [one for one in self.repo.comments(self.pull) if one.author == "bot"]

    def once(self) -> dict[str, int]:
        topics = Counter("".join(one.body.rpartition("<!--")[1:]) for one in self.ours())
        assert len(topics) == 3, topics
        assert set(topics.values()) == {1}, topics
        assert len(self.repo.comments(self.pull)) == 5
        checks = [*self.repo.checks(self.main or ""), *self.repo.checks(self.head)]
        assert [one.name for one in checks] == ["sigbot/lint"] * 2
        return {"checks": len(checks), "comments": len(self.ours())}


class Ping(Journey):
    """One command, one answer."""

    def __init__(self, arena: Arena, repository: LocalWorld | None = None) -> None:
        super().__init__(arena)
        self._given = repository

    def act(self) -> None:
        empty = {".sigbot.yaml": "version: 1\n", "README.md": "# demo\n"}
        self.repo = self._given or self.arena.repository(empty)
        self.issue = self.repo.open_issue("alice", "A question")
        self.repo.comment("alice", self.issue, "/sig ping")

    def ended(self) -> bool:
        return len(self.repo.comments(self.issue)) == 2

    def once(self) -> dict[str, int]:
        assert [one.author for one in self.repo.comments(self.issue)] == ["alice", "bot"]
        return {"comments": 1}

    def take_back(self) -> None:
        """A person deletes the answer, so that a second one cannot hide behind it."""
        table = schema_local.local_comments
        gone = delete(table).where(table.c.author == "bot", table.c.number == self.issue)
        gone = gone.where(table.c.repo_id == self.repo.forge.state.row(self.repo.path).id)
        self.arena.store.write(lambda connection: connection.execute(gone))
        assert len(self.repo.comments(self.issue)) == 1


class Update(Journey):
    """A base with a newer tag: one branch with one commit, one pull request, which is linted."""

    def act(self) -> None:
        name = f"update/base{self.number}"
        for tag in ("1.0", "1.1"):
            self.arena.publish(name, tag, tag.encode())
        base = f'FROM {self.arena.registry.host}/{name}:1.0\n{LABELS}COPY app /app\nUSER 1001\nCMD ["/app"]\n'
        config = "version: 1\nlint: {}\nupdate: {}\n"
        self.repo = self.arena.repository({".sigbot.yaml": config, "Containerfile": base, "app": "app\n"})

    def ended(self) -> bool:
        return any(self.repo.checks(one.head_sha) for one in self.repo.prs())

    def once(self) -> dict[str, int]:
        (pull,) = self.repo.prs()
        folder = self.repo.forge.history(self.repo.path).folder
        branches = run_git("for-each-ref", "--format=%(refname)", "refs/heads", cwd=folder).split()
        assert branches == ["refs/heads/main", f"refs/heads/{pull.head_branch}"]
        assert run_git("rev-list", "--count", f"main..{pull.head_branch}", cwd=folder) == "1"
        assert pull.head_sha == self.repo.head(pull.head_branch)
        assert b":1.1\n" in (self.repo.read("Containerfile", pull.head_sha) or b"")
        checks = self.repo.checks(pull.head_sha)
        assert [(one.name, one.state) for one in checks] == [("sigbot/lint", "success")]
        assert self.repo.comments(pull.number) == []
        assert self.places() == [(pull.head_branch, Place.OPEN)]
        return {"branches": 1, "commits": 1, "pull requests": 1, "checks": 1, "places": 1}

    def places(self) -> list[tuple[str, Place]]:
        """What counts for the limits that repositories share."""
        (row,) = [one for one in self.arena.store.list_repositories("local") if one.path == self.repo.path]
        query = select(update_places.c.branch, update_places.c.state).where(update_places.c.repo_id == row.id)
        return self.arena.store.read(lambda connection: [(one.branch, one.state) for one in connection.execute(query)])


class Image(Journey):
    """An image to build from its base: its manifest is pushed once."""

    def act(self) -> None:
        self.image = f"image/app{self.number}"
        self.arena.publish(f"image/base{self.number}", "1.0", b"one")
        self.repo = self.image_repository(f"image/base{self.number}", self.image)

    def image_repository(self, base: str, name: str) -> LocalWorld:
        host = self.arena.registry.host
        recipe = f'FROM {host}/{base}:1.0\n{LABELS}COPY app /app\nUSER 1001\nCMD ["/app"]\n'
        config = f"version: 1\nimages: [{{name: {host}/{name}, tag: '1.0'}}]\nrebuild: {{}}\n"
        return self.arena.repository({".sigbot.yaml": config, "Containerfile": recipe, "app": f"{name}\n"})

    def ended(self) -> bool:
        return self.arena.manifests_pushed(self.image, "1.0") > 0

    def once(self) -> dict[str, int]:
        assert self.arena.manifests_pushed(self.image, "1.0") == 1
        return {"manifests": 1}


class Family(Image):
    """A child that exists is made anew, once, after its base was."""

    def prepare(self) -> None:
        self.image = f"image/app{self.number}"
        self.arena.publish(self.image, "1.0", b"made by hand")
        self.child = f"{self.image}-child"
        self.image_repository(self.image, self.child)
        self.arena.service.wait(lambda: self.arena.manifests_pushed(self.child, "1.0"), RECOVERY, "the first child")
        self.arena.wait_idle()

    def ended(self) -> bool:
        return self.arena.manifests_pushed(self.child, "1.0") > 1

    def once(self) -> dict[str, int]:
        pushed = [self.arena.manifests_pushed(name, "1.0") for name in (self.image, self.child)]
        assert pushed == [2, 2]  # by hand and from its base; from the one and from the other
        return {"manifests": 2}
