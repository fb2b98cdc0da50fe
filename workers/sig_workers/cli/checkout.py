"""The Containerfiles and the configuration of a checkout, for the commands that need no service."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from sig_bots.config import CONFIG_FILE, ConfigProblem, ImageSpec, RepoConfig, default_config, parse_config
from sig_bots.fleet import containerfiles
from sig_bots.roster import load_bots
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
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        here = Path(folder)
        found += [str((here / name).relative_to(root)) for name in sorted(names) if _is_regular(here / name)]
        if len(found) > MOST_FILES:
            fail(f"{root} holds more than {MOST_FILES} files; name the folders to look at")
    return found


def _is_regular(path: Path) -> bool:
    """Whether it is a file that can be read to its end: no link, no pipe, no device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


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
    """The configuration of the checkout at `root`, the defaults when it has none; a broken one ends the command."""
    bots = load_bots()
    file = root / CONFIG_FILE
    if not file.is_file():
        return default_config(bots)
    found = parse_config(read(file), bots)
    if isinstance(found, ConfigProblem):
        fail(f"{file}: {found}")
    return found
