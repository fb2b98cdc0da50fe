"""Images made with rpm, dpkg and buildah in a real registry; what must be read comes from `rpm -qa` and `dpkg-query`."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sig_bots.errors import ForgeError, NotFound
from sig_bots.packages import difference
from sig_bots.refs import ImageRef
from sig_workers.packages.reader import READER
from sig_workers.registries.answers import MemoryAnswers
from sig_workers.registries.client import RegistryClient
from tests.servers.programs import program
from tests.servers.registry import Registry
from tests.workers.builders.site import busybox
from tests.workers.packages.managers import NEW, OLD, Dpkg, Recorded, Rpm, described, run

pytestmark = pytest.mark.server

CONTAINERFILE = """
FROM scratch
COPY busybox /bin/busybox
COPY stale {other}
RUN ["/bin/busybox", "sh", "-c", "B=/bin/busybox; $B rm -r {other}; $B mkdir -p /var/lib; {link}"]
COPY old {place}
"""
UPGRADE = "COPY new {place}\nCOPY busybox /usr/bin/app\n"
RPM = {
    "other": "/var/lib/rpm",
    "place": "/usr/lib/sysimage/rpm",
    "link": "$B ln -s ../../usr/lib/sysimage/rpm /var/lib/rpm",
}
DPKG = {"other": "/usr/lib/sysimage/rpm", "place": "/var/lib/dpkg", "link": "true"}


def build(context: Path, text: str, image: str, *options: str) -> ImageRef:
    """Build with a layer for each instruction and push."""
    for number, name in enumerate(("stale", "old", "new")):
        # Files of one size and one time are the same to buildah's storage, and would not get into the next layer.
        for file in context.joinpath(name).glob("**/*"):
            os.utime(file, (1_700_000_000 + number, 1_700_000_000 + number))
    store = ["--root", f"{context}.s", "--runroot", f"{context}.r", "--storage-driver", "vfs"]
    buildah = program("buildah")
    # A newer buildah would raise these limits, which it may not everywhere; they may be lowered anywhere.
    how = ["--layers", "--isolation", "chroot", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]
    run(buildah, *store, "bud", *how, "-q", "-t", "made", "-f", "-", context, text=text)
    run(buildah, *store, "push", "-q", "--tls-verify=false", *options, "made", f"docker://{image}")
    return ImageRef.parse(image)


def layers(image: ImageRef) -> list[dict[str, Any]]:
    """The layers in the manifest, as skopeo reads it."""
    raw = run(program("skopeo"), "inspect", "--raw", "--tls-verify=false", f"docker://{image}")
    found: list[dict[str, Any]] = json.loads(raw)["layers"]
    return found


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "busybox").write_bytes(busybox()["busybox"])
    (folder / "busybox").chmod(0o755)
    return folder


def pair(manager: Rpm | Dpkg, context: Path) -> tuple[set[str], set[str]]:
    """Databases `stale`, `old` and `new` (made by upgrading `old`) in the context; what is in the last two."""
    manager.install(context / "stale", manager.make({"base": "1.0-1", "stale": "1-1"}))
    manager.install(context / "old", manager.make(OLD))
    shutil.copytree(context / "old", context / "new")
    manager.install(context / "new", manager.make(NEW))
    manager.remove(context / "new", "gone")
    return manager.listed(context / "old"), manager.listed(context / "new")


def check_pair(listed: tuple[set[str], set[str]], context: Path, server: Registry, places: dict[str, str]) -> None:
    in_old, in_new = listed
    name = f"{server.host}/packages/{context.parent.name.lower()}"
    text = CONTAINERFILE.format(**places)
    old = build(context, text, f"{name}:1")
    new = build(context, text + UPGRADE.format(**places), f"{name}:2")
    client = RegistryClient(insecure_hosts=[server.host])
    before, after = client.packages(old), client.packages(new)
    assert before is not None
    assert after is not None
    assert {described(one) for one in before.packages} == in_old
    assert {described(one) for one in after.packages} == in_new
    found = difference(before, after)
    names = {
        kind: [one.name for one in getattr(found, kind)] for kind in ("upgraded", "downgraded", "added", "removed")
    }
    assert names == {"upgraded": ["bash"], "downgraded": ["curl"], "added": ["fresh"], "removed": ["gone"]}


@pytest.mark.parametrize("backend", ["sqlite", "ndb"])
def test_rpm_images_hold_what_rpm_says(backend: str, context: Path, tmp_path: Path, registry_server: Registry) -> None:
    rpm = Rpm(tmp_path, backend)
    listed = pair(rpm, context) if rpm.writes else Recorded(backend).copy(context)
    check_pair(listed, context, registry_server, RPM)


def test_images_with_the_old_berkeley_database_hold_what_rpm_says(context: Path, registry_server: Registry) -> None:
    check_pair(Recorded("bdb").copy(context), context, registry_server, RPM)


def test_dpkg_images_hold_what_dpkg_query_says(context: Path, tmp_path: Path, registry_server: Registry) -> None:
    check_pair(pair(Dpkg(tmp_path), context), context, registry_server, DPKG)


def test_a_package_database_is_read_once_per_digest_and_from_the_layers_needed(
    context: Path, tmp_path: Path, make_registry: Callable[..., Registry]
) -> None:
    server = make_registry()
    in_old, _ = pair(Dpkg(tmp_path), context)
    image = build(context, CONTAINERFILE.format(**DPKG) + "COPY busybox /usr/bin/app\n", f"{server.host}/layers:1")
    client = RegistryClient(insecure_hosts=[server.host])
    for _ in range(2):
        found = client.packages(image)
        assert found is not None
        assert {described(one) for one in found.packages} == in_old
    blobs = [request.path for request in server.requests("GET", "/blobs/")]
    assert len(blobs) == len(set(blobs)) == 2, "the app's layer and the one below, of five"


def test_what_an_older_reader_made_of_an_image_is_read_again(context: Path, registry_server: Registry) -> None:
    cache = MemoryAnswers()
    client = RegistryClient(insecure_hosts=[registry_server.host], cache=cache)
    image = build(context, "FROM scratch\nCOPY busybox /\n", f"{registry_server.host}/packages/again:1")
    for reader in (READER, READER - 1):
        kept = {"unreadable": "it is of a new format", "reader": reader}
        cache.put("packages", image.name, f"@{client.digest(image)}", kept, 0.0)
        if reader == READER:
            with pytest.raises(ForgeError, match=r"cannot be read: it is of a new format\.$"):
                client.packages(image)
        else:
            assert client.packages(image) is None


def test_zstd_layers_are_read_too(context: Path, tmp_path: Path, make_registry: Callable[..., Registry]) -> None:
    server = make_registry()
    _, in_new = pair(Dpkg(tmp_path), context)
    text = f"FROM scratch\nCOPY old {DPKG['place']}\n" + UPGRADE.format(**DPKG)
    image = build(context, text, f"{server.host}/zstd:1", "--compression-format", "zstd", "--format", "oci")
    assert all(layer["mediaType"].endswith("tar+zstd") for layer in layers(image))
    found = RegistryClient(insecure_hosts=[server.host]).packages(image)
    assert found is not None
    assert {described(one) for one in found.packages} == in_new


def test_an_image_that_is_not_there_and_a_layer_that_is_too_slow_are_told_apart(
    context: Path, registry_server: Registry
) -> None:
    client = RegistryClient(insecure_hosts=[registry_server.host])
    image = build(context, "FROM scratch\nCOPY busybox /\n", f"{registry_server.host}/packages/none:1")
    with pytest.raises(NotFound):
        client.packages(image.with_tag("absent"))
    with pytest.raises(ForgeError, match=r"cannot be read: it takes longer than 0 seconds\.$"):
        client.packages(image, seconds=0)
    assert client.packages(image) is None


def test_a_layer_that_is_not_what_its_digest_says_is_not_used(
    context: Path, make_registry: Callable[..., Registry]
) -> None:
    server = make_registry()
    image = build(context, "FROM scratch\nCOPY busybox /\n", f"{server.host}/changed:1")
    digest = layers(image)[0]["digest"].removeprefix("sha256:")
    (data,) = server.folder.glob(f"storage/docker/registry/v2/blobs/sha256/??/{digest}/data")
    os.truncate(data, 1000)
    with pytest.raises(ForgeError, match="does not have the digest"):
        RegistryClient(insecure_hosts=[server.host]).packages(image)
