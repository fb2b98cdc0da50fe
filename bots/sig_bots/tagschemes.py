"""Readings of image tags: what scheme a tag follows, what it can be compared with, and where it stands in that order."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from functools import lru_cache
from typing import Literal, NamedTuple

__all__ = ["ARCHITECTURES", "HOW", "SCHEMES", "Reading", "Scheme", "infer", "is_architecture", "is_source"]


class Reading(NamedTuple):
    """A tag read by a scheme. Only readings of the same `family` (prefix, precision, variant) can be compared."""

    family: tuple[object, ...]
    order: tuple[int, ...]
    floors: tuple[int, ...] = ()
    """Versions of the variant (`alpine3.20`); none of them may go down."""
    pre: str = ""
    """Kind of pre-release (`rc`), empty for a release."""
    unordered: bool = False
    """Two different tags with the same order cannot be told apart (they differ in a commit)."""


ARCHITECTURES = (
    "x86_64", "amd64", "x64", "i386", "i686", "386", "aarch64", "arm64v8", "arm64", "arm32v7", "arm32v6", "arm32v5",
    "armv7hl", "armv7l", "armv7", "armv6", "armhf", "arm", "ppc64le", "s390x", "riscv64", "mips64le", "loong64",
)  # fmt: skip
_ARCH = "|".join(re.escape(name) for name in ARCHITECTURES)
_ARCH_TOKEN = re.compile(rf"(?:^|[-_.])(?:{_ARCH})(?:$|[-_.])")
_CHANNEL_TOKEN = re.compile(
    r"(?:^|[-_.])(?:latest|stream[0-9]*|rawhide|eln|edge|branched|main|master|(?:pr|mr|pull)-?[0-9]+)(?:$|[-_.])"
)
_SOURCE_TOKEN = re.compile(r"(?:^|[-_.])(?:source|src|debuginfo)(?:$|[-_.])")

# `v1.` is no name in front of a version, but where the version begins.
_PREFIX = r"(?P<prefix>(?:(?![vVr][0-9]+\.)[A-Za-z_][A-Za-z0-9_]*[-.])*[A-Za-z_]*)"
_VERSION = re.compile(_PREFIX + r"(?P<core>[0-9]+(?:\.[0-9]+)*)(?P<rest>.*)", re.ASCII | re.DOTALL)
_RELEASE = re.compile(r"-(?P<release>[0-9]+(?:\.[0-9]+)*)", re.ASCII)
_DESCRIBE = re.compile(r"-(?P<count>[0-9]+)-g[0-9a-f]{7,40}(?P<variant>(?:-.*)?)", re.ASCII | re.DOTALL)
_YEAR_LED = re.compile(_PREFIX + r"(?P<core>(?:199[0-9]|20[0-9]{2})(?:(?P<sep>[.-])[0-9]{1,6}(?:(?P=sep)[0-9]{1,6})*)?)(?![0-9])(?P<rest>.*)", re.ASCII | re.DOTALL)  # fmt: skip
_DAY = re.compile(_PREFIX + r"(?P<day>20[0-9]{6})(?P<time>[0-9]{4}(?:[0-9]{2})?)?(?![0-9])(?P<rest>.*)", re.ASCII | re.DOTALL)  # fmt: skip
_SHORT_YEAR = re.compile(_PREFIX + r"(?P<core>[0-9]{2}\.(?:0[1-9]|1[0-2])(?:\.[0-9]+)*)(?![0-9])(?P<rest>.*)", re.ASCII | re.DOTALL)  # fmt: skip
_RESPIN = re.compile(r"\.(?P<number>[0-9]{1,3})(?![0-9.])", re.ASCII)
_TIME = re.compile(r"T(?P<time>[0-9]{2}-?[0-9]{2}(?:-?[0-9]{2})?)Z?", re.ASCII)
_COMMIT = re.compile(r"[-._](?:g|git|sha)?-?(?P<commit>(?=[0-9]*[a-f])[0-9a-f]{7,40})(?P<variant>(?:[-.].*)?)", re.ASCII | re.DOTALL)  # fmt: skip
_FEDORA = re.compile(r"(?P<prefix>[fF]?)(?P<core>[2-9][0-9])(?P<rest>(?:-.*)?)", re.ASCII | re.DOTALL)

_PRE_KINDS = {
    "dev": 0, "nightly": 0, "snapshot": 0, "canary": 0, "unstable": 0, "next": 0, "test": 0, "testing": 0, "alpha": 1,
    "a": 1, "m": 2, "milestone": 2, "ea": 2, "beta": 3, "b": 3, "pre": 4, "preview": 4, "rc": 5, "cr": 5,
}  # fmt: skip
_PRE_NUMBER = r"(?P<number>(?:[-.]?[0-9]++(?:[-.][0-9]++)*)?)(?![A-Za-z0-9])"  # one way to match, or it takes for ever
# Right behind the version also one letter (3.13.0b4); further on only words that cannot be a variant's name.
_PRE = re.compile(
    r"(?:[-._]?(?P<word>alpha|beta|rc|cr|pre|preview|dev|snapshot|nightly|milestone|ea|canary|next|unstable|testing|test)"
    r"|(?:(?-i:[-.](?=M)))?(?P<letter>[abm])(?=[0-9]))" + _PRE_NUMBER,
    re.ASCII | re.IGNORECASE,
)
_PRE_LATER = re.compile(
    r"(?<=[-_])(?P<word>alpha|beta|rc|preview|dev|snapshot|nightly|canary|unstable)" + _PRE_NUMBER,
    re.ASCII | re.IGNORECASE,
)
_VARIANT = re.compile(rf"(?P<arch>(?<![A-Za-z0-9])(?:{_ARCH})(?![A-Za-z0-9]))|(?P<commit>(?<![A-Za-z0-9])(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{{7,40}}(?![A-Za-z0-9]))|(?P<word>[A-Za-z]*)(?P<number>[0-9]+)", re.ASCII)  # fmt: skip
_NAMED = re.compile(r"(?P<word>[A-Za-z]{3,})-\Z", re.ASCII)
_BUILD_WORDS = frozenset({"", "r", "ls", "p", "b", "u", "g", "build", "rev", "patch", "release", "rel", "post", "pl"})
_RUNTIMES = frozenset({
    "jdk", "jre", "openjdk", "java", "temurin", "corretto", "zulu", "liberica", "semeru", "ibmjava", "sapmachine", "graalvm",
    "python", "py", "cp", "pypy", "php", "node", "nodejs", "ruby", "perl", "go", "golang", "rust", "scala", "erlang", "otp",
    "elixir", "dotnet", "net", "mono", "gcc", "clang", "llvm", "cuda", "cudnn", "rocm", "tensorrt", "pytorch", "torch",
    "tensorflow", "tf", "spark", "hadoop", "pg", "postgres", "postgresql", "psql", "mysql", "mariadb", "ltsc", "servercore",
    "windowsservercore", "nanoserver",
})  # fmt: skip
"""What an image is made for: the number behind such a word is part of the variant (`-jdk17` never becomes `-jdk21`)."""
_LARGEST = 10**7
"""Larger numbers inside a version are dates or build times; one such place is part of the kind of tag."""


@lru_cache(maxsize=8192)
def is_source(tag: str) -> bool:
    """Whether the tag names a source image (`9.4-1227.1726694542-source`)."""
    return _SOURCE_TOKEN.search(tag) is not None


def is_architecture(tag: str) -> bool:
    """Whether the tag names one architecture's image (`41-x86_64`)."""
    return _ARCH_TOKEN.search(tag) is not None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall("[0-9]+", text))


