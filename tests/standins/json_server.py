"""The HTTP side of a small stand-in on loopback: JSON in and out, a log of what was asked, orders of faults."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote


@dataclass
class Fault:
    """What is answered in place of the truth."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class JsonServer:
    """A server; subclasses give the answers. `log` holds `METHOD /path?query` of each request."""

    def __init__(self, port: int = 0) -> None:
        self.log: list[str] = []
        self.fault: Fault | None = None
        """Answered to every request until it is taken away."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1  # head and body in one packet

            def log_message(self, *args: object) -> None:
                """Nothing on the terminal."""

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.log.append(f"{self.command} {self.path}")
                path, _, query = self.path.partition("?")
                fault = outer.fault
                if fault is None:
                    status, answer = outer.answer(
                        self.command, unquote(path), dict(parse_qsl(query)), json.loads(body or b"null")
                    )
                    fault = Fault(status, json.dumps(answer).encode(), {"Content-Type": "application/json"})
                self.send_response(fault.status)
                for name, value in {**fault.headers, "Content-Length": str(len(fault.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(fault.body)

            do_GET = do_POST = _serve

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def answer(self, method: str, path: str, query: dict[str, str], document: Any) -> tuple[int, Any]:
        """Status and JSON for one request."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
