"""The ledger of effects: what a job is about to do outside, written before; what it did, written after."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, null, select, update

from sig_bots.errors import FencedOff
from sig_workers.store import schema as t
from sig_workers.store.columns import db_now, short
from sig_workers.store.database import Part, one_at_a_time
from sig_workers.store.job_sql import FENCE
from sig_workers.store.rows import Effect

__all__ = ["Effects", "fence_job"]


class Effects(Part):
    """Each effect once: (repository, kind, key, digest of the content)."""

    def begin_effect(
        self, job: int, attempt: int, repo: int, kind: str, key: str, content_sha: str, *, detail: Any = None
    ) -> Effect:
        """Say what is about to be done. See `Effect` for what the answer means.

        `key` names the place (a comment's topic, a branch, a check and its commit), `content_sha` what is put there.
        Content that was replaced by other content under the same key since then counts as new again: a check that
        goes green, red, green is three effects. Raises FencedOff.
        """
        key, content_sha = short(key), short(content_sha)

        def begin(connection: Connection) -> Effect:
            fence_job(connection, job, attempt)
            one_at_a_time(connection, f"effect {repo} {kind} {key}")
            c = t.effects.c
            place = (c.repo_id == repo, c.kind == kind, c.key == key)
            known = {row.content_sha: row for row in connection.execute(
                select(c.id, c.content_sha, c.turn, c.state, c.result, c.url).where(*place)
            )}  # fmt: skip
            newest = max((row.turn for row in known.values()), default=0)
            row = known.get(content_sha)
            now = {"job_id": job, "attempt": attempt, "detail": detail}
            if row is None:
                fresh = insert(t.effects).values(
                    repo_id=repo, kind=kind, key=key, content_sha=content_sha, turn=newest + 1, state="intended", **now
                )
                return Effect(connection.execute(fresh.returning(c.id)).scalar_one(), "new")
            if row.turn == newest and row.state == "confirmed":
                return Effect(row.id, "confirmed", row.result, row.url)
            again = update(t.effects).where(c.id == row.id).values(
                turn=newest if row.turn == newest else newest + 1, state="intended",
                intended_at=db_now(), confirmed_at=null(), **now,
            )  # fmt: skip
            connection.execute(again)
            return Effect(row.id, "intended" if row.state == "intended" else "new", row.result, row.url)

        return self.write(begin)

    def confirm_effect(self, effect: int, attempt: int, result: str = "", url: str = "") -> None:
        """It is done; `result` is what to tell whoever asks again (a comment's id, a commit).

        Raises FencedOff when a later attempt has taken the effect over.
        """
        c = t.effects.c
        confirm = (
            update(t.effects)
            .where(c.id == effect, c.attempt == attempt)
            .values(state="confirmed", result=result, url=url, confirmed_at=db_now())
            .returning(c.id)
        )
        if self.write(lambda connection: connection.execute(confirm).first()) is None:
            raise FencedOff(f"effect {effect}: a later attempt than {attempt} has taken it over")


def fence_job(connection: Connection, job: int, attempt: int) -> None:
    """Hold the job's row for this transaction; raises FencedOff unless the attempt has the job."""
    if connection.execute(FENCE, {"the_job": job, "the_attempt": attempt}).first() is None:
        raise FencedOff(f"job {job}: attempt {attempt} lost its lease or was ended; it may do nothing any more")
