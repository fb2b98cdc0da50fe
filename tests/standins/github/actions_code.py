"""What happens on the forge to repositories, statuses and checks; `actions` has issues, pull requests and pushes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from tests.standins.github import answers, answers_code
from tests.standins.github.gitrepo import GitRepo
from tests.standins.github.hooks import Postman, check_suite_body
from tests.standins.github.model import (
    App,
    CheckRun,
    Repository,
    Status,
    User,
    World,
)  # fmt: skip
from tests.standins.github.wire import RateLimit


class CodeActions:
    """The verbs on repositories and on the checks of commits."""

    def __init__(self, world: World, postman: Postman) -> None:
        self.world = world
        self.postman = postman
        self.limits = RateLimit()
        self.token_lifetime = timedelta(hours=1)
        """How long a new installation token is good for."""

    # ------------------------------------------------------------ repositories

    def new_repository(self, owner: User, name: str, **options: Any) -> Repository:
        """An empty repository."""
        number = self.world.next_id()
        git = GitRepo(self.world.root / "git" / f"{number}.git")
        repo = Repository(number, owner, name, git, self.world.now(), **options)
        git.create(repo.default_branch)
        self.world.repositories[number] = repo
        return repo

    def fork(self, repo: Repository, who: User) -> Repository:
        """A person's fork, the one that is there already if any."""
        for other in self.world.repositories.values():
            if other.parent is repo and other.owner is who:
                return other
        name = repo.name if self.world.repository(f"{who.login}/{repo.name}") is None else f"{repo.name}-1"
        number = self.world.next_id()
        git = GitRepo(self.world.root / "git" / f"{number}.git")
        git.copy_of(repo.git)
        made = Repository(number, who, name, git, self.world.now(), repo.private, repo.default_branch, parent=repo)
        self.world.repositories[number] = made
        self.world.effects["forks.created"] += 1
        self.postman.emit("fork", repo, who, lambda: {"forkee": answers.repository(self.world, made)})
        return made

    # ------------------------------------------------------------ statuses and checks

    def set_status(self, repo: Repository, who: User, sha: str, given: Mapping[str, Any]) -> Status:
        """Add a commit status."""
        made = Status(
            self.world.next_id(), sha, str(given["state"]), str(given.get("context") or "default"), given.get("description"),
            given.get("target_url"), who, self.world.now(),
        )  # fmt: skip
        repo.statuses.append(made)
        self.world.effects["statuses.created"] += 1
        self.postman.emit("status", repo, who, lambda: {
            "id": made.id, "sha": sha, "name": repo.full_name, "context": made.context, "state": made.state,
            "description": made.description, "target_url": made.target_url, "branches": self._branches_with(repo, sha),
            "commit": answers_code.commit(self.world, repo, repo.git.commit(sha)),
        })  # fmt: skip
        return made

    def _branches_with(self, repo: Repository, sha: str) -> list[dict[str, Any]]:
        """The branches that hold a commit, ten at most."""
        api = f"{self.world.api}/repos/{repo.full_name}"
        holding = [
            {"name": name, "commit": {"sha": head, "url": f"{api}/commits/{head}"}, "protected": name in repo.protected}
            for name, head in sorted(repo.git.branches().items())
            if repo.git.merge_base(head, sha) == sha
        ]
        return holding[:10]

    def check_changed(self, repo: Repository, run: CheckRun, *, created: bool) -> None:
        """Count and tell that a check run was created, updated or completed."""
        self.world.effects["checks.created" if created else "checks.updated"] += 1
        body = partial(self._check_body, repo, run)
        if created:
            self.postman.emit("check_run", repo, run.app.bot, body, action="created")
        elif run.status == "completed":
            self.postman.emit("check_run", repo, run.app.bot, body, action="completed")

    def _check_body(self, repo: Repository, run: CheckRun) -> dict[str, Any]:
        body = answers_code.check_run(self.world, repo, run)
        heads = [name for name, head in sorted(repo.git.branches().items()) if head == run.head_sha]
        suite = self._suite_body(repo, run.app, run.head_sha, run.suite, heads[0] if heads else None)
        return {"check_run": body | suite}

    def rerequest_check(self, repo: Repository, run: CheckRun, who: User) -> None:
        """Press "Re-run" beside one check; only its App is told."""
        body = partial(self._check_body, repo, run)
        self.postman.emit("check_run", repo, who, body, action="rerequested", only=run.app)

    def rerequest_suite(self, repo: Repository, app: App, sha: str, who: User) -> None:
        """Press "Re-run all checks" of an App."""
        suite = repo.suites.setdefault((app.id, sha), self.world.next_id())
        body = partial(self._suite_body, repo, app, sha, suite, None)
        self.postman.emit("check_suite", repo, who, body, action="rerequested", only=app)

    def _suite_body(self, repo: Repository, app: App, sha: str, suite: int, branch: str | None) -> dict[str, Any]:
        return {"check_suite": check_suite_body(self.world, repo, app, sha, suite, branch)}
