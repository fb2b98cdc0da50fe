"""A world on the GitHub stand-in, where we are an account with a token: commit statuses and forks, no annotations."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

from sig_bots.forge import CheckState
from sig_workers.forges.github import GitHubConfig
from tests.contract.forges.github import HOOK_SECRET, GitHubWorld
from tests.contract.world import SERVICE, SeenCheck
from tests.standins.github.server import GitHubStandIn

SERVER = True
"""As slow as one, and the unit tests have most of it with `github`."""


class GitHubTokenWorld(GitHubWorld):
    """See `tests.contract.world.World`."""

    name = "github_token"
    check_words: Mapping[CheckState, str] = {
        CheckState.PENDING: "pending",
        CheckState.RUNNING: "pending",
        CheckState.SUCCESS: "success",
        CheckState.FAILURE: "failure",
        CheckState.ERROR: "error",
        CheckState.CANCELLED: "error",
        CheckState.NEUTRAL: "success",
    }

    def _configure(self) -> GitHubConfig:
        self.server.add_user("robot")
        self.server.set_permission(self.path, "robot", "write")
        self.logins["bot"] = "robot"
        return GitHubConfig(
            name="github",
            url=self.server.url,
            token=self.server.token("robot"),
            service=SERVICE,
            repositories=("acme/*",),
            allow_http=True,
        )

    def checks(self, sha: str, number: int | None = None) -> Sequence[SeenCheck]:
        newest = {item.context: item for item in self.server.repo(self.path).statuses if item.sha == sha}
        return [
            SeenCheck(item.context, item.state, item.description or "", item.target_url or "")
            for item in newest.values()
        ]

    def another(self, name: str, files: Mapping[str, str]) -> Self:
        made = super().another(name, files)
        self.server.set_permission(made.path, "robot", "write")
        return made

    def set_hook(self, url: str) -> None:
        self.server.add_hook(self.path, url, HOOK_SECRET)

    def hook_instance(self) -> Mapping[str, object]:
        shared = {key: value for key, value in super().hook_instance().items() if key not in ("app_id", "private_key")}
        return {**shared, "token": self.config.token}


@contextmanager
def open_world(request: pytest.FixtureRequest) -> Iterator[GitHubTokenWorld]:
    """A stand-in of its own: it starts in milliseconds."""
    with tempfile.TemporaryDirectory() as folder, GitHubStandIn(Path(folder)) as server:
        yield GitHubTokenWorld(server)
