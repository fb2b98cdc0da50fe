"""Wheels built from this tree, and environments with nothing in them but what was installed from wheels."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.servers.process import ServerMissing

ROOT = Path(__file__).parents[2]
_LOCKED = ROOT / "requirements/dev.txt"
_CACHE = ROOT / ".cache/pip"


def run(*argv: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A program in a folder, with no way back into this tree through the environment."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SIGBOT_", "PYTHON", "VIRTUAL"))}
    return subprocess.run(
        [*map(str, argv)], cwd=cwd, env=env | environment, capture_output=True, text=True, timeout=100, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def once(place: Path, make: Callable[[Path], None]) -> Path:
    """`place`, made by the first worker of the run that asks."""
    with place.with_name(f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "complete").exists():
            place.mkdir(exist_ok=True)
            make(place)
            (place / "complete").touch()
    return place


def build(kind: str, project: Path, folder: Path) -> Path:
    """Build the `wheel` or `sdist` of a project into a folder of its own; the file."""
    built = run(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder, cwd=project)
    assert built.returncode == 0, built.stderr
    (file,) = folder.iterdir()
    return file


@dataclass(frozen=True)
class Environment:
    """A virtual environment without pip; ours installs into it."""

    folder: Path

    @property
    def packages(self) -> Path:
        """Where its packages lie."""
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def run(self, *words: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """A program of the environment: `run("sigbot", "bots")`."""
        program, *others = words
        return run(self.folder / "bin" / program, *others, cwd=cwd, **environment)

    def create(self) -> None:
        """Make it, empty."""
        made = run(sys.executable, "-m", "venv", "--without-pip", self.folder, cwd=ROOT)
        assert made.returncode == 0, made.stderr

    def install_locked(self, *requirements: str) -> None:
        """What these requirements need and we pin, by hash; `ServerMissing` when there is no index to take it from."""
        wanted = self.folder / "wanted.txt"
        wanted.write_text("".join(_locked()[name] for name in sorted(_closure(requirements) - {"sigbot"})))
        done = self.pip("--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", wanted)
        if done.returncode:
            raise ServerMissing(
                "packages cannot be installed here, so the wheels are not tried; give pip an index it can reach: "
                + done.stderr[-500:]
            )

    def install(self, *wheels: Path | str) -> None:
        """Wheels whose requirements are there already."""
        done = self.pip("--no-index", *wheels)
        assert done.returncode == 0, done.stderr

    def pip(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """`pip install` into it, without compiling: most is never imported."""
        pip: list[str | Path] = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            self.folder / "bin/python",
            "install",
            "--quiet",
        ]
        cache = {"PIP_CACHE_DIR": str(_CACHE)} if _CACHE.exists() else {}
        return run(*pip, "--no-compile", *words, cwd=self.folder, PIP_DISABLE_PIP_VERSION_CHECK="1", **cache)


def _locked() -> dict[str, str]:
    """The blocks of the requirement file by package."""
    blocks = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", _LOCKED.read_text(), re.MULTILINE | re.DOTALL)
    return {canonicalize_name(re.split(r"[=\[ ]", block)[0]): block for block in blocks}


def _closure(requirements: tuple[str, ...]) -> set[str]:
    """Names of everything these requirements need here, by the metadata of this environment."""
    found: set[tuple[str, str]] = set()
    todo = [Requirement(text) for text in requirements]
    while todo:
        one = todo.pop()
        for extra in ("", *one.extras):
            if (one.name, extra) in found:
                continue
            found.add((one.name, extra))
            needed = [Requirement(line) for line in distribution(one.name).requires or []]
            todo += [each for each in needed if each.marker is None or each.marker.evaluate({"extra": extra})]
    return {canonicalize_name(name) for name, _ in found}
