"""gunicorn's thread worker, made safe against senders that dawdle.

gunicorn's own gives a thread to a connection before its request has arrived, so eight connections that say nothing, or
one byte a second, hold all threads of a process. Here a connection waits in the poller, at no cost, until the head of
its request and the first part of the body have arrived, and is closed with 408 when that takes too long. The kernel
keeps the bytes meanwhile: they are looked at (MSG_PEEK), and SO_RCVLOWAT says how many must be there before we look again.

The answers gunicorn gives by itself repeat parts of the request, and so do its log lines; both are replaced.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import struct
import time
from functools import partial
from typing import Any

from gunicorn.http import errors
from gunicorn.workers.gthread import TConn, ThreadWorker

__all__ = ["PatientWorker"]

MOST_HEAD = 32 * 1024
"""Bytes of request line and headers; a webhook has about 1 KiB."""
MOST_WAITED = 48 * 1024
"""Bytes of a request that the kernel keeps for us before a thread starts to read."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:", re.IGNORECASE)
_TOO_SLOW = (408, "Request Timeout", "The request came too slowly.")
_TOO_LARGE = (431, "Request Header Fields Too Large", "The headers are too large.")
_BAD = (400, "Bad Request", "The request is not HTTP.")
_FAILED = (500, "Internal Server Error", "Something went wrong here; the operators can see what.")


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Dispatches a connection to a thread when its request has arrived."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience = 10.0
        self._arriving: dict[TConn, tuple[float, int]] = {}  # oldest first: until when, bytes seen

    def run(self) -> None:
        """See gunicorn. The application is loaded by now, and tells how patient to be."""
        ours = self.wsgi.extensions["sigbot"]
        self._patience = ours["settings"].timing.request.total_seconds()
        ours["bodies"].watchdog.crowd = max(1, self.cfg.threads // 2)
        super().run()

    def enqueue_req(self, conn: TConn) -> None:
        """Give the connection to a thread, now or when its request has arrived. Runs in the main thread."""
        if self.cfg.is_ssl:  # what the kernel holds says nothing then
            super().enqueue_req(conn)
            return
        if not conn.initialized:
            # A reader that takes nothing must not hold the thread that answers it.
            limit = struct.pack("ll", max(1, int(self._patience)), 0)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        if self._arriving and self.nr_conns >= self.worker_connections:
            self._forget(next(iter(self._arriving)))
        self._look(conn, time.monotonic() + self._patience, -1)

    def _look(self, conn: TConn, until: float, seen: int) -> None:
        """Dispatch the connection, let it wait for more bytes than the `seen` ones, or end it."""
        try:
            conn.sock.setblocking(False)
            held: bytes | None = conn.sock.recv(MOST_WAITED, socket.MSG_PEEK)
        except BlockingIOError:
            held = None
        except OSError:
            held = b""
        if held == b"":
            self._end(conn)
            return
        have = len(held or b"")
        read = conn.parser.unreader.buf.getvalue() if conn.parser is not None else b""
        wanted = _missing(read + (held or b""))
        # Readable although nothing has come: that was all, the sender has closed its side.
        ended = held is not None and have <= seen
        if wanted is None or (ended and not _head_end(read + (held or b""))):
            self._end(conn, _TOO_LARGE if wanted is None else None)
        elif wanted == 0 or ended:
            self._low_water(conn, 1)
            conn.data_ready = True
            super().enqueue_req(conn)
        else:
            self._low_water(conn, have + wanted)
            self._arriving[conn] = until, have
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._more, conn))

    def _more(self, conn: TConn, client: socket.socket) -> None:
        self.poller.unregister(client)
        until, seen = self._arriving.pop(conn)
        self._look(conn, until, seen)

    def murder_pending(self) -> None:
        """See gunicorn: called once a second at least. When stopping, who has sent nothing is not waited for."""
        super().murder_pending()
        now = time.monotonic()
        for conn, (until, seen) in list(self._arriving.items()):
            if now > until or (not self.alive and not seen):
                self._forget(conn)

    def _forget(self, conn: TConn) -> None:
        """End a connection whose request has not arrived."""
        _, seen = self._arriving.pop(conn)
        with contextlib.suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)
        self._end(conn, _TOO_SLOW if seen else None)

    def _end(self, conn: TConn, answer: tuple[int, str, str] | None = None) -> None:
        if answer is not None:
            _say(conn.sock, answer)
        self.nr_conns -= 1
        conn.close()

    @staticmethod
    def _low_water(conn: TConn, size: int) -> None:
        # No more than half the receive buffer counts (tcp(7)); asking for more than is kept would wait for ever.
        most = conn.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, min(size, most))

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer what cannot be handed to the application. Neither answer nor log line repeats any of the request."""
        ours = isinstance(exc, (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName))
        if isinstance(exc, errors.ParseException) and not ours:
            self.log.warning("not a request: %s", type(exc).__name__)
            too_large = isinstance(exc, (errors.LimitRequestLine, errors.LimitRequestHeaders))
            _say(client, _TOO_LARGE if too_large else _BAD)
        else:
            self.log.error("request failed: %s", type(exc).__name__, exc_info=exc)
            _say(client, _FAILED)


def _head_end(request: bytes) -> int:
    """Where the head ends; 0 while it has not."""
    return request.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in request else 0


def _missing(request: bytes) -> int | None:
    """How many more bytes to wait for before a thread begins; 0: it may; None: the head is too large."""
    end = _head_end(request)
    if not end:
        return 1 if len(request) < MOST_HEAD else None
    length = _LENGTH.search(request, 0, end)
    if length is None or _EXPECTS.search(request, 0, end):  # who expects 100 Continue sends no body before
        return 0
    return max(0, min(end + int(length[1]), MOST_WAITED) - len(request))


def _say(connection: socket.socket, answer: tuple[int, str, str]) -> None:
    code, phrase, message = answer
    body = f'{{"status":"error","message":"{message}"}}'
    head = f"HTTP/1.1 {code} {phrase}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    with contextlib.suppress(OSError):
        connection.send(f"{head}\r\n\r\n{body}".encode())
