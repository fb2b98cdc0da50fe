"""`sigbot up --example` and `sigbot run` for real: what the terminal says is what the store and the registry hold."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from sig_bots.refs import ImageRef
from sig_workers.cli.localregistry import LocalRegistry
from sig_workers.registries.seed import publish
from sig_workers.service import Service
from sig_workers.settings import load_settings
from tests.servers.process import free_port, processes_mentioning
from tests.servers.programs import UNPACKED
from tests.servers.registry import Registry
from tests.standins.osv import OsvStandIn
from tests.workers.cli.conftest import EXAMPLE, Sigbot

pytestmark = [pytest.mark.server, pytest.mark.timeout(240)]


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unpacked servers are on PATH, as `make run` puts them."""
    monkeypatch.setenv("SIGBOT_CONFIG", "")  # which reading the settings sets
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin:/sbin:{UNPACKED / 'usr/bin'}")


@contextmanager
def started(data: Path, said: str, *words: str, seconds: float = 120) -> Iterator[str]:
    """`sigbot up --example`, or the given command, until it has said something; ended as Ctrl-C does."""
    command = words or ("up", f"--example={EXAMPLE}", "--port", str(free_port()))
    output = data.parent / f"{data.name}.out"
    argv = [sys.executable, "-m", "sig_workers.cli", *command, "--data", str(data)]
    with output.open("w") as file:
        process = subprocess.Popen(argv, stdout=file, stderr=file, stdin=subprocess.DEVNULL)
    try:
        wait(lambda: said in output.read_text() or process.poll() is not None, seconds)
        assert said in output.read_text(), output.read_text()
        yield output.read_text()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(40)


def wait(true: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.2)


def lines(text: str) -> list[tuple[str, str, str]]:
    """(where, bot, state) of the outcome lines."""
    found = re.findall(r"^[\d:]{8}  (\S+)\s+(\S+)\s+(\w+) ", text, re.MULTILINE)
    return [(where, bot, state) for where, bot, state in found]


def test_the_bots_are_seen_at_work_on_the_fleet(tmp_path: Path, path: None, buildah: str) -> None:
    data = tmp_path / "data"
    with started(data, "Ctrl-C ends it.") as text:
        told = lines(text)
        for expected in (("fleet/web", "lint", "done"), ("fleet/tools", "update", "done"), ("fleet/base", "rebuild", "done"), ("fleet/multi", "rebuild", "done"), ("fleet/web#1", "lint", "done")):  # fmt: skip
            assert expected in told
        service = Service(load_settings(data / "sigbot.toml"))
        jobs = {(job.repo.path, job.bot): job for job in service.store.jobs(limit=200) if job.state == "done"}
        assert re.search(r"[1-9] error", jobs["fleet/web", "lint"].reason)
        (update,) = service.local_forge.state.pulls("fleet/tools")
        assert update.title.endswith("/fleet/base to 1.1")
        access = service.settings.registries[0]
        base = ImageRef(registry=access.host, repository="fleet/base", tag="1.1")
        assert label(access.host, "fleet/web") == service.registry.digest(base)
        manifest = service.registry.manifest(ImageRef(registry=access.host, repository="fleet/multi", tag="latest"))
        assert manifest is not None
        assert sorted(manifest.platforms) == ["linux/amd64", "linux/arm64"]
        assert any(one.source == "registry" for one in service.store.recent_deliveries(300, public_only=False))
        service.store.close()
    assert not processes_mentioning(str(data))


def label(host: str, repository: str) -> str:
    """The base's digest that an image says it was made from, as the registry has it."""
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    manifest = httpx.get(f"http://{host}/v2/{repository}/manifests/latest", headers=accept, trust_env=False).json()
    config = httpx.get(f"http://{host}/v2/{repository}/blobs/{manifest['config']['digest']}", trust_env=False).json()
    return str(config["config"]["Labels"]["org.opencontainers.image.base.digest"])


def test_without_registry_and_buildah_update_and_rebuild_fail_and_lint_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "sh", "env", "cat", "setpriv"):
        found = next(f"{folder}/{name}" for folder in os.environ["PATH"].split(":") if Path(folder, name).exists())
        (programs / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(programs))
    with started(tmp_path / "data", "fleet/tools      update   failed") as text:
        assert "docker-registry is missing: install the package docker-registry" in text
        assert "Images cannot be built here: buildah is not installed" in text
        told = lines(text)
        assert ("fleet/base", "rebuild", "failed") in told
        assert ("fleet/web", "lint", "done") in told
        assert ("fleet/tools", "update", "waiting") in told


