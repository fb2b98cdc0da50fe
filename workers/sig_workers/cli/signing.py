"""Sign a payload as its sender would: the headers, and what is added to the hook's address."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
import uuid
from collections.abc import Mapping

from sig_bots.errors import UserError
from sig_bots.events import Rejected
from sig_bots.sources._signature import hex_signature
from sig_bots.sources.payload import header, json_object
from sig_workers.cli.options import fail

__all__ = ["EVENT_HEADERS", "signed"]

EVENT_HEADERS = {
    "github": "X-GitHub-Event", "forgejo": "X-Forgejo-Event", "gitlab": "X-Gitlab-Event", "local": "X-Sigbot-Event",
}  # fmt: skip
"""Sources whose event is named in a header, not in the body."""

_ID_HEADERS = {
    "github": "X-GitHub-Delivery", "forgejo": "X-Forgejo-Delivery", "gitlab": "Idempotency-Key",
    "local": "X-Sigbot-Delivery",
}  # fmt: skip
_GITLAB_KEY = b"whsec_"


def signed(source: str, given: Mapping[str, str], body: bytes, secret: bytes) -> tuple[dict[str, str], str]:
    """All headers to post `body` with, those given among them, and the end of the address (quay's secret, else "").

    Schemes as in `sig_bots.sources`. A delivery id is made when none is given. Raises UserError for a secret that the
    source cannot use.
    """
    headers = {"Content-Type": "application/json", **given}
    if name := _ID_HEADERS.get(source):
        headers.setdefault(name, header(given, name.lower()) or str(uuid.uuid4()))
    digest = hex_signature(secret, body)
    match source:
        case "github":
            headers["X-Hub-Signature-256"] = f"sha256={digest}"
        case "forgejo":
            headers["X-Forgejo-Signature"] = digest
        case "local":
            headers["X-Sigbot-Signature-256"] = f"sha256={digest}"
        case "pagure":
            headers |= {**_pagure(body), "X-Pagure-Signature-256": digest}
        case "gitlab":
            headers |= _gitlab(headers, body, secret)
        case "registry":
            headers["Authorization"] = f"Bearer {_text(secret)}"
        case "quay":
            return headers, f"/{_text(secret)}"
        case _:
            fail(f"payloads of {source} cannot be sent")
    return headers, ""


def _pagure(body: bytes) -> dict[str, str]:
    """The unsigned headers repeat what the signed body says."""
    data = json_object(body)
    message = None if isinstance(data, Rejected) else data.get("msg")
    named = message if isinstance(message, dict) else {}
    values = {"X-Pagure-Project": named.get("project_fullname"), "X-Pagure": named.get("pagure_instance")}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _gitlab(headers: Mapping[str, str], body: bytes, secret: bytes) -> dict[str, str]:
    if not secret.startswith(_GITLAB_KEY):
        return {"X-Gitlab-Token": _text(secret)}
    try:
        key = base64.b64decode(secret.removeprefix(_GITLAB_KEY), validate=True)
    except binascii.Error:
        raise UserError("A signing token of GitLab is whsec_ and base64; copy it whole.") from None
    message, stamp = headers["Idempotency-Key"], str(int(time.time()))
    signature = hmac.digest(key, f"{message}.{stamp}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": message, "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }  # fmt: skip


def _text(secret: bytes) -> str:
    try:
        return secret.decode("ascii")
    except UnicodeDecodeError:
        raise UserError("This source sends its secret as it is, so it must be plain ASCII.") from None
