"""JSON5 (https://spec.json5.org/) as plain data with line numbers: comments, trailing commas, single quotes, bare keys.

Bounded as `yamltree` is: in size, depth and number of values; a key that is there twice is an error.
"""

from __future__ import annotations

import re

from sig_bots.messages import code
from sig_bots.yamltree import MAX_BYTES, MAX_DEPTH, MAX_NODES, Document, Path

__all__ = ["Json5Error", "load_json5"]

_SPACE = re.compile(r"(?:\s|\ufeff|//[^\n\r\u2028\u2029]*|/\*.*?\*/)*", re.DOTALL)
_NAME = re.compile(r"[^\W\d][\w$]*|\$[\w$]*")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX](?P<hex>[0-9a-fA-F]+)|(?P<word>Infinity|NaN)|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
)
_TEXT = {quote: re.compile(rf"(?:[^{quote}\\\n\r]|\\(?:\r\n|.))*", re.DOTALL) for quote in "\"'"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(\r\n|[\n\r\u2028\u2029])|(.))", re.DOTALL)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0"}
_WORDS = {"true": True, "false": False, "null": None}
_LONGEST_NUMBER = 40


class Json5Error(ValueError):
    """The text cannot be read: what is wrong and on which line (from 1), where known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def load_json5(data: bytes) -> Document:
    """Read one value. Raises Json5Error. Numbers are int or float, as written."""
    if len(data) > MAX_BYTES:
        raise Json5Error(f"the file is larger than {MAX_BYTES // 1024} KiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Json5Error("the file is not UTF-8 text", data[: error.start].count(b"\n") + 1) from None
    reader = _Reader(text)
    return Document(reader.document(), reader.lines)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.nodes = 0
        self._counted, self._line = 0, 1

    def document(self) -> object:
        self._skip()
        if self.at == len(self.text):
            raise self._error("the file is empty")
        value = self._value((), 0)
        self._skip()
        if self.at < len(self.text):
            raise self._error("there is more after the end")
        return value

    def _value(self, path: Path, depth: int) -> object:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._error(f"the file has more than {MAX_NODES:,} values")
        if depth > MAX_DEPTH:
            raise self._error(f"this is nested more than {MAX_DEPTH} levels deep")
        char = self.text[self.at : self.at + 1]
        if char == "{":
            return self._object(path, depth)
        if char == "[":
            return self._array(path, depth)
        if char in ("'", '"') and char:
            return self._string(char)
        if word := _NAME.match(self.text, self.at):
            if word[0] in _WORDS:
                self.at = word.end()
                return _WORDS[word[0]]
            if word[0] not in ("Infinity", "NaN"):
                raise self._error(f"{code(word[0])} needs quotes")
        return self._number()

    def _object(self, path: Path, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        self._take("{")
        while not self._ends("}"):
            line = self._here()
            key = self._key()
            here = (*path, key)
            if key in found:
                raise Json5Error(f"{code(key)} is here twice (first on line {self.lines[here]}); keep one", line)
            self.lines[here] = line
            self._skip()
            self._take(":")
            self._skip()
            found[key] = self._value(here, depth + 1)
            self._comma("}")
        return found

    def _array(self, path: Path, depth: int) -> list[object]:
        items: list[object] = []
        self._take("[")
        while not self._ends("]"):
            here = (*path, len(items))
            self.lines[here] = self._here()
            items.append(self._value(here, depth + 1))
            self._comma("]")
        return items

    def _key(self) -> str:
        char = self.text[self.at : self.at + 1]
        if char in ("'", '"') and char:
            return self._string(char)
        name = _NAME.match(self.text, self.at)
        if name is None:
            raise self._error("a key is expected here" if char else "the end is missing: a } or ]")
        self.at = name.end()
        return name[0]

    def _string(self, quote: str) -> str:
        match = _TEXT[quote].match(self.text, self.at + 1)
        end = match.end() if match else self.at
        if match is None or self.text[end : end + 1] != quote:
            raise self._error("this text does not end on its line; a quote is missing")
        self.at = end + 1
        if "\\" not in match[0]:
            return match[0]
        read = _ESCAPE.sub(_unescaped, match[0])
        # A pair of surrogates, written as two escapes, is one character; half a pair is none.
        return read.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _number(self) -> int | float:
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            raise self._error(
                "a value is expected here" if self.at < len(self.text) else "the end is missing: a } or ]"
            )
        if len(match[0]) > _LONGEST_NUMBER:
            raise self._error(f"a number of more than {_LONGEST_NUMBER} characters")
        self.at = match.end()
        sign = -1 if match[0].startswith("-") else 1
        if match["hex"]:
            return sign * int(match["hex"], 16)
        if match["word"]:
            return sign * float(match["word"])
        written = match[0].lstrip("+-")
        return sign * (int(written) if written.isdecimal() else float(written))

    def _ends(self, closing: str) -> bool:
        self._skip()
        if self.text[self.at : self.at + 1] != closing:
            return False
        self.at += 1
        return True

    def _comma(self, closing: str) -> None:
        self._skip()
        if self.text[self.at : self.at + 1] != closing:
            self._take(",")

    def _take(self, char: str) -> None:
        if self.text[self.at : self.at + 1] != char:
            missing = "the end is missing: a } or ]" if self.at >= len(self.text) else f"`{char}` is expected here"
            raise self._error(missing)
        self.at += 1

    def _skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        if self.text.startswith("/*", self.at):
            raise self._error("this comment has no end")

    def _here(self) -> int:
        """The line of the place reached; only what came since the last question is counted."""
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def _error(self, message: str) -> Json5Error:
        return Json5Error(message, self._here())


def _unescaped(match: re.Match[str]) -> str:
    digits, more, newline, char = match.groups()
    if digits or more:
        return chr(int(digits or more, 16))
    return "" if newline else _LETTERS.get(char, char)
