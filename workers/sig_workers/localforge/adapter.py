"""The local forge as bots see it: the same protocol as the hosted ones, over the store and bare repositories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Literal

from sig_bots.errors import NotFound
from sig_bots.forge import (
    Annotation,
    Capabilities,
    ChangedFile,
    Check,
    CheckState,
    ForgeComment,
    Issue,
    Permission,
    still_open,
)
from sig_bots.refs import Actor, PullRequest, Repo, same_account
from sig_bots.voice import Voice, state_key
from sig_workers.localforge.forge import LocalForge
from sig_workers.localforge.state import actor

__all__ = ["LocalHost", "LocalRepository"]

CAPABILITIES = Capabilities(folds=False, reviewers=False, private_hooks=True)


@dataclass(frozen=True)
class LocalHost:
    """The local forge as a configured instance."""

    forge: LocalForge
    name: str = "local"
    account: str = "sigbot"
    service: str = "sigbot"
    capabilities: Capabilities = CAPABILITIES

    def repositories(self) -> Sequence[Repo]:
        """All repositories that are not somebody's fork of another."""
        return [self.repository(row.path).repo for row in self.forge.state.all()]

    def repository(self, path: str, bot: str = "sigbot") -> LocalRepository:
        """One repository, for one bot."""
        return LocalRepository(self, path, bot)

    def git_credentials(self, path: str) -> tuple[str, str] | None:
        """None needed: repositories are opened by path."""
        return None

    def hook_keys(self, path: str) -> Mapping[str, bytes]:
        """One secret for the whole forge, so none per project."""
        return {}


