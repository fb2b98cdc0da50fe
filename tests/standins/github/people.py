"""People on the stand-in: what they do (with the webhooks that follow) and what they see. Python, no HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from tests.standins.github import answers
from tests.standins.github.actions import Actions
from tests.standins.github.hooks import Delivery, Postman
from tests.standins.github.model import (
    CheckRun,
    Comment,
    Issue,
    Repository,
    Review,
    User,
    World,
)


class People:
    """The acts of people; `as_user` is the login of who does it. Full names are `owner/name`."""

    world: World
    postman: Postman
    actions: Actions

    def user(self, login: str) -> User:
        """An account by login. Raises KeyError."""
        found = self.world.user(login)
        if found is None:
            raise KeyError(login)
        return found

    def repo(self, full_name: str) -> Repository:
        """A repository by full name. Raises KeyError."""
        found = self.world.repository(full_name)
        if found is None:
            raise KeyError(full_name)
        return found

    # ------------------------------------------------------------ people act

    @contextmanager
    def _acting(self, full_name: str, login: str) -> Iterator[tuple[Repository, User]]:
        with self.world.lock:
            yield self.repo(full_name), self.user(login)

    def commit(
        self,
        full_name: str,
        branch: str,
        files: Mapping[str, str | bytes | None],
        as_user: str,
        *,
        start: str | None = None,
        message: str = "Change files",
        force: bool = False,
    ) -> str:
        """Commit on a branch (made from `start`, by default the default branch) as if pushed; the new commit."""
        with self._acting(full_name, as_user) as (repo, who):
            before = repo.git.refs()
            base = repo.git.resolve(start or repo.default_branch)
            parent = base if force else repo.git.branches().get(branch, base)
            sha = repo.git.commit_files(branch, files, message, as_user, parent=parent)
            self.actions.pushed(repo, who, before)
            return sha

    def delete_branch(self, full_name: str, branch: str, as_user: str) -> None:
        """Delete a branch; open pull requests from it are closed."""
        with self._acting(full_name, as_user) as (repo, who):
            before = repo.git.refs()
            repo.git.set_ref(f"refs/heads/{branch}", None)
            self.actions.pushed(repo, who, before)

    def fork(self, full_name: str, as_user: str) -> str:
        """Fork a repository; the fork's full name."""
        with self._acting(full_name, as_user) as (repo, who):
            return self.actions.fork(repo, who).full_name

    def open_pull(
        self,
        full_name: str,
        head: str,
        base: str = "main",
        *,
        as_user: str,
        title: str = "A change",
        body: str = "",
        draft: bool = False,
    ) -> int:
        """Open a pull request from `branch` or `owner:branch`; its number. Raises wire.ApiError."""
        with self._acting(full_name, as_user) as (repo, who):
            return self.actions.open_pull(repo, who, head=head, base=base, title=title, body=body, draft=draft).number

    def open_issue(self, full_name: str, title: str, body: str = "", *, as_user: str) -> int:
        """Open an issue; its number."""
        with self._acting(full_name, as_user) as (repo, who):
            return self.actions.open_issue(repo, who, title, body, []).number

    def comment(self, full_name: str, number: int, body: str, *, as_user: str) -> Comment:
        """Comment on an issue or pull request."""
        with self._acting(full_name, as_user) as (repo, who):
            return self.actions.comment(repo, repo.issues[number], who, body)

    def edit_comment(self, full_name: str, comment: Comment, body: str, *, as_user: str) -> None:
        """Edit a comment."""
        with self._acting(full_name, as_user) as (repo, who):
            self.actions.edit_comment(repo, comment, who, body)

    def delete_comment(self, full_name: str, comment: Comment, *, as_user: str) -> None:
        """Delete a comment."""
        with self._acting(full_name, as_user) as (repo, who):
            self.actions.delete_comment(repo, comment, who)

    def comment_commit(self, full_name: str, sha: str, body: str, *, as_user: str) -> Comment:
        """Comment on a commit."""
        with self._acting(full_name, as_user) as (repo, who):
            return self.actions.commit_comment(repo, who, sha, body)

    def review(self, full_name: str, number: int, body: str, *, as_user: str, state: str = "commented") -> Review:
        """Submit a review: commented, approved or changes_requested."""
        with self._acting(full_name, as_user) as (repo, who):
            return self.actions.review(repo, repo.issues[number], who, body, state)

    def label(self, full_name: str, number: int, *names: str, as_user: str) -> None:
        """Put labels on an issue or pull request."""
        with self._acting(full_name, as_user) as (repo, who):
            self.actions.add_labels(repo, repo.issues[number], who, list(names))

    def edit(self, full_name: str, number: int, *, as_user: str, **new: Any) -> None:
        """Change `title`, `body`, `base` or `state` (open, closed) of an issue or pull request."""
        with self._acting(full_name, as_user) as (repo, who):
            self.actions.edit_issue(repo, repo.issues[number], who, new)

    def close(self, full_name: str, number: int, *, as_user: str) -> None:
        """Close an issue or pull request."""
        self.edit(full_name, number, as_user=as_user, state="closed")

    def reopen(self, full_name: str, number: int, *, as_user: str) -> None:
        """Reopen an issue or pull request."""
        self.edit(full_name, number, as_user=as_user, state="open")

    def merge(self, full_name: str, number: int, *, as_user: str, method: str = "merge") -> str:
        """Press the merge button; the new commit."""
        with self._acting(full_name, as_user) as (repo, who):
            return self.actions.merge(repo, repo.issues[number], who, sha=None, method=method, title=None)

    def status(self, full_name: str, sha: str, context: str, state: str, *, as_user: str) -> None:
        """Report a commit status, as a CI system does: pending, success, failure, error."""
        with self._acting(full_name, as_user) as (repo, who):
            self.actions.set_status(repo, who, sha, {"context": context, "state": state})

    def require(self, full_name: str, *contexts: str, branch: str = "main", ruleset: bool = False) -> None:
        """Require checks on a branch, by its protection or by a ruleset; none takes the requirement away."""
        repo = self.repo(full_name)
        where = repo.rulesets if ruleset else repo.protected
        where.pop(branch, None)
        if contexts:
            where[branch] = list(contexts)

    def rerequest_check(self, full_name: str, name: str, sha: str, *, as_user: str) -> None:
        """Press "Re-run" beside the newest check run of that name on a commit."""
        with self._acting(full_name, as_user) as (repo, who):
            self.actions.rerequest_check(repo, self.checks(full_name, sha, name)[-1], who)

    def rerequest_suite(self, full_name: str, app_id: int, sha: str, *, as_user: str) -> None:
        """Press "Re-run all checks" of an App on a commit."""
        with self._acting(full_name, as_user) as (repo, who):
            self.actions.rerequest_suite(repo, self.world.apps[app_id], sha, who)

    def redeliver(self, delivery: Delivery) -> Delivery:
        """Press "Redeliver": the same GUID again."""
        return self.postman.redeliver(delivery)

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until every webhook so far was tried."""
        self.postman.settle(timeout)

    def token_lifetime(self, lifetime: timedelta) -> None:
        """How long new installation tokens are good for."""
        self.actions.token_lifetime = lifetime

    # ------------------------------------------------------------ people look

    def issue(self, full_name: str, number: int) -> Issue:
        """An issue or pull request (then `.pull` is set)."""
        return self.repo(full_name).issues[number]

    def checks(self, full_name: str, sha: str, name: str | None = None) -> list[CheckRun]:
        """The check runs of a commit, oldest first."""
        return [run for run in self.repo(full_name).checks if run.head_sha == sha and name in (None, run.name)]

    def read(self, full_name: str, path: str, ref: str = "main") -> bytes | None:
        """A file at a branch, tag or commit."""
        git = self.repo(full_name).git
        sha = git.resolve(ref)
        entry = git.entry(sha, path) if sha else None
        return git.blob(entry[2]) if entry and entry[1] == "blob" else None

    def page_of(self, full_name: str, number: int) -> dict[str, Any]:
        """A pull request in the words of the REST API."""
        return answers.pull(self.world, self.repo(full_name), self.issue(full_name, number), full=True)
