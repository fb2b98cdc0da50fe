"""A container registry on this machine for the example fleet: Debian's docker-registry, on loopback, with its own data."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from sig_workers.cli.supervisor import dying_with_us

__all__ = ["LocalRegistry", "RegistryMissing"]

READY_SECONDS = 15
REMEDY = "install the package docker-registry (Debian, Ubuntu) or docker-distribution (Fedora), or run scripts/system-packages run"


class RegistryMissing(Exception):
    """There is no registry to start, or it does not come up: one sentence with the remedy."""


@dataclass
class LocalRegistry:
    """One registry process. It is started once: when somebody stops it, it stays stopped, and the bots say so."""

    folder: Path
    port: int
    hook: str
    """Where it reports pushes."""
    secret: str
    """The bearer token it reports them with."""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def host(self) -> str:
        """Host and port, as in an image reference."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

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
        with (self.folder / "registry.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*dying_with_us(), program, "serve", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env=_environment(program), start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + READY_SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RegistryMissing(f"the registry {program} does not start; {self.folder / 'registry.log'} says why")
            time.sleep(0.05)

    def stop(self, patience: float = 4.0) -> None:
        """End it; what it stores stays."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

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


def _environment(program: str) -> dict[str, str]:
    """What the registry needs of our environment; libraries beside an unpacked program (…/usr/bin) are found too."""
    libraries = sorted(str(folder) for folder in (Path(program).parent.parent / "lib").glob("*-linux-*"))
    beside = {} if Path(program).parent == Path("/usr/bin") else {"LD_LIBRARY_PATH": os.pathsep.join(libraries)}
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent", **beside}
