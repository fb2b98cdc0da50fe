"""HTTP towards registries: challenge and token, redirects, pacing, size caps, failures as sentences."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import httpx

from sig_bots.errors import ForgeError, Transient
from sig_workers.registries.auth import Challenge, Login, parse_challenge
from sig_workers.registries.connections import Connections
from sig_workers.registries.manifests import parse_json
from sig_workers.unreachable import NO_TLS, why_unreachable

__all__ = ["Answer", "Sink", "Transport", "next_page", "retry_after"]

_REDIRECTS = 5
_PLAIN_HTTP = " If it speaks plain http, write `insecure = true` for it under `[[registry]]` in sigbot.toml."
_TOKEN_LIMIT = 1 << 20
_TOKENS = 1000
_LONGEST_WAIT = timedelta(hours=6)


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in lower case) and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Sink:
    """Takes a long body piece by piece, when the status is 200; the answer's own body is empty then."""

    write: Callable[[bytes], object]
    seconds: float
    """How long the whole of it may take."""


class Transport:
    """Fetches URLs of registries. Thread-safe."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._tokens: dict[tuple[str, str, str], tuple[str, float]] = {}
        self._blocked: dict[str, float] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def origin(self, host: str) -> str:
        """`scheme://host[:port]` of a registry."""
        return f"{'http' if self._connections.insecure(host) else 'https'}://{host}"

    def get(
        self, url: str, repository: str, login: Login | None, accept: str, limit: int, *, method: str = "GET",
        etag: str | None = None, sink: Sink | None = None,
    ) -> Answer:  # fmt: skip
        """Ask the registry, with a token for pulling `repository` when it wants one.

        `etag` is that of an answer still at hand: status 304 then says that it holds.
        Raises Transient (not reachable, 429, 5xx; with `host`), ForgeError (redirect or realm that is not followed,
        answer over `limit` bytes). Other statuses are returned.
        """
        host = urlsplit(url).netloc
        wanted = {"Accept": accept, **({"If-None-Match": etag} if etag else {})}
        who = login.username if login else ""
        header = self._known_token(host, repository, who)
        answer = self._follow(method, url, wanted, header, limit, sink)
        if answer.status != 401:
            return answer
        challenge = parse_challenge(answer.headers.get("www-authenticate", ""))
        if challenge.scheme == "basic":
            if login is None:
                return answer
            header, lifetime = login.basic, 3600.0
        elif challenge.scheme == "bearer":
            header, lifetime = self._token(challenge, host, repository, login)
        else:
            return answer
        self._keep((host, repository, who), header, lifetime)
        return self._follow(method, url, wanted, header, limit, sink)

    def _known_token(self, host: str, repository: str, who: str) -> str | None:
        with self._lock:
            header, until = self._tokens.get((host, repository, who), ("", 0.0))
        return header if until > time.monotonic() else None

    def _keep(self, key: tuple[str, str, str], header: str, lifetime: float) -> None:
        now = time.monotonic()
        with self._lock:
            if len(self._tokens) >= _TOKENS:
                self._tokens = {one: kept for one, kept in self._tokens.items() if kept[1] > now}
            self._tokens[key] = (header, now + lifetime)

    def _token(self, challenge: Challenge, host: str, repository: str, login: Login | None) -> tuple[str, float]:
        realm = challenge.parameters.get("realm", "")
        self._check_target(realm, f"The registry {host} names a token server")
        query = {"scope": challenge.parameters.get("scope") or f"repository:{repository}:pull"}
        if service := challenge.parameters.get("service"):
            query["service"] = service
        url = str(httpx.URL(realm).copy_merge_params(query))
        answer = self._once(
            "GET", url, host, {"Accept": "application/json"}, login.basic if login else None, _TOKEN_LIMIT
        )
        if answer.status in (401, 403):
            raise ForgeError(
                f"The registry {host} refused our login for {repository}; correct it in the registries' auth file."
            )
        if answer.status != 200:
            raise ForgeError(f"The token server of {host} answered with status {answer.status}.")
        document = parse_json(answer.body, f"The token server of {host}")
        token = document.get("token") or document.get("access_token")
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise ForgeError(f"The token server of {host} gave no token.")
        seconds = document.get("expires_in")
        lifetime = float(seconds) if isinstance(seconds, int | float) and seconds > 0 else 60.0
        return f"Bearer {token}", min(lifetime, 3600.0) * 0.8

    def _follow(
        self, method: str, url: str, wanted: Mapping[str, str], authorization: str | None, limit: int, sink: Sink | None
    ) -> Answer:
        first = urlsplit(url)
        for _ in range(_REDIRECTS):
            answer = self._once(method, url, first.netloc, wanted, authorization, limit, sink)
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            target = urljoin(url, answer.headers.get("location", ""))
            self._check_target(target, f"The registry {first.netloc} redirects")
            if (urlsplit(target).scheme, urlsplit(target).netloc) != (first.scheme, first.netloc):
                authorization = None
            url = target
        raise ForgeError(f"The registry {first.netloc} redirects in a circle.")

    def _check_target(self, url: str, who: str) -> None:
        try:
            parts = urlsplit(url)
            allowed = (
                bool(parts.hostname)
                and "@" not in parts.netloc
                and (parts.scheme == "https" or (parts.scheme == "http" and self._connections.insecure(parts.netloc)))
            )
        except ValueError:
            allowed = False
        if not allowed:
            raise ForgeError(f"{who} at an address that is not https; it is not followed.")

    def _once(
        self, method: str, url: str, registry: str, wanted: Mapping[str, str], authorization: str | None, limit: int,
        sink: Sink | None = None,
    ) -> Answer:  # fmt: skip
        host = urlsplit(url).netloc
        self._wait_asked_for(host)
        headers = {**wanted, "Accept-Encoding": "identity"}
        if authorization:
            headers["Authorization"] = authorization
        try:
            seconds = sink.seconds if sink else None
            with self._connections.turn(host, registry, seconds) as client, client.stream(method, url, headers=headers) as response:  # fmt: skip
                body = bytearray()
                size = 0
                write = sink.write if sink and response.status_code == 200 else body.extend
                for block in response.iter_raw():
                    write(block)
                    size += len(block)
                    if size > limit:
                        raise ForgeError(
                            f"The registry {host} answered with more than {limit >> 10} KiB; it was not read on."
                        )
                answer = Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, bytes(body))
        except httpx.TimeoutException:
            raise Transient(f"The registry {host} did not answer in time.", host=host) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            why = why_unreachable(error)
            remedy = _PLAIN_HTTP if why == NO_TLS else ""
            raise Transient(f"The registry {host} is not reachable ({why}).{remedy}", host=host) from None
        if answer.status == 429 or answer.status >= 500:
            raise self._busy(host, answer)
        return answer

    def _busy(self, host: str, answer: Answer) -> Transient:
        wait = retry_after(answer.headers.get("retry-after"))
        if answer.status == 429:
            wait = wait or timedelta(seconds=60)
            text = f"The registry {host} asks us to slow down (status 429)."
        else:
            text = f"The registry {host} has a problem of its own (status {answer.status})."
        if wait is not None:
            with self._lock:
                self._blocked[host] = time.monotonic() + wait.total_seconds()
        return Transient(text, retry_after=wait, host=host)

    def _wait_asked_for(self, host: str) -> None:
        with self._lock:
            left = self._blocked.get(host, 0.0) - time.monotonic()
        if left > 0:
            raise Transient(f"The registry {host} asked us to wait.", retry_after=timedelta(seconds=left), host=host)


def retry_after(header: str | None) -> timedelta | None:
    """The wait a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date), at most six hours; None without one."""
    if not header:
        return None
    if header.strip().isdecimal() and header.isascii():
        seconds = float(header.strip()[:9])
    else:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return None
        seconds = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    return min(timedelta(seconds=max(seconds, 0.0)), _LONGEST_WAIT)


def next_page(answer: Answer, url: str) -> str | None:
    """The URL of the next page from a Link header (RFC 8288); None at the end. Raises ForgeError for another origin."""
    match = re.search(r'<([^>]*)>\s*;[^,]*\brel="?next"?', answer.headers.get("link", "")[:8192])
    if match is None:
        return None
    target = urlsplit(urljoin(url, match[1]))
    here = urlsplit(url)
    if (target.scheme, target.netloc, target.path) != (here.scheme, here.netloc, here.path):
        raise ForgeError(f"The registry {here.netloc} names a next page on another address; it is not followed.")
    return str(target.geturl())
