"""Unified diffs of files, byte for byte, as `git apply` reads them."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

__all__ = ["name_in_diff", "unified"]

_ODD = re.compile(rb'[\x00-\x1f"\\\x7f]')
_SHORT = {7: b"a", 8: b"b", 9: b"t", 10: b"n", 11: b"v", 12: b"f", 13: b"r", 34: b'"', 92: b"\\"}


def unified(name: str, before: bytes, after: bytes) -> bytes:
    """The diff of one file called `name`; empty when both are the same. Only a line feed ends a line."""
    old, new = (_lines(data) for data in (before, after))
    made = difflib.diff_bytes(difflib.unified_diff, old, new, _header("a", name), _header("b", name))
    return b"".join(line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n" for line in made)


def name_in_diff(path: Path) -> str:
    """The file's name for `git apply` run where the command runs, or at the root of its checkout when that is elsewhere."""
    whole, here = path.resolve(), Path.cwd().resolve()
    if whole.is_relative_to(here):
        return str(whole.relative_to(here))
    root = next((folder for folder in whole.parents if (folder / ".git").exists()), whole.parent)
    return str(whole.relative_to(root))


def _lines(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _header(side: str, name: str) -> bytes:
    raw = f"{side}/{name}".encode(errors="surrogateescape")
    if _ODD.search(raw):
        return b'"' + _ODD.sub(lambda match: b"\\" + (_SHORT.get(match[0][0]) or b"%03o" % match[0][0]), raw) + b'"'
    return raw + b"\t" if b" " in raw else raw
