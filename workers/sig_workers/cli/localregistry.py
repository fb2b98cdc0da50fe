"""A container registry beside the local forge: Debian's docker-registry, on loopback, with its own data."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sig_workers.cli.output import busy, say
from sig_workers.cli.ports import free_port
from sig_workers.cli.supervisor import Supervisor

__all__ = ["LocalRegistry", "RegistryMissing", "registry_on"]

READY_SECONDS = 15
REMEDY = "install the package docker-registry (Debian, Ubuntu) or docker-distribution (Fedora), or run scripts/system-packages run"


class RegistryMissing(Exception):
    """There is no registry to start, or it does not come up: one sentence with the remedy."""


@dataclass
class LocalRegistry:
    """One registry process, started again by `check` when it dies."""

    folder: Path
    port: int
    hook: str
    """Where it reports pushes."""
    secret: str
    """The bearer token it reports them with."""
    _supervisor: Supervisor | None = field(default=None, init=False)

    @property
    def host(self) -> str:
        """Host and port, as in an image reference."""
        return f"127.0.0.1:{self.port}"

    def settings(self, push_from: str) -> str:
        """TOML of a service that uses it: repositories that fit the glob `push_from` (`instance:path`) may publish in it."""
        return "\n".join(
            [
                "[timing]", 'retry = "5s"', 'sweep = "3s"', 'registry_age = "10s"', 'settle = "0s"',
                "[[registry]]", f'host = "{self.host}"', "insecure = true", f"push_from = [{json.dumps(push_from)}]",
                "[[instance]]", 'name = "registry"', 'kind = "registry"', f"hook_secrets = [{json.dumps(self.secret)}]",
            ]
        )  # fmt: skip

    @property
    def pid(self) -> int | None:
        """Its process, None when it does not run."""
        process = self._supervisor.children["registry"].process if self._supervisor else None
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start it and wait until it answers. Raises RegistryMissing."""
        program = shutil.which("docker-registry") or shutil.which("registry")
        if program is None:
            raise RegistryMissing(f"docker-registry is missing: {REMEDY}")
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "config.json"
        descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self._config(), file)  # JSON is YAML
        self._supervisor = Supervisor(self.folder, _environment(program), inherits=False)
        self._supervisor.start("registry", [program, "serve", str(config)])
        until = time.monotonic() + READY_SECONDS
        while not self._listens():
            if self.pid is None or time.monotonic() > until:
                self.stop()
                raise RegistryMissing(f"the registry {program} does not start; {self.folder / 'registry.log'} says why")
            time.sleep(0.05)

    def check(self) -> list[str]:
        """Start it again when it has died; a sentence that says so."""
        return self._supervisor.check() if self._supervisor else []

    def stop(self) -> None:
        """End it; what it stores stays."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            supervisor.stop()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _config(self) -> dict[str, object]:
        endpoint = {
            "name": "sigbot", "url": self.hook, "headers": {"Authorization": [f"Bearer {self.secret}"]},
            "timeout": "5s", "threshold": 5, "backoff": "1s", "ignore": {"actions": ["pull"]},
            "ignoredmediatypes": ["application/octet-stream"],
        }  # fmt: skip
        return {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "storage")}, "delete": {"enabled": True}},
            "http": {"addr": self.host, "secret": self.secret},
            "notifications": {"endpoints": [endpoint]},
        }


@contextmanager
def registry_on(data: Path, port: int) -> Iterator[LocalRegistry]:
    """A registry that reports pushes to the service on `port`; ended with the block, its content stays in `data`.

    Where none can be started, that is said, and the block goes on without it.
    """
    folder = data / "registry"
    hook = f"http://127.0.0.1:{port}/hooks/registry"
    registry = LocalRegistry(folder, _port_of_last_time(folder, port), hook, secrets.token_hex(32))
    try:
        with busy("starting the registry"):
            try:
                registry.start()
            except RegistryMissing as error:
                say(f"{error}; without it update and rebuild fail.", "yellow")
        yield registry
    finally:
        registry.stop()


def _port_of_last_time(folder: Path, port: int) -> int:
    """The same port each time, since images and files name it; a free one for fresh data."""
    kept = folder / "port"
    if kept.is_file():
        return int(kept.read_text())
    chosen = free_port(port + 1000 if port < 60000 else 20000)
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_text(str(chosen))
    return chosen


def _environment(program: str) -> dict[str, str]:
    """What the registry needs of our environment; libraries beside an unpacked program (…/usr/bin) are found too."""
    libraries = sorted(str(folder) for folder in (Path(program).parent.parent / "lib").glob("*-linux-*"))
    beside = {} if Path(program).parent == Path("/usr/bin") else {"LD_LIBRARY_PATH": os.pathsep.join(libraries)}
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent", **beside}
