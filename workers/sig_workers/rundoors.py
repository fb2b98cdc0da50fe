"""The doors a running job gets: forge, git, registries, builder, records. Opened on first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial

from sig_bots.advisories import Advisories
from sig_bots.context import Approvals, JobBoard, JobSummary
from sig_bots.forge import Forge
from sig_bots.refs import Actor
from sig_bots.tools import Builder, Inventory, Linter, Registry, Workspace
from sig_bots.updatelimits import Places
from sig_bots.upstreams import Upstreams
from sig_workers.builders.guarded import GuardedBuilder
from sig_workers.ledger import Ledger
from sig_workers.recorded import RecordedWorkspace
from sig_workers.service import Service
from sig_workers.store.inventory import SqlInventory
from sig_workers.store.rows import JobRow
from sig_workers.store.store import Store
from sig_workers.updateplaces import StoredPlaces

__all__ = ["RunServices", "job_url"]


@dataclass(frozen=True)
class StoredApprovals:
    """Approvals and own commits, from the store."""

    store: Store
    repo_id: int

    def approve(self, number: int, sha: str, by: Actor) -> None:
        """See `Approvals.approve`."""
        self.store.approve(self.repo_id, number, sha, by)

    def approved_by(self, number: int, sha: str) -> str | None:
        """See `Approvals.approved_by`."""
        return self.store.approved_by(self.repo_id, number, sha)

    def ours(self, sha: str) -> bool:
        """See `Approvals.ours`."""
        return self.store.own_commit(self.repo_id, sha)

    def pushed_by(self, sha: str) -> Actor | None:
        """See `Approvals.pushed_by`."""
        return self.store.pusher(self.repo_id, sha)


@dataclass(frozen=True)
class StoredJobs:
    """The jobs of a repository, from the store."""

    store: Store
    job: JobRow
    url: Callable[[int], str]

    def of(self, number: int | None = None) -> Sequence[JobSummary]:
        """See `JobBoard.of`."""
        rows = self.store.jobs(repo=self.job.repo.id, number=number, limit=50)
        return [
            JobSummary(
                id=row.id, bot=row.bot, handler=row.handler, state=row.state, reason=row.reason, number=row.number,
                head_sha=row.head_sha, created=row.created_at, url=self.url(row.id),
            )
            for row in rows
            if row.id != self.job.id
        ]  # fmt: skip

    def cancel(self, number: int | None, *, bot: str | None, reason: str) -> int:
        """See `JobBoard.cancel`."""
        return self.store.cancel(self.job.repo.id, number=number, bot=bot, reason=reason, except_job=self.job.id)


@dataclass
class RunServices:
    """The doors of one run; what costs time or a library is opened when a handler first asks for it."""

    forge: Forge
    ledger: Ledger
    service: Service

    @cached_property
    def workspace(self) -> Workspace:
        """Git on the repository, pushes recorded."""
        return RecordedWorkspace(self.service.workspace(self.ledger.job.repo), self.ledger)

    @property
    def registry(self) -> Registry:
        """The registry client."""
        return self.service.registry

    @property
    def advisories(self) -> Advisories:
        """The advisory services."""
        return self.service.advisories

    @property
    def upstreams(self) -> Upstreams:
        """The release monitor."""
        return self.service.upstreams

    @cached_property
    def builder(self) -> Builder:
        """The builder, guarded by who may publish what."""
        return GuardedBuilder(self.service.builder, self.ledger, self.service.settings)

    @property
    def linter(self) -> Linter:
        """hadolint."""
        return self.service.linter

    @property
    def inventory(self) -> Inventory:
        """The fleet, from the store."""
        return SqlInventory(self.service.store, self.ledger.job.id, self.ledger.job.attempt)

    @property
    def approvals(self) -> Approvals:
        """Approvals, from the store."""
        return StoredApprovals(self.service.store, self.ledger.job.repo.id)

    @property
    def jobs(self) -> JobBoard:
        """Jobs of the repository, from the store."""
        return StoredJobs(self.service.store, self.ledger.job, partial(job_url, self.service, self.ledger.job))

    @property
    def places(self) -> Places:
        """Places under the limits that repositories share, from the store."""
        settings = self.service.settings
        period = settings.timing.periods.get("update.sweep", timedelta(0))
        return StoredPlaces(
            self.service.store, self.ledger.job.repo, settings.update_limits, period, dry=self.ledger.dry
        )


def job_url(service: Service, job: JobRow, number: int) -> str:
    """Link to a job's page; none for a private repository, whose pages are shown to nobody."""
    return f"{service.settings.url}/jobs/{number}" if job.repo.private is False else ""
