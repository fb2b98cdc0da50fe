"""Webhooks of the local forge: signed JSON, kept in a folder until the receiver has taken it, sent in order.

What is told is written down in the same transaction as it happens (`prepare`, before the commit) and released after it, so
that a process may die in between: what it left is released later if it has happened, and thrown away if not.

Git starts a process that imports this at each push: it imports nothing heavy.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = ["HookSender", "HookTarget"]

log = logging.getLogger(__name__)

TARGET_FILE = "local-forge.json"
SPOOL = "outgoing-hooks"
MOST_AT_ONCE = 100
PATIENCE = 5.0
"""Seconds the receiver may take to answer."""
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
        """The target, None before the service was ever started on this folder. Raises UserError when it is damaged."""
        try:
            return cls(**json.loads((data / TARGET_FILE).read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            from sig_bots.errors import UserError

            raise UserError(
                f"{data / TARGET_FILE} is damaged; delete it, and the next `sigbot up` makes it anew."
            ) from None


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
        from sig_bots.sources import local as source

        target = HookTarget.read(self.data)
        if target is None:
            return 0
        sent = 0
        for file in sorted((self.data / SPOOL).glob("*.json"))[:MOST_AT_ONCE]:
            try:
                kept = json.loads(file.read_text())
            except FileNotFoundError:
                continue  # another process has just sent it
            body = json.dumps(kept["body"]).encode()
            headers = source.sign(body, target.secret.encode(), kept["event"], kept["delivery"])
            try:
                status = _post(target.url, body, headers)
            except (OSError, HTTPException) as error:
                from sig_workers.unreachable import why_unreachable  # not at the top: git waits while a hook loads

                log.warning("webhook kept for later, the receiver does not answer: %s", why_unreachable(error))
                return sent
            if status >= 500:
                log.warning("webhook kept for later, the receiver answered %s", status)
                return sent
            file.unlink(missing_ok=True)
            sent += 1
        return sent


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post to our own receiver, past any proxy; the status. Raises OSError, HTTPException."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request("POST", parts.path, body, dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()
