"""A forge on which nothing can be changed: reads pass, every write is written down instead.

The list of reads below is closed. A verb that is added to the protocol later counts as a write until it is listed, so dry-run
never lets something through by omission.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sig_bots.errors import Obsolete
from sig_bots.forge import (
    Annotation,
    Capabilities,
    ChangedFile,
    Check,
    CheckState,
    Forge,
    ForgeComment,
    ForgeHost,
    Issue,
    Permission,
)
from sig_bots.refs import Actor, PullRequest, Repo

__all__ = ["DryRunForge", "DryRunHost", "Write"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Write:
    """A write that was not made: the verb, the repository, and what it was called with."""

    verb: str
    repo: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={_short(value)}" for name, value in self.arguments.items())
        return f"dry run: {self.verb} on {self.repo}: {shown}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"


class DryRunForge:
    """Wraps a forge. Writes go to `record` (by default to the log only) and answer as if they had worked."""

    def __init__(self, inner: Forge, path: str, record: Callable[[Write], None] = lambda write: None) -> None:
        self._inner = inner
        self._path = path
        self._record = record

    def _blocked(self, verb: str, **arguments: Any) -> None:
        write = Write(verb, self._path, arguments)
        _log.info("%s", write)
        self._record(write)

    def __getattr__(self, verb: str) -> Callable[..., None]:
        """A verb this module does not know: a write, so it is blocked."""
        if verb.startswith("_"):
            raise AttributeError(verb)
        return lambda *given, **named: self._blocked(verb, given=given, **named)

    # ------------------------------------------------------------ reads

    @property
    def repo(self) -> Repo:
        """See `Forge.repo`."""
        return self._inner.repo

    @property
    def capabilities(self) -> Capabilities:
        """See `Forge.capabilities`."""
        return self._inner.capabilities

    @property
    def account(self) -> Actor:
        """See `Forge.account`."""
        return self._inner.account

    def read_file(self, path: str, ref: str | None = None) -> bytes | None:
        """See `Forge.read_file`."""
        return self._inner.read_file(path, ref)

    def branch_sha(self, branch: str) -> str | None:
        """See `Forge.branch_sha`."""
        return self._inner.branch_sha(branch)

    def changed_files(self, number: int) -> tuple[ChangedFile, ...]:
        """See `Forge.changed_files`."""
        return self._inner.changed_files(number)

    def merge_base(self, number: int) -> str:
        """See `Forge.merge_base`."""
        return self._inner.merge_base(number)

    def pull_request(self, number: int) -> PullRequest:
        """See `Forge.pull_request`."""
        return self._inner.pull_request(number)

    def find_prs(
        self, head_prefix: str = "", state: Literal["open", "closed", "merged", "all"] = "open"
    ) -> Sequence[PullRequest]:
        """See `Forge.find_prs`."""
        return self._inner.find_prs(head_prefix, state)

    def permission(self, actor: Actor) -> Permission:
        """See `Forge.permission`."""
        return self._inner.permission(actor)

    def comments_since(self, since: datetime) -> Sequence[ForgeComment]:
        """See `Forge.comments_since`."""
        return self._inner.comments_since(since)

    def comments(self, number: int) -> Sequence[ForgeComment]:
        """See `Forge.comments`."""
        return self._inner.comments(number)

    def checks(self, sha: str, number: int | None = None) -> Sequence[Check]:
        """See `Forge.checks`."""
        return self._inner.checks(sha, number)

    def read_issue(self, number: int) -> Issue:
        """See `Forge.read_issue`."""
        return self._inner.read_issue(number)

    def clone_url(self) -> str:
        """See `Forge.clone_url`."""
        return self._inner.clone_url()

    # ------------------------------------------------------------ writes that must answer something

    def ensure_pr(
        self,
        branch: str,
        *,
        base: str,
        title: str,
        body: str,
        labels: Sequence[str] = (),
        reviewers: Sequence[str] = (),
    ) -> PullRequest:
        """The open one with the new words, else one with number 0."""
        self._blocked("ensure_pr", branch=branch, base=base, title=title, body=body, labels=labels, reviewers=reviewers)
        words = {"title": title, "body": body, "labels": tuple(labels)}
        for one in self._inner.find_prs(branch):
            if one.head_branch == branch:
                return one.model_copy(update=words)
        head = self._inner.branch_sha(branch) or ""
        return PullRequest(
            number=0, author=self.account, head_sha=head, head_branch=branch, base_branch=base, head_repo=self._path,
            title=title, body=body, labels=tuple(labels),
        )  # fmt: skip

    def merge(self, number: int, expected_sha: str) -> None:
        """Raises Obsolete as the forge would, so that the dry run takes the same turn."""
        found = self._inner.pull_request(number)
        if found.state == "closed" or (found.state == "open" and found.head_sha != expected_sha):
            raise Obsolete(f"{self._path}#{number} is {found.state} at {found.head_sha}, not at {expected_sha}")
        self._blocked("merge", number=number, expected_sha=expected_sha)

    def ensure_comment(self, number: int, topic: str, body: str, *, state: str | None = None) -> str:
        """No comment, no id."""
        self._blocked("ensure_comment", number=number, topic=topic, body=body, state=state)
        return ""

    def ensure_issue(self, topic: str, title: str, body: str) -> Issue:
        """An issue with number 0."""
        self._blocked("ensure_issue", topic=topic, title=title, body=body)
        return Issue(number=0, title=title, body=body)

    def ensure_fork(self) -> str:
        """The repository itself: a push there is blocked by the missing credentials."""
        self._blocked("ensure_fork")
        return self._path

    # ------------------------------------------------------------ writes that answer nothing

    def close_pr(self, number: int, reason: str) -> None:
        """Blocked."""
        self._blocked("close_pr", number=number, reason=reason)

    def react(self, number: int, comment_id: str, reaction: str) -> None:
        """Blocked."""
        self._blocked("react", number=number, comment_id=comment_id, reaction=reaction)

    def set_check(
        self,
        sha: str,
        name: str,
        state: CheckState,
        *,
        summary: str,
        url: str = "",
        text: str = "",
        annotations: Sequence[Annotation] = (),
        number: int | None = None,
    ) -> None:
        """Blocked."""
        self._blocked(
            "set_check", sha=sha, name=name, state=state, summary=summary, url=url, text=text, annotations=annotations,
            number=number,
        )  # fmt: skip


class DryRunHost:
    """Wraps a forge instance: its repositories are dry, and git gets no credential to push with."""

    def __init__(self, inner: ForgeHost, record: Callable[[Write], None] = lambda write: None) -> None:
        self._inner = inner
        self._record = record

    @property
    def name(self) -> str:
        """See `ForgeHost.name`."""
        return self._inner.name

    @property
    def capabilities(self) -> Capabilities:
        """See `ForgeHost.capabilities`."""
        return self._inner.capabilities

    def repositories(self) -> Sequence[Repo]:
        """See `ForgeHost.repositories`."""
        return self._inner.repositories()

    def repository(self, path: str, bot: str = "sigbot") -> DryRunForge:
        """The repository, dry."""
        return DryRunForge(self._inner.repository(path, bot), path, self._record)

    def git_credentials(self, path: str) -> None:
        """None, always: without a credential git cannot push. (A private repository cannot be fetched in a dry run.)"""
        return

    def hook_keys(self, path: str) -> Mapping[str, bytes]:
        """See `ForgeHost.hook_keys`."""
        return self._inner.hook_keys(path)
