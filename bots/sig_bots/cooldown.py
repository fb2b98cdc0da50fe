"""Versions that have to wait for their cooldown, and the name under which one of them may go ahead. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sig_bots.containerfile.shortnames import resolve
from sig_bots.refs import ImageRef

__all__ = ["Cooling", "Haste", "first_to_go", "version_key"]


@dataclass(frozen=True)
class Cooling:
    """A version that has to wait. `image` is the full name with the tag, `reason` the rest of a sentence about it."""

    image: ImageRef
    reason: str

    @property
    def key(self) -> str:
        """Names the version."""
        return version_key(self.image)


@dataclass(frozen=True)
class Haste:
    """Whether a version need not wait for its cooldown."""

    reason: str = ""
    """Why not, the rest of a sentence; empty when it has to wait."""
    problem: str = ""
    """Why that is not known, one sentence."""
    fixes: frozenset[tuple[str, str]] = frozenset()
    """Package and id of the advisories that are the reason."""


def first_to_go(held: Sequence[str], haste: Callable[[str], Haste]) -> tuple[str, Haste]:
    """The version that goes ahead (empty: none) and why, or why that is not known. `held`: newest first.

    The newest says what can be fixed; the oldest that fixes all of that goes, since it has been out longest.
    """
    newest = haste(held[0])
    if not newest.reason:
        return "", newest
    for version in reversed(held[1:]):
        found = haste(version)
        if found.fixes >= newest.fixes:
            return version, found
    return held[0], newest


def version_key(image: ImageRef) -> str:
    """A short name of an image's version (full name and tag), as the body of a pull request that went ahead holds it."""
    return hashlib.sha256(f"{resolve(image).name}:{image.tag}".encode()).hexdigest()[:16]
