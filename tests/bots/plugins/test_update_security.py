"""The update bot and security advisories: what the pull request tells, and what does not wait because of them."""

from datetime import UTC, datetime, timedelta

from sig_bots.fakes.registry import FakeImage
from sig_bots.packages import Distribution, PackageList, parse_evr
from sig_bots.testing import SigHarness
from tests.bots.plugins.test_update_pulls import BASE, look, world

SUNDAY = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DEBIAN = Distribution(id="debian", version="12")


def image(version: str, platform: str = "linux/amd64", *, age: float = 0, name: str = "openssl") -> FakeImage:
    """An image that many days old, with one package of that version."""
    listed = PackageList.of("dpkg", [parse_evr(name, version)], DEBIAN)
    return FakeImage({}, {}, platform, listed, SUNDAY - timedelta(days=age))


def sigbot(update: str, *, severity: str | None = "important", old: str = "3.0-1", new: str = "3.0-2") -> SigHarness:
    """A base of 30 days and one of today; an advisory that 3.0-2 fixes."""
    sig = world(f"FROM {BASE}:1.0\n", update=update)
    sig.clock = lambda: SUNDAY
    sig.registry.push(f"{BASE}:1.0", [image(old, age=30)])
    sig.registry.push(f"{BASE}:1.1", [image(new)])
    sig.advisories.publish("DSA-1-1", "openssl", "3.0-2", severity=severity, cves=["CVE-2026-0001", "CVE-2026-0002"])  # type: ignore[arg-type]
    return sig


def titles(sig: SigHarness) -> list[str]:
    return [one.title for one in look(sig)]


# ---------------------------------------------------------------- what is told


def test_the_body_lists_what_the_new_base_fixes() -> None:
    (one,) = look(sigbot("{}"))
    assert (
        "**Security** 1 known advisory fixed.\n\n- **important** [DSA-1-1](https://advisories.example/DSA-1-1) in `openssl`, "
        "fixed in `3.0-2` (CVE-2026-0001, CVE-2026-0002)"
    ) in one.body


def test_the_body_lists_what_the_new_base_brings() -> None:
    (one,) = look(sigbot("{}", old="3.0-2", new="2.9-1"))
    assert "**Security** 1 advisory newly brought.\n\n- newly brought: **important** [DSA-1-1]" in one.body


def test_platforms_that_differ_are_told_apart() -> None:
    sig = sigbot("{}")
    sig.registry.push(f"{BASE}:1.0", [image("3.0-1"), image("3.0-1", "linux/arm64")])
    sig.registry.push(f"{BASE}:1.1", [image("3.0-2"), image("3.0-1.1", "linux/arm64")])
    sig.advisories.publish("DSA-2-1", "openssl", "3.0-1.1")
    (one,) = look(sig)
    assert "**Security** `linux/amd64`: 2 known advisories fixed." in one.body
    assert "`linux/arm64`: 1 known advisory fixed.\n\n- **not rated** [DSA-2-1]" in one.body


def test_nothing_known_is_not_mentioned() -> None:
    sig = sigbot("{}", old="3.0-2", new="3.0-3")
    assert "Security" not in look(sig)[0].body
    assert sig.advisories.requests == 1


def test_a_service_that_does_not_answer_is_a_sentence_and_no_reason_to_wait() -> None:
    sig = sigbot("{}")
    sig.advisories.down = True
    (one,) = look(sig)
    assert "**Security** Advisories are not known. The advisory service fake.example is not reachable" in one.body


def test_without_packages_nobody_is_asked() -> None:
    sig = sigbot("{packages: false, cooldown: 3d, security: {labels: [security]}}")
    assert titles(sig) == []
    assert (sig.advisories.requests, sig.registry.requests.get("packages")) == (0, None)


# ---------------------------------------------------------------- the cooldown


def test_a_version_that_fixes_an_advisory_does_not_wait_for_its_cooldown_and_says_so() -> None:
    (one,) = look(sigbot("{cooldown: 3d}"))
    assert one.title == f"Update {BASE} to 1.1"
    assert "it does not wait for its cooldown, because it fixes `DSA-1-1` (important) in `openssl`" in one.body


def test_a_version_that_fixes_nothing_waits() -> None:
    sig = sigbot("{cooldown: 3d}", old="3.0-2", new="3.0-3")
    assert titles(sig) == []
    assert any("1.1 was made on 2026-11-22 and waits until 2026-11-25" in line for line in sig.log)


