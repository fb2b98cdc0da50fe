from collections.abc import Iterator

from sig_bots.fakes.registry import FakeImage, FakeRegistry
from sig_bots.packagereport import packages_section, read_changes
from sig_bots.packages import Package, PackageList
from sig_bots.refs import ImageRef, Platform

OLD, NEW = ImageRef.parse("q.io/base:1"), ImageRef.parse("q.io/base:2")
AMD64, ARM64 = "linux/amd64", "linux/arm64"


def image(platform: str = AMD64, architecture: str = "x86_64", **versions: str) -> FakeImage:
    packages = [
        Package(name=name.replace("_", "-"), version=version, release="1", architecture=architecture)
        for name, version in versions.items()
    ]
    return FakeImage({}, {}, platform, PackageList.of("rpm", packages))


def section(registry: FakeRegistry, *, folds: bool = False, seconds: float = 60) -> str:
    return packages_section(read_changes(registry, [(OLD, NEW)], seconds=seconds), folds=folds)


def test_what_changed_is_told_with_what_may_hurt_first() -> None:
    registry = FakeRegistry()
    registry.push(str(OLD), [image(bash="5.1", curl="8.0", gone="1", keep="1")])
    registry.push(str(NEW), [image(bash="5.2", curl="7.9", fresh="1", keep="1")])
    assert section(registry) == (
        "**Packages**\n\n1 downgraded, 1 removed, 1 upgraded, 1 added\n\n"
        "- `curl` `8.0-1` → `7.9-1` (older)\n- removed `gone` `1-1`\n- `bash` `5.1-1` → `5.2-1`\n- added `fresh` `1-1`"
    )
    assert "<details><summary>1 downgraded, 1 removed" in section(registry, folds=True)


def test_platforms_that_agree_are_told_once_although_their_packages_have_other_architectures() -> None:
    registry = FakeRegistry()
    for ref, version in ((OLD, "1"), (NEW, "2")):
        registry.push(str(ref), [image(bash=version), image(ARM64, "aarch64", bash=version)])
    assert section(registry).count("`bash`") == 1
    assert AMD64 not in section(registry)


def test_platforms_that_differ_are_told_apart() -> None:
    registry = FakeRegistry()
    registry.push(str(OLD), [image(bash="1"), image(ARM64, "aarch64", bash="1")])
    registry.push(str(NEW), [image(bash="2"), image(ARM64, "aarch64", bash="3")])
    told = section(registry)
    assert "`linux/amd64`: 1 upgraded\n\n- `bash` `1-1` → `2-1`" in told
    assert "`linux/arm64`: 1 upgraded\n\n- `bash` `1-1` → `3-1`" in told
    assert "<code>linux/arm64</code>: 1 upgraded" in section(registry, folds=True)


def test_only_the_platforms_that_are_built_are_read() -> None:
    registry = FakeRegistry()
    for ref in (OLD, NEW):
        registry.push(str(ref), [image(bash="1"), image(ARM64, "aarch64", bash="1")])
    found = read_changes(registry, [(OLD, NEW)], [Platform.parse(ARM64)])
    assert [one.platform for one in found] == [ARM64]


def test_a_long_list_ends_with_a_count() -> None:
    registry = FakeRegistry()
    registry.push(str(OLD), [image(**{f"p{number:03}": "1" for number in range(100)})])
    registry.push(str(NEW), [image(**{f"p{number:03}": "2" for number in range(100)})])
    lines = [line for line in section(registry).splitlines() if line.startswith("- ")]
    assert len(lines) == 40
    assert lines[-1] == "- and 61 more packages"


def test_nothing_changed_is_said() -> None:
    registry = FakeRegistry()
    registry.push(str(OLD), [image(bash="1")])
    registry.push(str(NEW), [image(bash="1")])
    assert section(registry) == "**Packages**\n\nThe same packages in the same versions."


def test_images_without_packages_are_not_mentioned() -> None:
    registry = FakeRegistry()
    registry.push(str(OLD), [FakeImage({"a": b""}, {})])
    registry.push(str(NEW), [FakeImage({"b": b""}, {})])
    assert section(registry) == ""


def test_what_cannot_be_read_is_one_sentence() -> None:
    registry = FakeRegistry()
    registry.push(str(NEW), [image(bash="1")])
    assert "Not compared. There is no image q.io/base:1 in the registry any more" in section(registry)
    registry.push(str(OLD), [FakeImage({"a": b""}, {})])
    assert "Not compared. One of the images has no package database" in section(registry)
    registry.push(str(OLD), [FakeImage({}, {}, AMD64, PackageList(kind="dpkg", packages=()))])
    assert "The old image keeps its packages with dpkg, the new one with rpm" in section(registry)
    registry.down = True
    assert "is not reachable" in section(registry)


def test_the_time_is_limited_over_all_platforms() -> None:
    registry = FakeRegistry()
    for ref in (OLD, NEW):
        registry.push(str(ref), [image(bash="1"), image(ARM64, "aarch64", bash="1")])
    ticks: Iterator[float] = iter([0.0, 1.0, 2.0, 50.0])
    found = read_changes(registry, [(OLD, NEW)], seconds=10, clock=lambda: next(ticks))
    assert [one.difference is None for one in found] == [False, True]
    assert "no time left" in found[1].problem


def test_a_hostile_package_name_stays_text() -> None:
    registry = FakeRegistry()
    registry.push(str(OLD), [image(bash="1")])
    registry.push(str(NEW), [image(**{"bash": "1", "x`</details>@all": "2"})])
    told = section(registry, folds=True)
    assert told.count("</details>") == 1
    assert "@all" not in told
