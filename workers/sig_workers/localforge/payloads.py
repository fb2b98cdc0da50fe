"""What the local forge's webhooks say: bodies in the form `sig_bots.sources.local` documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sig_bots.forge import Check
from sig_bots.refs import PullRequest
from sig_workers.localforge.state import LocalState, actor

__all__ = ["Payloads"]


@dataclass(frozen=True)
class Payloads:
    """Makes (event name, body) of what happened, in the form `sig_bots.sources.local` documents."""

    state: LocalState

    def push(
        self, path: str, ref: str, before: str, after: str, login: str, changed: tuple[Sequence[str], bool]
    ) -> tuple[str, dict[str, Any]]:
        """A ref moved; `changed` is the files that differ, and whether that is all of them."""
        body = {**self._frame(path, login), "ref": ref, "before": before, "after": after}
        if changed[1]:
            body["paths"] = list(changed[0])
        return "push", body

    def pull_request(self, path: str, pull_request: PullRequest, action: str, login: str) -> tuple[str, dict[str, Any]]:
        """Something happened to a pull request."""
        fields = pull_request.model_dump(mode="json", exclude={"author"})
        fields["author"] = self._actor(pull_request.author.login)
        return "pull_request", {**self._frame(path, login), "action": action, "pull_request": fields}

    def comment(
        self, path: str, number: int, comment_id: str, action: str, text: str, login: str, *, before: str | None = None
    ) -> tuple[str, dict[str, Any]]:
        """Somebody commented on a pull request or issue."""
        is_pull = bool(self.state.pulls(path, state="all", number=number))
        comment = {"id": comment_id, "text": text, "place": "pull_request" if is_pull else "issue"}
        if before is not None:
            comment["previous_text"] = before
        return "comment", {**self._frame(path, login), "action": action, "number": number, "comment": comment}

    def check(self, path: str, check: Check, branches: Sequence[str], login: str) -> tuple[str, dict[str, Any]]:
        """A check of a commit has ended; `branches` point at it."""
        told = check.model_dump(mode="json", include={"name", "sha", "state", "url"})
        return "check", {**self._frame(path, login), "check": told, "branches": list(branches)}

    def _frame(self, path: str, login: str) -> dict[str, Any]:
        row = self.state.row(path)
        repo = {"path": path, "id": str(row.id), "private": row.private, "default_branch": row.default_branch}
        return {"repo": repo, "actor": self._actor(login)}

    @staticmethod
    def _actor(login: str) -> dict[str, str]:
        return {"login": login, "id": actor(login).id or ""}
