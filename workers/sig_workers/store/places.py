"""Places of update pull requests: counted and taken in one transaction, so that workers cannot take the last one twice.

Times are those of the runs that look, not of the database's clock: the hour of a limit is the hour of the schedule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, func, insert, select, update

from sig_bots.updatelimits import FullLimit
from sig_workers.store.database import Part, one_at_a_time
from sig_workers.store.schema import repositories, schedules
from sig_workers.store.schema_updates import Place, update_places
from sig_workers.updatelimits import SharedLimit

__all__ = ["UpdatePlaces"]

_HOUR = timedelta(hours=1)
_LOCK = "update places"
_HELD = (Place.TAKEN, Place.OPEN)


class UpdatePlaces(Part):
    """The places of all repositories."""

    def settle_places(self, repo: int, present: Mapping[str, datetime | None], now: datetime) -> None:
        """Make the repository's rows say which pull requests are open: branch -> when it was opened, None where untold."""
        self.write(lambda connection: _settle(connection, repo, present, now))

    def take_place(
        self,
        repo: int,
        branch: str,
        now: datetime,
        limits: Sequence[SharedLimit],
        *,
        seen: timedelta,
        keep: bool = True,
    ) -> FullLimit | None:
        """Take a place unless a limit is reached, which is returned.

        Repositories where the update bot is switched off, or that were not looked at for the time `seen`, do not count:
        nobody would say when their pull requests are closed. Without `keep` nothing is written.
        """

        def take(connection: Connection) -> FullLimit | None:
            one_at_a_time(connection, _LOCK)
            full = _full(connection, limits, now, now - seen)
            if keep:
                _forget(connection, repo, branch)
                state = Place.TAKEN if full is None else Place.WAITING
                _add(connection, repo, {branch: now}, state, now)
            return full

        return self.write(take)

    def opened_place(self, repo: int, branch: str) -> None:
        """The place taken is a pull request now."""
        self._move(repo, branch, Place.TAKEN, Place.OPEN)

    def closed_place(self, repo: int, branch: str) -> None:
        """The pull request is closed or merged."""
        self._move(repo, branch, Place.OPEN, Place.CLOSED)

    def _move(self, repo: int, branch: str, before: Place, after: Place) -> None:
        change = update(update_places).where(_of(repo, branch), update_places.c.state == before)
        self.write_one(lambda connection: connection.execute(change.values(state=after)))

    def give_place_back(self, repo: int, branch: str) -> None:
        """The place taken was not used."""
        self.write_one(
            lambda connection: connection.execute(
                delete(update_places).where(_of(repo, branch), update_places.c.state == Place.TAKEN)
            )
        )

    def waits_for_place(self, repo: int) -> bool:
        """Whether something was held back at the repository's last look."""
        c = update_places.c
        query = select(exists().where(c.repo_id == repo, c.state == Place.WAITING))
        return bool(self.read(lambda connection: connection.execute(query).scalar()))


def _of(repo: int, branch: str) -> Any:
    return and_(update_places.c.repo_id == repo, update_places.c.branch == branch)


def _settle(connection: Connection, repo: int, present: Mapping[str, datetime | None], now: datetime) -> None:
    one_at_a_time(connection, _LOCK)
    c = update_places.c
    here = c.repo_id == repo
    connection.execute(delete(update_places).where(here, c.state == Place.WAITING))
    connection.execute(delete(update_places).where(here, c.state == Place.CLOSED, c.opened_at <= now - _HOUR))
    held = {row.branch: row for row in connection.execute(select(update_places).where(here, c.state.in_(_HELD)))}
    for branch, row in held.items():
        one = update_places.c.id == row.id
        if branch in present:
            connection.execute(update(update_places).where(one).values(state=Place.OPEN, seen_at=now))
        elif row.state == Place.TAKEN:
            connection.execute(delete(update_places).where(one))
        else:
            connection.execute(update(update_places).where(one).values(state=Place.CLOSED, seen_at=now))
    new = {branch: at or now - _HOUR for branch, at in present.items() if branch not in held}
    _add(connection, repo, new, Place.OPEN, now)


def _forget(connection: Connection, repo: int, branch: str) -> None:
    connection.execute(delete(update_places).where(_of(repo, branch), update_places.c.state != Place.CLOSED))


def _add(connection: Connection, repo: int, opened: Mapping[str, datetime], state: Place, now: datetime) -> None:
    rows = [
        {"repo_id": repo, "branch": branch, "state": state, "opened_at": at, "seen_at": now}
        for branch, at in opened.items()
    ]
    if rows:
        connection.execute(insert(update_places), rows)


def _full(connection: Connection, limits: Sequence[SharedLimit], now: datetime, seen: datetime) -> FullLimit | None:
    for limit in limits:
        held, recent = _count(connection, limit, now, seen)
        whose: Literal["organisation", "service"] = "service" if limit.owner is None else "organisation"
        if limit.open is not None and held >= limit.open:
            return FullLimit(whose, limit.open, "open")
        if limit.per_hour is not None and recent >= limit.per_hour:
            return FullLimit(whose, limit.per_hour, "hour")
    return None


def _switched_off(repo: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether the update bot has no schedule any more in the repository: then nobody looks what became of its pull requests."""
    c = schedules.c
    return exists().where(c.repo_id == repo, c.bot == "update", c.enabled.is_(False)).correlate(repositories)


def _count(connection: Connection, limit: SharedLimit, now: datetime, seen: datetime) -> tuple[int, int]:
    """How many are open, and how many were opened within the hour."""
    c, r = update_places.c, repositories.c
    held = func.coalesce(func.sum(case((c.state.in_(_HELD), 1), else_=0)), 0)
    recent = func.coalesce(func.sum(case((c.opened_at > now - _HOUR, 1), else_=0)), 0)
    query = (
        select(held, recent)
        .join_from(update_places, repositories, c.repo_id == r.id)
        .where(c.state != Place.WAITING, c.seen_at > seen, r.enabled, ~_switched_off(r.id))
    )
    if limit.owner is not None:
        instance, owner = limit.owner
        query = query.where(r.instance == instance, func.lower(r.owner) == owner.lower())
    row = connection.execute(query).one()
    return int(row[0]), int(row[1])
