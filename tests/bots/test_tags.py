from __future__ import annotations

from datetime import date
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sig_bots.errors import UserError
from sig_bots.fedora_releases import AS_OF, RELEASES
from sig_bots.refs import ImageRef
from sig_bots.tags import Policy, beyond_major, newest, scheme_for
from sig_bots.tagschemes import SCHEMES, infer

SEPTEMBER = Policy(today=date(2026, 9, 1))

UBI = (
    "9.4-949 9.4-949.1714662671 9.4-1194 9.4-1227.1726694542 9.4-1227.1726694542-source 9.5-1731604394 9.5-1733767087 "
    "9.5-1733767087-source 9.4-1227.1725849298 9.1.0-1782.1675784860 9.4 9.5 9.1.0 latest sha256-aaaa.sig 8.10-1088"
)
FEDORA = (
    "38 39 40 41 42 43 44 45 46 38-x86_64 44-x86_64 44-aarch64 45-x86_64 rawhide rawhide-x86_64 latest eln eln-x86_64 "
    "35 36 37 branched 44-s390x 44-ppc64le"
)
ALPINE = "3 3.15 3.16 3.17 3.18 3.19 3.20 3.18.9 3.19.4 3.20.1 3.20.3 20230901 20231219 20240101 20240807 edge latest 3.21.0_rc1 3.9 3.10"
NODE = (
    "18 18-alpine 18-alpine3.19 18-alpine3.20 18.20.4-alpine3.19 18.20.4-alpine3.20 20.15.0-alpine3.19 20.15.0-alpine3.20 "
    "20.16.0-alpine3.20 22.4.0-alpine3.19 22.5.1-alpine3.19 22.5.1 22.5.1-slim 22.5.1-bookworm 22.6.0-alpine3.18 lts current"
)
NGINX = (
    "1.25-alpine 1.25-alpine-perl 1.26-alpine 1.26-alpine-perl 1.27-alpine-perl 1.27-perl 1.27 mainline stable-alpine"
)
CALIBRE = "0.6.12 0.6.14 0.6.21 0.6.24 2021.12.16 2022.01.01 0.6.14-ls93 0.6.24-ls289 amd64-0.6.24-ls289 arm64v8-0.6.24-ls289 nightly latest"
QBITTORRENT = (
    "4.5.2 4.5.5 4.6.7 5.0.1 14.3.9 14.2.5 20.04.1 5.1.0beta1 libtorrentv1 latest 4.6.7-r0-ls351 version-4.6.7"
)
PYTHON = "3.12 3.12.5 3.12.5-slim 3.13.0rc1 3.13.0rc2 3.13.0b4 3.14.0a1 3.13-rc 3.13-rc-slim 3.14-rc-slim 3.12-slim 3.11-slim 3.12-slim-bookworm"
BARMAN = "3.14.1-202508210758 3.14.1-202509010000 3.14.0-202510200000 3.15.0-202508010000 3.14.1 latest"

