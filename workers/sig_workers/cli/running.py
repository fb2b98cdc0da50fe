"""The whole service on one data folder: web, workers and clock, started together and ended together."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from sig_bots.wording import counted
from sig_workers.beat import Beat
from sig_workers.builders.ending import end_builds
from sig_workers.cli.claim import claimed
from sig_workers.cli.options import fail
from sig_workers.cli.output import say
from sig_workers.cli.ports import own_port
from sig_workers.cli.supervisor import Supervisor
from sig_workers.localforge.hooks import HookTarget
from sig_workers.observe import configure_logging
from sig_workers.service import Service
from sig_workers.settings import load_settings

__all__ = ["Running", "ending_politely", "joined", "running", "started", "tell_missing"]

READY_SECONDS = 30


@dataclass
class Running:
    """A started service. `supervisor` is None when it is another process that runs it."""

    service: Service
    supervisor: Supervisor | None
    url: str
    watched: list[Callable[[], list[str]]] = field(default_factory=list)
    """What looks after processes beside the service's own; each call says in sentences what it started again."""

    def check(self) -> None:
        """Start again what died, and say so."""
        for look in (*([self.supervisor.check] if self.supervisor else []), *self.watched):
            for sentence in look():
                say(sentence, "yellow")

    def serve(self, turn: Callable[[], object] = lambda: None) -> None:
        """Stay until Ctrl-C or TERM, starting again what dies; `turn` is called every second."""
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda signum, frame: stop.set())
        while not stop.wait(1):
            self.check()
            turn()


@contextmanager
def ending_politely() -> Iterator[None]:
    """TERM and a closed terminal end the block like Ctrl-C does, so that everything it started is ended."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def running(data: Path, port: int, extra: str = "") -> Iterator[Running]:
    """The whole service on `data`, ready to take webhooks; ended when the block ends, with what it started.

    `extra` is more TOML for its settings. Raises click.ClickException when another one runs on `data`, or when it does
    not become ready.
    """
    with claimed(data.absolute()), started(data, port, extra) as service:
        yield service


@contextmanager
def joined(data: Path) -> Iterator[Running]:
    """The service that runs on `data` already, whoever started it."""
    service = Service(load_settings(data / "sigbot.toml"))
    configure_logging(service.redact, level="ERROR")
    try:
        yield Running(service, None, service.settings.url)
    finally:
        service.wake_ups.stop()
        service.store.close()


@contextmanager
def started(data: Path, port: int, extra: str = "") -> Iterator[Running]:
    """As `running`, on a folder that the caller has claimed."""
    data = data.absolute()
    data.mkdir(parents=True, exist_ok=True)
    port = own_port(port)
    url = f"http://127.0.0.1:{port}"
    config = write_settings(data, url, extra)
    service = Service(load_settings(config))
    configure_logging(service.redact, level="WARNING")
    _ = service.bots
    service.store.migrate()
    supervisor = Supervisor(data / "logs", {"SIGBOT_CONFIG": str(config)})
    command = [sys.executable, "-m", "sig_workers.cli"]
    beat = Beat(service)
    try:
        supervisor.start("web", [*command, "serve", "--bind", f"127.0.0.1:{port}"])
        supervisor.start(
            "worker", [*command, "worker", "--queues", "interactive,bulk", "--pool", "threads", "--concurrency", "4"]
        )
        supervisor.start(
            "builder", [*command, "worker", "--queues", "builds", "--pool", "threads", "--concurrency", "2"]
        )
        thread = threading.Thread(target=beat.run, name="beat", daemon=True)
        thread.start()
        wait_ready(url, supervisor)
        yield Running(service, supervisor, url)
    finally:
        _end(service, supervisor, beat)


def tell_missing(service: Running) -> None:
    """Say what keeps images from being built here, if anything does."""
    missing = service.service.builder.available(untrusted=False)
    if missing:
        say(missing, "yellow")


def _end(service: Service, supervisor: Supervisor, beat: Beat) -> None:
    """End everything; a second Ctrl-C does not leave half of it behind."""
    click.echo("Stopping ...", err=True)
    impatient = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if impatient else None
    try:
        beat.stop()
        supervisor.stop()
        if left := end_builds(service.settings.data):
            click.echo(
                f"{counted(left, 'build')} did not end in time; see {service.settings.data / 'builds'}", err=True
            )
        service.wake_ups.stop()
        service.store.close()
    finally:
        if impatient:
            signal.signal(signal.SIGINT, before)


_ALONE = '[timing]\nsettle = "0s"'
"""Somebody who tries it out does not want to wait for an update."""

_NOBODY = 'advisories = {osv = "", bodhi = ""}'
"""Trying it out tells nobody outside anything; SIGBOT_ADVISORIES__OSV and _BODHI have it ask."""


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
        'broker = "filesystem"', "allow_private_registries = true", _NOBODY, extra or _ALONE, "[[instance]]", 'name = "local"', 'kind = "local"', 'account = "sigbot"',
        'account_id = "local:sigbot"', f"hook_secrets = [{json.dumps(secret)}]", 'repositories = ["*"]', "",
    ]  # fmt: skip
    file = data / "sigbot.toml"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as output:
        output.write("\n".join(lines))
    return file


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
