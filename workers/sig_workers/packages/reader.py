"""The packages of one image, from its layers. Only the layers needed are fetched, the newest first."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sig_bots.packages import Distribution, Package, PackageList, distribution_of
from sig_bots.refs import Digest
from sig_workers.packages.limits import Budget, Unreadable
from sig_workers.packages.osrelease import parse_os_release
from sig_workers.packages.overlay import Found, Place, all_places, scan
from sig_workers.packages.rpmdatabase import read_rpm
from sig_workers.packages.textdatabase import read_apk, read_dpkg

__all__ = ["READER", "Fetch", "read_packages"]

READER = 2
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
        release: Distribution | None = None
        for number, digest in enumerate(reversed(self.layers)):
            if all(place.kind in ("rpm log", "release") for place in live.values()):
                break
            found = self._scan(number, digest, live)
            if self._follow(found):
                return None
            release = release or _release(found, live)
            logs = {path: file for path, file in found.files.items() if live[path].kind == "rpm log"} | logs
            for folder, files in found.members.items():
                for name, content in files.items():
                    if f"{folder}/{name}" not in removed:
                        members.setdefault(name, content)
            listed = self._read(found, live, logs)
            removed |= found.hidden
            live = {path: place for path, place in live.items() if path not in found.hidden}
            if listed is not None and listed.packages:
                whole = self._with(listed, members) if listed.kind == "dpkg" else listed
                return self._named(whole, release, number + 1, live)
            empty = empty or listed
        if members:
            whole = self._with(PackageList(kind="dpkg", packages=()), members)
            return self._named(whole, release, len(self.layers), live)
        return empty

    def _scan(self, number: int, digest: Digest, live: Mapping[str, Place]) -> Found:
        work = self.folder / f"work-{len(self.places)}-{number}"
        work.mkdir()
        with self._spooled(digest).open("rb") as source:
            return scan(source, live, work, self.budget)

    def _named(
        self, listed: PackageList, release: Distribution | None, seen: int, live: Mapping[str, Place]
    ) -> PackageList | None:
        """The list with its distribution. The layers below the first `seen` are read for it only where packages cannot tell."""
        release = release or distribution_of(listed.packages)
        if release is None and any(one.name == "base-files" and "ubuntu" in one.version for one in listed.packages):
            places = {path: place for path, place in live.items() if place.kind == "release"}
            for number, digest in enumerate(self.layers[::-1][seen:], seen):
                if release is not None or not places:
                    break
                try:
                    found = self._scan(number, digest, places)
                except Unreadable:
                    break  # what is installed is known all the same
                if self._follow(found):
                    return None
                release = _release(found, places)
                places = {path: place for path, place in places.items() if path not in found.hidden}
        return PackageList.of(listed.kind, listed.packages, release)

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
            elif kind in ("rpm log", "release"):
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


def _release(found: Found, live: Mapping[str, Place]) -> Distribution | None:
    """What an os-release file of this layer says."""
    for path in sorted(found.files, key=lambda path: live[path].rank):
        if live[path].kind == "release" and (named := parse_os_release(found.files[path].read_bytes())):
            return named
    return None
