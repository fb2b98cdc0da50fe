"""A deadline for whole requests. httpx limits each read only, so a server that drips its headers would hold a thread for days."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

__all__ = ["Deadline", "bounded"]


class Deadline(threading.local):
    """Until when the requests of this thread may take."""

    until = float("inf")

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Reads and writes of the block raise httpx.TimeoutException when its time is over."""
        self.until = time.monotonic() + seconds
        try:
            yield
        finally:
            self.until = float("inf")

    def left(self, timeout: float | None) -> float | None:
        """The part of a timeout that is left. Raises httpcore.ReadTimeout at the end."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return min(left, float("inf") if timeout is None else timeout) if left < float("inf") else timeout


def bounded(client: httpx.Client, deadline: Deadline) -> httpx.Client:
    """The client, its connections (those through a proxy too) bound to the deadline."""
    for transport in (client._transport, *client._mounts.values()):  # httpx has no public way to its sockets
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool
            pool._network_backend = _Backend(pool._network_backend, deadline)
    return client


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:  # fmt: skip
        return _Stream(self._inner.connect_tcp(host, port, timeout, *args, **kwargs), self._deadline)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
