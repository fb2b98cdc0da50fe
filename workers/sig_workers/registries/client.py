"""A small client of the OCI distribution API (specification 1.1) that can be pointed at hostile registries.

Secrets go to the registry they belong to and to the token server it names, over https; http is spoken only to hosts
that are configured for it. Redirects and next pages are followed by us: no Authorization to another host, pages on the
same origin only. Every answer has a size cap, and whatever is asked for by digest is verified by it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from sig_bots.errors import ForgeError, NotFound
from sig_bots.refs import Digest, ImageRef, Platform
from sig_bots.tools import ImageDetails, Manifest
from sig_workers.registries.auth import Login, find_login, read_auth_file
from sig_workers.registries.manifests import (
    ACCEPT,
    check_digest,
    config_digest,
    parse_config,
    parse_json,
    parse_manifest,
    sha256,
)
from sig_workers.registries.transport import Answer, Transport, next_page

__all__ = ["RegistryCache", "RegistryClient"]

_MANIFEST_LIMIT = 4 << 20  # what the distribution specification asks registries to accept at least
_TAGS_LIMIT = 16 << 20
_CONFIG_LIMIT = 8 << 20
_TAG_COUNT = 200_000
_PAGES, _PAGES_SECONDS = 4000, 600.0  # some registries give 50 tags a page


class RegistryCache(Protocol):
    """Remembers answers. It decides how old they may be; `kind` is tags, digest, manifest or config."""

    def get(self, kind: str, reference: str) -> Any | None:
        """The JSON value, None when there is none that is young enough."""
        ...

    def put(self, kind: str, reference: str, value: Any) -> None:
        """Keep a JSON value."""
        ...


class RegistryClient:
    """The Registry of the contract. Thread-safe; one client serves all registries of a process."""

    def __init__(
        self,
        *,
        auth_file: Path | None = None,
        logins: Mapping[str, Login] | None = None,
        insecure_hosts: Collection[str] = (),
        mirrors: Mapping[str, str] | None = None,
        timeout: float = 20.0,
        connections_per_host: int = 4,
        cache: RegistryCache | None = None,
    ) -> None:
        """`auth_file` is a containers auth.json, read now; `logins` adds to it, by `host[/path]`.

        `insecure_hosts` (`host:port`) are spoken to over http. `mirrors` maps a registry to `host[/prefix]` that is
        asked instead. `timeout` in seconds for connecting and for each read. Raises UserError for a bad auth file.
        """
        self._logins = {**(read_auth_file(auth_file) if auth_file else {}), **(logins or {})}
        self._mirrors = dict(mirrors or {})
        self._cache = cache
        self._transport = Transport(frozenset(insecure_hosts), timeout, connections_per_host)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    # ------------------------------------------------------------ the contract

    def tags(self, image: ImageRef) -> Sequence[str]:
        """All tags of the image's repository, in the registry's order. Raises NotFound, Transient, ForgeError."""
        cached = self._cached("tags", image.name)
        if cached is not None:
            return [str(tag) for tag in cached]
        host, path, login = self._place(image)
        url: str | None = f"{self._transport.origin(host)}/v2/{path}/tags/list?n=1000"
        tags: list[str] = []
        seen: set[str] = set()
        deadline = time.monotonic() + _PAGES_SECONDS
        while url is not None:
            if url in seen or len(tags) > _TAG_COUNT or len(seen) > _PAGES or time.monotonic() > deadline:
                raise ForgeError(f"The registry {host} gives the tags of {image.name} without end.")
            seen.add(url)
            answer = self._transport.get(url, path, login, "application/json", _TAGS_LIMIT)
            if answer.status == 404:
                raise NotFound(f"There is no image {image.name} in the registry.")
            self._accept(answer, image, host)
            page = parse_json(answer.body, f"The tag list of {image.name}").get("tags") or []
            if not isinstance(page, list) or not all(isinstance(tag, str) for tag in page):
                raise ForgeError(
                    f"The tag list of {image.name}: the registry's answer is not what the distribution API promises."
                )
            tags += page
            url = next_page(answer, url)
        tags = list(dict.fromkeys(tags))
        self._remember("tags", image.name, tags)
        return tags

    def digest(self, image: ImageRef) -> Digest | None:
        """The digest the tag points at (HEAD); None when there is no such tag or repository."""
        key = self._key(image)
        cached = self._cached("digest", key)
        if cached is not None:
            return str(cached) or None
        host, path, login = self._place(image)
        url = f"{self._transport.origin(host)}/v2/{path}/manifests/{image.digest or image.tag or 'latest'}"
        answer = self._transport.get(url, path, login, ACCEPT, _MANIFEST_LIMIT, method="HEAD")
        if answer.status == 404:
            return None
        found = answer.headers.get("docker-content-digest")
        if answer.status in (400, 405) or (answer.status == 200 and not found):
            manifest = self.manifest(image)  # a registry without HEAD or without the header: hash the body
            return manifest.digest if manifest else None
        self._accept(answer, image, host)
        if image.digest and found != image.digest:
            raise ForgeError(f"{image}: the registry answered with another digest than the one asked for.")
        self._remember("digest", key, found)
        return found

    def manifest(self, image: ImageRef) -> Manifest | None:
        """Digest, media type and, for an index, the digest per platform; None when not there."""
        key = self._key(image)
        cached = self._cached("manifest", key)
        if cached is not None:
            return Manifest.model_validate(cached)
        found = self._manifest(image)
        if found is None:
            return None
        manifest = parse_manifest(found.body, found.headers.get("content-type", ""), str(image))
        self._remember("manifest", key, manifest.model_dump(mode="json"))
        return manifest

    def config(self, image: ImageRef, platform: Platform | None = None) -> ImageDetails | None:
        """Config of the image (of one platform for an index, the first when None); None when not there."""
        found = self._manifest(image)
        if found is None:
            return None
        manifest = parse_manifest(found.body, found.headers.get("content-type", ""), str(image))
        if manifest.is_index:
            wanted = str(platform) if platform else next(iter(manifest.platforms))
            digest = manifest.platforms.get(wanted) or _same_architecture(manifest.platforms, platform)
            if digest is None:
                return None
            found = self._manifest(image.with_tag(None, digest))
            if found is None:
                return None
        digest = config_digest(found.body, str(image))
        cached = self._cached("config", f"{image.name}@{digest}")
        if cached is not None:
            return ImageDetails.model_validate(cached)
        host, path, login = self._place(image)
        url = f"{self._transport.origin(host)}/v2/{path}/blobs/{digest}"
        answer = self._transport.get(url, path, login, "application/octet-stream, */*", _CONFIG_LIMIT)
        self._accept(answer, image, host)
        check_digest(answer.body, digest, str(image))
        details = parse_config(answer.body, str(image))
        self._remember("config", f"{image.name}@{digest}", details.model_dump(mode="json"))
        return details

    # ------------------------------------------------------------ inside

    def _manifest(self, image: ImageRef) -> Answer | None:
        host, path, login = self._place(image)
        url = f"{self._transport.origin(host)}/v2/{path}/manifests/{image.digest or image.tag or 'latest'}"
        answer = self._transport.get(url, path, login, ACCEPT, _MANIFEST_LIMIT)
        if answer.status == 404:
            return None
        self._accept(answer, image, host)
        claimed = image.digest or answer.headers.get("docker-content-digest") or sha256(answer.body)
        check_digest(answer.body, claimed, str(image))
        return answer

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

    def _accept(self, answer: Answer, image: ImageRef, host: str) -> None:
        if answer.status == 200:
            return
        if answer.status == 404:
            raise NotFound(f"There is no image {image} in the registry.")
        if answer.status in (401, 403):
            raise ForgeError(
                f"The registry {host} refused access to {image.name}: it is private or does not exist; "
                "give the service a login for it in the registries' auth file."
            )
        raise ForgeError(f"The registry {host} answered the request for {image} with status {answer.status}.")

    def _key(self, image: ImageRef) -> str:
        return str(image if image.digest or image.tag else image.with_tag("latest"))

    def _cached(self, kind: str, key: str) -> Any | None:
        return self._cache.get(kind, key) if self._cache is not None else None

    def _remember(self, kind: str, key: str, value: Any) -> None:
        if self._cache is not None:
            self._cache.put(kind, key, value)


def _same_architecture(platforms: Mapping[str, Digest], platform: Platform | None) -> Digest | None:
    """linux/arm64 and linux/arm64/v8 name the same platform in practice."""
    if platform is None:
        return None
    prefix = f"{platform.os}/{platform.architecture}"
    found = [digest for name, digest in platforms.items() if name == prefix or name.startswith(f"{prefix}/")]
    return found[0] if len(found) == 1 and platform.architecture == "arm64" else None
