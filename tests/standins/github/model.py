"""What the stand-in remembers: accounts, Apps, repositories and all that hangs on them. Plain data, no behaviour of a request."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.standins.github.gitrepo import GitRepo

ROLES = ("none", "read", "triage", "write", "maintain", "admin")
"""Roles in a repository, the lesser first."""


@dataclass(eq=False)
class User:
    """A person, an organisation or the account of an App. `kind` is the word in `type`."""

    id: int
    login: str
    kind: str
    created: datetime


@dataclass(eq=False)
class App:
    """A GitHub App. `public_key` (PEM) checks its JWTs."""

    id: int
    slug: str
    owner: User
    bot: User
    public_key: bytes
    permissions: dict[str, str]
    events: list[str]
    hook_url: str
    hook_secret: str
    created: datetime


@dataclass(eq=False)
class Installation:
    """An App on an account. `repositories` holds repository ids, None for all of the account."""

    id: int
    app: App
    account: User
    repositories: set[int] | None
    permissions: dict[str, str]
    created: datetime
    suspended: datetime | None = None


@dataclass(eq=False)
class Token:
    """A token of a person, or of an installation (then with an end and its own permissions)."""

    value: str
    user: User
    installation: Installation | None = None
    permissions: dict[str, str] = field(default_factory=dict)
    expires: datetime | None = None


@dataclass(eq=False)
class Reaction:
    """A reaction on a comment."""

    id: int
    user: User
    content: str
    created: datetime


@dataclass(eq=False)
class Comment:
    """A comment on an issue or pull request (`number`), or on a commit (`commit`)."""

    id: int
    user: User
    body: str
    created: datetime
    updated: datetime
    number: int = 0
    commit: str = ""
    app: App | None = None
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(eq=False)
class Review:
    """A submitted review of a pull request."""

    id: int
    user: User
    body: str
    state: str
    commit: str
    submitted: datetime


@dataclass(eq=False)
class Pull:
    """The half of an issue that makes it a pull request."""

    id: int
    head_repo: Repository | None
    head_ref: str
    head_sha: str
    head_label: str
    base_ref: str
    base_sha: str
    draft: bool = False
    merged: datetime | None = None
    merged_by: User | None = None
    merge_sha: str | None = None
    reviewers: list[User] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)


@dataclass(eq=False)
class Issue:
    """An issue; a pull request when `pull` is set. Both share one row of numbers."""

    id: int
    number: int
    user: User
    title: str
    body: str | None
    created: datetime
    updated: datetime
    state: str = "open"
    closed: datetime | None = None
    labels: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    pull: Pull | None = None


@dataclass(eq=False)
class Label:
    """A label of a repository."""

    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(eq=False)
class Status:
    """A commit status; the newest of a context counts."""

    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: User
    created: datetime


@dataclass(eq=False)
class CheckRun:
    """A check run of an App. `annotations` are kept as they came; updates append to them, as GitHub does."""

    id: int
    name: str
    head_sha: str
    app: App
    suite: int
    started: datetime
    status: str = "queued"
    conclusion: str | None = None
    completed: datetime | None = None
    details_url: str | None = None
    external_id: str = ""
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[dict[str, Any]] = field(default_factory=list)


@dataclass(eq=False)
class Hook:
    """A webhook of a repository."""

    id: int
    url: str
    secret: str
    events: list[str]
    active: bool
    created: datetime


@dataclass(eq=False)
class Repository:
    """A repository: a bare git repository on disk and what the forge keeps beside it."""

    id: int
    owner: User
    name: str
    git: GitRepo
    created: datetime
    private: bool = False
    default_branch: str = "main"
    archived: bool = False
    merge_methods: tuple[str, ...] = ("merge", "squash", "rebase")
    parent: Repository | None = None
    roles: dict[int, str] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    checks: list[CheckRun] = field(default_factory=list)
    suites: dict[tuple[int, str], int] = field(default_factory=dict)
    hooks: list[Hook] = field(default_factory=list)
    protected: dict[str, list[str]] = field(default_factory=dict)
    """Branch -> contexts its protection requires."""
    rulesets: dict[str, list[str]] = field(default_factory=dict)
    """Branch -> contexts a ruleset requires."""
    commit_comments: list[Comment] = field(default_factory=list)
    pushing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    def missing_checks(self, branch: str, sha: str) -> list[str]:
        """The required contexts that have not passed at a commit."""
        states: dict[str, bool] = {item.context: item.state == "success" for item in self.statuses if item.sha == sha}
        for run in self.checks:
            if run.head_sha == sha:
                states[run.name] = run.conclusion in ("success", "neutral", "skipped")
        wanted = [*self.protected.get(branch, ()), *self.rulesets.get(branch, ())]
        return [context for context in dict.fromkeys(wanted) if not states.get(context, False)]

    def role_of(self, user: User | None) -> str:
        """The role of an account; everybody can read a public repository."""
        floor = "none" if self.private else "read"
        if user is None:
            return floor
        if user is self.owner:
            return "admin"
        return max(floor, self.roles.get(user.id, "none"), key=ROLES.index)


class World:
    """Everything, under one lock. `effects` counts what was made (`comments.created`, ...), for exactly-once tests."""

    def __init__(self, root: Path, clock: Callable[[], datetime]) -> None:
        self.root = root
        self.url = ""
        self.lock = threading.RLock()
        self.users: dict[int, User] = {}
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.tokens: dict[str, Token] = {}
        self.repositories: dict[int, Repository] = {}
        self.moved: dict[str, int] = {}
        """Former full names of renamed repositories, to their ids."""
        self.effects: Counter[str] = Counter()
        self._clock = clock
        self._ids: Iterator[int] = itertools.count(1001)

    @property
    def api(self) -> str:
        """Base of the REST API, where a GitHub Enterprise Server has it."""
        return f"{self.url}/api/v3"

    def now(self) -> datetime:
        """The time, in UTC, to the second as GitHub's answers have it."""
        return self._clock().astimezone(UTC).replace(microsecond=0)

    def next_id(self) -> int:
        return next(self._ids)

    def user(self, login: str) -> User | None:
        return next((user for user in self.users.values() if user.login.lower() == login.lower()), None)

    def repository(self, full_name: str) -> Repository | None:
        wanted = full_name.lower()
        return next((repo for repo in self.repositories.values() if repo.full_name.lower() == wanted), None)

    def installation_for(self, app: App, repo: Repository) -> Installation | None:
        """The App's installation that covers a repository."""
        for found in self.installations.values():
            if found.app is app and found.account is repo.owner:
                return found if found.repositories is None or repo.id in found.repositories else None
        return None

    def mint(self, installation: Installation, permissions: dict[str, str], lifetime: timedelta) -> Token:
        """A new token of an installation."""
        token = Token(
            f"ghs_{secrets.token_hex(18)}", installation.app.bot, installation, permissions, self.now() + lifetime
        )
        self.tokens[token.value] = token
        return token

    def number_for(self, repo: Repository) -> int:
        """The next free number for an issue or pull request."""
        return max(repo.issues, default=0) + 1
