"""The stand-in's HTTP side: one handler for the REST API and for git, with orders of faults obeyed before anything else."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import jwt

from tests.standins.github import githttp, routes_accounts, routes_checks, routes_repositories, routes_talk
from tests.standins.github.actions import Actions
from tests.standins.github.model import App, Token
from tests.standins.github.wire import ApiError, Fault, Faults, Request, Response, not_found, parse_query

ROUTERS = (routes_accounts.routes, routes_talk.routes, routes_checks.routes, routes_repositories.routes)
_GIT = re.compile(r"/([^/]+/[^/]+?)(?:\.git)?(/info/refs|/git-upload-pack|/git-receive-pack)")
_PREFIX = "/api/v3"
_FOR_APPS = re.compile(r"/app(/.*)?|/(users|orgs)/[^/]+/installation|/repos/[^/]+/[^/]+/installation")
"""Where GitHub takes an App's own JSON web token; everywhere else it wants an installation's token."""


class Server(ThreadingHTTPServer):
    """The server with what its handlers need. `log` holds `METHOD /path` and status of every answered API request."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, forge: Actions, faults: Faults) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.forge = forge
        self.faults = faults
        self.log: list[tuple[str, int]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Nothing on the terminal."""

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        body = self._read_body()
        request = Request(
            self.command,
            unquote(path),
            parse_query(query),
            {name.title(): value for name, value in self.headers.items()},
            body,
        )
        line = f"{request.method} {request.path.removeprefix(_PREFIX)}"
        fault = self.server.faults.take(line)
        if fault is None:
            self._send(self._answer(request, query))
            return
        self._go_wrong(fault, request, query)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = _serve

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _go_wrong(self, fault: Fault, request: Request, query: str) -> None:
        answer = self._answer(request, query) if fault.after or fault.truncate else None
        time.sleep(fault.delay)
        if fault.cut:
            self.close_connection = True
            return
        if fault.truncate and answer is not None:
            data = answer.payload()
            answer = Response(answer.status, data[: len(data) // 2], answer.headers)
        elif fault.status is not None:
            answer = Response(fault.status, fault.body, dict(fault.headers))
        self._send(answer or self._answer(request, query))

    def _answer(self, request: Request, query: str) -> Response:
        forge = self.server.forge
        if request.path.startswith(_PREFIX):
            request.path = request.path.removeprefix(_PREFIX)
            with forge.world.lock:
                answer = self._limited(request) or _api(forge, request)
            answer.headers = forge.limits.headers() | answer.headers
            self.server.log.append((f"{request.method} {request.path}", answer.status))
            return answer
        if match := _GIT.fullmatch(request.path):
            return githttp.serve(forge, request, match[1], match[2], query)
        return Response(404, b"This is not the web page you are looking for.\n", {"Content-Type": "text/plain"})

    def _limited(self, request: Request) -> Response | None:
        return None if request.path == "/rate_limit" else self.server.forge.limits.spend()

    def _send(self, answer: Response) -> None:
        """Everything in one write: two would wait for each other on a slow acknowledgement."""
        data = answer.payload()
        headers = {"Content-Type": "application/json; charset=utf-8", "Server": "github.com"} | answer.headers
        if answer.status != 204:
            headers["Content-Length"] = str(len(data))
        lines = [f"{self.protocol_version} {answer.status} {self.responses.get(answer.status, ('Unknown',))[0]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.wfile.write(head + (data if self.command != "HEAD" else b""))


def _api(forge: Actions, request: Request) -> Response:
    try:
        _authenticate(forge, request)
        for router in ROUTERS:
            if found := router.find(request.method, request.path):
                handler: Callable[..., Response] = found[0]
                return handler(forge, request, found[1])
        raise not_found()
    except ApiError as error:
        return error.response


def _authenticate(forge: Actions, request: Request) -> None:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if not kind:
        return
    value = value.strip()
    if kind.lower() == "basic":
        value = base64.b64decode(value).decode().rpartition(":")[2]
    if value.count(".") == 2:
        request.app = _app(forge, value)
        if not _FOR_APPS.fullmatch(request.path):
            raise ApiError(401, "A JSON web token could not be decoded")
        return
    token: Token | None = forge.world.tokens.get(value)
    if token is None or (token.expires and token.expires <= forge.world.now()):
        raise ApiError(401, "Bad credentials")
    if token.installation and token.installation.suspended:
        raise ApiError(403, "This installation has been suspended")
    request.token = token


def _app(forge: Actions, token: str) -> App:
    """The App that signed a JSON web token, checked as GitHub does: RS256, `iss`, `iat` in the past, at most ten minutes."""
    try:
        claims: dict[str, Any] = json.loads(_segment(token))
    except ValueError:
        raise ApiError(401, "A JSON web token could not be decoded") from None
    app = next((item for item in forge.world.apps.values() if str(item.id) == str(claims.get("iss"))), None)
    if app is None:
        raise ApiError(401, "Integration not found")
    now = forge.world.now().timestamp()
    if not isinstance(claims.get("iat"), int) or claims["iat"] > now:
        raise ApiError(
            401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        )
    if not isinstance(claims.get("exp"), int) or claims["exp"] <= now:
        raise ApiError(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        )
    if claims["exp"] > now + 600:
        raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
    try:
        jwt.decode(token, app.public_key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})
    except jwt.InvalidTokenError:
        raise ApiError(401, "A JSON web token could not be decoded") from None
    return app


def _segment(token: str) -> bytes:
    middle = token.split(".")[1]
    return base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))
