"""A server on loopback that answers as a test tells it, and keeps what it was asked: for what no healthy server does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What the server says: JSON unless `body` is bytes."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass
class Wire:
    """The address, and each request as (method, path with query, Authorization header)."""

    url: str
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)

    @property
    def calls(self) -> list[str]:
        """Method and path of each request."""
        return [f"{method} {path.split('?')[0]}" for method, path, _ in self.asked]


@contextmanager
def wire(answer: Callable[[str, str], Answer]) -> Iterator[Wire]:
    """Serve `answer(method, path)` for the duration of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            heard.asked.append((self.command, self.path, self.headers.get("Authorization")))
            said = answer(self.command, self.path)
            time.sleep(said.delay)
            raw = isinstance(said.body, bytes)
            content = said.body if raw else json.dumps(said.body).encode()
            self.send_response(said.status)
            kind = "text/plain" if raw else "application/json"
            for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(ConnectionError):  # a client that gave up waiting
                self.wfile.write(content)

        do_GET = do_POST = _serve

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    heard = Wire(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
