"""Something of everything the pages show: public things to look at, and private twins that nobody may see."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sig_bots.jobstate import JobState
from sig_bots.refs import Actor, Repo
from sig_workers.localforge.forge import LocalForge
from sig_workers.localforge.hooks import HookSender
from sig_workers.localforge.state import LocalState
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.rows import JobRow, NewEvent, NewJob, RepositoryRow, Settlement
from sig_workers.store.store import Store
from tests.contract.git import commit_and_push, seed

LEASE = timedelta(seconds=60)
SECRET_NAME = "classified"
"""Part of every private path, title, reason and text: a page that says it gives something away."""


@dataclass
class Exhibits:
    """Fills a store and a local forge."""

    store: Store
    data: Path
    count: int = 0
    public: dict[str, Any] = field(default_factory=dict)

    @property
    def forge(self) -> LocalForge:
        return LocalForge(
            LocalState(self.store.database), self.data / "forge", "http://127.0.0.1:8080", HookSender(self.data)
        )

    def repository(self, path: str, private: bool | None, instance: str = "github") -> RepositoryRow:
        return self.store.ensure_repository(instance, Repo(path=path, forge_id=path, private=private))

    def deliver(
        self,
        body: bytes = b"{}",
        state: DeliveryState = DeliveryState.RECEIVED,
        reason: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> int:
        self.count += 1
        return self.store.accept(
            instance="github", source="github", delivery_id=f"{SECRET_NAME}-{self.count}", headers=headers or {}, body=body,
            state=state, reason=reason,
        ).id  # fmt: skip

    def settle(
        self,
        state: str = "done",
        body: bytes = b"{}",
        jobs: tuple[NewJob, ...] = (),
        headers: dict[str, str] | None = None,
        **given: Any,
    ) -> tuple[int, tuple[int, ...]]:
        """A delivery that was planned: its row and its jobs."""
        self.deliver(body, headers=headers or {})
        (row,) = self.store.claim_deliveries("planner", 1, LEASE)
        (ids,) = self.store.settle([Settlement(row.id, row.attempt, state, jobs=jobs, **given)])  # type: ignore[arg-type]
        return row.id, ids

    def job(self, repo: RepositoryRow, **given: Any) -> NewJob:
        self.count += 1
        values = {"bot": "lint", "handler": "on_pull_request", "queue": "interactive", "priority": 1, "number": 3,
                  "head_sha": "a" * 40, "target": f"{repo.id}:{self.count}", "key": f"key-{self.count}"}  # fmt: skip
        return NewJob(repo_id=repo.id, **{**values, **given})

    def planned(self, repo: RepositoryRow, **given: Any) -> tuple[int, int]:
        """A delivery about the repository and its one job, waiting."""
        private = repo.private is not False
        delivery, (job,) = self.settle(
            repo_id=repo.id, private=private, event=NewEvent("pull_request_changed", "{}"), jobs=(self.job(repo, **given),),
            verdicts=(("lint", f"planned for {repo.path}"), ("build", "ignored: nothing to build")),
        )  # fmt: skip
        return delivery, job

    def run(self, job: int, lines: list[str]) -> JobRow:
        """Start the job and let it say something."""
        row = self.store.claim_job(job, "worker-1", LEASE)
        assert row is not None
        self.store.log(job, row.attempt, lines)
        return row

    def local(self, path: str, private: bool, words: str) -> int:
        """A repository of the local forge with a pull request, a comment and a check; the number."""
        history = self.forge.create(path, "alice", private=private)
        seed(str(history.folder), "alice", {"Containerfile": "FROM scratch\nCOPY hello /hello\n", "hello": "hi\n"})
        head = commit_and_push(str(history.folder), "bob", "fix", {"hello": f"hi {words}\n"})
        number = self.forge.open_pull(
            path, "bob", branch="fix", base="main", title=f"Greet {words}", body=f"About *{words}*"
        ).number
        self.forge.comment(path, number, "carol", f"What of {words}?")
        fields = {"state": "failure", "summary": f"1 problem in {words}", "url": "", "text": f"# Report\n{words}",
                  "annotations": [{"path": "Containerfile", "line": 2, "level": "warning", "message": "Say more."}]}  # fmt: skip
        self.forge.state.set_check(path, head, "sigbot/lint", fields)
        text = f"Of {words}:\n\n- [ ] <!-- box look --> **Look again now**\n- [x] <!-- box {'a' * 16}/{'b' * 16} --> *{words}*"
        self.forge.comment(path, self.forge.state.add_issue(path, f"Updates {words}", text, "sigbot"), "carol", words)
        return number


def hidden(exhibits: Exhibits) -> dict[str, list[dict[str, Any]]]:
    """By the names of a route's arguments: values that must all answer 404."""
    deliveries, jobs = [], []
    for path, private in ((f"{SECRET_NAME}/private", True), (f"{SECRET_NAME}/unknown", None)):
        repo = exhibits.repository(path, private)
        delivery, job = exhibits.planned(repo)
        row = exhibits.run(job, [f"{SECRET_NAME} line"])
        exhibits.store.finish(job, row.attempt, JobState.FAILED, f"{SECRET_NAME} reason")
        deliveries.append(delivery)
        jobs.append(job)
    # Public when it was planned, private since.
    repo = exhibits.repository(f"{SECRET_NAME}/changed", private=False)
    delivery, job = exhibits.planned(repo)
    exhibits.repository(f"{SECRET_NAME}/changed", private=True)
    body = json.dumps({"repository": {"full_name": f"{SECRET_NAME}/x", "private": True}}).encode()
    deliveries += [
        delivery,
        exhibits.settle("ignored", body, reason=SECRET_NAME, private=True)[0],
        exhibits.deliver(body),
    ]
    jobs.append(job)
    number = exhibits.local(f"{SECRET_NAME}/local", True, SECRET_NAME)
    return {
        "pages.delivery": [{"number": one} for one in (*deliveries, 987654)],
        "pages.job": [{"number": one} for one in (*jobs, 987654)],
        "pages.log": [{"number": one} for one in (*jobs, 987654)],
        "pages.repository": [{"path": f"{SECRET_NAME}/local"}, {"path": "nobody/nothing"}],
        "pages.issue": [
            {"path": f"{SECRET_NAME}/local", "number": number + 1},
            {"path": "nobody/nothing", "number": 1},
        ],
        "pages.pull": [{"path": f"{SECRET_NAME}/local", "number": number}, {"path": "nobody/nothing", "number": 1}],
    }