@dataclass(frozen=True)
class LocalRepository:
    """One repository of the local forge, as our account sees it."""

    host: LocalHost
    path: str
    bot: str = "sigbot"

    @property
    def repo(self) -> Repo:
        """The repository. Raises NotFound."""
        row = self.host.forge.state.row(self.path)
        return Repo(
            path=row.path, instance=self.host.name, forge_id=str(row.id), private=row.private,
            default_branch=row.default_branch,
        )  # fmt: skip

    @property
    def capabilities(self) -> Capabilities:
        """What the local forge can do."""
        return self.host.capabilities

    @property
    def account(self) -> Actor:
        """Our account."""
        return actor(self.host.account)

    @property
    def _voice(self) -> Voice:
        return Voice(self.host.service, self.bot, self.account)

    def read_file(self, path: str, ref: str | None = None) -> bytes | None:
        """The file, None when it is not there."""
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            return None
        history = self.host.forge.history(self.path)
        try:
            return history.read(path, history.resolve(ref or self.repo.default_branch or "main"))
        except NotFound:
            if ref is None:
                return None  # an empty repository has no files
            raise

    def branch_sha(self, branch: str) -> str | None:
        """Commit of a branch."""
        return self.host.forge.history(self.path).branch_sha(branch)

    def changed_files(self, number: int) -> tuple[ChangedFile, ...]:
        """Files of the pull request with their added lines."""
        found = self.pull_request(number)
        return self.host.forge.history(self.path).changed_files(self._base_tip(found), found.head_sha)

    def merge_base(self, number: int) -> str:
        """Where the branch left its base branch; once merged, the base branch as it was then."""
        found = self.pull_request(number)
        start = self.host.forge.history(self.path).merge_base(self._base_tip(found), found.head_sha)
        if start is None:
            raise NotFound(f"{self.path}#{number} and {found.base_branch} have no commit in common")
        return start

    def _base_tip(self, found: PullRequest) -> str:
        history = self.host.forge.history(self.path)
        onto = history.merged_onto(found.base_branch, found.head_sha) if found.state == "merged" else None
        return onto or history.resolve(found.base_branch)

    def pull_request(self, number: int) -> PullRequest:
        """The pull request now."""
        return self.host.forge.pull(self.path, number)

    def find_prs(
        self, head_prefix: str = "", state: Literal["open", "closed", "merged", "all"] = "open"
    ) -> Sequence[PullRequest]:
        """Pull requests by head branch and state, newest first."""
        found = self.host.forge.state.pulls(self.path, state=state)
        return [one for one in found if one.head_branch.startswith(head_prefix)]

    def permission(self, actor: Actor) -> Permission:
        """What the account may do."""
        return self.host.forge.state.permission(self.path, actor.login)

    def ensure_pr(
        self, branch: str, *, base: str, title: str, body: str, labels: Sequence[str] = (), reviewers: Sequence[str] = (),
        number: int | None = None,
    ) -> PullRequest:  # fmt: skip
        """Open it, or bring title, body and labels of the open one up to date."""
        text = self._voice.sign("pull-request", body)
        if number is not None:
            existing: PullRequest | None = still_open(self.pull_request(number))
        else:
            existing = next((one for one in self.find_prs(branch) if one.head_branch == branch), None)
        if existing is None:
            return self.host.forge.open_pull(
                self.path, self.host.account, branch=branch, base=base, title=title, body=text, labels=tuple(labels)
            )
        ours = same_account(existing.author, self.account)  # a person's pull request keeps its words
        if ours and (existing.title, existing.body, existing.labels) != (title, text, tuple(labels)):
            state = self.host.forge.state
            state.change_pull(self.path, existing.number, title=title, body=text, labels=list(labels))
        return self.pull_request(existing.number)

    def close_pr(self, number: int, reason: str) -> None:
        """Close with a comment that says why."""
        if self.pull_request(number).state == "open":
            self.ensure_comment(number, "closed", reason)
            self.host.forge.close(self.path, number, self.host.account)

    def merge(self, number: int, expected_sha: str) -> None:
        """Merge at the expected commit."""
        if self.pull_request(number).state != "merged":
            self.host.forge.merge(self.path, number, self.host.account, expected_sha=expected_sha)

    def ensure_comment(self, number: int, topic: str, body: str, *, state: str | None = None) -> str:
        """The one living comment of the topic, edited in place."""
        text = self._voice.sign(topic, body, state_key(body, state))
        mine = self._voice.newest(self.comments(number), topic)
        if mine is None:
            return self.host.forge.comment(self.path, number, self.host.account, text)
        if mine.body != text:
            self.host.forge.edit_comment(self.path, number, mine.id, self.host.account, text)
        return mine.id

    def comments_since(self, since: datetime) -> Sequence[ForgeComment]:
        """Comments on open pull requests since then."""
        opened = {one.number for one in self.find_prs()}
        found = self.host.forge.state.comments(self.path, since=since)
        return [one for one in found if one.number in opened]

    def comments(self, number: int) -> Sequence[ForgeComment]:
        """All comments, oldest first."""
        return self.host.forge.state.comments(self.path, number=number)

    def react(self, number: int, comment_id: str, reaction: str) -> None:
        """Add a reaction."""
        self.host.forge.state.react(comment_id, self.host.account, reaction)

    def set_check(
        self, sha: str, name: str, state: CheckState, *, summary: str, url: str = "", text: str = "",
        annotations: Sequence[Annotation] = (), number: int | None = None,
    ) -> None:  # fmt: skip
        """Set the check on the commit. Raises NotFound when there is no such commit."""
        check = Check(
            name=name, sha=sha, state=state, summary=summary, url=url, text=text, annotations=tuple(annotations)
        )
        self.host.forge.set_check(self.path, check, self.host.account)

    def checks(self, sha: str, number: int | None = None) -> Sequence[Check]:
        """Checks of the commit."""
        return [check for check, _ in self.host.forge.state.checks(self.path, sha)]

    def required_checks(self, branch: str) -> Sequence[str]:
        """The local forge requires none."""
        return ()

    def ensure_issue(self, topic: str, title: str, body: str) -> Issue:
        """Our open issue of the topic."""
        state, text = self.host.forge.state, self._voice.sign(topic, body)
        known = self.find_issue(topic)
        if known is None or known.state != "open":
            return self.read_issue(state.add_issue(self.path, title, text, self.host.account))
        if (known.title, known.body) != (title, text):
            state.change_issue(self.path, known.number, title=title, body=text)
        return self.read_issue(known.number)

    def find_issue(self, topic: str) -> Issue | None:
        """Our open issue of the topic, else the newest that is closed."""
        found = self.host.forge.state.issues(self.path)
        ours = [self._linked(one) for author, one in found if self._voice.is_mine(actor(author), one.body, topic)]
        return min(ours, key=lambda one: (one.state != "open", -one.number), default=None)

    def close_issue(self, number: int, reason: str) -> None:
        """Close with a comment that says why."""
        if self.read_issue(number).state == "open":
            self.ensure_comment(number, "closed", reason)
            self.host.forge.state.change_issue(self.path, number, state="closed")

    def _linked(self, issue: Issue) -> Issue:
        return issue.model_copy(update={"url": f"{self.host.forge.url}/forge/{self.path}/issue/{issue.number}"})

    def read_issue(self, number: int) -> Issue:
        """The issue."""
        return self._linked(self.host.forge.issue(self.path, number)[1])

    def ensure_fork(self) -> str:
        """Our fork."""
        return self.host.forge.fork(self.path, self.host.account)

    def clone_url(self) -> str:
        """Path of the bare repository."""
        return str(self.host.forge.history(self.path).folder)
