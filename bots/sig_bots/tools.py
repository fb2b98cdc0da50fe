"""What bots use besides the forge: registries, builders, checkouts, linters, the fleet's inventory. Protocols only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol, Self, runtime_checkable

from pydantic import Field, model_validator

from sig_bots.packages import PackageList
from sig_bots.refs import Digest, ImageRef, Platform, Repo, Value

__all__ = [
    "BuildHandle", "BuildSpec", "BuildStatus", "Builder", "Checkout", "Finding", "FleetImage", "ImageDetails",
    "Inventory",
    "Linter", "Manifest", "ParentEdge", "Registry", "Workspace",
]  # fmt: skip

# ---------------------------------------------------------------- registry


class Manifest(Value):
    """What a reference points at now. `platforms` maps platform to digest for an index (attestations left out)."""

    digest: Digest
    media_type: str
    platforms: Mapping[str, Digest] = Field(default_factory=dict)

    @property
    def is_index(self) -> bool:
        """Whether it is an image index (manifest list) and not one platform's manifest."""
        return bool(self.platforms)


class ImageDetails(Value):
    """The parts of an image's config blob we use."""

    platform: Platform
    created: datetime | None = None
    labels: Mapping[str, str] = Field(default_factory=dict)
    size: int | None = None
    """Bytes of its layers as the registry holds them, compressed; None when not told."""


@runtime_checkable
class Registry(Protocol):
    """OCI registries, read through the distribution API. Raises Transient, NotFound, ForgeError (refused)."""

    def tags(self, image: ImageRef) -> Sequence[str]:
        """All tags of the image's repository, in the registry's order."""
        ...

    def digest(self, image: ImageRef) -> Digest | None:
        """The digest the tag points at (HEAD); None when the registry has no such tag or repository."""
        ...

    def manifest(self, image: ImageRef) -> Manifest | None:
        """Digest, media type and, for an index, the digest per platform; None when not there."""
        ...

    def config(self, image: ImageRef, platform: Platform | None = None) -> ImageDetails | None:
        """Config of the image (of one platform for an index, the first when None); None when not there."""
        ...

    def hold(self, image: ImageRef) -> str:
        """Why the digest must not be proposed (yet), as the rest of a sentence: too new, not signed; empty when it may.

        `image` has a tag and the digest it points at. Raises Transient, ForgeError.
        """
        ...

    def packages(
        self, image: ImageRef, platform: Platform | None = None, *, seconds: float = 120.0
    ) -> PackageList | None:
        """The packages installed in the image (of one platform for an index, the first when None); None without a database.

        Layers may have to be fetched, which takes up to so many `seconds`. Raises NotFound when there is no such image,
        ForgeError when they cannot be read.
        """
        ...


# ---------------------------------------------------------------- builder


class BuildHandle(Value):
    """Names a build in its builder; survives a restart of the worker."""

    builder: str
    id: str


class BuildSpec(Value):
    """Everything a build needs. `bases` and `parents` together fix every external image of the Containerfile."""

    image: ImageRef
    """Registry, repository and tag of the result."""
    root: Path
    """Root of the checkout. The builder reads nothing outside it."""
    context: str = "."
    """Build context, relative to `root`."""
    containerfile: str = "Containerfile"
    """Path of the Containerfile, relative to `root`."""
    platforms: tuple[Platform, ...] = ()
    """Empty: the host's platform."""
    bases: Mapping[str, str] = Field(default_factory=dict)
    """Reference text as resolved in the Containerfile -> `registry/path@digest` to use for it."""
    parents: Mapping[str, BuildHandle] = Field(default_factory=dict)
    """Reference text as resolved in the Containerfile -> an earlier build of the same job and builder that was started
    with `keep` and succeeded: its result is used, which no registry has."""
    labels: Mapping[str, str] = Field(default_factory=dict)
    created: datetime | None = None
    """Time of the commit: date of the image and of its files, so that the same build gives the same digest."""
    network: bool = False
    smoke: tuple[str, ...] = ()
    push: bool = False
    keep: bool = False
    """Keep the result in the builder for later builds of the same job, until `Builder.forget`."""
    time_limit: timedelta = timedelta(minutes=30)

    @model_validator(mode="after")
    def _published_on_published(self) -> Self:
        if self.push and self.parents:
            raise ValueError("what is made from an unpublished build cannot be published: push its parents first")
        return self


class BuildStatus(Value):
    """State of a build; `digest` (of the index or the single manifest) and `platforms` are known once pushed or kept.

    A kept result for several platforms has no index, so no `digest`.
    """

    state: Literal["running", "success", "failed", "cancelled"]
    reason: str = ""
    """One sentence: the failing step, or why it could not start."""
    line: int | None = None
    """Line of the Containerfile, from 1, that the build failed at, where that is known."""
    digest: Digest | None = None
    platforms: Mapping[str, Digest] = Field(default_factory=dict)


