"""Read a request's body with a cap and a deadline, before anything else is believed about it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, RequestTimeout

__all__ = ["BodyReader", "Watchdog"]

PIECE = 1024 * 1024


class Watchdog:
    """Ends reads that take too long: one thread per process shuts the reading side of overdue requests' sockets."""

    def __init__(self) -> None:
        self._reads: dict[int, tuple[float, socket.socket]] = {}
        self._cut: set[int] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, key: int, deadline: float, connection: socket.socket) -> None:
        """Watch a read until `stop`."""
        with self._lock:
            self._reads[key] = (deadline, connection)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="slow-bodies", daemon=True)
                self._thread.start()

    def stop(self, key: int) -> bool:
        """The read has ended; whether it was ended from here."""
        with self._lock:
            self._reads.pop(key, None)
            cut = key in self._cut
            self._cut.discard(key)
            return cut

    def _watch(self) -> None:
        while True:
            time.sleep(0.2)
            # Under the lock: once a read is stopped, its socket may serve another request.
            with self._lock:
                now = time.monotonic()
                for key in [key for key, (deadline, _) in self._reads.items() if now > deadline]:
                    _, connection = self._reads.pop(key)
                    self._cut.add(key)
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RD)


class BodyReader:
    """Reads bodies of at most `limit` bytes within `seconds`."""

    def __init__(self, seconds: float = 10.0) -> None:
        self._seconds = seconds
        self._watchdog = Watchdog()
        self.abandon: Callable[[], None] = lambda: None
        """Called when a body is not read to its end: its connection cannot serve another request."""

    def read(self, environ: dict[str, Any], limit: int) -> bytes:
        """The whole body.

        Raises RequestEntityTooLarge (413), RequestTimeout (408), BadRequest (400: shorter than its Content-Length, or
        not framed as RFC 9112 says).
        """
        try:
            return self._read(environ, limit)
        except HTTPException:
            self.abandon()
            raise

    def _read(self, environ: dict[str, Any], limit: int) -> bytes:
        declared = environ.get("CONTENT_LENGTH") or ""
        if declared and not (declared.isascii() and declared.isdigit()):
            raise BadRequest
        size = None if not declared else int(declared) if len(declared) < 19 else limit + 1
        if size is not None and size > limit:
            raise RequestEntityTooLarge
        deadline = time.monotonic() + self._seconds
        connection = environ.get("gunicorn.socket")
        key = threading.get_ident()
        if connection is not None:
            self._watchdog.start(key, deadline, connection)
        body, problem = b"", None
        try:
            body = _all(environ["wsgi.input"], limit if size is None else size, exact=size is not None)
        except HTTPException as error:
            problem = error
        except Exception:  # whatever the server raises for a body that is cut off or framed wrongly
            problem = BadRequest()
        if self._watchdog.stop(key) or time.monotonic() > deadline:
            raise RequestTimeout
        if problem is not None:
            raise problem
        if size is not None and len(body) != size:
            raise BadRequest
        return body


def _all(stream: Any, limit: int, *, exact: bool) -> bytes:
    """At most `limit` bytes in pieces, so that a length that was only promised takes no memory."""
    pieces: list[bytes] = []
    size = 0
    while piece := stream.read(min(PIECE, limit - size + (0 if exact else 1))):
        size += len(piece)
        if size > limit:
            raise RequestEntityTooLarge
        pieces.append(piece)
        if exact and size == limit:
            break
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
