"""Patterns a repository writes about names and tags: globs, and regular expressions that cannot run for ever. Pure."""

from __future__ import annotations

import re
import warnings
from fnmatch import fnmatchcase
from functools import lru_cache

from sig_bots.containerfile.shortnames import resolve
from sig_bots.refs import ImageRef

__all__ = ["checked_expression", "fits_expression", "fits_name", "split_tag"]

_LONGEST_TAG = 40
_MOST_REPEATS = 6
_LONGEST_EXPRESSION = 200
_REPEATS = "*+?{"


def fits_name(pattern: str, image: ImageRef) -> bool:
    """Whether a glob names the image: as written (`fedora`), in full (`registry.fedoraproject.org/fedora`), either way."""
    full = resolve(image).name
    return any(fnmatchcase(name, pattern) for name in (image.name, full)) or _full(pattern) == full


def split_tag(pattern: str) -> tuple[str, str]:
    """`quay.io/x/y:1.*` as name glob and tag glob; the tag glob is empty when there is none."""
    name, colon, tag = pattern.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (pattern, "")


@lru_cache(maxsize=512)
def _full(pattern: str) -> str:
    try:
        return resolve(ImageRef.parse(pattern)).name
    except ValueError:
        return ""


def checked_expression(text: str) -> str:
    """The regular expression, if it is one whose match is sure to end soon.

    Repeated groups, look-around, back-references and more than six repeats are refused, because the text is a
    repository's and one match of `(a+)+` can take years. Raises ValueError with a sentence.
    """
    if len(text) > _LONGEST_EXPRESSION:
        raise ValueError(f"must have at most {_LONGEST_EXPRESSION} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # `[[` may mean more one day
            re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"must be a regular expression; this one does not compile: {error}") from None
    repeats, before = 0, ""
    for part in re.findall(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?:?|.", text, re.DOTALL):
        if part == "(?":
            raise ValueError("must not use (?...); plain groups and (?:...) are fine")
        if part[0] == "\\" and part[1:].isdigit():
            raise ValueError("must not refer back to a group")
        if part in _REPEATS:
            repeats += 1
            if before == ")" and part != "?":
                raise ValueError("must not repeat a group; write the parts out")
        before = part
    if repeats > _MOST_REPEATS:
        raise ValueError(f"must have at most {_MOST_REPEATS} repeats (*, +, ?, {{}})")
    return text


def fits_expression(expression: str, tag: str) -> bool:
    """Whether the whole tag matches a checked expression; a tag of more than 40 characters never does."""
    return len(tag) <= _LONGEST_TAG and _compiled(expression).fullmatch(tag) is not None


@lru_cache(maxsize=512)
def _compiled(expression: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(expression)
