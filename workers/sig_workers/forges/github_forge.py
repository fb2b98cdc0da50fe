"""One GitHub repository behind our forge protocol. What GitHub does in its own way is said at each verb."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from sig_bots.errors import ForgeError, NotFound, Obsolete, Transient, Unsupported
from sig_bots.forge import Capabilities, ChangedFile, Permission, still_open
from sig_bots.refs import Actor, PullRequest, Repo, same_account
from sig_bots.voice import same_text
from sig_workers.forges import github_json
from sig_workers.forges.github_api import Refused, quoted
from sig_workers.forges.github_checks import GitHubChecks

__all__ = ["GitHubForge", "capabilities_of"]

log = logging.getLogger(__name__)

_PERMISSIONS = {"admin": Permission.ADMIN, "write": Permission.WRITE, "read": Permission.READ}
_METHODS = {"allow_merge_commit": "merge", "allow_squash_merge": "squash", "allow_rebase_merge": "rebase"}


def capabilities_of(is_app: bool) -> Capabilities:
    """Everything; texts and annotations belong to check runs, which only an App can make, and an App has no forks."""
    return Capabilities(annotations=is_app, check_text=is_app, forks=not is_app)


class GitHubForge(GitHubChecks):
    """One repository, as our account sees it. Made anew for each job: `repo` is read once."""

    @property
    def capabilities(self) -> Capabilities:
        """What GitHub can do for us here."""
        return capabilities_of(self._config.is_app)

    @cached_property
    def _raw(self) -> Mapping[str, Any]:
        raw: Mapping[str, Any] = self._call("GET", "")
        return raw

    @property
    def repo(self) -> Repo:
        """The repository under its present name."""
        return github_json.repo(self._raw, self._config.name)

    # ------------------------------------------------------------ files and branches

    def read_file(self, path: str, ref: str | None = None) -> bytes | None:
        """The file; None for a folder, a submodule and a missing ref too. Files above 1 MB come from the object store."""
        params = {"ref": ref} if ref else {}
        try:
            raw = self._call("GET", f"/contents/{quoted(path)}", **params)
        except NotFound:
            _ = self.repo  # raises when it is the repository that is missing
            return None
        if not isinstance(raw, dict) or raw.get("type") != "file":
            return None
        if raw.get("encoding") != "base64":
            raw = self._call("GET", f"/git/blobs/{raw['sha']}")
        return base64.b64decode(raw["content"])

    def branch_sha(self, branch: str) -> str | None:
        """The commit the branch points at; None also in an empty repository."""
        return self._branch_of(self.path, branch)

    def _branch_of(self, path: str, branch: str) -> str | None:
        try:
            raw = self._api.call("GET", f"/repos/{path}/git/ref/heads/{quoted(branch)}", repo=path)
        except NotFound:
            return None
        except Refused as refusal:
            if refusal.status == 409:
                return None
            raise
        # an Enterprise server of old gave a list of all that begin so
        return str(raw["object"]["sha"]) if isinstance(raw, dict) else None

    def changed_files(self, number: int) -> tuple[ChangedFile, ...]:
        """At most 3000, GitHub's limit; the lines of a file whose patch GitHub leaves out are not known."""
        return tuple(github_json.changed_file(raw) for raw in self._pages(f"/pulls/{number}/files"))

    def merge_base(self, number: int) -> str:
        """By the branches as they are; once merged, by the base branch as it was then, for now it holds the head."""
        raw = self._raw_pr(number)
        base = raw["base"]["ref"] if raw["state"] == "open" else raw["base"]["sha"]
        compared = self._call("GET", f"/compare/{quoted(base)}...{raw['head']['sha']}", per_page="1")
        return str(compared["merge_base_commit"]["sha"])

    # ------------------------------------------------------------ pull requests

    def _raw_pr(self, number: int) -> Mapping[str, Any]:
        raw: Mapping[str, Any] = self._call("GET", f"/pulls/{number}")
        return raw

    def pull_request(self, number: int) -> PullRequest:
        """The pull request as it is now. Raises NotFound."""
        return github_json.pull_request(self._raw_pr(number))

    def find_prs(
        self, head_prefix: str = "", state: Literal["open", "closed", "merged", "all"] = "open"
    ) -> Sequence[PullRequest]:
        """Pull requests whose head branch starts with `head_prefix`, newest first."""
        wanted = "closed" if state == "merged" else state
        raws = self._pages("/pulls", state=wanted, sort="created", direction="desc")
        found = [github_json.pull_request(raw) for raw in raws if raw["head"]["ref"].startswith(head_prefix)]
        return sorted((one for one in found if state in ("all", one.state)), key=lambda one: -one.number)

    def permission(self, actor: Actor) -> Permission:
        """Asked now. With an id, of the account that has it today: a login may have passed to somebody else."""
        login = actor.login
        try:
            if actor.id is not None:
                login = self._api.call("GET", f"/user/{quoted(actor.id)}", repo=self.path)["login"]
            answer = self._call("GET", f"/collaborators/{quoted(login)}/permission")
        except NotFound:
            return Permission.NONE
        return _PERMISSIONS.get(answer["permission"], Permission.NONE)

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
        """From the branch in the repository, else in our fork. A pull request somebody else opened from it is left as it is.

        Labels and reviewers are set as far as GitHub lets us; what it refuses is logged and stops nothing.
        """
        text = self._signed("pull-request", body)
        if number is not None:
            raw = self._raw_pr(number)
            still_open(github_json.pull_request(raw))
        else:
            raw = self._find_pr(self.path, branch, base) or self._open_pr(branch, base, title, text)
        if not same_account(github_json.actor(raw["user"]), self.account):
            return github_json.pull_request(raw)
        if raw["title"] != title or not same_text(raw.get("body") or "", text):
            raw = self._call("PATCH", f"/pulls/{raw['number']}", body={"title": title, "body": text})
        found = github_json.pull_request(raw)
        missing = [label for label in labels if label not in found.labels]
        if missing and self._try(found.number, "labels", f"/issues/{found.number}/labels", {"labels": missing}):
            found = found.model_copy(update={"labels": (*found.labels, *missing)})
        self._ask_for_reviews(raw, reviewers)
        return found

    def _find_pr(self, head: str, branch: str, base: str) -> Mapping[str, Any] | None:
        """The open pull request from `branch` of the repository `head`.

        GitHub drops a filter it does not understand and would then list all, so its answer is looked through again.
        """
        owner = head.partition("/")[0]
        for raw in self._pages("/pulls", state="open", head=f"{owner}:{branch}", base=base):
            lies_in = raw["head"]["repo"]
            right = not github_json.from_fork(raw) if head == self.path else lies_in and lies_in["full_name"] == head
            if right and (raw["head"]["ref"], raw["base"]["ref"]) == (branch, base):
                return raw
        return None

    def _open_pr(self, branch: str, base: str, title: str, text: str) -> Mapping[str, Any]:
        try:
            return self._create_pr(self.path, branch, base, title, text)
        except Refused as refusal:
            if not refusal.about("head") or refusal.about("base"):
                raise
        fork = None if self._config.is_app else self._own_fork()
        if fork is None or self._branch_of(fork, branch) is None:
            raise NotFound(f"{self.path} has no branch {branch}; push it first")
        return self._find_pr(fork, branch, base) or self._create_pr(fork, branch, base, title, text)

    def _create_pr(self, head: str, branch: str, base: str, title: str, text: str) -> Mapping[str, Any]:
        label = branch if head == self.path else f"{head.partition('/')[0]}:{branch}"
        try:
            raw: Mapping[str, Any] = self._call(
                "POST", "/pulls", body={"head": label, "base": base, "title": title, "body": text}
            )
        except Refused as refusal:
            # opened by an attempt whose answer was lost, or by somebody else in this moment
            known = self._find_pr(head, branch, base) if "already exists" in str(refusal) else None
            if known is None:
                raise
            return known
        return raw

    def _own_fork(self) -> str | None:
        """Our fork, which GitHub may have given another name; None when there is none."""
        for raw in self._pages("/forks"):
            if same_account(github_json.actor(raw["owner"]), self.account):
                return str(raw["full_name"])
        return None

    def _ask_for_reviews(self, raw: Mapping[str, Any], reviewers: Sequence[str]) -> None:
        number = raw["number"]
        asked = {who["login"].lower() for who in raw.get("requested_reviewers", ())}
        wanted = [one for one in reviewers if one.lower() not in asked | {raw["user"]["login"].lower()}]
        if not wanted:
            return
        # whoever answered is taken off the list by GitHub; asking again would be nagging
        done = {github_json.actor(one["user"]).login.lower() for one in self._pages(f"/pulls/{number}/reviews")}
        for one in (one for one in wanted if one.lower() not in done):
            key = "team_reviewers" if "/" in one else "reviewers"
            self._try(
                number, f"reviewer {one}", f"/pulls/{number}/requested_reviewers", {key: [one.rpartition("/")[2]]}
            )

    def _try(self, number: int, what: str, tail: str, body: Mapping[str, Iterable[str]]) -> bool:
        try:
            self._call("POST", tail, body=body)
        except Transient:
            raise
        except ForgeError as refusal:
            log.warning("%s#%s: %s not set: %s", self.path, number, what, refusal)
            return False
        return True

    def close_pr(self, number: int, reason: str) -> None:
        """The reason as a comment, then close."""
        if self.pull_request(number).state != "open":
            return
        self.ensure_comment(number, "closed", reason)
        self._call("PATCH", f"/pulls/{number}", body={"state": "closed"})

    def merge(self, number: int, expected_sha: str) -> None:
        """GitHub itself compares the head with `expected_sha`. By a merge commit, or as the repository allows."""
        found = self.pull_request(number)
        if found.state == "merged":
            return
        if found.state == "closed":
            raise Obsolete(f"{self.path}#{number} is closed")
        if found.head_sha != expected_sha:
            raise Obsolete(f"{self.path}#{number} is at {found.head_sha}, not at {expected_sha} any more")
        method = next((word for key, word in _METHODS.items() if self._raw.get(key)), "merge")
        try:
            self._call("PUT", f"/pulls/{number}/merge", body={"sha": expected_sha, "merge_method": method})
        except Refused as refusal:
            if refusal.status == 409:
                raise Obsolete(f"{self.path}#{number} is not at {expected_sha} any more") from None
            raise

    # ------------------------------------------------------------ forks and git

    def ensure_fork(self) -> str:
        """Our fork, made when missing. Raises Unsupported for an App: it pushes to the repository itself."""
        if self._config.is_app:
            raise Unsupported(f"{self._config.host}: an App has no forks; it pushes to the repository itself")
        return str(self._call("POST", "/forks", body={})["full_name"])

    def clone_url(self) -> str:
        """Where git fetches and pushes over http."""
        return f"{self._config.url}/{self.path}.git"
