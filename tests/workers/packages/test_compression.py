import gzip
import io
import sys
import zlib

import pytest

from sig_workers.packages.decompress import Unpacked
from sig_workers.packages.limits import Budget, Unreadable
from tests.workers.packages.layers import STATUS, Image, status, tar

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LAYER = tar({STATUS: status(("tar", "1"))})
HALF = len(LAYER) // 2
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"


@pytest.mark.parametrize(
    "packed",
    [
        LAYER,
        gzip.compress(LAYER),
        gzip.compress(LAYER[:HALF]) + gzip.compress(LAYER[HALF:]) + bytes(100),
        zstd.compress(LAYER),
        SKIPPABLE + zstd.compress(LAYER[:HALF]) + SKIPPABLE + zstd.compress(LAYER[HALF:]) + SKIPPABLE,
    ],
    ids=["plain", "gzip", "gzip in parts", "zstd", "zstd in frames"],
)
def test_every_compression_is_read(packed: bytes) -> None:
    assert Image(packed).packages() == ["tar-1.amd64"]


@pytest.mark.parametrize("packed", [gzip.compress(LAYER), zstd.compress(LAYER)], ids=["gzip", "zstd"])
@pytest.mark.parametrize("size", [3, 20, -10])
def test_a_stream_that_breaks_off_is_no_crash(packed: bytes, size: int) -> None:
    try:
        Image(packed[:size]).read()
    except Unreadable as error:
        assert "layers" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "packed", [gzip.compress(bytes(50 << 20), 9), zstd.compress(bytes(50 << 20))], ids=["gzip", "zstd"]
)
def test_a_bomb_is_unpacked_only_as_far_as_the_budget_goes(packed: bytes) -> None:
    budget = Budget(unpacked=1 << 20)
    with pytest.raises(Unreadable, match="too large"):
        Unpacked(io.BytesIO(packed), budget).skip(50 << 20)
    assert budget.unpacked > -(1 << 20)


def test_a_window_that_needs_too_much_memory_is_refused() -> None:
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 28})
    packed = packer.compress(bytes(1 << 20)) + packer.flush()
    with pytest.raises(Unreadable, match="no readable archive"):
        Unpacked(io.BytesIO(packed), Budget()).skip(1 << 20)


def test_a_name_of_more_than_a_megabyte_is_not_read() -> None:
    entry = bytearray(tar({"x": b""})[:512])
    entry[124:136], entry[156:157] = b"00100000000\0", b"x"
    entry[148:156] = b" " * 8
    entry[148:156] = b"%06o\0 " % sum(entry)
    with pytest.raises(Unreadable, match="more than a megabyte"):
        Image(zlib.compress(bytes(entry) + bytes(20 << 20), wbits=31)).read()
