from sig_bots.packages import Package, PackageKind, PackageList, difference


def listed(*nevra: str, kind: PackageKind = "rpm") -> PackageList:
    """`name epoch:version-release arch`, for example `bash 0:5.2-1 x86_64`."""
    packages = []
    for text in nevra:
        name, evr, architecture = text.split()
        epoch, _, rest = evr.rpartition(":")
        version, _, release = rest.partition("-")
        packages.append(
            Package(name=name, epoch=int(epoch or 0), version=version, release=release, architecture=architecture)
        )
    return PackageList.of(kind, packages)


def changes(old: PackageList, new: PackageList) -> dict[str, list[tuple[str, str, str]]]:
    found = difference(old, new)
    return {
        kind: [(one.name, one.old, one.new) for one in getattr(found, kind)]
        for kind in ("upgraded", "downgraded", "added", "removed")
        if getattr(found, kind)
    }


def test_each_package_is_in_the_part_where_it_belongs() -> None:
    old = listed("bash 5.1-1 x86_64", "curl 8.0-1 x86_64", "gone 1-1 noarch", "same 1-1 noarch")
    new = listed("bash 5.2-1 x86_64", "curl 7.9-9 x86_64", "fresh 1-1 noarch", "same 1-1 noarch")
    assert changes(old, new) == {
        "upgraded": [("bash", "5.1-1", "5.2-1")],
        "downgraded": [("curl", "8.0-1", "7.9-9")],
        "added": [("fresh", "", "1-1")],
        "removed": [("gone", "1-1", "")],
    }
    assert not difference(old, old)


def test_an_epoch_is_stronger_than_a_version() -> None:
    assert changes(listed("dbus 9-1 noarch"), listed("dbus 1:1-1 noarch")) == {"upgraded": [("dbus", "9-1", "1:1-1")]}


def test_the_architectures_of_one_name_are_told_apart() -> None:
    old = listed("glibc 1-1 x86_64", "glibc 1-1 i686")
    assert changes(old, listed("glibc 2-1 x86_64", "glibc 1-1 i686")) == {"upgraded": [("glibc", "1-1", "2-1")]}
    assert changes(old, listed("glibc 1-1 x86_64")) == {"removed": [("glibc", "1-1", "")]}


def test_a_package_that_becomes_noarch_stays_the_same_package() -> None:
    assert changes(listed("tz 1-1 x86_64"), listed("tz 2-1 noarch")) == {"upgraded": [("tz", "1-1", "2-1")]}
    assert not changes(listed("tz 1-1 x86_64"), listed("tz 1-1 noarch"))


def test_several_versions_of_one_name_change_together() -> None:
    old = listed("kernel 6.1-1 x86_64", "kernel 6.2-1 x86_64")
    assert changes(old, listed("kernel 6.2-1 x86_64", "kernel 6.10-1 x86_64")) == {
        "upgraded": [("kernel", "6.1-1", "6.10-1")]
    }
    assert changes(old, listed("kernel 6.2-1 x86_64")) == {"removed": [("kernel", "6.1-1", "")]}


def test_each_package_manager_has_an_order_of_its_own() -> None:
    pairs: list[tuple[PackageKind, str, str]] = [
        ("dpkg", "1.0a-1", "1.0+-1"),
        ("rpm", "1.0-1", "1.0a-1"),
        ("apk", "1.0_rc1-r0", "1.0-r0"),
    ]
    for kind, old, new in pairs:
        found = changes(listed(f"x {old} amd64", kind=kind), listed(f"x {new} amd64", kind=kind))
        assert found == {"upgraded": [("x", old, new)]}
