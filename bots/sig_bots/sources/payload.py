"""Read what came over the wire: JSON text to an object, and single fields out of it, with one sentence for what is wrong.

Everything here is pure. A field reader either returns a value of the promised type or raises `Malformed`; each source
wraps its work in `guarded`, which turns that into `Rejected`, so that a parser never raises.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from pydantic import ValidationError

from sig_bots.events import Event, Ignored, Rejected

__all__ = ["Malformed", "Object", "alone", "body_id", "guarded", "header", "header_id", "json_object"]

type Object = dict[str, Any]

_ID_LIMIT = 200
_MAX_NUMBER = 2**31 - 1
_MAX_IDENTITY = 2**63 - 1
# Escapes that give characters no database and no terminal takes: NUL and halves of surrogate pairs.
_UNSAFE_ESCAPE = re.compile(r"\\u(?:0000|[dD][89abAB][0-9a-fA-F]{2}|[dD][cdefCDEF][0-9a-fA-F]{2})")
_UNSAFE_CHARACTER = re.compile("[\x00\ud800-\udfff]")
_COMMIT = re.compile(r"[0-9a-fA-F]{4,64}")
# git-check-ref-format(1): no control characters, blanks or any of ~^:?*[\, no "..", no "@{".
_REF = re.compile(r"(?!.*(?:\.\.|@\{|//))[^\x00-\x20\x7f~^:?*\[\\]{1,1024}")
_PATH = re.compile(r"(?!-)(?!(?:.*/)?\.{1,2}(?:/|$))[A-Za-z0-9_.+~-]+(?:/[A-Za-z0-9_.+~-]+)*")


class Malformed(ValueError):
    """A field is not what the sender documents; the text names the field and never quotes its content."""


def header(headers: Mapping[str, str], name: str) -> str | None:
    """The value of a header whose name is given in lower case, whatever the case it came in; None when missing."""
    for key, value in headers.items():
        if key.lower() == name:
            return value
    return None


def header_id(headers: Mapping[str, str], *names: str) -> str | None:
    """The first of these headers (lower case) that holds a usable delivery id: printable ASCII, at most 200 characters."""
    return next((found for name in names if (found := usable_id(header(headers, name)))), None)


def plain(name: str) -> str:
    """A name from outside (an event, an action), fit to stand in a sentence."""
    return name if re.fullmatch(r"[A-Za-z0-9_. -]{1,60}", name, re.ASCII) else "with an unusual name"


def usable_id(value: object) -> str | None:
    """The value when it can serve as a delivery id, else None."""
    usable = isinstance(value, str) and 0 < len(value) <= _ID_LIMIT and value.isascii() and value.isprintable()
    return str(value) if usable else None


def body_id(body: bytes) -> str:
    """An id for a delivery whose sender gives none: the SHA-256 of its body."""
    return "sha256-" + hashlib.sha256(body).hexdigest()


def json_object(body: bytes) -> Object | Rejected:
    """The JSON object (RFC 8259) in a body, or one sentence why there is none; never raises.

    Stricter than Python's reader: UTF-8 only, no NaN or Infinity, no key twice in one object, an object at the top.
    NUL characters and unpaired surrogates in texts become U+FFFD.
    """
    try:
        text = body.decode("utf-8")
        value = _DECODER.decode(text)
    except UnicodeDecodeError:
        return Rejected(reason="The body is not UTF-8 text.")
    except RecursionError:
        return Rejected(reason="The body's JSON is nested too deeply.")
    except json.JSONDecodeError as error:
        return Rejected(reason=f"The body is not JSON: {error.msg} at character {error.pos}.")
    except Malformed as error:
        return Rejected(reason=f"The body's JSON is not acceptable: {error}.")
    except ValueError:  # int() refuses more digits than sys.get_int_max_str_digits()
        return Rejected(reason="The body's JSON holds a number with too many digits.")
    if not isinstance(value, dict):
        return Rejected(reason="The body's JSON is not an object.")
    if _UNSAFE_ESCAPE.search(text):
        _make_safe(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> Object:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("an object holds the same key twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Malformed("NaN and Infinity are not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _make_safe(root: Object) -> None:
    """Replace, in place and without recursion, the characters nobody can store."""
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            cleaned = {_UNSAFE_CHARACTER.sub("\ufffd", key): value for key, value in node.items()}
            node.clear()
            node.update(cleaned)
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            if isinstance(value, str):
                node[key] = _UNSAFE_CHARACTER.sub("\ufffd", value)
            elif isinstance(value, dict | list):
                waiting.append(value)


def guarded[T](
    source: str, read: Callable[[Mapping[str, str], Object], T]
) -> Callable[[Mapping[str, str], bytes], T | Rejected]:
    """The `parse` or `parse_all` of a source from a function that may raise `Malformed`: JSON first, then fields, never an exception."""

    def parse(headers: Mapping[str, str], body: bytes) -> T | Rejected:
        data = json_object(body)
        if isinstance(data, Rejected):
            return data
        try:
            return read(headers, data)
        except Malformed as error:
            return Rejected(reason=f"The {source} delivery is not of the documented form: {error}.")
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors(include_input=False, include_url=False)[0]["loc"])
            return Rejected(reason=f"The {source} delivery is not of the documented form: field {where} is not usable.")

    parse.__doc__ = f"What happened by a {source} delivery, or why there is nothing. Pure, never raises; verify first."
    return parse


def alone(
    parse: Callable[[Mapping[str, str], bytes], Event | Ignored | Rejected],
) -> Callable[[Mapping[str, str], bytes], tuple[Event, ...] | Ignored | Rejected]:
    """The `parse_all` of a source whose deliveries hold one event each."""

    def parse_all(headers: Mapping[str, str], body: bytes) -> tuple[Event, ...] | Ignored | Rejected:
        found = parse(headers, body)
        return found if isinstance(found, Ignored | Rejected) else (found,)

    return parse_all


# ---------------------------------------------------------------- fields
# Each reader takes the object and the way to the field, so that its complaint can name the whole way.


def find(node: object, *path: str) -> Any:
    """Whatever lies at the path; None when it or anything on the way is missing or null. Raises Malformed."""
    for depth, key in enumerate(path):
        if node is None:
            return None
        if not isinstance(node, dict):
            raise Malformed(f"field {'.'.join(path[:depth]) or 'body'} must be an object")
        node = node.get(key)
    return node


def missing(path: tuple[str, ...], expected: str) -> Malformed:
    """The complaint that the field must be something else."""
    return Malformed(f"field {'.'.join(path)} must be {expected}")


def record(node: object, *path: str) -> Object:
    """An object. Raises Malformed when it is missing or something else."""
    value = find(node, *path)
    if not isinstance(value, dict):
        raise missing(path, "an object")
    return value


def maybe_record(node: object, *path: str) -> Object | None:
    """An object, or None when it is missing or null. Raises Malformed."""
    return None if find(node, *path) is None else record(node, *path)


def records(node: object, *path: str) -> list[Object]:
    """A list of objects; empty when missing or null, nulls in it left out. Raises Malformed."""
    value = find(node, *path)
    if value is None:
        return []
    if not isinstance(value, list) or not all(one is None or isinstance(one, dict) for one in value):
        raise missing(path, "a list of objects")
    return [one for one in value if one is not None]


def text(node: object, *path: str) -> str:
    """Text with at least one character. Raises Malformed."""
    value = find(node, *path)
    if not isinstance(value, str) or not value:
        raise missing(path, "text")
    return value


def words(node: object, *path: str) -> str:
    """Text, empty when missing or null. Raises Malformed."""
    return maybe_text(node, *path) or ""


def maybe_text(node: object, *path: str) -> str | None:
    """Text, None when missing or null. Raises Malformed."""
    value = find(node, *path)
    if value is not None and not isinstance(value, str):
        raise missing(path, "text")
    return value


def texts(node: object, *path: str) -> tuple[str, ...]:
    """A list of texts; empty when missing or null. Raises Malformed."""
    value = find(node, *path)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise missing(path, "a list of texts")
    return tuple(value)


def flag(node: object, *path: str) -> bool | None:
    """True or false, None when missing or null. Raises Malformed."""
    value = find(node, *path)
    if value is not None and not isinstance(value, bool):
        raise missing(path, "true or false")
    return value


def number(node: object, *path: str) -> int:
    """The number of an issue or pull request: from 1 to 2^31-1. Raises Malformed."""
    value = find(node, *path)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _MAX_NUMBER:
        raise missing(path, "a positive number")
    return value


def identity(node: object, *path: str) -> str | None:
    """An id a forge gave something, as text; None when missing or null. Raises Malformed."""
    value = find(node, *path)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_IDENTITY:
        return str(value)
    if usable_id(value):
        return str(value)
    raise missing(path, "an id")


def commit(node: object, *path: str) -> str:
    """A commit's hexadecimal name. Raises Malformed, so that nothing else ever reaches a git command line as one."""
    value = find(node, *path)
    if not isinstance(value, str) or not _COMMIT.fullmatch(value):
        raise missing(path, "a commit id")
    return value


def maybe_commit(node: object, *path: str) -> str | None:
    """A commit's name, None when missing, null or empty. Raises Malformed."""
    return None if find(node, *path) in (None, "") else commit(node, *path)


def branch(node: object, *path: str) -> str:
    """The name of a branch or a full ref, by the rules of git-check-ref-format(1). Raises Malformed."""
    value = find(node, *path)
    if not isinstance(value, str) or not _REF.fullmatch(value):
        raise missing(path, "a git ref name")
    return value


def repository_path(node: object, *path: str) -> str:
    """The full name of a repository: parts of letters, digits and `_.+~-`, no `..`. Raises Malformed."""
    value = find(node, *path)
    if not isinstance(value, str) or len(value) > 512 or not _PATH.fullmatch(value):
        raise missing(path, "the full name of a repository")
    return value
