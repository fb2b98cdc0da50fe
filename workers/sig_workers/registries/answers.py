"""Answers of registries that are still good: in the store for the service, in memory for one run of a command."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # the command line works without the store's packages
    from sig_workers.store.registry_answers import FirstSeen, RegistryAnswers

__all__ = ["PASSING", "MemoryAnswers", "RegistryCache", "StoredAnswers"]

PASSING = ("tags", "digest", "project")
"""What a tag, a repository or a release monitor holds may change; what a digest names never does."""


class RegistryCache(Protocol):
    """Remembers answers (JSON) and decides how old they may be.

    `kind` is tags, digest or project, which grow old, or manifest or config. `name` is registry/path of an image, `rest` nothing,
    `:tag` or `@digest`.
    """

    def get(self, kind: str, name: str, rest: str) -> Any | None:
        """The answer, None when there is none that still holds."""
        ...

    def old(self, kind: str, name: str, rest: str) -> Any | None:
        """The last answer, however old."""
        ...

    def put(self, kind: str, name: str, rest: str, value: Any, took: float) -> None:
        """Keep an answer that was asked for `took` seconds ago."""
        ...

    def first_seen(self, name: str, rest: str) -> FirstSeen | None:
        """When this was first asked about; None when nobody remembers such things."""
        ...


class StoredAnswers:
    """In the store, shared by all processes of the service."""

    def __init__(self, store: RegistryAnswers, age: timedelta) -> None:
        """`age`: how long tags and digests are believed without a push that we are told of."""
        self._store = store
        self._age = age

    def get(self, kind: str, name: str, rest: str) -> Any | None:
        """See `RegistryCache.get`."""
        found = self._store.cached(name, rest, kind, self._age if kind in PASSING else None)
        return found.value if found else None

    def old(self, kind: str, name: str, rest: str) -> Any | None:
        """See `RegistryCache.old`."""
        found = self._store.cached(name, rest, kind, None)
        return found.value if found else None

    def put(self, kind: str, name: str, rest: str, value: Any, took: float) -> None:
        """See `RegistryCache.put`."""
        self._store.cache(name, rest, kind, value, took=timedelta(seconds=took))

    def first_seen(self, name: str, rest: str) -> FirstSeen | None:
        """See `RegistryCache.first_seen`."""
        return self._store.first_seen(name, rest)


class MemoryAnswers:
    """For one run of a command: what a digest names is asked for once, tags each time. First sight counts for nothing."""

    def __init__(self, entries: int = 1000) -> None:
        """At most so many entries; then the oldest go."""
        self._entries = entries
        self._kept: dict[tuple[str, str, str], str] = {}

    def get(self, kind: str, name: str, rest: str) -> Any | None:
        """See `RegistryCache.get`."""
        found = self._kept.get((kind, name, rest))
        return json.loads(found) if found is not None else None

    def old(self, kind: str, name: str, rest: str) -> Any | None:
        """See `RegistryCache.old`."""
        return self.get(kind, name, rest)

    def put(self, kind: str, name: str, rest: str, value: Any, took: float) -> None:
        """See `RegistryCache.put`."""
        if kind in PASSING:
            return
        while len(self._kept) >= self._entries:
            self._kept.pop(next(iter(self._kept)), None)
        self._kept[kind, name, rest] = json.dumps(value)

    def first_seen(self, name: str, rest: str) -> FirstSeen | None:
        """See `RegistryCache.first_seen`."""
        return None
