"""A world on the local forge: bare repositories on disk, state in SQLite, people through git and the forge's own ways."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from functools import cache
from pathlib import Path
from typing import Literal

import pytest

from sig_bots.forge import Check, CheckState, Permission
from sig_bots.refs import Actor
from sig_workers.localforge.adapter import LocalHost
from sig_workers.localforge.forge import LocalForge
from sig_workers.localforge.hooks import HookSender, HookTarget
from sig_workers.localforge.state import LocalState, actor
from sig_workers.store.store import Store
from tests.contract.git import commit_and_push, seed
from tests.contract.world import SERVICE, START_FILES, Role, SeenCheck, SeenComment, SeenIssue, SeenPr

SERVER = True
"""As slow as one: each test starts dozens of git processes. The unit tests have `fake` and `github`."""
PATH = "sig/demo"
SECRET = "local-forge-secret"  # a test's own
NOBODY = "http://127.0.0.1:9/hooks/local"


class LocalWorld:
    """See `tests.contract.world.World`. `data` is the data folder a service has to run on to see this forge."""

    name = "local"
    check_words: Mapping[CheckState, str] = {state: state.value for state in CheckState}

    def __init__(self, data: Path, store: Store, store_url: str = "") -> None:
        self.data = data
        self.store_url = store_url or f"sqlite:///{data / 'sigbot.db'}"
        self.set_hook(NOBODY)
        self.forge = LocalForge(LocalState(store.database), data / "forge", "http://127.0.0.1:8080", HookSender(data))
        self.host = LocalHost(self.forge, account="bot", service=SERVICE)
        self._create(PATH, START_FILES)

    def _create(self, path: str, files: Mapping[str, str]) -> None:
        self.path = path
        history = self.forge.create(path, "owner")
        self.forge.state.grant(path, "bot", Permission.WRITE)
        self.forge.state.grant(path, "alice", Permission.WRITE)
        seed(str(history.folder), "owner", files)

    def actor(self, role: Role) -> Actor:
        return actor(role)

    def _source(self, who: Role, fork: bool) -> str:
        return self.forge.fork(self.path, who) if fork else self.path

    def push(
        self,
        who: Role,
        branch: str,
        files: Mapping[str, str | bytes | None],
        *,
        start: str = "main",
        fork: bool = False,
        force: bool = False,
    ) -> str:
        folder = self.forge.history(self._source(who, fork)).folder
        return commit_and_push(str(folder), who, branch, files, start=start, force=force)

    def open_pr(
        self, who: Role, branch: str, *, title: str = "A change", body: str = "", base: str = "main", fork: bool = False
    ) -> int:
        source = self._source(who, fork)
        made = self.forge.open_pull(self.path, who, branch=branch, base=base, title=title, body=body, head_repo=source)
        return made.number

    def comment(self, who: Role, number: int, text: str) -> str:
        return self.forge.comment(self.path, number, who, text)

    def merge(self, who: Role, number: int) -> None:
        self.forge.merge(self.path, number, who)

    def close(self, who: Role, number: int) -> None:
        self.forge.close(self.path, number, who)

    def report(self, who: Role, sha: str, name: str, state: Literal["success", "failure"]) -> None:
        self.forge.set_check(self.path, Check(name=name, sha=sha, state=CheckState(state)), who)

    def require(self, *names: str) -> bool:
        return False

    def open_issue(self, who: Role, title: str, body: str = "") -> int:
        return self.forge.state.add_issue(self.path, title, body, who)

    def edit_issue(self, who: Role, number: int, body: str) -> None:
        self.forge.edit_issue(self.path, number, who, body)

    def close_issue(self, who: Role, number: int) -> None:
        self.forge.set_issue_state(self.path, number, "closed")

    def read(self, path: str, ref: str = "main") -> bytes | None:
        history = self.forge.history(self.path)
        return history.read(path, history.resolve(ref))

    def head(self, branch: str, *, fork: Role | None = None) -> str | None:
        return self.forge.history(self._source(fork, True) if fork else self.path).branch_sha(branch)

    def pr(self, number: int) -> SeenPr:
        found = self.forge.pull(self.path, number)
        return SeenPr(
            number=number, title=found.title, body=found.body, state=found.state, author=found.author.login,
            head_branch=found.head_branch, base_branch=found.base_branch, head_sha=found.head_sha, labels=found.labels,
        )  # fmt: skip

    def prs(self) -> Sequence[SeenPr]:
        numbers = sorted(one.number for one in self.forge.state.pulls(self.path, state="all"))
        return [self.pr(number) for number in numbers]

    def comments(self, number: int) -> Sequence[SeenComment]:
        return [
            SeenComment(one.id, one.author.login, one.body)
            for one in self.forge.state.comments(self.path, number=number)
        ]

    def checks(self, sha: str, number: int | None = None) -> Sequence[SeenCheck]:
        return [
            SeenCheck(one.name, one.state.value, one.summary, one.url, tuple((note.path, note.line) for note in one.annotations))
            for one, _ in self.forge.state.checks(self.path, sha)
        ]  # fmt: skip

    def issues(self) -> Sequence[SeenIssue]:
        return [
            SeenIssue(one.number, one.title, one.body, one.state, author)
            for author, one in self.forge.state.issues(self.path)
        ]

    def reactions(self, number: int, comment_id: str) -> Sequence[str]:
        return sorted(self.forge.state.reactions(comment_id))

    def another(self, name: str, files: Mapping[str, str]) -> LocalWorld:
        made = copy(self)
        made._create(f"sig/{name}", files)
        return made

    def set_hook(self, url: str) -> None:
        HookTarget(url, SECRET, self.store_url).write(self.data)

    def hook_instance(self) -> Mapping[str, object]:
        return {
            "name": "local", "kind": "local", "account": "bot", "hook_secrets": [SECRET], "repositories": ["*"],
        }  # fmt: skip


class SettledWorld(LocalWorld):
    """What a push has to bring about happens in this process, not in one that git starts: the same, much sooner.

    Forks and second repositories keep the hook of the product.
    """

    def _create(self, path: str, files: Mapping[str, str]) -> None:
        if path == PATH:
            self.path = path
        else:
            super()._create(path, files)

    def push(
        self,
        who: Role,
        branch: str,
        files: Mapping[str, str | bytes | None],
        *,
        start: str = "main",
        fork: bool = False,
        force: bool = False,
    ) -> str:
        before = self.head(branch)
        after = super().push(who, branch, files, start=start, fork=fork, force=force)
        if not fork and self.path == PATH:
            self.forge.after_push(PATH, f"refs/heads/{branch}", before or "0" * 40, after)
        return after


@cache
def _template(folder: Path) -> Path:
    """A data folder with the repository of the start in it, made once per process."""
    folder.mkdir()
    store = Store.open(f"sqlite:///{folder}/sigbot.db")
    store.migrate()
    made = LocalWorld(folder, store)
    (made.forge.history(PATH).folder / "hooks" / "post-receive").unlink()
    store.close()
    return folder


@contextmanager
def open_world(request: pytest.FixtureRequest) -> Iterator[LocalWorld]:
    """A local forge of its own in a temporary folder."""
    factory = request.getfixturevalue("tmp_path_factory")
    template = _template(factory.getbasetemp() / "local-world")
    with tempfile.TemporaryDirectory(prefix="sigbot-local-") as folder:
        shutil.copytree(template, folder, dirs_exist_ok=True, symlinks=True)
        store = Store.open(f"sqlite:///{folder}/sigbot.db")
        try:
            yield SettledWorld(Path(folder), store)
        finally:
            store.close()
