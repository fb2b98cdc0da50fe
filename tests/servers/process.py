"""One real server as a child process: a session of its own, gone when we are gone."""

import functools
import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self


class ServerError(RuntimeError):
    """A server that is installed did not do what it should; the message carries the end of its log."""


class ServerMissing(RuntimeError):
    """The machine lacks what a server needs; the message says what, and the remedy."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int) -> bool:
    """Tell whether somebody accepts connections on 127.0.0.1:`port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Return as soon as `ready()` is true; `ServerError` naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise ServerError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.02)


def processes_mentioning(text: str) -> dict[int, str]:
    """Return the command lines of this machine's processes that contain `text`, by process id."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        if text in line:
            found[int(file.parent.name)] = line
    return found


class Process:
    """A program that runs until `stop`, in its own session so that the whole group can be ended.

    setpriv(1) gives it a parent-death signal: a test run that is killed leaves nothing behind. The signal follows
    the thread that started it, so start servers from the main thread. (Between `start` and setpriv's first
    instruction there is none yet; `ready` is the moment from which it holds.)
    """

    def __init__(
        self,
        argv: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        end_signal: signal.Signals = signal.SIGTERM,
        wrapped: bool = False,
    ) -> None:
        """`end_signal`: the polite way to end it. `wrapped`: argv sets its own parent-death signal (see `setpriv`)."""
        self.argv = list(argv) if wrapped else [*setpriv(), *argv]
        self.log = log
        self.env = dict(env) if env is not None else None
        self.end_signal = end_signal
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group."""
        if self._child is None:
            raise ServerError(f"{self.argv[-1]} was not started")
        return self._child.pid

    def start(self) -> Self:
        """Start the program; its output is appended to the log file."""
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.env,
                cwd="/",
                start_new_session=True,
            )
        return self

    def alive(self) -> bool:
        """Tell whether it still runs."""
        return self._child is not None and self._child.poll() is None

    def ready(self, check: Callable[[], bool], seconds: float) -> None:
        """Wait until `check()` is true; `ServerError` with the end of the log when it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while not check():
            if not self.alive() or time.monotonic() > deadline:
                state = "is not ready" if self.alive() else "ended at once"
                tail = self.log.read_text(errors="replace")[-2000:]
                raise ServerError(f"{' '.join(self.argv)} {state}; the end of its log:\n{tail}")
            time.sleep(0.02)

    def stop(self, grace: float = 10) -> None:
        """End it and everything in its group: first politely, after `grace` seconds by force."""
        if self._child is None:
            return
        self._signal_group(self.end_signal)
        try:
            self._child.wait(grace)
        except subprocess.TimeoutExpired:
            self._signal_group(signal.SIGKILL)
            self._child.wait(10)
        self._signal_group(signal.SIGKILL)
        self._child = None

    def kill(self) -> None:
        """End it the hard way, as a power cut would."""
        self._signal_group(signal.SIGKILL)
        if self._child is not None:
            self._child.wait(10)
        self._child = None

    def _signal_group(self, number: signal.Signals) -> None:
        if self._child is None:
            return
        try:
            os.killpg(self._child.pid, number)
        except ProcessLookupError:
            return


def setpriv(user: str | None = None, death_signal: str = "KILL") -> list[str]:
    """Return the words before argv that run it as `user` (only root can) and end it when its parent dies."""
    argv = ["setpriv", "--pdeathsig", death_signal]
    if user is not None:
        entry = pwd.getpwnam(user)
        argv += [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
    return [*argv, "--"]


def started_on_free_port(make: Callable[[int], Process], seconds: float = 20) -> tuple[Process, int]:
    """Start what `make(port)` builds on a free port; another port when somebody was quicker."""
    for attempt in range(5):
        port = free_port()
        process = make(port).start()
        try:
            process.ready(functools.partial(listening, port), seconds)
        except ServerError:
            process.stop()
            if attempt == 4:
                raise
        else:
            return process, port
    raise AssertionError("unreachable")
