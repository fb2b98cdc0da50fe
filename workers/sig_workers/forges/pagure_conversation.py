"""What is written on Pagure: comments and issues. `pagure_forge` adds the rest of the protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sig_bots.errors import NotFound, Unsupported
from sig_bots.forge import ForgeComment, Issue
from sig_bots.refs import Actor
from sig_bots.voice import Voice, same_text, state_key
from sig_workers.forges import pagure_json
from sig_workers.forges.pagure_api import PagureApi
from sig_workers.forges.pagure_json import understood

__all__ = ["PagureConversation"]


class PagureConversation:
    """Comments and issues of one Pagure project."""

    def __init__(self, api: PagureApi, path: str, bot: str) -> None:
        self.path = path
        self._api = api
        self._config = api.config
        self._voice = Voice(api.config.service, bot, self.account)

    @property
    def account(self) -> Actor:
        """Our own account; Pagure has no ids for accounts."""
        return Actor(login=self._config.account, bot=True)

    def _raw_pr(self, number: int) -> Mapping[str, Any]:
        raw: Mapping[str, Any] = self._api.get(self.path, "pull-request", str(number))
        return raw

    def _raw_prs(self, state: str) -> Iterator[Mapping[str, Any]]:
        return self._api.pages(self.path, "pull-requests", key="requests", status=state.capitalize())

    def ensure_comment(self, number: int, topic: str, body: str, *, state: str | None = None) -> str:
        """A new comment when the state differs from that of our newest one of the topic; its id is empty, Pagure tells none."""
        kind, raw = self._thread(number)
        key = state_key(body, state)
        newest = self._voice.newest(pagure_json.comments(raw), topic)
        if newest is not None and self._voice.state_of(newest) == key:
            return newest.id
        self._api.post(self.path, kind, str(number), "comment", comment=self._voice.sign(topic, body, key))
        return ""

    def _thread(self, number: int) -> tuple[str, Mapping[str, Any]]:
        """Pull requests and issues share one sequence of numbers."""
        try:
            return "pull-request", self._raw_pr(number)
        except NotFound:
            return "issue", self._api.get(self.path, "issue", str(number))

    def comments(self, number: int) -> Sequence[ForgeComment]:
        """All comments people and bots wrote. Raises NotFound."""
        return pagure_json.comments(self._thread(number)[1])

    def comments_since(self, since: datetime) -> Sequence[ForgeComment]:
        """By whole seconds, as Pagure keeps them: a comment of the very second of `since` is in."""
        floor = since.replace(microsecond=0)
        found = [one for raw in self._raw_prs("open") for one in pagure_json.comments(raw)]
        return sorted(
            (one for one in found if (one.edited or one.created) >= floor),
            key=lambda one: (one.edited or one.created, int(one.id)),
        )

    def react(self, number: int, comment_id: str, reaction: str) -> None:
        """Raises Unsupported: Pagure's API cannot react."""
        raise Unsupported(f"{self._config.host} cannot react to comments: Pagure's API has no call for it")

    @understood
    def ensure_issue(self, topic: str, title: str, body: str) -> Issue:
        """Our open issue of the topic. Editing it needs a token tied to the project; without one, news become a comment."""
        text = self._voice.sign(topic, body)
        raw = self._own_issue(topic, "Open")
        if raw is not None:
            return self._update_issue(raw, topic, title, text)
        return pagure_json.issue(self._api.post(self.path, "new_issue", title=title, issue_content=text)["issue"])

    @understood
    def find_issue(self, topic: str) -> Issue | None:
        """Our open issue of the topic, else the newest that is closed."""
        raw = self._own_issue(topic, "Open") or self._own_issue(topic, "all")
        return None if raw is None else pagure_json.issue(raw)

    def _own_issue(self, topic: str, status: str) -> Mapping[str, Any] | None:
        """The oldest that is open, or the newest of all."""
        try:
            known = list(self._api.pages(self.path, "issues", key="issues", status=status, author=self._config.account))
        except NotFound as missing:
            raise Unsupported(f"{self.path} has no issue tracker: {missing}") from None
        ordered = sorted(known, key=lambda one: one["id"], reverse=status != "Open")
        mine = self._voice.is_mine
        return next((raw for raw in ordered if mine(Actor(login=raw["user"]["name"]), raw["content"], topic)), None)

    def close_issue(self, number: int, reason: str) -> None:
        """The reason as a comment, then close."""
        if self.read_issue(number).state != "open":
            return
        self.ensure_comment(number, "closed", reason)
        self._api.post(self.path, "issue", str(number), "status", status="Closed")

    def _update_issue(self, raw: Mapping[str, Any], topic: str, title: str, text: str) -> Issue:
        if raw["title"] == title and same_text(raw["content"], text):
            return pagure_json.issue(raw)
        token = self._config.project_tokens.get(self.path)
        if token is None:
            self.ensure_comment(raw["id"], topic, text.rpartition("\n\n")[0])
            return pagure_json.issue(raw)
        edited = self._api.post(self.path, "issue", str(raw["id"]), token=token, title=title, issue_content=text)
        return pagure_json.issue(edited["issue"])

    def read_issue(self, number: int) -> Issue:
        """An issue as it is now. Raises NotFound."""
        return pagure_json.issue(self._api.get(self.path, "issue", str(number)))
