"""Renovate's custom managers that find a version in an ARG, ENV or LABEL, as rules of `update: versions:`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from sig_bots.migration.outcome import Draft, shown
from sig_bots.migration.renovatekeys import sentence
from sig_bots.versionrules import MOST_RULES, VersionRule
from sig_bots.yamltree import Path

__all__ = ["values_of"]

_ECOSYSTEMS = {"pypi": "pypi", "npm": "npm", "rubygems": "rubygems", "crate": "crates.io", "maven": "maven"}
"""Sources whose names of packages are those of a project at the release monitor, and what it calls them."""
_VALUE = re.compile(
    r"(ARG|ENV|LABEL)(?: |\\s)[+*]?[\"']?((?:[A-Za-z0-9_]|\\?[.-]){1,100})"
    r"(?:=|\\s[+*]?|\[[^\]]{0,12}\]|[\"'v\\?+*]){1,12}\(\?<currentValue>"
)
"""A fixed name in front of the value that is looked for."""
_CONTAINERFILE = re.compile(r"docker|containerfile", re.IGNORECASE)
_PLAIN_PREFIX = re.compile(r"\^?v?\??\(\?<version>[^()]{0,40}\)\$?")


def values_of(draft: Draft, path: Path, value: object) -> None:
    """Write a rule for each manager that has an equivalent; tell of the others what to do."""
    if not isinstance(value, list):
        draft.lose(path, sentence("customManagers", value))
        return
    for index, manager in enumerate(value):
        here = (*path, index)
        found = list(_names(manager)) if isinstance(manager, Mapping) else []
        if not found:
            draft.lose(here, sentence("customManagers", value))
        for keyword, name in found:
            _rule(draft, here, manager, keyword, name)


def _names(manager: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keyword and name of each value it finds in Containerfiles."""
    if not any(_CONTAINERFILE.search(text) for text in _texts(manager, "managerFilePatterns", "fileMatch")):
        return
    for text in _texts(manager, "matchStrings"):
        for match in _VALUE.finditer(text[:1000]):
            yield match[1].lower(), match[2].replace("\\", "")


def _texts(manager: Mapping[str, Any], *keys: str) -> list[str]:
    given = [manager.get(key) for key in keys]
    lists: list[Sequence[object]] = [one if isinstance(one, list) else [one] for one in given]
    return [text for some in lists for text in some if isinstance(text, str)]


def _rule(draft: Draft, path: Path, manager: Mapping[str, Any], keyword: str, name: str) -> None:
    source = str(manager.get("datasourceTemplate") or "")
    package = str(manager.get("packageNameTemplate") or manager.get("depNameTemplate") or "")
    extract = manager.get("extractVersionTemplate")
    ecosystem = _ECOSYSTEMS.get(source)
    plain = extract is None or (isinstance(extract, str) and _PLAIN_PREFIX.fullmatch(extract))
    if ecosystem is None or not package or "{{" in package or not plain:
        draft.lose(
            path,
            f"look {shown(package)} up at release-monitoring.org and add a rule for it to `update.versions`, "
            f"as in `{{{keyword}: {name}, project: NUMBER}}`.",
        )
        return
    rule = {keyword: name, "project": package, "ecosystem": ecosystem}
    rules = draft.update.get("versions", [])
    try:
        VersionRule.model_validate(rule)
    except ValidationError:
        draft.lose(path, sentence("customManagers", []))
        return
    if len(rules) >= MOST_RULES:
        draft.lose(path, f"`update.versions` holds at most {MOST_RULES} rules.")
    elif rule not in rules:
        draft.set("versions", [*rules, rule], path)
