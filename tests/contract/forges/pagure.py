"""A world on the real Pagure: a project of its own per test, people with their own tokens, git over http."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import pytest
import requests

from sig_bots.forge import CheckState
from sig_bots.refs import Actor
from sig_workers.forges.pagure import PagureConfig, PagureHost
from tests.contract.git import commit_and_push, seed
from tests.contract.world import SERVICE, START_FILES, Role, SeenCheck, SeenComment, SeenIssue, SeenPr

SERVER = True
LOGINS: Mapping[Role, str] = {"owner": "admin", "bot": "bot", "alice": "alice", "bob": "bob"}


class ProjectToken(dict[str, str]):
    """A token tied to the project, made when the adapter first wants it: few tests edit an issue."""

    def __init__(self, world: PagureWorld) -> None:
        self._world = world

    def __missing__(self, path: str) -> str:
        made = self._world.call("POST", f"{path}/token/new", "bot", acls=["issue_update"], description="contract")
        self[path] = str(made["token"]["id"])
        return self[path]

    def get(self, path: str, default: object = None) -> str:
        return self[path]


class PagureWorld:
    """See `tests.contract.world.World`."""

    name = "pagure"
    check_words: Mapping[CheckState, str] = {
        CheckState.PENDING: "pending",
        CheckState.RUNNING: "pending",
        CheckState.SUCCESS: "success",
        CheckState.FAILURE: "failure",
        CheckState.ERROR: "error",
        CheckState.CANCELLED: "canceled",
        CheckState.NEUTRAL: "success",
    }

    def __init__(
        self,
        server: Any,
        namespace: str | None = None,
        *,
        name: str = "contract",
        files: Mapping[str, str] = START_FILES,
        enabled: list[str] | None = None,
    ) -> None:
        self.server = server
        self.path = server.new_project(name, namespace=namespace, commit=["alice"], admin=["bot"])
        self.enabled = enabled if enabled is not None else []
        self.enabled.append(self.path)
        seed(server.clone_url(self.path, LOGINS["owner"]), LOGINS["owner"], files)
        self.config = PagureConfig(
            name="pagure",
            url=server.url,
            account="bot",
            token=server.tokens["bot"],
            service=SERVICE,
            repositories=(self.path,),
            project_tokens=ProjectToken(self),
            allow_http=True,
        )
        self.host = PagureHost(self.config)

    # ------------------------------------------------------------ the API as a person uses it

    def call(self, method: str, path: str, who: Role = "owner", **content: Any) -> Any:
        """One API call with the person's own token."""
        answer = requests.request(
            method,
            f"{self.server.url}/api/0/{path}",
            headers={"Authorization": f"token {self.server.tokens[LOGINS[who]]}"},
            data=content if method == "POST" else None,
            params=content if method == "GET" else None,
            timeout=60,
        )
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def _head_is(self, number: int, sha: str) -> bool:
        return self.pr(number).head_sha == sha

    def wait(self, what: str, reached: Callable[[], bool]) -> None:
        """Pagure brings pull requests up to date in a worker of its own."""
        end = time.monotonic() + 30
        while not reached():
            assert time.monotonic() < end, f"Pagure did not show {what} within 30 s"
            time.sleep(0.05)

    def fork_of(self, who: Role) -> str:
        """Path of the person's fork, made when missing."""
        path = f"fork/{LOGINS[who]}/{self.path}"
        made = self.call("GET", "projects", fork="true", pattern=self.path.rpartition("/")[2])["projects"]
        if not any(one["url_path"] == path for one in made):
            self.server.fork(self.path, LOGINS[who])
        return path

    # ------------------------------------------------------------ acts

    def actor(self, role: Role) -> Actor:
        return Actor(login=LOGINS[role])

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
        path = self.fork_of(who) if fork else self.path
        url = self.server.clone_url(path, LOGINS[who])
        sha = commit_and_push(url, LOGINS[who], branch, files, start=start, force=force)
        for raw in self.call("GET", f"{self.path}/pull-requests", status="Open")["requests"]:
            source = raw["repo_from"] or {}
            if (raw["branch_from"], source.get("url_path")) == (branch, path):
                self.wait("the push on the pull request", functools.partial(self._head_is, raw["id"], sha))
        return sha

    def open_pr(
        self, who: Role, branch: str, *, title: str = "A change", body: str = "", base: str = "main", fork: bool = False
    ) -> int:
        namespace, _, name = self.path.rpartition("/")
        source = (
            {"repo_from": name, "repo_from_username": LOGINS[who], "repo_from_namespace": namespace} if fork else {}
        )
        made = self.call(
            "POST",
            f"{self.path}/pull-request/new",
            who,
            title=title,
            initial_comment=body,
            branch_from=branch,
            branch_to=base,
            **{key: value for key, value in source.items() if value},
        )
        return int(made["id"])

    def comment(self, who: Role, number: int, text: str) -> str:
        kind = "pull-request" if self._is_pr(number) else "issue"
        self.call("POST", f"{self.path}/{kind}/{number}/comment", who, comment=text)
        return self.comments(number)[-1].id

    def merge(self, who: Role, number: int) -> None:
        self.call("POST", f"{self.path}/pull-request/{number}/merge", who, wait="true")
        self.wait("the merge", lambda: self.pr(number).state == "merged")

    def close(self, who: Role, number: int) -> None:
        self.call("POST", f"{self.path}/pull-request/{number}/close", who)

    def report(self, who: Role, sha: str, name: str, state: Literal["success", "failure"]) -> None:
        flag = {"username": name, "comment": state, "status": state, "url": f"{self.server.url}/{self.path}"}
        self.call("POST", f"{self.path}/c/{sha}/flag", who, **flag)

    def require(self, *names: str) -> bool:
        return False

    def open_issue(self, who: Role, title: str, body: str = "") -> int:
        made = self.call("POST", f"{self.path}/new_issue", who, title=title, issue_content=body or title)
        return int(made["issue"]["id"])

    def edit_issue(self, who: Role, number: int, body: str) -> None:
        if who == "bob":
            raise PermissionError("Pagure lets nobody edit another's issue but those who may push")
        shown = next(one for one in self.issues() if one.number == number)
        self.server.submit(
            f"{self.path}/issue/{number}/edit", LOGINS[who], title=shown.title, issue_content=body, status="Open"
        )

    def close_issue(self, who: Role, number: int) -> None:
        self.call("POST", f"{self.path}/issue/{number}/status", who, status="Closed")

    # ------------------------------------------------------------ looks

    def read(self, path: str, ref: str = "main") -> bytes | None:
        answer = requests.get(f"{self.server.url}/{self.path}/raw/{ref}/f/{path}", timeout=60)
        return answer.content if answer.ok else None

    def head(self, branch: str, *, fork: Role | None = None) -> str | None:
        path = f"fork/{LOGINS[fork]}/{self.path}" if fork else self.path
        sha: str | None = self.call("GET", f"{path}/git/branches", with_commits="true")["branches"].get(branch)
        return sha

    def _is_pr(self, number: int) -> bool:
        return any(one.number == number for one in self.prs())

    def pr(self, number: int) -> SeenPr:
        return _seen_pr(self.call("GET", f"{self.path}/pull-request/{number}"))

    def prs(self) -> Sequence[SeenPr]:
        found = self.call("GET", f"{self.path}/pull-requests", status="all", per_page=100)["requests"]
        return sorted((_seen_pr(raw) for raw in found), key=lambda one: one.number)

    def comments(self, number: int) -> Sequence[SeenComment]:
        kind = "pull-request" if self._is_pr(number) else "issue"
        raw = self.call("GET", f"{self.path}/{kind}/{number}")["comments"]
        return [
            SeenComment(str(one["id"]), one["user"]["name"], one["comment"]) for one in raw if not one["notification"]
        ]

    def checks(self, sha: str, number: int | None = None) -> Sequence[SeenCheck]:
        flags = self.call("GET", f"{self.path}/c/{sha}/flag")["flags"]
        return [SeenCheck(one["username"], one["status"], one["comment"], one["url"]) for one in flags]

    def issues(self) -> Sequence[SeenIssue]:
        found = self.call("GET", f"{self.path}/issues", status="all")["issues"]
        seen = [
            SeenIssue(one["id"], one["title"], one["content"], "open" if one["status"] == "Open" else "closed", one["user"]["name"])
            for one in found
        ]  # fmt: skip
        return sorted(seen, key=lambda one: one.number)

    def reactions(self, number: int, comment_id: str) -> Sequence[str]:
        return []

    # ------------------------------------------------------------ journeys

    def another(self, name: str, files: Mapping[str, str]) -> PagureWorld:
        return PagureWorld(self.server, name=name, files=files, enabled=self.enabled)

    def set_hook(self, url: str) -> None:
        self.server.set_hook(self.path, url)

    def hook_instance(self) -> Mapping[str, object]:
        return {
            "name": "pagure",
            "kind": "pagure",
            "url": self.server.url,
            "account": "bot",
            "token": self.server.tokens["bot"],
            "hook_secrets": [],
            "project_tokens": {path: self.config.project_tokens[path] for path in self.enabled},
            "repositories": self.enabled,
            "allow_http": True,
            "allow_private_network": True,
        }


def _seen_pr(raw: Mapping[str, Any]) -> SeenPr:
    return SeenPr(
        number=raw["id"],
        title=raw["title"],
        body=raw["initial_comment"] or "",
        state=raw["status"].lower(),
        author=raw["user"]["name"],
        head_branch=raw["branch_from"],
        base_branch=raw["branch"],
        head_sha=raw["commit_stop"],
        labels=tuple(raw["tags"]),
    )


@contextmanager
def open_world(request: pytest.FixtureRequest) -> Iterator[PagureWorld]:
    """A new project on the run's Pagure."""
    yield PagureWorld(request.getfixturevalue("pagure"))
