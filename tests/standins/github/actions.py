"""What happens on the forge: each action changes the world, counts its effect and sends the webhooks that follow.

People (through the Python interface), the REST API and git pushes all act through here, so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tests.standins.github import answers
from tests.standins.github.actions_code import CodeActions
from tests.standins.github.gitrepo import ZERO, Conflict
from tests.standins.github.model import (
    App,
    Comment,
    Issue,
    Label,
    Pull,
    Reaction,
    Repository,
    Review,
    User,
)  # fmt: skip
from tests.standins.github.wire import ApiError, invalid


class Actions(CodeActions):
    """The verbs of the forge. Raise ApiError when GitHub would refuse."""

    # ------------------------------------------------------------ issues and comments

    def open_issue(self, repo: Repository, who: User, title: str, body: str | None, labels: list[str]) -> Issue:
        """Open an issue."""
        item = self._new_issue(repo, who, title, body)
        item.labels = [self.label(repo, name).name for name in labels]
        self.world.effects["issues.created"] += 1
        self.postman.emit(
            "issues", repo, who, lambda: {"issue": answers.issue(self.world, repo, item)}, action="opened"
        )
        return item

    def _new_issue(self, repo: Repository, who: User, title: str, body: str | None) -> Issue:
        now, number = self.world.now(), self.world.number_for(repo)
        item = Issue(self.world.next_id(), number, who, title, body, now, now)
        repo.issues[number] = item
        return item

    def label(self, repo: Repository, name: str) -> Label:
        """The label of that name, made when missing."""
        known = next((mark for mark in repo.labels.values() if mark.name.lower() == name.lower()), None)
        if known is None:
            known = repo.labels[name] = Label(self.world.next_id(), name)
        return known

    def add_labels(self, repo: Repository, item: Issue, who: User, names: list[str]) -> None:
        """Put labels on an issue or pull request; one `labeled` event per new label."""
        for mark in [self.label(repo, name) for name in names]:
            if mark.name not in item.labels:
                item.labels.append(mark.name)
                self.world.effects["labels.added"] += 1
                self._tell(repo, item, who, "labeled", {"label": answers.label(self.world, repo, mark)})

    def remove_label(self, repo: Repository, item: Issue, who: User, name: str) -> None:
        """Take a label off."""
        if name not in item.labels:
            raise ApiError(404, "Label does not exist")
        item.labels.remove(name)
        self._tell(repo, item, who, "unlabeled", {"label": answers.label(self.world, repo, repo.labels[name])})

    def comment(self, repo: Repository, item: Issue, who: User, body: str, app: App | None = None) -> Comment:
        """Comment on an issue or pull request."""
        if not body:
            raise invalid("IssueComment", "Body cannot be blank", field_name="body")
        if len(body) > 65_536:
            raise invalid("IssueComment", "Body is too long (maximum is 65536 characters)", field_name="body")
        now = self.world.now()
        made = Comment(self.world.next_id(), who, body, now, now, item.number, app=app)
        item.comments.append(made)
        item.updated = now
        self.world.effects["comments.created"] += 1
        self._tell_comment(repo, item, who, made, "created", {})
        return made

    def edit_comment(self, repo: Repository, made: Comment, who: User, body: str) -> None:
        """Change the text of a comment."""
        before, made.body, made.updated = made.body, body, self.world.now()
        self.world.effects["comments.edited"] += 1
        changes = {"changes": {"body": {"from": before}}}
        self._tell_comment(repo, repo.issues[made.number], who, made, "edited", changes)

    def delete_comment(self, repo: Repository, made: Comment, who: User) -> None:
        """Delete a comment."""
        item = repo.issues[made.number]
        self._tell_comment(repo, item, who, made, "deleted", {})
        item.comments.remove(made)

    def _tell_comment(
        self, repo: Repository, item: Issue, who: User, made: Comment, action: str, more: dict[str, Any]
    ) -> None:
        def body() -> dict[str, Any]:
            issue = answers.issue(self.world, repo, item)
            return more | {"issue": issue, "comment": answers.comment(self.world, repo, made)}

        self.postman.emit("issue_comment", repo, who, body, action=action)

    def commit_comment(self, repo: Repository, who: User, sha: str, body: str) -> Comment:
        """Comment on a commit."""
        now = self.world.now()
        made = Comment(self.world.next_id(), who, body, now, now, commit=sha)
        repo.commit_comments.append(made)
        self.postman.emit(
            "commit_comment",
            repo,
            who,
            lambda: {"comment": answers.commit_comment(self.world, repo, made)},
            action="created",
        )
        return made

    def react(self, made: Comment, who: User, content: str) -> tuple[Reaction, bool]:
        """Add a reaction; it and whether it is new."""
        for known in made.reactions:
            if known.user is who and known.content == content:
                return known, False
        new = Reaction(self.world.next_id(), who, content, self.world.now())
        made.reactions.append(new)
        self.world.effects["reactions.created"] += 1
        return new, True

    # ------------------------------------------------------------ pull requests

    def open_pull(
        self, repo: Repository, who: User, *, head: str, base: str, title: str, body: str | None, draft: bool = False
    ) -> Issue:
        """Open a pull request from `branch` or `owner:branch`."""
        owner, _, branch = head.rpartition(":")
        source = self._head_repo(repo, owner) if owner else repo
        sha = source.git.branches().get(branch) if source else None
        base_sha = repo.git.branches().get(base)
        if base_sha is None:
            raise invalid("PullRequest", field_name="base", code="invalid")
        if source is None or sha is None:
            raise invalid("PullRequest", field_name="head", code="invalid")
        label = f"{source.owner.login}:{branch}"
        for other in repo.issues.values():
            half = other.pull
            if half and other.state == "open" and (half.head_label, half.base_ref) == (label, base):
                raise invalid("PullRequest", f"A pull request already exists for {label}.")
        item_number = self.world.number_for(repo)
        if source is not repo:
            repo.git.fetch(source.git, sha, f"refs/pull/{item_number}/head")
        if not repo.git.log(sha, exclude=base_sha, limit=1):
            raise invalid("PullRequest", f"No commits between {base} and {head}")
        item = self._new_issue(repo, who, title, body)
        item.pull = Pull(self.world.next_id(), source, branch, sha, label, base, base_sha, draft)
        repo.git.set_ref(f"refs/pull/{item.number}/head", sha)
        self.world.effects["pulls.created"] += 1
        self._tell(repo, item, who, "opened", {})
        return item

    def _head_repo(self, repo: Repository, owner: str) -> Repository | None:
        family = repo.parent or repo
        for other in self.world.repositories.values():
            if other.owner.login.lower() == owner.lower() and family in (other, other.parent):
                return other
        return None

    def edit_issue(self, repo: Repository, item: Issue, who: User, new: Mapping[str, Any]) -> None:
        """Change title, body, base or state."""
        changes = {}
        for key in ("title", "body"):
            if key in new and new[key] != getattr(item, key):
                changes[key] = {"from": getattr(item, key)}
                setattr(item, key, new[key])
        if item.pull and new.get("base") not in (None, item.pull.base_ref):
            sha = repo.git.branches().get(str(new["base"]))
            if sha is None:
                raise invalid("PullRequest", field_name="base", code="invalid")
            changes["base"] = {"ref": {"from": item.pull.base_ref}, "sha": {"from": item.pull.base_sha}}
            item.pull.base_ref, item.pull.base_sha = str(new["base"]), sha
        item.updated = self.world.now()
        if changes:
            self.world.effects["pulls.edited" if item.pull else "issues.edited"] += 1
            self._tell(repo, item, who, "edited", {"changes": changes})
        if new.get("state") in ("open", "closed") and new["state"] != item.state:
            self._change_state(repo, item, who, str(new["state"]))

    def _change_state(self, repo: Repository, item: Issue, who: User, state: str) -> None:
        half = item.pull
        if (
            half
            and state == "open"
            and (half.merged or half.head_repo is None or half.head_ref not in half.head_repo.git.branches())
        ):
            raise invalid(
                "PullRequest", "state cannot be changed. The pull request cannot be reopened.", field_name="state"
            )
        item.state = state
        item.closed = self.world.now() if state == "closed" else None
        self.world.effects[f"{'pulls' if half else 'issues'}.{'closed' if state == 'closed' else 'reopened'}"] += 1
        self._tell(repo, item, who, "closed" if state == "closed" else "reopened", {})

    def merge(
        self, repo: Repository, item: Issue, who: User, *, sha: str | None, method: str, title: str | None
    ) -> str:
        """Merge a pull request; the new commit. 405 when it cannot be, 409 when the head is not `sha`."""
        half = item.pull
        assert half is not None
        if item.state != "open" or half.draft:
            raise ApiError(
                405, "Pull Request is not mergeable" if item.state != "open" else "Pull Request is still a draft"
            )
        if sha and sha != half.head_sha:
            raise ApiError(409, "Head branch was modified. Review and try the merge again.")
        if method not in repo.merge_methods:
            word = {"merge": "Merge commits are", "squash": "Squash merges are", "rebase": "Rebase merges are"}[method]
            raise ApiError(405, f"{word} not allowed on this repository.")
        if missing := repo.missing_checks(half.base_ref, half.head_sha):
            raise ApiError(405, f'Required status check "{missing[0]}" is expected.')
        message = title or f"Merge pull request #{item.number} from {half.head_label.replace(':', '/')}"
        before = repo.git.refs()
        try:
            half.merge_sha = repo.git.merge(half.base_ref, half.head_sha, message, who.login, squash=method != "merge")
        except Conflict:
            raise ApiError(405, "Pull Request is not mergeable") from None
        half.merged, half.merged_by = self.world.now(), who
        item.state, item.closed = "closed", half.merged
        self.world.effects["pulls.merged"] += 1
        self._tell(repo, item, who, "closed", {})
        self.pushed(repo, who, before)
        return half.merge_sha

    def request_reviewers(self, repo: Repository, item: Issue, who: User, logins: list[str]) -> None:
        """Ask for reviews. Only collaborators can be asked."""
        half = item.pull
        assert half is not None
        people = [self.world.user(login) for login in logins]
        for person in people:
            if person is None or person is item.user or (repo.owner is not person and person.id not in repo.roles):
                raise ApiError(
                    422,
                    "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of this repository.",
                )
        for person in people:
            if person and person not in half.reviewers:
                half.reviewers.append(person)
                self._tell(
                    repo, item, who, "review_requested", {"requested_reviewer": answers.user(self.world, person)}
                )

    def review(self, repo: Repository, item: Issue, who: User, body: str, state: str) -> Review:
        """Submit a review (`commented`, `approved`, `changes_requested`)."""
        half = item.pull
        assert half is not None
        made = Review(self.world.next_id(), who, body, state.upper(), half.head_sha, self.world.now())
        half.reviews.append(made)
        self.postman.emit(
            "pull_request_review",
            repo,
            who,
            lambda: {
                "review": answers.review(self.world, repo, item.number, made) | {"state": state.lower()},
                "pull_request": answers.pull(self.world, repo, item),
            },
            action="submitted",
        )
        return made

    def _tell(self, repo: Repository, item: Issue, who: User, action: str, more: dict[str, Any]) -> None:
        def body() -> dict[str, Any]:
            if item.pull:
                return more | {"number": item.number, "pull_request": answers.pull(self.world, repo, item, full=True)}
            return more | {"issue": answers.issue(self.world, repo, item)}

        self.postman.emit("pull_request" if item.pull else "issues", repo, who, body, action=action)

    # ------------------------------------------------------------ pushes

    def pushed(self, repo: Repository, who: User, before: Mapping[str, str]) -> None:
        """Tell of every branch and tag that moved since `before`, and let open pull requests follow their heads."""
        after = repo.git.refs()
        for name in sorted(set(before) | set(after)):
            old, new = before.get(name), after.get(name)
            if old == new or not name.startswith(("refs/heads/", "refs/tags/")):
                continue
            body = partial(self._push_body, repo, who, name, old or ZERO, new or ZERO)
            self.postman.emit("push", repo, who, body)
            if name.startswith("refs/heads/"):
                self._follow(repo, who, name.removeprefix("refs/heads/"), old or ZERO, new)

    def _follow(self, repo: Repository, who: User, branch: str, old: str, new: str | None) -> None:
        for target in list(self.world.repositories.values()):
            for item in list(target.issues.values()):
                half = item.pull
                if half is None or item.state != "open" or half.head_repo is not repo or half.head_ref != branch:
                    continue
                if new is None:
                    self._change_state(target, item, who, "closed")
                    continue
                half.head_sha, item.updated = new, self.world.now()
                target.git.fetch(repo.git, new, f"refs/pull/{item.number}/head")
                self._tell(target, item, who, "synchronize", {"before": old, "after": new})
        if new is not None:
            self._request_suites(repo, who, branch, new)

    def _request_suites(self, repo: Repository, who: User, branch: str, sha: str) -> None:
        for app in self.world.apps.values():
            installed = self.world.installation_for(app, repo)
            if installed and installed.permissions.get("checks") == "write" and (app.id, sha) not in repo.suites:
                suite = repo.suites[app.id, sha] = self.world.next_id()
                body = partial(self._suite_body, repo, app, sha, suite, branch)
                self.postman.emit("check_suite", repo, who, body, action="requested", only=app)

    def _push_body(self, repo: Repository, who: User, ref: str, old: str, new: str) -> dict[str, Any]:
        page = f"{self.world.url}/{repo.full_name}"
        shas: list[str] = []
        forced = False
        if new != ZERO and ref.startswith("refs/heads/"):
            known = old if old != ZERO else repo.git.branches().get(repo.default_branch)
            shas = list(reversed(repo.git.log(new, exclude=known if known != new else None, limit=20)))
            forced = old != ZERO and repo.git.merge_base(old, new) != old
        commits = [self._push_commit(repo, sha) for sha in shas]
        head = self._push_commit(repo, new) if new != ZERO else None
        return {
            "ref": ref, "before": old, "after": new, "created": old == ZERO, "deleted": new == ZERO, "forced": forced,
            "base_ref": None, "compare": f"{page}/compare/{old[:12]}...{new[:12]}", "commits": commits, "head_commit": head,
            "pusher": {"name": who.login, "email": f"{who.login}@example.org"},
        }  # fmt: skip

    def _push_commit(self, repo: Repository, sha: str) -> dict[str, Any]:
        info = repo.git.commit(repo.git.resolve(sha) or sha)
        parent = info.parents[0] if info.parents else repo.git.run("hash-object", "-t", "tree", "/dev/null")
        files = repo.git.diff(parent, info.sha)
        people = [{"name": name, "email": mail, "username": name} for name, mail, _ in (info.author, info.committer)]
        return {
            "id": info.sha, "tree_id": info.tree, "distinct": True, "message": info.message, "timestamp": info.author[2],
            "url": f"{self.world.url}/{repo.full_name}/commit/{info.sha}", "author": people[0], "committer": people[1],
            "added": [file.path for file in files if file.status == "added"],
            "removed": [file.path for file in files if file.status == "removed"],
            "modified": [file.path for file in files if file.status not in ("added", "removed")],
        }  # fmt: skip
