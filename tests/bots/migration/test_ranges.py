"""Ranges of versions as expressions for tags, and patterns of names as globs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.migration.imagepatterns import image_globs, may_be_image
from sig_bots.migration.versionranges import allowed_in, exact, not_from

NUMBER = st.integers(0, 130)
VERSION = st.tuples(NUMBER, NUMBER, NUMBER)


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


@given(VERSION, VERSION, VERSION)
def test_a_tag_is_allowed_exactly_when_its_version_is_in_the_range(low: tuple[int, ...], high: tuple[int, ...], version: tuple[int, ...]) -> None:  # fmt: skip
    allowed = allowed_in(f">={dotted(low)} <{dotted(high)}")
    if allowed is None:
        assert low >= high or low == (0, 0, 0) == high
        return
    assert (re.fullmatch(allowed, dotted(version)) is not None) == (low <= version < high)


@given(st.sampled_from(["^", "~", ">=", "<", "<=", ">", "="]), VERSION, VERSION)
def test_operators_mean_what_they_mean_in_npm(operator: str, given: tuple[int, ...], version: tuple[int, ...]) -> None:
    major, minor, patch = given
    caret = (major + 1,) if major else (0, minor + 1) if minor else (0, 0, patch + 1)
    inside = {
        "^": given <= version < caret, "~": given <= version < (major, minor + 1), ">=": version >= given, "<": version < given,
        "<=": version <= given, ">": version > given, "=": version == given,
    }[operator]  # fmt: skip
    allowed = allowed_in(operator + dotted(given))
    if allowed is not None:
        assert (re.fullmatch(allowed, dotted(version)) is not None) == inside


@pytest.mark.parametrize(
    ("written", "inside", "outside"),
    [
        ("<23", ["22", "22.1-slim", "v9", "0.1"], ["23", "23.0", "100", "latest", "230"]),
        ("<3.13", ["3.12", "3.12.9-slim", "2.7"], ["3.13", "3.13.1", "4.0", "3.130"]),
        ("~3.12", ["3.12", "3.12.4", "3.12-alpine3.20"], ["3.13", "3.1", "3.120"]),
        ("3.12.x", ["3.12.4"], ["3.13.0"]),
        ("^20", ["20", "20.11.1"], ["21", "2", "200"]),
        (">=3.9 <3.13", ["3.9", "3.10-slim", "3.12.1"], ["3.8", "3.13"]),
        (">= 20", ["20", "22.1", "100"], ["19", "2", "9"]),
        ("<=3.12", ["3.12", "3.12.9"], ["3.13"]),
    ],
)
def test_ranges_as_people_write_them(written: str, inside: list[str], outside: list[str]) -> None:
    allowed = allowed_in(written)
    assert allowed is not None
    assert [tag for tag in [*inside, *outside] if re.fullmatch(allowed, tag)] == inside


@pytest.mark.parametrize("written", ["", "latest", "1 - 2", ">1 || <0", "<0", ">=5 <4", "!/x/", "9999999999"])
def test_a_range_that_is_not_understood_is_not_guessed(written: str) -> None:
    assert allowed_in(written) is None


def test_versions_that_dependabot_ignores() -> None:
    assert not_from(">= 21") == not_from("[21,)") == allowed_in("<21")
    assert not_from("> 20") == allowed_in("<21")
    assert not_from(">= 21, < 23") is None
    assert (exact("3.12.x"), exact("3.12.*"), exact("= 1.2.3"), exact(">= 1")) == ("3.12.*", "3.12.*", "1.2.3", None)


@pytest.mark.parametrize(
    ("pattern", "globs"),
    [
        ("node", ["node"]),
        ("quay.io/fedora/**", ["quay.io/fedora/*"]),
        ("**/node", ["node", "*/node"]),
        ("{node,python}", ["node", "python"]),
        ("/^node$/", ["node"]),
        ("/postgres/", ["*postgres*"]),
        (r"/^quay\.io\/fedora\//", ["quay.io/fedora/*"]),
        ("/^(node|python)/", ["node*", "python*"]),
        (r"/^mcr\.microsoft\.com/dotnet/(sdk|aspnet)$/", ["mcr.microsoft.com/dotnet/sdk", "mcr.microsoft.com/dotnet/aspnet"]),
        ("/^a$|^b.+/", ["a", "b?*"]),
        ("!node", None),
        ("/^a(b)?/", None),
        ("/^[ab]$/", None),
        ("/(?=x)/", None),
        ("two words", None),
    ],
)  # fmt: skip
def test_patterns_become_globs_or_nothing(pattern: str, globs: list[str] | None) -> None:
    assert image_globs(pattern) == globs


def test_names_of_packages_are_no_images() -> None:
    assert [name for name in ("@types/node", "org.acme:lib", "node", "localhost:5000/a", "quay.io/a/b") if may_be_image(name)] == [
        "node", "localhost:5000/a", "quay.io/a/b",
    ]  # fmt: skip
