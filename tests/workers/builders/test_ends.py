"""However a build ends, nothing of it goes on running and nothing but its log and state stays on disk."""

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from sig_bots.refs import ImageRef, Platform
from sig_bots.tools import BuildHandle
from sig_workers.builders.order import BuildLimits
from tests.servers.process import processes_mentioning
from tests.workers.builders.site import Site, busybox

pytestmark = pytest.mark.server

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
STAYS = {"alive", "log", "status.json", "cancel", "order.json", "containers.conf", "registries.conf"}


def until(look: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 60
    while not look():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def running(site: Site, base: dict[str, str], name: str, mark: str, **fields: Any) -> BuildHandle:
    """A build in the middle of a RUN, which has started a daemon in a session of its own."""
    (shell,) = base
    text = f"FROM {shell}\nRUN (setsid sleep {mark} &); echo here; sleep {mark}\n"
    handle = site.start(name, text, bases=base, **fields)
    until(lambda: "here" in site.builder.logs(handle), f"a RUN of {name}: {site.builder.poll(handle)}")
    assert len(processes_mentioning(f"sleep {mark}")) >= 2
    return handle


def left(site: Site, handle: BuildHandle) -> set[str]:
    """What is on disk of a build besides what is meant to stay."""
    return {path.name for path in (site.data / "builds" / handle.id).iterdir()} - STAYS


def clean(site: Site, handle: BuildHandle, mark: str) -> None:
    until(lambda: not processes_mentioning(f"sleep {mark}"), "the end of what the RUN started")
    until(lambda: not processes_mentioning(handle.id), "the end of buildah and its supervisor")
    assert left(site, handle) == set()
    assert not list((site.data / "builds").glob(".trash-*"))
    assert handle.id not in Path("/proc/self/mountinfo").read_text()


def test_a_cancelled_build(site: Site, base: dict[str, str]) -> None:
    handle = running(site, base, "ends/cancelled:1", "46101")
    site.builder.cancel(handle)
    assert site.wait(handle).state == "cancelled"
    clean(site, handle, "46101")


def test_a_build_out_of_time(site: Site, base: dict[str, str]) -> None:
    handle = running(site, base, "ends/late:1", "46102", time_limit=timedelta(seconds=20))
    assert "took longer than its limit of 20 seconds" in site.wait(handle).reason
    clean(site, handle, "46102")


def test_a_build_out_of_disk(site: Site, base: dict[str, str], tmp_path: Path) -> None:
    small = Site(tmp_path, site.registry, limits=BuildLimits(disk=40 << 20))
    (shell,) = base
    text = f"FROM {shell}\nRUN (setsid sleep 46103 &); dd if=/dev/zero of=/fat bs=1M count=200; sleep 46103\n"
    handle = small.start("ends/fat:1", text, bases=base)
    assert "more disk space than its limit of 40 MiB" in small.wait(handle).reason
    clean(small, handle, "46103")


def test_a_buildah_that_is_killed(site: Site, base: dict[str, str]) -> None:
    handle = running(site, base, "ends/killed:1", "46104")
    ours = processes_mentioning(f"builds/{handle.id}/storage")
    os.kill(max(pid for pid, line in ours.items() if line.startswith("buildah")), signal.SIGKILL)
    status = site.wait(handle)
    assert status.reason == "The build failed: it was killed, perhaps because the host ran out of memory; run it again."
    clean(site, handle, "46104")


def test_a_supervisor_that_is_killed(site: Site, base: dict[str, str]) -> None:
    handle = running(site, base, "ends/orphaned:1", "46105")
    (supervisor,) = (pid for pid, line in processes_mentioning(handle.id).items() if "builders.job " in line)
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: not processes_mentioning("sleep 46105"), "the end of what the RUN started")
    status = site.wait(handle)
    assert (status.state, "interrupted" in status.reason) == ("failed", True)
    clean(site, handle, "46105")


def test_a_build_that_nobody_asks_for_any_more(site: Site, base: dict[str, str]) -> None:
    handle = running(site, base, "ends/forgotten:1", "46106")
    (supervisor,) = (pid for pid, line in processes_mentioning(handle.id).items() if "builders.job " in line)
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: not processes_mentioning(handle.id), "the end of buildah and its supervisor")
    assert "storage" in left(site, handle)
    site.build("ends/next:1", "FROM scratch\nCOPY Containerfile /x\n")
    clean(site, handle, "46106")


# ---------------------------------------------------------------- builds this host cannot do


def without_history(image: ImageRef) -> None:
    """Take the history out of a published image's config, where the OCI specification has it as optional."""
    with httpx.Client(base_url=f"http://{image.registry}/v2/{image.repository}", trust_env=False) as client:
        manifest = client.get(f"/manifests/{image.tag}", headers={"Accept": MANIFEST}).json()
        config = client.get(f"/blobs/{manifest['config']['digest']}").json()
        del config["history"]
        body = httpx.Request("POST", "http://x", json=config).content
        place = httpx.URL(client.post("/blobs/uploads/").raise_for_status().headers["Location"])
        digest = f"sha256:{sha256(body).hexdigest()}"
        client.put(place.copy_merge_params({"digest": digest}), content=body).raise_for_status()
        manifest["config"] |= {"digest": digest, "size": len(body)}
        headers = {"Content-Type": MANIFEST}
        client.put(f"/manifests/{image.tag}", json=manifest, headers=headers).raise_for_status()


def test_a_base_with_half_a_history_is_named_where_buildah_cannot_build_on_it(site: Site) -> None:
    first, second = site.image("history/first:1"), site.image("history/second:1")
    assert site.build("history/first:1", "FROM scratch\nCOPY x /x\n", {"x": b"1"}, push=True).state == "success"
    without_history(first)
    exact = {str(one): str(one.with_tag(None, site.client.digest(one))) for one in (first,)}
    built = site.build("history/second:1", f"FROM {first}\nCOPY y /y\n", {"y": b"2"}, bases=exact, push=True)
    assert built.state == "success", site.log()
    exact = {str(second): str(second.with_tag(None, built.digest))}
    status = site.build("history/third:1", f"FROM {second}\nCOPY z /z\n", {"z": b"3"}, bases=exact)
    named = (
        f"The base {second} has 2 layers, but its history tells of 1, and buildah cannot build on such an image; "
        f"build it anew on a base whose history is whole."
    )
    assert (status.state, status.reason) in (
        ("success", ""),
        ("failed", named),
    )  # a newer buildah can, from 1.39 at least


@pytest.mark.parametrize("run", ['RUN ["/bin/sh", "true"]', "RUN echo words"])
@pytest.mark.parametrize(("platform", "machine"), [("linux/arm64", 0xB7), ("linux/riscv64", 0xF3)])
def test_a_foreign_run_needs_emulation_and_says_so(site: Site, platform: str, machine: int, run: str) -> None:
    foreign = bytearray(busybox()["busybox"])
    foreign[18:20] = machine.to_bytes(2, "little")  # e_machine of the ELF header; the loader looks no further
    status = site.build(
        "ends/foreign:1", f"FROM scratch\nCOPY busybox /bin/sh\n{run}\n", {"busybox": bytes(foreign)},
        platforms=(Platform.parse(platform),), key=f"{platform} {run}",
    )  # fmt: skip
    if status.state == "success":
        pytest.skip(f"this host emulates {platform}")
    assert "needs emulation" in status.reason, site.log()
    assert status.line == 3