@runtime_checkable
class Builder(Protocol):
    """Builds images. A builder that cannot build (`none`, or a missing tool) fails each build with one sentence."""

    @property
    def name(self) -> str:
        """Name in `sigbot.toml`: buildah or none."""
        ...

    def available(self, *, untrusted: bool) -> str | None:
        """None when it can build, else one sentence why not and what to do."""
        ...

    def start(self, spec: BuildSpec, *, key: str) -> BuildHandle:
        """Start; the same `key` again returns the build already started."""
        ...

    def poll(self, handle: BuildHandle) -> BuildStatus:
        """State now."""
        ...

    def cancel(self, handle: BuildHandle) -> None:
        """Stop it; nothing when it has ended."""
        ...

    def logs(self, handle: BuildHandle) -> Iterator[str]:
        """Log lines so far."""
        ...

    def forget(self, handle: BuildHandle) -> None:
        """Throw the kept result of a build away; nothing when there is none."""
        ...


# ---------------------------------------------------------------- checkouts


@runtime_checkable
class Checkout(Protocol):
    """Files of one commit on disk."""

    @property
    def path(self) -> Path:
        """Root of the work tree."""
        ...

    @property
    def sha(self) -> str:
        """The commit checked out."""
        ...

    def files(self) -> Sequence[str]:
        """Paths of all tracked regular files, relative, symlinks left out."""
        ...


@runtime_checkable
class Workspace(Protocol):
    """Git for one repository: one fetch per delivery, no token in URL or argv, hooks and filters off."""

    def checkout(self, sha: str) -> AbstractContextManager[Checkout]:
        """A work tree of the commit for the duration of the block. Raises NotFound, Transient."""
        ...

    def read(self, sha: str, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Some files of a commit without checking out; missing ones are left out."""
        ...

    def files(self, sha: str) -> Sequence[str]:
        """Paths of all regular files of a commit, without checking out."""
        ...

    def commit(
        self,
        *,
        branch: str,
        parent: str,
        changes: Mapping[str, bytes],
        message: str,
        expected: str | None,
        before_push: Callable[[str], None] = ...,
    ) -> str:
        """Push `branch` = `parent` + one commit with these files; returns its sha.

        The commit is deterministic (author date = the parent's), so pushing the same change twice is one effect.
        `expected` is the sha the remote branch must have (None: must not exist). Raises Obsolete when it moved.
        `before_push` is told the commit before anybody can see it: its webhook may be faster than our next line.
        """
        ...


# ---------------------------------------------------------------- linting


class Finding(Value):
    """One finding in one file. Lines count from 1."""

    rule: str
    path: str
    line: int
    end_line: int | None = None
    column: int | None = None
    severity: Literal["error", "warning", "info", "style"]
    message: str
    url: str = ""
    engine: str = "sigbot"
    raised_by: str = ""
    """Engine and rule (`hadolint DL3020`) that found the same matter and takes it more seriously than our rule does."""
    fixable: bool = False
    """Whether `sigbot lint --fix` can mend it."""


@runtime_checkable
class Linter(Protocol):
    """A lint engine that reads files (hadolint). One process for all files."""

    def lint(self, files: Mapping[str, bytes]) -> Sequence[Finding]:
        """Findings for path -> content. Raises UserError when the engine is missing, Transient on a time-out."""
        ...


# ---------------------------------------------------------------- the fleet


class ParentEdge(Value):
    """A use of another image. `base` is the image the last stage is made FROM."""

    image: ImageRef
    kind: Literal["base", "builder", "copy", "mount"] = "base"
    digest: Digest | None = None
    """Digest used by the last build; None before the first one."""


class FleetImage(Value):
    """An image of a configured repository, with what its last published build used."""

    repo: Repo
    image: ImageRef
    """Registry, repository and tag it is published under."""
    containerfile: str
    context: str = "."
    platforms: tuple[Platform, ...] = ()
    parents: tuple[ParentEdge, ...] = ()
    digest: Digest | None = None
    commit: str | None = None
    network: bool = False
    smoke: tuple[str, ...] = ()


@runtime_checkable
class Inventory(Protocol):
    """What the service knows of images: which repository publishes them, from what, last built with which digests."""

    def images(self, repo: Repo | None = None) -> Sequence[FleetImage]:
        """All images, or those of one repository."""
        ...

    def declare(self, repo: Repo, images: Sequence[FleetImage]) -> None:
        """What the repository's default branch declares now; images no longer declared are retired."""
        ...

    def children(self, parent: ImageRef) -> Sequence[FleetImage]:
        """Images with an edge to registry/path (and tag, when given)."""
        ...

    def record_build(self, image: FleetImage, status: BuildStatus, *, commit: str, cause: str) -> None:
        """A finished build: digests per platform and the exact parent digests (`image.parents[*].digest`)."""
        ...

    def record_packages(self, image: FleetImage, digest: Digest, packages: Mapping[str, PackageList]) -> None:
        """What the recorded build of this digest has installed, by platform; nothing when there is no such build."""
        ...
