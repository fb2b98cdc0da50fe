"""A layer's bytes, unpacked piece by piece: gzip (RFC 1952), zstd (RFC 8878) or plain, told apart by their first bytes."""

from __future__ import annotations

import sys
import zlib
from typing import BinaryIO

from sig_workers.packages.limits import Budget, Unreadable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["Unpacked"]

_BLOCK = 256 << 10
_WINDOW_LOG = 27  # 128 MiB, what the zstd program itself accepts without being told otherwise


class Unpacked:
    """Reads a layer forwards. Raises Unreadable for a broken stream or more bytes than the budget has."""

    def __init__(self, source: BinaryIO, budget: Budget) -> None:
        self._source = source
        self._budget = budget
        head = source.read(4)
        source.seek(0)
        self._kind = ""
        if head[:2] == b"\x1f\x8b":
            self._kind = "gzip"
        elif head == b"\x28\xb5\x2f\xfd" or (head[1:] == b"\x2a\x4d\x18" and head[0] >> 4 == 5):
            self._kind = "zstd"
        self._gzip = zlib.decompressobj(31)
        self._zstd = _zstd_decoder()
        self._pending = b""
        self._ready = bytearray()
        self._ended = False
        self.position = 0
        """Bytes read so far, unpacked."""

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes, fewer at the end. For small sizes: all of it is held in memory."""
        while len(self._ready) < size and not self._ended:
            self._ready += self._more()
        piece = bytes(self._ready[:size])
        del self._ready[:size]
        self.position += len(piece)
        return piece

    def skip(self, size: int, sink: BinaryIO | None = None) -> None:
        """Go on by `size` bytes, which are written to the sink. Raises Unreadable when there are fewer."""
        while size:
            piece = self.read(min(size, _BLOCK))
            if not piece:
                raise Unreadable("one of its layers ends in the middle of a file")
            if sink is not None:
                sink.write(piece)
            size -= len(piece)

    def _more(self) -> bytes:
        try:
            piece = self._step()
        except (zlib.error, zstd.ZstdError, EOFError):
            raise Unreadable("one of its layers is no readable archive") from None
        self._budget.unpack(len(piece))
        return piece

    def _step(self) -> bytes:
        if self._kind == "zstd":
            return self._unzstd()
        data = self._pending or self._source.read(_BLOCK)
        self._pending = b""
        self._ended = not data
        return self._gunzip(data) if self._kind and data else data

    def _gunzip(self, data: bytes) -> bytes:
        if self._gzip.eof:
            if not data.strip(b"\0"):  # padding after the last member
                return b""
            self._gzip = zlib.decompressobj(31)
        piece = self._gzip.decompress(data, _BLOCK)
        self._pending = self._gzip.unused_data if self._gzip.eof else self._gzip.unconsumed_tail
        return piece

    def _unzstd(self) -> bytes:
        data = b""
        if self._zstd.eof or self._zstd.needs_input:
            data = self._pending or self._source.read(_BLOCK)
            self._pending = b""
            if not data:
                self._ended = True
                return b""
        if self._zstd.eof:
            self._zstd = _zstd_decoder()  # the next frame
        piece = self._zstd.decompress(data, _BLOCK)
        if self._zstd.eof:
            self._pending = self._zstd.unused_data
        return piece


def _zstd_decoder() -> zstd.ZstdDecompressor:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})
