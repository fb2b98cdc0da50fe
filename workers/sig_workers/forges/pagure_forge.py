"""One Pagure project behind our forge protocol. What Pagure does in its own way is said at each verb."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from functools import cached_property
from typing import Literal

from sig_bots.errors import ForgeError, NotFound, Obsolete, SigbotError, Transient
from sig_bots.forge import Annotation, Capabilities, ChangedFile, Check, CheckState, Permission, still_open
from sig_bots.refs import Actor, PullRequest, Repo
from sig_bots.voice import same_text
from sig_workers.forges import pagure_changes, pagure_json
from sig_workers.forges.pagure_api import split_path
from sig_workers.forges.pagure_conversation import PagureConversation
from sig_workers.forges.pagure_json import understood

__all__ = ["PAGURE", "PagureForge"]

PAGURE = Capabilities(
    reactions=False,
    comment_edit=False,
    labels=False,
    annotations=False,
    check_text=False,
    folds=False,
    reviewers=False,
    issues=True,
    private_hooks=False,
)
"""Pagure's API edits no comments, adds no reactions and labels no pull request; private projects send no webhooks."""


class PagureForge(PagureConversation):
    """One Pagure project, as our account sees it. Made anew for each job: `repo` is read once."""

    @property
    def capabilities(self) -> Capabilities:
        """What Pagure can do; an issue of ours can be edited only with a token of this very project."""
        return PAGURE.model_copy(update={"issue_edit": self._config.project_tokens.get(self.path) is not None})

    @cached_property
    @understood
    def repo(self) -> Repo:
        """The project. Pagure's API has no field for the visibility, so it is what somebody without an account can see."""
        raw = self._api.get(self.path)
        default = self._api.get(self.path, "git", "branches", with_commits="true").get("default") or {}
        try:
            self._api.get(self.path, anonymous=True)
            private = False
        except Transient:
            raise
        except SigbotError:
            private = True
        return Repo(
            path=self.path,
            instance=self._config.name,
            forge_id=str(raw["id"]),
            private=private,
            default_branch=next(iter(default), None),
        )

    # ------------------------------------------------------------ files and branches

    def read_file(self, path: str, ref: str | None = None) -> bytes | None:
        """The file, None when there is none (or no such ref: Pagure does not tell them apart)."""
        try:
            return self._api.raw(self.path, "raw", ref or self.repo.default_branch or "HEAD", "f", path)
        except NotFound:
            return None

    def branch_sha(self, branch: str) -> str | None:
        """The commit the branch points at."""
        return self._branch_of(self.path, branch)

    @understood
    def _branch_of(self, path: str, branch: str) -> str | None:
        sha: str | None = self._api.get(path, "git", "branches", with_commits="true")["branches"].get(branch)
        return sha

    def changed_files(self, number: int) -> tuple[ChangedFile, ...]:
        """See `pagure_changes`. Of a private project, whose diff the API does not give, only few lines are known."""
        return pagure_changes.changed_files(self._api, self.path, number)

    def merge_base(self, number: int) -> str:
        """What Pagure itself compares with. After a merge of the base branch into the head that is its first parent."""
        return pagure_changes.merge_base(self._api, self.path, self._raw_pr(number))

    # ------------------------------------------------------------ pull requests

    def pull_request(self, number: int) -> PullRequest:
        """The pull request as it is now. Raises NotFound."""
        return pagure_json.pull_request(self._raw_pr(number), self.path)

    def find_prs(
        self, head_prefix: str = "", state: Literal["open", "closed", "merged", "all"] = "open"
    ) -> Sequence[PullRequest]:
        """Pull requests whose head branch starts with `head_prefix`, newest first."""
        found = [pagure_json.pull_request(raw, self.path) for raw in self._raw_prs(state)]
        wanted = [one for one in found if one.head_branch.startswith(head_prefix) and state in ("all", one.state)]
        return sorted(wanted, key=lambda one: -one.number)

    def permission(self, actor: Actor) -> Permission:
        """By name, because Pagure has no ids: the project's lists of people first, then its groups.

        owner and admin give ADMIN, commit WRITE, collaborator and ticket READ (a collaborator may push to some branches,
        but merges nothing). Anybody can read a public project.
        """
        raw = self._api.get(self.path)
        best = pagure_json.permission_of_user(raw.get("access_users", {}), actor.login)
        for group, right in pagure_json.groups_above(raw.get("access_groups", {}), best):
            if actor.login in self._api.get("group", group).get("members", ()):
                return right
        if best is Permission.NONE and not self.repo.private:
            return Permission.READ
        return best

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
        """From the branch in the project, else in our fork. A pull request somebody else opened from it is left as it is.

        Pagure has no way to set labels or reviewers with an account's token: they are left out, as `PAGURE` declares.
        """
        text = self._voice.sign("pull-request", body)
        if number is not None:
            return self._update_pr(still_open(self.pull_request(number)), title, text)
        fork = self._fork_path()
        head = next((path for path in (self.path, fork) if self._has_branch(path, branch)), None)
        if head is None:
            raise NotFound(f"neither {self.path} nor {fork} has a branch {branch}; push it first")
        known = [
            one
            for one in self.find_prs(branch)
            if (one.head_branch, one.head_repo, one.base_branch) == (branch, head, base)
        ]
        if known:
            return self._update_pr(known[0], title, text)
        source: dict[str, str] = {}
        if head != self.path:
            owner, namespace, name = split_path(head)
            source = {"repo_from": name, "repo_from_username": owner or "", "repo_from_namespace": namespace or ""}
            source = {key: value for key, value in source.items() if value}
        raw = self._api.post(
            self.path,
            "pull-request",
            "new",
            title=title,
            initial_comment=text,
            branch_from=branch,
            branch_to=base,
            **source,
        )
        return pagure_json.pull_request(raw, self.path)

    def _has_branch(self, path: str, branch: str) -> bool:
        try:
            return self._branch_of(path, branch) is not None
        except NotFound:
            return False

    def _update_pr(self, found: PullRequest, title: str, text: str) -> PullRequest:
        """Title and text go together: Pagure empties the text when only a title is sent."""
        if found.author.login != self._config.account:
            return found
        if found.title == title and same_text(found.body, text):
            return found
        raw = self._api.post(self.path, "pull-request", str(found.number), title=title, initial_comment=text)
        return pagure_json.pull_request(raw, self.path)

    def close_pr(self, number: int, reason: str) -> None:
        """The reason as a comment, then close. Closing twice would add Pagure's own notice twice, so it is looked up."""
        if self.pull_request(number).state != "open":
            return
        self.ensure_comment(number, "closed", reason)
        self._api.post(self.path, "pull-request", str(number), "close")

    def merge(self, number: int, expected_sha: str) -> None:
        """Merge after looking at the head twice.

        Pagure cannot be told which commit to merge: between our look and its merge a push may slip in (a moment, as the
        branch itself is looked at, not only the pull request, which Pagure updates later).
        """
        found = self.pull_request(number)
        if found.state == "merged":
            return
        if found.state == "closed":
            raise Obsolete(f"{self.path}#{number} is closed")
        now = self._branch_of(found.head_repo, found.head_branch) if found.head_repo else None
        for sha in (found.head_sha, now):
            if sha != expected_sha:
                raise Obsolete(f"{self.path}#{number} is at {sha}, not at {expected_sha} any more")
        self._api.post(self.path, "pull-request", str(number), "merge", wait="true")

    # ------------------------------------------------------------ checks

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
        """A flag on the commit, which the pull request shows. Pagure keeps no text and no annotations.

        A flag on the pull request would land on whatever its head is by now. Pagure demands a URL and refuses host names
        without a dot: then, and without one, the flag points to the pull request or the commit.
        """
        place = f"pull-request/{number}" if number is not None else f"c/{sha}"
        own = f"{self._config.url}/{self.path}/{place}"
        flag = {
            "username": name,
            "comment": " ".join(summary.split()) or state.value,
            "status": pagure_json.FLAG_WORDS[state],
            "uid": self._flag_uid(name),
        }
        try:
            self._api.post(self.path, "c", sha, "flag", **flag, url=url or own)
        except Transient:
            raise
        except ForgeError as refusal:
            if not url or "'url'" not in str(refusal):
                raise
            self._api.post(self.path, "c", sha, "flag", **flag, url=own)

    def _flag_uid(self, name: str) -> str:
        """The same for each update of a check, and known to us alone.

        Pagure lets every account overwrite a flag whose uid it knows, and the flag keeps our name as its author. So the uid is
        keyed with the token; it appears in no answer to others. At most 32 characters.
        """
        place = f"{self._config.service}\0{self.path}\0{name}".encode()
        return hmac.new(self._config.token.encode(), place, hashlib.sha256).hexdigest()[:32]

    @understood
    def checks(self, sha: str, number: int | None = None) -> Sequence[Check]:
        """The newest flag of each name. Anybody can flag any commit: one that bears our service's name is ours or left out."""
        found: dict[str, Check] = {}
        flags = self._api.get(self.path, "c", sha, "flag")["flags"]
        for raw in sorted(flags, key=lambda one: float(one.get("date_updated") or one["date_created"])):
            ours = raw["user"]["name"] == self._config.account
            if ours or raw["username"].split("/")[0] != self._config.service:
                found[raw["username"]] = pagure_json.check(raw)
        return list(found.values())

    def required_checks(self, branch: str) -> Sequence[str]:
        """None: Pagure has no required flags. A minimum score it sees to itself when something is merged."""
        return ()

    # ------------------------------------------------------------ forks and git

    def _fork_path(self) -> str:
        _, namespace, name = split_path(self.path)
        return "/".join(part for part in ("fork", self._config.account, namespace, name) if part)

    def ensure_fork(self) -> str:
        """Our fork, made when missing."""
        path = self._fork_path()
        try:
            self._api.get(path)
        except NotFound:
            owner, namespace, name = split_path(self.path)
            parent = {"repo": name, "namespace": namespace or "", "username": owner or ""}
            self._api.post("fork", **{key: value for key, value in parent.items() if value}, wait="true")
        return path

    def clone_url(self) -> str:
        """Where git fetches and pushes over http; forks lie under `forks/`."""
        path = f"forks/{self.path.removeprefix('fork/')}" if self.path.startswith("fork/") else self.path
        return f"{self._config.url}/{path}.git"
