"""End the builds of this host: for a service that leaves nothing running when it ends."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path

__all__ = ["end_builds", "runs"]


def end_builds(data: Path, patience: float = 8.0) -> int:
    """Cancel every build that runs below the data folder and wait for its end; how many still run after `patience` s."""
    running = [folder for folder in (data / "builds").glob("*") if runs(folder)]
    for folder in running:
        (folder / "cancel").touch()
    until = time.monotonic() + patience
    while running and time.monotonic() < until:
        time.sleep(0.1)
        running = [folder for folder in running if runs(folder)]
    return len(running)


def runs(folder: Path) -> bool:
    """Whether the build's supervisor lives: it holds the lock on `alive` as long as it does."""
    try:
        with (folder / "alive").open("rb") as alive:
            fcntl.flock(alive, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
