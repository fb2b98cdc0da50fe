"""Changing an image reference in a Containerfile: text in, text out, and only the intended bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from sig_bots.containerfile.finder import references
from sig_bots.containerfile.lexer import lex
from sig_bots.containerfile.model import Reference
from sig_bots.containerfile.places import version_at
from sig_bots.containerfile.variables import Piece
from sig_bots.errors import UserError
from sig_bots.refs import ImageRef

__all__ = ["EditRefused", "consequences", "edit", "edit_all", "edit_together"]


MOST_WORK = 2**21
"""Uses of one image times bytes of the file: each use is edited by itself and the file read again. No real file has more."""


class EditRefused(UserError):
    """The edit cannot be made without changing something else. The text says what and where."""


@dataclass(frozen=True, slots=True, order=True)
class _Change:
    start: int
    end: int
    text: str


def edit(data: bytes, reference: Reference, new: ImageRef | str) -> bytes:
    """Make `reference` (of `references(data)`) say `new`, and change nothing else.

    Quotes, case, spacing, comments, variables and everything behind the image's name stay as they are. Tag and digest
    are written together. An ARG that feeds several uses of the same image moves all of them, that is one edit. The
    result is read again; raises EditRefused unless exactly the intended references changed.
    """
    before = references(data)
    known = next((found for found in before if found.start == reference.start), None)
    if known is None or known.text != reference.text:
        raise EditRefused(f"Line {reference.line} no longer says {reference.text!r}; read the file again.")
    if not known.editable:
        raise EditRefused(f"{known.text} on line {known.line} cannot be edited: {known.reason}.")
    return edit_together(data, {reference.start: new}, before)


def edit_together(data: bytes, targets: Mapping[int, ImageRef | str], before: list[Reference] | None = None) -> bytes:
    """Several edits as one: `Reference.start` -> what that reference is to say.

    An ARG that feeds different images can only be moved so, with a target for each of them. `before`: the references of
    `data`, where they are at hand. Raises EditRefused unless exactly the references meant change, each to its target.
    """
    before = references(data) if before is None else before
    meant = _meant(before, targets)
    together = [found for found in before if found.resolved != meant.get(found.start, found.resolved)]
    if not together:
        return data
    changes = sorted({change for one in together for change in _changes(data, one, _parsed(meant[one.start]))})
    known = together[0]
    for earlier, later in pairwise(changes):
        if later.start < earlier.end or later.start == earlier.start:
            raise EditRefused(
                f"{known.text} on line {known.line} uses one ARG twice in a way that {meant[known.start]} does not fit."
            )
    result = _applied(data, changes)
    _verify(data, result, before, meant, changes)
    return result


def consequences(data: bytes, reference: Reference, new: ImageRef | str) -> dict[int, str | None]:
    """What else would change: start of each other reference -> what it would say if `reference` said `new`.

    Raises EditRefused when the edit cannot be made at all.
    """
    if not (reference.editable or reference.shared):
        raise EditRefused(f"{reference.text} on line {reference.line} cannot be edited: {reference.reason}.")
    result = references(_applied(data, sorted(set(_changes(data, reference, _parsed(new))))))
    before = references(data)
    if len(result) != len(before):
        raise EditRefused(f"{reference.text} on line {reference.line}: the edit would change which images are used.")
    return {
        old.start: one.resolved
        for old, one in zip(before, result, strict=True)
        if old.start != reference.start and old.resolved != one.resolved
    }


def _meant(before: list[Reference], targets: Mapping[int, ImageRef | str]) -> dict[int, str]:
    """What each reference is to say, those included that say the same as a target's now and share its ARG."""
    meant: dict[int, str] = {}
    moved: dict[tuple[int, int, str | None], str] = {}
    for found in before:
        if found.start not in targets:
            continue
        meant[found.start] = str(_parsed(targets[found.start]))
        if found.resolved == meant[found.start]:
            continue
        if not (found.editable or found.shared):
            raise EditRefused(f"{found.text} on line {found.line} cannot be edited: {found.reason}.")
        for piece in found.pieces:
            if piece.arg in found.args:
                moved[piece.start, piece.end, found.resolved] = meant[found.start]
    for found in before:
        for piece in found.pieces if moved else ():
            target = moved.get((piece.start, piece.end, found.resolved))
            if piece.arg and target:
                meant.setdefault(found.start, target)
    return meant


def edit_all(data: bytes, changes: Mapping[str, ImageRef | str]) -> bytes:
    """Apply several edits: `Reference.resolved` -> the new reference, for every use of that image.

    Raises EditRefused when an image is not used, used too often, or one of its uses cannot be edited.
    """
    for old, new in changes.items():
        target = _parsed(new)
        uses = sum(found.resolved == old for found in references(data))
        if not uses:
            raise EditRefused(f"{old} is not used in this file.")
        if uses > 1 and uses * len(data) > MOST_WORK:
            raise EditRefused(f"{old} is used {uses:,} times, too often for a file this large; edit it by hand.")
        if old == str(target):
            continue
        while (found := next((one for one in references(data) if one.resolved == old), None)) is not None:
            data = edit(data, found, target)
    return data


def _parsed(new: ImageRef | str) -> ImageRef:
    try:
        return ImageRef.parse(str(new))
    except ValueError as error:
        raise EditRefused(f"{error}.") from None