class _Variant(NamedTuple):
    template: str
    numbers: tuple[int, ...]
    floors: tuple[int, ...]


def _variant(text: str) -> _Variant:
    """What stands behind the version: its shape with the numbers taken out, all numbers, and those of versions."""
    numbers: list[int] = []
    floors: list[int] = []
    owner = ""

    def take(match: re.Match[str]) -> str:
        nonlocal owner
        if match["number"] is None:
            return match[0]
        if match["word"] or text[match.start() - 1 : match.start()] != ".":
            named = _NAMED.search(text, 0, match.start()) if not match["word"] else None
            owner = (named["word"] if named else match["word"]).lower()
        if owner in _RUNTIMES:
            return match[0]
        numbers.append(int(match["number"]))
        if owner not in _BUILD_WORDS:
            floors.append(numbers[-1])
        return f"{match['word']}#"

    return _Variant(_VARIANT.sub(take, text), tuple(numbers), tuple(floors))


def _pre(rest: str) -> tuple[str, tuple[int, ...], str]:
    """Split off a pre-release mark: its kind, its place in the order, and the rest. A release sorts last."""
    match = _PRE.match(rest) or _PRE_LATER.search(rest)
    if match is None:
        return "", (9, 0, 0), rest
    kind = (match["word"] or match.groupdict().get("letter") or "").lower()
    numbers = (*_numbers(match["number"]), 0, 0)[:2]
    return kind, (_PRE_KINDS[kind], *numbers), rest[: match.start()] + "~" + rest[match.end() :]


