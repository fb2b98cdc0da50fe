"""A scan of 1,000 Containerfiles on 50 images of 60 tags in a real registry: `sigbot update --dry-run` beside Renovate.

Both are whole processes that know nothing yet, start included. Requests are counted in the registry's access log.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import fleet_tree, renovate
from tests.bench.rows import Result, Row, alone, ratios, row
from tests.servers.registry import Registry, Request

SIGBOT = str(Path(sys.executable).parent / "sigbot")
PEER = "Renovate, cold"


@dataclass(frozen=True)
class Cost:
    """What one run of a program took, its children included."""

    seconds: float
    cpu: float
    memory_mb: float
    """Most resident memory of the process tree at one moment."""
    output: str


def measured(argv: Sequence[str], folder: Path, env: Mapping[str, str]) -> Cost:
    """Run it to its end in `folder`; fails with its last words when it does."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        child = subprocess.Popen(
            argv, cwd=folder, env=dict(env), stdin=subprocess.DEVNULL, stdout=said, stderr=complained
        )
        most = _Watch(child.pid)
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        kilobytes = max(most.ended(), used.ru_maxrss)
        said.seek(0)
        complained.seek(0)
        if child.returncode:
            raise RuntimeError(f"{argv[0]} ended with {child.returncode}: {complained.read()[-2000:]}")
        return Cost(seconds, used.ru_utime + used.ru_stime, kilobytes / 1024, said.read())


class _Watch(threading.Thread):
    """Looks at the resident memory of a process and its descendants, fifty times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._most, self._over = pid, 0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self._over.wait(0.02):
            self._most = max(self._most, _resident(self._pid))

    def ended(self) -> int:
        """The most that was seen, in kB."""
        self._over.set()
        self.join()
        return self._most


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):  # it ended meanwhile
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024 + sum(_resident(int(child)) for child in children)


class Fleet:
    """The registry, and trees of Dockerfiles that use its images."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder = folder
        self.registry = registry
        self._trees: dict[int, Path] = {}
        self._runs = 0

    def tree(self, files: int) -> Path:
        """A folder of so many Dockerfiles."""
        if files not in self._trees:
            self._trees[files] = self.folder / f"tree{files}"
            fleet_tree.write_tree(self._trees[files], self.registry.host, files)
        return self._trees[files]

    def ours(self, files: int, cache: Path | None = None) -> tuple[Cost, list[Request], Path]:
        """One run, what it asked, and the folder of what it remembers: a fresh one unless `cache` is given."""
        config = self.folder / "sigbot.toml"
        config.write_text(f'[[registry]]\nhost = "{self.registry.host}"\ninsecure = true\n')
        self._runs += 1
        memory = cache or self.folder / f"memory{self._runs}"
        before = len(self.registry.requests())
        env = {
            "PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder), "SIGBOT_CONFIG": str(config),
            "XDG_CACHE_HOME": str(memory), "XDG_DATA_HOME": str(self.folder / "data"),
        }  # fmt: skip
        cost = measured([SIGBOT, "update", "--dry-run", "--format", "json"], self.tree(files), env)
        return cost, self.registry.requests()[before:], memory

    def theirs(self, files: int, command: Sequence[str]) -> tuple[Cost, list[Request], Path]:
        """One run of Renovate, what it asked, and the folder with its report."""
        self._runs += 1
        folder = self.folder / f"renovate{self._runs}"
        before = len(self.registry.requests())
        cost = measured(command, self.tree(files), renovate.environment(folder, self.registry.host))
        return cost, self.registry.requests()[before:], folder


def proposals(cost: Cost) -> set[tuple[str, str, str]]:
    """What we proposed: file, reference, new tag."""
    return {(one["file"], one["from"], one["to"].rpartition(":")[2]) for one in json.loads(cost.output)["moved"]}


def run(rounds: int = 5, quick: bool = False) -> Result:
    """Ours cold, ours again with what it remembers, and Renovate cold, in turn; ours on twice the files too.

    Both sides must propose the same updates, one by one.
    """
    files = 100 if quick else 1000
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="sigbot-fleet-") as name:
        registry = Registry(Path(name) / "registry").start()
        try:
            fleet_tree.publish(registry.port)
            fleet = Fleet(Path(name), registry)
            try:
                peer: list[str] = renovate.command()
            except renovate.Missing as missing:
                peer, notes = [], [f"{missing}."]
            rows, raw = _rounds(fleet, files, rounds, peer)
        finally:
            registry.stop()
    return {"rows": rows, "raw": raw, "notes": notes}


