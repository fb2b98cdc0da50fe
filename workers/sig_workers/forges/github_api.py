"""The way to one GitHub (github.com or an Enterprise server): ogr's service made safe, answering in our errors only.

One call here is one request on the wire, sent once: what shall be tried again is decided by the runner. A rate limit, 429, 5xx,
a broken answer and network trouble become `Transient`; what GitHub says about a refusal is kept, what was sent is not.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from sig_bots.errors import ForgeError, NotFound, SigbotError, Transient, UserError
from sig_bots.refs import Actor
from sig_workers.forges.base import error_from_status, speaking_to
from sig_workers.forges.github_tokens import InstallationTokens

if TYPE_CHECKING:
    from sig_workers.forges.github_ogr import OneTryService

__all__ = ["GitHubApi", "GitHubConfig", "Refused", "quoted"]

_PAGE = 100  # the most GitHub gives at once
_PAGES = 500  # a listing longer than 50,000 entries is an error of ours or theirs
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*\brel="next"')
_SECONDARY_WAIT = timedelta(seconds=60)
"""What GitHub's documentation asks for when a secondary rate limit comes without Retry-After."""


@dataclass(frozen=True)
class GitHubConfig:
    """One GitHub instance, with either a person's `token` or an App's `app_id` (or client id) and `private_key` (PEM).

    `api_url` follows from `url` when empty: https://api.github.com for github.com, `URL/api/v3` for an Enterprise server.
    `account` and `account_id` name our own account (`SLUG[bot]` for an App); unless both are given, GitHub is asked once. `timeout` is the longest
    wait for a connection and for an answer, in seconds (whole ones; a fraction is rounded up). `repositories` are globs of
    full paths (`acme/*`); for an App they narrow what its installations cover, when there are any.
    """

    name: str
    url: str = "https://github.com"
    api_url: str = ""
    account: str = ""
    account_id: str | None = None
    token: str = field(default="", repr=False)
    app_id: str = ""
    private_key: str = field(default="", repr=False)
    service: str = "sigbot"
    timeout: float = 15.0
    repositories: tuple[str, ...] = ()
    allow_http: bool = False

    def __post_init__(self) -> None:
        url = self.url.rstrip("/")
        default = "https://api.github.com" if url == "https://github.com" else f"{url}/api/v3"
        object.__setattr__(self, "url", url)
        object.__setattr__(self, "api_url", self.api_url.rstrip("/") or default)
        for key, address in (("url", self.url), ("api_url", self.api_url)):
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
                raise UserError(f"instance {self.name}: {key} must look like https://github.example")
            if parts.scheme == "http" and not self.allow_http:
                raise UserError(
                    f"instance {self.name}: {key} is http; use https, or set allow_http = true for a test server"
                )
        if bool(self.token) == bool(self.app_id) or bool(self.app_id) != bool(self.private_key):
            raise UserError(f"instance {self.name}: give either token, or app_id together with private_key")

    @property
    def host(self) -> str:
        """Host and port, as errors name it."""
        return urlsplit(self.api_url).netloc

    @property
    def is_app(self) -> bool:
        """Whether we are an App here."""
        return bool(self.app_id)


