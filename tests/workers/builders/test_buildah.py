import json
import multiprocessing
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sig_bots.errors import UserError
from sig_bots.refs import ImageRef
from sig_bots.tools import Builder, BuildSpec, BuildStatus
from sig_workers.builders.buildah import BuildahBuilder
from sig_workers.builders.none import NoBuilder
from sig_workers.builders.order import BuildLimits
from sig_workers.registries.auth import Login
from sig_workers.registries.client import RegistryClient
from tests.servers.process import processes_mentioning, wait_until
from tests.servers.registry import Registry
from tests.workers.builders.site import AMD64, ARM64, LIMIT, Site, busybox

pytestmark = pytest.mark.server


def test_it_is_the_builder_of_the_contract(site: Site) -> None:
    assert isinstance(site.builder, Builder)
    assert isinstance(NoBuilder(), Builder)


def test_a_child_holds_the_exact_base_and_is_pushed(site: Site, base: dict[str, str]) -> None:
    ((name, exact),) = base.items()
    text = f"ARG FROM={name}\nFROM $FROM AS tools\nRUN echo made > /made\nFROM {name}\nCOPY --from=tools /made /made\nCOPY --from={name} /bin/busybox /copy\n"
    status = site.build(
        "fleet/child:2",
        text,
        bases=base,
        push=True,
        labels={"org.opencontainers.image.base.digest": exact.partition("@")[2]},
        smoke=("cat", "/made"),
    )
    assert status.state == "success", site.log()
    image = site.image("fleet/child:2")
    assert status.digest == site.client.digest(image)
    assert status.platforms == {str(AMD64): status.digest} or len(status.platforms) == 1
    details = site.client.config(image)
    assert details is not None
    assert details.labels["org.opencontainers.image.base.digest"] == site.client.digest(site.image("fleet/base:1"))
    assert details.created == datetime(2024, 1, 1, tzinfo=UTC)
    assert "made" in site.log()


def test_the_digest_wins_over_a_tag_that_moved_meanwhile(site: Site) -> None:
    old = site.build("fleet/moving:1", "FROM scratch\nCOPY v /v\n", {"v": b"old"}, push=True)
    new = site.build("fleet/moving:1", "FROM scratch\nCOPY v /v\n", {"v": b"new"}, push=True, key="moving-2")
    assert old.digest != new.digest
    image = site.image("fleet/moving:1")
    busy = site.image("fleet/base:1")
    bases = {
        str(image): str(image.with_tag(None, old.digest)),
        str(busy): str(busy.with_tag(None, site.client.digest(busy))),
    }
    status = site.build(
        "fleet/user:1", f"FROM {busy}\nCOPY --from={image} /v /v\nRUN echo got $(cat /v)\n", bases=bases
    )
    assert status.state == "success", site.log()
    assert "got old" in site.log()


def test_the_same_build_gives_the_same_digest(site: Site, base: dict[str, str]) -> None:
    (name,) = base
    built = [
        site.build("fleet/same:1", f"FROM {name}\nRUN echo x > /x\n", bases=base, push=True, key=f"same-{n}").digest
        for n in range(2)
    ]
    assert built[0] is not None
    assert built[0] == built[1]


