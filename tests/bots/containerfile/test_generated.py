"""Two thousand made-up files: read as the reference parser reads them, and edited only where that was meant."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, seed, settings

from sig_bots.containerfile import Reference, edit, references
from tests.bots.containerfile.generated import FACTS, Made, containerfiles
from tests.bots.containerfile.oracle import our_lexer, reference_parser

FILES, RUNS = 500, 4
DIGEST = "sha256:" + "b" * 64
run = pytest.mark.parametrize("number", range(RUNS))
"""So that several processes of the tests share the work."""


@run
@pytest.mark.timeout(300)
def test_generated_files_are_read_as_the_reference_parser_reads_them_and_show_every_fact(number: int) -> None:
    seen: Counter[str] = Counter()

    @seed(number)
    @settings(max_examples=FILES, deadline=None, database=None)
    @given(containerfiles())
    def agree(made: Made) -> None:
        seen.update([*made.facts, "files"])
        assert our_lexer(made.data) == reference_parser(made.data)
        assert [use.resolved for use in references(made.data)] == list(made.images)
        for new in edits(made.data):
            assert our_lexer(new) == reference_parser(new)

    agree()
    assert seen["files"] >= FILES
    assert set(seen) == FACTS | {"files"}


def edits(data: bytes) -> list[bytes]:
    """Each editable reference moved by itself to another tag, and the first to a tag with a digest; every one checked."""
    found = references(data)
    made = []
    for place, use in enumerate(one for one in found if one.editable):
        assert use.image is not None
        target = use.image.with_tag("9.9", DIGEST if place == 0 else None)
        new = edit(data, use, target)
        same = moved_with(use, found)
        assert [one.resolved for one in references(new)] == [str(target) if one in same else one.resolved for one in found]  # fmt: skip
        only_within(data, new, spans(same))
        made.append(new)
    return made


def moved_with(use: Reference, found: list[Reference]) -> list[Reference]:
    """The reference, and those that the same ARG makes say the same."""
    places = {(piece.start, piece.end) for piece in use.pieces if piece.arg in use.args}
    return [
        one for one in found
        if one.start == use.start
        or (one.resolved == use.resolved and any((piece.start, piece.end) in places for piece in one.pieces if piece.arg))
    ]  # fmt: skip


def spans(uses: list[Reference]) -> list[tuple[int, int]]:
    """The bytes an edit may touch: the words, and the defaults of the ARGs in them."""
    places = {(one.start, one.end) for one in uses}
    places |= {
        (piece.start, piece.end) for one in uses for piece in one.pieces if piece.exact and piece.arg in one.args
    }
    return sorted(places)


def only_within(old: bytes, new: bytes, places: list[tuple[int, int]]) -> None:
    """Whatever lies outside of these places is in the new text as it was, in the same order, with nothing between."""
    kept, end = [], 0
    for start, stop in places:
        if start >= end:
            kept.append(old[end:start])
        end = max(end, stop)
    kept.append(old[end:])
    assert re.fullmatch(b"[^\\s]*?".join(map(re.escape, kept)), new), (old, new, places)
