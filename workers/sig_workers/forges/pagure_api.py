"""The way to one Pagure: ogr's service with its traps closed, answering in our errors only.

What ogr's Pagure service does by default and this module changes: four attempts with sleeps of minutes on 401, 403, 429, 500
and 503; no time limit; `Retry-After` thrown away; a `whoami` call per project object. It is imported on the first call only: it costs
half a second and 70 MB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from sig_bots.errors import ForgeError, NotFound, UserError
from sig_workers.forges.base import CONNECT_SECONDS, error_from_status, speaking_to

if TYPE_CHECKING:
    from requests import Response

__all__ = ["PagureApi", "PagureConfig"]

_PAGE = 100  # the most Pagure gives at once
_PAGES = 500  # a listing longer than 50,000 entries is an error of ours or theirs


@dataclass(frozen=True)
class PagureConfig:
    """One Pagure instance.

    `token` is a user token of `account` with the rights on pull requests, commit flags, issues and forks. Pagure asks for a
    token tied to the project for editing issues: those go in `project_tokens`, by full path. `timeout` is the longest
    wait for an answer, in seconds. `repositories` are globs of full paths (`rpms/*`).
    """

    name: str
    url: str
    account: str
    token: str = field(repr=False)
    service: str = "sigbot"
    timeout: float = 30.0
    repositories: tuple[str, ...] = ()
    project_tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_http: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", self.url.rstrip("/"))
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise UserError(f"instance {self.name}: url must look like https://pagure.example")
        if parts.scheme == "http" and not self.allow_http:
            raise UserError(f"instance {self.name}: url is http; use https, or set allow_http = true for a test server")

    @property
    def host(self) -> str:
        """Host and port, as errors name it."""
        return urlsplit(self.url).netloc


class PagureApi:
    """Calls to one Pagure with one account. No network before the first call."""

    def __init__(self, config: PagureConfig) -> None:
        self.config = config

    @cached_property
    def service(self) -> Any:
        """ogr's PagureService, made safe: no hidden retry, a time limit, errors of ours."""
        from ogr.services.pagure.service import PagureService
        from requests.adapters import HTTPAdapter
        from urllib3.util import Retry

        limits = (CONNECT_SECONDS, self.config.timeout)

        class Limited(HTTPAdapter):
            def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
                options["timeout"] = options.get("timeout") or limits
                return super().send(request, **options)

        once = Retry(0, read=False)
        service = PagureService(
            token=self.config.token,
            instance_url=self.config.url,
            max_retries=once,
            user_agent=f"{self.config.service} (container SIG bot)",
        )
        for scheme in ("https://", "http://"):
            service.session.mount(scheme, Limited(max_retries=once))
        # an `auth` that does nothing keeps requests from replacing our token by an entry of ~/.netrc
        service.session.auth = lambda request: request
        service.session.hooks["response"] = [self._refuse_errors]
        return service

    def _refuse_errors(self, response: Response, **_: object) -> None:
        """Runs inside requests for every answer, where status and headers are still there."""
        call = f"{response.request.method} {urlsplit(response.url).path}"
        if response.is_redirect and response.request.method not in ("GET", "HEAD"):
            raise ForgeError(f"{self.config.host} redirects {call}; put the final address in url of {self.config.name}")
        if response.status_code < 400:
            page = "html" in response.headers.get("Content-Type", "")
            if page and not response.url.startswith(f"{self.config.url}/api/"):
                # Pagure sends files and diffs as plain text; a page is a log-in or a bot check in front of it
                raise ForgeError(
                    f"{self.config.host} answered {call} with a web page; ask its operators to let {self.config.account} through"
                )
            return
        raise error_from_status(
            response.status_code, response.headers, host=self.config.host, call=call, said=_explanation(response)
        )

    # ------------------------------------------------------------ calls

    def get(self, *parts: str, anonymous: bool = False, **params: object) -> Any:
        """GET below /api/0/, as JSON. `anonymous`: without our token."""
        return self._call("GET", parts, params=params, token=None if anonymous else self.config.token)

    def post(self, *parts: str, token: str | None = None, **data: object) -> Any:
        """POST form data below /api/0/, as JSON; with another token than the configured one when given."""
        return self._call("POST", parts, data=data, token=token or self.config.token)

    def raw(self, *parts: str) -> bytes:
        """GET of a page outside the API, as bytes."""
        url = self.service.get_api_url(*map(_quoted, parts), add_api_endpoint_part=False)
        with speaking_to(self.config.host, f"GET {urlsplit(url).path}"):
            content: bytes = self.service.call_api_raw(url, header={"Accept": "text/plain"}).content
        return content

    def pages(self, *parts: str, key: str, anonymous: bool = False, **params: object) -> Iterator[Mapping[str, Any]]:
        """All entries of a listing, over all its pages."""
        for page in range(1, _PAGES + 1):
            answer = self.get(*parts, anonymous=anonymous, page=page, per_page=_PAGE, **params)
            yield from answer.get(key, [])
            if not (answer.get("pagination") or {}).get("next"):
                return

    def project(self, path: str) -> Any:
        """ogr's project, bound to our account so that it need not ask who we are."""
        fork, namespace, name = split_path(path)
        return self.service.get_project(
            repo=name, namespace=namespace, username=fork or self.config.account, is_fork=fork is not None
        )

    def _call(self, method: str, parts: Sequence[str], token: str | None, **content: object) -> Any:
        url = self.service.get_api_url(*map(_quoted, parts))
        call = f"{method} {urlsplit(url).path}"
        # None takes the header out (requests merges it so): Pagure then shows what everybody sees
        header = {"Authorization": f"token {token}" if token else None}
        with speaking_to(self.config.host, call):
            answer = self.service.call_api_raw(url, method=method, header=header, **content).json_content
        if not isinstance(answer, dict):
            raise ForgeError(
                f"{self.config.host} answered {call} with something that is not Pagure's JSON; check the url"
            )
        return answer


def split_path(path: str) -> tuple[str | None, str | None, str]:
    """Owner of the fork (None for no fork), namespace (None for none) and name of a full path."""
    parts = path.split("/")
    fork = parts[1] if len(parts) > 2 and parts[0] == "fork" else None
    rest = parts[2:] if fork else parts
    if not 1 <= len(rest) <= 2 or not all(rest) or rest[0] in ("fork", "forks"):
        raise ForgeError(f"{path!r} is not a Pagure project; write name, namespace/name or fork/user/name")
    return fork, rest[0] if len(rest) == 2 else None, rest[-1]


def _quoted(part: str) -> str:
    """One part of a URL path; `.` and `..` would climb out of the project, because clients resolve them."""
    if any(piece in (".", "..") for piece in part.split("/")):
        raise NotFound(f"{part!r} is not a path inside a project")
    return quote(part, safe="/")


def _explanation(response: Response) -> str:
    """What Pagure says about its refusal; nothing when it is a page of HTML."""
    try:
        answer = response.json()
    except ValueError:
        return ""
    if not isinstance(answer, dict):
        return ""
    detail = answer.get("errors")
    return f"{answer.get('error', '')}{f' ({detail})' if detail else ''}"
