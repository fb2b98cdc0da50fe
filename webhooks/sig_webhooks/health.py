"""Health: whether the process lives, and whether it can take deliveries."""

from __future__ import annotations

import logging

from flask import Blueprint, Response

from sig_webhooks.receiver import answer
from sig_workers.store.errors import StoreDown
from sig_workers.store.store import Store

__all__ = ["make_health"]

log = logging.getLogger(__name__)


def make_health(store: Store) -> Blueprint:
    """`/healthz/live` (the process answers) and `/healthz/ready` (the store can be written and is migrated).

    The broker is not asked: without it deliveries are accepted all the same.
    """
    health = Blueprint("health", __name__, url_prefix="/healthz")

    @health.get("/live")
    def live() -> Response:
        return answer("ok", "", 200)

    @health.get("/ready")
    def ready() -> Response:
        try:
            migrated = store.at_head()
            if migrated:
                store.writable()
        except StoreDown as error:
            log.error("not ready: %s", error)  # the driver's words name hosts, which are nobody's business outside
            return answer("not ready", "The store does not answer.", 503)
        if not migrated:
            return answer("not ready", "The store is not migrated; run `sigbot migrate`.", 503)
        return answer("ok", "", 200)

    return health
