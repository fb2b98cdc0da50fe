"""quay.io and Red Hat Quay: repository notifications of the event "Push to Repository", method "Webhook POST".

Scheme: none of its own. The address of the hook ends in a secret, and the receiver, having taken it from the path (and
out of its logs), hands it over as the pseudo header `X-Sigbot-Path-Secret`; it must be an active secret of the hook.
Id: none. Two pushes of a tag give the same bytes, so the id is the body's SHA-256 and the time in steps of ten seconds:
copies arriving together are one, a later push is another.
Event: only a push lists `updated_tags`. Source: docs.redhat.com, "Use Red Hat Quay", chapter "Repository notifications".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from sig_bots.events import Event, Ignored, ImagePushed
from sig_bots.refs import ImageRef
from sig_bots.sources._signature import ascii_secret, no_project, verify_token
from sig_bots.sources.kinds import PATH_SECRET_HEADER
from sig_bots.sources.payload import Object, alone, body_id, find, guarded, header, missing, text, texts

__all__ = [
    "CONTENT_TYPES",
    "MAX_BODY",
    "delivery_id",
    "parse",
    "parse_all",
    "project",
    "proof",
    "verify",
]

CONTENT_TYPES = frozenset({"application/json"})
"""Media types accepted (without parameters)."""

MAX_BODY = 5 * 2**20
"""Bytes."""

_STEP = 10


project = no_project


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> None:
    """Check the secret the request's path ended in. Raises Unauthorized."""
    verify_token(header(headers, PATH_SECRET_HEADER.lower()), "secret at the end of the hook's address", secrets)


def proof(headers: Mapping[str, str], body: bytes, secret: bytes) -> dict[str, str]:
    """The pseudo header; who sends puts its value at the end of the address instead."""
    return {PATH_SECRET_HEADER: ascii_secret(secret)}


def delivery_id(headers: Mapping[str, str], body: bytes, *, now: Callable[[], float] = time.time) -> str | None:
    """The body's SHA-256 with the time in steps of ten seconds; `now` in Unix seconds."""
    return f"{body_id(body)}-{int(now()) // _STEP}"


def _read(headers: Mapping[str, str], data: Object) -> Event | Ignored:
    tags = find(data, "updated_tags")
    if tags is None:
        return Ignored(reason="A Quay notification other than a push: no bot needs it.")
    names = tuple(tags) if isinstance(tags, dict) else texts(data, "updated_tags")
    if not names:
        return Ignored(reason="A push to Quay that updated no tag.")
    try:
        image = ImageRef.parse(text(data, "docker_url"))
        references = [ImageRef.parse(f"{image.name}:{name}") for name in names]
    except ValueError:
        raise missing(("docker_url",), "an image with a registry, and updated_tags its tags") from None
    return ImagePushed(source="quay", image=references[0], tags=names)


parse = guarded("Quay", _read)
parse_all = alone(parse)
