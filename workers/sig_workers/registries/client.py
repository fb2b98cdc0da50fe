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
from pathlib import Path
from typing import Any

from sig_bots.errors import ForgeError, NotFound
from sig_bots.packages import PackageList
from sig_bots.refs import Digest, ImageRef, Platform
from sig_bots.tools import ImageDetails, Manifest
from sig_workers.packages.limits import Budget, OutOfTime, Unreadable
from sig_workers.packages.reader import read_packages
from sig_workers.registries.answers import MemoryAnswers, RegistryCache
from sig_workers.registries.auth import AuthFile, Login, find_login, read_auth_file
from sig_workers.registries.connections import Connections, HostRules
from sig_workers.registries.manifests import (
    ACCEPT,
    check_digest,
    config_digest,
    layer_digests,
    parse_config,
    parse_manifest,
    sha256,
)
from sig_workers.registries.taglist import TagList, read_tags
from sig_workers.registries.transport import Answer, Sink, Transport

__all__ = ["RegistryClient"]

_MANIFEST_LIMIT = 4 << 20  # what the distribution specification asks registries to accept at least
_TAGS_LIMIT = 16 << 20
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
        cache: RegistryCache | None = None,
    ) -> None:
        """`auth_file` is a containers auth.json, read now; `logins` adds to it, by `host[/path]`.

        `hosts` says how `host[:port]` is spoken to, `insecure_hosts` are more of them, over http. A host that is in
        neither must be at a public address, unless `private_network`. `mirrors` maps a registry to `host[/prefix]`
        that is asked instead. `timeout` (for connecting and for each read) and `spacing` (between the starts of two
        requests to a host) in seconds. Raises UserError for a bad auth file.
        """
        given = read_auth_file(auth_file) if auth_file else AuthFile({}, {})
        self._logins = {**given.logins, **(logins or {})}
        self._unusable = {key: why for key, why in given.unusable.items() if key not in self._logins}
        self._mirrors = dict(mirrors or {})
        self._cache: RegistryCache = cache if cache is not None else MemoryAnswers()
        rules = {**(hosts or {}), **{host: HostRules(insecure=True) for host in insecure_hosts}}
        self._transport = Transport(Connections(rules, timeout, connections_per_host, spacing, private=private_network))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    # ------------------------------------------------------------ the contract

    def tags(self, image: ImageRef) -> Sequence[str]:
        """All tags of the image's repository, in the registry's order. Raises NotFound, Transient, ForgeError."""
        kept = self._cache.get("tags", image.name, "")
        if kept is None:
            kept = self._ask_tags(image)
        if kept["tags"] is None:
            raise NotFound(f"There is no image {image.name} in the registry.")
        return [str(tag) for tag in kept["tags"]]

    def digest(self, image: ImageRef) -> Digest | None:
        """The digest the tag points at (HEAD); None when there is no such tag or repository."""
        kept = self._cache.get("digest", image.name, _rest(image))
        if kept is not None:
            return str(kept["digest"]) if kept["digest"] else None
        began = time.monotonic()
        answer, host = self._ask_manifest(image, "HEAD")
        found = answer.headers.get("docker-content-digest")
        if answer.status in (400, 405) or (answer.status == 200 and not found):
            content = self._fetch(image)  # a registry without HEAD or without the header: hash the body
            return content.manifest.digest if content else None
        if answer.status == 404:
            found = None
        else:
            self._accept(answer, image, host)
            if image.digest and found != image.digest:
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
            return ImageDetails.model_validate(kept)
        details = parse_config(self.blob(image, found.config, _CONFIG_LIMIT), str(image))
        self._cache.put("config", image.name, f"@{found.config}", details.model_dump(mode="json"), 0.0)
        return details

    def blob(self, image: ImageRef, digest: Digest, limit: int) -> bytes:
        """A blob of the image's repository, at most `limit` bytes, verified. Raises NotFound, Transient, ForgeError."""
        host, path, login = self._place(image)
        url = f"{self._transport.origin(host)}/v2/{path}/blobs/{digest}"
        answer = self._transport.get(url, path, login, "application/octet-stream, */*", limit)
        self._accept(answer, image, host)
        check_digest(answer.body, digest, str(image))
        return answer.body

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
        if kept is None:
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
            self._cache.put("packages", image.name, f"@{one.digest}", kept, 0.0)
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
        answer, host = self._ask_manifest(image, "GET")
        self._accept(answer, image, host)
        check_digest(answer.body, image.digest or "", str(image))
        return layer_digests(answer.body, str(image))

    def _download(self, image: ImageRef, digest: Digest, file: Path, budget: Budget) -> None:
        """Put a blob into a file, verified."""
        host, path, login = self._place(image)
        url = f"{self._transport.origin(host)}/v2/{path}/blobs/{digest}"
        summed = hashlib.new(digest.partition(":")[0])
        with file.open("wb") as output:

            def take(block: bytes) -> None:
                budget.fetch(len(block))
                summed.update(block)
                output.write(block)

            sink = Sink(take, budget.left())
            answer = self._transport.get(
                url, path, login, "application/octet-stream, */*", budget.compressed, sink=sink
            )
        budget.left()
        self._accept(answer, image, host)
        if f"{digest.partition(':')[0]}:{summed.hexdigest()}" != digest:
            raise ForgeError(
                f"{image}: the registry's answer does not have the digest it claims; nothing was used of it."
            )

    def _ask_tags(self, image: ImageRef) -> dict[str, Any]:
        host, path, login = self._place(image)
        old = self._cache.old("tags", image.name, "") or {}
        etag: str | None = old.get("etag")
        began = time.monotonic()

        def ask(url: str) -> Answer:
            return self._transport.get(url, path, login, "application/json", _TAGS_LIMIT, etag=etag)

        url = f"{self._transport.origin(host)}/v2/{path}/tags/list?n=1000"
        found = read_tags(ask, url, image.name, host)
        if isinstance(found, TagList):
            kept = {"tags": found.tags, "etag": found.etag}
        elif found.status == 404:
            kept = {"tags": None, "etag": None}
        elif found.status == 304 and etag:
            kept = old
        else:
            self._accept(found, image, host)
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
            return _Content(Manifest.model_validate(kept["manifest"]), kept["config"])
        return self._fetch(image)

    def _fetch(self, image: ImageRef) -> _Content | None:
        began = time.monotonic()
        answer, host = self._ask_manifest(image, "GET")
        if answer.status == 404:
            return None
        self._accept(answer, image, host)
        claimed = image.digest or answer.headers.get("docker-content-digest") or sha256(answer.body)
        check_digest(answer.body, claimed, str(image))
        manifest = parse_manifest(answer.body, answer.headers.get("content-type", ""), str(image))
        config = None if manifest.is_index else config_digest(answer.body)
        took = time.monotonic() - began
        value = {"manifest": manifest.model_dump(mode="json"), "config": config}
        self._cache.put("manifest", image.name, f"@{claimed}", value, took)
        if image.digest is None:
            self._cache.put("digest", image.name, _rest(image), {"digest": claimed}, took)
        return _Content(manifest, config)

    def _ask_manifest(self, image: ImageRef, method: str) -> tuple[Answer, str]:
        host, path, login = self._place(image)
        url = f"{self._transport.origin(host)}/v2/{path}/manifests/{image.digest or image.tag or 'latest'}"
        return self._transport.get(url, path, login, ACCEPT, _MANIFEST_LIMIT, method=method), host

    def _place(self, image: ImageRef) -> tuple[str, str, Login | None]:
        """Host to ask, repository path there, login."""
        registry = image.registry or "docker.io"
        path = image.repository
        if registry in ("docker.io", "index.docker.io"):
            path = path if "/" in path else f"library/{path}"
        mirror = self._mirrors.get(registry)
        if mirror is not None:
            registry, _, prefix = mirror.partition("/")
            path = f"{prefix}/{path}" if prefix else path
        login = find_login(self._logins, registry, path)
        return ("registry-1.docker.io" if registry in ("docker.io", "index.docker.io") else registry), path, login

    def _unusable_login(self, image: ImageRef) -> str | None:
        return find_login(self._unusable, image.registry or "docker.io", image.repository)

    def _accept(self, answer: Answer, image: ImageRef, host: str) -> None:
        if answer.status == 200:
            return
        if answer.status == 404:
            raise NotFound(f"There is no image {image} in the registry.")
        if answer.status in (401, 403):
            raise ForgeError(
                f"The registry {host} refused access to {image.name}: it is private or does not exist; "
                f"{self._unusable_login(image) or 'give the service a login for it'}: docs/registries.md."
            )
        raise ForgeError(f"The registry {host} answered the request for {image} with status {answer.status}.")


@dataclass(frozen=True)
class _Content:
    """A manifest and, when it is one platform's, the digest of its config."""

    manifest: Manifest
    config: Digest | None


def _rest(image: ImageRef) -> str:
    return f"@{image.digest}" if image.digest else f":{image.tag or 'latest'}"


def _same_architecture(platforms: Mapping[str, Digest], platform: Platform | None) -> Digest | None:
    """linux/arm64 and linux/arm64/v8 name the same platform in practice."""
    if platform is None:
        return None
    prefix = f"{platform.os}/{platform.architecture}"
    found = [digest for name, digest in platforms.items() if name == prefix or name.startswith(f"{prefix}/")]
    return found[0] if len(found) == 1 and platform.architecture == "arm64" else None