def _without_pre_mark(variant: str) -> str:
    return variant.replace("-~", "").replace("~", "")


def _is_name(prefix: str) -> bool:
    return prefix not in ("", "v", "V", "r") and prefix[-1].isalnum()


def _plain_version(tag: str) -> tuple[str, list[int], str] | None:
    """Prefix, numbers and rest of a tag with an ordinary version in it."""
    match = _VERSION.fullmatch(tag)
    if match is None or _CHANNEL_TOKEN.search(tag):
        return None
    parts = match["core"].split(".")
    numbers = [int(part) for part in parts]
    padded = any(len(part) > 1 and part.startswith("0") for part in parts)
    year = 1990 <= numbers[0] <= 2100
    if padded or year or len(parts) > 5 or numbers[0] >= _LARGEST or max(numbers) >= _LARGEST**2:
        return None
    return match["prefix"], numbers, match["rest"]


def _semver(tag: str) -> Reading | None:
    found = _plain_version(tag)
    if found is None:
        return None
    prefix, numbers, rest = found
    if _RELEASE.fullmatch(rest) or _DESCRIBE.fullmatch(rest):
        return None
    if len(numbers) == 1 and _is_name(prefix):
        return None  # a name with a number in it: stream9, c9s, el9
    kind, place, rest = _pre(rest)
    variant = _variant(_without_pre_mark(rest))
    family = (prefix, len(numbers), variant.template, _dated(numbers))
    return Reading(family, (*numbers, *place, *variant.numbers), variant.floors, kind)


def _dated(numbers: list[int]) -> tuple[int, ...]:
    """What sets versions with a date inside apart: the date's position and, in Fedora CoreOS, the stream.

    `42.20250512.3.0` is release, day, stream (3 stable, 2 testing, 1 next) and revision.
    """
    positions = tuple(index for index, number in enumerate(numbers) if number >= _LARGEST)
    coreos = positions == (1,) and len(numbers) == 4 and _is_day(str(numbers[1]))
    return (*positions, numbers[2]) if coreos else positions


def _integer(tag: str) -> Reading | None:
    reading = _semver(tag)
    return reading if reading is not None and reading.family[1] == 1 else None


def _rpm_release(tag: str) -> Reading | None:
    """`version-release[.build time]`; newer images of Red Hat have the build time in place of the release."""
    found = _plain_version(tag)
    match = _RELEASE.fullmatch(found[2]) if found else None
    if found is None or match is None:
        return None
    return Reading((found[0], len(found[1]), _dated(found[1])), (*found[1], *_numbers(match["release"])))


def _describe(tag: str) -> Reading | None:
    found = _plain_version(tag)
    match = _DESCRIBE.fullmatch(found[2]) if found else None
    if found is None or match is None:
        return None
    family = (found[0], len(found[1]), match["variant"], _dated(found[1]))
    return Reading(family, (*found[1], int(match["count"])), unordered=True)


def _is_day(text: str) -> bool:
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return False
    return True


