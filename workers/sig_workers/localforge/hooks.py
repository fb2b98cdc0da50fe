"""Webhooks of the local forge: signed JSON, kept in a folder until the receiver has taken it, sent in order.

What is told is written down in the same transaction as it happens (`prepare`, before the commit) and released after it, so
that a process may die in between: what it left is released later if it has happened, and thrown away if not.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shlex
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sig_bots.refs import PullRequest
from sig_bots.sources import local as source
from sig_workers.localforge.state import LocalState, actor

__all__ = ["HookSender", "HookTarget", "Payloads", "hook_script"]

log = logging.getLogger(__name__)

TARGET_FILE = "local-forge.json"
SPOOL = "outgoing-hooks"
MOST_AT_ONCE = 100
SETTLED = 5.0
"""Seconds after which whoever prepared a webhook has released it, or is dead."""


@dataclass(frozen=True)
class HookTarget:
    """Where the local forge sends its webhooks, under which secret, and which store it keeps its state in."""

    url: str
    secret: str
    store: str

    def write(self, data: Path) -> None:
        """Keep it in the data folder, readable by the owner only."""
        file = data / TARGET_FILE
        fresh = file.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as output:
            json.dump({"url": self.url, "secret": self.secret, "store": self.store}, output)
        fresh.replace(file)

    @classmethod
    def read(cls, data: Path) -> HookTarget | None:
        """The target, None before the service was ever started on this folder."""
        try:
            return cls(**json.loads((data / TARGET_FILE).read_text()))
        except FileNotFoundError:
            return None


def hook_script(data: Path, path: str) -> str:
    """The post-receive hook of a repository: tells the local forge what was pushed."""
    words = [sys.executable, "-m", "sig_workers.localforge.received", str(data.absolute()), path]
    return f"#!/bin/sh\nexec {' '.join(shlex.quote(word) for word in words)}\n"


@dataclass(frozen=True)
class HookSender:
    """Sends webhooks to our own receiver, at least once each, in the order they were made."""

    data: Path

    @classmethod
    def for_data(cls, data: Path) -> HookSender:
        """The sender of a data folder."""
        return cls(data)

    def send(self, payload: tuple[str, Mapping[str, Any]]) -> None:
        """Keep the delivery, then try to get everything kept so far delivered. Never raises for a silent receiver."""
        self.release(self.prepare(payload))

    def prepare(self, payload: tuple[str, Mapping[str, Any]]) -> Path:
        """Keep the delivery of something that is about to happen; `release` it when it has."""
        event, body = payload
        spool = self.data / SPOOL
        spool.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{uuid.uuid4()}"
        fresh = spool / f"{name}.new"
        fresh.write_text(json.dumps({"event": event, "delivery": name, "body": body}))
        return fresh.rename(spool / f"{name}.prepared")

    def release(self, prepared: Path) -> None:
        """It has happened: send the delivery. Never raises for a silent receiver."""
        with contextlib.suppress(FileNotFoundError):  # somebody else found it and saw that it had happened
            prepared.rename(prepared.with_suffix(".json"))
        self.flush()

    def recover(self, happened: Callable[[str, Mapping[str, Any]], bool]) -> None:
        """Release or throw away what a dead process has prepared: `happened` is asked with event and body."""
        oldest = time.time() - SETTLED
        for file in sorted((self.data / SPOOL).glob("*.prepared")):
            with contextlib.suppress(FileNotFoundError):
                if file.stat().st_mtime < oldest:
                    kept = json.loads(file.read_text())
                    if happened(kept["event"], kept["body"]):
                        file.rename(file.with_suffix(".json"))
                    else:
                        file.unlink()

    def flush(self) -> int:
        """Send what is kept, oldest first; returns how many were taken. Stops at the first that is not."""
        import httpx

        target = HookTarget.read(self.data)
        if target is None:
            return 0
        sent = 0
        with httpx.Client(timeout=5, trust_env=False) as client:
            for file in sorted((self.data / SPOOL).glob("*.json"))[:MOST_AT_ONCE]:
                try:
                    kept = json.loads(file.read_text())
                except FileNotFoundError:
                    continue  # another process has just sent it
                body = json.dumps(kept["body"]).encode()
                headers = source.sign(body, target.secret.encode(), kept["event"], kept["delivery"])
                try:
                    answer = client.post(target.url, content=body, headers=headers)
                except httpx.HTTPError as error:
                    log.warning("webhook kept for later, the receiver does not answer: %s", type(error).__name__)
                    return sent
                if answer.status_code >= 500:
                    log.warning("webhook kept for later, the receiver answered %s", answer.status_code)
                    return sent
                file.unlink(missing_ok=True)
                sent += 1
        return sent


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

    def _frame(self, path: str, login: str) -> dict[str, Any]:
        row = self.state.row(path)
        repo = {"path": path, "id": str(row.id), "private": row.private, "default_branch": row.default_branch}
        return {"repo": repo, "actor": self._actor(login)}

    @staticmethod
    def _actor(login: str) -> dict[str, str]:
        return {"login": login, "id": actor(login).id or ""}
