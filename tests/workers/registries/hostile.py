"""A small HTTP server that answers what a test tells it to, and remembers what it was asked."""

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json"

type Reply = tuple[int, dict[str, str], bytes]


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Server:
    host: str = ""
    replies: dict[str, Reply | Callable[[Asked], Reply]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def put(self, path: str, content: Any, media_type: str = OCI_IMAGE, status: int = 200, **headers: str) -> str:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        digest = digest_of(body)
        self.replies[path] = (status, {"Content-Type": media_type, **named}, body)
        return digest

    def image(self, name: str, tag: str, content: Any, media_type: str = OCI_IMAGE) -> str:
        """A manifest under its tag and under its digest."""
        body = json.dumps(content).encode()
        for reference in (tag, digest_of(body)):
            self.put(f"/v2/{name}/manifests/{reference}", body, media_type, Docker_Content_Digest=digest_of(body))
        return digest_of(body)


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            asked = Asked(self.command, self.path, {key.lower(): value for key, value in self.headers.items()})
            state.asked.append(asked)
            reply = state.replies.get(self.path) or state.replies.get(self.path.partition("?")[0]) or (404, {}, b"{}")
            status, headers, body = reply(asked) if callable(reply) else reply
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

        do_HEAD = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.host = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
