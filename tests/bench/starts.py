"""Notes when a measured task or bot started, if somebody wants to know: a file that all processes append to."""

from __future__ import annotations

import os
import time
from pathlib import Path

_FILE = os.environ.get("BENCH_STARTS")
_OPEN = os.open(_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT) if _FILE else None


def note(number: int) -> None:
    """Number `number` starts now."""
    if _OPEN is not None:
        os.write(_OPEN, f"{number} {time.monotonic_ns()}\n".encode())


def read(file: Path) -> dict[int, int]:
    """When each number started first, CLOCK_MONOTONIC in ns; a line half written is left for later."""
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    found: dict[int, int] = {}
    for line in lines:
        number, _, moment = line.partition(" ")
        found.setdefault(int(number), int(moment))
    return found
