"""A real container registry (Debian's docker-registry) on a free port of 127.0.0.1."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import bcrypt

from tests.servers.certificates import Certificate
from tests.servers.process import Process, listening, started_on_free_port
from tests.servers.programs import environment, program
from tests.servers.tokens import ISSUER, SERVICE, TokenServer

_ACCESS = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/[\d.]+" (?P<status>\d{3}) ')


class Notification(NamedTuple):
    """A listener the registry tells about every push and pull."""

    name: str
    url: str
    headers: Mapping[str, str] = {}


class Request(NamedTuple):
    """One line of the registry's access log."""

    method: str
    path: str
    status: int


class Registry:
    """One registry; `folder` takes its configuration, log and storage, which survive `stop` and `start`."""

    def __init__(
        self,
        folder: Path,
        *,
        notifications: Sequence[Notification] = (),
        auth: tuple[str, str] | None = None,
        tokens: TokenServer | None = None,
        certificate: Certificate | None = None,
        storage: Path | None = None,
    ) -> None:
        """`auth`: user name and password that every request needs; `tokens`: whose tokens it believes; else it is open.

        With `certificate` it speaks TLS. `storage` is the folder of another registry whose images it shows.
        """
        self.folder = folder
        self.notifications = list(notifications)
        self.auth = auth
        self.tokens = tokens
        self.certificate = certificate
        self.storage = storage or folder / "storage"
        self.port = 0
        self._process: Process | None = None

    @property
    def host(self) -> str:
        """Host and port, as it stands in an image reference."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The address of the registry's API root, without a slash at the end."""
        return f"{'https' if self.certificate else 'http'}://{self.host}"

    def start(self) -> Self:
        """Start it, on the port it had before if it was stopped; `ServerMissing` when it is not installed."""
        server = program("docker-registry")
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.port:
            self._process = self._server(server, self.port).start()
            self._process.ready(self.alive, 20)
        else:
            self._process, self.port = started_on_free_port(lambda port: self._server(server, port))
        return self

    def stop(self) -> None:
        """Stop it; images stay in the folder."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def alive(self) -> bool:
        """Tell whether it accepts connections."""
        return self.port != 0 and listening(self.port)

    def requests(self, method: str | None = None, path: str = "") -> list[Request]:
        """Return what was asked of the registry so far: only `method`, only paths that contain `path`."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        found = [
            Request(match["method"], match["path"], int(match["status"]))
            for match in map(_ACCESS.search, lines)
            if match
        ]
        return [request for request in found if method in (None, request.method) and path in request.path]

    @property
    def _log(self) -> Path:
        return self.folder / "registry.log"

    def _server(self, server: str, port: int) -> Process:
        config = self.folder / "config.json"
        config.write_text(json.dumps(self._config(port)))  # JSON is YAML
        return Process([server, "serve", str(config)], self._log, env=environment())

    def _config(self, port: int) -> dict[str, object]:
        http: dict[str, object] = {"addr": f"127.0.0.1:{port}", "secret": "only-for-tests"}
        if self.certificate:
            http["tls"] = {"certificate": str(self.certificate.certificate), "key": str(self.certificate.key)}
        config: dict[str, object] = {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": False}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.storage)},
                "delete": {"enabled": True},
                "maintenance": {"uploadpurging": {"enabled": False}},
            },
            "http": http,
        }
        if self.notifications:
            config["notifications"] = {
                "endpoints": [
                    {
                        "name": listener.name,
                        "url": listener.url,
                        "headers": {key: [value] for key, value in listener.headers.items()},
                        "timeout": "2s",
                        "threshold": 3,
                        "backoff": "200ms",
                    }
                    for listener in self.notifications
                ]
            }
        if self.tokens:
            token = {
                "realm": self.tokens.url,
                "service": SERVICE,
                "issuer": ISSUER,
                "rootcertbundle": str(self.tokens.bundle),
            }
            config["auth"] = {"token": token}
        if self.auth:
            config["auth"] = {"htpasswd": {"realm": "registry", "path": str(self._password_file(*self.auth))}}
        return config

    def _password_file(self, user: str, password: str) -> Path:
        # The registry takes bcrypt hashes only; four rounds, because it checks one on every request.
        file = self.folder / "htpasswd"
        file.write_text(f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n")
        return file
