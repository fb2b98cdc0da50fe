"""One record of OSV as an advisory about one package (OSV schema 1.7). A stranger's document: every field may be anything."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sig_bots.advisories import SEVERITIES, Advisory, Severity
from sig_bots.packages import PackageKind, compare, parse_evr
from sig_workers.advisories.cvss import base_score, severity_of_score

__all__ = ["CVE", "ID", "cves_in", "fixed_in", "read_record", "severity_word"]

ID = re.compile(r"[A-Za-z][A-Za-z0-9]*[-:][A-Za-z0-9:._-]{1,80}", re.ASCII)
CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,9}", re.ASCII)
_MOST_CVES = 200
_WORDS: dict[str, Severity] = {
    "negligible": "low", "unimportant": "low", "low": "low",
    "medium": "moderate", "moderate": "moderate",
    "high": "important", "important": "important",
    "critical": "critical", "urgent": "critical",
}  # fmt: skip
_SUMMARY = re.compile(r"(low|moderate|important|critical): ", re.IGNORECASE)


def severity_word(word: object) -> Severity | None:
    """The severity that a publisher's word means; None for another word."""
    return _WORDS.get(word.strip().lower()) if isinstance(word, str) else None


def cves_in(texts: Sequence[object]) -> tuple[str, ...]:
    """The CVE numbers in some texts, each once, in order."""
    found = [number for text in texts if isinstance(text, str) for number in CVE.findall(text[:2000])]
    return tuple(dict.fromkeys(found))[:_MOST_CVES]


def read_record(record: dict[str, Any], package: str, ecosystems: Collection[str]) -> tuple[Advisory, list[str]] | None:
    """The advisory of a record about a package, and the versions that fix it; None when it was withdrawn or has no id."""
    name = record.get("id")
    if not isinstance(name, str) or not ID.fullmatch(name) or record.get("withdrawn"):
        return None
    affected = [one for one in _objects(record, "affected") if _is_about(one, package, ecosystems)]
    advisory = Advisory(
        id=name, package=package, severity=_severity(record, affected), url=f"https://osv.dev/vulnerability/{name}",
        cves=cves_in([name, *_texts(record, "aliases"), *_texts(record, "upstream"), *_texts(record, "related")]),
    )  # fmt: skip
    fixed = [
        event["fixed"]
        for one in affected
        for span in _objects(one, "ranges")
        for event in _objects(span, "events")
        if isinstance(event.get("fixed"), str) and len(event["fixed"]) <= 200
    ]
    return advisory, list(dict.fromkeys(fixed))[:20]


def fixed_in(kind: PackageKind, versions: Sequence[str], old: Sequence[str]) -> str:
    """The oldest of the fixing versions that is newer than the newest old one; empty when there is none."""
    best = None
    for text in versions:
        one = parse_evr("", text)
        if any(compare(kind, one, parse_evr("", each)) <= 0 for each in old):
            continue
        if best is None or compare(kind, one, parse_evr("", best)) < 0:
            best = text
    return best or ""


def _is_about(affected: dict[str, Any], package: str, ecosystems: Collection[str]) -> bool:
    named = affected.get("package")
    return isinstance(named, dict) and named.get("name") == package and named.get("ecosystem") in ecosystems


def _severity(record: dict[str, Any], affected: Sequence[dict[str, Any]]) -> Severity | None:
    """The publisher's own word, else the worst of the CVSS 3 vectors."""
    summary = record.get("summary")
    match = _SUMMARY.match(summary) if isinstance(summary, str) else None
    rated = [match[1]] if match else []
    scores: list[Severity | None] = []
    for one in (*affected, record):
        for part in ("ecosystem_specific", "database_specific"):
            more = one.get(part)
            if isinstance(more, dict):
                rated += [more.get("urgency"), more.get("severity")]
        for given in _objects(one, "severity"):
            if given.get("type") == "Ubuntu":
                rated.append(given.get("score"))
            elif given.get("type") == "CVSS_V3" and isinstance(given.get("score"), str):
                score = base_score(given["score"])
                scores.append(severity_of_score(score) if score is not None else None)
    words = [word for word in map(severity_word, rated) if word]
    return max(words or [one for one in scores if one], key=SEVERITIES.index, default=None)


def _objects(document: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    found = document.get(key)
    if isinstance(found, list):
        yield from (one for one in found[:5000] if isinstance(one, dict))


def _texts(document: dict[str, Any], key: str) -> list[object]:
    found = document.get(key)
    return found[:_MOST_CVES] if isinstance(found, list) else []
