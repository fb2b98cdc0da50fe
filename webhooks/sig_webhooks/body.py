"""Read a request's body with a cap and a deadline, before anything else is believed about it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, RequestTimeout

__all__ = ["BodyReader", "Watchdog"]

PIECE = 64 * 1024


class Watchdog:
    """Ends reads that take too long: one thread per process shuts the socket's reading side of overdue requests."""

    def __init__(self) -> None:
        self._reads: dict[int, tuple[float, socket.socket]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, key: int, deadline: float, connection: socket.socket) -> None:
        """Watch a read until `stop`."""
        self._reads[key] = (deadline, connection)
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._watch, name="slow-bodies", daemon=True)
                    self._thread.start()

    def stop(self, key: int) -> None:
        """The read has ended."""
        self._reads.pop(key, None)

    def _watch(self) -> None:
        while True:
            time.sleep(0.5)
            now = time.monotonic()
            for key, (deadline, connection) in list(self._reads.items()):
                if now > deadline:
                    self.stop(key)
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RD)


class BodyReader:
    """Reads bodies of at most `limit` bytes within `seconds`."""

    def __init__(self, seconds: float = 10.0) -> None:
        self._seconds = seconds
        self._watchdog = Watchdog()

    def read(self, environ: dict[str, Any], limit: int) -> bytes:
        """The whole body.

        Raises RequestEntityTooLarge (413), RequestTimeout (408), BadRequest (400: shorter than its Content-Length).
        """
        declared = environ.get("CONTENT_LENGTH") or ""
        if declared and not declared.isdigit():
            raise BadRequest("Content-Length is not a number.")
        if declared and int(declared) > limit:
            raise RequestEntityTooLarge
        deadline = time.monotonic() + self._seconds
        connection = environ.get("gunicorn.socket")
        key = threading.get_ident()
        if connection is not None:
            self._watchdog.start(key, deadline, connection)
        try:
            body = self._all(environ["wsgi.input"], int(declared) if declared else None, limit)
        finally:
            self._watchdog.stop(key)
        if time.monotonic() > deadline:
            raise RequestTimeout
        if declared and len(body) != int(declared):
            raise BadRequest("The body is shorter than its Content-Length.")
        return body

    @staticmethod
    def _all(stream: Any, declared: int | None, limit: int) -> bytes:
        if declared is not None:
            return bytes(stream.read(declared))
        pieces: list[bytes] = []
        size = 0
        while piece := stream.read(PIECE):
            size += len(piece)
            if size > limit:
                raise RequestEntityTooLarge
            pieces.append(piece)
        return b"".join(pieces)
