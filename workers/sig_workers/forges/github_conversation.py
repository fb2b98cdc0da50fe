"""What is written on GitHub: comments, reactions and issues. `github_forge` adds the rest of the protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sig_bots.errors import NotFound, Unsupported
from sig_bots.forge import ForgeComment, Issue
from sig_bots.refs import Actor
from sig_bots.voice import Voice, same_text, word
from sig_workers.forges import github_json
from sig_workers.forges.github_api import GitHubApi, Refused

__all__ = ["GitHubConversation"]

_LONGEST = 65_000
"""Characters of a text of ours; GitHub takes 65,536 with the marker."""


class GitHubConversation:
    """Comments and issues of one repository."""

    def __init__(self, api: GitHubApi, path: str, bot: str) -> None:
        self.path = path
        self._api = api
        self._config = api.config
        self._bot = bot

    @property
    def account(self) -> Actor:
        """Our own account."""
        return self._api.account

    @cached_property
    def _voice(self) -> Voice:
        return Voice(self._config.service, self._bot, self.account)

    def _call(self, method: str, tail: str, *, body: object = None, **params: object) -> Any:
        return self._api.call(method, f"/repos/{self.path}{tail}", repo=self.path, params=params, body=body)

    def _pages(self, tail: str, *, key: str = "", **params: str) -> list[Mapping[str, Any]]:
        return list(self._api.pages(f"/repos/{self.path}{tail}", repo=self.path, key=key, params=params))

    def _signed(self, topic: str, body: str, state: str = "") -> str:
        if len(body) > _LONGEST:
            body = f"{body[:_LONGEST]}\n\n… (cut here, GitHub takes no longer text)"
        return self._voice.sign(topic, body, state)

    # ------------------------------------------------------------ comments

    def ensure_comment(self, number: int, topic: str, body: str, *, state: str | None = None) -> str:
        """Our comment of the topic, looked up among all comments first, edited in place when its text differs."""
        text = self._signed(topic, body, word(state) if state is not None else "")
        known = self._voice.newest(self.comments(number), topic)
        if known is not None and same_text(known.body, text):
            return known.id
        if known is not None:
            try:
                return str(self._call("PATCH", f"/issues/comments/{known.id}", body={"body": text})["id"])
            except NotFound:
                pass  # somebody deleted it between our look and our edit
        return str(self._call("POST", f"/issues/{number}/comments", body={"body": text})["id"])

    def comments(self, number: int) -> Sequence[ForgeComment]:
        """All comments of the conversation (not those on lines of the diff). Raises NotFound."""
        return [github_json.comment(raw) for raw in self._pages(f"/issues/{number}/comments")]

    def comments_since(self, since: datetime) -> Sequence[ForgeComment]:
        """By whole seconds, as GitHub keeps them: a comment of the very second of `since` is in."""
        text = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        raws = self._pages("/issues/comments", since=text, sort="updated", direction="asc")
        found = [github_json.comment(raw) for raw in raws if "/pull/" in raw["html_url"]]
        if not found:
            return []
        opened = {raw["number"] for raw in self._pages("/pulls", state="open")}
        return sorted(
            (one for one in found if one.number in opened), key=lambda one: (one.edited or one.created, int(one.id))
        )

    def react(self, number: int, comment_id: str, reaction: str) -> None:
        """On a comment of the conversation, else of the diff, else of a commit: an id does not tell which. Adding twice adds once."""
        if not comment_id.isascii() or not comment_id.isdigit():
            raise Unsupported(f"GitHub has no comment {comment_id!r} to react to")
        places = ("issues/comments", "pulls/comments", "comments")
        for place in places:
            try:
                self._call("POST", f"/{place}/{comment_id}/reactions", body={"content": reaction})
                return
            except NotFound:
                continue
        raise NotFound(
            f"{self.path} has no comment {comment_id}; it was deleted, or is a review, which takes no reaction"
        )

    # ------------------------------------------------------------ issues

    def ensure_issue(self, topic: str, title: str, body: str) -> Issue:
        """Our open issue of the topic; the oldest, should there ever be two."""
        text = self._signed(topic, body)
        with self._where_issues_are():
            raw = self._own_issue(topic, "open")
            if raw is not None:
                return self._update_issue(raw, title, text)
            return github_json.issue(self._call("POST", "/issues", body={"title": title, "body": text}))

    def find_issue(self, topic: str) -> Issue | None:
        """Our open issue of the topic, else the newest that is closed. GitHub lists our pull requests beside them."""
        with self._where_issues_are():
            raw = self._own_issue(topic, "open") or self._own_issue(topic, "closed")
        return None if raw is None else github_json.issue(raw)

    def _own_issue(self, topic: str, state: str) -> Mapping[str, Any] | None:
        params = {"state": state, "creator": self.account.login, "sort": "created"}
        params["direction"] = "asc" if state == "open" else "desc"
        for raw in self._api.pages(f"/repos/{self.path}/issues", repo=self.path, params=params):
            ours = self._voice.is_mine(github_json.actor(raw["user"]), raw.get("body") or "", topic)
            if ours and "pull_request" not in raw:
                return raw
        return None

    @contextmanager
    def _where_issues_are(self) -> Iterator[None]:
        try:
            yield
        except (NotFound, Refused) as refusal:
            if "410" in str(refusal) or "Issues are disabled" in str(refusal):
                raise Unsupported(f"{self.path} has its issues switched off") from None
            raise

    def close_issue(self, number: int, reason: str) -> None:
        """The reason as a comment, then close as not planned."""
        if self.read_issue(number).state != "open":
            return
        self.ensure_comment(number, "closed", reason)
        self._call("PATCH", f"/issues/{number}", body={"state": "closed", "state_reason": "not_planned"})

    def _update_issue(self, raw: Mapping[str, Any], title: str, text: str) -> Issue:
        if raw["title"] == title and same_text(raw.get("body") or "", text):
            return github_json.issue(raw)
        return github_json.issue(self._call("PATCH", f"/issues/{raw['number']}", body={"title": title, "body": text}))

    def read_issue(self, number: int) -> Issue:
        """An issue as it is now. Raises NotFound."""
        return github_json.issue(self._call("GET", f"/issues/{number}"))
