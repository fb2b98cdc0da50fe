"""What changed between two trees of the fake forge, as a forge would tell it: renames found, new lines counted."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher

from sig_bots.forge import ChangedFile

__all__ = ["changes"]

_SIMILAR = 0.5
"""Share of lines in common from which a removed and an added file are one that was renamed, as in git."""


def changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[ChangedFile, ...]:
    """The files that differ between two trees (path to content), by path."""
    removed = {path for path in before if path not in after}
    found = []
    for path, new in sorted(after.items()):
        old_path = path if path in before else _renamed_from(new, before, removed)
        removed.discard(old_path or "")
        old = before.get(old_path or "", b"")
        lines = _new_lines(old, new)
        if old_path is None:
            found.append(ChangedFile(path=path, status="added", lines=lines))
        elif old_path != path:
            found.append(ChangedFile(path=path, old_path=old_path, status="renamed", lines=lines))
        elif old != new:
            found.append(ChangedFile(path=path, lines=lines))
    found += [ChangedFile(path=path, status="removed", lines=frozenset()) for path in removed]
    return tuple(sorted(found, key=lambda file: file.path))


def _renamed_from(new: bytes, before: Mapping[str, bytes], removed: set[str]) -> str | None:
    """The removed file that is most like a new one, None when none is like it."""
    scores = {path: _compared(before[path], new).ratio() for path in sorted(removed) if before[path] and new}
    best = max(scores, key=lambda path: scores[path], default=None)
    return best if best is not None and scores[best] >= _SIMILAR else None


def _compared(old: bytes, new: bytes) -> SequenceMatcher[bytes]:
    return SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)


def _new_lines(old: bytes, new: bytes) -> frozenset[int]:
    blocks = _compared(old, new).get_opcodes()
    return frozenset(line + 1 for tag, _, _, start, end in blocks if tag != "equal" for line in range(start, end))
