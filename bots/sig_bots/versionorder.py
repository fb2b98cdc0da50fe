"""How package managers order versions: rpm, dpkg and apk. Pure, and linear in the length of the text."""

from __future__ import annotations

import re
from itertools import zip_longest

__all__ = ["compare_apk", "compare_debian", "compare_rpm"]

_RPM_PART = re.compile(r"~|\^|[0-9]+|[a-zA-Z]+")
_APK = re.compile(
    r"(?P<numbers>[0-9]+(?:\.[0-9]+)*)(?P<letter>[a-z]?)"
    r"(?P<suffixes>(?:_[a-z]+[0-9]*)*)(?:~[0-9a-f]+)?(?:-r(?P<release>[0-9]+))?"
)
_APK_SUFFIXES = {"alpha": -4, "beta": -3, "pre": -2, "rc": -1, "cvs": 1, "svn": 2, "git": 3, "hg": 4, "p": 5}


def compare_rpm(one: str, other: str) -> int:
    """-1, 0 or 1 as rpm's version comparison has it (rpm-version(7)).

    Parts of digits and of letters are compared in turn, other characters only separate them; digits are newer than
    letters, more parts newer than fewer, `~` older than even the end, `^` newer than the end but older than any part.
    """
    for left, right in zip_longest(_RPM_PART.findall(one), _RPM_PART.findall(other), fillvalue=""):
        if left == right:
            continue
        if "~" in (left, right):
            return -1 if left == "~" else 1
        if "^" in (left, right):
            mine, theirs = (1, right) if left == "^" else (-1, left)
            return -mine if theirs else mine
        if not left or not right:
            return 1 if left else -1
        if left.isdigit() != right.isdigit():
            return 1 if left.isdigit() else -1
        if order := _by_number(left, right) if left.isdigit() else _sign(left, right):
            return order
    return 0


def compare_debian(one: str, other: str) -> int:
    """-1, 0 or 1 for two upstream versions or two revisions (Debian policy 5.6.12); an empty revision is `0`.

    Stretches of non-digits and of digits are compared in turn: `~` sorts before the end, letters before other characters.
    """
    parts = zip_longest(*(re.findall(r"([^0-9]*)([0-9]*)", text) for text in (one, other)), fillvalue=("", ""))
    for (text, number), (other_text, other_number) in parts:
        for left, right in zip_longest(map(_debian, text), map(_debian, other_text), fillvalue=0):
            if left != right:
                return _sign(left, right)
        if order := _by_number(number, other_number):
            return order
    return 0


def compare_apk(one: str, other: str) -> int:
    """-1, 0 or 1 for two Alpine versions with their release (`1.2.3b_rc1-r4`, apk-package(5)).

    Numbers are compared in turn, the first as a whole and a later one with a leading zero as a fraction; then the
    letter, the suffixes (alpha, beta, pre, rc before the plain version; cvs, svn, git, hg, p after it) and the release.
    What is no such version is ordered as rpm orders it.
    """
    left, right = _APK.fullmatch(one), _APK.fullmatch(other)
    if left is None or right is None:
        return compare_rpm(one, other)
    numbers = zip_longest(left["numbers"].split("."), right["numbers"].split("."), fillvalue="")
    for position, (mine, theirs) in enumerate(numbers):
        if not mine or not theirs:
            return 1 if mine else -1
        fraction = position > 0 and "0" in (mine[0], theirs[0])
        if order := _sign(mine.rstrip("0"), theirs.rstrip("0")) if fraction else _by_number(mine, theirs):
            return order
    if order := _sign(left["letter"], right["letter"]):
        return order
    suffixes = zip_longest(_suffixes(left["suffixes"]), _suffixes(right["suffixes"]), fillvalue=(0, "0"))
    for (mine_kind, mine), (their_kind, theirs) in suffixes:
        if order := _sign(mine_kind, their_kind) or _by_number(mine, theirs):
            return order
    return _by_number(left["release"] or "0", right["release"] or "0")


def _debian(char: str) -> int:
    if char == "~":
        return -1
    return ord(char) if char.isascii() and char.isalpha() else ord(char) + 0x200000


def _suffixes(text: str) -> list[tuple[int, str]]:
    found = re.findall(r"_([a-z]+)([0-9]*)", text)
    return [(_APK_SUFFIXES.get(name, 6), number or "0") for name, number in found]


def _by_number(one: str, other: str) -> int:
    """Digits by their value, without making numbers of them: a hostile version may have a million digits."""
    one, other = one.lstrip("0"), other.lstrip("0")
    return _sign(len(one), len(other)) or _sign(one, other)


def _sign[T: (int, str)](one: T, other: T) -> int:
    return (one > other) - (one < other)