def _changes(data: bytes, reference: Reference, target: ImageRef) -> Iterable[_Change]:
    pieces = reference.pieces
    if len(pieces) == 1:
        return [_Change(pieces[0].start, pieces[0].end, str(target))]
    image = ImageRef.parse(reference.resolved or "")
    if image.name != target.name:
        raise EditRefused(
            f"{reference.text} on line {reference.line} is put together from variables; only its tag and digest can be "
            f"changed, not {image.name} to {target.name}."
        )
    parts = version_at(pieces, len(image.name))
    tag, digest = _split(parts)
    changes = list(_solved(tag, f":{target.tag}" if target.tag else "", reference, target))
    appended = "" if tag or not target.tag else f":{target.tag}"
    if digest:
        changes.extend(_solved(digest, f"@{target.digest}" if target.digest else "", reference, target))
    elif target.digest:
        appended += f"@{target.digest}"
    if appended:
        end = reference.end - (data[reference.end - 1 : reference.end] in (b'"', b"'"))
        ending = next((change for change in changes if change.end == end), None)
        if ending:
            changes.remove(ending)
            changes.append(_Change(ending.start, end, ending.text + appended))
        else:
            changes.append(_Change(end, end, appended))
    return changes


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of the tag or the digest; `variable` when an ARG holds it or it is the default of a variable."""

    text: str
    start: int
    end: int
    variable: bool


def _split(parts: Iterable[tuple[Piece, int, int]]) -> tuple[list[_Part], list[_Part]]:
    """The parts of `:tag` and those of `@digest`."""
    sides: tuple[list[_Part], list[_Part]] = ([], [])
    side = 0
    for piece, first, last in parts:
        text = piece.text[first:last]
        place = piece.start + first
        variable = piece.arg is not None or piece.default
        before, at, after = text.partition("@") if side == 0 else (text, "", "")
        if before:
            sides[side].append(_Part(before, place, place + len(before), variable))
        if at:
            side = 1
            sides[1].append(_Part(at + after, place + len(before), place + len(text), variable))
    return sides


def _solved(parts: list[_Part], new: str, reference: Reference, target: ImageRef) -> list[_Change]:
    """Spread the new text over the parts that make up the old one."""
    old = [part.text for part in parts]
    if not parts or "".join(old) == new:
        return []
    values = (_emptied(parts) if not new else None) or _single(parts, new) or _shaped(old, new)
    if values is None:
        raise EditRefused(
            f"{reference.text} on line {reference.line} is put together from several pieces, and {target} does not fit "
            "them in exactly one way; edit it by hand."
        )
    return [
        _Change(part.start, part.end, value)
        for part, value in zip(parts, values, strict=True)
        if value != part.text
    ]  # fmt: skip


def _emptied(parts: list[_Part]) -> list[str] | None:
    """Nothing in place of a tag or digest, when it is written where it is used."""
    return None if any(part.variable for part in parts) else [""] * len(parts)


def _single(parts: list[_Part], new: str) -> list[str] | None:
    """The new texts when changing one part is enough and there is one way to do it; an ARG goes before other text."""
    ways = []
    old = [part.text for part in parts]
    for index, part in enumerate(parts):
        if part.text in (":", "@"):
            continue
        prefix, suffix = "".join(old[:index]), "".join(old[index + 1 :])
        middle = new[len(prefix) : len(new) - len(suffix)]
        if len(prefix) + len(suffix) < len(new) and new.startswith(prefix) and new.endswith(suffix):
            ways.append((not part.variable, [*old[:index], middle, *old[index + 1 :]]))
    best = [values for literal, values in ways if not literal] or [values for _, values in ways]
    return best[0] if len(best) == 1 else None


def _shaped(old: list[str], new: str) -> list[str] | None:
    """The new texts when each part keeps its shape (digits stay digits, everything else stays) in one way."""
    for left, right in pairwise(old):
        if left[-1].isdigit() and right[:1].isdigit():
            return None
    pattern = "".join(f"({_shape(text)})" for text in old)
    match = re.fullmatch(pattern, new)
    return list(match.groups()) if match else None


def _shape(text: str) -> str:
    return "".join(r"\d+" if part.isdigit() else re.escape(part) for part in re.findall(r"[0-9]+|[^0-9]+", text))


def _applied(data: bytes, changes: list[_Change]) -> bytes:
    for change in reversed(changes):
        data = data[: change.start] + change.text.encode() + data[change.end :]
    return data


def _verify(
    data: bytes, result: bytes, before: list[Reference], meant: Mapping[int, str], changes: list[_Change]
) -> None:
    """Read the result again and compare it with what was meant."""
    after = references(result)
    known = next(found for found in before if found.resolved != meant.get(found.start, found.resolved))
    refusal = f"Changing {known.text} on line {known.line} to {meant[known.start]} would also change"
    if len(after) != len(before):
        raise EditRefused(f"{refusal} which images the file uses; is there a stage of that name?")
    for old, new in zip(before, after, strict=True):
        if new.resolved != meant.get(old.start, old.resolved) or (old.stage, old.kind) != (new.stage, new.kind):
            raise EditRefused(f"{refusal} {old.text} on line {old.line}; edit it by hand.")
    old_instructions, new_instructions = lex(data), lex(result)
    touched = [
        any(one.start <= change.start <= one.end for change in changes) for one in old_instructions
    ]  # fmt: skip
    same = len(old_instructions) == len(new_instructions) and all(
        old.keyword == new.keyword and (hit or old.raw == new.raw)
        for old, new, hit in zip(old_instructions, new_instructions, touched, strict=True)
    )
    if not same:
        raise EditRefused(f"{refusal} other instructions; edit it by hand.")
