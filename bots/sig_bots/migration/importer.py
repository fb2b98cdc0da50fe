"""The configuration of another update bot, as bytes, to a `.sigbot.yaml` and the list of what has no equivalent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel, ValidationError

from sig_bots.migration import dependabot, renovate
from sig_bots.migration.json5tree import Json5Error, load_json5
from sig_bots.migration.outcome import Draft, Migration, MigrationError
from sig_bots.migration.writing import write_config
from sig_bots.yamltree import MAX_BYTES, Document, Path, YamlError, load_yaml

__all__ = ["migrate"]

_KNOWN = "renovate.json, renovate.json5, .renovaterc, package.json with a `renovate` section, or dependabot.yml"
_ROUNDS = 50
"""How many values the update bot may refuse before all of them are taken for wrong."""


def migrate(name: str, data: bytes, model: type[BaseModel]) -> Migration:
    """Read a file, whose `name` says which tool's it is, and write the equivalent `.sigbot.yaml`.

    `model` is the update bot's section: what it refuses is left out and listed as a loss. Raises MigrationError, in one
    sentence, when the file cannot be read or is none of a known tool.
    """
    draft = _dependabot(name, data) if _is_yaml(name, data) else _renovate(name, data)
    if not draft.off:
        _settle(draft, model)
    text = write_config(None if draft.off else draft.update)
    if len(text.encode()) > MAX_BYTES:
        raise MigrationError(f"{name}: the `.sigbot.yaml` would be larger than {MAX_BYTES // 1024} KiB.")
    losses = sorted(draft.losses.values(), key=lambda loss: loss.line or 0)
    return Migration(text=text, losses=tuple(losses))


def _is_yaml(name: str, data: bytes) -> bool:
    suffix = PurePath(name).suffix.lower()
    if suffix in (".yml", ".yaml"):
        return True
    return suffix not in (".json", ".json5") and not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"/"))


def _dependabot(name: str, data: bytes) -> Draft:
    try:
        document = load_yaml(data)
    except YamlError as error:
        raise MigrationError(_wrong(name, error.line, str(error))) from None
    if not isinstance(document.data, dict) or "updates" not in document.data:
        raise MigrationError(f"{name} is no dependabot.yml: it has no `updates`. What can be imported: {_KNOWN}.")
    if document.data.get("version") not in ("2", None):
        raise MigrationError(_wrong(name, document.line(("version",)), "only version 2 of dependabot.yml can be read"))
    draft = Draft(document)
    dependabot.convert(draft, document.data)
    return draft


def _renovate(name: str, data: bytes) -> Draft:
    try:
        document = load_json5(data)
    except Json5Error as error:
        raise MigrationError(_wrong(name, error.line, str(error))) from None
    found, path = _section(name, document)
    draft = Draft(document)
    renovate.convert(draft, found, path)
    return draft


def _section(name: str, document: Document) -> tuple[Mapping[str, Any], Path]:
    """Renovate's settings, and where in the file they are."""
    data = document.data
    if not isinstance(data, dict):
        raise MigrationError(f"{name} holds no settings. What can be imported: {_KNOWN}.")
    if PurePath(name).name != "package.json":
        return data, ()
    section = data.get("renovate")
    if not isinstance(section, dict):
        raise MigrationError(f"{name} has no section `renovate`. What can be imported: {_KNOWN}.")
    return section, ("renovate",)


def _wrong(name: str, line: int | None, what: str) -> str:
    return f"{name}{f', line {line}' if line else ''}: {what}."


def _settle(draft: Draft, model: type[BaseModel]) -> None:
    """Take out what the update bot refuses, and say so where it came from."""
    for _ in range(_ROUNDS):
        try:
            model.model_validate(draft.update)
        except ValidationError as error:
            for one in error.errors(include_url=False, include_context=False, include_input=False):
                _take_out(draft, one["loc"], one["msg"])
            continue
        return
    draft.update.clear()


def _take_out(draft: Draft, place: tuple[int | str, ...], why: str) -> None:
    """Remove one value (its key, or its key and that below) from the section."""
    section = draft.update.get(str(place[0]))
    inner = place[1] if len(place) > 1 else None
    if isinstance(section, dict) and inner in section:
        del section[inner]
    else:
        draft.update.pop(str(place[0]), None)
        inner = None
    key = (str(place[0]), inner) if inner is not None else (str(place[0]),)
    reason = re.sub(r"^(?:Value error|Assertion failed), ", "", why)
    near = next((path for one, path in draft.origins.items() if one[0] == key[0]), ())
    draft.lose(draft.origins.get(key, near), f"sigbot refuses what would follow from it: {reason}.")
