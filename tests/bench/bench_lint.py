"""Lint of a repository: our own part (rules, merging, handing files over) on top of one bare hadolint process. CPU."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sig_bots.lintreport import fingerprints, lint_files
from sig_workers.hadolint import Hadolint
from tests.bench.corpus import corpus
from tests.bench.rows import Result, alone, row


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _bare(program: str, folder: Path, names: list[str]) -> tuple[float, int]:
    """CPU seconds and findings of hadolint alone on the same files."""
    before = _children()
    argv = [program, "--no-fail", "--no-color", "--format", "json", *names]
    done = subprocess.run(argv, cwd=folder, capture_output=True, check=True)
    return _children() - before, len(json.loads(done.stdout))


def run(rounds: int = 5, quick: bool = False) -> Result:
    """Our CPU per file and as a share of hadolint's, over interleaved rounds.

    Both sides read the same files. Each finding hadolint has alone is in our report, unless one of ours tells the same.
    """
    files = 30 if quick else 150
    program = str(Path(sys.executable).parent / "hadolint")
    contents = {f"{number}/Containerfile": data for number, data in enumerate(corpus(files))}
    per_file: list[float] = []
    shares: list[float] = []
    found = bare_found = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, data in contents.items():
            (folder / path).parent.mkdir()
            (folder / path).write_bytes(data)
        for _ in range(rounds):
            bare, bare_found = _bare(program, folder, list(contents))
            own = time.process_time()
            report = lint_files(contents, Hadolint())
            marks = fingerprints(report)
            own = time.process_time() - own
            assert len(marks) == len(report.findings)
            found = sum(one.engine == "hadolint" for one in report.findings)
            assert report.notes == ()
            assert 0 < found <= bare_found
            per_file.append(own / files * 1000)
            shares.append(own / bare)
    counts = {"files": files, "findings of hadolint alone": bare_found, "of hadolint in our report": found}
    return {
        "rows": [
            row("lint: our own CPU, as a share of hadolint's", shares, beside="one bare hadolint process", floor=0.1, counts=counts),
            row("lint: our own CPU per file", per_file, beside="-", floor=5, unit="ms", counts=counts),
        ],
        "raw": {"shares": shares, "milliseconds per file": per_file},
    }  # fmt: skip


if __name__ == "__main__":
    alone(run, __doc__)
