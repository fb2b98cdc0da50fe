"""The real Pagure comes up, does what a forge does and leaves nothing behind."""

import contextlib
import hashlib
import hmac
import json
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.servers.pagure import Pagure
from tests.servers.process import ServerError, processes_mentioning, wait_until
from tests.servers.programs import ROOT

pytestmark = pytest.mark.server


class Delivery(NamedTuple):
    topic: str
    signature: str | None
    body: bytes


class Receiver:
    """Takes web-hooks and hands them out one by one."""

    def __init__(self, url: str, deliveries: "queue.Queue[Delivery]") -> None:
        self.url = url
        self._deliveries = deliveries

    def until(self, topic: str) -> Delivery:
        while True:
            delivery = self._deliveries.get(timeout=20)
            if delivery.topic == topic:
                return delivery


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    deliveries: queue.Queue[Delivery] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            deliveries.put(Delivery(self.headers["X-Pagure-Topic"], self.headers["X-Pagure-Signature-256"], body))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Receiver(f"http://127.0.0.1:{server.server_port}/hook", deliveries)
        server.shutdown()


def git(*argv: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *argv], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def push_branch(
    pagure: Pagure, path: str, user: str, folder: Path, branch: str = "change"
) -> subprocess.CompletedProcess[str]:
    """Clone a project and push one commit to a new branch."""
    assert git("clone", pagure.clone_url(path, user), "work", folder=folder).returncode == 0
    work = folder / "work"
    (work / "Containerfile").write_text("FROM scratch\n")
    git("checkout", "-b", branch, folder=work)
    git("add", ".", folder=work)
    git("commit", "-m", "Add a Containerfile", folder=work)
    return git("push", "origin", branch, folder=work)


def test_each_project_is_fresh_and_open_to_its_committers(pagure: Pagure) -> None:
    one, two = pagure.new_project("demo", namespace="rpms"), pagure.new_project("demo", namespace="rpms")
    access = pagure.api(one)["access_users"]
    assert one != two
    assert (access["commit"], access["admin"], access["owner"]) == (["alice"], ["bot"], ["admin"])


def test_times_are_whole_seconds_as_on_the_public_instances(pagure: Pagure) -> None:
    assert pagure.api(pagure.new_project("times"))["date_created"].isdigit()


def test_a_committer_may_push_and_a_stranger_may_not(pagure: Pagure, tmp_path: Path) -> None:
    path = pagure.new_project("pushed")
    began = time.monotonic()
    allowed = push_branch(pagure, path, "alice", tmp_path)
    assert allowed.returncode == 0, allowed.stderr
    assert time.monotonic() - began < 10  # Pagure's own way of running hooks takes longer
    (tmp_path / "bob").mkdir()
    refused = push_branch(pagure, path, "bob", tmp_path / "bob", "other")
    assert refused.returncode != 0
    assert sorted(pagure.api(f"{path}/git/branches")["branches"]) == ["change", "main"]


def test_hooks_are_signed_with_the_key_of_the_project(pagure: Pagure, receiver: Receiver, tmp_path: Path) -> None:
    path = pagure.new_project("hooked", namespace="containers")
    pagure.set_hook(path, receiver.url)
    assert push_branch(pagure, path, "alice", tmp_path).returncode == 0
    delivery = receiver.until("git.receive")
    assert delivery.signature == hmac.new(pagure.hook_key(path).encode(), delivery.body, hashlib.sha256).hexdigest()
    assert json.loads(delivery.body)["msg"]["project_fullname"] == path


def test_a_pull_request_from_a_fork_is_opened_flagged_and_merged(
    pagure: Pagure, receiver: Receiver, tmp_path: Path
) -> None:
    path = pagure.new_project("merged")
    pagure.set_hook(path, receiver.url)
    fork = pagure.fork(path, "bob")
    assert pagure.hook_key(fork) != pagure.hook_key(path)
    assert push_branch(pagure, fork, "bob", tmp_path).returncode == 0
    pull = pagure.api(
        f"{path}/pull-request/new",
        "bob",
        title="Add a Containerfile",
        branch_from="change",
        branch_to="main",
        repo_from=path,
        repo_from_username="bob",
    )
    receiver.until("pull-request.new")
    flag = {"username": "sigbot", "comment": "fine", "url": "http://localhost/", "status": "success"}
    pagure.api(f"{path}/pull-request/{pull['id']}/flag", "bot", **flag)
    pagure.api(f"{path}/pull-request/{pull['id']}/merge", "alice", wait="y")
    receiver.until("pull-request.closed")
    assert pagure.api(f"{path}/pull-request/{pull['id']}")["status"] == "Merged"
    assert httpx.get(f"{pagure.url}/{path}/raw/main/f/Containerfile").text == "FROM scratch\n"


def test_a_refused_call_says_what_pagure_answered(pagure: Pagure) -> None:
    path = pagure.new_project("refused")
    with pytest.raises(ServerError, match=r"Pagure answered 401 to GET .*webhook/token"):
        pagure.api(f"{path}/webhook/token", "bob")


def test_two_pagures_run_side_by_side_and_leave_nothing(pagure: Pagure) -> None:
    other = Pagure().start()
    data = other.data
    assert data is not None
    path = pagure.new_project("only-here")
    with pytest.raises(ServerError, match="404"):
        other.api(path)
    assert processes_mentioning(f"--bind 127.0.0.1:{other.port} ")
    other.stop()
    assert not processes_mentioning(f"--bind 127.0.0.1:{other.port} ")
    assert not data.exists()
    assert not processes_with_data(str(data))
    assert pagure.alive()


def processes_with_data(folder: str) -> list[str]:
    """Every process of a Pagure sees its data folder bound, in its own table of mounts."""
    found = []
    for table in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):
            if folder in table.read_text():
                found.append(table.parent.name)
    return found


def test_a_pagure_dies_with_the_process_that_started_it(pagure: Pagure) -> None:
    code = (
        "import os; from tests.servers.pagure import Pagure\n"
        "print(Pagure().start().data, flush=True); os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert killed.returncode == -9, killed.stderr
    data = killed.stdout.strip()
    assert Path(data, "pagure.cfg").exists()
    wait_until(lambda: not processes_with_data(data), 30, "the end of Pagure")
    shutil.rmtree(data)
