"""Child processes of `sigbot up`: started, restarted when they die, ended together."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Supervisor", "dying_with_us"]

AT_ONCE = 3
"""Deaths in a row after which the next start waits: what ends it, a full disk for example, may pass."""
LONGEST_PAUSE = 30.0
STEADY = 60.0
"""Seconds after which a process counts as well again."""


@dataclass
class Child:
    """One process, and how often it had to be started again since it last ran steadily."""

    name: str
    argv: Sequence[str]
    process: subprocess.Popen[bytes]
    restarts: int = 0
    since: float = field(default_factory=time.monotonic)
    again: float | None = None
    """When it is to be started again, once it has died."""


@dataclass
class Supervisor:
    """Keeps processes running. Their output goes to `<logs>/<name>.log`."""

    logs: Path
    environment: Mapping[str, str]
    children: dict[str, Child] = field(default_factory=dict)
    inherits: bool = True
    """Whether they get this process's environment too, beside `environment`."""

    def start(self, name: str, argv: Sequence[str]) -> None:
        """Start a process in a group of its own."""
        self.children[name] = Child(name, argv, self._spawn(name, argv))

    def _spawn(self, name: str, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{name}.log").open("ab") as output:
            return subprocess.Popen(
                [*dying_with_us(), *argv], env={**(os.environ if self.inherits else {}), **self.environment}, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def check(self) -> list[str]:
        """Start what has died again; one sentence each. One that keeps dying waits longer each time, half a minute at most."""
        said = []
        for child in self.children.values():
            now = time.monotonic()
            if child.again is None and (code := child.process.poll()) is not None:
                child.restarts = child.restarts + 1 if now - child.since < STEADY else 1
                pause = min(2.0 ** (child.restarts - AT_ONCE), LONGEST_PAUSE) if child.restarts > AT_ONCE else 0.0
                child.again = now + pause
                when = f" in {pause:.0f} s; see {self.logs / child.name}.log" if pause else ""
                said.append(f"{child.name} ended with {code} and is started again{when}")
            if child.again is not None and now >= child.again:
                child.process, child.since, child.again = self._spawn(child.name, child.argv), time.monotonic(), None
        return said

    def stop(self, patience: float = 4.0) -> None:
        """End all: TERM, and KILL for what has not ended after `patience` seconds (leases give its jobs back)."""
        for child in self.children.values():
            _signal(child.process, signal.SIGTERM)
        until = time.monotonic() + patience
        for child in self.children.values():
            try:
                child.process.wait(max(0.05, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(child.process, signal.SIGKILL)
                child.process.wait()


def dying_with_us() -> list[str]:
    """The words before a command that end it when this process dies, however that happens (prctl(2), PR_SET_PDEATHSIG)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
