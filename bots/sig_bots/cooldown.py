"""Versions that have to wait for their cooldown, and the name under which one of them may go ahead. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sig_bots.containerfile.shortnames import resolve
from sig_bots.refs import ImageRef

__all__ = ["Cooling", "version_key"]


@dataclass(frozen=True)
class Cooling:
    """A version that has to wait. `image` is the full name with the tag, `reason` the rest of a sentence about it."""

    image: ImageRef
    reason: str

    @property
    def key(self) -> str:
        """Names the version."""
        return version_key(self.image)


def version_key(image: ImageRef) -> str:
    """A short name of an image's version (full name and tag), as the body of a pull request that went ahead holds it."""
    return hashlib.sha256(f"{resolve(image).name}:{image.tag}".encode()).hexdigest()[:16]
