"""gunicorn's thread worker, made safe against senders that dawdle.

gunicorn's own gives a thread to a connection before its request has arrived, so eight connections that say nothing, or
one byte a second, hold all threads of a process; and it waits in its main loop for clients that do not close. Here

- a connection waits in the poller, at no cost, until its request has arrived, and is closed with 408 when that takes too
  long. The kernel keeps the bytes meanwhile: they are looked at (MSG_PEEK), and SO_RCVLOWAT says how many must be there
  before we look again;
- requests too large to wait for get at most half the threads, so all others are always served;
- a body that the application did not read to its end closes the connection, and closing waits in the poller too.

The answers gunicorn gives by itself repeat parts of the request, and so do its log lines; both are replaced.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import struct
import threading
import time
from concurrent.futures import Future
from functools import partial
from typing import Any

from gunicorn.http import errors
from gunicorn.workers.gthread import TConn, ThreadWorker

__all__ = ["PatientWorker"]

MOST_HEAD = 32 * 1024
"""Bytes of request line and headers; a webhook has about 1 KiB."""
MOST_WAITED = 48 * 1024
"""Bytes: a request up to this size is whole before it gets a thread, the kernel keeps it till then."""
LINGER, MOST_DRAINED = 2.0, 1024 * 1024
"""Seconds and bytes a client has to close its side after our last answer, so that it is not lost (RFC 9112, 9.6)."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
_PIECEMEAL = re.compile(rb"\r\n(?:expect|transfer-encoding):", re.IGNORECASE)
_TOO_SLOW = (408, "Request Timeout", "The request came too slowly.")
_TOO_LARGE = (431, "Request Header Fields Too Large", "The headers are too large.")
_BAD = (400, "Bad Request", "The request is not HTTP.")
_FAILED = (500, "Internal Server Error", "Something went wrong here; the operators can see what.")


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Dispatches a connection to a thread when its request has arrived. All but `handle_request` is the main thread's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience = 10.0
        self._arriving: dict[TConn, tuple[float, int]] = {}  # oldest first: until when, bytes seen
        self._queued: dict[TConn, float] = {}  # oldest first: bodies that wait for a thread to read them
        self._reading: set[TConn] = set()  # bodies that were not whole when a thread was given
        self._closing: dict[TConn, tuple[float, int]] = {}  # oldest first: until when, bytes thrown away
        self._request = threading.local()

    def run(self) -> None:
        """See gunicorn. The application is loaded by now, and tells how patient to be."""
        ours = self.wsgi.extensions["sigbot"]
        self._patience = ours["settings"].timing.request.total_seconds()
        ours["bodies"].abandon = lambda: self._request.now.force_close()
        super().run()

    def enqueue_req(self, conn: TConn) -> None:
        """A connection is new, or its next request begins."""
        if self.cfg.is_ssl:  # what the kernel holds says nothing then
            super().enqueue_req(conn)
            return
        if not conn.initialized:
            conn.close = partial(self._close, conn)
            # A client that takes nothing must not hold the thread that answers it.
            limit = struct.pack("ll", max(1, int(self._patience)), 0)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        if self._arriving and self.nr_conns >= self.worker_connections:
            self._give_up(next(iter(self._arriving)))
        self._look(conn, time.monotonic() + self._patience, -1)

    # ------------------------------------------------------------ a request arrives

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
        wanted, whole = _missing(_read_ahead(conn) + (held or b""))
        # Readable although nothing has come: that was all, the sender has closed its side.
        ended = held is not None and have <= seen
        if wanted is None:
            self._end(conn, _TOO_LARGE)
        elif wanted and not ended:
            self._low_water(conn, have + wanted)
            self._arriving[conn] = until, have
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._more, conn))
        elif whole is None:
            self._end(conn)  # it ended within its head
        elif whole or ended or len(self._reading) < max(1, self.cfg.threads // 2):
            self._dispatch(conn, whole=whole or ended)
        else:
            self._queued[conn] = until

    def _more(self, conn: TConn, client: socket.socket) -> None:
        self.poller.unregister(client)
        until, seen = self._arriving.pop(conn)
        self._look(conn, until, seen)

    def _dispatch(self, conn: TConn, *, whole: bool) -> None:
        self._low_water(conn, 1)
        conn.data_ready = True
        if not whole:
            self._reading.add(conn)
        super().enqueue_req(conn)

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        """See gunicorn: a thread is done with the connection."""
        if conn in self._reading:
            self._reading.discard(conn)
            if self._queued:
                waiting = next(iter(self._queued))
                del self._queued[waiting]
                self._dispatch(waiting, whole=False)
        super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """See gunicorn: called once a second at least. When stopping, who has sent nothing is not waited for."""
        super().murder_pending()
        now = time.monotonic()
        for conn, (until, seen) in list(self._arriving.items()):
            if now > until or (not self.alive and not seen):
                self._give_up(conn)
        for conn in [conn for conn, until in self._queued.items() if now > until]:
            del self._queued[conn]
            self._end(conn, _TOO_SLOW)
        for conn in [conn for conn, (until, _) in self._closing.items() if now > until]:
            self._closed(conn)

    def _give_up(self, conn: TConn) -> None:
        """End a connection whose request has not arrived."""
        _, seen = self._arriving.pop(conn)
        self.poller.unregister(conn.sock)
        self._end(conn, _TOO_SLOW if seen > 0 or _read_ahead(conn) else None)

    def _end(self, conn: TConn, answer: tuple[int, str, str] | None = None) -> None:
        if answer is not None:
            _say(conn.sock, answer)
        self.nr_conns -= 1
        conn.close(graceful=answer is not None)

    @staticmethod
    def _low_water(conn: TConn, size: int) -> None:
        # No more than half the receive buffer counts (tcp(7)); asking for more than is kept would wait for ever.
        most = conn.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, min(size, most))

    # ------------------------------------------------------------ an answer leaves

    def handle_request(self, req: Any, conn: TConn) -> bool:
        """See gunicorn. Runs in the thread."""
        self._request.now = req
        try:
            return bool(super().handle_request(req, conn))
        except BlockingIOError:
            return False  # the client takes nothing, see SO_SNDTIMEO

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        """Whether the connection can be reused; gunicorn would wait here for a body that nobody wants."""
        return keepalive and _read_to_the_end(conn.parser.mesg)

    def _close(self, conn: TConn, graceful: bool = False) -> None:
        """Close a connection; `graceful`: wait a little, elsewhere, for the client to close first."""
        sock = conn.sock
        if graceful and self.alive and len(self._closing) < self.worker_connections:
            with contextlib.suppress(OSError, ValueError, KeyError):
                sock.shutdown(socket.SHUT_WR)
                sock.setblocking(False)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
                self.poller.register(sock, selectors.EVENT_READ, partial(self._drain, conn))
                self._closing[conn] = time.monotonic() + LINGER, 0
                return
        with contextlib.suppress(OSError):
            sock.close()

    def _drain(self, conn: TConn, client: socket.socket) -> None:
        until, drained = self._closing[conn]
        try:
            size = len(client.recv(65536))
        except BlockingIOError:
            return
        except OSError:
            size = 0
        self._closing[conn] = until, drained + size
        if not size or drained + size > MOST_DRAINED or time.monotonic() > until:
            self._closed(conn)

    def _closed(self, conn: TConn) -> None:
        del self._closing[conn]
        with contextlib.suppress(OSError, ValueError, KeyError):
            self.poller.unregister(conn.sock)
        with contextlib.suppress(OSError):
            conn.sock.close()

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


