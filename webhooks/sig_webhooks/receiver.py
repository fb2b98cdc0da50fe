"""The receiver: `POST /hooks/<instance>`. Check, keep, answer, wake somebody up. It never calls a forge."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from sig_bots.errors import Unauthorized
from sig_bots.events import Rejected
from sig_bots.sources.kinds import KINDS, PATH_SECRET_HEADER
from sig_bots.sources.lookup import Source, source
from sig_bots.sources.payload import body_id, json_object
from sig_webhooks.body import BodyReader
from sig_workers.queue import WakeUps
from sig_workers.settings import Instance
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.errors import StoreDown
from sig_workers.store.rows import Accepted
from sig_workers.store.store import Store

__all__ = ["Endpoint", "answer", "make_receiver", "public_headers"]

log = logging.getLogger(__name__)

RETRY_SECONDS = "30"
_PATH_SECRET = PATH_SECRET_HEADER.lower()
# A closed list: a header nobody knows may hold anything.
_KEPT = ("content-type", "user-agent", "traceparent")
_KEPT_PREFIXES = tuple(prefix for kind in KINDS.values() for prefix in kind.headers)
_SECRET_WORDS = ("signature", "token", "auth", "secret", "password")


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
        # Where each project signs with a key of its own, the (unsigned) headers choose it, the signed body confirms.
        path = self.source.project(headers)
        key = self._store.hook_key(self.instance.name, path) if path else None
        self.source.verify(headers, body, (*self._secrets, *((key,) if key else ())))

    def keep(self, headers: Mapping[str, str], body: bytes) -> tuple[Accepted, str]:
        """Store the verified delivery; what became of it, and why nobody can read it, if so. Raises StoreDown."""
        parsed = json_object(body)
        problem = parsed.reason if isinstance(parsed, Rejected) else ""
        identity = self.source.delivery_id(headers, body)
        if identity is None:
            problem = problem or "The delivery has no id."
            identity = body_id(body)
        accepted = self._store.accept(
            instance=self.instance.name, source=self.instance.kind, delivery_id=identity,
            headers=public_headers(headers), body=body, reason=problem,
            state=DeliveryState.INVALID if problem else DeliveryState.RECEIVED,
        )  # fmt: skip
        if accepted.status == "conflict":
            log.warning("a delivery id came with another body: instance=%s row=%d", self.instance.name, accepted.id)
        return accepted, problem


def public_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that say what arrived, of those in lower case; none that holds a secret or a signature."""
    return {
        name: value[:1000]
        for name, value in headers.items()
        if name in _KEPT or (name.startswith(_KEPT_PREFIXES) and not any(word in name for word in _SECRET_WORDS))
    }


def make_receiver(endpoints: Mapping[str, Endpoint], wake_ups: WakeUps, reader: BodyReader) -> Blueprint:
    """The routes. `endpoints` maps the name in the path to its instance."""
    receiver = Blueprint("receiver", __name__)

    @receiver.post("/hooks/<name>")
    @receiver.post("/hooks/<name>/<path_secret>")
    def hook(name: str, path_secret: str | None = None) -> Response:
        endpoint = endpoints.get(name)
        if endpoint is None or (path_secret is not None and not endpoint.instance.traits.secret_in_path):
            return answer("error", "There is no such hook here.", 404)
        environ = request.environ
        kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        if kind not in endpoint.source.CONTENT_TYPES or _is_encoded(environ):
            return answer("error", "Send application/json, not encoded.", 415)
        try:
            body = reader.read(environ, endpoint.limit)
        except HTTPException as error:
            return answer("error", _READ_ERRORS[error.code or 400], error.code or 400)
        headers = _headers(environ)
        if path_secret is not None:
            headers[_PATH_SECRET] = path_secret
        try:
            endpoint.verify(headers, body)
            accepted, problem = endpoint.keep(headers, body)
        except Unauthorized:
            return answer("error", "The delivery is not signed with a secret of this hook.", 401)
        except StoreDown as error:
            log.error("store down, a delivery was refused: instance=%s: %s", name, error)
            return answer("error", "The store does not answer; send it again later.", 503, {"Retry-After": RETRY_SECONDS})  # fmt: skip
        if problem:
            return answer("invalid", problem, 400)
        if accepted.status in ("new", "requeued"):
            wake_ups.wake(("receive",))
        return answer("accepted", "", 202) if accepted.status == "new" else answer(accepted.status, "", 200)

    return receiver


_READ_ERRORS = {
    413: "The body is too large for this hook.",
    408: "The body came too slowly.",
    400: "The body cannot be read.",
}


def _is_encoded(environ: Mapping[str, Any]) -> bool:
    """Whether the body is compressed, as content or on its way (RFC 9112, 7.1: `gzip, chunked`, which nobody undoes here)."""
    transfer = environ.get("HTTP_TRANSFER_ENCODING", "chunked").strip().lower()
    return "HTTP_CONTENT_ENCODING" in environ or transfer != "chunked"


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """The request's headers, names in lower case. Nobody outside can set the one that stands for the path's secret."""
    found = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    found["content-type"] = environ.get("CONTENT_TYPE", "")
    found.pop(_PATH_SECRET, None)
    return found


def answer(status: str, message: str, code: int, headers: Mapping[str, str] | None = None) -> Response:
    """A small JSON answer; it never repeats anything of the request."""
    return Response(_said(status, message), code, headers, content_type="application/json")


@lru_cache(maxsize=64)
def _said(status: str, message: str) -> bytes:
    return json.dumps({"status": status, "message": message} if message else {"status": status}).encode()
