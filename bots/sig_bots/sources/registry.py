"""The distribution registry (Docker's registry, and those built on it): `notifications.endpoints`.

Scheme: the endpoint is configured with the header `Authorization: Bearer <secret>`, and the secret must be active here.
Id: the ids of the events in the body, the same when the registry sends again.
Body: `application/vnd.docker.distribution.events.v1+json`, an object with a list `events`: pushes and pulls of manifests
and layers, several in one. Source: distribution.github.io, "Work with notifications".

Only manifests pushed by tag become events; a manifest pushed by digest alone is a part of an index that follows.
The registry names itself by the Host header of whoever pushed, so `image.registry` is the name it was pushed under.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from sig_bots.errors import Unauthorized
from sig_bots.events import Event, Ignored, ImagePushed, Rejected
from sig_bots.refs import Actor, ImageRef
from sig_bots.sources._signature import active, ascii_secret, no_project, verify_token
from sig_bots.sources.payload import (
    Object,
    body_id,
    find,
    guarded,
    header,
    json_object,
    maybe_text,
    missing,
    records,
    text,
    usable_id,
    words,
)

__all__ = ["CONTENT_TYPES", "MAX_BODY", "delivery_id", "parse", "parse_all", "project", "proof", "verify"]

CONTENT_TYPES = frozenset({"application/vnd.docker.distribution.events.v1+json", "application/json"})
"""Media types accepted (without parameters)."""

MAX_BODY = 5 * 2**20
"""Bytes."""


project = no_project


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> None:
    """Check the bearer token of the Authorization header (RFC 6750). Raises Unauthorized."""
    active(secrets)
    scheme, _, token = (header(headers, "authorization") or "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized("The delivery has no bearer token; add `Authorization: [Bearer SECRET]` to the endpoint.")
    verify_token(token, "bearer token", secrets)


def proof(headers: Mapping[str, str], body: bytes, secret: bytes) -> dict[str, str]:
    """The Authorization header."""
    return {"Authorization": f"Bearer {ascii_secret(secret)}"}


def delivery_id(headers: Mapping[str, str], body: bytes) -> str | None:
    """The id of the only event, or the SHA-256 of all ids; the body's SHA-256 when an event has none."""
    data = json_object(body)
    events = None if isinstance(data, Rejected) else data.get("events")
    ids = [usable_id(one.get("id")) for one in events if isinstance(one, dict)] if isinstance(events, list) else []
    known = [one for one in ids if one]
    if not known or len(known) != len(ids):
        return body_id(body)
    return known[0] if len(known) == 1 else "sha256-" + hashlib.sha256(" ".join(known).encode()).hexdigest()


def _pushes(data: Object) -> tuple[ImagePushed, ...]:
    found: dict[tuple[str, str], ImagePushed] = {}
    for entry in records(data, "events"):
        if maybe_text(entry, "action") != "push" or not find(entry, "target", "tag"):
            continue
        pushed = _push(entry)
        key = (pushed.image.name, pushed.image.digest or "")
        earlier = found.get(key)
        if earlier is None:
            found[key] = pushed
        elif pushed.tags[0] not in earlier.tags:
            found[key] = earlier.model_copy(update={"tags": earlier.tags + pushed.tags})
    return tuple(found.values())


def _push(entry: Object) -> ImagePushed:
    host = words(entry, "request", "host") or _host_of(words(entry, "target", "url"))
    tag, digest = text(entry, "target", "tag"), words(entry, "target", "digest")
    try:
        image = ImageRef.parse(f"{host}/{text(entry, 'target', 'repository')}:{tag}{'@' if digest else ''}{digest}")
    except ValueError:
        raise missing(("target",), "a registry, a repository, a tag and a digest") from None
    who = words(entry, "actor", "name")
    return ImagePushed(source="registry", image=image, tags=(tag,), actor=Actor(login=who) if who else None)


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:  # an unfinished IPv6 address
        return ""


def _read(headers: Mapping[str, str], data: Object) -> tuple[ImagePushed, ...] | Ignored:
    return _pushes(data) or Ignored(reason="A registry notification without a push of a tag: no bot needs it.")


parse_all = guarded("registry", _read)


def parse(headers: Mapping[str, str], body: bytes) -> Event | Ignored | Rejected:
    """The first push of `parse_all`."""
    found = parse_all(headers, body)
    return found[0] if isinstance(found, tuple) else found
