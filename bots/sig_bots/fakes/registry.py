"""A stateful image registry in memory. Images hold their files, so a test can look inside a built image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sig_bots.errors import ForgeError, NotFound, Transient
from sig_bots.packages import PackageList
from sig_bots.refs import Digest, ImageRef, Platform
from sig_bots.tools import ImageDetails, Manifest

__all__ = ["FakeImage", "FakeRegistry"]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
HOST_PLATFORM = "linux/amd64"


@dataclass(frozen=True)
class FakeImage:
    """One platform's image: its files and labels."""

    files: Mapping[str, bytes]
    labels: Mapping[str, str]
    platform: str = HOST_PLATFORM
    packages: PackageList | None = None
    created: datetime | None = None

    @property
    def digest(self) -> Digest:
        """Digest over the content."""
        more = tuple(one for one in (self.packages, self.created) if one)
        text = repr((sorted(self.files.items()), sorted(self.labels.items()), self.platform, *more))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@dataclass
class FakeRegistry:
    """All registries at once, keyed by `registry/path`. `requests` counts look-ups by kind; `down` makes all fail."""

    names: dict[str, dict[str, Digest]] = field(default_factory=dict)
    manifests: dict[Digest, Manifest] = field(default_factory=dict)
    blobs: dict[Digest, FakeImage] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    down: bool = False
    silent: set[str] = field(default_factory=set)
    """`registry/path` of images for which no answer comes."""
    holds: dict[str, str] = field(default_factory=dict)
    """`registry/path:tag` -> why what it points at is held back."""

    def push(self, text: str, images: Iterable[FakeImage]) -> Digest:
        """Publish under the reference's tag: one image as a plain manifest, several as an index."""
        ref = ImageRef.parse(text)
        members = list(images)
        for image in members:
            self.blobs[image.digest] = image
            self.manifests[image.digest] = Manifest(digest=image.digest, media_type=MANIFEST)
        digest = members[0].digest
        if len(members) > 1:
            platforms = {image.platform: image.digest for image in members}
            digest = "sha256:" + hashlib.sha256(repr(sorted(platforms.items())).encode()).hexdigest()
            self.manifests[digest] = Manifest(digest=digest, media_type=INDEX, platforms=platforms)
        self.names.setdefault(ref.name, {})[ref.tag or "latest"] = digest
        return digest

    def publish(self, text: str, files: Mapping[str, bytes], platforms: Sequence[str] = (HOST_PLATFORM,)) -> Digest:
        """Publish an image with these files for the platforms."""
        return self.push(text, [FakeImage(dict(files), {}, platform) for platform in platforms])

    def image(self, text: str, platform: str = HOST_PLATFORM) -> FakeImage:
        """The image a reference means for a platform. Raises KeyError when it is not there."""
        manifest = self._resolve(ImageRef.parse(text))
        if manifest is None:
            raise KeyError(text)
        return self.blobs[manifest.platforms[platform] if manifest.is_index else manifest.digest]

    def tags(self, image: ImageRef) -> Sequence[str]:
        """All tags."""
        self._count("tags")
        self._answer(image)
        return list(self.names.get(image.name, {}))

    def digest(self, image: ImageRef) -> Digest | None:
        """Digest of the tag."""
        self._count("digest")
        found = self._resolve(image)
        return found.digest if found else None

    def manifest(self, image: ImageRef) -> Manifest | None:
        """Manifest of the reference."""
        self._count("manifest")
        return self._resolve(image)

    def config(self, image: ImageRef, platform: Platform | None = None) -> ImageDetails | None:
        """Labels and platform of the image."""
        self._count("config")
        blob = self._one(image, platform)
        if blob is None:
            return None
        return ImageDetails(
            platform=Platform.parse(blob.platform), created=blob.created, labels=dict(blob.labels),
            size=sum(map(len, blob.files.values())),
        )  # fmt: skip

    def packages(
        self, image: ImageRef, platform: Platform | None = None, *, seconds: float = 120.0
    ) -> PackageList | None:
        """What the image was made with; with no time at all, nothing can be read."""
        self._count("packages")
        blob = self._one(image, platform)
        if blob is None:
            raise NotFound(f"There is no image {image} in the registry.")
        if seconds <= 0:
            raise ForgeError(f"The packages of {image} cannot be read: it takes longer than 0 seconds.")
        return blob.packages

    def _one(self, image: ImageRef, platform: Platform | None) -> FakeImage | None:
        manifest = self._resolve(image)
        if manifest is None:
            return None
        wanted = str(platform) if platform else next(iter(manifest.platforms), "")
        return self.blobs.get(manifest.platforms.get(wanted, manifest.digest))

    def hold(self, image: ImageRef) -> str:
        """What `holds` says of the tag."""
        return self.holds.get(f"{image.name}:{image.tag}", "")

    def _answer(self, image: ImageRef) -> None:
        if image.name in self.silent:
            raise Transient(f"{image.name} is not reachable")

    def _resolve(self, image: ImageRef) -> Manifest | None:
        self._answer(image)
        digest = image.digest or self.names.get(image.name, {}).get(image.tag or "latest")
        return self.manifests.get(digest or "")

    def _count(self, kind: str) -> None:
        self.requests[kind] = self.requests.get(kind, 0) + 1
        if self.down:
            raise Transient("registry fake.example is not reachable", host="fake.example")