ROWS = [
    # peer rows: what a naive or class-based ordering gets wrong
    ("9.4-1227.1726694542", UBI, "9.5-1733767087"),
    ("9.4-949", UBI, "9.5-1733767087"),
    ("9.5-1733767087", UBI, None),
    ("9.4-1194", UBI.replace("9.5", "8.5") + " 9.4-1194.1726999999", "9.4-1227.1726694542"),
    ("9.4-1227.1726694542", "9.4-1227.1726694542 9.4-1733767087 9.4-1228", "9.4-1733767087"),
    ("9.4", UBI, "9.5"),
    ("9.4-1227.1726694542-source", UBI, None),
    ("41", FEDORA, "44"),
    ("44", FEDORA, None),
    ("45", FEDORA, None),
    ("41-x86_64", FEDORA, "44-x86_64"),
    ("rawhide", FEDORA, None),
    ("eln", FEDORA, None),
    ("latest", FEDORA, None),
    ("stream9", "stream8 stream9 stream10 stream9-minimal", None),
    ("c9s", "c8s c9s c10s", None),
    ("3.18", ALPINE, "3.20"),
    ("3.18.9", ALPINE, "3.20.3"),
    ("20240101", ALPINE, "20240807"),
    ("edge", ALPINE, None),
    ("3.14.1-202508210758", BARMAN, "3.15.0-202508010000"),
    ("18.20.4-alpine3.19", NODE, "22.5.1-alpine3.19"),
    ("18.20.4-alpine3.20", NODE, "20.16.0-alpine3.20"),
    ("1.2.3-alpine3.20", "1.2.3-alpine3.20 1.2.4-alpine3.19 1.2.4 1.2.5-alpine3.20 1.2.6-alpine3.21", "1.2.6-alpine3.21"),
    # leftovers and variants
    ("0.6.14", CALIBRE, "0.6.24"),
    ("0.6.14-ls93", CALIBRE, "0.6.24-ls289"),
    ("4.5.2", QBITTORRENT, "5.0.1"),
    ("1.25-alpine", NGINX, "1.26-alpine"),
    ("1.25-alpine-perl", NGINX, "1.27-alpine-perl"),
    ("3.15", ALPINE, "3.20"),
    # pre-releases
    ("3.12", PYTHON, None),
    ("3.12.5", PYTHON, None),
    ("3.13.0rc1", PYTHON, "3.13.0rc2"),
    ("3.13.0rc1", PYTHON + " 3.13.0", "3.13.0"),
    ("3.13.0rc2", PYTHON, None),
    ("3.13-rc-slim", PYTHON, "3.14-rc-slim"),
    ("3.11-slim", PYTHON, "3.12-slim"),
    ("1.2.0-rc.1", "1.2.0-rc.1 1.2.0-rc.2 1.2.0-beta.9 1.3.0-alpha.1 1.1.9", "1.2.0-rc.2"),
    # other schemes
    ("17", "8 11 17 21 25 2019 20240101 202401 latest", "25"),
    ("v3", "v3 v4 5 v4.1", "v4"),
    ("jdk-17.0.2", "jdk-17.0.2 jdk-21.0.1 jre-21.0.2 21.0.3", "jdk-21.0.1"),
    ("17.0.2_8-jdk", "17.0.2_8-jdk 17.0.3_7-jdk 17.0.3_7-jre 17.0.4_9 17-jdk", "17.0.3_7-jdk"),
    ("22.04", "20.04 22.04 24.04 24.10 26.04 jammy noble 2.4 24", "26.04"),
    ("24.10", "24.10 25.04 24.04", "25.04"),
    ("2024.9.1", "2024.9.1 2024.10.0 2023.12.9 3.1.4", "2024.10.0"),
    ("2024-09-11", "2024-09-11 2024-10-01 2024-09-30", "2024-10-01"),
    ("bookworm-20240904-slim", "bookworm-20240904-slim bookworm-20241016-slim trixie-20250101-slim bookworm-20250101", "bookworm-20241016-slim"),
    ("RELEASE.2024-09-13T20-26-02Z", "RELEASE.2024-09-13T20-26-02Z RELEASE.2024-10-02T17-50-41Z RELEASE.2024-10-02T17-50-41Z-cpuv1", "RELEASE.2024-10-02T17-50-41Z"),
    ("v1.2.3-14-gabcdef1", "v1.2.3-14-gabcdef1 v1.2.3-20-g1234567 v1.2.4 v1.3.0-1-gaaaaaaa", "v1.3.0-1-gaaaaaaa"),
    ("20240911-abc1234", "20240911-abc1234 20241001-0123abc 20240101-fffffff 20250101", "20241001-0123abc"),
    ("20240911-abc1234", "20240911-abc1234 20241001-0123abc 20241001-9999abc", None),
    ("1.2.3-debian-12-r4", "1.2.3-debian-12-r4 1.2.4-debian-12-r0 1.2.5-debian-11-r9", "1.2.4-debian-12-r0"),
    ("1.2.3-abc1234", "1.2.3-abc1234 1.2.4-def5678", None),
    ("sha-abc1234", "sha-abc1234 sha-bbb1234", None),
    ("1.2.3", "", None),
    ("not a tag", "1.2.3", None),
]  # fmt: skip


@pytest.mark.parametrize(("current", "tags", "expected"), ROWS)
def test_each_kind_of_tag_moves_to_the_right_one(current: str, tags: str, expected: str | None) -> None:
    proposal = newest(current, tags.split(), policy=SEPTEMBER)
    assert (proposal.tag if proposal else None) == expected


@pytest.mark.parametrize(("current", "tags", "expected"), [row for row in ROWS if row[2]])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_the_order_of_the_list_does_not_matter(data: st.DataObject, current: str, tags: str, expected: str) -> None:
    shuffled = data.draw(st.permutations(tags.split()))
    proposal = newest(current, shuffled, policy=SEPTEMBER)
    assert proposal is not None
    assert proposal.tag == expected


def test_the_reason_is_a_sentence_that_says_how_and_what_was_left_out() -> None:
    proposal = newest("9.4-1227.1726694542", UBI.split())
    assert proposal is not None
    assert proposal.scheme == "rpm-release"
    assert proposal.reason == (
        "9.5-1733767087 is the newest of 16 tags, ordered by version, then release, then build time (rpm-release); "
        "left out: 2 source images, 6 tags of another kind."
    )


