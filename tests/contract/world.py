"""What the contract suite and the journeys need of a forge: a small world with people in it.

A world is one fresh repository on one forge (real, stand-in or fake), four accounts and the `ForgeHost` under test. People
act and look through the forge's own ways (git, its API with *their* token, its database), never through the adapter under
test: what the adapter did is judged from outside.

How to add a forge: write `tests/contract/forges/<name>.py` with

    SERVER = True                        # whether it needs a real server (marks its tests `server`); default False

    @contextmanager
    def open_world(request: pytest.FixtureRequest) -> Iterator[World]: ...

One world per test: `open_world` makes a new repository each time and may take a server of the whole test run by
`request.getfixturevalue("pagure")`. The fixtures `world` and `forge` in conftest.py run every contract test on it. A world
is taken as it is by duck typing; there is nothing to inherit from.

The repository at the start: default branch `main` with one commit holding `START_FILES`; no fork, no pull request, no issue,
no hook. The accounts: `owner` (owns or administers the repository), `bot` (ours: may push, merge, set checks; its
credentials are the adapter's), `alice` (may push and merge, nothing more), `bob` (a stranger who can read).

**Acts are settled**: a method that changes something returns only when the forge shows the effect in its API (the new head on
the pull request after a push, say), so that tests need no sleeping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from sig_bots.forge import CheckState, ForgeHost
from sig_bots.refs import Actor

type Role = Literal["owner", "bot", "alice", "bob"]

START_FILES: Mapping[str, str] = {
    "README.md": "# demo\n",
    "Containerfile": 'FROM registry.example/base:1\nCOPY . /app\nCMD ["/app/run"]\n',
    "docs/guide.md": "one\ntwo\nthree\n",
}
SERVICE = "sigbot"
"""The service name every host under test is made with (first part of check names, field `service` of markers)."""


@dataclass(frozen=True)
class SeenComment:
    """A comment as a person sees it. `author` is the login; `id` in the forge's own form."""

    id: str
    author: str
    body: str


@dataclass(frozen=True)
class SeenCheck:
    """A check (status, check run, flag) in the forge's own words. `lines` holds (path, line) of its annotations."""

    name: str
    state: str
    summary: str
    url: str
    lines: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class SeenPr:
    """A pull request as a person sees it."""

    number: int
    title: str
    body: str
    state: Literal["open", "closed", "merged"]
    author: str
    head_branch: str
    base_branch: str
    head_sha: str
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    """Who is asked to review it, where the forge has reviewers."""


@dataclass(frozen=True)
class SeenIssue:
    """An issue as a person sees it."""

    number: int
    title: str
    body: str
    state: Literal["open", "closed"]
    author: str


class World(Protocol):
    """One repository, its people, and the adapter under test."""

    name: str
    """Name of the factory module: fake, pagure, github, local."""
    path: str
    """Full path of the repository on the forge."""
    check_words: Mapping[CheckState, str]
    """The forge's own word (as in `SeenCheck.state`) for each state, as docs/forges.md promises it."""

    @property
    def host(self) -> ForgeHost:
        """Under test: configured with the bot's credentials, service name `SERVICE`, repositories = everything the world makes."""
        ...

    # ------------------------------------------------------------ people

    def actor(self, role: Role) -> Actor:
        """The account behind a role, with the forge's id where it has ids."""
        ...

    # ------------------------------------------------------------ people act

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
        """Commit `files` (None removes) to `branch` and push over git as `who`; the new commit.

        A branch that does not exist yet starts at `start`. `fork`: in the person's own fork, made when missing. `force`:
        one new commit on top of `start`, whatever was on the branch.
        """
        ...

    def open_pr(
        self, who: Role, branch: str, *, title: str = "A change", body: str = "", base: str = "main", fork: bool = False
    ) -> int:
        """Open a pull request from `branch` (of the person's fork when `fork`); its number."""
        ...

    def comment(self, who: Role, number: int, text: str) -> str:
        """Comment on a pull request or issue; the comment's id."""
        ...

    def merge(self, who: Role, number: int) -> None:
        """Press the merge button."""
        ...

    def close(self, who: Role, number: int) -> None:
        """Close a pull request without merging."""
        ...

    def report(self, who: Role, sha: str, name: str, state: Literal["success", "failure"]) -> None:
        """A CI system that has the person's token reports on a commit."""
        ...

    def require(self, *names: str) -> bool:
        """Require these checks on main; False where the forge has no such thing."""
        ...

    def open_issue(self, who: Role, title: str, body: str = "") -> int:
        """Open an issue; its number."""
        ...

    def edit_issue(self, who: Role, number: int, body: str) -> None:
        """Change the text of an issue of ours. bob is first given the least right that suffices; where that is one that
        lets him push too, PermissionError."""
        ...

    def close_issue(self, who: Role, number: int) -> None:
        """Close an issue."""
        ...

    # ------------------------------------------------------------ people look

    def read(self, path: str, ref: str = "main") -> bytes | None:
        """A file at a branch or commit, None when it is not there."""
        ...

    def head(self, branch: str, *, fork: Role | None = None) -> str | None:
        """The commit a branch (of a person's fork) points at, None when there is no such branch."""
        ...

    def pr(self, number: int) -> SeenPr:
        """A pull request."""
        ...

    def prs(self) -> Sequence[SeenPr]:
        """All pull requests, whatever their state, oldest first."""
        ...

    def comments(self, number: int) -> Sequence[SeenComment]:
        """The comments of a pull request or issue, oldest first, without those the forge wrote itself."""
        ...

    def checks(self, sha: str, number: int | None = None) -> Sequence[SeenCheck]:
        """The checks of a commit."""
        ...

    def issues(self) -> Sequence[SeenIssue]:
        """All issues, oldest first."""
        ...

    def reactions(self, number: int, comment_id: str) -> Sequence[str]:
        """Reactions on a comment in our words (`eyes`, `+1`, `-1`); empty where the forge has none."""
        ...

    # ------------------------------------------------------------ for journeys

    def another(self, name: str, files: Mapping[str, str]) -> World:
        """A second repository of the same forge with the same people; it is in the `hook_instance` of both from then on."""
        ...

    def set_hook(self, url: str) -> None:
        """Make the forge send its signed webhooks for the repository to `url`.

        The secret is the one in `hook_instance()`, or the forge's own (`host.hook_keys`) where it makes them itself.
        """
        ...

    def hook_instance(self) -> Mapping[str, object]:
        """The `[[instance]]` table for sigbot.toml of a service that shall work here.

        The fields of `sig_workers.settings.Instance`: name, kind, url, account, credentials (`token`, or `app_id` and
        `private_key`), `hook_secrets` (empty where the forge makes the keys), `repositories`, `allow_http`,
        `allow_private_network`.
        """
        ...
