"""The queues of jobs, named in this one place."""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["QUEUES", "Queue"]

type Queue = Literal["interactive", "bulk", "builds"]
"""`interactive`: commands, lint, checks; people wait. `bulk`: sweeps and scans. `builds`: slow, own workers."""

QUEUES: Final[tuple[Queue, ...]] = ("interactive", "bulk", "builds")
