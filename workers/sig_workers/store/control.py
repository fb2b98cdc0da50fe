"""What people do to jobs: cancel, retry, and the dead letters."""

from __future__ import annotations

from sqlalchemy import Connection, and_, exists, literal, null, select, update

from sig_bots.jobstate import OPEN, JobState
from sig_workers.store import schema as t
from sig_workers.store.columns import Words, db_now
from sig_workers.store.database import Part
from sig_workers.store.deliveries import DELIVERY_COLUMNS, delivery_row
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.job_rows import job_row, select_jobs
from sig_workers.store.jobs import remember_run
from sig_workers.store.rows import DeliveryRow, JobRow
from sig_workers.store.schema import DEAD, QUEUED, RUNNING

__all__ = ["Control"]

_DROPPED = literal("dropped by an operator: ", Words())


class Control(Part):
    """Jobs and deliveries in the hands of people."""

    def cancel(
        self,
        repo: int,
        *,
        number: int | None = None,
        bot: str | None = None,
        reason: str,
        except_job: int | None = None,
    ) -> int:
        """End queued jobs and ask running ones to end (the next renewal of their lease says so); how many there were.

        Of one pull request, or of the whole repository when `number` is None; of one bot when given.
        """
        c = t.jobs.c
        these = [c.repo_id == repo]
        if number is not None:
            these.append(c.number == number)
        if bot is not None:
            these.append(c.bot == bot)
        if except_job is not None:
            these.append(c.id != except_job)
        queued = (
            update(t.jobs)
            .where(*these, QUEUED)
            .values(state=JobState.CANCELLED, reason=reason, finished_at=db_now())
            .returning(c.id)
        )
        running = (
            update(t.jobs)
            .where(*these, RUNNING, c.cancel_reason.is_(None))
            .values(cancel_reason=reason)
            .returning(c.id)
        )

        def end(connection: Connection) -> int:
            return len(connection.execute(queued).all()) + len(connection.execute(running).all())

        return self.write(end)

    def cancel_job(self, job: int, reason: str) -> bool:
        """End one queued job, or ask it to end when it runs; False when it has ended already."""
        c = t.jobs.c
        queued = (
            update(t.jobs)
            .where(c.id == job, QUEUED)
            .values(state=JobState.CANCELLED, reason=reason, finished_at=db_now())
            .returning(c.id)
        )
        running = update(t.jobs).where(c.id == job, RUNNING).values(cancel_reason=reason).returning(c.id)
        return self.write(
            lambda connection: bool(connection.execute(queued).all() or connection.execute(running).all())
        )

    def retry(self, job: int) -> bool:
        """Queue a job again that has ended, with all its attempts; False when it is queued, running or unknown."""
        c, past = t.jobs.c, t.attempts.c
        again = (
            update(t.jobs)
            .where(c.id == job, c.state.notin_(OPEN))
            .values(
                state=JobState.QUEUED, reason="", tries=0, cancel_reason=null(), not_before=null(), host=null(),
                finished_at=null(),
            )
            .returning(c.id)
        )  # fmt: skip

        def queue(connection: Connection) -> bool:
            ran = and_(c.id == job, c.state.notin_(OPEN), c.started_at.isnot(None))
            remember_run(connection, and_(ran, ~exists().where(past.job_id == c.id, past.attempt == c.attempt)))
            return connection.execute(again).first() is not None

        return self.write(queue)

    def dead_jobs(self, limit: int = 100) -> list[JobRow]:
        """Jobs that were given up on, newest first."""
        query = select_jobs().where(DEAD).order_by(t.jobs.c.id.desc()).limit(limit)
        return self.read(lambda connection: [job_row(row) for row in connection.execute(query)])

    def dead_deliveries(self, limit: int = 100) -> list[DeliveryRow]:
        """Deliveries that were given up on, newest first."""
        c = t.deliveries.c
        query = select(*DELIVERY_COLUMNS).where(c.state == DeliveryState.DEAD).order_by(c.id.desc()).limit(limit)
        return self.read(lambda connection: [delivery_row(row) for row in connection.execute(query).mappings()])

    def drop(self, job: int) -> bool:
        """Take a job off the dead letters, for good; False when it is not there."""
        c = t.jobs.c
        drop = update(t.jobs).where(c.id == job, DEAD)
        drop = drop.values(state=JobState.FAILED, reason=_DROPPED + c.reason)
        return self.write(lambda connection: connection.execute(drop.returning(c.id)).first() is not None)

    def drop_delivery(self, delivery: int) -> bool:
        """Take a delivery off the dead letters, for good; False when it is not there."""
        c = t.deliveries.c
        drop = update(t.deliveries).where(c.id == delivery, c.state == DeliveryState.DEAD)
        drop = drop.values(state=DeliveryState.IGNORED, reason=_DROPPED + c.reason)
        return self.write(lambda connection: connection.execute(drop.returning(c.id)).first() is not None)
