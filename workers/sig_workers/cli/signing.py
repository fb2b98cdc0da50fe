"""Sign a payload as its sender would: the headers, and what is added to the hook's address."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from sig_bots.sources.kinds import KINDS, PATH_SECRET_HEADER
from sig_bots.sources.lookup import source
from sig_bots.sources.payload import header

__all__ = ["signed"]


def signed(kind: str, given: Mapping[str, str], body: bytes, secret: bytes) -> tuple[dict[str, str], str]:
    """All headers to post `body` with, those given among them, and the end of the address (quay's secret, else "").

    Schemes as in `sig_bots.sources`. A delivery id is made when none is given. Raises UserError for a secret that the
    source cannot use.
    """
    headers = {"Content-Type": "application/json", **given}
    if name := KINDS[kind].id_header:
        headers.setdefault(name, header(given, name.lower()) or str(uuid.uuid4()))
    headers |= source(kind).proof(headers, body, secret)
    end = headers.pop(PATH_SECRET_HEADER, "")
    return headers, f"/{end}" if end else ""
