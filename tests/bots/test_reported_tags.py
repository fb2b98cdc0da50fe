"""What users of other updaters report about tags: the list, the tag in use, the next one; and a list that fools who takes the highest.

Lists have the form of the real ones, with dozens of tags and what was left over in them.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

import pytest

from sig_bots.tags import Policy, newest

SEPTEMBER = Policy(today=date(2026, 9, 1))
HEX = "0123456789abcdef" * 4
SIGNATURES = f"sha256-{HEX}.sig sha256-{HEX}.att sha256-{HEX}.sbom"


class Report(NamedTuple):
    """Two lists for one tag in use, each with the right next tag or None."""

    cited: str
    current: str
    listed: str
    expected: str | None
    fooling: str
    """Here the tag with the highest numbers is not the right one."""
    right: str | None


def each(pattern: str, *ranges: range) -> str:
    """`each("1.{}-x", range(3))` is `1.0-x 1.1-x 1.2-x`; of several ranges all pairs."""
    made = [pattern]
    for numbers in ranges:
        made = [one.replace("{}", str(number), 1) for one in made for number in numbers]
    return " ".join(made)


UBI9 = f"{each('9.{}-{}', range(1, 5), range(700, 1200, 90))} {each('9.{}', range(1, 6))} latest {SIGNATURES}"
FEDORA = f"{each('{}', range(26, 47))} {each('{}-x86_64', range(36, 47))} {each('{}-aarch64', range(36, 47))} rawhide latest eln branched"
ALPINE = f"{each('3.{}', range(1, 21))} {each('3.{}.{}', range(16, 21), range(5))} 3 latest edge"
NGINX = (
    " ".join(
        each(f"1.{{}}{variant}", range(20, 27)) for variant in ("", "-alpine", "-alpine-slim", "-perl", "-alpine-perl")
    )
    + " stable mainline latest"
)
LINUXSERVER = f"{each('0.6.{}', range(4, 25))} {each('0.6.{}-ls{}', range(20, 25), range(280, 290, 3))} {each('amd64-0.6.{}-ls289', range(20, 25))} {each('arm64v8-0.6.{}-ls289', range(20, 25))} latest nightly"
QBITTORRENT = f"{each('4.{}.{}', range(3, 7), range(1, 6))} 5.0.0 5.0.1 5.0.2 {each('4.6.{}-r0-ls35{}', range(5, 8), range(3))} latest libtorrentv1"
DOTNET = f"{each('8.0.{}-alpine3.19', range(1, 9))} {each('8.0.{}-alpine3.20', range(6, 11))} {each('8.0.{}-jammy', range(1, 11))} {each('8.0.{}', range(1, 11))} 8.0-alpine 8.0 latest"
BARMAN = f"{each('3.{}.1-20250{}010000', range(10, 15), range(1, 9))} {each('3.{}.0', range(10, 15))} latest"

REPORTS = [
    Report("a UBI tag of a build: version, then release, then time", "9.4-1227.1726694542",
           f"{UBI9} 9.4-1227.1726694542 9.4-1227.1725849298 9.5-1733767087 9.5-1731604394", "9.5-1733767087",
           f"{UBI9} 9.4-1227.1726694542 9.4-1227.1726694542-source 9.4-1228 9.4-1228-source 20260101 4006.1", "9.4-1228"),
    Report("a UBI tag with the time in place of the release", "9.5-1733767087",
           f"{UBI9} 9.4-1227.1726694542 9.5-1733767087 9.5-1736404036", "9.5-1736404036",
           f"{UBI9} 9.4-1799999999.1 9.5-1733767087 9.5-1736404036 9.5-1736404036-source 9.5.0-1999999999", "9.5-1736404036"),
    Report("a source image is nobody's base", "9.4-1227.1726694542-source",
           f"{UBI9} 9.4-1227.1726694542-source 9.5-1733767087 9.5-1733767087-source", None,
           "9.4-1227.1726694542-source 9.4-1228-source 9.4-1229-source", None),
    Report("a floating minor is not turned into a pin of a build (redhat versioning)", "9.4",
           f"{UBI9} 9.4-1227.1726694542 9.5-1733767087", "9.5", f"{UBI9} 9.4-1227.1726694542 9.5-1733767087 9.10-source 10.0-1", "9.5"),
    Report("a Fedora release: stable, not branched, not rawhide's number; docker-library/official-images#8605, docker-library/official-images#17427", "41",
           FEDORA, "44", f"{FEDORA} 47 48 20260101", "44"),
    Report("the newest Fedora release stays; docker-library/official-images#17427", "44", FEDORA, None, "44 45 46 rawhide", None),
    Report("rawhide is a channel", "rawhide", FEDORA, None, "rawhide 47 rawhide-20260101", None),
    Report("eln is a channel", "eln", FEDORA, None, "eln eln-20260101 44", None),
    Report("stream9 is a channel", "stream9", f"stream8 stream9 stream10 {each('stream9-2025{}', range(1001, 1030))} stream9-minimal", None,
           "stream9 stream10 10", None),
    Report("c9s is a channel", "c9s", f"c8s c9s c10s {each('c9s-2025{}', range(1001, 1030))} latest", None, "c9s c10s 2025", None),
    Report("latest is a channel", "latest", f"latest {ALPINE}", None, "latest 99", None),
    Report("a date is another scheme than a version", "3.18", f"{ALPINE} {each('2024{}', range(1001, 1012))} 20190228 20230901", "3.20",
           f"{ALPINE} 20260101 20260101.1", "3.20"),
    Report("a date stays a date", "20240101", f"{ALPINE} 20190228 20230901 20240101 20240606 20240807", "20240807",
           f"{ALPINE} 20240101 20240807 99999999 2024080700", "20240807"),
    Report("cloudnative-pg/plugin-barman-cloud#576: version, then time", "3.14.1-202508010000",
           f"{BARMAN} 3.15.0-202509010000 3.14.1-202509010000", "3.15.0-202509010000",
           f"{BARMAN} 3.14.1-202509010000 3.14.0-202612310000 202612310000", "3.14.1-202509010000"),
    Report("dotnet/dotnet-docker#5530, dependabot-core#6948: version and distribution move when the pair is there", "8.0.7-alpine3.20",
           DOTNET, "8.0.10-alpine3.20", f"{DOTNET} 8.0.11-alpine3.18 8.0.12-jammy 8.0.11-alpine3.21 9.0.0-alpine3.19 9.0.0", "8.0.11-alpine3.21"),
    Report("dotnet/dotnet-docker#5530: an older distribution is no update", "1.2.3-alpine3.20",
           f"{each('1.2.{}-alpine3.19', range(9))} {each('1.2.{}', range(9))} 1.2.3-alpine3.20 1.2.4-alpine3.20", "1.2.4-alpine3.20",
           f"{each('1.2.{}-alpine3.19', range(9))} 1.2.3-alpine3.20 1.3.0-alpine3.19 1.3.0", None),
    Report("linuxserver/docker-calibre-web#174: dates of an earlier numbering", "0.6.14",
           LINUXSERVER, "0.6.24", f"{LINUXSERVER} 2021.12.16 2022.01.01 2021.12.16-ls1", "0.6.24"),
    Report("linuxserver/docker-calibre-web#174: with the build's suffix", "0.6.20-ls280", LINUXSERVER, "0.6.24-ls289",
           f"{LINUXSERVER} 2021.12.16-ls150 amd64-2022.01.01-ls999", "0.6.24-ls289"),
    Report("linuxserver/docker-qbittorrent#378: versions of another product, and of the distribution", "4.5.2",
           QBITTORRENT, "5.0.2", f"{QBITTORRENT} 14.3.9 14.2.5.99202004250119-7015-2c65b79ubuntu18.04.1-ls93 20.04.1", "5.0.2"),
    Report("renovate#2968: a longer suffix is another variant", "1.22-alpine", NGINX, "1.26-alpine",
           f"{NGINX} 1.27-alpine-perl 1.27-alpine-slim 1.28-perl 1.28", "1.26-alpine"),
    Report("renovate#2968: the variant stays the other way round", "1.22-alpine-perl", NGINX, "1.26-alpine-perl",
           f"{NGINX} 1.27-alpine 1.27-alpine-slim", "1.26-alpine-perl"),
    Report("renovate#16805: 3.15 becomes 3.20, not 3.20.1", "3.15", ALPINE, "3.20", f"{ALPINE} 3.20.9 3.21.0 3.21_rc1", "3.20"),
    Report("renovate#16805: three numbers stay three", "3.16.2", ALPINE, "3.20.4", f"{ALPINE} 3.21 4 20260101", "3.20.4"),
    Report("dependabot-core#1362, dependabot-core#3173: a code name is no prefix of another", "disco-20190718",
           f"{each('bionic-201907{}', range(10, 28))} {each('disco-201907{}', range(10, 28))} disco bionic 18.04 19.04", "disco-20190727",
           f"{each('bionic-201908{}', range(10, 28))} disco-20190718 disco-20190809 disco 20.04", "disco-20190809"),
    Report("dependabot-core#2179: Debian does not become Alpine", "2.6.1",
           f"{each('2.6.{}', range(6))} {each('2.6.{}-alpine3.9', range(6))} {each('2.6.{}-slim', range(6))} 2.6 2 latest", "2.6.5",
           f"{each('2.6.{}', range(6))} {each('2.6.{}-alpine3.9', range(12))} 2.7.0-rc1 2.7-slim", "2.6.5"),
    Report("dependabot-core#5708: a tag of several versions", "1.13.4-erlang-25.0.4-alpine-3.16.1",
           f"{each('1.13.{}-erlang-24.3.4-alpine-3.15.6', range(5))} {each('1.14.{}-erlang-25.0.4-alpine-3.16.1', range(3))} 1.13.4-erlang-25.0.4-alpine-3.16.1 latest",
           "1.14.2-erlang-25.0.4-alpine-3.16.1",
           "1.13.4-erlang-25.0.4-alpine-3.16.1 1.14.0-erlang-25.0.4-alpine-3.16.1 1.15.0-erlang-24.3.4-alpine-3.16.1 1.15.0-erlang-25.1-debian-bullseye-20220801",
           "1.14.0-erlang-25.0.4-alpine-3.16.1"),
]  # fmt: skip
IDS = [one.cited for one in REPORTS]


def proposed(current: str, tags: list[str]) -> str | None:
    found = newest(current, tags, policy=SEPTEMBER)
    return found.tag if found else None


@pytest.mark.parametrize("report", REPORTS, ids=IDS)
def test_the_next_tag_is_the_one_that_was_waited_for(report: Report) -> None:
    assert proposed(report.current, report.listed.split()) == report.expected


@pytest.mark.parametrize("report", REPORTS, ids=IDS)
def test_the_highest_numbers_fool_nobody(report: Report) -> None:
    tags = report.fooling.split()
    highest = max(tags, key=lambda tag: [int(number) for number in re.findall("[0-9]+", tag.removeprefix("sha256"))])
    assert highest != report.right
    assert proposed(report.current, tags) == report.right


@pytest.mark.parametrize("report", REPORTS, ids=IDS)
def test_the_order_in_which_a_registry_lists_tags_says_nothing(report: Report) -> None:
    """renovate#9176, dependabot-core#3989, docker_registry2#106: quay.io and others list as they like, page by page."""
    for tags, expected in ((report.listed.split(), report.expected), (report.fooling.split(), report.right)):
        for shuffled in (sorted(tags), sorted(tags, reverse=True), tags[len(tags) // 2 :] + tags[: len(tags) // 2]):
            assert proposed(report.current, shuffled) == expected


def test_the_lists_have_dozens_of_tags() -> None:
    lengths = sorted(len(set(report.listed.split())) for report in REPORTS)
    assert lengths[len(lengths) // 2] >= 36
