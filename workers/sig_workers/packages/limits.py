"""How much of an image is read for its packages, and the error that says it was too much."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from sig_bots.errors import ForgeError

__all__ = ["Budget", "OutOfTime", "Unreadable"]


class Unreadable(ForgeError):
    """An image's packages cannot be read; the text is the reason, to go behind a colon."""


class OutOfTime(Unreadable):
    """It took too long; another time it may not."""


@dataclass
class Budget:
    """What reading one image may cost; layers are a stranger's archives. Sizes in bytes, `seconds` for everything."""

    seconds: float = 120.0
    compressed: int = 4 << 30
    """Layers as they are fetched, all together."""
    unpacked: int = 16 << 30
    """Layers as they are read, all together."""
    entries: int = 2_000_000
    database: int = 512 << 20
    """One file of a package database."""
    packages: int = 100_000
    started: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Seconds left. Raises Unreadable when there are none."""
        left = self.started + self.seconds - time.monotonic()
        if left <= 0:
            raise OutOfTime(f"it takes longer than {self.seconds:.0f} seconds")
        return left

    def fetch(self, size: int) -> None:
        """Count bytes of a layer as it comes."""
        self.compressed -= size
        if self.compressed < 0:
            raise Unreadable("its layers are too large to be read")

    def unpack(self, size: int) -> None:
        """Count bytes of a layer as it is unpacked."""
        self.unpacked -= size
        if self.unpacked < 0:
            raise Unreadable("its layers are too large to be read when unpacked")
        self.left()

    def entry(self) -> None:
        """Count an entry of a layer."""
        self.entries -= 1
        if self.entries < 0:
            raise Unreadable("its layers hold too many files")
