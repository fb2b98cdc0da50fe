"""The text of a `.sigbot.yaml` from plain data: block style, quoted only where that is needed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sig_bots.config import VERSION

__all__ = ["ORDER", "write_config"]

ORDER = (
    "ignore", "groups", "tags", "versions", "allow", "pin_digests", "schedule", "timezone", "cooldown", "security", "limits", "labels", "reviewers",
    "automerge", "dashboard",
)  # fmt: skip
"""The keys of the update section as a person looks for them: what, when, how many, who. No other is written."""

_PLAIN = re.compile(r"[A-Za-z](?:[ :,]?[A-Za-z0-9_./@*-])*|[0-9]+[mhdw]", re.ASCII)
"""In block style; no blank, colon or comma at the end."""
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def write_config(update: Mapping[str, Any] | None) -> str:
    """The whole file: lint as without a file, and the update section; None switches updates off."""
    lines = [f"version: {VERSION}", "lint: {}"]
    if update is None:
        return "\n".join([*lines, "update: false"]) + "\n"
    ordered = {key: update[key] for key in ORDER if update.get(key) not in (None, [], {})}
    return "\n".join([*lines, *_entry("update", ordered, "")]) + "\n"


def _entry(key: str, value: object, indent: str) -> list[str]:
    head = f"{indent}{scalar(key)}:"
    if isinstance(value, dict):
        inner = [line for name, one in value.items() for line in _entry(name, one, indent + "  ")]
        return [head, *inner] if inner else [f"{head} {{}}"]
    if isinstance(value, list):
        return [head, *(line for one in value for line in _item(one, indent + "  "))] if value else [f"{head} []"]
    return [f"{head} {scalar(value)}"]


def _item(value: object, indent: str) -> list[str]:
    """An entry of a list: a value, or keys with values."""
    if not isinstance(value, dict):
        return [f"{indent}- {scalar(value)}"]
    lines = [f"{scalar(name)}: {scalar(one)}" for name, one in value.items()]
    return [f"{indent}{'  ' if number else '- '}{line}" for number, line in enumerate(lines)]


def scalar(value: object) -> str:
    """One value; text that YAML could take for anything else is quoted."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if text.isprintable() and "'" not in text:
        return f"'{text}'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    # YAML 1.2 section 5.7: \\xHH, \\uHHHH, \\UHHHHHHHH; half of a surrogate pair is no character.
    point = ord(char) if not 0xD800 <= ord(char) <= 0xDFFF else 0xFFFD
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
