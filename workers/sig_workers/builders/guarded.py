"""The builder as a job gets it: nothing is published where its repository may not, and each start is in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sig_bots.errors import Skip, UserError
from sig_bots.tools import Builder, BuildHandle, BuildSpec, BuildStatus
from sig_workers.ledger import Ledger
from sig_workers.settings import Settings

__all__ = ["GuardedBuilder"]


@dataclass(frozen=True)
class GuardedBuilder:
    """A builder that publishes only where this repository may, and whose starts are written in the ledger."""

    inner: Builder
    ledger: Ledger
    settings: Settings
    started: set[str] = field(default_factory=set)
    """Ids of the builds this run has started, or found again: only their results may be built on."""

    @property
    def name(self) -> str:
        """Name of the builder."""
        return self.inner.name

    def available(self, *, untrusted: bool) -> str | None:
        """See `Builder.available`."""
        return self.inner.available(untrusted=untrusted)

    def start(self, spec: BuildSpec, *, key: str) -> BuildHandle:
        """See `Builder.start`. Raises UserError when the repository may not publish under the image's name.

        A dry run builds what stays here; what would be published ends the job (Skip), for its digest is not known.
        """
        repo = self.ledger.job.repo
        if spec.push and not any(
            one.allows(spec.image.name, repo.instance, repo.path) for one in self.settings.registries
        ):
            raise UserError(
                f"{repo.path} may not publish {spec.image.name}; an operator allows it with `push_from` under "
                f"`[[registry]]` in sigbot.toml"
            )
        if any(parent.id not in self.started for parent in spec.parents.values()):
            raise UserError("A build may be made from builds of its own job only.")
        content = (str(spec.image), dict(spec.bases), {text: one.id for text, one in spec.parents.items()}, spec.push)
        if spec.push and self.ledger.dry:
            words = f"build and publish {spec.image}"
            self.ledger.once("publish", key, content, lambda: "", words=words)
            raise Skip(f"dry run: would {words}")
        # The builder itself knows a build by its key, and starts one anew whose supervisor died: it is always asked.
        handle = self.inner.start(spec, key=key)
        self.started.add(handle.id)
        if not self.ledger.dry:
            self.ledger.once("build", key, content, lambda: handle.id)
        return handle

    def poll(self, handle: BuildHandle) -> BuildStatus:
        """See `Builder.poll`."""
        return self.inner.poll(handle)

    def cancel(self, handle: BuildHandle) -> None:
        """See `Builder.cancel`."""
        self.inner.cancel(handle)

    def logs(self, handle: BuildHandle) -> Iterator[str]:
        """See `Builder.logs`."""
        return self.inner.logs(handle)

    def forget(self, handle: BuildHandle) -> None:
        """See `Builder.forget`."""
        self.inner.forget(handle)
