"""Repositories of the fake forge: real histories of files, in memory, and the workspace that reads and pushes them."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sig_bots.errors import NotFound, Obsolete
from sig_bots.forge import Check, ForgeComment, Issue, Permission
from sig_bots.refs import Actor, PullRequest

__all__ = ["Commit", "FakeCheckout", "FakeRepository", "FakeWorkspace"]


@dataclass(frozen=True)
class Commit:
    """A commit: its files in whole, its parent, who and when."""

    sha: str
    parent: str | None
    files: Mapping[str, bytes]
    message: str
    author: str


@dataclass
class FakeRepository:
    """State of one repository; tests read and change it freely."""

    path: str
    forge_id: str
    private: bool = False
    default_branch: str = "main"
    parent: FakeRepository | None = None
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    permissions: dict[str, Permission] = field(default_factory=dict)
    pull_requests: dict[int, PullRequest] = field(default_factory=dict)
    comments: list[ForgeComment] = field(default_factory=list)
    checks: dict[tuple[str, str], Check] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    issue_authors: dict[int, Actor] = field(default_factory=dict)
    """Who opened an issue; our account where nothing is said."""
    reviewers: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Pull request -> who was asked to review it."""
    required: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Branch -> names of the checks required there."""
    reactions: set[tuple[str, str, str]] = field(default_factory=set)

    def find_commit(self, ref: str) -> Commit:
        """The commit a branch name or sha means, here or in a fork's history. Raises NotFound."""
        sha = self.branches.get(ref, ref)
        if sha not in self.commits:
            raise NotFound(f"{self.path} has no commit or branch {ref}")
        return self.commits[sha]

    def commit(
        self, branch: str, changes: Mapping[str, bytes | None], *, message: str, author: str, parent: str | None = None
    ) -> str:
        """Add a commit (None deletes a file) on top of the branch, or of `parent`, and move the branch there."""
        base = parent or self.branches.get(branch) or self.branches.get(self.default_branch)
        files = dict(self.commits[base].files) if base else {}
        for path, content in changes.items():
            if content is None:
                files.pop(path, None)
            else:
                files[path] = content
        text = repr((base, sorted(files.items()), message, author)).encode()
        sha = hashlib.sha1(text, usedforsecurity=False).hexdigest()
        self.commits[sha] = Commit(sha, base, files, message, author)
        self.branches[branch] = sha
        return sha

    def next_number(self) -> int:
        """Pull requests and issues share one sequence of numbers."""
        return 1 + max([0, *self.pull_requests, *self.issues])


@dataclass(frozen=True)
class FakeCheckout:
    """Files of a commit, written to a temporary folder."""

    path: Path
    sha: str
    commit: Commit

    def files(self) -> Sequence[str]:
        """Paths of all files."""
        return sorted(self.commit.files)


@dataclass
class FakeWorkspace:
    """Workspace over a fake repository; a push counts as ours."""

    repository: FakeRepository
    account: str
    own: set[str] = field(default_factory=set)
    """Commits pushed here count as ours."""

    @contextmanager
    def checkout(self, sha: str) -> Iterator[FakeCheckout]:
        """The files on disk for the duration of the block."""
        commit = self.repository.find_commit(sha)
        with tempfile.TemporaryDirectory(prefix="sigbot-fake-") as folder:
            root = Path(folder)
            for name, content in commit.files.items():
                target = root / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            yield FakeCheckout(root, commit.sha, commit)

    def read(self, sha: str, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Some files of a commit."""
        files = self.repository.find_commit(sha).files
        return {path: files[path] for path in paths if path in files}

    def files(self, sha: str) -> Sequence[str]:
        """Paths of all files of a commit."""
        return sorted(self.repository.find_commit(sha).files)

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
        """Push one commit on `parent`; the same again is the same commit."""
        before = self.repository.branches.get(branch)
        planned = self.repository.find_commit(parent)
        trial = FakeRepository("trial", "0", commits={planned.sha: planned})
        sha = trial.commit(branch, changes, message=message, author=self.account, parent=planned.sha)
        if before == sha:
            return sha
        before_push(sha)
        self.own.add(sha)
        if before != expected:
            raise Obsolete(f"branch {branch} moved: expected {expected}, found {before}")
        self.repository.commits[sha] = trial.commits[sha]
        self.repository.branches[branch] = sha
        return sha


def now() -> datetime:
    """The time comments of the fake forge carry."""
    return datetime.now(UTC)
