"""`sigbot up` starts again what dies, and its bots go on."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sig_workers.localforge.forge import LocalForge
from sig_workers.localforge.hooks import HookSender
from sig_workers.localforge.state import LocalState
from sig_workers.store.store import Store
from tests.contract.git import seed
from tests.servers.process import Process, free_port, wait_until

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]


def children(pid: int) -> dict[str, int]:
    """The processes that `up` started, by what they do."""
    found = {}
    for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        command = Path(f"/proc/{number}/cmdline").read_bytes().decode().replace("\0", " ")
        marks = {"gunicorn": "web", "--queues builds": "builder", "--queues interactive": "worker"}
        role = next((role for mark, role in marks.items() if mark in command), "")
        if role:
            found[role] = int(number)
    return found


@pytest.fixture
def up() -> Iterator[tuple[Process, Path]]:
    """A started `sigbot up` and its data folder."""
    with tempfile.TemporaryDirectory(prefix="sigbot-faults-") as folder:
        data, port = Path(folder) / "data", free_port()
        argv = [sys.executable, "-m", "sig_workers.cli", "up", "--port", str(port), "--data", str(data)]
        env = {key: value for key, value in os.environ.items() if not key.startswith("SIGBOT_")}
        process = Process(argv, Path(folder) / "up.log", env=env | {"PYTHONUNBUFFERED": "1"}).start()
        try:
            process.ready(lambda: b"sigbot is ready" in process.log.read_bytes(), 60)
            yield process, data
        finally:
            process.stop(20)


@pytest.fixture
def demo(up: tuple[Process, Path]) -> Iterator[Callable[[str], None]]:
    """Make a repository of that name, push to it, and wait for its check."""
    data = up[1]
    store = Store.open(f"sqlite:///{data / 'sigbot.db'}")
    forge = LocalForge(LocalState(store.database), data / "forge", "http://127.0.0.1:1", HookSender(data))

    def answered(name: str) -> None:
        path = f"sig/{name}"
        head = seed(str(forge.create(path, "alice").folder), "alice", {"Containerfile": "FROM scratch\n"})
        wait_until(lambda: bool(forge.state.checks(path, head)), 60, f"the check of {path}")

    yield answered
    store.close()


@pytest.mark.long
def test_up_starts_again_what_was_killed(up: tuple[Process, Path], demo: Callable[[str], None]) -> None:
    demo("first")
    for role in ("web", "worker", "builder"):
        before = children(up[0].pid)[role]
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: children(up[0].pid).get(role, before) != before, 20, f"a new {role}")  # noqa: B023
        demo(f"after-{role}")
    assert up[0].log.read_text().count("is started again") == 3


@pytest.mark.long
def test_up_goes_on_when_its_broker_folder_is_removed(up: tuple[Process, Path], demo: Callable[[str], None]) -> None:
    demo("first")
    shutil.rmtree(up[1] / "broker")
    demo("second")
    assert (up[1] / "broker" / "messages").is_dir()
