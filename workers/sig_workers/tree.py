"""Git trees as plain files: which there are, their content, and writing them safely into a fresh folder."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sig_bots.errors import Transient, UserError
from sig_workers.git import GitRunner

__all__ = ["Entry", "TreeLimits", "check_path", "plain_files", "read_blobs", "write_tree"]

_REGULAR = ("100644", "100755", "100664")
_ROW = re.compile(rb"(\d{6}) (\w+) ([0-9a-f]{40,64})\t(.*)", re.DOTALL)
# Names that git itself refuses because some file system reads them as `.git`.
_DOT_GIT = re.compile(r"\.git[ .]*|git~[0-9]+", re.IGNORECASE)
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


@dataclass(frozen=True)
class TreeLimits:
    """What one commit may hold at most."""

    files: int = 100_000
    bytes: int = 2 << 30
    """Of all files together, and of one pack from the server."""
    read_bytes: int = 32 << 20
    """Of the files that one `read` takes into memory."""


@dataclass(frozen=True)
class Entry:
    """One file of a commit."""

    mode: str
    oid: str
    path: str

    @property
    def regular(self) -> bool:
        """Whether it is a plain file (no link, no submodule)."""
        return self.mode in _REGULAR


def check_path(path: str) -> str:
    """The path, when it can only lie inside the tree. Raises UserError otherwise."""
    parts = path.split("/")
    bad = not path or len(path.encode("utf-8", "surrogateescape")) > 4000 or "\0" in path or "\\" in path
    if bad or any(part in ("", ".", "..") or _DOT_GIT.fullmatch(_INVISIBLE.sub("", part)) for part in parts):
        raise UserError(f"{path[:200]!a} is not a path inside the repository.")
    return path


def plain_files(
    git: GitRunner, sha: str, limits: TreeLimits, paths: Collection[str] | None = None, *, all_kinds: bool = False
) -> list[Entry]:
    """Regular files of the commit (of these paths only, when given); with `all_kinds` links and submodules too.

    Raises UserError for more files than the limit, and for a path that would leave the tree.
    """
    few = paths is not None and len(paths) <= 50
    arguments = ["ls-tree", "-z", "--full-tree", *([] if few else ["-r"]), "--end-of-options", sha]
    rows = git.local(*arguments, *(["--", *paths] if few and paths is not None else [])).split(b"\0")
    if len(rows) - 1 > limits.files:
        raise UserError(f"The repository has more than {limits.files} files, the limit of this service.")
    entries = []
    wanted = None if paths is None else set(paths)
    for row in filter(None, rows):
        match = _ROW.fullmatch(row)
        if match is None:
            raise Transient("git listed the files of the commit in a form we do not know.")
        entry = Entry(match[1].decode(), match[3].decode(), os.fsdecode(match[4]))
        if (
            entry.mode == "040000"
            or not (entry.regular or all_kinds)
            or (wanted is not None and entry.path not in wanted)
        ):
            continue
        check_path(entry.path)
        entries.append(entry)
    return entries


def read_blobs(git: GitRunner, entries: Sequence[Entry], limits: TreeLimits) -> tuple[dict[str, bytes], set[str]]:
    """Content by object id, and the ids that are not in the clone yet. Raises UserError over `limits.read_bytes`."""
    contents: dict[str, bytes] = {}
    missing: set[str] = set()
    left = limits.read_bytes
    for oid, size, output in _contents(git, {entry.oid for entry in entries}, missing):
        left -= size
        if left < 0:
            name = next(entry.path for entry in entries if entry.oid == oid)
            raise UserError(f"{name} and the files read with it have more than {limits.read_bytes >> 20} MiB.")
        contents[oid] = _exactly(output, size)
    return contents, missing


def write_tree(git: GitRunner, entries: Sequence[Entry], folder: Path, limits: TreeLimits) -> set[str]:
    """Write the files below `folder`, which must be ours alone; the ids that are not in the clone yet.

    `folder` never holds a link, and files are created, never opened, so no write can leave it.
    """
    uses: dict[str, list[Entry]] = {}
    for entry in entries:
        uses.setdefault(entry.oid, []).append(entry)
    made: set[str] = set()
    missing: set[str] = set()
    left = limits.bytes
    root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for oid, size, output in _contents(git, uses, missing):
            left -= size * len(uses[oid])
            if left < 0:
                raise UserError(f"The files of the commit have more than {limits.bytes >> 20} MiB together, the limit of this service.")  # fmt: skip
            first, *copies = uses[oid]
            _write(root, first, _pieces(output, size), made)
            for entry in copies:
                with open(first.path, "rb", opener=lambda name, flags: os.open(name, flags, dir_fd=root)) as source:
                    _write(root, entry, _pieces(source, size), made)
    finally:
        os.close(root)
    return missing


def _write(root: int, entry: Entry, pieces: Iterable[bytes], made: set[str]) -> None:
    parent = entry.path.rpartition("/")[0]
    if parent and parent not in made:
        _make_folders(root, parent, made)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        file = os.open(entry.path, flags, 0o755 if entry.mode == "100755" else 0o644, dir_fd=root)
    except (FileExistsError, NotADirectoryError):
        raise UserError(f"{entry.path[:200]!a} is twice in the commit.") from None
    except OSError as error:
        raise UserError(f"{entry.path[:200]!a} cannot be written: {error.strerror}.") from None
    try:
        for piece in pieces:
            view = memoryview(piece)
            while view:
                view = view[os.write(file, view) :]
    except OSError as error:
        raise Transient(f"The disk of the service refused a file: {error.strerror}.") from None
    finally:
        os.close(file)


def _make_folders(root: int, path: str, made: set[str]) -> None:
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        prefix = "/".join(parts[:depth])
        if prefix in made:
            continue
        try:
            os.mkdir(prefix, 0o755, dir_fd=root)
        except FileExistsError:
            pass  # made by the first pass over the tree
        except OSError as error:
            raise UserError(f"{prefix[:200]!a} cannot be made a folder: {error.strerror}.") from None
        made.add(prefix)


def _contents(git: GitRunner, oids: Iterable[str], missing: set[str]) -> Iterator[tuple[str, int, BinaryIO]]:
    """`(id, size, stream)` per object that is there; the caller must read exactly `size` bytes each time."""
    ordered = sorted(oids)
    if not ordered:
        return
    with git.reading(
        "cat-file", "--batch", "--buffer", stdin="".join(f"{oid}\n" for oid in ordered).encode()
    ) as output:
        for oid in ordered:
            head = output.readline(200).split()
            if len(head) == 2 and head[1] == b"missing":
                missing.add(oid)
            elif len(head) == 3 and head[1] == b"blob" and head[0].decode() == oid:
                yield oid, int(head[2]), output
                output.read(1)
            else:
                raise Transient("git stopped while handing out files.")


def _exactly(output: BinaryIO, size: int) -> bytes:
    content = output.read(size)
    if len(content) != size:
        raise Transient("git stopped while handing out files.")
    return content


def _pieces(source: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0:
        piece = _exactly(source, min(size, 1 << 20))
        size -= len(piece)
        yield piece
