"""YAML as plain data with line numbers, read defensively: no aliases, no tags, no duplicate keys, bounded in size and depth.

Scalars are text, except `true`, `false` and `null`: a tag written `3.10` or `42` stays what was written, and pydantic
turns text into numbers where a model asks for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from sig_bots.messages import code

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_NODES", "Document", "YamlError", "load_yaml"]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_NODES = 20_000

type Path = tuple[str | int, ...]

_PLAIN: Mapping[str, object] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


class YamlError(ValueError):
    """The text cannot be read: what is wrong and on which line (from 1), where known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Document:
    """The data, and the line (from 1) of every key and list entry by its path."""

    data: object
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int | None:
        """The line of the deepest part of the path that is in the file; parts that are not in it are passed over."""
        found: Path = ()
        for part in path:
            if (*found, part) in self.lines:
                found = (*found, part)
        return self.lines.get(found)


def load_yaml(data: bytes) -> Document:
    """Read one document. Raises YamlError; an empty file is a document of None."""
    if len(data) > MAX_BYTES:
        raise YamlError(f"the file is larger than {MAX_BYTES // 1024} KiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlError("the file is not UTF-8 text", data[: error.start].count(b"\n") + 1) from None
    reader = _Reader(text)
    try:
        return Document(reader.document(), reader.lines)
    except YamlError:
        raise
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(str(error.problem or error.context or "this is not YAML").split())
        raise YamlError(f"not YAML: {what}", mark.line + 1 if mark else None) from None
    except Exception as error:  # ruamel.yaml answers some damaged input with errors of its own inner workings
        raise YamlError(f"not YAML ({type(error).__name__})") from error


class _Reader:
    """Builds plain data from the parser's events, which come one by one, so limits stop it early."""

    def __init__(self, text: str) -> None:
        self.events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
        self.lines: dict[Path, int] = {}
        self.nodes = 0

    def document(self) -> object:
        self._next()
        if self._next_name()[0] == "StreamEndEvent":
            return None
        data = self._node(self._next(), (), 0)
        self._next()
        name, event = self._next_name()
        if name != "StreamEndEvent":
            raise YamlError("the file holds a second document; keep one", _line(event))
        return data

    def _next(self) -> Any:
        return next(self.events)

    def _next_name(self) -> tuple[str, Any]:
        event = self._next()
        return type(event).__name__, event

    def _node(self, event: Any, path: Path, depth: int) -> object:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise YamlError(f"the file has more than {MAX_NODES:,} values", _line(event))
        if depth > MAX_DEPTH:
            raise YamlError(f"this is nested more than {MAX_DEPTH} levels deep", _line(event))
        name = type(event).__name__
        if name == "AliasEvent":
            raise YamlError(f"the alias {code('*' + str(event.anchor))} is not allowed; write it out", _line(event))
        if event.tag is not None:
            raise YamlError(f"the tag {code(str(event.tag))} is not allowed; remove it", _line(event))
        if name == "ScalarEvent":
            value = str(event.value)
            return _PLAIN.get(value, value) if event.style is None else value
        return self._mapping(path, depth) if name == "MappingStartEvent" else self._sequence(path, depth)

    def _sequence(self, path: Path, depth: int) -> list[object]:
        items: list[object] = []
        while type(event := self._next()).__name__ != "SequenceEndEvent":
            here = (*path, len(items))
            self.lines[here] = _line(event)
            items.append(self._node(event, here, depth + 1))
        return items

    def _mapping(self, path: Path, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        while type(event := self._next()).__name__ != "MappingEndEvent":
            if type(event).__name__ != "ScalarEvent" or event.tag is not None:
                raise YamlError("a key must be a plain word", _line(event))
            key = str(event.value)
            here = (*path, key)
            if key in found:
                raise YamlError(f"{code(key)} is here twice (first on line {self.lines[here]})", _line(event))
            self.lines[here] = _line(event)
            found[key] = self._node(self._next(), here, depth + 1)
        return found


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