def test_an_advisory_that_is_less_severe_than_asked_for_does_not_count() -> None:
    assert titles(sigbot("{cooldown: 3d, security: {at_least: critical}}")) == []
    assert titles(sigbot("{cooldown: 3d, security: {at_least: important}}")) != []


def test_an_advisory_that_nobody_rated_counts_as_moderate() -> None:
    assert titles(sigbot("{cooldown: 3d}", severity=None)) != []
    assert titles(sigbot("{cooldown: 3d, security: {at_least: important}}", severity=None)) == []


def test_the_bypass_can_be_switched_off() -> None:
    sig = sigbot("{cooldown: 3d, security: {bypass_cooldown: false}}")
    assert titles(sig) == []
    assert sig.advisories.requests == 0


def test_only_what_is_held_is_asked_about_and_of_several_only_the_newest() -> None:
    sig = sigbot("{cooldown: 3d}", old="3.0-2", new="3.0-3")
    for tag in ("1.2", "1.3", "1.4"):
        sig.registry.push(f"{BASE}:{tag}", [image(f"3.0-{tag}")])
    assert titles(sig) == []
    assert sig.advisories.requests == 1


def test_of_the_versions_that_fix_as_much_the_one_that_is_out_longest_goes_ahead() -> None:
    sig = sigbot("{cooldown: 9d}", old="3.0-1", new="3.0-2")
    sig.registry.push(f"{BASE}:1.1", [image("3.0-2", age=6)])
    sig.registry.push(f"{BASE}:1.2", [image("3.0-3", age=3)])
    sig.registry.push(f"{BASE}:1.3", [image("3.0-4", age=1)])
    assert titles(sig) == [f"Update {BASE} to 1.1"]
    sig.advisories.publish("DSA-2-1", "openssl", "3.0-3")
    assert titles(sig) == [f"Update {BASE} to 1.2"]
    sig.clock = lambda: SUNDAY + timedelta(days=20)
    assert titles(sig) == [f"Update {BASE} to 1.3"]


def test_what_a_ripe_version_fixes_already_is_no_reason_not_to_wait() -> None:
    sig = sigbot("{cooldown: 3d}")
    sig.registry.push(f"{BASE}:1.1", [image("3.0-2", age=10)])
    sig.registry.push(f"{BASE}:1.2", [image("3.0-3")])
    assert titles(sig) == [f"Update {BASE} to 1.1"]
    assert "does not wait for its cooldown" not in look(sig)[0].body


def test_when_the_service_does_not_answer_the_version_waits_and_the_log_says_why() -> None:
    sig = sigbot("{cooldown: 3d}")
    sig.advisories.down = True
    assert titles(sig) == []
    assert any(
        "whether it fixes advisories is not known: The advisory service fake.example" in line for line in sig.log
    )


def test_one_image_with_a_fix_passes_while_another_waits() -> None:
    sig = sigbot("{cooldown: 3d}")
    sig.registry.push("other.example/x:1", [image("5-1", age=30, name="bash")])
    sig.registry.push("other.example/x:2", [image("5-2", name="bash")])
    sig.push({"Containerfile": f"FROM {BASE}:1.0 AS a\nFROM other.example/x:1\n"})
    assert titles(sig) == [f"Update {BASE} to 1.1"]


# ---------------------------------------------------------------- labels and schedule


def test_a_fix_gets_its_labels_beside_the_others() -> None:
    config = "{labels: [base], security: {labels: security}}"
    assert look(sigbot(config))[0].labels == ("base", "security")
    assert look(sigbot(config, old="3.0-2", new="3.0-3"))[0].labels == ("base",)


def test_a_fix_passes_over_the_schedule_where_that_is_wanted() -> None:
    week = "schedule: [mon-fri 08:00-17:00]"
    assert titles(sigbot(f"{{{week}}}")) == []
    sig = sigbot(f"{{{week}, security: {{ignore_schedule: true}}}}")
    sig.tick("update", "hourly")
    (one,) = sig.forge().find_prs("sigbot/update/")
    assert "it does not wait for the schedule, because it fixes `DSA-1-1` (important) in `openssl`" in one.body
    assert titles(sigbot(f"{{{week}, security: {{ignore_schedule: true}}}}", old="3.0-2", new="3.0-3")) == []
