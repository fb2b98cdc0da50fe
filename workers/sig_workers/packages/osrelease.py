"""The name of a distribution as an image gives it: os-release(5), shell-like assignments."""

from __future__ import annotations

import re
import shlex

from sig_bots.packages import Distribution

__all__ = ["parse_os_release"]

_ID = re.compile(r"[a-z0-9._-]{1,60}")
_VERSION = re.compile(r"[A-Za-z0-9._~-]{1,60}")
_CPE = re.compile(r"[A-Za-z0-9._:/~-]{1,200}")


def parse_os_release(content: bytes) -> Distribution | None:
    """The distribution; None without a usable `ID`. Values of another form than they should have are left out."""
    fields: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and key in ("ID", "VERSION_ID", "CPE_NAME"):
            try:
                words = shlex.split(value[:300], comments=True)
            except ValueError:
                continue
            fields[key] = words[0] if len(words) == 1 else ""
    if not _ID.fullmatch(fields.get("ID", "")):
        return None
    version, cpe = fields.get("VERSION_ID", ""), fields.get("CPE_NAME", "")
    return Distribution(
        id=fields["ID"], version=version if _VERSION.fullmatch(version) else "", cpe=cpe if _CPE.fullmatch(cpe) else ""
    )
