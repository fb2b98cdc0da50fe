"""Which values of some Containerfiles can move to a newer version of their upstream project, and why the others stay.

The release monitor is asked once for each project; nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from sig_bots.checksums import checksums_beside
from sig_bots.containerfile.assignments import Assignment, assignments
from sig_bots.errors import ForgeError, NotFound, Transient
from sig_bots.pins import Stays
from sig_bots.updateconfig import UpdateConfig
from sig_bots.updatescan import Scan
from sig_bots.upstreams import UpstreamProject, Upstreams
from sig_bots.versionchoice import NextVersion, next_version
from sig_bots.versionmoves import PROJECT, MovedVersion, UpstreamVersion
from sig_bots.versionrules import VersionRule

__all__ = ["look_over_versions"]

type _Place = tuple[str, Assignment]

_MOST_PLACES = 500
"""Values of one rule that are looked at; no real repository has as many."""


def look_over_versions(
    upstreams: Upstreams, files: Mapping[str, bytes], config: UpdateConfig, scan: Scan, *, root: str = ""
) -> None:
    """Add to `scan` what the rules of `update: versions:` find in these Containerfiles (path -> content).

    `root` is what the paths begin with, for rules that name files by their path. A value is its first rule's.
    """
    _Look(upstreams, files, config, scan, root).run()


class _Look:
    def __init__(
        self, upstreams: Upstreams, files: Mapping[str, bytes], config: UpdateConfig, scan: Scan, root: str
    ) -> None:
        self.upstreams = upstreams
        self.files = files
        self.config = config
        self.scan = scan
        self.values = {path: (_relative(path, root), assignments(data)) for path, data in files.items()}
        self._projects: dict[str, UpstreamProject | str | None] = {}
        self._taken: set[tuple[str, int]] = set()
        self._checksums: dict[tuple[str, str], tuple[str, ...]] = {}
        self._next: dict[tuple[int, str], NextVersion | Stays] = {}

    def run(self) -> None:
        for number, rule in enumerate(self.config.versions):
            where = f"update.versions[{number}]"
            places = self._places(rule)
            if not places:
                which = "" if rule.file == "*" else f" that fits {rule.file}"
                self.scan.tell_idle(f"{where}: no Containerfile{which} gives {rule.what} a value")
            elif all(one.reason for _, one in places):
                path, one = places[0]
                self.scan.tell_idle(f"{where}: {path}:{one.line}: {one.what} stays: {one.reason}")
            self.scan.uses.setdefault(rule.key, set()).update(one.value for _, one in places)
            if len(places) > _MOST_PLACES:
                self.scan.kept.append(f"{where}: only the first {_MOST_PLACES} of {len(places):,} values are looked at")
            for path, one in places[:_MOST_PLACES]:
                self._look_at(number, rule, path, one)

    def _places(self, rule: VersionRule) -> list[_Place]:
        found = [
            (path, one)
            for path, (relative, values) in self.values.items()
            for one in values
            if rule.fits(relative, one) and (path, one.start) not in self._taken
        ]
        self._taken.update((path, one.start) for path, one in found)
        return found

    def _look_at(self, number: int, rule: VersionRule, path: str, one: Assignment) -> None:
        stays = f"{path}:{one.line}: {one.what} stays"
        if any(glob.startswith(PROJECT) and fnmatchcase(rule.key, glob) for glob in self.config.ignore):
            self.scan.kept.append(f"{stays}: {rule.key} is ignored by the configuration")
            return
        if one.reason:
            self.scan.kept.append(f"{stays}: {one.reason}")
            return
        project = self._project(rule, f"update.versions[{number}]")
        if not isinstance(project, UpstreamProject):
            return
        found = self._next.get((number, one.value))
        if found is None:
            found = next_version(one.value, project, rule, self.config.policy, self._ignored(rule))
            self._next[number, one.value] = found
        if isinstance(found, Stays):
            self.scan.kept.append(f"{stays}: {found.reason}")
            return
        self.scan.moves.setdefault(rule.key, []).append(
            MovedVersion(
                path, one.line, UpstreamVersion(project.label, one.value), UpstreamVersion(project.label, found.value),
                found.reason, one.what, homepage=project.homepage, page=project.page,
                by_hand=self._beside(path, one),
            )
        )  # fmt: skip

    def _beside(self, path: str, one: Assignment) -> tuple[str, ...]:
        if (path, one.what) not in self._checksums:
            found = checksums_beside(self.files[path], one)
            self._checksums[path, one.what] = tuple(f"{path}:{each}" for each in found)
        return self._checksums[path, one.what]

    def _ignored(self, rule: VersionRule) -> list[str]:
        """Globs of versions in `ignore: ['project:nodejs:21.*']`."""
        begin = f"{rule.key}:"
        return [text.removeprefix(begin) for text in self.config.ignore if text.startswith(begin)]

    def _project(self, rule: VersionRule, where: str) -> UpstreamProject | None:
        """The rule's project; None when there is none (told as waiting) or nobody could be asked."""
        if rule.key not in self._projects:
            self._projects[rule.key] = self._asked(rule, where)
        found = self._projects[rule.key]
        return found if isinstance(found, UpstreamProject) else None

    def _asked(self, rule: VersionRule, where: str) -> UpstreamProject | None:
        try:
            return self.upstreams.project(rule.project, rule.ecosystem)
        except NotFound as error:
            self.scan.held.add(rule.key)
            self.scan.tell_idle(f"{where}: {error}")
        except (Transient, ForgeError) as error:
            self.scan.unreachable[rule.key] = error
        return None


def _relative(path: str, root: str) -> str:
    try:
        return str(PurePosixPath(path).relative_to(root)) if root else path
    except ValueError:
        return path
