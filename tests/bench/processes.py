"""Processor time and memory of a server's whole process tree, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(session: int) -> list[int]:
    """Ids of the processes of a session (each `tests.servers.process.Process` starts one, named by its own id)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        fields = _stat(folder)
        if fields and int(fields[3]) == session:
            found.append(int(folder.name))
    return found


def cpu_seconds(session: int) -> float:
    """User and system seconds of a session so far, with those of its children that have ended."""
    ticks = 0
    for pid in tree(session):
        fields = _stat(Path("/proc", str(pid)))
        if fields:
            ticks += sum(int(value) for value in fields[11:15])
    return ticks / _TICKS


def memory_mb(session: int) -> float:
    """Proportional set size of a session: pages that several processes share are counted once."""
    kilobytes = 0
    for pid in tree(session):
        for line in Path("/proc", str(pid), "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                kilobytes += int(line.split()[1])
    return kilobytes / 1024


def _stat(folder: Path) -> list[str]:
    """Fields of /proc/PID/stat after the command's name: proc(5)'s field number minus three."""
    try:
        return (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return []
