"""Containerfile -> references, against dockerfile-parse's `parent_images` on the same files. CPU, file read included."""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dockerfile_parse import DockerfileParser  # type: ignore[import-untyped]

from sig_bots.containerfile import lex, references
from tests.bench.corpus import corpus
from tests.bench.rows import Result, alone, ratios, row
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


def run(rounds: int = 5, quick: bool = False) -> Result:
    """CPU per file of each way, in turn, and the ratios per round.

    On the everyday files both sides must find the same number of images and instructions; the hand-written nasty
    files, on which dockerfile-parse is wrong in places, are read by both as well.
    """
    files = 50 if quick else 200
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
                for one in paths:
                    way(one)
                times[name].append((time.process_time() - start) / len(paths))
    figures = {f"{name}_us": statistics.median(values) * 1e6 for name, values in times.items()}
    counts = {"files": len(paths)}
    return {
        "rows": [
            row(
                "Containerfile to references, CPU", ratios(times["references"], times["parent_images"]),
                beside="dockerfile-parse's parent_images", floor=0.6, aim=0.4, figures=figures, counts=counts,
            ),
            row(
                "Containerfile to instructions, CPU", ratios(times["lex"], times["structure"]),
                beside="dockerfile-parse's structure", floor=1.0, counts=counts,
            ),
        ],
        "raw": times,
    }  # fmt: skip


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


if __name__ == "__main__":
    alone(run, __doc__)
