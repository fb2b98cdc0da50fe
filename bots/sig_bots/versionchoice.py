"""Which version of an upstream project a value should say next. Pure.

The value keeps what stands before its number. A value that is itself a release moves to a release; one that is shorter than
every release (`18.2` of 18.2.0, 18.2.1) names a series and moves to the newest series with as many numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from sig_bots.messages import code
from sig_bots.pins import Stays
from sig_bots.tagpatterns import fits_expression
from sig_bots.tags import Policy, newest
from sig_bots.tagschemes import HOW
from sig_bots.upstreams import UpstreamProject
from sig_bots.versionrules import VersionRule
from sig_bots.wording import counted

__all__ = ["NextVersion", "next_version"]

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,99}", re.ASCII)
_SPLIT = re.compile(r"([^0-9]*)([0-9].*)", re.DOTALL)
_NUMBERS = re.compile(r"([0-9]+(?:\.[0-9]+)*)(.*)", re.DOTALL)
_COMMON_PREFIXES = ("", "v", "V", "release-", "version-", "rel-")
_MOST_VERSIONS = 20_000
_LONGEST_MAJOR = 5
"""A first number with more digits is a date or a build, which is not made longer."""
_MOST_NUMBERS = 4


@dataclass(frozen=True)
class NextVersion:
    """The value to write, and why: a sentence of Markdown."""

    value: str
    reason: str


def next_version(
    current: str, project: UpstreamProject, rule: VersionRule, policy: Policy, ignored: Iterable[str] = ()
) -> NextVersion | Stays:
    """What the value `current` should say; `ignored` are globs of versions that are never proposed."""
    split = _SPLIT.fullmatch(current)
    if split is None or not _PLAIN.fullmatch(current):
        return Stays(f"{current[:60]!r} is no version")
    own, core = split[1], split[2]
    told = project.versions if rule.prereleases else project.stable
    if not told:
        return Stays(f"{project.label} has no {'' if rule.prereleases else 'stable '}version at the release monitor")
    known = _numbered(told[:_MOST_VERSIONS], own, core, project, rule.prefix)
    candidates, present = _comparable(core, known)
    globs = tuple(ignored)
    left_out = frozenset(key for key, version in candidates.items() if not _wanted(own + version, version, rule, globs))
    strict = replace(policy, ignored=left_out, prereleases=rule.prereleases)
    proposal = newest(present, candidates, rule.scheme, strict)
    anyway = newest(present, candidates, rule.scheme, replace(strict, major=True, ignored=frozenset()))
    newer = "" if anyway is None else candidates[anyway.tag]
    if proposal is None:
        if newer:
            return Stays(f"{newer} of {project.label} is newer and not allowed by the configuration")
        return Stays(f"no version of {project.label} that can be compared with it is newer")
    version = candidates[proposal.tag]
    return NextVersion(own + version, _reason(own + version, project, rule, len(told), proposal.scheme, known, newer))


def _wanted(value: str, version: str, rule: VersionRule, ignored: Iterable[str]) -> bool:
    if any(fnmatchcase(one, glob) for glob in ignored for one in (value, version)):
        return False
    return rule.allowed is None or fits_expression(rule.allowed, value)


def _numbered(told: Iterable[str], own: str, core: str, project: UpstreamProject, prefix: str) -> dict[str, None]:
    """The versions from their first number on, in the order told, without those of another series of the project."""
    plain = [text for text in told if _PLAIN.fullmatch(text)]
    if prefix and (series := [text.removeprefix(prefix) for text in plain if text.startswith(prefix)]):
        return dict.fromkeys(text for text in series if text[:1].isdigit())
    parts = [(split[1], split[2]) for text in plain if (split := _SPLIT.fullmatch(text))]
    accepted = {
        *_COMMON_PREFIXES,
        own,
        *(f"{name}{sep}" for name in (project.name, project.name.lower()) for sep in "-_."),
    }
    same = {before for before, number in parts if number == core} - accepted
    if len(same) == 1:
        accepted |= same
    return dict.fromkeys(number for before, number in parts if before in accepted)


def _comparable(core: str, known: Mapping[str, None]) -> tuple[dict[str, str], str]:
    """Versions by the text under which they are compared with the present one, and that one's own."""
    numbers, rest = _parts(core)
    found: dict[str, str] = {}
    if core not in known and not rest:
        for version in known:
            theirs, more = _parts(version)
            if not more and len(theirs) >= len(numbers):
                series = ".".join(theirs[: len(numbers)])
                found.setdefault(_key(series), series)
        return found, _key(core)
    width = max((len(_parts(version)[0]) for version in known), default=len(numbers))
    width = min(width, _MOST_NUMBERS) if len(numbers[0]) <= _LONGEST_MAJOR else 0
    for version in sorted(known, key=lambda one: len(_parts(one)[0]) != len(numbers)):
        found.setdefault(_key(_padded(version, width)), version)
    return found, _key(_padded(core, width))


def _parts(version: str) -> tuple[list[str], str]:
    match = _NUMBERS.fullmatch(version)
    return (match[1].split("."), match[2]) if match else ([version], "")


def _padded(version: str, width: int) -> str:
    """`8.0` as `8.0.0`, so that releases of different length are one order."""
    numbers, rest = _parts(version)
    return ".".join([*numbers, *["0"] * (width - len(numbers))]) + rest


def _key(version: str) -> str:
    """As a tag of an image could be called, for which the orders are made: `21.0.2+13` is `21.0.2-13`."""
    return version.replace("+", "-").replace("~", "-")


def _reason(
    value: str,
    project: UpstreamProject,
    rule: VersionRule,
    told: int,
    scheme: str,
    known: Mapping[str, None],
    newer: str,
) -> str:
    noun = "version" if rule.prereleases else "stable version"
    version = _SPLIT.fullmatch(value)
    series = version is not None and version[2] not in known
    what = f"{value} is the newest {'series' if series else 'one'} among the {counted(told, noun)}"
    text = f"{what} of {code(project.label, 80)}, ordered {HOW[scheme]} ({scheme})"
    skipped = len(project.versions) - len(project.stable)
    if not rule.prereleases and skipped > 0:
        text += f"; left out: {counted(skipped, 'pre-release')}"
    if newer and version is not None and newer != version[2]:
        text += f"; {newer} is newer and not allowed by the configuration"
    return f"{text}."