def test_nothing_of_a_containerfile_reaches_the_network_or_other_processes(
    site: Site, base: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGBOT_SECRET", "canary-env")
    (name,) = base
    seen = 'ip a; env; ls -d /proc/[0-9]*; cat /proc/*/environ; chroot / true && echo CHROOT"ED"; true'
    assert site.build("fleet/nosy:1", f"FROM {name}\nRUN {seen}\n", bases=base).state == "success"
    log = site.log()
    assert "LOOPBACK" in log
    assert not re.search(r"^\d+: .*<.*\bUP\b", log, re.MULTILINE)
    assert "CHROOTED" not in log
    assert "canary" not in log
    assert f"/proc/{os.getpid()}\n" not in log
    assert len(re.findall(r"^/proc/\d+$", log, re.MULTILINE)) < 10


def test_an_add_from_an_address_fails_without_network(site: Site) -> None:
    status = site.build("fleet/add:1", f"FROM scratch\nADD http://{site.registry.host}/v2/ /x\n")
    assert status.state == "failed"
    assert "ADD" in status.reason or "not reachable" in status.reason


def test_network_is_there_when_the_specification_says_so(site: Site, base: dict[str, str]) -> None:
    (name,) = base
    text = f"FROM {name}\nADD http://{site.registry.host}/v2/ /answer\nRUN ip a; cat /answer\n"
    status = site.build("fleet/net:1", text, bases=base, network=True)
    assert status.state == "success", site.log()
    assert re.search(r"^\d+: lo: <LOOPBACK,UP", site.log(), re.MULTILINE)


def test_several_platforms_become_an_index(site: Site) -> None:
    status = site.build(
        "fleet/multi:1",
        "FROM scratch\nARG TARGETARCH\nCOPY only-$TARGETARCH /x\n",
        {"only-amd64": b"a", "only-arm64": b"b"},
        push=True,
        platforms=(AMD64, ARM64),
    )
    assert status.state == "success", site.log()
    manifest = site.client.manifest(site.image("fleet/multi:1"))
    assert manifest is not None
    assert (manifest.digest, dict(manifest.platforms)) == (status.digest, dict(status.platforms))
    assert set(status.platforms) == {"linux/amd64", "linux/arm64"}
    child = site.build("fleet/multi-child:1", f"FROM {site.image('fleet/multi:1')}\nCOPY y /y\n", {"y": b""}, push=True, platforms=(AMD64, ARM64),
                       bases={str(site.image("fleet/multi:1")): str(site.image("fleet/multi:1").with_tag(None, status.digest))})  # fmt: skip
    assert set(child.platforms) == {"linux/amd64", "linux/arm64"}, child.reason


def test_a_base_without_the_platform_is_named(site: Site, base: dict[str, str]) -> None:
    (name,) = base
    status = site.build("fleet/noarm:1", f"FROM {name}\nCOPY Containerfile /y\n", bases=base, platforms=(ARM64,))
    assert status.state == "failed"
    assert "is for amd64, not for linux/arm64" in status.reason


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        ("FROM {base}\n# a remark\nRUN echo words \\\n  && exit 7\n", "The build failed at `RUN echo words   && exit 7` with exit status 7.", 3),
        ("FROM {base} AS a\nRUN true\nFROM a\nRUN true\nRUN false\n", "The build failed at `RUN false` with exit status 1.", 5),
        ('FROM {base}\nRUN ["sh", "-c", "exit 5"]\n', "The build failed at `RUN sh -c exit 5` with exit status 5.", 2),
        ('FROM {base}\nRUN echo "a": "b": ; exit 6\n', 'The build failed at `RUN echo "a": "b": ; exit 6` with exit status 6.', 2),
        ("FROM {base}\nrun exit 4\n", "The build failed at `", 2),
        ("FROM {host}/fleet/absent:1\n", "The build was given no digest for {host}/fleet/absent:1.", 1),
        ("ARG X\nFROM $X\n", "$X names no image", 2),
        ("FROM {base}@sha256:" + "0" * 64 + "\n", "pins", 1),
        ("FROM {base}\nRUM echo\n", "The Containerfile does not parse: unknown instruction 'RUM'.", 2),
        ("NONSENSE\n", "The Containerfile does not parse: unknown instruction 'NONSENSE'.", 1),
        ("", "the file has no instruction; start with FROM.", 1),
        ("FROM scratch\nCOPY absent /x\n", 'The build failed at `COPY absent /x`: "/absent": no such file or directory.', 2),
        ("FROM scratch\nCOPY ../../../../../etc/passwd /x\n", "The build failed at", 2),
        ("FROM {base}\nRUN wget http://packages.example/x\n", "`network: true`", 2),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_one_sentence_with_a_line(
    site: Site, base: dict[str, str], text: str, reason: str, line: int
) -> None:
    ((name, exact),) = base.items()
    filled = text.replace("{base}", name).replace("{host}", site.registry.host)
    status = site.build("fleet/bad:1", filled, bases={**base, f"{name}@sha256:{'0' * 64}": exact}, key=text)
    assert (status.state, status.line) == ("failed", line), site.log()
    assert reason.replace("{host}", site.registry.host) in status.reason
    assert "\n" not in status.reason
    assert str(site.data) not in status.reason


def test_a_here_document_works_or_is_said_not_to(site: Site, base: dict[str, str]) -> None:
    (name,) = base
    status = site.build("fleet/document:1", f"FROM {name}\nRUN <<E\nexit 3\nE\n", bases=base)
    assert "does not know here-documents" in status.reason or "with exit status 3" in status.reason
    assert status.line == 2


def test_a_base_that_is_gone_and_a_registry_that_is_down_are_sentences(site: Site) -> None:
    for number, (host, words) in enumerate(
        [(site.registry.host, "there is no such image"), ("127.0.0.1:1", "not reachable")]
    ):
        name, exact = f"{host}/fleet/gone:1", f"{host}/fleet/gone@sha256:{'1' * 64}"
        status = site.build("fleet/gone:1", f"FROM {name}\n", bases={name: exact}, key=f"gone-{number}")
        assert words in status.reason


def test_a_smoke_command_that_fails_keeps_the_image_from_being_pushed(site: Site, base: dict[str, str]) -> None:
    (name,) = base
    status = site.build(
        "fleet/smoke:1", f"FROM {name}\nRUN true\n", bases=base, push=True, smoke=("sh", "-c", "exit 4")
    )
    assert "smoke test failed" in status.reason
    assert site.client.digest(site.image("fleet/smoke:1")) is None


def test_a_build_ends_at_its_limits_and_leaves_nothing_behind(site: Site, base: dict[str, str], tmp_path: Path) -> None:
    (name,) = base
    slow = f"FROM {name}\nRUN (setsid sleep 4711 &) ; while true; do echo endless; sleep 0.01; done\n"
    status = site.build("fleet/slow:1", slow, bases=base, time_limit=timedelta(seconds=4))
    assert status.reason == "The build took longer than its limit of 4 seconds and was stopped."
    assert not processes_mentioning("sleep 4711")
    assert not (site.data / "builds" / site.handle.id / "storage").exists()
    small = Site(tmp_path, site.registry, limits=BuildLimits(disk=40 << 20, log=2000))
    status = small.build(
        "fleet/fat:1",
        f"FROM {name}\nRUN yes | head -c 5000; dd if=/dev/zero of=/fat bs=1M count=100; sleep 30\n",
        bases=base,
    )
    assert status.reason == "The build used more disk space than its limit of 40 MiB and was stopped."
    assert "The log is cut here" in small.log()
    assert len(small.log()) < 2200


def test_a_cancelled_build_stops(site: Site, base: dict[str, str]) -> None:
    (name,) = base
    handle = site.start("fleet/cancel:1", f"FROM {name}\nRUN sleep 60\n", bases=base)
    site.builder.cancel(handle)
    assert site.wait(handle).state == "cancelled"
    site.builder.cancel(handle)


def _start_and_die(data: Path, spec: BuildSpec, key: str) -> None:
    BuildahBuilder(data, insecure_hosts=[spec.image.registry]).start(spec, key=key)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_dies_finds_its_build_again(site: Site, base: dict[str, str], tmp_path: Path) -> None:
    (name,) = base
    (tmp_path / "Containerfile").write_text(f"FROM {name}\nRUN sleep 1; echo once\n")
    spec = BuildSpec(image=site.image("fleet/again:1"), root=tmp_path, bases=base, time_limit=LIMIT)
    process = multiprocessing.get_context("spawn").Process(target=_start_and_die, args=(site.data, spec, "again"))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    handle = site.builder.start(spec, key="again")
    assert site.builder.poll(handle).state == "running"
    assert site.wait(handle).state == "success"
    assert site.builder.start(spec, key="again") == handle
    assert list(site.builder.logs(handle)).count("once") == 1


def test_a_supervisor_that_dies_is_noticed_and_the_build_can_start_anew(
    site: Site, base: dict[str, str], tmp_path: Path
) -> None:
    (name,) = base
    (tmp_path / "Containerfile").write_text(f"FROM {name}\nRUN sleep 2\n")
    spec = BuildSpec(image=site.image("fleet/dead:1"), root=tmp_path, bases=base, time_limit=LIMIT)
    handle = site.builder.start(spec, key="dead")

    def supervisors() -> list[int]:
        return [pid for pid, line in processes_mentioning(handle.id).items() if "builders.job " in line]

    wait_until(lambda: bool(supervisors()), 10, "the supervisor")  # it may still be on its way to its program
    (supervisor,) = supervisors()
    os.kill(supervisor, signal.SIGKILL)
    status = site.wait(handle)
    assert (status.state, "interrupted" in status.reason) == ("failed", True)
    assert site.wait(site.builder.start(spec, key="dead")).state == "success"


def test_logins_are_never_on_disk_while_a_containerfile_runs(
    make_registry: Callable[..., Registry], tmp_path: Path
) -> None:
    registry = make_registry(auth=("bot", "canary-pw"))
    closed = Site(tmp_path, registry, logins={registry.host: Login("bot", "canary-pw")})
    assert closed.build("a/base:1", "FROM scratch\nCOPY busybox /bin/sh\n", busybox(), push=True).state == "success", (
        closed.log()
    )
    name = closed.image("a/base:1")
    handle = closed.start("a/child:1", f"FROM {name}\nRUN echo here; exec sleep 2\n", push=True,
                          bases={str(name): str(name.with_tag(None, RegistryClient(insecure_hosts=[registry.host], logins={registry.host: Login("bot", "canary-pw")}).digest(name)))})  # fmt: skip
    while "here" not in closed.builder.logs(handle) and closed.builder.poll(handle).state == "running":
        time.sleep(0.05)
    folder = closed.data / "builds" / handle.id
    secret = json.dumps(Login("bot", "canary-pw").basic.split()[1])
    assert not (folder / "auth.json").exists()
    searched = subprocess.run(["grep", "-rlE", f"canary-pw|{secret}", str(folder)], check=False, capture_output=True)
    assert searched.stdout == b""
    status = closed.wait(handle)
    assert status.state == "success", closed.builder.logs(handle)
    without = Site(tmp_path / "without", registry)
    assert "refused our login" in without.build("a/x:1", "FROM scratch\nCOPY x /x\n", {"x": b""}, push=True).reason


@pytest.mark.parametrize("field", ["context", "containerfile"])
def test_paths_outside_the_repository_are_refused(site: Site, field: str) -> None:
    fields: dict[str, Any] = {field: "absent"}
    for path in ("../..", "/etc/passwd", "../outside"):
        with pytest.raises(UserError, match="does not lie inside"):
            site.start("fleet/out:1", "FROM scratch\n", key=path, **(fields | {field: path}))
    with pytest.raises(UserError, match="There is no absent"):
        site.start("fleet/out:1", "FROM scratch\n", key="absent", **fields)


def test_a_missing_or_old_buildah_says_what_to_do(tmp_path: Path) -> None:
    assert "install the package buildah" in str(
        BuildahBuilder(tmp_path, buildah="absent-buildah").available(untrusted=False)
    )
    (tmp_path / "old").write_text("#!/bin/sh\necho buildah version 1.19.6\n")
    (tmp_path / "old").chmod(0o755)
    assert "older than 1.28" in str(BuildahBuilder(tmp_path, buildah=str(tmp_path / "old")).available(untrusted=False))


def test_the_builder_none_fails_each_build_with_one_sentence(tmp_path: Path) -> None:
    builder = NoBuilder()
    handle = builder.start(BuildSpec(image=ImageRef.parse("x/y:1"), root=tmp_path), key="k")
    assert builder.poll(handle) == BuildStatus(state="failed", reason=builder.available(untrusted=False) or "")
    assert 'builder = "none"' in builder.poll(handle).reason
    assert list(builder.logs(handle)) == []
