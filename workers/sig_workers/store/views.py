"""What the pages and the command line read, and the jobs' log."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, func, insert, or_, select

from sig_bots.jobstate import JobState
from sig_workers.store import schema as t
from sig_workers.store.database import Part
from sig_workers.store.deliveries import DELIVERY_COLUMNS, delivery_row
from sig_workers.store.deliverystate import UNREADABLE
from sig_workers.store.effects import fence_job
from sig_workers.store.job_rows import job_row, select_jobs
from sig_workers.store.rows import AttemptRow, DeliveryRow, EffectRow, EventRow, JobRow, LogLine, VerdictRow

__all__ = ["Views"]


class Views(Part):
    """Reads. `public_only` leaves out everything of a repository that is private, or not known to be public.

    `with_unreadable` lets those pass that are about no repository at all as far as we know: nobody could read them, or
    they are of a kind that nobody needs. Their `private` is None: show the reason, which is ours, and nothing they hold.
    """

    def recent_deliveries(
        self, limit: int = 50, *, public_only: bool = True, with_unreadable: bool = False, before: int | None = None,
        ignored: bool = True,
    ) -> list[DeliveryRow]:  # fmt: skip
        """Deliveries, newest first, without those ignored if so wished; `before` is the last id of the page above."""
        query = _deliveries(public_only, with_unreadable).order_by(t.deliveries.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(t.deliveries.c.id < before)
        if not ignored:
            query = query.where(t.deliveries.c.state != "ignored")
        return self.read(lambda connection: [delivery_row(row) for row in connection.execute(query).mappings()])

    def count_ignored(self, newer_than: int, before: int | None = None, most: int = 1000) -> int:
        """How many ignored deliveries that a page may show lie between two ids; `most` at most."""
        c = t.deliveries.c
        inner = _deliveries(public_only=True, with_unreadable=True).where(c.state == "ignored", c.id > newer_than)
        if before is not None:
            inner = inner.where(c.id < before)
        query = select(func.count()).select_from(inner.limit(most).subquery())
        return self.read(lambda connection: int(connection.execute(query).scalar_one()))

    def delivery(
        self, delivery: int, *, public_only: bool = False, with_unreadable: bool = False
    ) -> DeliveryRow | None:
        """One delivery by its row's id."""
        query = _deliveries(public_only, with_unreadable).where(t.deliveries.c.id == delivery)
        row = self.read(lambda connection: connection.execute(query).mappings().first())
        return delivery_row(row) if row else None

    def events_of(self, delivery: int) -> list[EventRow]:
        """The events of a delivery: one, or one per time it was replayed; newest first."""
        c = t.events.c
        query = select(c.id, c.kind, c.json, c.created_at).where(c.delivery_id == delivery).order_by(c.id.desc())
        return self.read(lambda connection: [EventRow(*row) for row in connection.execute(query)])

    def verdicts_of(self, delivery: int) -> list[VerdictRow]:
        """What each bot said to a delivery."""
        c = t.verdicts.c
        query = select(c.bot, c.verdict).where(c.delivery_id == delivery).order_by(c.id)
        return self.read(lambda connection: [VerdictRow(*row) for row in connection.execute(query)])

    def jobs(
        self,
        *,
        repo: int | None = None,
        number: int | None = None,
        delivery: int | None = None,
        bot: str | None = None,
        states: Collection[JobState] = (),
        public_only: bool = False,
        before: int | None = None,
        limit: int = 50,
    ) -> list[JobRow]:
        """Jobs that fit, newest first; `before` is the last id of the page above."""
        c = t.jobs.c
        query = select_jobs().order_by(c.id.desc()).limit(limit)
        for column, value in ((c.repo_id, repo), (c.number, number), (c.delivery_id, delivery), (c.bot, bot)):
            if value is not None:
                query = query.where(column == value)
        if states:
            query = query.where(c.state.in_(tuple(states)))
        if public_only:
            query = query.where(t.repositories.c.private.is_(False))
        if before is not None:
            query = query.where(c.id < before)
        return self.read(lambda connection: [job_row(row) for row in connection.execute(query)])

    def job(self, job: int) -> JobRow | None:
        """One job; `job.repo.private` says who may see it."""
        query = select_jobs().where(t.jobs.c.id == job)
        row = self.read(lambda connection: connection.execute(query).first())
        return job_row(row) if row else None

    def attempts(self, job: int) -> list[AttemptRow]:
        """The runs of a job, oldest first, with the one that is going. The last one is in the job's own row."""
        c, now = t.attempts.c, t.jobs.c
        past = select(c.attempt, c.started_at, c.ended_at, c.outcome, c.reason, c.owner).where(c.job_id == job)
        last = select(now.attempt, now.started_at, now.finished_at, now.state, now.reason, now.owner)
        last = last.where(now.id == job, now.attempt > 0)

        def look(connection: Connection) -> list[AttemptRow]:
            rows = [AttemptRow(*row) for row in connection.execute(past.order_by(c.attempt))]
            row = connection.execute(last).first()
            if row is None or (rows and rows[-1].attempt == row.attempt):
                return rows
            return [*rows, AttemptRow(*row)]

        return self.read(look)

    def effects_of(self, job: int) -> list[EffectRow]:
        """What a job did, or was about to do, outside; in order."""
        c = t.effects.c
        columns = [c[name] for name in EffectRow.__slots__]
        query = select(*columns).where(c.job_id == job).order_by(c.intended_at, c.id)
        return self.read(lambda connection: [EffectRow(*row) for row in connection.execute(query)])

    def log(self, job: int, attempt: int, lines: Sequence[str]) -> None:
        """Append to the job's log, in one transaction. Raises FencedOff."""
        rows = [{"job_id": job, "attempt": attempt, "line": line} for line in lines]

        def append(connection: Connection) -> None:
            fence_job(connection, job, attempt)
            connection.execute(insert(t.job_log), rows)

        if rows:
            self.write(append)

    def log_lines(self, job: int, after_seq: int = 0, limit: int = 1000) -> list[LogLine]:
        """Lines of a job's log after one of them, oldest first."""
        c = t.job_log.c
        query = select(c.seq, c.attempt, c.at, c.line).where(c.job_id == job, c.seq > after_seq)
        query = query.order_by(c.seq).limit(limit)
        return self.read(lambda connection: [LogLine(*row) for row in connection.execute(query)])


def _deliveries(public_only: bool, with_unreadable: bool = False) -> Select[Any]:
    query = select(*DELIVERY_COLUMNS)
    if not public_only:
        return query
    c, repo = t.deliveries.c, t.repositories
    visible = and_(c.private.is_(False), or_(c.repo_id.is_(None), repo.c.private.is_(False)))
    if with_unreadable:
        unread = c.state.in_(UNREADABLE)
        visible = or_(visible, and_(c.private.is_(None), c.repo_id.is_(None), unread))
    return query.select_from(t.deliveries.outerjoin(repo, repo.c.id == c.repo_id)).where(visible)