def _date_led(tag: str) -> tuple[tuple[object, ...], tuple[int, ...], str] | None:
    """Shape, numbers and rest of a tag that starts with a date."""
    match = _DAY.fullmatch(tag)
    if match and _is_day(match["day"]):
        respin = _RESPIN.match(match["rest"])
        numbers: tuple[int, ...] = (int(match["day"]), int(match["time"] or 0), int(respin["number"]) if respin else 0)
        shape: tuple[object, ...] = (match["prefix"], "day", len(match["time"] or ""))
        if respin:
            return shape, numbers, match["rest"][respin.end() :]
    elif (match := _YEAR_LED.fullmatch(tag)) and _is_name(match["prefix"]) and not match["sep"]:
        return None  # a name with a year in it: ltsc2022
    elif match := _YEAR_LED.fullmatch(tag):
        numbers = _numbers(match["core"])
        shape = (match["prefix"], match["sep"], len(numbers))
    elif match := _SHORT_YEAR.fullmatch(tag):
        numbers = _numbers(match["core"])
        shape = (match["prefix"], "short", len(numbers))
    else:
        return None
    rest = match["rest"]
    time = _TIME.match(rest)
    if time:
        return (*shape, "T"), (*numbers, int(time["time"].replace("-", ""))), rest[time.end() :]
    return shape, numbers, rest


def _calver(tag: str) -> Reading | None:
    found = _date_led(tag)
    if found is None or _COMMIT.fullmatch(found[2]):
        return None
    kind, place, rest = _pre(found[2])
    variant = _variant(_without_pre_mark(rest))
    return Reading((*found[0], variant.template), (*found[1], *place, *variant.numbers), variant.floors, kind)


def _date_commit(tag: str) -> Reading | None:
    found = _date_led(tag)
    match = _COMMIT.fullmatch(found[2]) if found else None
    if found is None or match is None:
        return None
    return Reading((*found[0], match["variant"]), found[1], unordered=True)


def _fedora(tag: str) -> Reading | None:
    match = _FEDORA.fullmatch(tag)
    return Reading((match["prefix"], match["rest"]), (int(match["core"]),)) if match else None


type Scheme = Literal["git-describe", "date-commit", "rpm-release", "fedora", "calver", "integer", "semver"]

_remembered = lru_cache(maxsize=8192)
"""Many files use the same images, and images have the same tags."""

SCHEMES: Mapping[str, Callable[[str], Reading | None]] = {
    "git-describe": _remembered(_describe),
    "date-commit": _remembered(_date_commit),
    "rpm-release": _remembered(_rpm_release),
    "fedora": _remembered(_fedora),
    "calver": _remembered(_calver),
    "integer": _remembered(_integer),
    "semver": _remembered(_semver),
}
"""Scheme -> reader, in the order they are tried when none is given."""

HOW: Mapping[str, str] = {
    "git-describe": "by version, then commits since it",
    "date-commit": "by date",
    "rpm-release": "by version, then release, then build time",
    "fedora": "as Fedora releases",
    "calver": "by date",
    "integer": "by number",
    "semver": "by version",
}


def infer(current: str, tags: Collection[str]) -> str | None:
    """The scheme of a repository, from the tag in use and all of its tags; None for a floating channel."""
    for name, read in SCHEMES.items():
        fits = {"fedora": _looks_like_fedora, "calver": _looks_like_dates}.get(name)
        if read(current) is not None and (fits is None or fits(current, tags)):
            return name
    return None


def _looks_like_dates(current: str, tags: Collection[str]) -> bool:
    """Whether `24.10` is a year and a month: others like it have a zero in front of the month, and few have no month."""
    mine = _VERSION.fullmatch(current) if _SHORT_YEAR.fullmatch(current) else None
    if mine is None:
        return True
    alike = [
        match["core"]
        for match in map(_VERSION.fullmatch, {current, *tags})
        if match and match["prefix"] == mine["prefix"] and match["core"].count(".") == mine["core"].count(".")
    ]
    months = [core for core in alike if _SHORT_YEAR.fullmatch(core)]
    return 2 * len(months) > len(alike) and any(core.split(".")[1].startswith("0") for core in months)


def _looks_like_fedora(current: str, tags: Collection[str]) -> bool:
    reading = _fedora(current)
    return reading is not None and any(f"{channel}{reading.family[1]}" in tags for channel in ("rawhide", "eln"))
