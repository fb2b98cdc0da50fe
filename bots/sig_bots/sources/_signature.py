"""Signatures and tokens, compared in constant time on bytes, against every active secret of a hook."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence

from sig_bots.errors import Unauthorized, UserError
from sig_bots.sources.payload import header

__all__ = ["active", "ascii_secret", "hex_signature", "matches", "no_project", "verify_hex", "verify_token"]


def no_project(headers: Mapping[str, str]) -> None:
    """The `project` of a source whose projects have no keys of their own."""


def ascii_secret(secret: bytes) -> str:
    """A secret that is sent as it is. Raises UserError when it is not plain ASCII."""
    try:
        return secret.decode("ascii")
    except UnicodeDecodeError:
        raise UserError("This source sends its secret as it is, so it must be plain ASCII.") from None


def active(secrets: Sequence[bytes]) -> list[bytes]:
    """The secrets that are not empty. Raises Unauthorized when none is left: a hook without a secret accepts nothing."""
    usable = [secret for secret in secrets if secret]
    if not usable:
        raise Unauthorized("This hook has no secret, so it accepts nothing; add one to its instance in sigbot.toml.")
    return usable


def hex_signature(secret: bytes, body: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) of the body, in lower-case hexadecimal."""
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def matches(given: str, expected: Iterable[bytes]) -> bool:
    """Whether the header value is one of these, in the same time wherever they differ.

    A WSGI server hands header bytes over as Latin-1 text, other callers hand over the text itself: both are tried.
    """
    forms = {given.encode("utf-8", "surrogatepass"), given.encode("latin-1", "backslashreplace")}
    found = False
    for value in expected:
        for form in forms:
            found |= hmac.compare_digest(form, value)
    return found


def verify_hex(
    headers: Mapping[str, str], name: str, body: bytes, secrets: Sequence[bytes], *, prefix: str = ""
) -> None:
    """Check that header `name` holds `prefix` and the body's HMAC-SHA256 under one of the secrets.

    Raises Unauthorized.
    """
    usable = active(secrets)
    given = header(headers, name.lower())
    if not given:
        raise Unauthorized(f"The delivery has no {name} header; set a secret for the webhook at its sender.")
    if not matches(given, [(prefix + hex_signature(secret, body)).encode() for secret in usable]):
        raise Unauthorized(f"The {name} header does not fit the body under any active secret of this hook.")


def verify_token(given: str | None, name: str, secrets: Sequence[bytes]) -> None:
    """Check that what came is one of the secrets itself. Raises Unauthorized."""
    usable = active(secrets)
    if not given or not matches(given, usable):
        raise Unauthorized(f"The {name} is missing or is not an active secret of this hook.")
