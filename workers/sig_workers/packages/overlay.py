"""Finding the package database in an image's layers without unpacking them (OCI image specification, "Layer").

Layers are looked at from the newest down. Whiteouts, opaque folders and whatever else lies on a path hide what older
layers have there; links are followed by looking for what they point at, too.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from sig_workers.packages.archive import Entry, entries, inside
from sig_workers.packages.decompress import Unpacked
from sig_workers.packages.limits import Budget, Unreadable

__all__ = ["Found", "Place", "all_places", "scan"]

_RPM_FOLDERS = ("usr/lib/sysimage/rpm", "var/lib/rpm", "usr/share/rpm")
_RPM_FILES = ("rpmdb.sqlite", "Packages.db", "Packages")
_TEXT_LIMIT = 64 << 20
_RELEASE_LIMIT = 64 << 10
_FOLDER_FILES = 5000


@dataclass(frozen=True)
class Place:
    """What a path of an image holds when it is there; a lower `rank` is preferred within one layer."""

    kind: Literal["rpm", "rpm log", "dpkg", "dpkg folder", "apk", "release"]
    rank: int


def all_places() -> dict[str, Place]:
    """The paths where package managers keep their databases, and where an image names its distribution (os-release(5))."""
    rpm = [f"{folder}/{name}" for folder in _RPM_FOLDERS for name in _RPM_FILES]
    places = {path: Place("rpm", rank) for rank, path in enumerate(rpm)}
    places |= {f"{folder}/rpmdb.sqlite-wal": Place("rpm log", 90) for folder in _RPM_FOLDERS}
    places["var/lib/dpkg/status"] = Place("dpkg", 20)
    places["var/lib/dpkg/status.d"] = Place("dpkg folder", 21)
    places["lib/apk/db/installed"] = places["usr/lib/apk/db/installed"] = Place("apk", 30)
    places["etc/os-release"], places["usr/lib/os-release"] = Place("release", 40), Place("release", 41)
    return places


@dataclass
class Found:
    """What one layer says of the paths that were looked for."""

    files: dict[str, Path] = field(default_factory=dict)
    """Path -> a copy of the file."""
    members: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Path of a folder of small files -> name -> content."""
    links: dict[str, str] = field(default_factory=dict)
    """Path -> the path to look at instead."""
    hidden: set[str] = field(default_factory=set)
    """Paths that older layers have no say in; `folder/name` for a member of a folder."""


def scan(source: BinaryIO, live: Mapping[str, Place], work: Path, budget: Budget) -> Found:
    """Look through one layer for the live paths; files are copied into the folder `work`. Raises Unreadable."""
    found = Found()
    folders = {path for path, place in live.items() if place.kind == "dpkg folder"}
    parents = {parent for path in live for parent in _parents(path)}
    layer = Unpacked(source, budget)
    for entry in entries(layer, budget):
        folder, _, name = entry.path.rpartition("/")
        if name.startswith(".wh."):
            _white_out(found, live, folders, folder, name)
        elif entry.path in live and entry.path not in folders:
            _take(found, entry, layer, live, work, budget)
            if entry.path in parents and entry.kind != "folder":
                _cut(found, entry, live)
        elif folder in folders:
            _take_member(found, entry, layer, budget)
        elif (entry.path in parents or entry.path in folders) and entry.kind != "folder":
            _cut(found, entry, live)
    return found


def _take(found: Found, entry: Entry, layer: Unpacked, live: Mapping[str, Place], work: Path, budget: Budget) -> None:
    """A database file, or something else in its place."""
    path = entry.path
    found.files.pop(path, None)
    found.links.pop(path, None)
    found.hidden.add(path)
    if entry.kind == "file":
        if live[path].kind == "release" and entry.size > _RELEASE_LIMIT:
            return
        if entry.size > (budget.database if live[path].kind.startswith("rpm") else _TEXT_LIMIT):
            raise Unreadable(f"its package database {path} is larger than anything that is read here")
        copy = work / f"{list(live).index(path)}"
        with copy.open("wb") as sink:
            layer.skip(entry.size, sink)
        found.files[path] = copy
    elif entry.kind in ("symlink", "link"):
        found.links[path] = _target(entry)


def _take_member(found: Found, entry: Entry, layer: Unpacked, budget: Budget) -> None:
    folder, _, name = entry.path.rpartition("/")
    members = found.members.setdefault(folder, {})
    if entry.kind != "file" or name.endswith(".md5sums"):
        return
    if len(members) > _FOLDER_FILES or entry.size > _TEXT_LIMIT or sum(map(len, members.values())) > _TEXT_LIMIT:
        raise Unreadable(f"its package database {folder} is larger than anything that is read here")
    members[name] = layer.read(entry.size)


def _white_out(found: Found, live: Mapping[str, Place], folders: set[str], folder: str, name: str) -> None:
    if name == ".wh..wh..opq":
        found.hidden |= {
            path for path in live if path.startswith(f"{folder}/") or not folder or path in folders & {folder}
        }
    elif not name.startswith(".wh..wh."):
        gone = f"{folder}/{name[4:]}".lstrip("/")
        found.hidden |= {path for path in live if path == gone or path.startswith(f"{gone}/")}
        if folder in folders:
            found.hidden.add(gone)


def _cut(found: Found, entry: Entry, live: Mapping[str, Place]) -> None:
    """Something that is no folder, on the way to live paths: they end there, or go on elsewhere."""
    for path in live:
        if path == entry.path or path.startswith(f"{entry.path}/"):
            found.hidden.add(path)
            if entry.kind == "symlink":
                found.links[path] = inside(_target(entry) + path[len(entry.path) :])


def _target(entry: Entry) -> str:
    if entry.kind == "link":
        return inside(entry.target)  # a path in the archive
    return inside(posixpath.join(posixpath.dirname("/" + entry.path), entry.target))


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]
