"""Whether this process is about to end: set once by a signal handler, seen by every thread and every forked child."""

from __future__ import annotations

import mmap
import struct
import time

__all__ = ["Drain"]

_TIME = struct.Struct("d")


class Drain:
    """Made before the worker forks its children; the page it lies on is shared with them."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, _TIME.size)

    def begin(self) -> None:
        """From now on nothing new is started. May be called from a signal handler, and again."""
        if not self:
            self._page[:] = _TIME.pack(time.monotonic())

    def __bool__(self) -> bool:
        return self.seconds > 0

    @property
    def seconds(self) -> float:
        """How long ago it began; 0 when it has not."""
        began: float = _TIME.unpack(self._page[:])[0]
        return max(time.monotonic() - began, 1e-9) if began else 0.0  # the monotonic clock is the machine's
