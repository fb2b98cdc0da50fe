"""The tag lists of one scan, each asked for once."""

from __future__ import annotations

from collections.abc import Sequence

from sig_bots.errors import ForgeError, Transient
from sig_bots.refs import ImageRef
from sig_bots.tools import Registry

__all__ = ["TagLists"]


class TagLists:
    """The registry, asked once for the tags of an image during one scan."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._tags: dict[str, Sequence[str] | Transient | ForgeError] = {}

    def of(self, image: ImageRef) -> Sequence[str]:
        """All tags. Raises NotFound, Transient, ForgeError, each time again."""
        if image.name not in self._tags:
            try:
                self._tags[image.name] = self.registry.tags(image)
            except (Transient, ForgeError) as error:
                self._tags[image.name] = error
        found = self._tags[image.name]
        if isinstance(found, (Transient, ForgeError)):
            raise found
        return found
