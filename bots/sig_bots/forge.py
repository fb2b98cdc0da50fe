"""The forge as bots see it: idempotent verbs, bound to one repository. Calling twice equals calling once.

Adapters live in the worker. Each raises only errors of `sig_bots.errors`: `Transient` for 403 with a rate limit, 429, 5xx
and network trouble (never sleeping itself), `NotFound`, `Unsupported`, `ForgeError`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Literal, Protocol, runtime_checkable

from sig_bots.errors import Obsolete
from sig_bots.refs import Actor, PullRequest, Repo, Value

__all__ = [
    "Annotation", "Capabilities", "ChangedFile", "Check", "CheckState", "Forge", "ForgeComment", "ForgeHost", "Issue",
    "Permission", "marker", "read_marker", "still_open",
]  # fmt: skip


_MARKER = re.compile(r"<!-- sigbot ((?:[a-z]+=[^\s>]+ ?)+)-->")


class Permission(IntEnum):
    """What an account may do in a repository; a greater value includes the smaller ones."""

    NONE = 0
    READ = 1
    WRITE = 2
    ADMIN = 3


class CheckState(StrEnum):
    """State of a check on a commit, mapped by each adapter to what its forge has."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"
    CANCELLED = "cancelled"
    NEUTRAL = "neutral"


class Annotation(Value):
    """A remark on lines of a file, shown beside the diff where the forge can. Lines count from 1."""

    path: str
    line: int
    end_line: int | None = None
    level: Literal["notice", "warning", "failure"] = "warning"
    title: str = ""
    message: str


class Check(Value):
    """A check as it stands on a commit."""

    name: str
    sha: str
    state: CheckState
    summary: str = ""
    url: str = ""
    text: str = ""
    """Markdown below the summary, where the forge keeps it and gives it back."""
    annotations: tuple[Annotation, ...] = ()


