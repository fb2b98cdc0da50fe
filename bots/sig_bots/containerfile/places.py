"""Where an edit of a resolved name goes in the file, and whether it may."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sig_bots.containerfile.model import Reference
from sig_bots.containerfile.variables import Piece

__all__ = ["place_of", "version_at", "without_shared"]

_HAS_DIGIT = re.compile("[0-9]")


def version_at(pieces: tuple[Piece, ...], name_end: int) -> list[tuple[Piece, int, int]]:
    """The pieces, with the part of each, that make up what stands behind the image's name (`:tag@digest`)."""
    parts = []
    position = 0
    for piece in pieces:
        first = max(name_end - position, 0)
        if first < len(piece.text):
            parts.append((piece, first, len(piece.text)))
        position += len(piece.text)
    return parts


def place_of(
    pieces: tuple[Piece, ...], name_end: int, span: tuple[int, int]
) -> tuple[tuple[int, int], tuple[str, ...], str]:
    """Where an edit goes, the ARGs it changes, and why it cannot (empty when it can; else the place is the word)."""
    if len(pieces) == 1:
        piece = pieces[0]
        problem = _inexact(piece)
        return span if problem else (piece.start, piece.end), (piece.arg,) if piece.arg else (), problem
    parts = version_at(pieces, name_end)
    if not parts:
        return (span[1], span[1]), (), ""
    args = tuple(dict.fromkeys(part[0].arg for part in parts if part[0].arg))
    problem = next((text for piece, _, _ in parts if (text := _inexact(piece))), "")
    if problem:
        return span, args, problem
    piece, first, _ = parts[0]
    if piece.text[first] == ":":
        parts[0] = (piece, first + 1, len(piece.text))
    written = [part for part in parts if part[1] < part[2]] or parts
    versions = [part for part in written if _HAS_DIGIT.search(part[0].text, part[1])] or written
    piece, first, last = next((part for part in versions if part[0].arg or part[0].default), versions[0])
    return (piece.start + first, piece.start + last), args, ""


def _inexact(piece: Piece) -> str:
    if piece.exact or piece.obstacle:
        return piece.obstacle
    if piece.arg and piece.start == piece.end == 0:
        return f"ARG {piece.arg} is set outside this file"
    if piece.arg:
        return f"the default of ARG {piece.arg} is written with escapes or over several lines; edit it by hand"
    return "the name is split over lines or written with escapes; put it on one line to have it updated"


def without_shared(found: list[Reference]) -> list[Reference]:
    """Take editability from references whose ARG also feeds a different image: an edit would move that one too."""
    feeds: dict[tuple[int, int], list[Reference]] = {}
    for reference in found:
        for piece in reference.pieces:
            if piece.arg:
                feeds.setdefault((piece.start, piece.end), []).append(reference)
    if not feeds:
        return found
    return [_unless_shared(reference, feeds) if reference.args else reference for reference in found]


def _unless_shared(reference: Reference, feeds: Mapping[tuple[int, int], list[Reference]]) -> Reference:
    if not reference.editable:
        return reference
    for piece in reference.pieces:
        for other in feeds.get((piece.start, piece.end), ()) if piece.arg in reference.args else ():
            if other.resolved != reference.resolved:
                what = other.resolved or other.text
                reason = f"ARG {piece.arg} also feeds {what} on line {other.line}, which would move with it"
                return reference._replace(editable=False, reason=reason, shared=True)
    return reference
