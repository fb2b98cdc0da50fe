"""The broker of the embedded default: wake-ups as files in a folder, kombu's `filesystem` transport made safe.

kombu writes a message in place, so a reader may take it while it is still empty; the JSON error then ends the reading
worker's loop for good. Here a message appears under its name only when it is whole, and one that cannot be read is
dropped: a wake-up is a hint, and the sweeper finds what nobody was woken for. For the same reason a hint that waits
already is not given twice; with no worker there, the folder would fill up. Messages go to queues by name, so the table of
exchanges (which has the same race) is not kept. A folder that somebody removed is made again.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

__all__ = ["SCHEME", "Channel", "Transport", "register"]

SCHEME = "sigbot-files"


class Channel(filesystem.Channel):
    """Whole files, moved into place and out of it by rename(2), which only one reader wins."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # kombu's own order
        folder = Path(self.data_folder_out)
        folder.mkdir(parents=True, exist_ok=True)
        hint = _hint(payload)
        if hint and next(folder.glob(f"*_{hint}_*.{queue}.msg"), None):
            return  # whoever takes that one looks at the store afterwards
        name = f"{time.monotonic_ns() // 1_000_000}_{hint}_{uuid.uuid4()}"
        fresh = folder / f".{name}"
        fresh.write_text(dumps(payload))
        fresh.rename(folder / f"{name}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        taken = Path(self.processed_folder) / f"{os.getpid()}-{uuid.uuid4()}"
        folder = Path(self.data_folder_in)
        for message in sorted(folder.glob(f"*.{queue}.msg")):
            try:
                message.rename(taken)
                content = taken.read_text()
                taken.unlink()
                return loads(content)
            except (OSError, ValueError):
                # Another worker was faster, or it is no message, or there is no place to move it to.
                taken.parent.mkdir(parents=True, exist_ok=True)
        raise Empty

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None) -> None:
        """Nothing: see the module's text."""

    def get_table(self, exchange: str) -> list[Any]:
        """No exchange has a table."""
        return []


def _hint(payload: Any) -> str:
    """What a message of Celery asks for, as a word that two equal ones share; empty for any other message."""
    headers = payload.get("headers") or {}
    if "task" not in headers:
        return ""
    return hashlib.sha256(f"{headers['task']} {headers.get('argsrepr')}".encode()).hexdigest()[:12]


class Transport(filesystem.Transport):
    """kombu's file transport over the channel above."""

    Channel = Channel


def register() -> None:
    """Make `sigbot-files://` known to kombu."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