def test_a_checkout_is_previewed_and_linted_and_left_as_it_is(sigbot: Sigbot, tmp_path: Path) -> None:
    checkout = tmp_path / "My Project"
    git(tmp_path, "init", "-q", "-b", "trunk", str(checkout))
    (checkout / "Containerfile").write_text("FROM scratch\nMAINTAINER me\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "one")
    before = git(checkout, "for-each-ref")
    words = ["run", checkout, "--data", tmp_path / "run", "--port", free_port(), "--wait", "60"]
    said = sigbot(*words)
    assert said.code == 1, said.err
    assert "Containerfile:2: error SIG007" in said.out
    assert "you/my-project   lint     done" in said.out
    assert "The check sigbot/lint failed." in said.out
    assert re.search(r"^#   - name: 127\.0\.0\.1:\d+/my-project$", said.out, re.MULTILINE)
    assert git(checkout, "for-each-ref") == before
    assert "Nothing was committed to trunk since the last run" in sigbot(*words).out


def test_a_repository_of_ones_own_is_published_beside_and_followed_on_a_port_that_is_free(
    tmp_path: Path, path: None, buildah: str
) -> None:
    data, checkout = tmp_path / "data", tmp_path / "mine"
    registry = f"127.0.0.1:{free_port()}"
    (data / "registry").mkdir(parents=True)
    (data / "registry" / "port").write_text(registry.rpartition(":")[2])
    git(tmp_path, "init", "-q", "-b", "main", str(checkout))
    (checkout / "Containerfile").write_text("FROM scratch\nCOPY Containerfile /\n")
    (checkout / ".sigbot.yaml").write_text(
        f"version: 1\nrebuild: {{}}\nimages: [{{name: {registry}/me/app}}, {{name: quay.io/me/app}}]\n"
    )
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "one")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started(data, "Ctrl-C ends it.", "run", str(checkout), "--serve", "--port", str(port)) as text:
            assert re.search(rf"^Port {port} is taken; sigbot takes \d+\.$", text, re.MULTILINE)
            assert f"name it {registry}/me/app in .sigbot.yaml" in text
            assert "you/mine may not publish quay.io/me/app" in text
            assert f"forge pr you/mine --as you --branch my-change --data {data}" in text
            accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
            found = httpx.get(f"http://{registry}/v2/me/app/manifests/latest", headers=accept, trust_env=False)
            assert found.status_code == 200
            (checkout / "Containerfile").write_text("FROM scratch\nCOPY Containerfile /again\n")
            git(checkout, "commit", "-q", "-a", "-m", "two")
            git(checkout, "push", "-q", str(data / "forge/you/mine.git"), "HEAD:main")
            output = tmp_path / "data.out"
            wait(lambda: bool(re.search(r"you/mine +rebuild", output.read_text()[len(text) :])), 60)
            said = output.read_text()[len(text) :]
            assert re.search(r"you/mine +push: 1 job  http", said)
            assert re.search(r"you/mine +rebuild +failed", said)
    assert (tmp_path / "data.out").read_text().rstrip().endswith("Stopping ...")


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout


def test_a_registry_that_was_killed_is_started_again_and_that_is_said(tmp_path: Path, path: None) -> None:
    registry = LocalRegistry(tmp_path, free_port(), "http://127.0.0.1:9/", "s" * 32)
    registry.start()
    try:
        assert registry.check() == []
        os.kill(registry.pid or 0, signal.SIGKILL)
        wait(lambda: registry.pid is None, 20)
        assert registry.check() == ["registry ended with -9 and is started again"]
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:  # waits longer before each
            assert client.get(f"http://{registry.host}/v2/").is_success
    finally:
        registry.stop()
    assert registry.pid is None


