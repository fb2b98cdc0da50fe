"""The local forge: everything a hosted one has, in the data folder, and the people who use it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from sig_bots.errors import NotFound, Obsolete, SigbotError, UserError
from sig_bots.events import NO_COMMIT, issue_text_id
from sig_bots.forge import Check, CheckState, Issue, Permission
from sig_bots.refs import PullRequest
from sig_workers.clone_url import local_clone_url
from sig_workers.localforge.history import History, check_path
from sig_workers.localforge.hooks import HookSender
from sig_workers.localforge.payloads import Payloads
from sig_workers.localforge.pushes import Push, PushNotes, hook_scripts
from sig_workers.localforge.state import LocalState
from sig_workers.store.database import Database
from sig_workers.store.errors import StoreDown

__all__ = ["LocalForge"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LocalForge:
    """Repositories below `root`, their state in the store, and webhooks sent for whatever happens.

    People act through the methods here; the bots act through the adapter over the same methods.
    """

    state: LocalState
    root: Path
    url: str
    """Where the pages are, for links."""
    hooks: HookSender

    @classmethod
    def of(cls, data: Path, url: str, database: Database, hooks: HookSender) -> Self:
        """The local forge of a data folder, over the service's own store."""
        return cls(LocalState(database), data / "forge", url, hooks)

    def history(self, path: str) -> History:
        """The git side of a repository."""
        return History(self.root, check_path(path))

    def create(self, path: str, owner: str, *, private: bool = False, default_branch: str = "main") -> History:
        """A new empty repository, or the one that is there."""
        history = self.history(path)
        history.create(default_branch, hook_scripts(self.root.parent, path))
        self.state.create(path, owner, private=private, default_branch=default_branch)
        return history

    def fork(self, path: str, owner: str) -> str:
        """The account's fork, made when missing; returns its path."""
        name = f"{owner}/{path.split('/', 1)[1]}"
        parent = self.state.row(path)
        if name != path and self.state.find(name) is None:
            source = local_clone_url(self.history(path).folder, self.root)
            self.create(name, owner, private=parent.private, default_branch=parent.default_branch).fetch_from(source)
        return name

    def pull(self, path: str, number: int) -> PullRequest:
        """A pull request. Raises NotFound."""
        found = self.state.pulls(path, state="all", number=number)
        if not found:
            raise NotFound(f"{path} has no pull request {number}")
        return found[0]

    def issue(self, path: str, number: int) -> tuple[str, Issue]:
        """An issue and its author. Raises NotFound."""
        found = next((one for one in self.state.issues(path) if one[1].number == number), None)
        if found is None:
            raise NotFound(f"{path} has no issue {number}")
        return found

    # ---------------------------------------------------------------- what people (and bots) do

    def open_pull(
        self, path: str, login: str, *, branch: str, base: str, title: str, body: str = "",
        head_repo: str | None = None, labels: tuple[str, ...] = (),
    ) -> PullRequest:  # fmt: skip
        """Open a pull request. Raises NotFound (no such branch), UserError (nothing to merge, or one is open)."""
        source = head_repo or path
        head = self.history(source).branch_sha(branch)
        target = self.history(path).branch_sha(base)
        if head is None or target is None:
            missing = f"{source} has no branch {branch}" if head is None else f"{path} has no branch {base}"
            raise NotFound(missing)
        self._fetch_head(path, source, branch)
        if self.history(path).merge_base(target, head) == head:
            raise UserError(f"{branch} holds no commit that {base} lacks, so there is nothing to merge")
        if any(one.head_branch == branch for one in self.state.pulls(path, head_repo=source)):
            raise UserError(f"a pull request from {branch} is open already")
        fields: dict[str, Any] = {
            "title": title, "body": body, "author": login, "head_repo": source, "head_branch": branch,
            "base_branch": base, "head_sha": head, "labels": list(labels),
        }  # fmt: skip
        hook = Announcement(self, path, login)
        opened = self.state.add_pull(
            path, fields, f"{self.url}/forge/{path}/pull/", lambda new: hook.pull_request(new, "opened")
        )
        hook.release()
        return opened

    def comment(self, path: str, number: int, login: str, text: str) -> str:
        """Write a comment; returns its id."""
        hook = Announcement(self, path, login)
        made = self.state.add_comment(path, number, login, text, lambda new: hook.comment(number, new, text))
        hook.release()
        return made

    def edit_comment(self, path: str, number: int, comment_id: str, login: str, text: str) -> None:
        """Change a comment's text."""
        before = next((one.body for one in self.state.comments(path, number=number) if one.id == comment_id), "")
        self.state.edit_comment(comment_id, text)
        payload = Payloads(self.state).comment(path, number, comment_id, "edited", text, login, before=before)
        self.hooks.send(payload)

    def set_check(self, path: str, check: Check, login: str) -> None:
        """Set a check on a commit; when it has ended, tell so. Raises NotFound when there is no such commit."""
        history = self.history(path)
        history.resolve(check.sha)
        before = next((one for one, _ in self.state.checks(path, check.sha) if one.name == check.name), None)
        fields = check.model_dump(mode="json", exclude={"name", "sha"})
        self.state.set_check(path, check.sha, check.name, fields)
        if check.state not in (CheckState.PENDING, CheckState.RUNNING, before.state if before else None):
            self.hooks.send(Payloads(self.state).check(path, check, history.branches_at(check.sha), login))

    def edit_issue(self, path: str, number: int, login: str, text: str) -> None:
        """Change an issue's text. Anybody may, for there are no triagers here: what comes of it, the bots decide."""
        before = self.issue(path, number)[1].body
        if before == text:
            return
        hook = Announcement(self, path, login)
        self.state.change_issue(path, number, lambda: hook.issue(number, text, before), body=text)
        hook.release()

    def set_issue_state(self, path: str, number: int, state: Literal["open", "closed"]) -> None:
        """Close or reopen an issue. Raises NotFound."""
        self.issue(path, number)
        self.state.change_issue(path, number, state=state)

    def close(self, path: str, number: int, login: str) -> None:
        """Close a pull request without merging; nothing when it is not open."""
        if self.pull(path, number).state != "open":
            return
        hook = Announcement(self, path, login)
        self.state.change_pull(path, number, lambda now: hook.pull_request(now, "closed"), state="closed")
        hook.release()

    def merge(self, path: str, number: int, login: str, *, expected_sha: str | None = None) -> str:
        """Merge a pull request; returns the commit of the base branch.

        Raises Obsolete (head moved, conflict, not open), UserError when the account may not write.
        """
        found = self.pull(path, number)
        if found.state != "open":
            raise Obsolete(f"{path}#{number} is {found.state}")
        if expected_sha is not None and found.head_sha != expected_sha:
            raise Obsolete(f"{path}#{number} is at {found.head_sha[:12]} now, not at {expected_sha[:12]}")
        if self.state.permission(path, login) < Permission.WRITE:
            raise UserError(f"{login} may not merge in {path}; it needs write access")
        history = self.history(path)
        before = history.branch_sha(found.base_branch)
        merged = history.merge(found.base_branch, found.head_sha, f"Merge #{number}: {found.title}\n", login)
        hook = Announcement(self, path, login)
        self.state.change_pull(path, number, lambda now: hook.pull_request(now, "merged"), state="merged")
        hook.release()
        self.after_push(path, f"refs/heads/{found.base_branch}", before or NO_COMMIT, merged, login)
        return merged

    def after_push(self, path: str, ref: str, before: str, after: str, login: str | None = None) -> None:
        """What a forge does when a ref moved: follow the heads of pull requests, send the webhooks."""
        history = self.history(path)
        deleted = not after.strip("0")
        who = login or (self.state.row(path).owner if deleted else history.committer(after))
        changed: tuple[tuple[str, ...], bool] = ((), False)
        if not deleted and before.strip("0"):
            changed = history.changed_paths(before, after)
        self.hooks.send(Payloads(self.state).push(path, ref, before, after, who, changed))
        branch = ref.removeprefix("refs/heads/")
        if deleted or branch == ref:
            return
        for target, pull_request in self.state.pulls_from(path, branch):
            self._fetch_head(target, path, branch)
            # not `after`: of two pushes the earlier one may be followed up later
            self.state.change_pull(target, pull_request.number, head_sha=history.branch_sha(branch) or after)
            moved = self.pull(target, pull_request.number)
            self.hooks.send(Payloads(self.state).pull_request(target, moved, "updated", who))

    def catch_up(self) -> None:
        """Follow up pushes whose hook died, and send the webhooks that were kept, also by processes that died."""
        for push in PushNotes(self.root.parent).left():
            try:
                self._follow_up(push)
            except StoreDown:
                raise
            except SigbotError as error:  # it will not get better, and the others wait behind it
                log.warning("a push into %s could not be followed up: %s", push.path, error)
        self.hooks.recover(self._happened)
        self.hooks.flush()

    def _follow_up(self, push: Push) -> None:
        if self.state.find(push.path) is None:
            return
        history = self.history(push.path)
        for before, after, ref in push.updates:
            if history.holds(ref, after):
                self.after_push(push.path, ref, before, after, push.login)

    def _happened(self, event: str, body: Mapping[str, Any]) -> bool:
        """Whether what a webhook tells was committed."""
        path = body["repo"]["path"]
        if self.state.find(path) is None:
            return False
        if event == "pull_request":
            told = body["pull_request"]
            found = self.state.pulls(path, state="all", number=told["number"])
            return bool(found) and (body["action"] == "opened" or found[0].state == told["state"])
        if event == "comment" and body["comment"]["id"] == issue_text_id(body["number"] or 0):
            return any(
                one.body == body["comment"]["text"]
                for _, one in self.state.issues(path)
                if one.number == body["number"]
            )
        if event == "comment":
            return any(one.id == body["comment"]["id"] for one in self.state.comments(path, number=body["number"]))
        return True

    def _fetch_head(self, path: str, source: str, branch: str) -> None:
        """Bring a fork's branch into the target's objects, so that diffs and merges find it."""
        if source == path:
            return
        history = self.history(path)
        url = local_clone_url(self.history(source).folder, self.root)
        history.git.remote(
            url, None, "fetch", "--quiet", "--no-filter", "--no-write-fetch-head", "origin",
            f"+refs/heads/{branch}:refs/forks/{source}/{branch}",
        )  # fmt: skip