def test_the_reason_says_that_a_fedora_release_has_ended() -> None:
    proposal = newest("41", FEDORA.split(), policy=SEPTEMBER)
    assert proposal is not None
    assert "Fedora 41 reached its end of life on 2025-12-15" in proposal.reason
    assert "release not out yet" in proposal.reason


def test_a_fedora_release_is_proposed_from_the_day_it_is_out() -> None:
    out = RELEASES[45].released
    before = newest("44", FEDORA.split(), policy=Policy(today=date(out.year, out.month, out.day - 1)))
    on_the_day = newest("44", FEDORA.split(), policy=Policy(today=out))
    assert before is None
    assert on_the_day is not None
    assert on_the_day.tag == "45"


def test_a_day_of_release_that_was_only_planned_is_said_to_be_so() -> None:
    proposal = newest("44", FEDORA.split(), policy=Policy(today=RELEASES[45].released))
    assert proposal is not None
    assert RELEASES[45].planned == ("was planned for" in proposal.reason)
    assert "planned" not in newest("41", FEDORA.split(), policy=SEPTEMBER).reason  # type: ignore[union-attr]


def test_the_table_is_honest_about_its_day() -> None:
    for release in RELEASES.values():
        assert release.planned == (release.released > AS_OF)
    assert all(RELEASES[number + 2].released < RELEASES[number].eol for number in list(RELEASES)[:-2])


def test_the_states_of_a_fedora_release_follow_each_other() -> None:
    for release in RELEASES.values():
        assert release.branched < release.released < release.eol
        states = [release.state(day) for day in (date(2000, 1, 1), release.branched, release.released, release.eol)]
        assert states == ["rawhide", "branched", "stable", "eol"]


def test_a_known_fedora_registry_needs_no_rawhide_in_its_list() -> None:
    image = ImageRef.parse("registry.fedoraproject.org/fedora:41")
    proposal = newest("41", ["41", "44", "45"], scheme=scheme_for(image), policy=SEPTEMBER)
    assert proposal is not None
    assert proposal.tag == "44"
    assert scheme_for(ImageRef.parse("quay.io/fedora/fedora:rawhide")) is None
    assert scheme_for(ImageRef.parse("docker.io/library/fedora:41")) is None


def test_a_scheme_can_be_given() -> None:
    assert newest("41", ["41", "44", "45", "rawhide"], scheme="integer", policy=SEPTEMBER).tag == "45"  # type: ignore[union-attr]
    assert newest("latest", ["1", "2"], scheme="integer") is None


def test_an_unknown_scheme_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"no tag scheme 'loose'.*semver"):
        newest("1", ["2"], scheme="loose")


def test_a_major_version_can_be_kept_and_a_tag_ignored() -> None:
    tags = ["1.2.3", "1.2.4", "1.3.0", "2.0.0"]
    assert newest("1.2.3", tags, policy=Policy(major=False)).tag == "1.3.0"  # type: ignore[union-attr]
    assert newest("1.2.3", tags, policy=Policy(ignored=frozenset({"2.0.0"}))).tag == "1.3.0"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("current", "tags", "expected"),
    [
        ("20", ["20", "21", "22"], None),
        ("12", ["11", "12", "13"], None),
        ("40", ["40", "41", "rawhide"], None),
        ("12-slim", ["12-slim", "13-slim"], None),
        ("9.4-12", ["9.4-12", "9.5-1", "10.0-1"], "9.5-1"),
        ("v1.2-3-gabcdef0", ["v1.2-3-gabcdef0", "v1.9-1-gabcdef1", "v2.0-1-gabcdef2"], "v1.9-1-gabcdef1"),
        ("22.04", ["22.04", "22.10", "24.04"], "22.10"),
        ("2023.1", ["2023.1", "2023.2", "2024.1"], "2023.2"),
        ("20230911", ["20230911", "20231002", "20240101"], "20231002"),
        ("20230911-abc1234", ["20230911-abc1234", "20231002-abc1235", "20240101-abc1236"], "20231002-abc1235"),
    ],
)
def test_a_kept_major_version_is_the_first_number_in_every_scheme(
    current: str, tags: list[str], expected: str | None
) -> None:
    policy = Policy(today=date(2025, 1, 15), major=False)
    found = newest(current, tags, policy=policy)
    assert (found and found.tag) == expected
    assert newest(current, tags, policy=Policy(today=date(2025, 1, 15))) != found
    assert bool(beyond_major(current, tags, policy=policy))


def test_versions_with_a_v_cross_major_versions() -> None:
    for current, target in (
        ("v1.2.3", "v2.0.0"),
        ("v1.2", "v2.0"),
        ("V1.9-alpine", "V2.1-alpine"),
        ("v1.9-1", "v2.0-1"),
    ):
        found = newest(current, [current, target])
        assert found is not None
        assert found.tag == target