def shown(exhibits: Exhibits) -> list[str]:
    """Addresses of all kinds of pages, with something on each."""
    repo = exhibits.repository("sig/" + "a-very-long-repository-name-that-does-not-fit-" * 2 + "x", private=False)
    invalid = exhibits.deliver(b"[]", DeliveryState.INVALID, "The body's JSON is not an object.")
    delivery, job = exhibits.planned(repo, actor=Actor(login="alice"))
    _, running = exhibits.planned(repo, bot="rebuild", handler="command:rebuild")
    exhibits.run(running, ["pulling quay.io/fedora/fedora@sha256:" + "0123456789abcdef" * 4, "STEP 1/3: FROM fedora"])
    row = exhibits.run(job, [f"line {number} of the log" for number in range(40)])
    effect = exhibits.store.begin_effect(job, row.attempt, repo.id, "comment", "lint/pr-3/report", "digest")
    exhibits.store.confirm_effect(effect.id, row.attempt, "17", "https://forge.example.org/sig/x/pull/3#17")
    exhibits.store.finish(job, row.attempt, JobState.FAILED, "hadolint found 3 problems in Containerfile")
    exhibits.settle("ignored", b'{"zen": 1}', reason="GitHub event ping: no bot needs it.")
    number = exhibits.local("sig/hello", False, "everybody")
    return [
        "/", f"/deliveries/{delivery}", f"/deliveries/{invalid}", f"/jobs/{job}", f"/jobs/{running}", "/forge", "/forge/sig/hello",
        f"/forge/sig/hello/pull/{number}", f"/forge/sig/hello/issue/{number + 1}",
    ]  # fmt: skip
