"""A world in memory: the kernel's fake forge, as plugin authors use it in their tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Literal

import pytest

from sig_bots.fakes.forge import FakeForge, FakeHost
from sig_bots.fakes.repository import FakeRepository
from sig_bots.forge import Capabilities, Check, CheckState, Issue, Permission
from sig_bots.refs import Actor
from tests.contract.world import SERVICE, START_FILES, Role, SeenCheck, SeenComment, SeenIssue, SeenPr

PATH = "sig/demo"


class FakeWorld:
    """See `tests.contract.world.World`."""

    name = "fake"
    check_words: Mapping[CheckState, str] = {state: state.value for state in CheckState}

    def __init__(self, capabilities: Capabilities | None = None) -> None:
        self.host = FakeHost(account_name="bot", service=SERVICE, capabilities=capabilities or Capabilities())
        self.path = PATH
        self._create(START_FILES)

    def _create(self, files: Mapping[str, str]) -> None:
        self.host.create(self.path, {name: text.encode() for name, text in files.items()})
        self.repository.permissions["owner"] = Permission.ADMIN
        self.repository.permissions["alice"] = Permission.WRITE

    @property
    def repository(self) -> FakeRepository:
        return self.host.repos[self.path]

    def _forge(self, who: Role) -> FakeForge:
        """The repository as this person has it."""
        return replace(self.host, account_name=who, writes=[]).repository(self.path)

    def _fork(self, who: Role) -> FakeRepository:
        return self.host.fork(self.path, who)

    # ------------------------------------------------------------ acts

    def actor(self, role: Role) -> Actor:
        return self.host.repository(self.path).account if role == "bot" else Actor(login=role, id=f"id-{role}")

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
        repository = self._fork(who) if fork else self.repository
        changes = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
        parent = repository.branches[start] if force or branch not in repository.branches else None
        return repository.commit(branch, changes, message=f"Change {', '.join(files)}", author=who, parent=parent)

    def open_pr(
        self, who: Role, branch: str, *, title: str = "A change", body: str = "", base: str = "main", fork: bool = False
    ) -> int:
        head_repo = self._fork(who).path if fork else self.path
        made = self._forge(who).open(
            branch, base=base, title=title, body=body, author=self.actor(who), head_repo=head_repo
        )
        return made.number

    def comment(self, who: Role, number: int, text: str) -> str:
        return self.host.repository(self.path).add_comment(number, text, self.actor(who)).id

    def merge(self, who: Role, number: int) -> None:
        forge = self._forge(who)
        forge.merge(number, forge.pull_request(number).head_sha)

    def close(self, who: Role, number: int) -> None:
        found = self.repository.pull_requests[number]
        self.repository.pull_requests[number] = found.model_copy(update={"state": "closed"})

    def report(self, who: Role, sha: str, name: str, state: Literal["success", "failure"]) -> None:
        self.repository.checks[sha, name] = Check(name=name, sha=sha, state=CheckState(state))

    def require(self, *names: str) -> bool:
        self.repository.required["main"] = names
        return True

    def open_issue(self, who: Role, title: str, body: str = "") -> int:
        number = self.repository.next_number()
        self.repository.issues[number] = Issue(number=number, title=title, body=body)
        self.repository.issue_authors[number] = self.actor(who)
        return number

    def edit_issue(self, who: Role, number: int, body: str) -> None:
        found = self.repository.issues[number]
        self.repository.issues[number] = found.model_copy(update={"body": body})

    def close_issue(self, who: Role, number: int) -> None:
        found = self.repository.issues[number]
        self.repository.issues[number] = found.model_copy(update={"state": "closed"})

    # ------------------------------------------------------------ looks

    def read(self, path: str, ref: str = "main") -> bytes | None:
        return self.repository.find_commit(ref).files.get(path)

    def head(self, branch: str, *, fork: Role | None = None) -> str | None:
        return (self._fork(fork) if fork else self.repository).branches.get(branch)

    def pr(self, number: int) -> SeenPr:
        found = self.host.repository(self.path).pull_request(number)
        return SeenPr(
            number=number,
            title=found.title,
            body=found.body,
            state=found.state,
            author=found.author.login,
            head_branch=found.head_branch,
            base_branch=found.base_branch,
            head_sha=found.head_sha,
            labels=found.labels,
            reviewers=self.repository.reviewers.get(number, ()),
        )

    def prs(self) -> Sequence[SeenPr]:
        return [self.pr(number) for number in sorted(self.repository.pull_requests)]

    def comments(self, number: int) -> Sequence[SeenComment]:
        return [
            SeenComment(one.id, one.author.login, one.body) for one in self.repository.comments if one.number == number
        ]

    def checks(self, sha: str, number: int | None = None) -> Sequence[SeenCheck]:
        return [
            SeenCheck(one.name, one.state.value, one.summary, one.url, tuple((note.path, note.line) for note in one.annotations))
            for (at, _), one in self.repository.checks.items()
            if at == sha
        ]  # fmt: skip

    def issues(self) -> Sequence[SeenIssue]:
        return [
            SeenIssue(number, one.title, one.body, one.state, self._issue_author(number))
            for number, one in sorted(self.repository.issues.items())
        ]

    def _issue_author(self, number: int) -> str:
        return self.repository.issue_authors.get(number, self.actor("bot")).login

    def reactions(self, number: int, comment_id: str) -> Sequence[str]:
        return sorted(reaction for comment, _, reaction in self.repository.reactions if comment == comment_id)

    # ------------------------------------------------------------ journeys

    def another(self, name: str, files: Mapping[str, str]) -> FakeWorld:
        made = copy(self)
        made.path = f"sig/{name}"
        made._create(files)
        return made

    def set_hook(self, url: str) -> None:
        raise NotImplementedError("the fake forge sends nothing: its journeys go through the harness")

    def hook_instance(self) -> Mapping[str, object]:
        raise NotImplementedError("the fake forge is no instance of sigbot.toml: its journeys go through the harness")


@contextmanager
def open_world(request: pytest.FixtureRequest) -> Iterator[FakeWorld]:
    """A fake with everything a forge can have."""
    yield FakeWorld()
