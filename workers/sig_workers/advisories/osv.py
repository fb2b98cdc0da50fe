"""OSV: which records affect which version of a package (`POST /v1/querybatch`), and the records (`GET /v1/vulns/ID`).

https://google.github.io/osv.dev/post-v1-querybatch/: at most 1,000 questions at once; an answer that has more says so
with a token for the next page. A package is asked about before and after: what only the old version has is fixed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from sig_bots.advisories import Advisory, VersionChange
from sig_bots.packages import PackageKind
from sig_workers.advisories.answers import Answers
from sig_workers.advisories.door import JsonDoor
from sig_workers.advisories.records import ID, cves_in, fixed_in, read_record

__all__ = ["RESERVE", "Osv"]

_BATCH = 1000
_PAGES = 5
_MOST_RECORDS = 100
"""Records that are read for one pair of images; of the rest only the names are known."""
_MOST_QUESTIONS = 4000
RESERVE = 5.0
"""Seconds before the end from which on no more records are read: their names alone are worth telling."""

type _Question = tuple[str, str, str]
"""Ecosystem, package, version."""


@dataclass(frozen=True)
class Osv:
    """One server of the OSV protocol."""

    door: JsonDoor
    answers: Answers

    def between(
        self, kind: PackageKind, changes: Sequence[VersionChange], old: Sequence[str], new: Sequence[str], until: float
    ) -> tuple[list[Advisory], list[Advisory]]:
        """What these changes fix and bring. `old` and `new` are the ecosystems of the two images.

        Raises Transient, ForgeError.
        """
        before = {
            change.name: [(one, change.name, version) for one in old for version in change.old] for change in changes
        }
        after = {
            change.name: [(one, change.name, version) for one in new for version in change.new] for change in changes
        }
        questions = [one for side in (before, after) for some in side.values() for one in some][:_MOST_QUESTIONS]
        known = self._affecting(questions, until)

        def ids(some: Iterable[_Question]) -> set[str]:
            return {found for one in some for found in known.get(one, ())}

        fixed = [(change, ids(before[change.name]) - ids(after[change.name])) for change in changes]
        brought = [(change, ids(after[change.name]) - ids(before[change.name])) for change in changes]
        reading = _Reading(self.door, (*old, *new), until)
        return self._records(kind, fixed, reading), self._records(kind, brought, reading)

    def _affecting(self, questions: Sequence[_Question], until: float) -> dict[_Question, set[str]]:
        """The ids of the records that affect each version."""
        found: dict[_Question, set[str]] = {one: set() for one in questions}
        for start in range(0, len(questions), _BATCH):
            asked = [(one, "") for one in questions[start : start + _BATCH]]
            for _ in range(_PAGES):
                results = self._ask(asked, until)
                for (one, _), result in zip(asked, results, strict=True):
                    found[one] |= self._ids(result)
                asked = [
                    (one, token) for (one, _), result in zip(asked, results, strict=True) if (token := _token(result))
                ]
                if not asked:
                    break
            else:
                raise self.door.broken()  # pages without end
        return found

    def _ask(self, asked: Sequence[tuple[_Question, str]], until: float) -> list[dict[str, Any]]:
        queries = [
            {
                "package": {"name": name, "ecosystem": ecosystem},
                "version": version,
                **({"page_token": token} if token else {}),
            }
            for (ecosystem, name, version), token in asked
        ]
        results = self.door.post("/v1/querybatch", until, {"queries": queries}).get("results")
        if not isinstance(results, list) or len(results) != len(asked):
            raise self.door.broken()
        if not all(isinstance(one, dict) for one in results):
            raise self.door.broken()
        return results

    def _ids(self, result: dict[str, Any]) -> set[str]:
        """Ids of one result; what has not the form of an id is no answer to anything."""
        vulns = result.get("vulns", [])
        if not isinstance(vulns, list) or not all(isinstance(one, dict) for one in vulns):
            raise self.door.broken()
        names = [one.get("id") for one in vulns]
        if not all(isinstance(name, str) and ID.fullmatch(name) for name in names):
            raise self.door.broken()
        return {str(name) for name in names}

    def _records(
        self, kind: PackageKind, found: Sequence[tuple[VersionChange, set[str]]], reading: _Reading
    ) -> list[Advisory]:
        """The advisories; those of a distribution are read before the records of single CVEs, which they sum up."""
        pairs = [(name, change) for change, names in found for name in names]
        result = []
        for name, change in sorted(pairs, key=lambda pair: ("CVE-" in pair[0], pair[0], pair[1].name)):
            record = self._record(name, change.name, reading)
            if record is not None:
                advisory, versions = record
                result.append(advisory.model_copy(update={"fixed_in": fixed_in(kind, versions, change.old)}))
        return result

    def _record(self, name: str, package: str, reading: _Reading) -> tuple[Advisory, list[str]] | None:
        key = f"osv {name} {package} {' '.join(reading.ecosystems)}"
        kept = self.answers.get(key)
        if kept is None:
            bare = Advisory(id=name, package=package, url=f"https://osv.dev/vulnerability/{name}", cves=cves_in([name]))
            if not reading.reaches(name):
                return bare, []
            document = reading.document(name)
            read = read_record(document, package, reading.ecosystems) if document is not None else (bare, [])
            kept = {"advisory": read[0].model_dump(mode="json"), "fixed": read[1]} if read else {"advisory": None}
            self.answers.put(key, kept)
        if kept["advisory"] is None:
            return None
        return Advisory.model_validate(kept["advisory"]), list(kept["fixed"])


@dataclass
class _Reading:
    """Records read for one pair of images, each once."""

    door: JsonDoor
    ecosystems: Sequence[str]
    until: float
    documents: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    def reaches(self, name: str) -> bool:
        """Whether the record is there, or there are requests and time left for it."""
        left = len(self.documents) < _MOST_RECORDS and self.until - time.monotonic() >= RESERVE
        return left or name in self.documents

    def document(self, name: str) -> dict[str, Any] | None:
        """The record; None when there is none. Raises Transient, ForgeError."""
        if name not in self.documents:
            self.documents[name] = self.door.get(f"/v1/vulns/{quote(name, safe='')}", self.until)
        return self.documents[name]


def _token(result: dict[str, Any]) -> str:
    token = result.get("next_page_token", "")
    return token if isinstance(token, str) and len(token) <= 4096 else ""
