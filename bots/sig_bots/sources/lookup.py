"""Find a source by the kind an instance is configured with."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

from sig_bots.errors import UserError
from sig_bots.events import Event, Ignored, Rejected

__all__ = ["SOURCES", "Source", "events_of", "source"]

SOURCES = ("github", "pagure", "forgejo", "gitlab", "quay", "registry", "local")
"""The kinds that have a source of webhooks."""


class Source(Protocol):
    """What every source module offers. All of it is pure but for the clock; header names may come in any case."""

    CONTENT_TYPES: frozenset[str]
    """Media types accepted, in lower case, without parameters."""
    MAX_BODY: int
    """Largest body accepted unless the instance says otherwise, in bytes."""
    verify: Callable[[Mapping[str, str], bytes, Sequence[bytes]], None]
    """Raises Unauthorized unless the delivery comes from its sender, under one of the active secrets."""
    delivery_id: Callable[[Mapping[str, str], bytes], str | None]
    """The sender's id of a verified delivery; None when it has none, which is refused."""
    parse: Callable[[Mapping[str, str], bytes], Event | Ignored | Rejected]
    """The event in a verified delivery, or why there is none; never raises."""


@functools.cache
def source(name: str) -> Source:
    """The source of this kind. Raises UserError naming the kinds there are."""
    if name not in SOURCES:
        raise UserError(f"There is no source {name[:60]!r}; there are {', '.join(SOURCES)}.")
    return cast("Source", importlib.import_module(f"sig_bots.sources.{name}"))


def events_of(name: str, headers: Mapping[str, str], body: bytes) -> tuple[Event, ...] | Ignored | Rejected:
    """All events of one delivery (a registry reports several pushes at once), or why there is none; never raises.

    Raises UserError only for an unknown source.
    """
    module = source(name)
    several = getattr(module, "parse_all", None)
    found: tuple[Event, ...] = several(headers, body) if several else ()
    if found:
        return found
    single = module.parse(headers, body)
    return single if isinstance(single, Ignored | Rejected) else (single,)
