"""A world on the GitHub stand-in, where we are an App: check runs with annotations, installation tokens."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Literal, Self

import pytest

from sig_bots.forge import CheckState
from sig_bots.refs import Actor
from sig_workers.forges.github import GitHubConfig, GitHubHost
from tests.contract.world import SERVICE, START_FILES, Role, SeenCheck, SeenComment, SeenIssue, SeenPr
from tests.standins.github.model import Issue
from tests.standins.github.server import GitHubStandIn

HOOK_SECRET = "hook secret of the tests"


class GitHubWorld:
    """See `tests.contract.world.World`."""

    name = "github"
    path = "acme/demo"
    is_app = True
    check_words: Mapping[CheckState, str] = {
        CheckState.PENDING: "queued",
        CheckState.RUNNING: "in_progress",
        CheckState.SUCCESS: "success",
        CheckState.FAILURE: "failure",
        CheckState.ERROR: "failure",
        CheckState.CANCELLED: "cancelled",
        CheckState.NEUTRAL: "neutral",
    }

    def __init__(self, server: GitHubStandIn) -> None:
        self.server = server
        server.add_user("acme", kind="Organization")
        for login in ("owen", "alice", "bob"):
            server.add_user(login)
        self.logins: dict[Role, str] = {"owner": "owen", "alice": "alice", "bob": "bob"}
        self._create(self.path, START_FILES)
        self.config = self._configure()
        self.host = GitHubHost(self.config)

    def _create(self, path: str, files: Mapping[str, str]) -> None:
        self.path = path
        self.server.add_repo(path, files=files)
        self.server.set_permission(path, "owen", "admin")
        self.server.set_permission(path, "alice", "write")

    def _configure(self) -> GitHubConfig:
        app = self.server.add_app("sigbot", owner="owen", hook_secret=HOOK_SECRET)
        self.server.install(app.app_id, "acme")
        self.app_id = app.app_id
        self.logins["bot"] = app.account
        return GitHubConfig(
            name="github",
            url=self.server.url,
            app_id=str(app.app_id),
            private_key=app.private_key,
            service=SERVICE,
            repositories=("acme/*",),
            allow_http=True,
        )

    # ------------------------------------------------------------ people

    def actor(self, role: Role) -> Actor:
        who = self.server.user(self.logins[role])
        return Actor(login=who.login, id=str(who.id), bot=who.kind == "Bot")

    # ------------------------------------------------------------ acts

    def push(
        self,
        who: Role,
        branch: str,
        files: Mapping[str, str | bytes | None],
        *,
        start: str = "main",
        fork: bool = False,
        force: bool = False,
    ) -> str:
        path = self.server.fork(self.path, self.logins[who]) if fork else self.path
        return self.server.commit(path, branch, files, self.logins[who], start=start, force=force)

    def open_pr(
        self, who: Role, branch: str, *, title: str = "A change", body: str = "", base: str = "main", fork: bool = False
    ) -> int:
        head = f"{self.logins[who]}:{branch}" if fork else branch
        return self.server.open_pull(self.path, head, base, as_user=self.logins[who], title=title, body=body)

    def comment(self, who: Role, number: int, text: str) -> str:
        return str(self.server.comment(self.path, number, text, as_user=self.logins[who]).id)

    def merge(self, who: Role, number: int) -> None:
        self.server.merge(self.path, number, as_user=self.logins[who])

    def close(self, who: Role, number: int) -> None:
        self.server.close(self.path, number, as_user=self.logins[who])

    def report(self, who: Role, sha: str, name: str, state: Literal["success", "failure"]) -> None:
        self.server.status(self.path, sha, name, state, as_user=self.logins[who])

    def require(self, *names: str) -> bool:
        self.server.require(self.path, *names)
        return True

    def open_issue(self, who: Role, title: str, body: str = "") -> int:
        return self.server.open_issue(self.path, title, body, as_user=self.logins[who])

    def edit_issue(self, who: Role, number: int, body: str) -> None:
        if who == "bob":
            self.server.set_permission(self.path, self.logins[who], "triage")
        self.server.edit(self.path, number, as_user=self.logins[who], body=body)

    def close_issue(self, who: Role, number: int) -> None:
        self.server.close(self.path, number, as_user=self.logins[who])

    # ------------------------------------------------------------ looks

    def read(self, path: str, ref: str = "main") -> bytes | None:
        return self.server.read(self.path, path, ref)

    def head(self, branch: str, *, fork: Role | None = None) -> str | None:
        path = self.server.fork(self.path, self.logins[fork]) if fork else self.path
        return self.server.repo(path).git.branches().get(branch)

    def pr(self, number: int) -> SeenPr:
        item = self.server.issue(self.path, number)
        assert item.pull is not None
        return SeenPr(
            number=number,
            title=item.title,
            body=item.body or "",
            state="merged" if item.pull.merged else "open" if item.state == "open" else "closed",
            author=item.user.login,
            head_branch=item.pull.head_ref,
            base_branch=item.pull.base_ref,
            head_sha=item.pull.head_sha,
            labels=tuple(item.labels),
            reviewers=tuple(one.login for one in item.pull.reviewers),
        )

    def _issues(self) -> list[Issue]:
        return [item for _, item in sorted(self.server.repo(self.path).issues.items())]

    def prs(self) -> Sequence[SeenPr]:
        return [self.pr(item.number) for item in self._issues() if item.pull]

    def comments(self, number: int) -> Sequence[SeenComment]:
        made = self.server.issue(self.path, number).comments
        return [SeenComment(str(one.id), one.user.login, one.body) for one in made]

    def checks(self, sha: str, number: int | None = None) -> Sequence[SeenCheck]:
        newest = {run.name: run for run in self.server.checks(self.path, sha)}
        return [
            SeenCheck(
                name=run.name,
                state=run.conclusion or run.status,
                summary=run.title or "",
                url=run.details_url or "",
                lines=tuple((note["path"], note["start_line"]) for note in run.annotations),
            )
            for run in newest.values()
        ]

    def issues(self) -> Sequence[SeenIssue]:
        return [
            SeenIssue(item.number, item.title, item.body or "", "open" if item.state == "open" else "closed", item.user.login)
            for item in self._issues()
            if item.pull is None
        ]  # fmt: skip

    def reactions(self, number: int, comment_id: str) -> Sequence[str]:
        made = self.server.issue(self.path, number).comments
        return [reaction.content for one in made if str(one.id) == comment_id for reaction in one.reactions]

    # ------------------------------------------------------------ journeys

    def another(self, name: str, files: Mapping[str, str]) -> Self:
        made = copy(self)
        made._create(f"acme/{name}", files)
        return made

    def set_hook(self, url: str) -> None:
        self.server.set_app_hook(self.app_id, url, HOOK_SECRET)

    def hook_instance(self) -> Mapping[str, object]:
        return {
            "name": "github",
            "kind": "github",
            "url": self.server.url,
            "account": self.logins["bot"],
            "app_id": self.config.app_id,
            "private_key": self.config.private_key,
            "hook_secrets": [HOOK_SECRET],
            "repositories": ["acme/*"],
            "allow_http": True,
            "allow_private_network": True,
        }


@contextmanager
def open_world(request: pytest.FixtureRequest) -> Iterator[GitHubWorld]:
    """A stand-in of its own: it starts in milliseconds."""
    with tempfile.TemporaryDirectory() as folder, GitHubStandIn(Path(folder)) as server:
        yield GitHubWorld(server)
