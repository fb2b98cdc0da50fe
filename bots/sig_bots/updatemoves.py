"""References and versions that move: what from, what to, how far, and the edits of the files. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from sig_bots.containerfile import EditRefused, Reference, references
from sig_bots.containerfile.edits import MOST_WORK, edit_together
from sig_bots.refs import ImageRef
from sig_bots.updateconfig import Kind
from sig_bots.versionmoves import MovedVersion, UpstreamVersion, apply_versions

__all__ = ["Move", "MovedReference", "apply_moves", "farthest", "images_of", "kind_of"]

_DAY = re.compile(r"\A([^0-9]*20[0-9]{2})(0[1-9]|1[0-2])([0-3][0-9])(?=(?:[0-9]{4}(?:[0-9]{2})?)?(?![0-9]))")
"""A day in one number, maybe with a time: year, month and day count as three (`bookworm-20240911`)."""
_KINDS: tuple[Kind, ...] = ("digest", "patch", "minor", "major")


@dataclass(frozen=True)
class MovedReference:
    """One place that an update changes."""

    path: str
    line: int
    old: ImageRef
    new: ImageRef
    reason: str
    link: str = ""
    """The same for places that one ARG moves together though they name different images."""
    edited: tuple[int, ...] = ()
    """The lines that change where that is not `line` alone: those of the ARGs that feed it. Known once it is applied."""

    @property
    def place(self) -> str:
        """What changes, as the pull request names it: `Containerfile:1 (used on line 4)` for an ARG on line 1."""
        lines = " and ".join(map(str, self.edited or (self.line,)))
        used = f" (used on line {self.line})" if self.edited and self.line not in self.edited else ""
        return f"{self.path}:{lines}{used}"


type Move = MovedReference | MovedVersion
"""Whatever an update changes; `old` and `new` have a `name`, a `tag` and a `digest`."""


def images_of(moves: Iterable[Move]) -> list[MovedReference]:
    """The moves of images among them."""
    return [one for one in moves if isinstance(one, MovedReference)]


def kind_of(old: ImageRef | UpstreamVersion, new: ImageRef | UpstreamVersion) -> Kind:
    """How far a move goes: only the digest, or by the place of the first number of the tag that differs (docs/updates.md)."""
    if old.tag == new.tag:
        return "digest"
    numbers = (re.findall(r"[0-9]+", _DAY.sub(r"\1.\2.\3.", image.tag or "", count=1)) for image in (old, new))
    place = next((index for index, (a, b) in enumerate(zip_longest(*numbers)) if a != b), 0)
    return _KINDS[max(1, 3 - place)]


def farthest(moves: Iterable[Move]) -> Kind:
    """The kind of the move that goes farthest; `digest` for none."""
    return max((kind_of(one.old, one.new) for one in moves), key=_KINDS.index, default="digest")


def apply_moves(moves: Sequence[Move], files: Mapping[str, bytes]) -> tuple[dict[str, bytes], list[Move], list[str]]:
    """The edited files, the moves that went into them, and a sentence for each that would change anything else."""
    changes: dict[str, bytes] = {}
    applied: list[Move] = []
    refused: list[str] = []
    by_path: dict[str, list[Move]] = {}
    for move in moves:
        by_path.setdefault(move.path, []).append(move)
    for path, here in by_path.items():
        data, done, sentences = _apply(files[path], images_of(here))
        data, versions, more = apply_versions(data, [move for move in here if isinstance(move, MovedVersion)])
        if data != files[path]:
            changes[path] = data
        applied += [*done, *versions]
        refused += [*sentences, *more]
    return changes, applied, refused


def _apply(data: bytes, moves: Sequence[MovedReference]) -> tuple[bytes, list[MovedReference], list[str]]:
    """The images of one file: all at once; when that is refused, what belongs together bit by bit, leaving out what does not fit."""
    places: dict[tuple[int, str | None], list[int]] = {}
    before = references(data)
    for found in before:
        places.setdefault((found.line, found.resolved), []).append(found.start)

    def targets(some: Iterable[MovedReference]) -> dict[int, ImageRef | str]:
        return {start: move.new for move in some for start in places.get((move.line, str(move.old)), ())}

    try:
        result = edit_together(data, targets(moves), before)
        return result, _placed(moves, before, data, result), []
    except EditRefused as error:
        bundles: dict[str, list[MovedReference]] = {}
        for move in moves:
            bundles.setdefault(move.link or str(move.old), []).append(move)
        if len(bundles) == 1 or len(bundles) * len(data) > MOST_WORK:
            return data, [], list(dict.fromkeys(f"{one.path}:{one.line}: not edited: {error}" for one in moves))
    result, done, sentences = data, list[MovedReference](), list[str]()
    for bundle in bundles.values():
        try:
            result = edit_together(data, targets([*done, *bundle]), before)
            done += bundle
        except EditRefused as error:
            sentences.append(f"{bundle[0].path}:{bundle[0].line}: not edited: {error}")
    return result, _placed(done, before, data, result), sentences


def _placed(
    moves: Sequence[MovedReference], before: Iterable[Reference], data: bytes, result: bytes
) -> list[MovedReference]:
    """The moves with the lines that change for them, which for what an ARG feeds are lines above."""
    pairs = zip(data.split(b"\n"), result.split(b"\n"), strict=False)
    changed = {number for number, (old, new) in enumerate(pairs, 1) if old != new}
    lines: dict[tuple[int, str | None], set[int]] = {}
    for found in before:
        if found.args:
            starts = {data.count(b"\n", 0, piece.start) + 1 for piece in found.pieces}
            lines.setdefault((found.line, found.resolved), set()).update(changed.intersection({*starts, found.line}))
    edited = ((one, tuple(sorted(lines.get((one.line, str(one.old)), ())))) for one in moves)
    return [replace(one, edited=some) if some not in ((), (one.line,)) else one for one, some in edited]
