"""The Containerfiles and the configuration of a checkout, for the commands that need no service."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sig_bots.config import CONFIG_FILE, ConfigProblem, ImageSpec, RepoConfig, parse_config
from sig_bots.fleet import containerfiles
from sig_workers.cli.options import fail

__all__ = ["config_of", "containerfiles_in", "files_below", "read"]

LEFT_OUT = frozenset({".git", ".hg", ".venv", "node_modules", "__pycache__", ".cache", ".data"})
MOST_FILES = 200_000


def read(path: Path) -> bytes:
    """Content of a file; ends the command with a sentence when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}")


def files_below(root: Path) -> list[str]:
    """Paths of the regular files below a folder, relative, those of tools left out; links are not followed."""
    found: list[str] = []
    folders = [""]
    while folders:
        folder = folders.pop()
        inside = _entries(root / folder)
        # No link, no pipe, no device: what can be read to its end.
        found += [folder + one.name for one in inside if one.is_file(follow_symlinks=False)]
        below = [one.name for one in inside if one.name not in LEFT_OUT and one.is_dir(follow_symlinks=False)]
        folders += [f"{folder}{name}/" for name in reversed(below)]
        if len(found) > MOST_FILES:
            fail(f"{root} holds more than {MOST_FILES} files; name the folders to look at")
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What a folder holds, by name; nothing when it cannot be looked into."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda one: one.name)
    except OSError:
        return []


def containerfiles_in(paths: Sequence[Path], images: Sequence[ImageSpec] = ()) -> dict[str, bytes]:
    """Content by path of the Containerfiles: files as named, folders searched by name (and by `images`)."""
    found: dict[str, bytes] = {}
    for path in paths or (Path(),):
        if path.is_dir():
            for name in containerfiles(files_below(path), images):
                found[str(path / name)] = read(path / name)
        else:
            found[str(path)] = read(path)
    if not found:
        fail(f"no Containerfile in {', '.join(str(path) for path in paths) or 'this folder'}")
    return found


def config_of(root: Path) -> RepoConfig:
    """The configuration of the checkout at `root`, an empty one when it has none; a broken one ends the command."""
    file = root / CONFIG_FILE
    if not file.is_file():
        return RepoConfig(from_file=False)
    from sig_bots.roster import load_bots

    found = parse_config(read(file), load_bots())
    if isinstance(found, ConfigProblem):
        fail(f"{file}: {found}")
    return found
