"""Health: whether the process lives, and whether it can take deliveries."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from sig_workers.store.store import Store, StoreDown

__all__ = ["make_health"]


def make_health(store: Store) -> Blueprint:
    """`/healthz/live` (the process answers) and `/healthz/ready` (the store can be written and is migrated).

    The broker is not asked: without it deliveries are accepted all the same.
    """
    health = Blueprint("health", __name__, url_prefix="/healthz")

    @health.get("/live")
    def live() -> Response:
        return jsonify(status="ok")

    @health.get("/ready")
    def ready() -> tuple[Response, int]:
        try:
            store.writable()
            migrated = store.at_head()
        except StoreDown as error:
            return jsonify(status="not ready", reason=str(error)), 503
        if not migrated:
            return jsonify(status="not ready", reason="the store is not migrated; run `sigbot migrate`"), 503
        return jsonify(status="ok"), 200

    return health
