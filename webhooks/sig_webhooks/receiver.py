"""The receiver: `POST /hooks/<instance>`. Check, keep, answer, wake somebody up. It never calls a forge."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from sig_bots.errors import Unauthorized
from sig_bots.events import Rejected
from sig_bots.sources.lookup import Source, source
from sig_bots.sources.payload import json_object
from sig_bots.sources.quay import PATH_SECRET_HEADER
from sig_webhooks.body import BodyReader
from sig_workers.queue import WakeUps
from sig_workers.settings import Instance
from sig_workers.store.store import Store, StoreDown

__all__ = ["Endpoint", "make_receiver"]

log = logging.getLogger(__name__)

RETRY_SECONDS = "30"
_SECRET_WORDS = ("signature", "token", "authorization", "cookie", "secret", "password")
_KEPT = ("content-type", "user-agent", "webhook-id", "webhook-timestamp", "idempotency-key")


class Endpoint:
    """One configured instance as a receiver: how its deliveries are checked and kept."""

    def __init__(self, instance: Instance, secrets: tuple[bytes, ...], store: Store) -> None:
        self.instance = instance
        self.source: Source = source(instance.kind)
        self.limit = instance.max_body or self.source.MAX_BODY
        self._secrets = secrets
        self._store = store

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises Unauthorized unless the delivery comes from its sender. Raises StoreDown."""
        if self.instance.kind != "pagure":
            self.source.verify(headers, body, self._secrets)
            return
        # Each Pagure project signs with a key of its own: the (unsigned) header chooses, the signed body confirms.
        from sig_bots.sources.pagure import project

        path = project(headers)
        key = self._store.hook_key(self.instance.name, path) if path else None
        self.source.verify(headers, body, (*self._secrets, *((key,) if key else ())))

    def keep(self, headers: Mapping[str, str], body: bytes) -> tuple[str, int]:
        """Store the verified delivery; returns (what became of it, HTTP status). Raises StoreDown."""
        parsed = json_object(body)
        problem = parsed.reason if isinstance(parsed, Rejected) else ""
        identity = self.source.delivery_id(headers, body)
        if identity is None:
            problem = problem or "The delivery has no id."
            from sig_bots.sources.payload import body_id

            identity = body_id(body)
        accepted = self._store.accept(
            instance=self.instance.name, source=self.instance.kind, delivery_id=identity,
            headers=public_headers(headers), body=body, state="invalid" if problem else "received", reason=problem,
        )  # fmt: skip
        if problem:
            return problem, 400
        if accepted.status == "conflict":
            log.warning(
                "delivery id used twice with different bodies: instance=%s row=%d", self.instance.name, accepted.id
            )
        return accepted.status, 202 if accepted.status == "new" else 200


def public_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers worth keeping, in lower case; none that holds a secret or a signature."""
    kept = {}
    for name, value in headers.items():
        lower = name.lower()
        if (lower in _KEPT or lower.startswith("x-")) and not any(word in lower for word in _SECRET_WORDS):
            kept[lower] = value[:1000]
    return kept


def make_receiver(endpoints: Mapping[str, Endpoint], wake_ups: WakeUps, *, body_seconds: float = 10.0) -> Blueprint:
    """The routes. `endpoints` maps the name in the path to its instance."""
    receiver = Blueprint("receiver", __name__)
    reader = BodyReader(body_seconds)

    @receiver.post("/hooks/<name>")
    @receiver.post("/hooks/<name>/<path_secret>")
    def hook(name: str, path_secret: str | None = None) -> tuple[Response, int] | tuple[Response, int, dict[str, str]]:
        endpoint = endpoints.get(name)
        if endpoint is None:
            return answer("error", "There is no such hook here."), 404
        if request.mimetype not in endpoint.source.CONTENT_TYPES or request.headers.get("Content-Encoding"):
            return answer("error", "Send application/json, not encoded."), 415
        try:
            body = reader.read(request.environ, endpoint.limit)
        except HTTPException as error:
            # What is left of the body stays unread, so the connection cannot serve another request.
            return answer("error", _READ_ERRORS.get(error.code or 0, "The body cannot be read.")), error.code or 400, {"Connection": "close"}  # fmt: skip
        headers = {key: value for key, value in request.headers.items() if key.lower() != PATH_SECRET_HEADER.lower()}
        if path_secret is not None:
            headers[PATH_SECRET_HEADER] = path_secret
        try:
            endpoint.verify(headers, body)
            status, code = endpoint.keep(headers, body)
        except Unauthorized:
            return answer("error", "The delivery is not signed with a secret of this hook."), 401
        except StoreDown:
            log.error("store down, a delivery was refused: instance=%s", name)
            return (
                answer("error", "The store does not answer; send it again later."),
                503,
                {"Retry-After": RETRY_SECONDS},
            )
        if code == 400:
            return answer("invalid", status), 400
        if status in ("new", "requeued"):
            wake_ups.wake(("receive",))
        return answer("accepted" if status == "new" else status, ""), code

    return receiver


_READ_ERRORS = {
    413: "The body is too large for this hook.",
    408: "The body came too slowly.",
    400: "The body cannot be read.",
}


def answer(status: str, message: str) -> Response:
    """A small JSON answer; it never repeats anything of the request."""
    return jsonify(status=status, message=message) if message else jsonify(status=status)