class Announcement:
    """The webhook of one act: prepared while it is written, released when that is committed."""

    def __init__(self, forge: LocalForge, path: str, login: str) -> None:
        self._hooks = forge.hooks
        self._path = path
        self._login = login
        self._payloads = Payloads(forge.state)
        self._prepared: Path | None = None

    def pull_request(self, pull_request: PullRequest, action: str) -> None:
        """Something is being done to a pull request."""
        self._prepare(self._payloads.pull_request(self._path, pull_request, action, self._login))

    def comment(self, number: int, comment_id: str, text: str) -> None:
        """A comment is being written."""
        self._prepare(self._payloads.comment(self._path, number, comment_id, "created", text, self._login))

    def issue(self, number: int, text: str, before: str) -> None:
        """An issue's text is being changed."""
        place = issue_text_id(number)
        self._prepare(self._payloads.comment(self._path, number, place, "edited", text, self._login, before=before))

    def release(self) -> None:
        """It is committed: send the webhook."""
        if self._prepared is not None:
            self._hooks.release(self._prepared)

    def _prepare(self, payload: tuple[str, Mapping[str, Any]]) -> None:
        if self._prepared is not None:
            self._prepared.unlink(missing_ok=True)  # the transaction is tried a second time
        self._prepared = self._hooks.prepare(payload)
