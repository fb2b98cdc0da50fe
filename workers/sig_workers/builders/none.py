"""The builder of a service that does not build: every build ends with one sentence."""

from __future__ import annotations

from collections.abc import Iterator

from sig_bots.tools import BuildHandle, BuildSpec, BuildStatus

__all__ = ["NoBuilder"]

_WHY = 'This service is configured not to build images (builder = "none" in sigbot.toml).'


class NoBuilder:
    """The Builder named `none`."""

    def __init__(self, reason: str = _WHY) -> None:
        """`reason`: the sentence every build fails with."""
        self._reason = reason

    @property
    def name(self) -> str:
        """Name in the configuration."""
        return "none"

    def available(self, *, untrusted: bool) -> str | None:
        """The sentence, always."""
        return self._reason

    def start(self, spec: BuildSpec, *, key: str) -> BuildHandle:
        """A handle whose build has failed already."""
        return BuildHandle(builder=self.name, id=key)

    def poll(self, handle: BuildHandle) -> BuildStatus:
        """Failed, with the sentence."""
        return BuildStatus(state="failed", reason=self._reason)

    def cancel(self, handle: BuildHandle) -> None:
        """Nothing to stop."""

    def logs(self, handle: BuildHandle) -> Iterator[str]:
        """No lines."""
        return iter(())

    def forget(self, handle: BuildHandle) -> None:
        """Nothing was kept."""
