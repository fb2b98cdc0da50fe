"""A GitHub for tests: REST API, Apps, git over http and signed webhooks in one process, on loopback, with people to act.

    with GitHubStandIn(tmp_path) as github:
        github.add_user("alice")                                  # her token is github.token("alice")
        github.add_repo("alice/demo", files={"Containerfile": "FROM scratch\n"})
        github.commit("alice/demo", "topic", {"Containerfile": "FROM x\n"}, "alice")
        number = github.open_pull("alice/demo", "topic", "main", as_user="alice")

The API is at `api_url` (`URL/api/v3`, where a GitHub Enterprise Server has it), git at `URL/owner/name.git`. `faults` makes
requests go wrong, `limits` is the rate limit, `effects` counts what was made, `log` what was asked.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.standins.github.actions import Actions
from tests.standins.github.hooks import Delivery, Postman
from tests.standins.github.model import (
    App,
    Hook,
    Installation,
    Repository,
    Token,
    User,
    World,
)
from tests.standins.github.people import People
from tests.standins.github.serving import Server
from tests.standins.github.wire import Fault, Faults, RateLimit

APP_PERMISSIONS = {
    "checks": "write", "contents": "write", "issues": "write", "metadata": "read", "pull_requests": "write",
    "statuses": "write",
}  # fmt: skip
APP_EVENTS = (
    "check_run", "check_suite", "commit_comment", "issue_comment", "issues", "pull_request", "pull_request_review", "push",
    "status",
)  # fmt: skip


@dataclass(frozen=True)
class AppCredentials:
    """What the owner of an App configures in a service. `private_key` is PEM."""

    app_id: int
    slug: str
    private_key: str
    hook_secret: str

    @property
    def account(self) -> str:
        """Login of the App's own account."""
        return f"{self.slug}[bot]"


@cache
def _key_pair() -> tuple[str, bytes]:
    """One RSA key per process: making one takes a noticeable time. PEM of the private and the public half."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public


class GitHubStandIn(People):
    """The forge. `clock` gives the time (default: now); everything is kept below `root`."""

    def __init__(self, root: Path, *, clock: Callable[[], datetime] | None = None) -> None:
        self.world = World(root, clock or (lambda: datetime.now(UTC)))
        self.postman = Postman(self.world)
        self.actions = Actions(self.world, self.postman)
        self.faults = Faults()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    # ------------------------------------------------------------ running

    def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1 (a free port for 0) and return the URL."""
        self._server = Server(port, self.actions, self.faults)
        self.world.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="github", daemon=True
        )
        self._thread.start()
        self.postman.start()
        return self.world.url

    def stop(self) -> None:
        """End; webhooks that wait are still sent."""
        if self._server is None or self._thread is None:
            return
        self.postman.stop()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)
        self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where people and git go."""
        return self.world.url

    @property
    def api_url(self) -> str:
        """Base of the REST API."""
        return self.world.api

    @property
    def effects(self) -> Counter[str]:
        """How many things were made: `comments.created`, `pulls.created`, `checks.created`, `statuses.created`, ..."""
        return self.world.effects

    @property
    def limits(self) -> RateLimit:
        """The rate limit."""
        return self.actions.limits

    @property
    def log(self) -> list[tuple[str, int]]:
        """`METHOD /path` and status of every API request that was answered."""
        assert self._server is not None
        return self._server.log

    @property
    def deliveries(self) -> list[Delivery]:
        """Every webhook delivery, in order."""
        return self.postman.deliveries

    def fail(self, match: str = ".*", count: int = 1, **how: Any) -> None:
        """Order a fault (see `wire.Fault`): `fail("POST .*/comments", status=502, after=True)`."""
        self.faults.add(Fault(match, count, **how))

    # ------------------------------------------------------------ who and what there is

    def add_user(self, login: str, *, kind: str = "User", token: str | None = None) -> User:
        """An account. A person gets the token `ghp_LOGIN` unless another is given."""
        with self.world.lock:
            who = User(self.world.next_id(), login, kind, self.world.now())
            self.world.users[who.id] = who
            if kind == "User":
                value = token or f"ghp_{login}"
                self.world.tokens[value] = Token(value, who)
            return who

    def token(self, login: str) -> str:
        """A person's token."""
        return next(
            token.value
            for token in self.world.tokens.values()
            if token.user is self.user(login) and not token.installation
        )

    def add_app(
        self,
        slug: str,
        *,
        owner: str,
        hook_url: str = "",
        hook_secret: str = "",
        permissions: Mapping[str, str] = APP_PERMISSIONS,
        events: Sequence[str] = APP_EVENTS,
    ) -> AppCredentials:
        """Register a GitHub App; its own account is `SLUG[bot]`."""
        private, public = _key_pair()
        with self.world.lock:
            bot = self.add_user(f"{slug}[bot]", kind="Bot")
            app = App(
                self.world.next_id(), slug, self.user(owner), bot, public, dict(permissions), list(events), hook_url,
                hook_secret, self.world.now(),
            )  # fmt: skip
            self.world.apps[app.id] = app
        return AppCredentials(app.id, slug, private, hook_secret)

    def set_app_hook(self, app_id: int, url: str, secret: str) -> None:
        """Change where the App's webhooks go."""
        app = self.world.apps[app_id]
        app.hook_url, app.hook_secret = url, secret

    def install(self, app_id: int, account: str, repositories: Sequence[str] | None = None) -> Installation:
        """Install an App on an account, for all its repositories or the named ones (full names)."""
        with self.world.lock:
            app = self.world.apps[app_id]
            chosen = None if repositories is None else {self.repo(name).id for name in repositories}
            made = Installation(
                self.world.next_id(), app, self.user(account), chosen, dict(app.permissions), self.world.now()
            )
            self.world.installations[made.id] = made
            return made

    def add_repo(
        self,
        full_name: str,
        *,
        files: Mapping[str, str | bytes] | None = None,
        private: bool = False,
        branch: str = "main",
    ) -> Repository:
        """A repository with one commit of `files` on its default branch (empty without files). No webhook is sent."""
        owner, _, name = full_name.partition("/")
        with self.world.lock:
            repo = self.actions.new_repository(self.user(owner), name, private=private, default_branch=branch)
            if files is not None:
                repo.git.commit_files(branch, files, "First commit", owner, parent=None)
            return repo

    def rename_repo(self, full_name: str, name: str) -> None:
        """Rename a repository; the old name redirects."""
        with self.world.lock:
            repo = self.repo(full_name)
            self.world.moved[full_name.lower()] = repo.id
            repo.name = name

    def rename_user(self, login: str, new: str) -> None:
        """Rename an account; its id stays."""
        self.user(login).login = new

    def set_permission(self, full_name: str, login: str, role: str) -> None:
        """Give an account a role: none, read, triage, write, maintain or admin."""
        self.repo(full_name).roles[self.user(login).id] = role

    def add_hook(self, full_name: str, url: str, secret: str, events: Sequence[str] = ("*",)) -> Hook:
        """Add a webhook to a repository."""
        hook = Hook(self.world.next_id(), url, secret, list(events), True, self.world.now())
        self.repo(full_name).hooks.append(hook)
        return hook
