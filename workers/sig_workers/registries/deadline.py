"""What httpx does not limit: the time of a whole request, and which addresses are connected to.

httpx limits each read only, so a server that drips its headers would hold a thread for days.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from sig_bots.errors import ForgeError
from sig_workers.addresses import addresses_of, is_public

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


_REMEDY = (
    "If that is meant, add a `[[registry]]` for it to sigbot.toml (what a registry redirects to: `allow_private_network` "
    "there)."
)


def bounded(
    client: httpx.Client, deadline: Deadline, *, public_only: bool = False, remedy: str = _REMEDY
) -> httpx.Client:
    """The client, its connections (those through a proxy too) bound to the deadline.

    `public_only`: connecting to an address that is not everybody's raises ForgeError, which ends in `remedy`. The address that was looked at is
    the one connected to, so a name cannot change its mind between. A proxy decides for itself.
    """
    for transport in (client._transport, *client._mounts.values()):  # httpx has no public way to its sockets
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool
            guarded = public_only and transport is client._transport
            pool._network_backend = _Backend(pool._network_backend, deadline, guarded, remedy)
    return client


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend, deadline: Deadline, public_only: bool, remedy: str) -> None:
        self._inner = inner
        self._deadline = deadline
        self._public_only = public_only
        self._remedy = remedy

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:  # fmt: skip
        if not self._public_only:
            return _Stream(self._inner.connect_tcp(host, port, timeout, *args, **kwargs), self._deadline)
        failure: Exception = httpcore.ConnectError()
        for address in public_addresses(host, port, self._remedy):
            try:
                return _Stream(self._inner.connect_tcp(address, port, timeout, *args, **kwargs), self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def public_addresses(host: str, port: int, remedy: str = _REMEDY) -> list[str]:
    """The addresses of a host nobody configured. Raises ForgeError when one of them is inside a network, Transient."""
    found = addresses_of(host, port)
    for address in found:
        if not is_public(address):
            raise ForgeError(f"{host} is at {address}, which is not a public address; it is not asked. {remedy}")
    return found


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
