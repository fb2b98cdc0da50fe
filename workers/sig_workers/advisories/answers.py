"""What advisory services said, kept for a while: in the store for the service, in memory for one run of a command."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # the command line works without the store's packages
    from sig_workers.store.registry_answers import RegistryAnswers

__all__ = ["Answers", "MemoryAnswers", "StoredAnswers"]

_NAME, _KIND = "advisories ", "advisories"


class Answers(Protocol):
    """Remembers answers (JSON) by any text."""

    def get(self, key: str) -> Any | None:
        """The answer, None when there is none that still holds."""
        ...

    def old(self, key: str) -> Any | None:
        """The last answer, however old."""
        ...

    def put(self, key: str, value: Any) -> None:
        """Keep an answer."""
        ...


class StoredAnswers:
    """In the store, with the registries' answers: their old ones are removed together."""

    def __init__(self, store: RegistryAnswers, age: timedelta) -> None:
        """`age`: how long an answer is believed."""
        self._store = store
        self._age = age

    def get(self, key: str) -> Any | None:
        """See `Answers.get`."""
        found = self._store.cached(_NAME, key, _KIND, self._age)
        return found.value if found else None

    def old(self, key: str) -> Any | None:
        """See `Answers.old`."""
        found = self._store.cached(_NAME, key, _KIND, None)
        return found.value if found else None

    def put(self, key: str, value: Any) -> None:
        """See `Answers.put`."""
        self._store.cache(_NAME, key, _KIND, value)


class MemoryAnswers:
    """For one run of a command."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    def get(self, key: str) -> Any | None:
        """See `Answers.get`."""
        found = self._kept.get(key)
        return json.loads(found) if found is not None else None

    def old(self, key: str) -> Any | None:
        """See `Answers.old`."""
        return self.get(key)

    def put(self, key: str, value: Any) -> None:
        """See `Answers.put`."""
        self._kept[key] = json.dumps(value)