class ChangedFile(Value):
    """A file a pull request touches. `lines` are the line numbers added or changed in the new file (None: unknown)."""

    path: str
    old_path: str | None = None
    """The path before, of a renamed file."""
    status: Literal["added", "modified", "removed", "renamed"] = "modified"
    lines: frozenset[int] | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths where something is different now: a renamed file is missing under its old one."""
        return (self.path,) if self.old_path is None else (self.path, self.old_path)


class ForgeComment(Value):
    """A comment as the forge has it now."""

    id: str
    number: int
    author: Actor
    body: str
    created: datetime
    edited: datetime | None = None
    url: str = ""


class Issue(Value):
    """An issue as the forge has it now."""

    number: int
    title: str
    body: str
    state: Literal["open", "closed"] = "open"
    url: str = ""


class Capabilities(Value):
    """What a forge can do; the renderer degrades where it cannot."""

    reactions: bool = True
    comment_edit: bool = True
    labels: bool = True
    annotations: bool = True
    check_text: bool = True
    """Whether a check keeps a text besides its one line."""
    folds: bool = True
    """Whether `<details>` in a text is shown folded (Pagure shows it as it stands)."""
    reviewers: bool = True
    issues: bool = True
    issue_edit: bool = True
    """Whether we can change the text of an issue of ours (on Pagure only with a token of the project)."""
    forks: bool = True
    """Whether we can have forks (a GitHub App cannot: it pushes to the repository itself)."""
    private_hooks: bool = True
    """Whether private repositories send webhooks at all (Pagure's do not)."""


@runtime_checkable
class Forge(Protocol):
    """One repository on one forge, as our account sees it."""

    @property
    def repo(self) -> Repo:
        """The repository, with default branch, id and visibility as the forge tells them."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What this forge can do."""
        ...

    @property
    def account(self) -> Actor:
        """Our own account here."""
        ...

    def read_file(self, path: str, ref: str | None = None) -> bytes | None:
        """The file at a commit, branch or tag (default branch when None); None when there is no such file."""
        ...

    def branch_sha(self, branch: str) -> str | None:
        """The commit a branch of the repository points at; None when there is no such branch."""
        ...

    def changed_files(self, number: int) -> tuple[ChangedFile, ...]:
        """The files a pull request touches, compared with its merge base."""
        ...

    def merge_base(self, number: int) -> str:
        """The commit that a pull request's changes are counted from: where its branch left the base branch.

        Raises NotFound, also when the two have no commit in common.
        """
        ...

    def pull_request(self, number: int) -> PullRequest:
        """The pull request as it is now. Raises NotFound."""
        ...

    def find_prs(
        self, head_prefix: str = "", state: Literal["open", "closed", "merged", "all"] = "open"
    ) -> Sequence[PullRequest]:
        """Pull requests whose head branch starts with `head_prefix`, newest first."""
        ...

    def permission(self, actor: Actor) -> Permission:
        """What the account may do here, asked of the forge now, by id where it has ids."""
        ...

    def ensure_pr(
        self, branch: str, *, base: str, title: str, body: str, labels: Sequence[str] = (), reviewers: Sequence[str] = (),
        number: int | None = None,
    ) -> PullRequest:  # fmt: skip
        """Open the pull request from our (already pushed) `branch`, or bring title and body of the open one up to date.

        With `number` only that one is brought up to date and nothing is opened: Obsolete when somebody has closed or
        merged it meanwhile.
        """
        ...

    def close_pr(self, number: int, reason: str) -> None:
        """Close without merging and say why; nothing when it is closed or merged already."""
        ...

    def merge(self, number: int, expected_sha: str) -> None:
        """Merge if the head is still `expected_sha`; nothing when merged already. Raises Obsolete when the head moved."""
        ...

    def ensure_comment(self, number: int, topic: str, body: str, *, state: str | None = None) -> str:
        """The one living comment of `topic` on an issue or pull request; returns its id (may be empty on Pagure).

        Edited in place where the forge can. Where it cannot, a new comment is added only when `state` (by default the
        body) differs from that of the newest comment of this topic. The marker in the text is believed only when the
        comment is ours.
        """
        ...

    def comments_since(self, since: datetime) -> Sequence[ForgeComment]:
        """Comments on open pull requests created or edited since then, oldest first."""
        ...

    def comments(self, number: int) -> Sequence[ForgeComment]:
        """All comments of an issue or pull request, oldest first."""
        ...

    def react(self, number: int, comment_id: str, reaction: str) -> None:
        """Add a reaction (`eyes`, `+1`, `-1`) to a comment. Raises Unsupported."""
        ...

    def set_check(
        self, sha: str, name: str, state: CheckState, *, summary: str, url: str = "", text: str = "",
        annotations: Sequence[Annotation] = (), number: int | None = None,
    ) -> None:  # fmt: skip
        """Set the check on a commit; `number` is its pull request, where the forge ties checks to those.

        `summary` is one line; `text` is Markdown detail for forges that show it.
        """
        ...

    def checks(self, sha: str, number: int | None = None) -> Sequence[Check]:
        """The checks as they stand on a commit."""
        ...

    def required_checks(self, branch: str) -> Sequence[str]:
        """Names of the checks without which the forge lets nothing into the branch; empty also when it does not tell."""
        ...

    def ensure_issue(self, topic: str, title: str, body: str) -> Issue:
        """Our one open issue of this topic, opened or brought up to date. Raises Unsupported where there are no issues."""
        ...

    def find_issue(self, topic: str) -> Issue | None:
        """Our open issue of this topic, else the newest that is closed; None when there is none. Raises Unsupported."""
        ...

    def close_issue(self, number: int, reason: str) -> None:
        """Close an issue of ours and say why; nothing when it is closed already."""
        ...

    def read_issue(self, number: int) -> Issue:
        """An issue as it is now. Raises NotFound."""
        ...

    def ensure_fork(self) -> str:
        """Our fork of the repository; returns its path."""
        ...

    def clone_url(self) -> str:
        """Where git fetches and pushes; never holds a credential."""
        ...


@runtime_checkable
class ForgeHost(Protocol):
    """One configured forge instance."""

    @property
    def name(self) -> str:
        """The instance's name in sigbot.toml."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What this forge can do."""
        ...

    def repositories(self) -> Sequence[Repo]:
        """The repositories enabled for us here: by App installation or by the instance's globs."""
        ...

    def repository(self, path: str, bot: str = "sigbot") -> Forge:
        """One repository; no network until a verb is called.

        `bot` goes into the markers of comments, pull requests and issues, so bots may use the same topic.
        """
        ...

    def git_credentials(self, path: str) -> tuple[str, str] | None:
        """User name and secret for git over https of one repository, None when it needs none."""
        ...

    def hook_keys(self, path: str) -> Mapping[str, bytes]:
        """Webhook keys the forge made for a project and, as far as it tells, its forks: full path to key; empty elsewhere."""
        ...


def marker(service: str, bot: str, topic: str, state: str = "") -> str:
    """The hidden line by which we find our own comment or pull request again."""
    tail = f" state={state}" if state else ""
    return f"<!-- sigbot service={service} bot={bot} topic={topic}{tail} -->"


def read_marker(body: str) -> dict[str, str] | None:
    """The fields of the first marker in a text, None when there is none. Believe it only when the author is us."""
    match = _MARKER.search(body)
    if match is None:
        return None
    return dict(field.split("=", 1) for field in match[1].split())


def still_open(found: PullRequest) -> PullRequest:
    """The pull request itself. Raises Obsolete when it is not open any more."""
    if found.state != "open":
        raise Obsolete(f"#{found.number} was {found.state} meanwhile")
    return found
