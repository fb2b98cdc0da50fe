"""`sigbot up`: everything in one command, on loopback only. SQLite, file broker, local forge; no server needed."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from sig_workers.beat import Beat
from sig_workers.cli.options import default_data, fail
from sig_workers.cli.supervisor import Supervisor
from sig_workers.localforge.hooks import HookTarget
from sig_workers.observe import configure_logging
from sig_workers.service import Service
from sig_workers.settings import load_settings

__all__ = ["Running", "running", "up"]

READY_SECONDS = 30


@dataclass
class Running:
    """A started service."""

    service: Service
    supervisor: Supervisor
    url: str

    def serve(self) -> None:
        """Stay until Ctrl-C or TERM, starting again what dies."""
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda signum, frame: stop.set())
        while not stop.wait(1):
            for sentence in self.supervisor.check():
                click.echo(sentence, err=True)


@click.command()
@click.option("--port", default=8080, show_default=True, help="Port on 127.0.0.1; the next free one when it is taken.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder for everything that is kept.")
def up(port: int, data: Path | None) -> None:
    """Start everything in one command, on this machine only."""
    with running(data or default_data(), port) as started:
        click.echo(f"sigbot is ready: {started.url}/")
        started.serve()


@contextmanager
def running(data: Path, port: int, extra: str = "") -> Iterator[Running]:
    """The whole service on `data`, ready to take webhooks; ended when the block ends.

    `extra` is more TOML for its settings. Raises click.ClickException when it does not become ready.
    """
    data = data.absolute()
    data.mkdir(parents=True, exist_ok=True)
    port = free_port(port)
    url = f"http://127.0.0.1:{port}"
    config = write_settings(data, url, extra)
    service = Service(load_settings(config))
    configure_logging(service.redact, level="WARNING")
    _ = service.bots
    service.store.migrate()
    supervisor = Supervisor(data / "logs", {"SIGBOT_CONFIG": str(config)})
    command = [sys.executable, "-m", "sig_workers.cli"]
    supervisor.start("web", [*command, "serve", "--bind", f"127.0.0.1:{port}"])
    supervisor.start(
        "worker", [*command, "worker", "--queues", "interactive,bulk", "--pool", "threads", "--concurrency", "4"]
    )
    supervisor.start("builder", [*command, "worker", "--queues", "builds", "--pool", "threads", "--concurrency", "2"])
    beat = Beat(service)
    thread = threading.Thread(target=beat.run, name="beat", daemon=True)
    thread.start()
    try:
        wait_ready(url, supervisor)
        yield Running(service, supervisor, url)
    finally:
        beat.stop()
        supervisor.stop()
        service.wake_ups.stop()
        service.store.close()


def write_settings(data: Path, url: str, extra: str) -> Path:
    """Write `sigbot.toml` of this run (0600) and the local forge's hook target; returns its path.

    The webhook secret is made once per data folder.
    """
    known = HookTarget.read(data)
    secret = known.secret if known else secrets.token_hex(32)
    store = f"sqlite:///{data / 'sigbot.db'}"
    HookTarget(f"{url}/hooks/local", secret, store).write(data)
    lines = [
        f"url = {json.dumps(url)}", f"data = {json.dumps(str(data))}", f"store = {json.dumps(store)}",
        'broker = "filesystem"', extra, "[[instance]]", 'name = "local"', 'kind = "local"', 'account = "sigbot"',
        'account_id = "local:sigbot"', f"hook_secrets = [{json.dumps(secret)}]", 'repositories = ["*"]', "",
    ]  # fmt: skip
    file = data / "sigbot.toml"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as output:
        output.write("\n".join(lines))
    return file


def free_port(wanted: int) -> int:
    """The wanted port, or the next free one above it."""
    for port in range(wanted, min(wanted + 200, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return fail(f"no free port from {wanted} on; name another with --port")


def wait_ready(url: str, supervisor: Supervisor) -> None:
    """Wait until the web process answers that it is ready."""
    import httpx

    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        for sentence in supervisor.check():
            click.echo(sentence, err=True)
        try:
            if httpx.get(f"{url}/healthz/ready", timeout=2, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    log = supervisor.logs / "web.log"
    last = log.read_text(errors="replace").strip().splitlines()[-1:] if log.exists() else []
    fail(f"the web process did not become ready within {READY_SECONDS} s; {log} ends with: {' '.join(last)}")