def _rounds(fleet: Fleet, files: int, rounds: int, peer: Sequence[str]) -> tuple[list[Row], dict[str, object]]:
    cold: list[Cost] = []
    warm: list[Cost] = []
    twice: list[Cost] = []
    theirs: list[Cost] = []
    asked: dict[str, Counter[str]] = {}
    for _ in range(rounds):
        cost, requests, memory = fleet.ours(files)
        cold.append(cost)
        asked["cold"] = Counter(_kind(one) for one in requests)
        asked["lists"] = Counter(one.path.partition("?")[0] for one in requests if _kind(one) == "tags/list")
        _, again, _ = fleet.ours(files, memory)
        asked["warm"] = Counter(_kind(one) for one in again)
        warm.append(fleet.ours(files, memory)[0])
        twice.append(fleet.ours(2 * files, memory)[0])
        if peer:
            other, requests, folder = fleet.theirs(files, peer)
            theirs.append(other)
            asked["Renovate"] = Counter(_kind(one) for one in requests)
            assert renovate.updates(folder) == proposals(cost), "both sides must propose the same"
    found = proposals(cold[-1])
    rows = [*_beside(cold, theirs, files, len(found)), *_counted(asked, found), _per_file(warm, twice, files)]
    return rows, {"cold": [vars(one) | {"output": ""} for one in cold], "renovate": [vars(one) | {"output": ""} for one in theirs], "asked": asked}  # fmt: skip


def _kind(request: Request) -> str:
    return "tags/list" if request.path.partition("?")[0].endswith("/tags/list") else request.method


def _beside(ours: Sequence[Cost], theirs: Sequence[Cost], files: int, found: int) -> list[Row]:
    """Ours divided by Renovate's; only our own figures where Renovate was left out."""
    counts = {"files": files, "updates": found}
    told = [
        ("CPU", [one.cpu for one in ours], [one.cpu for one in theirs], "s", 0.10),
        ("time", [one.seconds for one in ours], [one.seconds for one in theirs], "s", 0.15),
        ("memory", [one.memory_mb for one in ours], [one.memory_mb for one in theirs], "MB", 0.2),
    ]  # fmt: skip
    rows = []
    for what, mine, other, unit, floor in told:
        figures = {f"ours_{unit}": statistics.median(mine)}
        if other:
            figures[f"renovate_{unit}"] = statistics.median(other)
            rows.append(row(f"fleet scan of {files} files, cold: {what}", ratios(mine, other), beside=PEER, floor=floor, figures=figures, counts=counts))  # fmt: skip
        else:
            rows.append(row(f"fleet scan of {files} files, cold: {what}", mine, beside="-", unit=unit, counts=counts))
    return rows


def _counted(asked: Mapping[str, Counter[str]], found: set[tuple[str, str, str]]) -> list[Row]:
    """Requests: per image, per proposal, and when all is known."""
    targets = {(reference.rpartition(":")[0], tag) for _, reference, tag in found}
    cold = asked["cold"]
    other = sum(cold.values()) - cold["tags/list"] - cold["HEAD"]
    return [
        row("the same: tag lists per image, at most", [max(asked["lists"].values())], beside="-", unit="", floor=1),
        row("the same: HEAD per proposed image", [cold["HEAD"] / len(targets)], beside="-", unit="", floor=1),
        row("the same: other requests", [other], beside="-", unit="", floor=0),
        row("the same again: requests", [sum(asked["warm"].values())], beside="-", unit="", floor=0),
    ]  # fmt: skip


def _per_file(some: Sequence[Cost], twice: Sequence[Cost], files: int) -> Row:
    values = [(more.cpu - few.cpu) / files * 1000 for few, more in zip(some, twice, strict=True)]
    return row("the same: CPU of a further file", values, beside="-", unit="ms", floor=0.5)


if __name__ == "__main__":
    alone(run, __doc__)