def test_a_new_major_version_that_is_left_out_is_told() -> None:
    text = beyond_major("12", ["11", "12", "13"], policy=Policy(major=False))
    assert text == "13 is a new major version, which `allow: {major: false}` leaves out"
    assert not beyond_major("12", ["11", "12"], policy=Policy(major=False))
    assert not beyond_major("12", ["11", "12", "13"])


def test_tags_that_are_set_aside_are_told_with_their_cause_and_not_counted_as_ignored() -> None:
    tags = ["1.0.0", "1.0.1", "1.0.2"]
    found = newest("1.0.0", tags, policy=Policy(set_aside={"1.0.2": "1.0.2 waits until Friday"}))
    assert found is not None
    assert found.reason == "1.0.1 is the newest of 3 tags, ordered by version (semver); 1.0.2 waits until Friday."


# ---- properties

number = st.integers(0, 40)
version = st.builds(lambda *parts: ".".join(map(str, parts)), number, number, number)
suffixes = st.sampled_from(["", "-alpine", "-slim", "-alpine3.19", "-alpine3.20", "-rc.1", "-source", "-amd64", "-ls5"])
made_tags = st.lists(
    st.one_of(
        st.builds(lambda prefix, core, suffix: prefix + core + suffix, st.sampled_from(["", "v"]), version, suffixes),
        st.builds(lambda a, b: f"{a}.{b}", number, number), number.map(str), st.just("latest"), st.just("20240101"),
        st.builds(lambda core, release: f"{core}-{release}", version, number),
    ),
    min_size=1, max_size=30,
)  # fmt: skip


def plain(tag: str) -> tuple[int, ...]:
    """The numbers of a plain version, read without our code."""
    return tuple(int(part) for part in tag.split("."))


@given(version, made_tags)
def test_a_plain_version_moves_to_a_higher_plain_version_of_the_same_precision(current: str, tags: list[str]) -> None:
    proposal = newest(current, tags)
    if proposal is not None:
        assert proposal.tag in tags
        assert plain(proposal.tag) > plain(current)
        assert proposal.tag.count(".") == current.count(".")


@given(made_tags, st.integers(0, 29))
def test_prefix_suffix_and_scheme_stay_whatever_the_tag(tags: list[str], index: int) -> None:
    current = tags[index % len(tags)]
    proposal = newest(current, tags, policy=SEPTEMBER)
    if proposal is None:
        return
    old, new = (SCHEMES[proposal.scheme](tag) for tag in (current, proposal.tag))
    assert old is not None
    assert new is not None
    assert (old.family, old.order < new.order) == (new.family, True)
    assert proposal.tag.startswith("v") == current.startswith("v")
    assert not proposal.tag.endswith("-source")


@given(made_tags, st.integers(0, 29))
def test_once_moved_there_is_nothing_newer(tags: list[str], index: int) -> None:
    current = tags[index % len(tags)]
    proposal = newest(current, tags, policy=SEPTEMBER)
    if proposal is not None:
        again = newest(proposal.tag, tags, scheme=proposal.scheme, policy=SEPTEMBER)
        assert again is None or SCHEMES["semver"](again.tag) != SCHEMES["semver"](proposal.tag)


@given(st.text(max_size=40), st.lists(st.text(max_size=140), max_size=10))
def test_any_text_gives_a_proposal_or_none(current: str, tags: list[str]) -> None:
    proposal = newest(current, tags)
    assert proposal is None or proposal.tag in tags
    assert infer(current, tags) is None or infer(current, tags) in SCHEMES


def test_numbers_as_long_as_a_tag_can_be_are_read() -> None:
    assert newest("1." + "9" * 120, ["1." + "9" * 121]) is None


def test_text_that_cannot_be_a_tag_has_no_newer_one() -> None:
    assert newest("1.2.3-5-gabcde" + "9" * 20_000, ["1.2.4", "1.2.3-9-g1234567"]) is None


@pytest.mark.parametrize("start", ["", "1", "1.2-rc", "v1.", "41-beta", "20260101", "2026.", "9.4-1227.", "1-g"])
@pytest.mark.parametrize("end", ["", "a", "!", "-", "g"])
def test_a_long_tag_is_read_at_once_however_often_a_part_of_it_repeats(start: str, end: str) -> None:
    for part in ("9", "a", "-9", ".9", "_a", "-a", "a1", "rc1", "-rc.1", "20260101-", "0f", "arm64-", "1.2-"):
        tag = (start + part * 128)[: 128 - len(end)] + end
        began = process_time()
        newest(tag, [tag, "1.2.3", tag[:-1]])
        assert process_time() - began < 1, tag
