"""Run the benches one after the other and print what holds and what is missed.

`python -m tests.bench [names] [--rounds N] [--quick] [--json] [--markdown] [--strict]`. Each bench is a process of its own.
Raw figures of a run are kept in `.cache/bench/`. A missed floor is shown, never hidden; it fails the command with `--strict`
only, a bench that breaks always does. `--markdown FILE` prints the table of a kept run for the documentation.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
KEPT = ROOT / ".cache" / "bench"
ROUNDS = 5
LONGEST = 900
"""Seconds after which a bench is ended and counts as broken."""


def names() -> list[str]:
    """All benches."""
    return sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))


def measured(name: str, rounds: int, quick: bool) -> dict[str, Any]:
    """The result of one bench, or {"broken": why}."""
    argv = [sys.executable, "-m", f"tests.bench.bench_{name}", "--rounds", str(rounds), *(["--quick"] if quick else [])]
    try:
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return {"broken": f"it took more than {LONGEST} s", "rows": []}
    if done.returncode:
        return {"broken": done.stderr.strip()[-3000:] or f"exit {done.returncode}", "rows": []}
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def machine() -> dict[str, object]:
    """What a reader must know to judge the figures."""
    words = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"), "processor": words[0] if words else platform.machine(),
        "cores": os.cpu_count(), "system": f"{platform.system()} {platform.release()}", "python": platform.python_version(),
        "load before": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def verdict(row: Mapping[str, Any]) -> str:
    """holds, MISSED, or nothing for a row without a floor."""
    if row["holds"] is None:
        return ""
    if not row["holds"]:
        return "MISSED"
    aim = row["aim"]
    reached = aim is not None and (row["median"] >= aim if row["more"] else row["median"] <= aim)
    return "holds, aim reached" if reached else "holds"


def amount(value: float, unit: str) -> str:
    """A figure with its unit: `1.25x`, `8.1 ms`, `12,000/s`."""
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{text}{unit if unit in ('x', '/s') else f' {unit}'}".strip()


def cells(row: Mapping[str, Any]) -> list[str]:
    """One line of the table."""
    unit = row["unit"]
    least, most = (amount(value, unit) for value in row["spread"])
    sign = "≥" if row["more"] else "≤"
    wanted = "" if row["floor"] is None else f"{sign} {amount(row['floor'], unit)}"
    if row["aim"] is not None:
        wanted += f" ({amount(row['aim'], unit)})"
    spread = f"{least} to {most}" if row["rounds"] > 1 else "one run"
    return [row["what"], amount(row["median"], unit), spread, row["beside"], wanted, verdict(row)]


HEADS = ["what", "median", "rounds", "beside", "floor (aim)", ""]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """For a terminal."""
    lines = [HEADS, *map(cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def markdown(run: Mapping[str, Any]) -> str:
    """For the documentation: the table, and below it the machine."""
    rows = [row for result in run["benches"].values() for row in result["rows"]]
    lines = [HEADS, ["---"] * len(HEADS), *map(cells, rows)]
    about = ", ".join(f"{key}: {value}" for key, value in run["machine"].items())
    broken = [f"Broken: {name}." for name, result in run["benches"].items() if "broken" in result]
    return "\n".join(
        [*(f"| {' | '.join(line)} |" for line in lines), "", f"{about}. Rounds: {run['rounds']}.", *broken]
    )


def run(chosen: Sequence[str], rounds: int, quick: bool) -> dict[str, Any]:
    """Run the benches, a line of progress each on standard error, and keep the figures."""
    result: dict[str, Any] = {"machine": machine(), "rounds": rounds, "quick": quick, "benches": {}}
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}.json"
    for number, name in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {name} ... ", end="", file=sys.stderr, flush=True)
        started = time.monotonic()
        one = measured(name, rounds, quick)
        result["benches"][name] = {**one, "seconds": time.monotonic() - started}
        kept.write_text(json.dumps(result, indent=1))
        missed = sum(row["holds"] is False for row in one["rows"])
        said = "BROKEN" if "broken" in one else f"{missed} missed" if missed else "done"
        print(f"{said} ({time.monotonic() - started:.0f} s)", file=sys.stderr, flush=True)
    print(f"raw figures: {kept.relative_to(ROOT)}", file=sys.stderr)
    return result


def main() -> int:
    """See the module's text."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which of them: {', '.join(names())}")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="smaller input: says whether they work, not how fast")
    parser.add_argument("--json", action="store_true", help="print all figures instead of the table")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a floor is missed")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="print the table of a kept run, run nothing")
    options = parser.parse_args()
    if options.markdown:
        print(markdown(json.loads(options.markdown.read_text())))
        return 0
    if unknown := set(options.names) - set(names()):
        parser.error(f"there is no bench {sorted(unknown)[0]}; there are {', '.join(names())}")
    result = run(options.names or names(), options.rounds, options.quick)
    rows = [row for one in result["benches"].values() for row in one["rows"]]
    print(json.dumps(result, indent=1) if options.json else f"\n{table(rows)}")
    for note in (note for one in result["benches"].values() for note in one.get("notes", ())):
        print(note, file=sys.stderr)
    broken = {name: one["broken"] for name, one in result["benches"].items() if "broken" in one}
    for name, why in broken.items():
        print(f"\nBROKEN: {name}\n{why}", file=sys.stderr)
    missed = sum(row["holds"] is False for row in rows)
    if missed:
        print(f"\n{missed} of {len(rows)} rows MISSED their floor", file=sys.stderr)
    return 1 if broken or (missed and options.strict) else 0


if __name__ == "__main__":
    sys.exit(main())
