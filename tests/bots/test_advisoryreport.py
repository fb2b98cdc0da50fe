from sig_bots.advisories import Advisory, AdvisoryDifference, Severity, merged
from sig_bots.advisoryreport import BaseAdvisories, because, plain_lines, security_section
from sig_bots.refs import ImageRef

OLD, NEW = ImageRef.parse("q.io/base:1"), ImageRef.parse("q.io/base:2")


def advisory(name: str, severity: Severity | None = "low", package: str = "x", **more: object) -> Advisory:
    return Advisory.model_validate({"id": name, "package": package, "severity": severity, **more})


def section(*fixed: Advisory, brought: tuple[Advisory, ...] = (), old: ImageRef = OLD) -> str:
    return security_section(
        [BaseAdvisories(old, NEW, "", AdvisoryDifference(asked=True, fixed=fixed, brought=brought))]
    )


def test_a_dozen_are_listed_and_the_others_counted_by_severity() -> None:
    rest: list[Severity | None] = ["important", "important", "important", "low", None, None]
    worst: list[Severity | None] = ["critical"] * 11
    severities = worst + rest
    told = section(*(advisory(f"DSA-{number}-1", severity) for number, severity in enumerate(severities)))
    lines = [line for line in told.splitlines() if line.startswith("- ")]
    assert len(lines) == 13
    assert lines[-1] == "- 5 more: 2 important, 1 low, 2 not rated"
    assert told.startswith("**Security** 17 known advisories fixed.\n")


def test_what_is_newly_brought_has_its_own_rows() -> None:
    many = tuple(advisory(f"DSA-{number}-1") for number in range(20))
    told = section(*many, brought=many)
    rows = [line for line in told.splitlines() if line.startswith("- ")]
    assert sum("newly brought: **" in row for row in rows) == 4
    assert len(rows) == 14


def test_images_and_platforms_that_agree_are_told_once() -> None:
    found = AdvisoryDifference(asked=True, fixed=(advisory("DSA-1-1"),))
    other = ImageRef.parse("q.io/other:1")
    both = [
        BaseAdvisories(old, NEW, platform, found) for old in (OLD, other) for platform in ("linux/amd64", "linux/arm64")
    ]
    assert security_section(both).count("DSA-1-1") == 1
    assert "q.io" not in security_section(both)
    alone = [*both[:2], BaseAdvisories(other, NEW, "linux/amd64", AdvisoryDifference(asked=True))]
    assert security_section(alone).startswith(
        "**Security** `q.io/base:1` `linux/amd64`, `q.io/base:1` `linux/arm64`: 1 known"
    )


def test_hostile_texts_stay_text() -> None:
    bad = advisory(
        "A](https://evil.example) @team", package="p`</details>@all", url="javascript:alert(1)", cves=("[x](y)", "@you"),
        fixed_in="1`|\n2",
    )  # fmt: skip
    told = section(bad)
    assert "`A](https://evil.example) @" in told
    assert "javascript" not in told
    assert "@team" not in told.replace("@\u200b", "")
    assert "</details>" not in told
    assert len(told.splitlines()) == 3


def test_the_worst_is_named_in_a_sentence() -> None:
    some = [advisory("DSA-1-1", None), advisory("DSA-2-1", "critical", "curl"), advisory("DSA-3-1", "low")]
    assert because(some) == "it fixes `DSA-2-1` (critical) in `curl` and 2 more"
    assert because(some[:1]) == "it fixes `DSA-1-1` (not rated) in `x`"


def test_a_terminal_gets_all_of_it() -> None:
    found = AdvisoryDifference(asked=True, fixed=(advisory("DSA-1-1", cves=("CVE-2026-0001",), fixed_in="2-1"),))
    assert plain_lines(found) == ["fixed low DSA-1-1 x 2-1 (CVE-2026-0001)"]
    assert plain_lines(AdvisoryDifference(asked=True)) == ["No known advisory is fixed or newly brought."]
    assert "Nobody was asked" in plain_lines(AdvisoryDifference())[0]
    assert plain_lines(AdvisoryDifference(problem="It fell.")) == ["Advisories are not known: It fell."]


def test_an_advisory_stands_for_the_records_of_its_cves() -> None:
    one, two = "CVE-2026-0001", "CVE-2026-0002"
    wide = advisory("DSA-1-1", None, cves=(one, two))
    single = advisory(f"DEBIAN-{one}", "important", cves=(one,))
    elsewhere = advisory(f"DEBIAN-{one}", "low", "other", cves=(one,))
    alone = advisory("DEBIAN-CVE-2026-9999", "low", cves=("CVE-2026-9999",))
    assert merged([single, wide, alone, elsewhere, single]) == (
        advisory("DSA-1-1", "important", cves=(one, two)), elsewhere, alone,
    )  # fmt: skip
