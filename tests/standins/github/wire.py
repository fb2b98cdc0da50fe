"""HTTP as GitHub speaks it: requests, answers, error shapes, pages, rate limits, and faults that a test orders."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.standins.github.model import ROLES, App, Repository, Token, User, World

DOCS = "https://docs.github.com/rest"


@dataclass
class Request:
    """One request. `path` is without the API's prefix and without the query."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    token: Token | None = None
    app: App | None = None

    @property
    def user(self) -> User | None:
        return self.token.user if self.token else None

    def json(self) -> dict[str, Any]:
        """The body as an object. Raises ApiError 400 as GitHub does."""
        try:
            data = json.loads(self.body or b"{}")
        except ValueError:
            raise ApiError(400, "Problems parsing JSON") from None
        if not isinstance(data, dict):
            raise ApiError(400, "Body should be a JSON object")
        return data


@dataclass
class Response:
    """One answer. `data` is sent as JSON unless it is bytes; None sends no body."""

    status: int
    data: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def payload(self) -> bytes:
        if self.data is None:
            return b""
        return self.data if isinstance(self.data, bytes) else json.dumps(self.data).encode()


class ApiError(Exception):
    """An answer of 400 and above in GitHub's shape."""

    def __init__(self, status: int, message: str, errors: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(message)
        self.response = Response(status, {"message": message, "documentation_url": DOCS, "status": str(status)})
        if errors:
            self.response.data["errors"] = list(errors)


def not_found() -> ApiError:
    """What GitHub says of anything the asker may not see."""
    return ApiError(404, "Not Found")


def invalid(resource: str, message: str = "", *, field_name: str = "", code: str = "custom") -> ApiError:
    """422 with one entry in `errors`."""
    entry = {"resource": resource, "code": code}
    if field_name:
        entry["field"] = field_name
    if message:
        entry["message"] = message
    return ApiError(422, "Validation Failed", [entry])


@dataclass
class Fault:
    """Something that goes wrong with the next `count` requests whose `METHOD /path` matches `match`.

    The answer is `status` with `headers` and `body` instead of the real one. `after`: the request is carried out first
    (a 502 after success). `delay`: seconds before answering. `truncate`: the real answer, cut in the middle of its JSON.
    `cut`: the connection closes without an answer.
    """

    match: str = ".*"
    count: int = 1
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    after: bool = False
    delay: float = 0.0
    truncate: bool = False
    cut: bool = False


class Faults:
    """The faults that are still to come, in the order they were ordered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Order a fault."""
        with self._lock:
            self._pending.append(fault)

    def clear(self) -> None:
        """Forget all that have not happened yet."""
        with self._lock:
            self._pending.clear()

    @property
    def left(self) -> int:
        """How many requests will still go wrong."""
        with self._lock:
            return sum(fault.count for fault in self._pending)

    def take(self, line: str) -> Fault | None:
        """The fault for this request, used up by one."""
        with self._lock:
            for fault in self._pending:
                if re.search(fault.match, line):
                    fault.count -= 1
                    if fault.count <= 0:
                        self._pending.remove(fault)
                    return fault
        return None


@dataclass
class RateLimit:
    """The hourly budget, told in every answer; at 0 the API answers 403 until `reset` (seconds since the epoch)."""

    limit: int = 5000
    remaining: int = 5000
    reset: int = 4_102_444_800

    def headers(self) -> dict[str, str]:
        return {
            "x-ratelimit-limit": str(self.limit), "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-used": str(self.limit - self.remaining), "x-ratelimit-reset": str(self.reset),
            "x-ratelimit-resource": "core",
        }  # fmt: skip

    def spend(self) -> Response | None:
        """Take one request from the budget; the refusal when it is empty."""
        if self.remaining > 0:
            self.remaining -= 1
            return None
        message = "API rate limit exceeded for user ID 1001."
        return Response(403, {"message": message, "documentation_url": DOCS}, self.headers())


type Handler = Callable[[Any, Request, dict[str, str]], Response]


class Router:
    """Method and path pattern to handler. `{name}` matches one segment, `{number}` digits, `{name*}` the rest."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def on(self, method: str, pattern: str) -> Callable[[Handler], Handler]:
        """Register the decorated handler. `{repo}` stands for both forms of a repository's address."""
        text = re.escape(pattern).replace(r"\{repo\}", r"(?:repos/(?P<repo>[^/]+/[^/]+)|repositories/(?P<id>\d+))")
        text = re.sub(r"\\{(\w+)\\\*\\}", r"(?P<\1>.*)", text)
        text = text.replace(r"\{number\}", r"(?P<number>\d+)")
        text = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", text)

        def register(handler: Handler) -> Handler:
            self._routes.append((method, re.compile(text), handler))
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        """The handler and the parts of the path."""
        for verb, pattern, handler in self._routes:
            match = pattern.fullmatch(path)
            if verb == method and match:
                return handler, {key: value for key, value in match.groupdict().items() if value is not None}
        return None


def page(world: World, request: Request, items: Sequence[Any], key: str | None = None) -> Response:
    """One page of `items` with a Link header; under `key` with `total_count` where GitHub wraps the list."""
    size = min(max(int(request.query.get("per_page") or 30), 1), 100)
    number = max(int(request.query.get("page") or 1), 1)
    last = max((len(items) + size - 1) // size, 1)
    links = {"prev": number - 1, "next": number + 1, "first": 1, "last": last}
    if number <= 1:
        del links["prev"], links["first"]
    if number >= last:
        del links["next"], links["last"]
    base = f"{world.api}{request.path}"
    header = ", ".join(
        f'<{base}?{urlencode({**request.query, "page": target})}>; rel="{name}"' for name, target in links.items()
    )
    chosen = list(items[(number - 1) * size : number * size])
    data: Any = {"total_count": len(items), key: chosen} if key else chosen
    return Response(200, data, {"Link": header} if header else {})


def parse_query(text: str) -> dict[str, str]:
    """The query as a plain mapping; the last of a repeated name counts."""
    return dict(parse_qsl(text, keep_blank_values=True))


def need_repo(world: World, request: Request, parts: Mapping[str, str]) -> Repository:
    """The repository the path names, as far as the asker may see it. Raises ApiError 404, or 301 when it moved."""
    if "id" in parts:
        repo = world.repositories.get(int(parts["id"]))
    else:
        repo = world.repository(parts["repo"])
        moved = world.moved.get(parts["repo"].lower())
        if repo is None and moved in world.repositories:
            raise _moved(world, request, parts["repo"], moved)
    if repo is None or not can_read(request, repo):
        raise not_found()
    return repo


def _moved(world: World, request: Request, name: str, number: int) -> ApiError:
    location = f"{world.api}/repositories/{number}{request.path.removeprefix(f'/repos/{name}')}"
    error = ApiError(301 if request.method == "GET" else 307, "Moved Permanently")
    error.response.data = {"message": "Moved Permanently", "url": location, "documentation_url": DOCS}
    error.response.headers["Location"] = location
    return error


def can_read(request: Request, repo: Repository) -> bool:
    """Whether the asker sees the repository at all."""
    token = request.token
    if token and token.installation:
        chosen = token.installation.repositories
        covered = token.installation.account is repo.owner and (chosen is None or repo.id in chosen)
        return covered or not repo.private
    return repo.role_of(request.user) != "none"


def need(request: Request, repo: Repository, permission: str, role: str = "write") -> User:
    """The asker, when it may write: an installation by `permission`, a person by `role`. Raises ApiError."""
    token = request.token
    if token is None:
        raise ApiError(401, "Requires authentication")
    if token.installation:
        chosen = token.installation.repositories
        covered = token.installation.account is repo.owner and (chosen is None or repo.id in chosen)
        if not covered or token.permissions.get(permission) not in ("write", "admin"):
            raise ApiError(403, "Resource not accessible by integration")
    elif ROLES.index(repo.role_of(token.user)) < ROLES.index(role):
        raise ApiError(403, f"Must have {'push' if role == 'write' else role} access to repository")
    return token.user
