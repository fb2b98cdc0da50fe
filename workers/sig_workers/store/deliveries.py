"""The inbox: accepting deliveries, claiming them for parsing, and what happens when that fails."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Integer, RowMapping, Select, and_, bindparam, null, or_, select, tuple_, update

from sig_bots.errors import FencedOff
from sig_workers.store import schema as t
from sig_workers.store.columns import When, clean, db_after, db_after_param, db_now, moment, short
from sig_workers.store.database import Part
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.rows import Accepted, DeliveryRow
from sig_workers.store.trace import traceparent

__all__ = [
    "DELIVERY_COLUMNS",
    "MAX_DELIVERY_ATTEMPTS",
    "MAX_DELIVERY_DEATHS",
    "OWN",
    "Deliveries",
    "delivery_row",
    "due_deliveries",
]

OWN = "sigbot"
"""Source of the deliveries that hold an event of our own: a tick, what a job made, a part of a delivery of many."""

MAX_DELIVERY_ATTEMPTS = 3
MAX_DELIVERY_DEATHS = 5
"""So often a worker may die over a delivery. More than errors, since the delivery is seldom why a worker dies."""

_BADLY_ENDED = (DeliveryState.FAILED, DeliveryState.DEAD)


class Deliveries(Part):
    """What arrived, raw, once per (instance, delivery id)."""

    def accept(
        self,
        *,
        instance: str,
        source: str,
        delivery_id: str,
        headers: Mapping[str, str],
        body: bytes,
        state: DeliveryState = DeliveryState.RECEIVED,
        reason: str = "",
        trace: str | None = None,
    ) -> Accepted:
        """Keep a delivery before it is answered with 2xx. Durable when this returns (SQLite: see the ADR).

        `headers` are already without secrets. `state` is `received`, or `invalid` with a `reason` for a signed body
        that cannot be parsed. `trace`: of what it follows from; else the sender's, or a new one. Raises StoreDown.
        """
        digest = hashlib.sha256(body).digest()
        delivery_id = short(delivery_id, 255)
        row = (
            instance, source, delivery_id, json.dumps(dict(headers)), body, digest, state, clean(reason),
            trace or traceparent(headers),
        )  # fmt: skip
        new, existing = self.database.accept(row)
        if new is not None:
            return Accepted(new, "new")
        assert existing is not None  # noqa: S101  (one of both, by contract)
        known, known_digest, known_state = existing
        if known_digest != digest:
            return Accepted(known, "conflict")
        if known_state in _BADLY_ENDED and self._requeue(known):
            return Accepted(known, "requeued")
        return Accepted(known, "duplicate")

    def accept_own(self, delivery_id: str, event: str, *, trace: str | None = None) -> Accepted:
        """Keep an event of our own (`dump_event`) as a delivery, which is planned like any other; the same id is kept once.

        `trace`: of what it follows from. Raises StoreDown.
        """
        return self.accept(
            instance="", source=OWN, delivery_id=delivery_id, headers={}, body=event.encode(), trace=trace
        )

    def replay(self, delivery: int) -> bool:
        """Make a delivery due again, whatever became of it; False when it does not exist or is being processed."""
        return self._requeue(delivery, any_state=True)

    def _requeue(self, delivery: int, *, any_state: bool = False) -> bool:
        again = (
            update(t.deliveries)
            .where(t.deliveries.c.id == delivery)
            .where(
                t.deliveries.c.state != DeliveryState.PROCESSING
                if any_state
                else t.deliveries.c.state.in_(_BADLY_ENDED)
            )
            .values(state=DeliveryState.RECEIVED, reason="", tries=0, not_before=null(), settled_at=null())
            .returning(t.deliveries.c.id)
        )
        return self.write(lambda connection: connection.execute(again).first() is not None)

    def claim_deliveries(self, owner: str, limit: int, lease: timedelta) -> list[DeliveryRow]:
        """Take up to `limit` due deliveries for `lease`, oldest first, attempt + 1. Settle or fail each.

        One that was tried before is taken alone, so that one which ends its worker takes no others along twice. Due: received, failed and waited long enough, or claimed by somebody whose lease ran out.
        """
        values = {"the_owner": owner, "the_limit": limit, "lease": lease.total_seconds()}
        rows = self.write_one(lambda connection: connection.execute(_CLAIM, values).mappings().all())
        return sorted((delivery_row(row) for row in rows), key=lambda row: row.id)

    def renew_deliveries(self, held: Mapping[int, int], lease: timedelta) -> None:
        """Keep claimed deliveries for another `lease`: `held` is delivery -> attempt. Those we lost stay lost."""
        c = t.deliveries.c
        mine = tuple_(c.id, c.attempt).in_(list(held.items()))
        again = (
            update(t.deliveries).where(mine, c.state == DeliveryState.PROCESSING).values(lease_until=db_after(lease))
        )
        self.write_one(lambda connection: connection.execute(again))

    def fail_delivery(self, delivery: int, attempt: int, reason: str, retry_at: When | None = None) -> DeliveryState:
        """A delivery could not be parsed or planned. Due again at `retry_at`; dead without one, or after three tries.

        Returns the state, `failed` or `dead`. Raises FencedOff.
        """

        def fail(connection: Connection) -> DeliveryState:
            tries = _fence(connection, delivery, attempt)
            dead = retry_at is None or tries >= MAX_DELIVERY_ATTEMPTS
            state = DeliveryState.DEAD if dead else DeliveryState.FAILED
            values: dict[str, Any] = {"settled_at": db_now()} if dead else {}
            connection.execute(
                update(t.deliveries)
                .where(t.deliveries.c.id == delivery)
                .values(
                    state=state, reason=reason, owner=null(), lease_until=null(), not_before=moment(retry_at), **values
                )
            )
            return state

        return self.write(fail)


def _fence(connection: Connection, delivery: int, attempt: int) -> int:
    """How often it was tried; raises FencedOff unless this attempt has it."""
    c = t.deliveries.c
    mine = (
        select(c.tries)
        .where(c.id == delivery, c.attempt == attempt, c.state == DeliveryState.PROCESSING)
        .with_for_update()
    )
    tries = connection.execute(mine).scalar()
    if tries is None:
        raise FencedOff(f"delivery {delivery}: attempt {attempt} lost its lease")
    return int(tries)


def due_deliveries() -> Select[tuple[int]]:
    """Ids of the deliveries that somebody may claim now."""
    c = t.deliveries.c
    waited = or_(c.not_before.is_(None), c.not_before <= db_now())
    return select(c.id).where(
        t.UNPLANNED_DELIVERY,
        or_(
            and_(c.state.in_((DeliveryState.RECEIVED, DeliveryState.FAILED)), waited),
            and_(c.state == DeliveryState.PROCESSING, c.lease_until < db_now(), c.tries < MAX_DELIVERY_DEATHS),
        ),
    )


DELIVERY_COLUMNS = tuple(t.deliveries.c[name] for name in DeliveryRow.__slots__)


def _claim() -> Any:
    c = t.deliveries.c
    # As a common table expression it runs once; as a plain subquery PostgreSQL may run it again per row.
    limit = bindparam("the_limit", type_=Integer())
    found = due_deliveries().add_columns(c.tries).order_by(c.id).limit(limit)
    due = found.with_for_update(skip_locked=True).cte("due")
    first = select(due.c.id, due.c.tries).order_by(due.c.id).limit(1).cte("first")
    alone = and_(first.c.tries > 0, due.c.id == first.c.id)
    chosen = select(due.c.id).join(first, or_(alone, and_(first.c.tries == 0, due.c.tries == 0)))
    return (
        update(t.deliveries)
        .where(c.id.in_(chosen))
        .values(
            state=DeliveryState.PROCESSING, attempt=c.attempt + 1, tries=c.tries + 1, owner=bindparam("the_owner"),
            lease_until=db_after_param("lease"),
        )
        .returning(*DELIVERY_COLUMNS)
    )  # fmt: skip


_CLAIM = _claim()


def delivery_row(row: RowMapping) -> DeliveryRow:
    """A row of the table as a value."""
    return DeliveryRow(**row)