class Refused(ForgeError):
    """A request GitHub refuses for good. `status` is the answer's, `errors` its list of what is wrong."""

    def __init__(self, message: str, status: int, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.errors = errors

    def about(self, field_name: str) -> bool:
        """Whether it names this field of what was sent."""
        return any(entry.get("field") == field_name for entry in self.errors)


class GitHubApi:
    """Calls to one GitHub with one account. No network before the first call."""

    def __init__(self, config: GitHubConfig) -> None:
        self.config = config
        self.tokens = InstallationTokens(self._ask_as_app)

    @cached_property
    def service(self) -> OneTryService:
        """ogr's GithubService, made safe. Raises ForgeError when the App's key cannot be used."""
        from sig_workers.forges.github_ogr import AppLogin, OneTryService, TokenLogin, app_signature

        options = {
            "base_url": self.config.api_url,
            "timeout": max(1, math.ceil(self.config.timeout)),
            "retry": None,
            "seconds_between_requests": None,
            "seconds_between_writes": None,
            "per_page": _PAGE,
            "user_agent": f"{self.config.service} (container SIG bot)",
        }
        if not self.config.is_app:
            return OneTryService(TokenLogin(self.config.token, options))
        try:
            signature = app_signature(self.config.app_id, self.config.private_key)
        except Exception:
            # whatever the library raises for a key it cannot read; its own text could show a part of the key
            raise ForgeError(
                f"instance {self.config.name}: private_key is not an RSA key in PEM form; put the .pem file of the App there"
            ) from None
        return OneTryService(AppLogin(signature, self.tokens.installation_of, self.tokens.token_of, options))

    @cached_property
    def account(self) -> Actor:
        """Our own account: `SLUG[bot]` for an App."""
        config = self.config
        complete = bool(config.account and config.account_id)
        if complete and (not config.is_app or config.account.endswith("[bot]")):
            return Actor(login=config.account, id=config.account_id, bot=True)
        if not config.is_app:
            me = self.call("GET", "/user")
            return Actor(login=me["login"], id=str(me["id"]), bot=True)
        # nobody can register a login with a bracket, so it is as good as the id, which only an installation may ask for
        return Actor(login=f"{self._ask_as_app('GET', '/app')['slug']}[bot]", id=config.account_id, bot=True)

    def installations(self) -> Iterator[int]:
        """The App's installations that are not suspended."""
        requester = self.service.authentication.integration.requester
        for raw in self._listing(
            lambda url, params: self._send(requester, "GET", url, params, None), "/app/installations"
        ):
            if raw.get("suspended_at") is None:
                yield int(raw["id"])

    # ------------------------------------------------------------ calls

    def call(
        self, method: str, url: str, *, repo: str = "", params: Mapping[str, object] | None = None, body: object = None
    ) -> Any:
        """One request below the API's base; its JSON, None when the answer has none. `repo` (full path) chooses the App's installation."""
        return self._call(method, url, repo, params, body)[1]

    def pages(
        self,
        url: str,
        *,
        repo: str = "",
        installation: int | None = None,
        key: str = "",
        params: Mapping[str, str] | None = None,
    ) -> Iterator[Mapping[str, Any]]:
        """All entries of a listing, over all its pages; under `key` where GitHub wraps the list."""
        return self._listing(
            lambda link, rest: self._call("GET", link, repo, rest, None, installation), url, key, params or {}
        )

    def _listing(
        self,
        get: Callable[[str, Mapping[str, object] | None], tuple[Mapping[str, str], Any]],
        url: str,
        key: str = "",
        params: Mapping[str, str] | None = None,
    ) -> Iterator[Mapping[str, Any]]:
        link: str = url
        rest: Mapping[str, object] | None = {"per_page": _PAGE, **(params or {})}
        for _ in range(_PAGES):
            headers, data = get(link, rest)
            yield from data[key] if key else data
            following = _NEXT.search(headers.get("link", ""))
            if following is None:
                return
            link, rest = following[1], None

    def _call(
        self,
        method: str,
        url: str,
        repo: str,
        params: Mapping[str, object] | None,
        body: object,
        installation: int | None = None,
    ) -> tuple[Mapping[str, str], Any]:
        if not self.config.is_app:
            return self._send(self.service.github.requester, method, url, params, body)
        number = installation if installation is not None else self.tokens.installation_of(repo)
        token = self.tokens.token_of(number)
        requester = self.service.authentication.client_of(number).requester
        try:
            return self._send(requester, method, url, params, body)
        except Refused as refusal:
            # a token may be revoked before its end; a request refused so was not carried out, so it may be sent again
            if refusal.status != 401 or not self.tokens.forget(number, token):
                raise
            return self._send(requester, method, url, params, body)

    def _ask_as_app(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._send(self.service.authentication.integration.requester, method, url, None, body)[1]

    def _send(
        self,
        requester: Any,
        method: str,
        url: str,
        params: Mapping[str, object] | None,
        body: object,
        moved: bool = False,
    ) -> tuple[Mapping[str, str], Any]:
        call = f"{method} {urlsplit(url).path}"
        with speaking_to(self.config.host, call):
            status, headers, text = requester.requestJson(method, url, dict(params or {}), {}, body)
        if status in (307, 308) and not moved and headers.get("location"):
            # a renamed repository: reads are redirected by PyGithub, writes are not and would pass for done
            return self._send(requester, method, self._own(headers["location"], call), params, body, moved=True)
        if status >= 300:
            raise self._error(status, headers, text, call)
        try:
            return headers, json.loads(text) if text else None
        except ValueError:
            raise Transient(
                f"{self.config.host} sent a broken answer to {call}; trying again later", host=self.config.host
            ) from None

    def _own(self, location: str, call: str) -> str:
        """The address a redirect names, when it is on the configured server."""
        if location.startswith(f"{self.config.api_url}/"):
            return location.removeprefix(self.config.api_url)
        raise ForgeError(f"{self.config.host} redirects {call} to another server; put the final address in api_url")

    def _error(self, status: int, headers: Mapping[str, str], text: str, call: str) -> SigbotError:
        message, errors = _explanation(text)
        details = "; ".join(filter(None, map(_detail, errors)))
        said = f"{message} ({details})" if details else message
        error = error_from_status(status, headers, host=self.config.host, call=call, said=said)
        if status == 403 and re.search(r"rate limit|abuse detection", message, re.I):
            wait = error.retry_after if isinstance(error, Transient) else None
            return Transient(str(error), retry_after=wait or _SECONDARY_WAIT, host=self.config.host)
        if isinstance(error, (Transient, NotFound)):
            return error
        if status == 422 and message.startswith("No commit found"):
            return NotFound(str(error))
        return Refused(str(error), status, errors)


def _explanation(text: str) -> tuple[str, list[Mapping[str, Any]]]:
    """GitHub's message and list of errors; nothing when the body is not its JSON (a proxy's page, say)."""
    try:
        data = json.loads(text)
    except ValueError:
        return "", []
    if not isinstance(data, dict):
        return "", []
    errors = data.get("errors")
    listed: list[Mapping[str, Any]] = (
        [entry for entry in errors if isinstance(entry, dict)] if isinstance(errors, list) else []
    )
    return str(data.get("message") or ""), listed


def _detail(entry: Mapping[str, Any]) -> str:
    return str(entry.get("message") or " ".join(str(entry[key]) for key in ("field", "code") if entry.get(key)))


def quoted(part: str) -> str:
    """A part of a URL path. Raises NotFound for `.` and `..`, which would climb out of the repository: clients resolve them."""
    if any(piece in (".", "..") for piece in part.split("/")):
        raise NotFound(f"{part!r} is not a path inside a repository")
    return quote(part, safe="/")
