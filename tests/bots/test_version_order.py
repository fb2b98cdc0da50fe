"""How package managers order versions: tables of known cases, and the programs themselves on made-up versions."""

import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.versionorder import compare_apk, compare_debian, compare_rpm
from tests.servers.programs import program

ORDERS = {"rpm": compare_rpm, "dpkg": compare_debian, "apk": compare_apk}
TEXT = st.text("0129abz.~^+_-:", max_size=12)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0", "2.0"), ("2.0", "2.0.1"), ("9", "10"), ("5.5p1", "5.5p10"), ("xyz10", "xyz10.1"), ("xyz.4", "8"),
        ("1.0aa", "1.0b"), ("a", "1"), ("1.0~rc1", "1.0"), ("1.0~rc1", "1.0~rc2"), ("1.0~rc1~git1", "1.0~rc1"),
        ("1.0", "1.0^"), ("1.0^", "1.0.1"), ("1.0^git1", "1.0^git2"), ("1.0^git1", "1.01"), ("1.0~rc1^git1", "1.0"),
        ("1.0^git1~pre", "1.0^git1"), ("20240101", "20240102"), ("1", "123456789012345678901234567890"),
    ],
)  # fmt: skip
def test_rpm_orders(older: str, newer: str) -> None:
    assert (compare_rpm(older, newer), compare_rpm(newer, older)) == (-1, 1)


@pytest.mark.parametrize(
    ("one", "other"), [("1.0", "1_0"), ("1.0", "1..0"), ("1.0", "1.00"), ("fc4", "fc.4"), ("", "+")]
)
def test_rpm_sees_no_difference(one: str, other: str) -> None:
    assert compare_rpm(one, other) == 0


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0~rc1", "1.0"), ("1.0", "1.0+b1"), ("1.0", "1.0-1"), ("1.0a", "1.0+"), ("1.0a", "1.0-"), ("9", "10"),
        ("1.0~~", "1.0~"), ("1.0~", "1.0"), ("7.88.1", "7.88.1+dfsg"), ("10+deb12u9", "10+deb12u10"), ("", "1"), ("~", ""),
    ],
)  # fmt: skip
def test_debian_orders(older: str, newer: str) -> None:
    assert (compare_debian(older, newer), compare_debian(newer, older)) == (-1, 1)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.2.3-r0", "1.2.3-r1"), ("1.2.3-r9", "1.2.3-r10"), ("1.2-r5", "1.2.1-r0"), ("1.2.3", "1.2.3a"), ("1.9", "1.10"),
        ("1.2_alpha1", "1.2_beta1"), ("1.2_pre1", "1.2_rc1"), ("1.2_rc1", "1.2_rc2"), ("1.2_rc2", "1.2"), ("1.2", "1.2_p1"),
        ("1.2_git20240101", "1.2_git20240102"), ("1.01", "1.1"), ("1.2_p1-r3", "1.2_p2-r0"), ("9999", "10000"),
    ],
)  # fmt: skip
def test_alpine_orders(older: str, newer: str) -> None:
    assert (compare_apk(older, newer), compare_apk(newer, older)) == (-1, 1)


@pytest.mark.parametrize("kind", sorted(ORDERS))
@given(one=TEXT, other=TEXT)
def test_the_other_way_round_is_the_opposite(kind: str, one: str, other: str) -> None:
    order = ORDERS[kind]
    assert order(one, other) == -order(other, one)
    assert order(one, one) == 0


@pytest.mark.parametrize("order", ORDERS.values())
def test_a_very_long_version_is_compared_at_once(order: object) -> None:
    assert callable(order)
    assert order("1." * 50_000 + "9" * 100_000, "1." * 50_000 + "8" * 100_000) == 1


def made_up(alphabet: str, count: int) -> list[tuple[str, str]]:
    """Pairs, half of which begin alike."""
    choose = random.Random(20_261_123)

    def text(longest: int) -> str:
        return "".join(choose.choices(alphabet, k=choose.randint(1, longest)))

    firsts = ["1" + text(6) for _ in range(count)]
    return [(one, "1" + text(6) if choose.random() < 0.5 else one[: choose.randint(1, 7)] + text(2)) for one in firsts]


@pytest.mark.server
def test_rpm_itself_orders_made_up_versions_the_same(tmp_path: Path) -> None:
    rpm = program("rpm")
    pairs = made_up("0129ab.~^_+", 5000)
    script = tmp_path / "compare.lua"
    script.write_text("\n".join(f'print(rpm.vercmp("{one}", "{other}") .. " ")' for one, other in pairs))
    argv = [rpm, "--eval", f'%{{lua: dofile("{script}") }}']
    theirs = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    assert [(pair, str(compare_rpm(*pair))) for pair in pairs] == list(zip(pairs, theirs, strict=True))


@pytest.mark.server
def test_dpkg_itself_orders_made_up_versions_the_same() -> None:
    dpkg = program("dpkg")
    for one, other in made_up("0129ab.~+", 150):
        operator = {-1: "lt", 0: "eq", 1: "gt"}[compare_debian(one, other)]
        assert subprocess.run([dpkg, "--compare-versions", one, operator, other], check=False).returncode == 0, (
            one,
            other,
        )
