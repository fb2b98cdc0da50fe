"""One service per data folder: a lock that the system takes back when its owner dies, however it dies."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

__all__ = ["Claimed", "claimed", "forget", "is_claimed"]

LOCK = "in-use.lock"
OURS = (
    "broker", "builds", "cache", "forge", "local-forge.json", "logs", "outgoing-hooks", "pushes", "registry", "sigbot.db",
    "sigbot.db-shm", "sigbot.db-wal", "sigbot.toml",
)  # fmt: skip
"""What a run leaves in its data folder."""


class Claimed(click.ClickException):
    """Another service works on the data folder."""

    def __init__(self, data: Path) -> None:
        super().__init__(f"sigbot runs on {data} already; end it first, or name another folder with --data")


@contextmanager
def claimed(data: Path) -> Iterator[None]:
    """Hold the data folder for the block; it is made when missing. Raises Claimed, ClickException."""
    try:
        # Private repositories, logs and the store are in it: nobody else on this machine may look.
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (data / LOCK).open("a")
    except OSError as error:
        said = f"{data} cannot be the data folder: {error.strerror}; name another one with --data"
        raise click.ClickException(said) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Claimed(data) from None
        yield


def is_claimed(data: Path) -> bool:
    """Whether a service works on the data folder now."""
    try:
        with (data / LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def forget(data: Path) -> None:
    """Delete what an earlier run left in a claimed folder. Whatever else lies there stays."""
    for name in OURS:
        path = data / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
