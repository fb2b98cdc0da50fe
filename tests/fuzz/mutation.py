"""Hostile cases made from good ones: the same seed always gives the same cases."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

LARGEST = 40_000
"""Bytes of a case; what is larger is tried by tests of its own."""

NASTY_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e308, 10**30, 10**400, float("nan"), float("inf"), "", "\x00", "\ud800", "../..", "x" * 5000,
    "--upload-pack=x", "\u202eltr", "é" * 40, [], {}, [None], [[]], [{}], ["x"] * 200, {"x": None}, {"": ""},
)  # fmt: skip


def mutated(seed: bytes, others: Sequence[bytes], words: Sequence[bytes], chance: Random) -> bytes:
    """One good text with one to six things done to it: words put in, parts removed, doubled, swapped or overwritten."""
    data = seed
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        data = chance.choice(_CHANGES)(data, others, words, chance)
    return data[:LARGEST]


def _span(data: bytes, chance: Random) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.choice((1, 2, 5, 20, 200)))


def _put_in(data: bytes, _: Sequence[bytes], words: Sequence[bytes], chance: Random) -> bytes:
    place, _end = _span(data, chance)
    return data[:place] + chance.choice(words) + data[place:]


def _put_in_often(data: bytes, _: Sequence[bytes], words: Sequence[bytes], chance: Random) -> bytes:
    place, _end = _span(data, chance)
    word = chance.choice(words)
    times = min(chance.choice((2, 30, 500)), LARGEST // (len(word) or 1))
    return data[:place] + word * times + data[place:]


def _remove(data: bytes, _: Sequence[bytes], _words: Sequence[bytes], chance: Random) -> bytes:
    start, end = _span(data, chance)
    return data[:start] + data[end:]


def _double(data: bytes, _: Sequence[bytes], _words: Sequence[bytes], chance: Random) -> bytes:
    start, end = _span(data, chance)
    return data[:end] + data[start:end] + data[end:]


def _overwrite(data: bytes, _: Sequence[bytes], _words: Sequence[bytes], chance: Random) -> bytes:
    start, end = _span(data, chance)
    return data[:start] + chance.randbytes(end - start) + data[end:]


def _flip(data: bytes, _: Sequence[bytes], _words: Sequence[bytes], chance: Random) -> bytes:
    if not data:
        return data
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def _splice(data: bytes, others: Sequence[bytes], _words: Sequence[bytes], chance: Random) -> bytes:
    other = chance.choice(others)
    return data[: _span(data, chance)[0]] + other[_span(other, chance)[0] :]


def _swap_lines(data: bytes, _: Sequence[bytes], _words: Sequence[bytes], chance: Random) -> bytes:
    lines = data.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return chance.choice((b"\n", b"\n", b"\r\n", b"\r")).join(lines)


def _cut(data: bytes, _: Sequence[bytes], _words: Sequence[bytes], chance: Random) -> bytes:
    return data[: _span(data, chance)[0]]


_CHANGES: tuple[Callable[[bytes, Sequence[bytes], Sequence[bytes], Random], bytes], ...] = (
    _put_in, _put_in, _put_in, _put_in_often, _remove, _double, _overwrite, _flip, _splice, _swap_lines, _cut,
)  # fmt: skip


def mutated_json(seed: Any, chance: Random) -> bytes:
    """One good JSON object with one to four of its values replaced, removed or moved, wherever they stand."""
    data = copy.deepcopy(seed)
    for _ in range(chance.choice((1, 1, 2, 4))):
        places = list(_places(data))
        if not places:
            break
        node, key = chance.choice(places)
        what = chance.randrange(4)
        if what == 0:
            del node[key]
        elif what == 1:
            other, its = chance.choice(places)
            node[key] = (
                copy.deepcopy(other[its]) if its in other or (isinstance(other, list) and its < len(other)) else None
            )
        else:
            node[key] = copy.deepcopy(chance.choice(NASTY_VALUES))
    return json.dumps(data, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


def _places(node: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Every (container, key), the ones near the top more often, where fields are read."""
    items: Sequence[tuple[Any, Any]] = (
        list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else ()
    )
    for key, value in items:
        for _ in range(1 if depth > 2 else 4 - depth):
            yield node, key
        yield from _places(value, depth + 1)
