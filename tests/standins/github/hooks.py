"""Webhook deliveries: signed, in order, by one thread, never retried; a redelivery keeps its GUID, as on GitHub."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import queue
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from tests.standins.github.answers import app, repository, stamp, user
from tests.standins.github.answers_code import pulls_of
from tests.standins.github.model import App, Repository, User, World

TIMEOUT = 10.0
"""Seconds GitHub waits for a receiver."""


@dataclass(eq=False)
class Delivery:
    """One delivery and how it went. `status_code` is 0 until it was tried, and after a failure to connect."""

    id: int
    guid: str
    event: str
    action: str | None
    url: str
    headers: dict[str, str]
    body: bytes
    app: App | None
    repository: Repository
    installation: int | None
    created: datetime
    redelivery: bool = False
    status: str = "pending"
    status_code: int = 0
    duration: float = 0.0
    response: bytes = b""
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def payload(self) -> dict[str, Any]:
        """The body as data."""
        loaded: dict[str, Any] = json.loads(self.body)
        return loaded


class Postman:
    """Sends webhooks and keeps the record of every delivery in `deliveries`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.deliveries: list[Delivery] = []
        self._queue: queue.Queue[Delivery | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="github-hooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Send what is waiting, then end."""
        self._queue.put(None)
        self._thread.join(timeout=TIMEOUT * 2)

    def emit(
        self,
        event: str,
        repo: Repository,
        sender: User,
        body: Callable[[], dict[str, Any]],
        *,
        action: str | None = None,
        only: App | None = None,
    ) -> None:
        """Send an event to the repository's hooks and to the Apps installed on it (`only`: to that App and no hook).

        `body` is called at once, and only when there is somebody to tell.
        """
        world = self._world
        hooks = [hook for hook in repo.hooks if hook.active and {"*", event} & set(hook.events)] if only is None else []
        apps = [
            (item, installed)
            for item in ([only] if only else world.apps.values())
            if item.hook_url and (only or event in item.events) and (installed := world.installation_for(item, repo))
        ]
        if not hooks and not apps:
            return
        payload = ({"action": action} if action else {}) | body()
        payload |= {"repository": repository(world, repo), "sender": user(world, sender)}
        if repo.owner.kind == "Organization":
            payload["organization"] = {"login": repo.owner.login, "id": repo.owner.id}
        for hook in hooks:
            self._enqueue(event, action, repo, hook.url, hook.secret, payload, hook.id)
        for item, installed in apps:
            if not installed.suspended:
                mine = payload | {"installation": {"id": installed.id, "node_id": f"I{installed.id}"}}
                self._enqueue(event, action, repo, item.hook_url, item.hook_secret, mine, item.id, item, installed.id)

    def _enqueue(
        self, event: str, action: str | None, repo: Repository, url: str, secret: str, payload: dict[str, Any], hook: int,
        item: App | None = None, installation: int | None = None,
    ) -> None:  # fmt: skip
        body = json.dumps(payload).encode()
        guid = str(uuid.uuid4())
        headers = {
            "Accept": "*/*", "Content-Type": "application/json", "User-Agent": f"GitHub-Hookshot/{guid[:7]}",
            "X-GitHub-Delivery": guid, "X-GitHub-Event": event, "X-GitHub-Hook-ID": str(hook),
            "X-GitHub-Hook-Installation-Target-ID": str(item.id if item else repo.id),
            "X-GitHub-Hook-Installation-Target-Type": "integration" if item else "repository",
        }  # fmt: skip
        if secret:
            headers["X-Hub-Signature"] = "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
            headers["X-Hub-Signature-256"] = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        self._post(
            Delivery(
                self._world.next_id(),
                guid,
                event,
                action,
                url,
                headers,
                body,
                item,
                repo,
                installation,
                self._world.now(),
            )
        )

    def _post(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        self._queue.put(delivery)

    def redeliver(self, old: Delivery) -> Delivery:
        """Send a delivery again: the same GUID and body, a new id."""
        new = Delivery(
            self._world.next_id(), old.guid, old.event, old.action, old.url, old.headers, old.body, old.app, old.repository,
            old.installation, self._world.now(), redelivery=True,
        )  # fmt: skip
        self._post(new)
        return new

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until everything emitted so far was tried. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        for delivery in list(self.deliveries):
            if not delivery.done.wait(max(0.0, deadline - time.monotonic())):
                raise TimeoutError(f"delivery {delivery.guid} ({delivery.event}) was not tried within {timeout} s")

    def _run(self) -> None:
        while (delivery := self._queue.get()) is not None:
            started = time.monotonic()
            try:
                delivery.status_code, delivery.response = _deliver(delivery)
                fine = delivery.status_code < 300
                delivery.status = "OK" if fine else f"Invalid HTTP Response: {delivery.status_code}"
            except (OSError, ValueError, http.client.HTTPException):
                delivery.status = "failed to connect to host"
            delivery.duration = round(time.monotonic() - started, 3)
            delivery.done.set()


def _deliver(delivery: Delivery) -> tuple[int, bytes]:
    """One POST; status and body of the answer. (urllib.request would write the header names in its own way.)"""
    parts = urlsplit(delivery.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        connection.request(
            "POST", f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}", delivery.body, delivery.headers
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def delivery_item(item: Delivery) -> dict[str, Any]:
    """A delivery as the list of deliveries has it."""
    return {
        "id": item.id, "guid": item.guid, "delivered_at": stamp(item.created), "redelivery": item.redelivery,
        "duration": item.duration, "status": item.status, "status_code": item.status_code, "event": item.event,
        "action": item.action, "installation_id": item.installation, "repository_id": item.repository.id,
        "throttled_at": None,
    }  # fmt: skip


def delivery_detail(item: Delivery) -> dict[str, Any]:
    """A delivery with its request and response."""
    return delivery_item(item) | {
        "url": item.url,
        "request": {"headers": item.headers, "payload": item.payload},
        "response": {"headers": {}, "payload": item.response.decode(errors="replace")},
    }


def check_suite_body(
    world: World, repo: Repository, item: App, sha: str, suite: int, branch: str | None
) -> dict[str, Any]:
    """The `check_suite` object of a webhook."""
    url = f"{world.api}/repos/{repo.full_name}/check-suites/{suite}"
    now = stamp(world.now())
    return {
        "id": suite, "node_id": f"CS{suite}", "head_branch": branch, "head_sha": sha, "status": "queued", "conclusion": None,
        "url": url, "before": None, "after": sha, "pull_requests": pulls_of(world, repo, sha), "app": app(world, item),
        "created_at": now, "updated_at": now, "rerequestable": True, "latest_check_runs_count": 0,
        "check_runs_url": f"{url}/check-runs", "head_commit": _head_commit(repo, sha),
    }  # fmt: skip


def _head_commit(repo: Repository, sha: str) -> dict[str, Any]:
    info = repo.git.commit(sha)
    names = [{"name": name, "email": mail} for name, mail, _ in (info.author, info.committer)]
    return {
        "id": sha, "tree_id": info.tree, "message": info.message, "timestamp": info.author[2],
        "author": names[0], "committer": names[1],
    }  # fmt: skip
