"""A real git over HTTP on loopback: `git http-backend` behind a small server, with optional Basic authentication."""

import base64
import contextlib
import gzip
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CLEAN = {
    "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "LC_ALL": "C",
    "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.org", "GIT_AUTHOR_DATE": "@1700000000 +0000",
    "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.org", "GIT_COMMITTER_DATE": "@1700000000 +0000",
}  # fmt: skip


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """Run git as a person would; its output without the line end."""
    done = subprocess.run(["git", *arguments], cwd=folder, env=CLEAN, input=stdin, capture_output=True, check=True)
    return done.stdout.decode().strip()


@dataclass
class GitServer:
    root: Path
    url: str = ""
    password: str | None = None
    redirect: str | None = None
    protocol_0: bool = False
    requests: list[str] = field(default_factory=list)

    def bare(self, name: str = "demo.git") -> Path:
        path = self.root / name
        git(self.root, "init", "-q", "--bare", "-b", "main", name)
        for option in ("uploadpack.allowFilter", "http.receivepack", "uploadpack.allowAnySHA1InWant"):
            git(path, "config", option, "true")
        return path

    def count(self, service: str) -> int:
        return sum(f"POST /{service}" in line or line.endswith(f"/{service}") for line in self.requests)


@contextlib.contextmanager
def serve(root: Path) -> Iterator[GitServer]:
    state = GitServer(root)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def _answer(self, code: int, headers: dict[str, str], body: bytes = b"") -> None:
            self.send_response(code)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            body = self._body()
            state.requests.append(f"{self.command} {path}")
            if state.redirect:
                return self._answer(302, {"Location": state.redirect + self.path})
            if state.password is not None:
                right = "Basic " + base64.b64encode(f"bot:{state.password}".encode()).decode()
                if self.headers.get("Authorization") != right:
                    return self._answer(401, {"WWW-Authenticate": 'Basic realm="git"'})
            env = CLEAN | {
                "GIT_PROJECT_ROOT": str(root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
                "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)), "GIT_PROTOCOL": "" if state.protocol_0 else self.headers.get("Git-Protocol", ""),
                "REMOTE_USER": "bot",
            }  # fmt: skip
            done = subprocess.run(["git", "http-backend"], env=env, input=body, capture_output=True)
            head, _, rest = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
            return self._answer(int(headers.pop("Status", "200").split()[0]), headers, rest)

        do_POST = do_GET

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
