"""Running jobs: claim the best due one, keep its lease, finish it. Every write is fenced by (job, attempt)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, insert, literal, null, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from sig_bots.errors import FencedOff
from sig_bots.jobstate import JobState
from sig_workers.store import schema as t
from sig_workers.store.columns import UtcTime, When, Words, clean, db_after, db_now, moment
from sig_workers.store.database import Part, one_at_a_time, upsert
from sig_workers.store.deliveries import OWN
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.job_rows import job_row, job_rows
from sig_workers.store.job_sql import BEST, DUE, END_RUN, START_AND_READ, START_MANY, START_ONE
from sig_workers.store.rows import HostBlock, JobRow
from sig_workers.store.schema import RUNNING

__all__ = ["Jobs", "remember_run"]


class Jobs(Part):
    """The life of a job between claim and outcome."""

    def claim_jobs(self, queue: str, owner: str, lease: timedelta, limit: int = 1) -> list[JobRow]:
        """Take up to `limit` due jobs of a queue for `lease`, best first; they are running now, attempt + 1.

        Due: queued, `not_before` passed, its host not blocked, no running job with the same target. Best: lowest
        priority number, then in turn over repositories (the one served longest ago first), then oldest.
        """

        def claim(connection: Connection) -> list[JobRow]:
            one_at_a_time(connection, "claim jobs")  # fairness is exact, and no two claims deadlock
            best: dict[str, Any] = {}
            for row in connection.execute(BEST, {"the_queue": queue, "the_limit": 2 * limit + 10}):
                best.setdefault(row.target, row)
            chosen = list(best.values())[:limit]
            return _run(connection, [row.id for row in chosen], owner, lease, turn=[row.repo_id for row in chosen])

        return self._claim(claim)

    def claim_given(
        self, jobs: Sequence[int], owner: str, lease: timedelta, *, queue: str | None = None
    ) -> list[JobRow]:
        """Take those of the given jobs that are due (and of this queue, when given), in the order given; one per target.

        For the worker that has just planned them and can start at once. It is no turn of their repositories.
        """
        if len(jobs) == 1:  # one event on an idle worker: somebody waits for just this
            one = self.claim_job(jobs[0], owner, lease, queue=queue)
            return [one] if one else []

        def claim(connection: Connection) -> list[JobRow]:
            one_at_a_time(connection, "claim jobs")  # fairness is exact, and no two claims deadlock
            these = [t.jobs.c.id.in_(list(jobs)), DUE, *([t.jobs.c.queue == queue] if queue else [])]
            found = connection.execute(select(t.jobs.c.id, t.jobs.c.target).where(*these)).all()
            one_per_target = {row.target: row.id for row in sorted(found, key=lambda r: jobs.index(r.id), reverse=True)}
            due = set(one_per_target.values())
            return _run(connection, [job for job in jobs if job in due], owner, lease, turn=[])

        return self._claim(claim) if jobs else []

    def claim_job(self, job: int, owner: str, lease: timedelta, *, queue: str | None = None) -> JobRow | None:
        """Take this one job; None when it is not due (any more) or not of this queue. It is no turn of its repository."""
        values = {"the_job": job, "the_owner": owner, "the_queue": queue, "lease": lease.total_seconds()}

        def start(connection: Connection) -> JobRow | None:
            started = connection.execute(START_ONE, values).first()
            return job_rows(connection, [job])[0] if started else None

        try:
            if self.database.name == "sqlite":
                return self.write(start)
            row = self.write_one(lambda connection: connection.execute(START_AND_READ, values).first())
        except IntegrityError:  # somebody started another job of the same target at this moment
            return None
        return job_row(row) if row else None

    def _claim(self, claim: Callable[[Connection], list[JobRow]]) -> list[JobRow]:
        for _ in range(5):
            try:
                return self.write(claim)
            except IntegrityError:  # `claim_job` started a job of the same target meanwhile; look again
                continue
        return []

    def renew(self, held: Mapping[int, int], lease: timedelta) -> dict[int, str | None]:
        """Renew many leases at once: `held` is job -> attempt. Returns those that are still held, with why they are asked to end."""
        c = t.jobs.c
        mine = tuple_(c.id, c.attempt).in_(list(held.items()))
        again = update(t.jobs).where(mine, RUNNING).values(lease_until=db_after(lease))
        again = again.returning(c.id, c.cancel_reason)
        rows = self.write_one(lambda connection: connection.execute(again).all())
        return {row.id: row.cancel_reason for row in rows}

    def hand_back(self, job: int, attempt: int, reason: str) -> None:
        """Queue the job again at once, as if this run had not begun. Raises FencedOff."""
        c = t.jobs.c
        mine = and_(c.id == job, c.attempt == attempt, RUNNING)

        def back(connection: Connection) -> bool:
            if connection.execute(select(c.id).where(mine).with_for_update()).first() is None:
                return False
            remember_run(connection, mine, outcome="handed back", reason=reason)
            values = {
                "state": JobState.QUEUED,
                "reason": reason,
                "lease_until": null(),
                "max_attempts": c.max_attempts + 1,
            }
            connection.execute(update(t.jobs).where(mine).values(**values))
            return True

        if not self.write(back):
            raise _fenced_off(job, attempt)

    def finish(
        self,
        job: int,
        attempt: int,
        state: JobState,
        reason: str = "",
        *,
        events: Sequence[str | bytes] = (),
        retry_at: When | None = None,
        host_block: HostBlock | None = None,
    ) -> JobState:
        """End this run in one transaction; returns the state written.

        `state` is done, skipped, failed, cancelled, superseded, obsolete or dead. With `retry_at` the job is queued
        again for then, or `dead` when its attempts are used up. `events` (JSON of events the job made) are inserted
        as deliveries, to be planned like any other. `host_block` keeps this job, and all jobs of an instance of
        that name, waiting. Raises FencedOff; nothing is written then.
        """

        if retry_at is None and not events and host_block is None:
            ended = self.write_one(lambda connection: _end(connection, job, attempt, state, reason))
        else:

            def end(connection: Connection) -> JobState | None:
                again = retry_at is not None and _put_back(connection, job, attempt, reason, retry_at, host_block)
                final = JobState.QUEUED if again else state if retry_at is None else JobState.DEAD
                if not again and _end(connection, job, attempt, final, reason) is None:
                    return None
                if events:
                    _emit(connection, job, attempt, events)
                if host_block is not None:
                    _block(connection, host_block)
                return final

            ended = self.write(end)
        if ended is None:
            raise _fenced_off(job, attempt)
        return ended


def _end(connection: Connection, job: int, attempt: int, state: JobState, reason: str) -> JobState | None:
    """End a run for good; the job's row is its record. None when the attempt is fenced off."""
    values = {"the_job": job, "the_attempt": attempt, "the_state": state, "the_reason": reason}
    return connection.execute(END_RUN, values).scalar()


