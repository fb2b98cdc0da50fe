"""git over http by git's own `http-backend` (a CGI program): who may fetch and push is decided here, the rest is git's."""

from __future__ import annotations

import base64
import binascii
import os
import subprocess

from tests.standins.github.actions import Actions
from tests.standins.github.gitrepo import ENV
from tests.standins.github.model import ROLES, Repository, Token
from tests.standins.github.wire import Request, Response, can_read

CHALLENGE = {"WWW-Authenticate": 'Basic realm="GitHub"', "Content-Type": "text/plain"}


def serve(forge: Actions, request: Request, name: str, rest: str, query: str) -> Response:
    """One request of git's smart protocol for the repository `name`; `rest` is the path after it, with its slash."""
    world = forge.world
    service = "receive-pack" if "git-receive-pack" in (rest + query) else "upload-pack"
    with world.lock:
        request.token = _token(forge, request)
        repo = world.repository(name)
        moved = world.moved.get(name.lower())
        if repo is None and moved in world.repositories:
            target = f"{world.url}/{world.repositories[moved].full_name}.git{rest}" + (f"?{query}" if query else "")
            return Response(301, b"", {"Location": target})
        refusal = _refusal(request, repo, service)
    if refusal or repo is None:
        return refusal or Response(404, b"Not Found\n")
    if service == "upload-pack":
        return _backend(request, repo, rest, query)
    with repo.pushing:
        before = repo.git.refs()
        answer = _backend(request, repo, rest, query)
        with world.lock:
            if request.token:
                forge.pushed(repo, request.token.user, before)
    return answer


def _token(forge: Actions, request: Request) -> Token | None:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, _, secret = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    token = forge.world.tokens.get(secret)
    if token is None or (token.expires and token.expires <= forge.world.now()):
        return None
    # a person's token goes with any user name, an installation's with x-access-token only
    return None if token.installation and user != "x-access-token" else token


def _refusal(request: Request, repo: Repository | None, service: str) -> Response | None:
    known = request.token is not None
    if request.headers.get("Authorization") and not known:
        return Response(401, b"Invalid username or token.\n", CHALLENGE)
    if repo is None or not can_read(request, repo):
        return Response(404, b"Not Found\n") if known else Response(401, b"Repository not found.\n", CHALLENGE)
    if service == "upload-pack":
        return None
    if request.token is None:
        return Response(401, b"Authentication required.\n", CHALLENGE)
    if request.token.installation:
        allowed = (
            request.token.permissions.get("contents") == "write" and request.token.installation.account is repo.owner
        )
    else:
        allowed = ROLES.index(repo.role_of(request.token.user)) >= ROLES.index("write")
    if allowed and not repo.archived:
        return None
    return Response(403, f"Permission to {repo.full_name}.git denied to {request.token.user.login}.\n".encode())


def _backend(request: Request, repo: Repository, rest: str, query: str) -> Response:
    env = ENV | {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "GIT_PROJECT_ROOT": str(repo.git.path.parent),
        "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": f"/{repo.git.path.name}{rest}", "QUERY_STRING": query,
        "REQUEST_METHOD": request.method, "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(request.body)), "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_USER": request.token.user.login if request.token else "",
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }  # fmt: skip
    done = subprocess.run(
        ["git", "http-backend"], input=request.body, capture_output=True, env=env, check=False, timeout=120
    )
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
    status = int(headers.pop("Status", "200 OK").split(" ")[0]) if head else 500
    return Response(status, body, headers)
