"""The doors through which a bot changes something outside: reads pass, writes go through the ledger.

Texts lose every secret on their way out. A bot has no other way to a forge, so a verb that is not written here does not exist
for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
    Issue,
    Permission,
    still_open,
)
from sig_bots.refs import Actor, PullRequest, Repo
from sig_bots.tools import Workspace
from sig_workers.ledger import Ledger
from sig_workers.observe import Redactor

__all__ = ["RecordedForge", "RecordedWorkspace"]


@dataclass(frozen=True)
class RecordedForge:
    """A forge whose writes go through the ledger; reads pass."""

    inner: Forge
    ledger: Ledger
    redact: Redactor
    running: dict[tuple[str, str], int | None] = field(default_factory=dict)
    """(commit, name) -> pull request of the checks this run has left running."""

    @property
    def repo(self) -> Repo:
        """The repository."""
        return self.inner.repo

    @property
    def capabilities(self) -> Capabilities:
        """What this forge can do."""
        return self.inner.capabilities

    @property
    def account(self) -> Actor:
        """Our account."""
        return self.inner.account

    def read_file(self, path: str, ref: str | None = None) -> bytes | None:
        """See `Forge.read_file`."""
        return self.inner.read_file(path, ref)

    def branch_sha(self, branch: str) -> str | None:
        """See `Forge.branch_sha`."""
        return self.inner.branch_sha(branch)

    def changed_files(self, number: int) -> tuple[ChangedFile, ...]:
        """See `Forge.changed_files`."""
        return self.inner.changed_files(number)

    def merge_base(self, number: int) -> str:
        """See `Forge.merge_base`."""
        return self.inner.merge_base(number)

    def pull_request(self, number: int) -> PullRequest:
        """See `Forge.pull_request`."""
        return self.inner.pull_request(number)

    def find_prs(
        self, head_prefix: str = "", state: Literal["open", "closed", "merged", "all"] = "open"
    ) -> Sequence[PullRequest]:
        """See `Forge.find_prs`."""
        return self.inner.find_prs(head_prefix, state)

    def permission(self, actor: Actor) -> Permission:
        """See `Forge.permission`."""
        return self.inner.permission(actor)

    def comments_since(self, since: datetime) -> Sequence[ForgeComment]:
        """See `Forge.comments_since`."""
        return self.inner.comments_since(since)

    def comments(self, number: int) -> Sequence[ForgeComment]:
        """See `Forge.comments`."""
        return self.inner.comments(number)

    def checks(self, sha: str, number: int | None = None) -> Sequence[Check]:
        """See `Forge.checks`."""
        return self.inner.checks(sha, number)

    def required_checks(self, branch: str) -> Sequence[str]:
        """See `Forge.required_checks`."""
        return self.inner.required_checks(branch)

    def read_issue(self, number: int) -> Issue:
        """See `Forge.read_issue`."""
        return self.inner.read_issue(number)

    def find_issue(self, topic: str) -> Issue | None:
        """See `Forge.find_issue`."""
        return self.inner.find_issue(topic)

    def clone_url(self) -> str:
        """See `Forge.clone_url`."""
        return self.inner.clone_url()

    # ---------------------------------------------------------------- writes

    def ensure_pr(
        self, branch: str, *, base: str, title: str, body: str, labels: Sequence[str] = (), reviewers: Sequence[str] = (),
        number: int | None = None,
    ) -> PullRequest:  # fmt: skip
        """See `Forge.ensure_pr`."""
        title, body = self.redact(title), self.redact(body)
        head = self.inner.branch_sha(branch)

        def act() -> str:
            opened = self.inner.ensure_pr(
                branch, base=base, title=title, body=body, labels=labels, reviewers=reviewers, number=number
            )  # fmt: skip
            return str(opened.number)

        content = (base, title, body, list(labels), list(reviewers), head, number)
        words = f"open or update the pull request from {branch} to {base}: {title}"
        if self.ledger.dry and number is not None:
            still_open(self.inner.pull_request(number))
        done = self.ledger.once("pull request", branch, content, act, words=words)
        if not self.ledger.dry:
            return self.inner.pull_request(int(done))
        new = {"title": title, "body": body, "labels": tuple(labels)}
        for known in self.inner.find_prs(branch):
            if known.head_branch == branch:
                return known.model_copy(update=new)
        return PullRequest(
            number=0, author=self.account, head_sha=head or "", head_branch=branch, base_branch=base, **new
        )

    def close_pr(self, number: int, reason: str) -> None:
        """See `Forge.close_pr`."""
        text = self.redact(reason)
        self._once(
            "close", str(number), text, lambda: self.inner.close_pr(number, text), f"close #{number}: {text}"
        )  # fmt: skip

    def merge(self, number: int, expected_sha: str) -> None:
        """See `Forge.merge`. A dry run refuses what the forge would refuse, to take the same turn."""
        if self.ledger.dry:
            found = self.inner.pull_request(number)
            if found.state == "closed" or (found.state == "open" and found.head_sha != expected_sha):
                raise Obsolete(f"{self.repo.path}#{number} is {found.state} at {found.head_sha}, not at {expected_sha}")
        self._once(
            "merge", str(number), expected_sha, lambda: self.inner.merge(number, expected_sha),
            f"merge #{number} at {expected_sha[:12]}",
        )  # fmt: skip

    def ensure_comment(self, number: int, topic: str, body: str, *, state: str | None = None) -> str:
        """See `Forge.ensure_comment`."""
        text = self.redact(body)
        return self.ledger.once(
            "comment", f"{number}/{topic}", (text, state),
            lambda: self.inner.ensure_comment(number, topic, text, state=state),
            words=f"comment on #{number} ({topic}): {text}",
        )  # fmt: skip

    def react(self, number: int, comment_id: str, reaction: str) -> None:
        """See `Forge.react`."""
        self._once(
            "reaction", f"{comment_id}/{reaction}", "", lambda: self.inner.react(number, comment_id, reaction),
            f"react to comment {comment_id} of #{number} with {reaction}",
        )  # fmt: skip

    def set_check(
        self, sha: str, name: str, state: CheckState, *, summary: str, url: str = "", text: str = "",
        annotations: Sequence[Annotation] = (), number: int | None = None,
    ) -> None:  # fmt: skip
        """See `Forge.set_check`."""
        summary, text = self.redact(summary), self.redact(text)
        content = (str(state), summary, url, text, [one.model_dump() for one in annotations])
        self._once(
            "check", f"{sha}/{name}", content,
            lambda: self.inner.set_check(
                sha, name, state, summary=summary, url=url, text=text, annotations=annotations, number=number
            ),
            f"set check {name} on {sha[:12]} to {state}: {summary}",
        )  # fmt: skip
        self.running.pop((sha, name), None)
        if state is CheckState.RUNNING:
            self.running[sha, name] = number

    def call_off(self, reason: str) -> None:
        """End the checks that this run has left running, so that nobody waits for them. Raises what the forge raises."""
        for (sha, name), number in list(self.running.items()):
            self.set_check(sha, name, CheckState.CANCELLED, summary=reason, number=number)

    def ensure_issue(self, topic: str, title: str, body: str) -> Issue:
        """See `Forge.ensure_issue`."""
        title, body = self.redact(title), self.redact(body)
        number = self.ledger.once(
            "issue", topic, (title, body), lambda: str(self.inner.ensure_issue(topic, title, body).number),
            words=f"open or update the issue {topic}: {title}",
        )  # fmt: skip
        return Issue(number=0, title=title, body=body) if self.ledger.dry else self.inner.read_issue(int(number))

    def close_issue(self, number: int, reason: str) -> None:
        """See `Forge.close_issue`."""
        text = self.redact(reason)
        words = f"close the issue #{number}: {text}"
        self._once("close issue", str(number), text, lambda: self.inner.close_issue(number, text), words)

    def ensure_fork(self) -> str:
        """See `Forge.ensure_fork`; in a dry run the repository itself, whose pushes are not made either."""
        words = f"fork {self.repo.path}"
        return self.ledger.once("fork", "fork", "", self.inner.ensure_fork, words=words) or self.repo.path

    def _once(self, kind: str, key: str, content: Any, act: Callable[[], None], words: str) -> None:
        def done() -> str:
            act()
            return ""

        self.ledger.once(kind, key, content, done, words=words)


@dataclass(frozen=True)
class RecordedWorkspace:
    """A workspace whose pushes go through the ledger and are remembered as ours."""

    inner: Workspace
    ledger: Ledger

    def checkout(self, sha: str) -> Any:
        """See `Workspace.checkout`."""
        return self.inner.checkout(sha)

    def read(self, sha: str, paths: Iterable[str]) -> Mapping[str, bytes]:
        """See `Workspace.read`."""
        return self.inner.read(sha, paths)

    def files(self, sha: str) -> Sequence[str]:
        """See `Workspace.files`."""
        return self.inner.files(sha)

    def commit(
        self,
        *,
        branch: str,
        parent: str,
        changes: Mapping[str, bytes],
        message: str,
        expected: str | None,
        before_push: Callable[[str], None] = lambda sha: None,
    ) -> str:
        """See `Workspace.commit`; the commit counts as ours from before it is visible. A dry run gives the parent."""
        content = (parent, {path: hashlib.sha256(data).hexdigest() for path, data in changes.items()}, message)

        def remember(sha: str) -> None:
            self.ledger.store.add_own_commit(self.ledger.job.repo.id, sha)
            before_push(sha)

        def act() -> str:
            return self.inner.commit(
                branch=branch, parent=parent, changes=changes, message=message, expected=expected, before_push=remember
            )

        words = f"push to {branch} a commit that changes {', '.join(sorted(changes))}: {message}"
        return self.ledger.once("push", branch, content, act, words=words) or parent
