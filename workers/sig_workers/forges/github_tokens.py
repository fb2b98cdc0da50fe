"""Installation tokens of a GitHub App: one per installation, kept until shortly before it ends, shared by API and git."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sig_bots.errors import ForgeError, NotFound

__all__ = ["PERMISSIONS", "InstallationTokens"]

PERMISSIONS: Mapping[str, str] = {
    "checks": "write",
    "contents": "write",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "write",
}
"""What every token is asked for by name: an empty list means all to GitHub and nothing to others."""

_MARGIN = timedelta(minutes=5)
"""A token is renewed this long before its end, so that a git push begun with it can still finish."""


@dataclass(frozen=True)
class _Grant:
    token: str
    ends: datetime


class InstallationTokens:
    """`ask(method, url, body)` calls the API as the App and returns its JSON. Safe to use from several threads."""

    def __init__(self, ask: Callable[[str, str, Mapping[str, Any] | None], Any]) -> None:
        self._ask = ask
        self._lock = threading.RLock()
        self._installations: dict[str, int] = {}
        self._grants: dict[int, _Grant] = {}

    def installation_of(self, path: str) -> int:
        """The installation that covers a repository. Raises NotFound when the App is not installed there."""
        with self._lock:
            if path not in self._installations:
                try:
                    self._installations[path] = int(self._ask("GET", f"/repos/{path}/installation", None)["id"])
                except NotFound:
                    raise NotFound(
                        f"{path} does not exist, or the App is not installed on it; install the App on this repository"
                    ) from None
            return self._installations[path]

    def token_of(self, installation: int) -> str:
        """A token good for some minutes at least."""
        with self._lock:
            grant = self._grants.get(installation)
            if grant is None or grant.ends - _MARGIN <= datetime.now(UTC):
                grant = self._grants[installation] = self._new(installation)
            return grant.token

    def _new(self, installation: int) -> _Grant:
        try:
            raw = self._ask(
                "POST", f"/app/installations/{installation}/access_tokens", {"permissions": dict(PERMISSIONS)}
            )
        except NotFound:
            # removed, or removed and installed again under a new id: look it up next time
            self.forget(installation)
            raise
        except ForgeError as refusal:
            if "permissions requested" in str(refusal):
                wanted = ", ".join(f"{name} ({level})" for name, level in PERMISSIONS.items())
                raise ForgeError(
                    f"The App lacks a permission it needs; give it {wanted} and accept them: {refusal}"
                ) from None
            raise
        return _Grant(str(raw["token"]), datetime.fromisoformat(raw["expires_at"]))

    def forget(self, installation: int, token: str | None = None) -> bool:
        """Drop what is known of an installation, or only its token when it is `token`; whether there was anything."""
        with self._lock:
            if token is not None:
                if self._grants.get(installation, _Grant("", datetime.now(UTC))).token != token:
                    return False
                del self._grants[installation]
                return True
            self._installations = {path: one for path, one in self._installations.items() if one != installation}
            return self._grants.pop(installation, None) is not None