def test_packages_of_images_are_listed_and_compared(
    sigbot: Sigbot, tmp_path: Path, registry_server: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{registry_server.host}/cli/packages"
    for version in "12":
        stanza = f"Package: tar\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}.0-1\n"
        publish(ImageRef.parse(f"{name}:{version}"), {"var/lib/dpkg/status": stanza.encode()})
    publish(ImageRef.parse(f"{name}:none"), {"a": b"x"})
    config = tmp_path / "sigbot.toml"
    config.write_text(f'[[registry]]\nhost = "{registry_server.host}"\ninsecure = true\n')
    monkeypatch.setenv("SIGBOT_CONFIG", str(config))
    assert sigbot("packages", f"{name}:1").out == "tar\t1.0-1\tamd64\n"
    changed = sigbot("packages", f"{name}:1", "--against", f"{name}:2")
    assert changed.out == "upgraded\ttar\t1.0-1\t2.0-1\tamd64\n"
    told = json.loads(sigbot("packages", f"{name}:2", "--against", f"{name}:1", "--format", "json").out)
    assert [(one["name"], one["old"], one["new"]) for one in told["downgraded"]] == [("tar", "2.0-1", "1.0-1")]
    assert "The same packages" in sigbot("packages", f"{name}:1", "--against", f"{name}:1").out
    for words, reason in ((("none",), "has no package database"), (("absent",), "There is no image")):
        refused = sigbot("packages", f"{name}:{words[0]}")
        assert (refused.code, reason in refused.err) == (2, True)


def test_the_commands_say_which_advisories_a_newer_image_fixes(
    sigbot: Sigbot, tmp_path: Path, registry_server: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{registry_server.host}/cli/security"
    for version in "12":
        stanza = f"Package: libssl3\nSource: openssl\nStatus: install ok installed\nVersion: {version}.0-1\n"
        release = b'ID=debian\nVERSION_ID="12"\n'
        publish(
            ImageRef.parse(f"{name}:{version}"), {"var/lib/dpkg/status": stanza.encode(), "etc/os-release": release}
        )
    (tmp_path / "Containerfile").write_text(f"FROM {name}:1\n")
    config = tmp_path / "sigbot.toml"
    with OsvStandIn() as osv:
        osv.publish("DSA-1-1", "openssl", "2.0-1", database_specific={"severity": "HIGH"})
        access = f'[[registry]]\nhost = "{registry_server.host}"\ninsecure = true\n'
        config.write_text(f'advisories = {{osv = "{osv.url}", bodhi = "", private_bases = true}}\n{access}')
        monkeypatch.setenv("SIGBOT_CONFIG", str(config))
        compare = ("packages", f"{name}:1", "--against", f"{name}:2")
        assert osv.log == []
        assert sigbot(*compare, "--security").out.splitlines()[1:] == ["fixed important DSA-1-1 openssl 2.0-1"]
        told = json.loads(sigbot(*compare, "--security", "--format", "json").out)["security"]
        assert [(one["id"], one["severity"]) for one in told["fixed"]] == [("DSA-1-1", "important")]
        assert "security" not in json.loads(sigbot(*compare, "--format", "json").out)
        said = sigbot("update", "--dry-run", "--security", str(tmp_path)).out
        assert f"{name}:1 -> {name}:2:\n    fixed important DSA-1-1 openssl 2.0-1\n" in said
        told = json.loads(sigbot("update", "--dry-run", "--security", "--format", "json", str(tmp_path)).out)[
            "security"
        ]
        assert [(one["to"], one["fixed"][0]["id"]) for one in told] == [(f"{name}:2", "DSA-1-1")]
    config.write_text(f'advisories = {{osv = "", bodhi = ""}}\n{access}')
    for words in (compare, ("update", "--dry-run", str(tmp_path))):
        refused = sigbot(*words, "--security")
        assert (refused.code, "nobody is asked for advisories here" in refused.err) == (2, True)
    assert sigbot("packages", f"{name}:1", "--security").code == 2


def test_update_edits_a_checkout_and_shows_the_same_as_a_diff(
    sigbot: Sigbot, tmp_path: Path, registry_server: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tag in ("1.0", "1.1"):
        publish(ImageRef(registry=registry_server.host, repository="cli/base", tag=tag), {"a": b"x"})
    config = tmp_path / "sigbot.toml"
    config.write_text(f'[[registry]]\nhost = "{registry_server.host}"\ninsecure = true\n')
    monkeypatch.setenv("SIGBOT_CONFIG", str(config))
    file = tmp_path / "Containerfile"
    file.write_text(f"FROM {registry_server.host}/cli/base:1.0  # keep\n")
    shown = sigbot("update", "--dry-run", "--format", "diff", "Containerfile")
    assert file.read_text().endswith("base:1.0  # keep\n")
    assert f"+FROM {registry_server.host}/cli/base:1.1  # keep\n" in shown.out
    told = json.loads(sigbot("update", "--format", "json", "Containerfile").out)
    assert [(one["line"], one["to"]) for one in told["moved"]] == [(1, f"{registry_server.host}/cli/base:1.1")]
    assert file.read_text().endswith("base:1.1  # keep\n")
    assert "Nothing newer." in sigbot("update").out
