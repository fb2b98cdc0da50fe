"""Trace context (W3C Trace Context, level 1): the delivery, its jobs and what follows from them share one trace id."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

__all__ = ["HEADER", "traceparent"]

HEADER = "traceparent"

# version 00 has four fields; a later one may have more behind them, and is read as if it were 00
_SENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.DOTALL)


def traceparent(headers: Mapping[str, str]) -> str:
    """The sender's `traceparent` when it is a valid one, else a new trace. Header names are in lower case."""
    sent = headers.get(HEADER)
    found = _SENT.fullmatch(sent) if sent is not None else None
    if sent is not None and found and (found[1] != "00" or found[2] is None):
        return f"00-{sent[3:55]}"
    random = os.urandom(24).hex()
    return f"00-{random[:32]}-{random[32:]}-01"
