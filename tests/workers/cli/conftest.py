"""The command as a person uses it: words in, exit status and text out."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sig_workers.cli.main import main

EXAMPLE = Path(__file__).parents[3] / "examples" / "fleet"


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


type Sigbot = Callable[..., Said]


@pytest.fixture
def sigbot(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Sigbot:
    """`sigbot("refs", "Containerfile")`, in a folder and with a data and a cache home of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    for name in ("SIGBOT_CONFIG", "SIGBOT_DATA", "SIGBOT_DEBUG"):
        monkeypatch.setenv(name, "")  # so that what the command sets is taken back after the test
        monkeypatch.delenv(name)

    def run(*words: object, stdin: str | bytes = "") -> Said:
        monkeypatch.setattr(sys, "argv", ["sigbot", *map(str, words)])
        monkeypatch.setattr(
            sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin))
        )
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A copy of the example fleet."""
    import shutil

    shutil.copytree(EXAMPLE, tmp_path / "fleet")
    return tmp_path / "fleet"
