"""HTTP connections towards registries: whom we trust there, whom we may reach, how often we knock."""

from __future__ import annotations

import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from sig_bots.errors import UserError
from sig_workers.registries.deadline import Deadline, bounded

__all__ = ["Connections", "HostRules", "trust"]


@dataclass(frozen=True)
class HostRules:
    """What the operator says of one host (`host[:port]`). Such a host may lie anywhere; all others must be public."""

    insecure: bool = False
    """Spoken to over plain http."""
    ca_file: Path | None = None
    """PEM file of authorities believed beside the system's, by the host and by the token server it names."""
    private: bool = False
    """Its token server and the targets of its redirects may lie inside our network too."""


class Connections:
    """Clients per kind of trust, turns per host. Thread-safe; a client is made when first needed."""

    def __init__(
        self, rules: Mapping[str, HostRules], timeout: float, at_once: int, spacing: float, *, private: bool,
        burst: int = 0,
    ) -> None:  # fmt: skip
        """`timeout` for connecting and each read, `spacing` between the starts of two requests to a host, in seconds.

        `at_once`: requests under way to one host. `burst`: so many need no space after a pause of as many spaces. `private`: hosts nobody configured may lie inside our network.
        """
        self._rules = dict(rules)
        self._timeout = timeout
        self._spacing = spacing
        self._credit = burst * spacing
        self._private = private
        self._deadline = Deadline()
        self._clients: dict[tuple[bool, Path | None, bool], httpx.Client] = {}
        self._slots: dict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(at_once))
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def insecure(self, host: str) -> bool:
        """Whether the host is spoken to over http."""
        return self._rules.get(host, HostRules()).insecure

    @contextmanager
    def turn(self, host: str, registry: str, seconds: float | None = None) -> Iterator[httpx.Client]:
        """The client for one request to `host`, which `registry` is, or names. Waits for its turn.

        `seconds`: how long the whole request may take, when it is a long one. Raises UserError when the registry's `ca_file` cannot be used.
        """
        client = self._client(host, registry)
        with self._slots[host]:
            with self._lock:
                now = time.monotonic()
                due = max(now, self._next.get(host, 0.0))
                start = max(now, due - self._credit)
                self._next[host] = due + self._spacing
            time.sleep(start - now)
            with self._deadline.within(6 * self._timeout if seconds is None else seconds):
                yield client

    def _client(self, host: str, registry: str) -> httpx.Client:
        named = self._rules.get(registry, HostRules())
        rules = self._rules.get(host)
        reachable = rules is not None or named.private or self._private
        key = (
            rules is not None and rules.insecure,
            (rules.ca_file if rules is not None else None) or named.ca_file,
            not reachable,
        )
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make(*key)
            return self._clients[key]

    def _make(self, insecure: bool, ca_file: Path | None, public_only: bool) -> httpx.Client:
        context = trust(ca_file)
        client = httpx.Client(
            timeout=self._timeout, limits=httpx.Limits(max_keepalive_connections=20), verify=context,
            headers={"User-Agent": "sigbot"}, follow_redirects=False,
            trust_env=not insecure,  # hosts spoken to over http are our own neighbours: no proxy lies between
        )  # fmt: skip
        return bounded(client, self._deadline, public_only=public_only)


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """The authorities of the system and those in the PEM file. Raises UserError when it cannot be used."""
    context = httpx.create_ssl_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError):
            raise UserError(
                f"The certificates {ca_file} (`ca_file` of a `[[registry]]`) cannot be used: no such file, or not PEM."
            ) from None
    return context
