"""The release monitor Anitya (release-monitoring.org): projects and their versions, over its HTTP API.

`/api/v2/projects/?name=` gives whole projects by name, `/api/v2/versions/?project_id=` the versions of one by number, which
has neither name nor homepage; those are in `/api/project/NUMBER` of the first API, and done without when it says no.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from sig_bots.errors import ForgeError, NotFound, Transient
from sig_bots.upstreams import UpstreamProject, several_projects
from sig_workers.registries.answers import MemoryAnswers, RegistryCache
from sig_workers.registries.deadline import Deadline, bounded
from sig_workers.registries.transport import retry_after
from sig_workers.unreachable import why_unreachable

__all__ = ["AnityaClient"]

_LIMIT = 8 << 20
_MOST_VERSIONS = 20_000
_MOST_PROJECTS = 250  # the most that Anitya puts on one page
_AT_ONCE = 2
_REMEDY = "If that is meant, set `allow_private_network` below `[anitya]` in sigbot.toml."
_UNUSABLE = "The release monitor's answer is not what Anitya promises."


class AnityaClient:
    """The Upstreams of the contract. Thread-safe."""

    def __init__(
        self, url: str, *, private_network: bool = False, timeout: float = 20.0, cache: RegistryCache | None = None
    ) -> None:
        """`url` without a slash at the end. `private_network`: it may lie inside our network. `timeout` in seconds."""
        self._url = url
        self._host = urlsplit(url).netloc
        self._timeout = timeout
        self._cache: RegistryCache = cache if cache is not None else MemoryAnswers()
        self._deadline = Deadline()
        self._slots = threading.Semaphore(_AT_ONCE)
        self._blocked = 0.0
        client = httpx.Client(timeout=timeout, headers={"User-Agent": "sigbot", "Accept": "application/json"})
        self._client = bounded(client, self._deadline, public_only=not private_network, remedy=_REMEDY)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def project(self, name: str, ecosystem: str = "") -> UpstreamProject:
        """See `Upstreams.project`."""
        question = f"{self._host}/{json.dumps([name.lower(), ecosystem.lower()])}"
        kept = self._cache.get("project", question, "")
        if kept is None:
            began = time.monotonic()
            asked = self._by_number(name) if name.isascii() and name.isdigit() else self._by_name(name, ecosystem)
            kept = [one.model_dump(mode="json") for one in asked]
            self._cache.put("project", question, "", kept, time.monotonic() - began)
        found = [UpstreamProject.model_validate(one) for one in kept]
        if not found:
            raise NotFound(f"The release monitor knows no project {name}{f' in {ecosystem}' if ecosystem else ''}.")
        if len(found) > 1:
            raise NotFound(several_projects(name, found))
        return found[0]

    # ------------------------------------------------------------ the questions

    def _by_name(self, name: str, ecosystem: str) -> list[UpstreamProject]:
        query = {"name": name, "items_per_page": str(_MOST_PROJECTS)} | ({"ecosystem": ecosystem} if ecosystem else {})
        answer = self._ask("/api/v2/projects/", query)
        items = answer.get("items") if answer is not None else None
        if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
            raise ForgeError(_UNUSABLE)
        return [self._read(one) for one in items]

    def _by_number(self, number: str) -> list[UpstreamProject]:
        versions = self._ask("/api/v2/versions/", {"project_id": number})
        if versions is None:
            return []
        named = self._ask(f"/api/project/{int(number)}", {}, optional=True) or {}
        return [self._read({**named, **versions, "id": int(number)})]

    def _read(self, one: Mapping[str, Any]) -> UpstreamProject:
        try:
            number = int(one["id"])
            return UpstreamProject(
                id=number, name=_text(one.get("name")) or f"project {number}", ecosystem=_text(one.get("ecosystem")),
                homepage=_text(one.get("homepage")), versions=_versions(one.get("versions")),
                stable=_versions(one.get("stable_versions")), page=f"{self._url}/project/{number}/",
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, ValidationError):
            raise ForgeError(_UNUSABLE) from None

    # ------------------------------------------------------------ HTTP

    def _ask(self, path: str, query: Mapping[str, str], *, optional: bool = False) -> dict[str, Any] | None:
        """The JSON object at a path; None for status 404, and for any refusal when it is `optional`."""
        left = self._blocked - time.monotonic()
        if left > 0:
            raise Transient(
                "The release monitor asked us to wait.", retry_after=timedelta(seconds=left), host=self._host
            )
        status, headers, body = self._fetch(path, query)
        if status == 429 or status >= 500:
            raise self._busy(status, headers.get("retry-after"))
        if status == 404 or (optional and status != 200):
            return None
        if status != 200:
            raise ForgeError(f"The release monitor {self._host} answered with status {status}.")
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ForgeError(_UNUSABLE)
        return found

    def _fetch(self, path: str, query: Mapping[str, str]) -> tuple[int, httpx.Headers, bytes]:
        try:
            with (
                self._slots,
                self._deadline.within(6 * self._timeout),
                self._client.stream("GET", self._url + path, params=query, follow_redirects=False) as response,
            ):
                body = bytearray()
                for block in response.iter_bytes():
                    body += block
                    if len(body) > _LIMIT:
                        raise ForgeError(
                            f"The release monitor answered with more than {_LIMIT >> 20} MiB; it was not read on."
                        )
                return response.status_code, response.headers, bytes(body)
        except httpx.TimeoutException:
            raise Transient("The release monitor did not answer in time.", host=self._host) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            text = f"The release monitor {self._host} is not reachable ({why_unreachable(error)})."
            raise Transient(text, host=self._host) from None

    def _busy(self, status: int, header: str | None) -> Transient:
        wait = retry_after(header) or (timedelta(seconds=60) if status == 429 else None)
        if wait is not None:
            self._blocked = time.monotonic() + wait.total_seconds()
        text = "asks us to slow down" if status == 429 else "has a problem of its own"
        return Transient(f"The release monitor {text} (status {status}).", retry_after=wait, host=self._host)


def _text(value: object) -> str:
    return value[:500] if isinstance(value, str) else ""


def _versions(value: object) -> tuple[str, ...]:
    """A list of versions, without what is none; an answer without the list is refused by raising TypeError."""
    if not isinstance(value, list):
        raise TypeError("no list")
    return tuple(one for one in value[:_MOST_VERSIONS] if isinstance(one, str) and len(one) <= 100)
