"""The packages of one image, from its layers. Only the layers needed are fetched, the newest first."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sig_bots.packages import Package, PackageList
from sig_bots.refs import Digest
from sig_workers.packages.limits import Budget, Unreadable
from sig_workers.packages.overlay import Found, Place, all_places, scan
from sig_workers.packages.rpmdatabase import read_rpm
from sig_workers.packages.textdatabase import read_apk, read_dpkg

__all__ = ["READER", "Fetch", "read_packages"]

READER = 1
"""Counts up when more can be read than before: what was remembered of a digest is then read again."""

type Fetch = Callable[[Digest, Path], None]
"""Puts the blob of a digest, verified, into a file. Raises Transient, ForgeError."""

_RESTARTS, _PATHS, _LAYERS = 8, 100, 1000


def read_packages(layers: Sequence[Digest], fetch: Fetch, budget: Budget) -> PackageList | None:
    """The packages of an image with these layers (oldest first, as in its manifest); None when it has no database.

    The database in the newest layer counts; an empty one only when there is no other. Raises Unreadable, and what
    `fetch` raises.
    """
    if len(layers) > _LAYERS:
        raise Unreadable("it has too many layers")
    with tempfile.TemporaryDirectory(prefix="sigbot-packages-") as folder:
        search = _Search(layers, fetch, budget, Path(folder))
        for _ in range(_RESTARTS):
            wanted = len(search.places)
            found = search.run()
            if len(search.places) == wanted:
                return found
        raise Unreadable("its package database lies behind too many links")


@dataclass
class _Search:
    layers: Sequence[Digest]
    fetch: Fetch
    budget: Budget
    folder: Path
    places: dict[str, Place] = field(default_factory=all_places)

    def run(self) -> PackageList | None:
        """One look from the newest layer down. When a link adds a place to look at, its result does not count."""
        live = dict(self.places)
        logs: dict[str, Path] = {}
        members: dict[str, bytes] = {}
        removed: set[str] = set()
        empty: PackageList | None = None
        for number, digest in enumerate(reversed(self.layers)):
            if all(place.kind == "rpm log" for place in live.values()):
                break
            work = self.folder / f"work-{len(self.places)}-{number}"
            work.mkdir()
            with self._spooled(digest).open("rb") as source:
                found = scan(source, live, work, self.budget)
            if self._follow(found):
                return None
            logs = {path: file for path, file in found.files.items() if live[path].kind == "rpm log"} | logs
            for folder, files in found.members.items():
                for name, content in files.items():
                    if f"{folder}/{name}" not in removed:
                        members.setdefault(name, content)
            listed = self._read(found, live, logs)
            if listed is not None and listed.packages:
                return self._with(listed, members) if listed.kind == "dpkg" else listed
            empty = empty or listed
            removed |= found.hidden
            live = {path: place for path, place in live.items() if path not in found.hidden}
        return self._with(PackageList(kind="dpkg", packages=()), members) if members else empty

    def _spooled(self, digest: Digest) -> Path:
        spool = self.folder / digest.replace(":", "-")
        if not spool.exists():
            self.fetch(digest, spool)
        return spool

    def _follow(self, found: Found) -> bool:
        """Add the places that links point at; whether one is new."""
        fresh = {target: self.places[path] for path, target in found.links.items() if target not in self.places}
        if len(self.places) + len(fresh) > _PATHS:
            raise Unreadable("its package database lies behind too many links")
        self.places |= fresh
        return bool(fresh)

    def _read(self, found: Found, live: dict[str, Place], logs: dict[str, Path]) -> PackageList | None:
        """The best database of this layer; one with packages before an empty one."""
        empty = None
        for path in sorted(found.files, key=lambda path: live[path].rank):
            file, kind = found.files[path], live[path].kind
            if kind == "rpm":
                if (log := logs.pop(f"{path}-wal", None)) is not None:
                    log.rename(file.with_name(f"{file.name}-wal"))
                listed = read_rpm(file, self.budget)
            elif kind == "rpm log":
                continue
            else:
                listed = (read_apk if kind == "apk" else read_dpkg)(file.read_bytes(), self.budget)
            if listed.packages:
                return listed
            empty = empty or listed
        return empty

    def _with(self, listed: PackageList, members: dict[str, bytes]) -> PackageList:
        """The list of `status` with what `status.d` has, whose files hold one package each."""
        found: dict[tuple[str, str], Package] = {(one.name, one.architecture): one for one in listed.packages}
        for content in members.values():
            for one in read_dpkg(content, self.budget, always=True).packages:
                found[one.name, one.architecture] = one
        return PackageList.of("dpkg", found.values())
