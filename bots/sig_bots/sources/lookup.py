"""Find a source by the kind an instance is configured with."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

from sig_bots.errors import UserError
from sig_bots.events import Event, Ignored, Rejected
from sig_bots.sources.kinds import KINDS

__all__ = ["Source", "events_of", "source"]


class Source(Protocol):
    """What every source module offers. All of it is pure but for the clock; header names may come in any case."""

    CONTENT_TYPES: frozenset[str]
    """Media types accepted, in lower case, without parameters."""
    MAX_BODY: int
    """Largest body accepted unless the instance says otherwise, in bytes."""
    project: Callable[[Mapping[str, str]], str | None]
    """The project whose own key a delivery is to be verified with, by its unsigned headers; None where there are no such keys."""
    verify: Callable[[Mapping[str, str], bytes, Sequence[bytes]], None]
    """Raises Unauthorized unless the delivery comes from its sender, under one of the active secrets."""
    proof: Callable[[Mapping[str, str], bytes, bytes], Mapping[str, str]]
    """The headers by which `verify` knows a body, from its other headers and the secret. Raises UserError for an unusable secret."""
    delivery_id: Callable[[Mapping[str, str], bytes], str | None]
    """The sender's id of a verified delivery; None when it has none, which is refused."""
    parse: Callable[[Mapping[str, str], bytes], Event | Ignored | Rejected]
    """The (first) event in a verified delivery, or why there is none; never raises."""
    parse_all: Callable[[Mapping[str, str], bytes], tuple[Event, ...] | Ignored | Rejected]
    """All its events, one at least: a registry reports several pushes at once. Else why there is none; never raises."""


@functools.cache
def source(name: str) -> Source:
    """The source of this kind. Raises UserError naming the kinds there are."""
    if name not in KINDS:
        raise UserError(f"There is no source {name[:60]!r}; there are {', '.join(KINDS)}.")
    return cast("Source", importlib.import_module(f"sig_bots.sources.{name}"))


def events_of(name: str, headers: Mapping[str, str], body: bytes) -> tuple[Event, ...] | Ignored | Rejected:
    """All events of one delivery, or why there is none; never raises but UserError for an unknown source."""
    return source(name).parse_all(headers, body)
