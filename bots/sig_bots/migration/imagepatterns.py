"""Names of images as the other tools match them (globs, regular expressions), as globs of ours (fnmatch, `*` spans `/`)."""

from __future__ import annotations

import re
from itertools import product

__all__ = ["dependabot_globs", "image_globs", "may_be_image", "regex_globs"]

_MOST = 32
_NAME = re.compile(r"[A-Za-z0-9._/:*?\[\]-]{1,255}", re.ASCII)
_TOKEN = re.compile(r"(?P<any>\.\*\??)|(?P<some>\.\+\??)|\\(?P<escaped>[./_:-])|(?P<plain>[A-Za-z0-9_/:.-])|\((?:\?:)?(?P<group>[A-Za-z0-9_/:.|\\-]+)\)(?![*+?{])")  # fmt: skip


def image_globs(pattern: str) -> list[str] | None:
    """Globs for one entry of Renovate's `matchPackageNames`: a name, a glob or `/regex/`; None when there is none.

    `*` in Renovate ends at a `/`, ours does not; images below one organisation have no further parts in practice.
    """
    if len(pattern) > 2 and pattern.startswith("/") and pattern.endswith(("/", "/i")):
        return regex_globs(pattern[1 : pattern.rindex("/")])
    if pattern.startswith("!"):
        return None
    found: list[str] = []
    for one in _braces(pattern):
        glob = re.sub(r"\*{2,}", "*", one)
        found += [glob.removeprefix("*/"), glob] if one.startswith("**/") else [glob]
    return found if found and all(_NAME.fullmatch(glob) for glob in found) else None


def dependabot_globs(pattern: str) -> list[str]:
    """Globs for a `dependency-name` or group pattern of Dependabot, whose only wildcard is `*`; none when it can be no image.

    Dependabot calls an image by its name without the registry, so `ubi9/ubi` is that of any of them. A plain name of one
    part stays as it is: `*/node` would be `bitnami/node` as well.
    """
    if not (_NAME.fullmatch(pattern) and may_be_image(pattern)):
        return []
    first, slash, _ = pattern.partition("/")
    registry = slash and ("." in first or ":" in first or first == "localhost")
    return (
        [pattern, f"*/{pattern}"]
        if not (registry or first.startswith("*")) and (slash or "*" in pattern)
        else [pattern]
    )


def may_be_image(name: str) -> bool:
    """Whether a name may be an image: scoped npm names, Maven coordinates and GitHub actions are none."""
    return not name.startswith("@") and not re.search(r":(?![0-9]+/)", name)


def regex_globs(body: str) -> list[str] | None:
    """Globs for a regular expression made of letters, `.*`, `^`, `$` and plain alternatives; None for any other."""
    found: list[str] = []
    for branch in _branches(body):
        start, end = branch.startswith("^"), branch.endswith("$") and not branch.endswith("\\$")
        core = branch[1 if start else 0 : len(branch) - 1 if end else None]
        parts = _tokens(core)
        if parts is None:
            return None
        size = 1
        for part in parts:
            size *= len(part)
        if size > _MOST:
            return None
        ends = ("" if start else "*", "" if end else "*")
        found += [re.sub(r"\*{2,}", "*", "".join((ends[0], *words, ends[1]))) for words in product(*parts)]
    return list(dict.fromkeys(found)) if 0 < len(found) <= _MOST else None


def _branches(body: str) -> list[str]:
    """The alternatives outside of groups."""
    found, depth, start = [], 0, 0
    for place, char in enumerate(body):
        if char in "()":
            depth += 1 if char == "(" else -1
        elif char == "|" and depth == 0:
            found.append(body[start:place])
            start = place + 1
    return [*found, body[start:]]


def _tokens(core: str) -> list[list[str]] | None:
    """Each part of the expression with the texts it may be."""
    parts: list[list[str]] = []
    place = 0
    while place < len(core):
        match = _TOKEN.match(core, place)
        if match is None or core[match.end() : match.end() + 1] in ("*", "+", "?", "{"):
            return None
        if match["any"]:
            parts.append(["*"])
        elif match["some"]:
            parts.append(["?*"])
        elif match["group"]:
            parts.append([re.sub(r"\\(.)", r"\1", word) for word in match["group"].split("|")])
        else:
            parts.append([match["escaped"] or match["plain"]])  # a dot in the name of a host means a dot
        place = match.end()
    return parts


def _braces(pattern: str) -> list[str]:
    """`{a,b}` written out; none when there are too many."""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if match is None:
        return [pattern]
    found = [pattern[: match.start()] + word + pattern[match.end() :] for word in match[1].split(",")[:_MOST]]
    every: list[str] = []
    for one in found:
        if len(every) > _MOST:
            return []
        every += _braces(one) if one.count("{") < 4 else []
    return every
