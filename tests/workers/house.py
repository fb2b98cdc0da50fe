"""A whole service in one process on SQLite and the local forge: people act, `run` does what the workers would do.

Between the forge and the worker only the web process is missing: what the forge sends is put into the store raw.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sig_bots.bot import Bot
from sig_bots.config import CONFIG_FILE
from sig_bots.forge import Check, Permission
from sig_bots.queues import QUEUES
from sig_bots.roster import Roster
from sig_bots.sources import local
from sig_workers.beat import Beat
from sig_workers.localforge.forge import LocalForge
from sig_workers.localforge.hooks import SPOOL
from sig_workers.service import Service
from sig_workers.settings import Instance, Settings, Timing
from sig_workers.store.rows import DeliveryRow, JobRow
from sig_workers.tasks import Worker

REPO = "sig/demo"
SECRET = "a-secret-of-the-local-hook"  # a test's own
QUICK = {"lease": "10s", "heartbeat": "50ms", "retry": "1ms", "sweep": "50ms", "poll": "1ms"}


class House:
    """One repository, `sig/demo`: alice may push to it, bob may not. The given bots are enabled in it."""

    def __init__(
        self,
        data: Path,
        bots: Sequence[Bot],
        *,
        timing: Mapping[str, object] | None = None,
        instances: Sequence[Instance] = (),
        repositories: Sequence[str] = ("*",),
        **settings: Any,
    ) -> None:
        own = Instance(
            name="local", kind="local", account="bot", hook_secrets=(SECRET,), repositories=tuple(repositories)
        )
        self.settings = Settings(
            data=data, url="http://sigbot.example", instance=(own, *instances),
            timing=Timing.model_validate({**QUICK, **(timing or {})}), **settings,
        )  # fmt: skip
        self.service = Service(self.settings, bots=Roster.of(bots))
        self.store = self.service.store
        self.store.migrate()
        self.worker = Worker(self.service)
        self.beat = Beat(self.service)
        self.enabled = "".join(f"{bot.name}: {{}}\n" for bot in bots if not bot.always)
        self.create(REPO)

    def close(self) -> None:
        self.service.wake_ups.stop()
        self.store.close()

    @property
    def forge(self) -> LocalForge:
        return self.service.local_forge

    # ---------------------------------------------------------------- people act

    def create(self, path: str, *, private: bool = False, config: str | None = None) -> None:
        """A repository with one commit, pushed before anybody listened."""
        self.forge.create(path, "owner", private=private)
        self.forge.state.grant(path, "bot", Permission.WRITE)
        self.forge.state.grant(path, "alice", Permission.WRITE)
        self.commit({"README.md": "hello\n", CONFIG_FILE: config or f"version: 1\n{self.enabled}"}, path=path)

    def commit(self, files: Mapping[str, str], *, branch: str = "main", by: str = "alice", path: str = REPO) -> str:
        """Commit to a branch, made from main when missing, without telling anybody."""
        history = self.forge.history(path)
        parent = history.branch_sha(branch) or history.branch_sha("main")
        lines = [
            f"commit refs/heads/{branch}",
            f"committer {by} <{by}@example.org> 1700000000 +0000",
            "data 6",
            "Change",
        ]
        lines += [f"from {parent}"] if parent else []
        for name, text in files.items():
            lines += [f"M 100644 inline {name}", f"data {len(text.encode())}", text]
        stream = "\n".join([*lines, "", ""]).encode()
        subprocess.run(["git", "fast-import", "--quiet"], cwd=history.folder, input=stream, check=True)
        after = history.branch_sha(branch)
        assert after is not None
        return after

    def push(self, files: Mapping[str, str], *, branch: str = "main", by: str = "alice", path: str = REPO) -> str:
        """Commit to a branch, and let the forge do what follows from a push."""
        before = self.forge.history(path).branch_sha(branch)
        after = self.commit(files, branch=branch, by=by, path=path)
        self.forge.after_push(path, f"refs/heads/{branch}", before or "0" * 40, after, by)
        return after

    def open_pr(self, files: Mapping[str, str], *, branch: str = "change", by: str = "alice", path: str = REPO) -> int:
        self.commit(files, branch=branch, by=by, path=path)
        return self.forge.open_pull(path, by, branch=branch, base="main", title="A change").number

    def comment(self, text: str, *, on: int, by: str = "alice", path: str = REPO) -> str:
        return self.forge.comment(path, on, by, text)

    # ---------------------------------------------------------------- time passes

    def deliver(self) -> int:
        """Bring what the forge has sent into the store; how many deliveries that were."""
        files = sorted((self.settings.data / SPOOL).glob("*.json"))
        for file in files:
            kept = json.loads(file.read_text())
            body = json.dumps(kept["body"]).encode()
            headers = local.sign(body, SECRET.encode(), kept["event"], kept["delivery"])
            lower = {name.lower(): value for name, value in headers.items()}
            self.store.accept(instance="local", source="local", delivery_id=kept["delivery"], headers=lower, body=body)
            file.unlink()
        return len(files)

    def run(self, turns: int = 20) -> None:
        """Deliver and work until nothing is left that could be done within a second."""
        for _ in range(turns):
            if self.deliver() + self.worker.receive() + sum(self.worker.work(queue) for queue in QUEUES):
                continue
            soon = self._next_try()
            if soon is None or soon > 1:
                return
            time.sleep(max(soon, 0) + 0.002)  # a retry that waits for milliseconds is part of "now"
        raise AssertionError(f"there is still work after {turns} turns")

    def _next_try(self) -> float | None:
        """Seconds until the first job that waits for its next try may run; None when none waits."""
        waiting = [one.not_before for one in self.jobs() if one.state == "queued" and one.not_before is not None]
        return (min(waiting) - datetime.now(UTC)).total_seconds() if waiting else None

    # ---------------------------------------------------------------- people look

    def said(self, number: int, path: str = REPO) -> list[str]:
        """Our comments, without their hidden markers."""
        found = self.forge.state.comments(path, number=number)
        return [one.body.split("\n\n<!-- sigbot ")[0] for one in found if one.author.login == "bot"]

    def checks(self, sha: str, path: str = REPO) -> dict[str, Check]:
        return {check.name: check for check, _ in self.forge.state.checks(path, sha)}

    def head(self, number: int, path: str = REPO) -> str:
        return self.forge.pull(path, number).head_sha

    def jobs(self, bot: str | None = None) -> list[JobRow]:
        """All jobs (of a bot), oldest first."""
        return self.store.jobs(bot=bot, limit=200)[::-1]

    def deliveries(self) -> list[DeliveryRow]:
        """All deliveries, oldest first."""
        return self.store.recent_deliveries(200, public_only=False)[::-1]

    def log(self, job: int) -> str:
        return "\n".join(line.line for line in self.store.log_lines(job))
