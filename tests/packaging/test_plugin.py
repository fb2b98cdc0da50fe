"""The example plugin as its user has it: its wheel beside ours, nothing of ours changed."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.contract.git import seed
from tests.packaging.installing import Environment, build

pytestmark = pytest.mark.server

CLASHES = {
    "name": (
        'bot = Bot("floating")',
        "two bots are named floating: sigbot-floating 0.1.0 and sigbot-second 1.0; rename",
    ),
    "command": (
        'bot = Bot("other")\n\n\n@bot.command("floating")\ndef one(ctx: Context, args: NoArgs) -> None:\n    """One."""',
        "command floating of bot other (sigbot-second 1.0) already belongs to bot floating; rename it",
    ),
}
CLASHING = '''"""A bot that clashes."""

from sig_bots import Bot, Context, NoArgs

'''
CLASHING_PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "sigbot-second"
version = "1.0"

[project.entry-points."sigbot.bots"]
second = "sigbot_second:bot"

[tool.hatch.build.targets.wheel]
only-include = ["sigbot_second.py"]
"""


@contextmanager
def service(environment: Environment, folder: Path) -> Iterator[None]:
    """`sigbot up` on the folder's data, until it is ready."""
    log = folder / "up.log"
    argv: list[str | Path] = [environment.folder / "bin/sigbot", "up", "--port", "0", "--data", folder / "data"]
    with log.open("w") as output:
        process = subprocess.Popen(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        until = time.monotonic() + 60
        while "sigbot is ready" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(40)


def test_it_shows_among_the_bots_and_in_the_schema(installed: Environment, tmp_path: Path) -> None:
    bots = installed.run("sigbot", "bots", "--format", "json", cwd=tmp_path)
    (one,) = [bot for bot in json.loads(bots.stdout) if bot["name"] == "floating"]
    assert (one["origin"], one["commands"]) == ("sigbot-floating 0.1.0", ["floating"])
    schema = json.loads(installed.run("sigbot", "schema", cwd=tmp_path).stdout)
    assert "floating" in schema["properties"]


def test_its_event_its_command_and_its_help_work_in_the_running_service(installed: Environment, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("FROM quay.io/fedora/fedora:rawhide\n")

    def forge(*words: str) -> str:
        done = installed.run("sigbot", "forge", *words, "--data", "data", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with service(installed, tmp_path):
        clone = forge("create", "sig/app", "--as", "alice").strip()
        seed(clone, "alice", {".sigbot.yaml": "version: 1\nfloating: {tags: [rawhide]}\n"})
        shown = forge("pr", "sig/app", "--as", "alice", "--branch", "topic", "--file", "Containerfile=file")
        assert "sigbot/floating" in shown
        forge("comment", "sig/app#1", "/sig floating", "--as", "alice")
        forge("comment", "sig/app#1", "/sig help", "--as", "alice")
        pull = forge("show", "sig/app#1")
    assert "Images used by a floating tag: 1." in pull
    assert "`Containerfile` line 1: `quay.io/fedora/fedora:rawhide` may be another image tomorrow" in pull
    assert re.search(r"/sig floating.*List the images that are used by a floating tag", pull)


@pytest.fixture(scope="module", params=sorted(CLASHES))
def clash(
    request: pytest.FixtureRequest, installed: Environment, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A folder where the wheel of a bot that clashes is installed, and the sentence about it."""
    folder = tmp_path_factory.mktemp("clash")
    source, said = CLASHES[request.param]
    (folder / "sigbot_second.py").write_text(f"{CLASHING}{source}\n")
    (folder / "pyproject.toml").write_text(CLASHING_PROJECT)
    wheel = build("wheel", folder, folder / "dist")
    done = installed.pip("--no-index", "--no-deps", "--target", folder / "beside", wheel)
    assert done.returncode == 0, done.stderr
    return folder / "beside", said


@pytest.mark.parametrize("command", ["bots", "worker", "up"])
def test_a_wheel_that_clashes_refuses_to_start_with_a_sentence(
    installed: Environment, tmp_path: Path, clash: tuple[Path, str], command: str
) -> None:
    beside, said = clash
    done = installed.run("sigbot", command, cwd=tmp_path, PYTHONPATH=str(beside), SIGBOT_DATA=str(tmp_path / "data"))
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_new_bots_own_tests_pass(installed: Environment, tmp_path: Path) -> None:
    made = installed.run("sigbot", "new-bot", "two-words", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    tested = installed.run("python", "-m", "pytest", "-q", cwd=tmp_path / "sigbot-two-words")
    assert "3 passed" in tested.stdout, tested.stdout + tested.stderr


def test_no_file_of_ours_was_changed(installed: Environment, wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    ours = [name for name in archive.namelist() if name.startswith(("sig_bots/", "sig_workers/", "sig_webhooks/"))]
    assert [name for name in ours if (installed.packages / name).read_bytes() != archive.read(name)] == []
    there = {
        str(file.relative_to(installed.packages))
        for package in ("sig_bots", "sig_workers", "sig_webhooks")
        for file in (installed.packages / package).rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
    assert there == set(ours)
