"""A small client of the OCI distribution API (specification 1.1) that can be pointed at hostile registries.

Secrets go to the registry they belong to and to the token server it names, over https; http is spoken only to hosts
that are configured for it. Redirects and next pages are followed by us: no Authorization to another host, pages on the
same origin only. Every answer has a size cap, and whatever is asked for by digest is verified by it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sig_bots.errors import ForgeError, NotFound
from sig_bots.packages import PackageList
from sig_bots.refs import Digest, ImageRef, Platform
from sig_bots.tools import ImageDetails, Manifest
from sig_workers.packages.limits import Budget, OutOfTime, Unreadable
from sig_workers.packages.reader import READER, read_packages
from sig_workers.registries.answers import MemoryAnswers, RegistryCache
from sig_workers.registries.auth import AuthFile, Login, read_auth_file
from sig_workers.registries.connections import Connections, HostRules
from sig_workers.registries.hold import Holds
from sig_workers.registries.manifests import (
    config_digest,
    layer_digests,
    layers_size,
    parse_config,
    parse_manifest,
)
from sig_workers.registries.questions import Questions
from sig_workers.registries.signatures import SignatureKey
from sig_workers.registries.taglist import TagList
from sig_workers.registries.transport import Sink, Transport

__all__ = ["RegistryClient"]

_CONFIG_LIMIT = 8 << 20


class RegistryClient:
    """The Registry of the contract. Thread-safe; one client serves all registries of a process."""

    def __init__(
        self,
        *,
        auth_file: Path | None = None,
        logins: Mapping[str, Login] | None = None,
        insecure_hosts: Collection[str] = (),
        mirrors: Mapping[str, str] | None = None,
        hosts: Mapping[str, HostRules] | None = None,
        private_network: bool = False,
        timeout: float = 20.0,
        connections_per_host: int = 4,
        spacing: float = 0.01,
        burst: int = 100,
        cache: RegistryCache | None = None,
        settle: timedelta = timedelta(0),
        keys: Mapping[str, SignatureKey] | None = None,
    ) -> None:
        """`auth_file` is a containers auth.json, read now; `logins` adds to it, by `host[/path]`.

        `hosts` says how `host[:port]` is spoken to, `insecure_hosts` are more of them, over http. A host that is in
        neither must be at a public address, unless `private_network`. `mirrors` maps a registry to `host[/prefix]`
        that is asked instead. `timeout` (for connecting and for each read) and `spacing` (between the starts of two
        requests to a host, when `burst` of them are used up) in seconds. `settle` and `keys`: see Holds. Raises UserError
        for a bad auth file.
        """
        given = read_auth_file(auth_file) if auth_file else AuthFile({}, {})
        both = {**given.logins, **(logins or {})}
        unusable = {key: why for key, why in given.unusable.items() if key not in both}
        rules = {**(hosts or {}), **{host: HostRules(insecure=True) for host in insecure_hosts}}
        connections = Connections(rules, timeout, connections_per_host, spacing, private=private_network, burst=burst)
        self._ask = Questions(Transport(connections), AuthFile(both, unusable), mirrors or {})
        self._cache: RegistryCache = cache if cache is not None else MemoryAnswers()
        self._holds = Holds(settle, keys or {}, self._cache)

    def close(self) -> None:
        """Close the connections."""
        self._ask.close()

    # ------------------------------------------------------------ the contract

    def tags(self, image: ImageRef) -> Sequence[str]:
        """All tags of the image's repository, in the registry's order. Raises NotFound, Transient, ForgeError."""
        kept = self._cache.get("tags", image.name, "")
        if kept is None:
            kept = self._tags(image)
        if kept["tags"] is None:
            raise NotFound(f"There is no image {image.name} in the registry.")
        return [str(tag) for tag in kept["tags"]]

    def digest(self, image: ImageRef) -> Digest | None:
        """The digest the tag points at (HEAD); None when there is no such tag or repository."""
        kept = self._cache.get("digest", image.name, _rest(image))
        if kept is not None:
            return str(kept["digest"]) if kept["digest"] else None
        began = time.monotonic()
        answer = self._ask.head(image)
        found = answer.headers.get("docker-content-digest") if answer.status != 404 else None
        if answer.status != 404 and not found:
            content = self._fetch(image)  # a registry without HEAD or without the header: hash the body
            return content.manifest.digest if content else None
        if found and image.digest and found != image.digest:
            raise ForgeError(f"{image}: the registry answered with another digest than the one asked for.")
        self._cache.put("digest", image.name, _rest(image), {"digest": found}, time.monotonic() - began)
        return found

    def manifest(self, image: ImageRef) -> Manifest | None:
        """Digest, media type and, for an index, the digest per platform; None when not there."""
        found = self._content(image)
        return found.manifest if found else None

    def config(self, image: ImageRef, platform: Platform | None = None) -> ImageDetails | None:
        """Config of the image (of one platform for an index, the first when None); None when not there."""
        found = self._one(image, platform)
        if found is None:
            return None
        if found.config is None:
            raise ForgeError(f"{image}: the manifest names no config.")
        kept = self._cache.get("config", image.name, f"@{found.config}")
        if kept is not None:
            return ImageDetails.model_validate(kept).model_copy(update={"size": found.size})
        details = parse_config(self._ask.blob(image, found.config, _CONFIG_LIMIT), str(image))
        self._cache.put("config", image.name, f"@{found.config}", details.model_dump(mode="json"), 0.0)
        return details.model_copy(update={"size": found.size})

    def hold(self, image: ImageRef) -> str:
        """Why the digest must not be proposed (yet), as the rest of a sentence; empty when it may. Raises Transient, ForgeError."""
        return self._holds.why(image, self._ask)

    def packages(
        self, image: ImageRef, platform: Platform | None = None, *, seconds: float = 120.0
    ) -> PackageList | None:
        """The packages installed in the image (of one platform for an index, the first when None); None without a database.

        Only the layers needed are fetched, within so many seconds; what a digest holds is remembered for ever. Raises
        NotFound when there is no such image, Transient, ForgeError when they cannot be read.
        """
        found = self._one(image, platform)
        if found is None:
            raise NotFound(f"There is no image {image}{f' for {platform}' if platform else ''} in the registry.")
        one = image.with_tag(None, found.manifest.digest)
        kept = self._cache.get("packages", image.name, f"@{one.digest}")
        if kept is None or kept.get("reader") != READER:
            budget = Budget(seconds)
            try:
                listed = read_packages(
                    self._layers(one), lambda digest, file: self._download(one, digest, file, budget), budget
                )
                kept = {"list": listed.model_dump(mode="json") if listed else None}
            except OutOfTime as error:
                raise ForgeError(f"The packages of {image} cannot be read: {error}.") from None
            except Unreadable as error:
                kept = {"unreadable": str(error)}
            self._cache.put("packages", image.name, f"@{one.digest}", {**kept, "reader": READER}, 0.0)
        if "unreadable" in kept:
            raise ForgeError(f"The packages of {image} cannot be read: {kept['unreadable']}.")
        return PackageList.model_validate(kept["list"]) if kept["list"] is not None else None

    # ------------------------------------------------------------ inside

    def _one(self, image: ImageRef, platform: Platform | None) -> _Content | None:
        """The manifest for one platform: of an index, that member."""
        found = self._content(image)
        if found is None or not found.manifest.is_index:
            return found
        platforms = found.manifest.platforms
        wanted = str(platform) if platform else next(iter(platforms))
        digest = platforms.get(wanted) or _same_architecture(platforms, platform)
        return self._content(image.with_tag(None, digest)) if digest is not None else None

    def _layers(self, image: ImageRef) -> list[Digest]:
        answer = self._ask.manifest(image)
        if answer is None:
            raise NotFound(f"There is no image {image} in the registry.")
        return layer_digests(answer.body, str(image))

    def _download(self, image: ImageRef, digest: Digest, file: Path, budget: Budget) -> None:
        """Put a blob into a file, verified."""
        summed = hashlib.new(digest.partition(":")[0])
        with file.open("wb") as output:

            def take(block: bytes) -> None:
                budget.fetch(len(block))
                summed.update(block)
                output.write(block)

            self._ask.stream(image, digest, budget.compressed, Sink(take, budget.left()))
        budget.left()
        if f"{digest.partition(':')[0]}:{summed.hexdigest()}" != digest:
            raise ForgeError(
                f"{image}: the registry's answer does not have the digest it claims; nothing was used of it."
            )

    def _tags(self, image: ImageRef) -> dict[str, Any]:
        old = self._cache.old("tags", image.name, "") or {}
        began = time.monotonic()
        found = self._ask.tags(image, old.get("etag"))
        if isinstance(found, TagList):
            kept = {"tags": found.tags, "etag": found.etag}
        else:
            kept = {"tags": None, "etag": None} if found.status == 404 else old
        self._cache.put("tags", image.name, "", kept, time.monotonic() - began)
        return kept

    def _content(self, image: ImageRef) -> _Content | None:
        """The manifest, at the least cost: of a tag whose digest we once knew, HEAD tells whether it is still that one."""
        digest = image.digest
        if digest is None and self._cache.old("digest", image.name, _rest(image)) is not None:
            digest = self.digest(image)
            if digest is None:
                return None
        kept = self._cache.get("manifest", image.name, f"@{digest}") if digest else None
        if kept is not None:
            return _Content(Manifest.model_validate(kept["manifest"]), kept["config"], kept.get("size"))
        return self._fetch(image)

    def _fetch(self, image: ImageRef) -> _Content | None:
        began = time.monotonic()
        answer = self._ask.manifest(image)
        if answer is None:
            return None
        manifest = parse_manifest(answer.body, answer.headers.get("content-type", ""), str(image))
        config = None if manifest.is_index else config_digest(answer.body)
        size = None if manifest.is_index else layers_size(answer.body, str(image))
        took = time.monotonic() - began
        value = {"manifest": manifest.model_dump(mode="json"), "config": config, "size": size}
        self._cache.put("manifest", image.name, f"@{image.digest or manifest.digest}", value, took)
        if image.digest is None:
            self._cache.put("digest", image.name, _rest(image), {"digest": manifest.digest}, took)
        return _Content(manifest, config, size)


@dataclass(frozen=True)
class _Content:
    """A manifest and, when it is one platform's, the digest of its config and the bytes of its layers, where told."""

    manifest: Manifest
    config: Digest | None
    size: int | None = None


def _rest(image: ImageRef) -> str:
    return f"@{image.digest}" if image.digest else f":{image.tag or 'latest'}"


def _same_architecture(platforms: Mapping[str, Digest], platform: Platform | None) -> Digest | None:
    """linux/arm64 and linux/arm64/v8 name the same platform in practice."""
    if platform is None:
        return None
    prefix = f"{platform.os}/{platform.architecture}"
    found = [digest for name, digest in platforms.items() if name == prefix or name.startswith(f"{prefix}/")]
    return found[0] if len(found) == 1 and platform.architecture == "arm64" else None
