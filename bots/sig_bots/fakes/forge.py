"""A stateful forge in memory: repositories, pull requests, comments, checks. It obeys the contract of the real adapters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sig_bots.errors import NotFound, Obsolete
from sig_bots.fakes.changes import changes
from sig_bots.fakes.conversation import FakeConversation
from sig_bots.fakes.repository import FakeRepository
from sig_bots.forge import (
    Capabilities,
    ChangedFile,
    ForgeComment,
    Permission,
    still_open,
)
from sig_bots.refs import Actor, PullRequest, Repo

__all__ = ["FakeForge", "FakeHost"]


@dataclass
class FakeHost:
    """A forge instance in memory. `writes` lists every effect, in order, for tests that count them."""

    name: str = "fake"
    account_name: str = "sigbot"
    service: str = "sigbot"
    capabilities: Capabilities = field(default_factory=Capabilities)
    repos: dict[str, FakeRepository] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    serial: int = 0

    def create(self, path: str, files: Mapping[str, bytes], *, private: bool = False) -> FakeRepository:
        """A new repository with one commit on main; our account may write."""
        repository = FakeRepository(path, str(len(self.repos) + 1), private)
        repository.permissions[self.account_name] = Permission.WRITE
        repository.commit("main", dict(files), message="Start", author="founder")
        self.repos[path] = repository
        return repository

    def fork(self, path: str, owner: str) -> FakeRepository:
        """A fork that shares history with its parent."""
        parent = self.repos[path]
        name = f"{owner}/{path.rsplit('/', 1)[-1]}"
        copy = FakeRepository(name, str(len(self.repos) + 1), parent.private, parent=parent)
        copy.commits = parent.commits
        copy.branches = dict(parent.branches)
        copy.permissions[owner] = Permission.ADMIN
        return self.repos.setdefault(name, copy)

    def repositories(self) -> Sequence[Repo]:
        """All repositories that are no forks."""
        return [self.repository(path).repo for path, repo in self.repos.items() if repo.parent is None]

    def repository(self, path: str, bot: str = "sigbot") -> FakeForge:
        """One repository, for one bot."""
        return FakeForge(self, path, bot)

    def git_credentials(self, path: str) -> tuple[str, str] | None:
        """None is needed here."""
        return None

    def hook_keys(self, path: str) -> Mapping[str, bytes]:
        """This forge has no keys per project."""
        return {}


@dataclass
class FakeForge(FakeConversation):
    """One repository of a `FakeHost`, as our account sees it."""

    @property
    def repo(self) -> Repo:
        """The repository."""
        state = self.state
        return Repo(
            path=self.path,
            instance=self.host.name,
            forge_id=state.forge_id,
            private=state.private,
            default_branch=state.default_branch,
        )

    def read_file(self, path: str, ref: str | None = None) -> bytes | None:
        """The file, None when it is not there."""
        return self.state.find_commit(ref or self.state.default_branch).files.get(path)

    def branch_sha(self, branch: str) -> str | None:
        """Commit of a branch."""
        return self.state.branches.get(branch)

    def pull_request(self, number: int) -> PullRequest:
        """The pull request with its head as it is now."""
        if number not in self.state.pull_requests:
            raise NotFound(f"{self.path} has no pull request {number}")
        found = self.state.pull_requests[number]
        source = self.host.repos.get(found.head_repo or "")
        if source is None or found.state != "open":
            return found
        return found.model_copy(update={"head_sha": source.branches.get(found.head_branch, found.head_sha)})

    def changed_files(self, number: int) -> tuple[ChangedFile, ...]:
        """Files that differ between the merge base and the head, with the added lines."""
        head = self.state.find_commit(self.pull_request(number).head_sha)
        return changes(self.state.find_commit(self.merge_base(number)).files, head.files)

    def merge_base(self, number: int) -> str:
        """The newest commit that head and base branch share."""
        found = self.pull_request(number)
        ancestors = set()
        sha: str | None = self.state.branches[found.base_branch]
        while sha:
            ancestors.add(sha)
            sha = self.state.commits[sha].parent
        sha = found.head_sha
        while sha and sha not in ancestors:
            sha = self.state.commits[sha].parent
        if sha is None:
            raise NotFound(f"{self.path}#{number} and {found.base_branch} have no commit in common")
        return sha

    def find_prs(
        self, head_prefix: str = "", state: Literal["open", "closed", "merged", "all"] = "open"
    ) -> Sequence[PullRequest]:
        """Pull requests by head branch and state, newest first."""
        found = [self.pull_request(number) for number in sorted(self.state.pull_requests, reverse=True)]
        return [one for one in found if one.head_branch.startswith(head_prefix) and state in ("all", one.state)]

    def comments_since(self, since: datetime) -> Sequence[ForgeComment]:
        """Comments on open pull requests since then."""
        opened = {one.number for one in self.find_prs()}
        return [one for one in self.state.comments if one.number in opened and (one.edited or one.created) >= since]

    def permission(self, actor: Actor) -> Permission:
        """What the account may do."""
        return self.state.permissions.get(actor.login, Permission.NONE if self.state.private else Permission.READ)

    def ensure_pr(
        self,
        branch: str,
        *,
        base: str,
        title: str,
        body: str,
        labels: Sequence[str] = (),
        reviewers: Sequence[str] = (),
        number: int | None = None,
    ) -> PullRequest:
        """Open it, or update title, body and labels of the open one."""
        if branch not in self.state.branches:
            raise NotFound(f"{self.path} has no branch {branch}; push it first")
        if number is not None:
            existing: PullRequest | None = still_open(self.pull_request(number))
        else:
            existing = next((one for one in self.find_prs(branch) if one.head_branch == branch), None)
        text = self._voice.sign("pull-request", body)
        labels = tuple(labels) if self.capabilities.labels else ()
        if existing is not None:
            if existing.author.login != self.host.account_name:
                return existing
            updated = existing.model_copy(update={"title": title, "body": text, "labels": labels})
            self.state.reviewers[existing.number] = tuple(reviewers)
            if updated != existing:
                self.host.writes.append(f"edit pull request {self.path}#{existing.number}")
                self.state.pull_requests[existing.number] = updated
            return updated
        opened = self.open(
            branch, base=base, title=title, body=text, labels=labels, author=self.account, head_repo=self.path
        )
        self.state.reviewers[opened.number] = tuple(reviewers)
        return opened

    def open(
        self,
        branch: str,
        *,
        base: str,
        title: str,
        author: Actor,
        head_repo: str,
        body: str = "",
        labels: Sequence[str] = (),
    ) -> PullRequest:
        """Open a pull request as anybody."""
        number = self.state.next_number()
        opened = PullRequest(
            number=number,
            title=title,
            body=body,
            labels=tuple(labels),
            author=author,
            head_branch=branch,
            head_sha=self.host.repos[head_repo].branches[branch],
            base_branch=base,
            head_repo=head_repo,
            from_fork=head_repo != self.path,
            url=f"http://fake.example/{self.path}/pull/{number}",
        )
        self.state.pull_requests[number] = opened
        self.host.writes.append(f"open pull request {self.path}#{number}")
        return opened

    def close_pr(self, number: int, reason: str) -> None:
        """Close with a comment that says why."""
        if self.pull_request(number).state != "open":
            return
        self.ensure_comment(number, "closed", reason)
        found = self.pull_request(number)
        self.state.pull_requests[number] = found.model_copy(update={"state": "closed"})
        self.host.writes.append(f"close {self.path}#{number}")

    def merge(self, number: int, expected_sha: str) -> None:
        """Merge by taking the head's files over; refuses a head that moved."""
        found = self.pull_request(number)
        if found.state == "merged":
            return
        if found.head_sha != expected_sha or found.state != "open":
            raise Obsolete(f"{self.path}#{number} is {found.state} at {found.head_sha}, not at {expected_sha}")
        base = self.state.find_commit(self.merge_base(number)).files
        head = self.state.find_commit(found.head_sha).files
        changes = {path: head.get(path) for path in {*base, *head} if base.get(path) != head.get(path)}
        self.state.commit(found.base_branch, changes, message=f"Merge #{number}", author=self.host.account_name)
        self.state.pull_requests[number] = found.model_copy(update={"state": "merged"})
        self.host.writes.append(f"merge {self.path}#{number}")

    def ensure_fork(self) -> str:
        """Our fork."""
        return self.host.fork(self.path, self.host.account_name).path

    def clone_url(self) -> str:
        """A name only; the fake workspace reads the state directly."""
        return f"fake://{self.host.name}/{self.path}"
