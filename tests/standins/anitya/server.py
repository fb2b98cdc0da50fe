"""A release monitor that speaks Anitya's HTTP API, as `anitya/api_v2.py` and `anitya/db/models.py` of its sources have it.

Names are compared whatever their case; pages hold 25 projects unless asked for more, 250 at most; `versions` come without
the project's prefix and `stable_versions` with it, newest first; unknown arguments get status 400, an unknown number 404.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Project:
    """One project. `versions` are as upstream writes them, newest first."""

    id: int
    name: str
    versions: list[str]
    ecosystem: str
    homepage: str
    prefix: str = ""
    prereleases: set[str] = field(default_factory=set)

    def as_json(self) -> dict[str, Any]:
        """What `Project.__json__` gives."""
        plain = [one.removeprefix(self.prefix) for one in self.versions]
        return {
            "id": self.id, "name": self.name, "homepage": self.homepage, "regex": None, "backend": "custom",
            "version_url": None, "version": plain[0] if plain else None, "versions": plain,
            "stable_versions": [one for one in self.versions if one not in self.prereleases],
            "created_on": 1412174943.0, "updated_on": 1482495004.0, "ecosystem": self.ecosystem,
        }  # fmt: skip


@dataclass
class Monitor:
    """The running stand-in. `asked` holds path and query of each request; `trouble` is answered instead of everything."""

    url: str = ""
    projects: dict[int, Project] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    trouble: tuple[int, Mapping[str, str], bytes] | None = None
    first_api: bool = True
    """Whether the first version of the API is there."""

    def add(
        self,
        name: str,
        versions: Sequence[str],
        *,
        ecosystem: str = "",
        prefix: str = "",
        prereleases: Sequence[str] = (),
    ) -> Project:
        """A new project; `prereleases` come before `versions`."""
        number = len(self.projects) + 1
        homepage = f"https://{number}.example/{name}"
        every = [*prereleases, *versions]
        self.projects[number] = Project(
            number, name, every, ecosystem or homepage, homepage, prefix, set(prereleases)
        )  # fmt: skip
        return self.projects[number]

    def release(self, number: int, version: str, *, stable: bool = True) -> None:
        """A project releases a version."""
        self.projects[number].versions.insert(0, version)
        if not stable:
            self.projects[number].prereleases.add(version)

    def answer(self, target: str) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body for a path with its query."""
        self.asked.append(target)
        if self.trouble is not None:
            return self.trouble
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/api/v2/projects/":
            status, document = self._projects(query)
        elif parts.path == "/api/v2/versions/":
            status, document = self._versions(query)
        elif parts.path.startswith("/api/project/") and self.first_api:
            found = self.projects.get(int(parts.path.rstrip("/").rpartition("/")[2]))
            status, document = (
                (200, found.as_json()) if found else (404, {"output": "notok", "error": "No such project"})
            )
        else:
            status, document = 404, {"error": "Not found"}
        return status, {"Content-Type": "application/json"}, json.dumps(document).encode()

    def _projects(self, query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        size, page = int(query.get("items_per_page", "25")), int(query.get("page", "1"))
        if set(query) - {"name", "ecosystem", "items_per_page", "page"} or not (1 <= size <= 250) or page < 1:
            return 400, {"error": "bad argument"}
        found = [
            one.as_json()
            for one in sorted(self.projects.values(), key=lambda one: (one.name, one.ecosystem))
            if query.get("name", one.name).lower() == one.name.lower()
            and query.get("ecosystem", one.ecosystem).lower() == one.ecosystem.lower()
        ]
        items = found[(page - 1) * size : page * size]
        return 200, {"items": items, "items_per_page": size, "page": page, "total_items": len(found)}

    def _versions(self, query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        if set(query) != {"project_id"} or not query["project_id"].isdigit():
            return 400, {"error": "bad argument"}
        found = self.projects.get(int(query["project_id"]))
        if found is None:
            return 404, {"output": "notok", "error": "No such project"}
        told = found.as_json()
        return 200, {
            "latest_version": told["version"],
            "versions": told["versions"],
            "stable_versions": told["stable_versions"],
        }


@contextlib.contextmanager
def open_monitor() -> Iterator[Monitor]:
    """The stand-in on a port of its own."""
    monitor = Monitor()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            status, headers, body = monitor.answer(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    monitor.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield monitor
    finally:
        server.shutdown()
