"""Which version of a project a value should say: tables, and what holds for any list."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.pins import Stays
from sig_bots.tags import DEFAULT_POLICY, Policy
from sig_bots.upstreams import UpstreamProject
from sig_bots.versionchoice import NextVersion, next_version
from sig_bots.versionrules import VersionRule

NODE = ["22.1.0", "22.0.0", "20.3.1", "18.20.1", "18.2.0"]
BOTH = ["8.0", "7.1.2", "7.1.1", "7.1", "7.0.2"]
MONOREPO = ["lib-2.0.0", "cli-1.3.0", "lib-1.2.0", "cli-1.2.0"]


def chosen(
    current: str, stable: Sequence[str], policy: Policy = DEFAULT_POLICY, ignored: Sequence[str] = (), **rule: object
) -> NextVersion | Stays:
    pre = rule.pop("pre", ())
    assert isinstance(pre, Sequence)
    project = UpstreamProject(id=1, name="demo", stable=tuple(stable), versions=(*pre, *stable))
    return next_version(
        current, project, VersionRule.model_validate({"arg": "X", "project": "demo", **rule}), policy, ignored
    )


@pytest.mark.parametrize(
    ("current", "stable", "wanted"),
    [
        ("18.2.0", NODE, "22.1.0"),
        ("18.2", NODE, "22.1"),  # two numbers stay two: no release is called 18.2, so it is a series
        ("18", NODE, "22"),
        ("v18.2.0", NODE, "v22.1.0"),
        ("node-18.2.0", NODE, "node-22.1.0"),
        ("18.2.0", [f"v{one}" for one in NODE], "22.1.0"),
        ("go1.21.0", ["1.22.1", "1.21.0"], "go1.22.1"),
        ("1.2.0", ["demo-1.3.0", "demo-1.2.0"], "1.3.0"),
        ("1.2.0", ["R1.3.0", "R1.2.0"], "1.3.0"),  # the present version tells how upstream writes it
        ("7.1", BOTH, "8.0"),
        ("7.1.2", BOTH, "8.0"),  # a release moves to a release, however many numbers that has
        ("7.0.2", ["7.1", "7.0.2"], "7.1"),
        ("7.1", ["7.1.1", "7.1", "7.0.2"], "7.1.1"),
        ("1.9.17p1", ["1.9.17p2", "1.9.17p1", "1.9.16"], "1.9.17p2"),
        ("jdk-21.0.2+13", ["jdk-21.0.4+7", "jdk-21.0.3+9", "jdk-21.0.2+13"], "jdk-21.0.4+7"),
        ("2024.1.1", ["2024.10.2", "2024.9.9", "2024.1.1"], "2024.10.2"),
        ("20240101", ["20250101", "20240101"], "20250101"),
        ("24.04", ["24.10", "24.04.1", "24.04"], "24.10"),
        ("1.9", ["1.10", "1.9"], "1.10"),
        ("9", ["10", "9"], "10"),
        ("1.2.0", ["1.3.0", "x" * 200, "1.2.0; rm", "$(x)", "1.9.0\n", "latest"], "1.3.0"),
    ],
)
def test_the_newest_that_fits_the_value_is_chosen(current: str, stable: list[str], wanted: str) -> None:
    found = chosen(current, stable)
    assert isinstance(found, NextVersion), found
    assert found.value == wanted
    assert found.reason.startswith(f"{wanted} is the newest ")
    assert "of `demo`, ordered " in found.reason
    backwards = chosen(current, stable[::-1])
    assert isinstance(backwards, NextVersion)
    assert backwards.value == wanted


@pytest.mark.parametrize(
    ("current", "stable", "reason"),
    [
        ("22.1.0", NODE, "that can be compared with it is newer"),
        ("lts", NODE, "is no version"),
        ("1.2.0 beta", NODE, "is no version"),
        ("1.2.0", MONOREPO, "that can be compared with it is newer"),  # which series is meant cannot be told
        ("1.2.0", [], "has no stable version"),
        ("23.0.0-rc1", NODE, "that can be compared with it is newer"),
    ],
)
def test_why_a_value_stays(current: str, stable: list[str], reason: str) -> None:
    found = chosen(current, stable)
    assert isinstance(found, Stays)
    assert reason in found.reason


def test_a_prefix_chooses_one_of_several_series() -> None:
    assert value(chosen("1.2.0", MONOREPO, prefix="cli-")) == "1.3.0"
    assert value(chosen("1.2.0", MONOREPO, prefix="lib-")) == "2.0.0"


def test_prereleases_are_left_out_unless_asked_for() -> None:
    found = chosen("1.2.0", ["1.3.0", "1.2.0"], pre=["1.4.0-rc1"])
    assert value(found) == "1.3.0"
    assert isinstance(found, NextVersion)
    assert "left out: 1 pre-release" in found.reason
    assert value(chosen("1.2.0", ["1.3.0", "1.2.0"], pre=["1.4.0-rc1"], prereleases=True)) == "1.4.0-rc1"
    assert value(chosen("1.4.0-rc1", ["1.4.0", "1.3.0"], pre=["1.4.0-rc1"], prereleases=True)) == "1.4.0"


def test_what_the_configuration_does_not_allow_is_named() -> None:
    found = chosen("20.3.1", NODE, Policy(major=False))
    assert isinstance(found, Stays)
    assert found.reason == "22.1.0 of demo is newer and not allowed by the configuration"
    less = chosen("18.2.0", NODE, allowed=r"18\..*")
    assert isinstance(less, NextVersion)
    assert less.value == "18.20.1"
    assert "22.1.0 is newer and not allowed" in less.reason


def test_ignored_versions_are_passed_over() -> None:
    assert value(chosen("18.2.0", NODE, ignored=["22.*"])) == "20.3.1"
    assert value(chosen("v18.2.0", NODE, ignored=["v22.1.*", "22.0.0"])) == "v20.3.1"


def test_the_order_can_be_set() -> None:
    assert value(chosen("1.0-5", ["1.1-6", "1.0-7", "1.0-5"], scheme="rpm-release")) == "1.1-6"
    assert isinstance(chosen("1.0-5", ["1.1-6", "1.0-5"], scheme="fedora"), Stays)


def value(found: NextVersion | Stays) -> str:
    assert isinstance(found, NextVersion), found
    return found.value


numbers = st.lists(st.integers(0, 30), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))


@given(st.sampled_from(["", "v", "demo-"]), numbers, st.lists(numbers, max_size=12))
def test_a_value_never_goes_back_and_moves_once(prefix: str, current: str, stable: list[str]) -> None:
    found = chosen(prefix + current, stable)
    if isinstance(found, Stays):
        return
    assert found.value.startswith(prefix)
    assert ordered(found.value.removeprefix(prefix)) > ordered(current)
    if current not in stable:
        assert found.value.count(".") == (prefix + current).count(".")
    elif found.value.removeprefix(prefix) in stable:
        assert isinstance(chosen(found.value, stable), Stays)


def ordered(text: str) -> tuple[int, ...]:
    return (*map(int, text.split(".")), 0, 0, 0, 0)[:4]


@given(st.text(max_size=30), st.lists(st.text(max_size=20), max_size=8))
def test_any_texts_give_a_plain_value_or_a_reason(current: str, stable: list[str]) -> None:
    found = chosen(current, stable)
    if isinstance(found, NextVersion):
        assert found.value.isascii()
        assert found.value.isprintable()
        assert not set(found.value) & set(" $`\"'\\#=")
    else:
        assert found.reason
