"""A pin keeps its kind and its platforms; what is held back stays, and says why."""

from hypothesis import given
from hypothesis import strategies as st

from sig_bots.fakes.registry import FakeRegistry
from sig_bots.pins import Stays, next_digest, why_not
from sig_bots.refs import ImageRef
from sig_bots.updating import look_over

NAME = "quay.io/team/base"
AMD, ARM, ARM8, S390 = "linux/amd64", "linux/arm64", "linux/arm64/v8", "linux/s390x"


def ref(tag: str, digest: str | None = None) -> ImageRef:
    return ImageRef.parse(f"{NAME}:{tag}").with_tag(tag, digest)


def reason(found: object) -> str:
    assert isinstance(found, Stays)
    return found.reason


def publish(registry: FakeRegistry, tag: str, content: bytes, *platforms: str) -> str:
    return registry.publish(f"{NAME}:{tag}", {"f": content}, platforms)


def test_an_index_moves_to_the_newer_index() -> None:
    registry = FakeRegistry()
    old = publish(registry, "1", b"old", AMD, ARM)
    new = publish(registry, "1", b"new", AMD, ARM, S390)
    assert next_digest(registry, ref("1", old), "1") == new


def test_an_unchanged_digest_costs_one_look() -> None:
    registry = FakeRegistry()
    old = publish(registry, "1", b"old", AMD, ARM)
    assert reason(next_digest(registry, ref("1", old), "1")) == "1 is the newest of its kind and its digest is current"
    assert registry.requests == {"digest": 1}


def test_an_index_that_lost_a_platform_is_held_back() -> None:
    registry = FakeRegistry()
    old = publish(registry, "1", b"old", AMD, ARM, S390)
    publish(registry, "1", b"new", AMD)
    publish(registry, "2", b"new", AMD, S390)
    for tag, missing in (("1", "holds a single platform"), ("2", "lacks linux/arm64")):
        found = next_digest(registry, ref("1", old), tag)
        assert missing in reason(found)
        assert isinstance(found, Stays)
        assert found.held


def test_only_the_platform_in_use_counts() -> None:
    registry = FakeRegistry()
    old = publish(registry, "1", b"old", AMD, ARM, S390)
    new = publish(registry, "1", b"new", AMD, ARM)
    assert next_digest(registry, ref("1", old), "1", AMD) == new
    assert "lacks linux/s390x" in reason(next_digest(registry, ref("1", old), "1", S390))


def test_the_two_names_of_arm64_are_one() -> None:
    registry = FakeRegistry()
    old = publish(registry, "1", b"old", AMD, ARM8)
    new = publish(registry, "1", b"new", AMD, ARM)
    assert next_digest(registry, ref("1", old), "1") == new
    assert next_digest(registry, ref("1", old), "1", ARM) == new


def test_an_index_that_grew_moves_nobody() -> None:
    registry = FakeRegistry()
    old = publish(registry, "1", b"same", AMD, ARM)
    publish(registry, "1", b"same", AMD, ARM, S390)
    found = next_digest(registry, ref("1", old), "1")
    assert reason(found).endswith("holds the same for linux/amd64, linux/arm64")
    assert isinstance(found, Stays)
    assert not found.held


def test_a_single_platform_stays_on_it() -> None:
    registry = FakeRegistry()
    old = publish(registry, "1", b"old", ARM)
    publish(registry, "2", b"new", AMD)
    new = publish(registry, "3", b"new", AMD, ARM8)
    assert "linux/arm64's, which 2 does not offer" in reason(next_digest(registry, ref("1", old), "2"))
    found = next_digest(registry, ref("1", old), "3")
    assert found == registry.manifests[new].platforms[ARM8]


def test_a_tag_is_not_proposed_without_the_platforms_of_the_present_one() -> None:
    registry = FakeRegistry()
    for tag, platforms in (("1", (AMD, ARM)), ("2", (AMD,)), ("3", (AMD, S390)), ("4", (ARM8, AMD))):
        publish(registry, tag, tag.encode(), *platforms)
    found = {tag: why_not(registry, ref("1"), tag) for tag in "234"}
    assert "holds a single platform" in reason(found["2"])
    assert "lacks linux/arm64" in reason(found["3"])
    assert found["4"] is None
    assert why_not(registry, ref("1"), "3", AMD) is None
    assert "does not exist" in reason(why_not(registry, ref("1"), "9"))


def test_a_tag_of_one_platform_is_not_replaced_by_one_of_another() -> None:
    registry = FakeRegistry()
    for tag, platforms in (("1", (AMD,)), ("2", (ARM,)), ("3", (ARM, AMD)), ("4", (AMD,))):
        publish(registry, tag, tag.encode(), *platforms)
    assert "linux/amd64's, which 2 does not offer" in reason(why_not(registry, ref("1"), "2"))
    assert [why_not(registry, ref("1"), tag) for tag in "34"] == [None, None]


def test_what_is_no_longer_there_asks_nothing_of_the_new_one() -> None:
    registry = FakeRegistry()
    new = publish(registry, "2", b"new", AMD)
    assert why_not(registry, ref("1"), "2") is None
    assert next_digest(registry, ref("1", "sha256:" + "0" * 64), "2") == new


def test_what_the_service_holds_back_is_not_proposed() -> None:
    registry = FakeRegistry(holds={f"{NAME}:2": "2 is settling until noon"})
    old = publish(registry, "1", b"old", AMD, ARM)
    publish(registry, "2", b"new", AMD, ARM)
    for found in (next_digest(registry, ref("1", old), "2"), why_not(registry, ref("1"), "2")):
        assert found == Stays("2 is settling until noon", held=True)


def test_a_scan_names_what_is_held_back_and_asks_once_for_each_reference() -> None:
    registry = FakeRegistry(holds={f"{NAME}:1.2": "1.2 is settling until noon"})
    for tag in ("1.1", "1.2"):
        publish(registry, tag, tag.encode(), AMD)
    files = {f"{number}/Containerfile": f"FROM {NAME}:1.1\n".encode() for number in range(20)}
    scan = look_over(registry, files)
    assert scan.moves == {}
    assert scan.held == {NAME}
    assert scan.kept[0] == f"0/Containerfile:1: {NAME}:1.1 stays: 1.2 is settling until noon"
    assert registry.requests == {"tags": 1, "digest": 1}
    registry.holds.clear()
    assert len(look_over(registry, files).moves[NAME]) == 20


@given(st.sets(st.sampled_from([AMD, ARM, S390]), min_size=2), st.sets(st.sampled_from([AMD, ARM, S390]), min_size=2))
def test_no_move_ever_takes_a_platform_away(old: set[str], new: set[str]) -> None:
    registry = FakeRegistry()
    pinned = publish(registry, "1", b"old", *sorted(old))
    moved = publish(registry, "2", b"new", *sorted(new))
    assert (next_digest(registry, ref("1", pinned), "2") == moved) == (old <= new)
    assert (why_not(registry, ref("1"), "2") is None) == (old <= new)
