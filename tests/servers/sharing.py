"""One costly server for all workers of a test run.

The first worker that asks starts it and keeps it: it is the parent, so the server dies with it. The others join.
At the end the starter waits until the others have let go. Users are counted by a shared lock on a file, which the
kernel releases even when a worker is killed.
"""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol, Self

from tests.servers.process import wait_until


class Shareable(Protocol):
    """A server that another process can join."""

    @property
    def state(self) -> dict[str, object]:
        """What a joining process must know, as JSON."""

    @classmethod
    def join(cls, state: dict[str, object]) -> Self:
        """Return a server object that does not own the server."""

    def start(self) -> Self:
        """Start it."""

    def stop(self) -> None:
        """Stop it."""

    def alive(self) -> bool:
        """Tell whether it answers."""


@contextmanager
def shared[S: Shareable](folder: Path, name: str, make: Callable[[], S], patience: float = 900) -> Iterator[S]:
    """Yield the run's one server `name`, started by whoever comes first; `patience` bounds the starter's wait (s)."""
    note, lock = folder / f"{name}.json", folder / f"{name}.lock"
    with (folder / f"{name}.users").open("w") as users, ExitStack() as ending:
        with _locked(lock):
            fcntl.flock(users, fcntl.LOCK_SH)
            server = _joined(make(), note)
            if server is None:
                server = make()
                ending.callback(server.stop)
                server.start()
                note.write_text(json.dumps(server.state))
                ending.callback(
                    wait_until, lambda: _retired(lock, users.fileno(), note), patience, f"the end of {name}"
                )
        yield server


def _joined[S: Shareable](blank: S, note: Path) -> S | None:
    if not note.exists():
        return None
    server = blank.join(json.loads(note.read_text()))
    return server if server.alive() else None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _retired(lock: Path, users: int, note: Path) -> bool:
    """Take the server out of use if nobody else holds it: who comes later starts a new one."""
    with _locked(lock):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(users, fcntl.LOCK_SH)  # a failed upgrade may have dropped the shared lock
            return False
        note.unlink(missing_ok=True)
        return True
