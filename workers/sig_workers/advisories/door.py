"""JSON over HTTP to one advisory service: paced, bounded in size and time, never redirected, left alone when it fails."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from sig_bots.errors import ForgeError, Transient
from sig_workers.registries.connections import Connections
from sig_workers.registries.transport import retry_after
from sig_workers.unreachable import why_unreachable

__all__ = ["JsonDoor"]

_LIMIT = 16 << 20
_REST = timedelta(seconds=60)
"""How long a service that failed is not asked again."""
_LONGEST = 10.0
"""Seconds for one request."""


class JsonDoor:
    """One service at a base address. Thread-safe."""

    def __init__(self, url: str, connections: Connections) -> None:
        """`url` is `http(s)://host[:port][/path]` without a slash at the end."""
        self.url = url
        self._connections = connections
        self._host = urlsplit(url).netloc
        self._rests_until = 0.0
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def get(self, path: str, until: float, query: Mapping[str, str] | None = None) -> dict[str, Any] | None:
        """The object there; None when there is none (404). `until`: monotonic time at which it is given up.

        Raises Transient (not reachable, slow, 429, 5xx), ForgeError (another status, too long, not the form promised).
        """
        return self._ask("GET", str(httpx.URL(self.url + path, params=dict(query) if query else None)), until, None)

    def post(self, path: str, until: float, document: object) -> dict[str, Any]:
        """The answer to a question. Raises as `get`."""
        answer = self._ask("POST", self.url + path, until, json.dumps(document).encode())
        if answer is None:
            raise self.broken()
        return answer

    def broken(self) -> ForgeError:
        """The error for an answer that is not of the form its protocol promises."""
        return ForgeError(f"The advisory service {self._host} gave an answer that cannot be read.")

    def _ask(self, method: str, url: str, until: float, body: bytes | None) -> dict[str, Any] | None:
        with self._lock:
            rests = self._rests_until > time.monotonic()
        if rests:
            raise Transient(f"The advisory service {self._host} failed a moment ago and is left alone for now.")
        left = min(until - time.monotonic(), _LONGEST)
        if left <= 0:
            raise Transient(f"The advisory service {self._host} took too long.")
        try:
            status, headers, content = self._send(method, url, left, body)
        except httpx.TimeoutException:
            raise self._failed(f"The advisory service {self._host} did not answer in time.", None) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            text = f"The advisory service {self._host} is not reachable ({why_unreachable(error)})."
            raise self._failed(text, None) from None
        if status == 404:
            return None
        if status == 429 or status >= 500:
            wait = retry_after(headers.get("retry-after"))
            raise self._failed(f"The advisory service {self._host} answered with status {status}.", wait)
        if status != 200:
            raise ForgeError(f"The advisory service {self._host} answered with status {status}.")
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            raise self.broken() from None
        if not isinstance(document, dict):
            raise self.broken()
        return document

    def _send(self, method: str, url: str, left: float, body: bytes | None) -> tuple[int, httpx.Headers, bytes]:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        with (
            self._connections.turn(self._host, self._host, left) as client,
            client.stream(method, url, headers=headers, content=body) as response,
        ):
            content = bytearray()
            for block in response.iter_raw():
                content += block
                if len(content) > _LIMIT:
                    raise ForgeError(f"The advisory service {self._host} answered with more than {_LIMIT >> 20} MiB.")
            return response.status_code, response.headers, bytes(content)

    def _failed(self, text: str, wait: timedelta | None) -> Transient:
        with self._lock:
            self._rests_until = time.monotonic() + max(wait or _REST, _REST).total_seconds()
        return Transient(text)