def _read_ahead(conn: TConn) -> bytes:
    """The beginning of this request, as far as gunicorn has read it with the one before."""
    return conn.parser.unreader.buf.getvalue() if conn.parser is not None else b""


def _missing(request: bytes) -> tuple[int | None, bool | None]:
    """How many more bytes to wait for before a thread begins (None: the head is too large), and whether all is there.

    The second is None while the head has not ended.
    """
    end = request.find(b"\r\n\r\n") + 4
    if end < 4:
        return (1 if len(request) < MOST_HEAD else None), None
    if _PIECEMEAL.search(request, 0, end):  # chunks tell no length; who expects 100 Continue sends no body before
        return 0, request.endswith(b"\r\n0\r\n\r\n")
    length = _LENGTH.search(request, 0, end)
    if length is None:
        return 0, True
    size = end + int(length[1])
    missing = max(0, size - len(request))
    return (missing if size <= MOST_WAITED else 0), not missing


def _read_to_the_end(request: Any) -> bool:
    """Whether the application has read the whole body."""
    reader = request.body.reader
    return getattr(reader, "length", None) == 0 or getattr(reader, "parser", True) is None


def _say(connection: socket.socket, answer: tuple[int, str, str]) -> None:
    code, phrase, message = answer
    body = f'{{"status":"error","message":"{message}"}}'
    head = f"HTTP/1.1 {code} {phrase}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    with contextlib.suppress(OSError):
        connection.send(f"{head}\r\n\r\n{body}".encode())