def _put_back(
    connection: Connection, job: int, attempt: int, reason: str, retry_at: When, host_block: HostBlock | None
) -> bool:
    """Queue the job again; False when this was its last attempt or is fenced off."""
    c = t.jobs.c
    mine = and_(c.id == job, c.attempt == attempt, RUNNING, c.tries < c.max_attempts)
    if connection.execute(select(c.id).where(mine).with_for_update()).first() is None:
        return False
    remember_run(connection, mine, outcome="retry", reason=reason)
    back = {"state": JobState.QUEUED, "reason": reason, "lease_until": null(), "not_before": moment(retry_at)}
    connection.execute(update(t.jobs).where(mine).values(**back, host=host_block.host if host_block else null()))
    return True


def _run(
    connection: Connection, jobs: Sequence[int], owner: str, lease: timedelta, *, turn: Sequence[int]
) -> list[JobRow]:
    if not jobs:
        return []
    values = {"the_jobs": list(jobs), "the_owner": owner, "lease": lease.total_seconds()}
    started = {row.id for row in connection.execute(START_MANY, values)}
    if turn:
        served = update(t.repositories).where(t.repositories.c.id.in_(sorted(set(turn))))
        connection.execute(served.values(last_claimed_at=db_now()))
    return job_rows(connection, [job for job in jobs if job in started])


def _fenced_off(job: int, attempt: int) -> FencedOff:
    return FencedOff(f"job {job}: attempt {attempt} lost its lease or was ended; nothing was written")


def remember_run(
    connection: Connection, which: ColumnElement[bool], *, outcome: str | None = None, reason: str | None = None
) -> None:
    """Write the last run of the jobs into the history, before the jobs' rows are used for another one.

    Outcome and reason are by default those that the rows have.
    """
    c = t.jobs.c
    run = select(
        c.id,
        c.attempt,
        c.started_at,
        func.coalesce(c.finished_at, db_now(), type_=UtcTime()),
        c.state if outcome is None else literal(outcome, Words()),
        c.reason if reason is None else literal(clean(reason), Words()),
        c.owner,
    ).where(which)
    names = ["job_id", "attempt", "started_at", "ended_at", "outcome", "reason", "owner"]
    connection.execute(insert(t.attempts).from_select(names, run))


def _emit(connection: Connection, job: int, attempt: int, events: Sequence[str | bytes]) -> None:
    trace = connection.execute(select(t.jobs.c.trace).where(t.jobs.c.id == job)).scalar()
    bodies = [event.encode() if isinstance(event, str) else event for event in events]
    rows: list[dict[str, Any]] = [
        {
            "instance": "", "source": OWN, "delivery_id": f"job-{job}.{attempt}-{n}", "headers": {}, "body": body,
            "body_sha256": hashlib.sha256(body).digest(), "state": DeliveryState.RECEIVED, "parent_job_id": job, "trace": trace,
        }
        for n, body in enumerate(bodies)
    ]  # fmt: skip
    connection.execute(insert(t.deliveries), rows)


def _block(connection: Connection, what: HostBlock) -> None:
    """Leave a host alone until then; a longer block that is there already stays."""
    add = upsert(connection, t.blocked_hosts).values(host=what.host, until=moment(what.until), reason=what.reason)
    longer = add.excluded.until > t.blocked_hosts.c.until
    connection.execute(
        add.on_conflict_do_update(
            index_elements=["host"], set_={"until": add.excluded.until, "reason": add.excluded.reason}, where=longer
        )
    )
