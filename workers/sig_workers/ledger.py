"""The effects ledger: each write of a job is `intended` before and `confirmed` after. `recorded` puts a bot's doors behind it.

When an attempt is repeated, what an earlier attempt confirmed is not done again, and what it only intended is done through
the same idempotent verb, which looks before it acts. A write by an attempt that lost its lease is refused (FencedOff).

In a dry run the gate stays shut: each write becomes a line in the job's log and an effect that is `intended` for ever.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sig_bots.context import Log
from sig_workers.store.rows import Effect, JobRow
from sig_workers.store.store import Store

__all__ = ["Ledger", "run_key"]

BELIEVED = 1.0
"""Seconds for which the answer that an effect may be done is believed; below any lease."""


def one_line(text: str) -> str:
    """The text on one line of at most 300 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 300 else f"{line[:299]}…"


def run_key(job: JobRow) -> str:
    """What is the same for all attempts of a job that follow from each other; another one when a person retries it.

    Without the second part a retried build would be answered with the failure it is to replace.
    """
    earlier = job.attempt - job.tries
    return f"job-{job.id}.{earlier}" if earlier else f"job-{job.id}"


@dataclass(frozen=True)
class Ledger:
    """The effects of one run of one job."""

    store: Store
    job: JobRow
    enabled: bool = True
    dry_run: Log | None = None
    """Where to say what would have been done; None: do it."""

    @property
    def dry(self) -> bool:
        """Whether nothing is done."""
        return self.dry_run is not None

    def once(
        self, kind: str, key: str, content: Any, act: Callable[[], str], *, words: str = "", repeat: bool = False
    ) -> str:
        """Do `act` unless this job has confirmed the same effect before; returns what it gave then or now.

        `words`: what it does, for a dry run, which does nothing and returns "". `repeat`: do it in any case, because it
        finds its own earlier effect itself and gives the one that counts now.
        """
        if self.dry_run is not None:
            self.dry_run(f"dry run: would {one_line(words or f'{kind} {key}')}")
            if self.enabled:
                # by another kind, so that the same attempt or a later one still does it when it is no dry run any more
                self._begin(f"{kind} (dry run)", f"{run_key(self.job)}/{key}", content)
            return ""
        if not self.enabled:
            return act()
        effect = self._begin(kind, f"{run_key(self.job)}/{key}", content)
        if effect.state != "confirmed":
            result = act()
            self.store.confirm_effect(effect.id, self.job.attempt, result)
            return result
        return act() if repeat else effect.result

    def _begin(self, kind: str, key: str, content: Any) -> Effect:
        digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
        for _ in range(3):
            asked = time.monotonic()
            effect = self.store.begin_effect(self.job.id, self.job.attempt, self.job.repo.id, kind, key, digest)
            if time.monotonic() - asked < BELIEVED:
                break  # else this process was frozen, or the store busy, and the lease may be gone: ask again
        return effect
