"""Containerfile -> references, against dockerfile-parse's `parent_images` on the same files. CPU, file read included."""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dockerfile_parse import DockerfileParser

from sig_bots.containerfile import lex, references
from tests.bench.corpus import corpus
from tests.bots.containerfile.nasty import FILES


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123  (pathlib costs as much as the parsing)
        return file.read()


def ours(path: str) -> int:
    """How many FROM instructions name an image of a registry."""
    return sum(found.instruction == "FROM" for found in references(_read(path)))


def theirs(path: str) -> int:
    """The same by dockerfile-parse."""
    return len(DockerfileParser(path).parent_images)


def our_instructions(path: str) -> int:
    """All instructions."""
    return len(lex(_read(path)))


def their_structure(path: str) -> int:
    """The same by dockerfile-parse, comments left out."""
    return sum(part["instruction"] != "COMMENT" for part in DockerfileParser(path).structure)


WAYS: dict[str, Callable[[str], int]] = {
    "references": ours, "parent_images": theirs, "lex": our_instructions, "structure": their_structure,
}  # fmt: skip


def run(rounds: int = 5, files: int = 200) -> dict[str, object]:
    """CPU per file of each way, in turn, and the ratios per round.

    On the everyday files both sides must find the same number of images and instructions; the hand-written nasty
    files, on which dockerfile-parse is wrong in places, are read by both as well.
    """
    logging.getLogger("dockerfile_parse").setLevel(logging.CRITICAL)
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, data in enumerate([*corpus(files), *(case.data for case in FILES if _is_text(case.data))]):
            path = Path(folder, str(number), "Dockerfile")
            path.parent.mkdir()
            path.write_bytes(data)
            paths.append(str(path))
        everyday = paths[:files]
        assert sum(map(our_instructions, everyday)) > 20 * files
        assert [ours(path) for path in everyday if b"<<" not in _read(path)] == [
            theirs(path) for path in everyday if b"<<" not in _read(path)
        ]
        for _ in range(rounds):
            for name, way in WAYS.items():
                start = time.process_time()
                for path in paths:
                    way(path)
                times[name].append((time.process_time() - start) / len(paths))
    ratios = sorted(mine / limit for mine, limit in zip(times["references"], times["parent_images"], strict=True))
    lexing = sorted(mine / limit for mine, limit in zip(times["lex"], times["structure"], strict=True))
    return {
        "name": "Containerfile -> references, CPU against dockerfile-parse parent_images",
        "limit": 0.6,
        "ratio": statistics.median(ratios),
        "spread": [ratios[0], ratios[-1]],
        "lex_limit": 1.0,
        "lex_ratio": statistics.median(lexing),
        "lex_spread": [lexing[0], lexing[-1]],
        "microseconds": {name: round(statistics.median(values) * 1e6, 1) for name, values in times.items()},
        "files": len(paths),
        "rounds": rounds,
    }


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = run(options.rounds)
    print(json.dumps(result, indent=2) if options.json else result)
