"""Pushes that git takes, noted before it does, so that one whose hook dies is followed up later.

`pre-receive` writes a note, a few lines of shell; `post-receive` does what a forge does after a push and takes the note away. A
note whose process is gone stands for a push that was not followed up, or was refused: the branches say which.

Git starts a process that imports this at each push: it imports nothing heavy.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Push", "PushNotes", "hook_scripts"]

SPOOL = "pushes"
SETTLED = 5.0
"""Seconds after which a note whose process is gone is nobody's."""

_PROCESS = re.compile(r"[1-9][0-9]{0,8}")
_UPDATE = re.compile(r"([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (refs/\S+)")

_NOTE = """#!/bin/sh
# The push goes on without its note, if the disk is full.
umask 077
mkdir -p {spool}
note=$(mktemp {spool}/new-XXXXXX) || exit 0
{{ printf '%s\\n' {path} "$SIGBOT_USER"; cat; }} > "$note" && mv "$note" {spool}/"$PPID-${{note##*new-}}"
exit 0
"""


def hook_scripts(data: Path, path: str) -> dict[str, str]:
    """The hooks of a repository: name to script."""
    words = [sys.executable, "-m", "sig_workers.localforge.received", str(data.absolute()), path]
    return {
        "pre-receive": _NOTE.format(spool=shlex.quote(str(data.absolute() / SPOOL)), path=shlex.quote(path)),
        "post-receive": f"#!/bin/sh\nexec {' '.join(shlex.quote(word) for word in words)}\n",
    }


@dataclass(frozen=True)
class Push:
    """A push into the repository `path`: per ref (before, after, ref), and who pushed where that was said."""

    path: str
    login: str | None
    updates: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class PushNotes:
    """The notes of a data folder."""

    data: Path

    def done(self, process: int) -> None:
        """The push that this git process (the parent of its hooks) takes is followed up."""
        for note in (self.data / SPOOL).glob(f"{process}-*"):
            note.unlink(missing_ok=True)

    def left(self) -> Iterator[Push]:
        """The pushes whose process is gone. A note goes when the next one is asked for: what raised before comes again."""
        oldest = time.time() - SETTLED
        for note in sorted((self.data / SPOOL).glob("*-*")):
            with contextlib.suppress(FileNotFoundError):
                if note.stat().st_mtime < oldest and not _lives(note.name.partition("-")[0]):
                    path, login, *lines = [*note.read_text("utf-8", "replace").splitlines(), "", ""]
                    updates = [match.groups() for line in lines if (match := _UPDATE.fullmatch(line))]
                    yield Push(path, login or None, [(before, after, ref) for before, after, ref in updates])
                    note.unlink()


def _lives(process: str) -> bool:
    if not _PROCESS.fullmatch(process):
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, so it lives
        return True
    return True
