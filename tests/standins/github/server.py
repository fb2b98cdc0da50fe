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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.standins.github import answers
from tests.standins.github.actions import Actions
from tests.standins.github.hooks import Delivery, Postman
from tests.standins.github.model import (
    App,
    CheckRun,
    Comment,
    Hook,
    Installation,
    Issue,
    Repository,
    Review,
    Token,
    User,
    World,
)
from tests.standins.github.serving import Server
from tests.standins.github.wire import Fault, Faults, RateLimit

APP_PERMISSIONS = {
    "checks": "write", "contents": "write", "issues": "write", "metadata": "read", "pull_requests": "write",
    "statuses": "write",
}  # fmt: skip
APP_EVENTS = (
    "check_run", "check_suite", "commit_comment", "issue_comment", "issues", "pull_request", "pull_request_review", "push",
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


class GitHubStandIn:
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

    def user(self, login: str) -> User:
        """An account by login. Raises KeyError."""
        found = self.world.user(login)
        if found is None:
            raise KeyError(login)
        return found

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

    def repo(self, full_name: str) -> Repository:
        """A repository by full name. Raises KeyError."""
        found = self.world.repository(full_name)
        if found is None:
            raise KeyError(full_name)
        return found

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

    # ------------------------------------------------------------ people act

    @contextmanager
    def _acting(self, full_name: str, login: str) -> Iterator[tuple[Repository, User]]:
        with self.world.lock:
            yield self.repo(full_name), self.user(login)

    def commit(
        self,
        full_name: str,
        branch: str,
        files: Mapping[str, str | bytes | None],
        as_user: str,
        *,
        start: str | None = None,
        message: str = "Change files",
        force: bool = False,
    ) -> str:
        """Commit on a branch (made from `start`, by default the default branch) as if pushed; the new commit."""
        with self._acting(full_name, as_user) as (repo, who):
            before = repo.git.refs()
            base = repo.git.resolve(start or repo.default_branch)
            parent = base if force else repo.git.branches().get(branch, base)
            sha = repo.git.commit_files(branch, files, message, as_user, parent=parent)
            self.actions.pushed(repo, who, before)
            return sha

    def delete_branch(self, full_name: str, branch: str, as_user: str) -> None:
        """Delete a branch; open pull requests from it are closed."""
        with self._acting(full_name, as_user) as (repo, who):
            before = repo.git.refs()
            repo.git.set_ref(f"refs/heads/{branch}", None)
            self.actions.pushed(repo, who, before)

    def fork(self, full_name: str, as_user: str) -> str:
        """Fork a repository; the fork's full name."""
        with self._acting(full_name, as_user) as (repo, who):
            return self.actions.fork(repo, who).full_name

    def open_pull(
        self,
        full_name: str,
        head: str,
        base: str = "main",
        *,
        as_user: str,
        title: str = "A change",
        body: str = "",
        draft: bool = False,
    ) -> int:
        """Open a pull request from `branch` or `owner:branch`; its number. Raises wire.ApiError."""
        with self._acting(full_name, as_user) as (repo, who):
            return self.actions.open_pull(repo, who, head=head, base=base, title=title, body=body, draft=draft).number

    def open_issue(self, full_name: str, title: str, body: str = "", *, as_user: str) -> int:
        """Open an issue; its number."""
        with self._acting(full_name, as_user) as (repo, who):
            return self.actions.open_issue(repo, who, title, body, []).number

    def comment(self, full_name: str, number: int, body: str, *, as_user: str) -> Comment:
        """Comment on an issue or pull request."""
        with self._acting(full_name, as_user) as (repo, who):
            return self.actions.comment(repo, repo.issues[number], who, body)

    def edit_comment(self, full_name: str, comment: Comment, body: str, *, as_user: str) -> None:
        """Edit a comment."""
        with self._acting(full_name, as_user) as (repo, who):
            self.actions.edit_comment(repo, comment, who, body)

    def delete_comment(self, full_name: str, comment: Comment, *, as_user: str) -> None:
        """Delete a comment."""
        with self._acting(full_name, as_user) as (repo, who):
            self.actions.delete_comment(repo, comment, who)

    def comment_commit(self, full_name: str, sha: str, body: str, *, as_user: str) -> Comment:
        """Comment on a commit."""
        with self._acting(full_name, as_user) as (repo, who):
            return self.actions.commit_comment(repo, who, sha, body)

    def review(self, full_name: str, number: int, body: str, *, as_user: str, state: str = "commented") -> Review:
        """Submit a review: commented, approved or changes_requested."""
        with self._acting(full_name, as_user) as (repo, who):
            return self.actions.review(repo, repo.issues[number], who, body, state)

    def label(self, full_name: str, number: int, *names: str, as_user: str) -> None:
        """Put labels on an issue or pull request."""
        with self._acting(full_name, as_user) as (repo, who):
            self.actions.add_labels(repo, repo.issues[number], who, list(names))

    def edit(self, full_name: str, number: int, *, as_user: str, **new: Any) -> None:
        """Change `title`, `body`, `base` or `state` (open, closed) of an issue or pull request."""
        with self._acting(full_name, as_user) as (repo, who):
            self.actions.edit_issue(repo, repo.issues[number], who, new)

    def close(self, full_name: str, number: int, *, as_user: str) -> None:
        """Close an issue or pull request."""
        self.edit(full_name, number, as_user=as_user, state="closed")

    def reopen(self, full_name: str, number: int, *, as_user: str) -> None:
        """Reopen an issue or pull request."""
        self.edit(full_name, number, as_user=as_user, state="open")

    def merge(self, full_name: str, number: int, *, as_user: str, method: str = "merge") -> str:
        """Press the merge button; the new commit."""
        with self._acting(full_name, as_user) as (repo, who):
            return self.actions.merge(repo, repo.issues[number], who, sha=None, method=method, title=None)

    def rerequest_check(self, full_name: str, name: str, sha: str, *, as_user: str) -> None:
        """Press "Re-run" beside the newest check run of that name on a commit."""
        with self._acting(full_name, as_user) as (repo, who):
            self.actions.rerequest_check(repo, self.checks(full_name, sha, name)[-1], who)

    def rerequest_suite(self, full_name: str, app_id: int, sha: str, *, as_user: str) -> None:
        """Press "Re-run all checks" of an App on a commit."""
        with self._acting(full_name, as_user) as (repo, who):
            self.actions.rerequest_suite(repo, self.world.apps[app_id], sha, who)

    def redeliver(self, delivery: Delivery) -> Delivery:
        """Press "Redeliver": the same GUID again."""
        return self.postman.redeliver(delivery)

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until every webhook so far was tried."""
        self.postman.settle(timeout)

    def token_lifetime(self, lifetime: timedelta) -> None:
        """How long new installation tokens are good for."""
        self.actions.token_lifetime = lifetime

    # ------------------------------------------------------------ people look

    def issue(self, full_name: str, number: int) -> Issue:
        """An issue or pull request (then `.pull` is set)."""
        return self.repo(full_name).issues[number]

    def checks(self, full_name: str, sha: str, name: str | None = None) -> list[CheckRun]:
        """The check runs of a commit, oldest first."""
        return [run for run in self.repo(full_name).checks if run.head_sha == sha and name in (None, run.name)]

    def read(self, full_name: str, path: str, ref: str = "main") -> bytes | None:
        """A file at a branch, tag or commit."""
        git = self.repo(full_name).git
        sha = git.resolve(ref)
        entry = git.entry(sha, path) if sha else None
        return git.blob(entry[2]) if entry and entry[1] == "blob" else None

    def page_of(self, full_name: str, number: int) -> dict[str, Any]:
        """A pull request in the words of the REST API."""
        return answers.pull(self.world, self.repo(full_name), self.issue(full_name, number), full=True)
