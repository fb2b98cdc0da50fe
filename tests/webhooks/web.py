"""The web process as an operator runs it: `sigbot serve`, gunicorn on a port of 127.0.0.1."""

import http.client
import json
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from sig_workers.store.store import Store
from tests.servers.process import Process, free_port
from tests.webhooks.senders import Hook, instances


class Web:
    """One `sigbot serve` over a migrated store."""

    def __init__(
        self, data: Path, *, store: str, broker: str = "filesystem", processes: int = 1, threads: int = 8,
        request: str = "10s", hooks: Sequence[Mapping[str, Any]] | None = None, entry: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        """`request` is the time a sender may take; `hooks` the instances; `entry` runs something else than `serve`."""
        self.port = free_port()
        self.log = data / f"web-{self.port}.log"
        config = data / "web.toml"
        given = [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in
                 (("data", str(data)), ("store", store), ("broker", broker), ("timing.request", request))]  # fmt: skip
        given[-1] = f'timing = {{request = "{request}"}}'
        for one in instances() if hooks is None else hooks:
            given += ["[[instance]]", *(f"{key} = {json.dumps(value)}" for key, value in one.items())]
        config.write_text("\n".join(given) + "\n")
        self.store_url = store
        argv = [sys.executable, *(entry or ["-m", "sig_workers.cli", "serve"]), "--bind", f"127.0.0.1:{self.port}"]
        if entry is None:
            argv += ["--processes", str(processes), "--threads", str(threads)]
        env = {key: value for key, value in os.environ.items() if not key.startswith("SIGBOT_")}
        self.process = Process(argv, self.log, env={**env, "SIGBOT_CONFIG": str(config)})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        self.process.start().ready(self.live, 30)
        return self

    def stop(self) -> None:
        self.process.stop()

    def live(self) -> bool:
        try:
            return self.get("/healthz/live").status_code == 200
        except OSError:
            return False

    def get(self, path: str) -> httpx.Response:
        return self._ask("GET", path, b"", {}, 15)

    def post(self, hook: Hook, timeout: float = 15) -> httpx.Response:
        return self._ask("POST", hook.path, hook.body, hook.headers, timeout)

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str], timeout: float) -> httpx.Response:
        """In a connection of its own, and without loading certificates for it, which would take most of the time."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {key: value.encode() for key, value in headers.items()})
            answer = connection.getresponse()
            return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())
        finally:
            connection.close()

    def kept(self, ident: str = "", instance: str = "github") -> int:
        """How many deliveries are in the store, all or of an instance and id."""
        store = Store.open(self.store_url)
        try:
            found = store.recent_deliveries(100_000, public_only=False)
        finally:
            store.close()
        return len([one for one in found if not ident or (one.instance, one.delivery_id) == (instance, ident)])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def memory(self) -> int:
        """Resident bytes of all processes of this server."""
        group = [self.process.pid, *(int(one) for one in children(self.process.pid))]
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in group)
        return pages * os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def head(hook: Hook, **headers: str) -> bytes:
    """Request line and headers as they go over the wire; the body's length is the caller's to say."""
    lines = [
        f"POST {hook.path} HTTP/1.1",
        "Host: sigbot.example.org",
        *(f"{key}: {value}" for key, value in hook.headers.items()),
    ]
    lines += [f"{key.replace('_', '-')}: {value}" for key, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def answered(connection: socket.socket) -> bytes:
    """The first answer, if it is a small one of ours."""
    return _received(connection, until=lambda data: b"\r\n\r\n" in data and data.endswith(b"}"))


def everything(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    return _received(connection, until=lambda data: False)


def _received(connection: socket.socket, until: Callable[[bytes], bool]) -> bytes:
    data = b""
    while not until(data):
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            break
        if not piece:
            break
        data += piece
    return data
