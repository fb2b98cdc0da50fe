"""The single requests of the distribution API, each to the right place with the right login. Nothing is remembered."""

from __future__ import annotations

from collections.abc import Mapping

from sig_bots.errors import ForgeError, NotFound
from sig_bots.refs import Digest, ImageRef
from sig_workers.registries.auth import AuthFile, Login, find_login
from sig_workers.registries.manifests import ACCEPT, check_digest, check_form, sha256
from sig_workers.registries.taglist import TagList, read_tags
from sig_workers.registries.transport import Answer, Sink, Transport

__all__ = ["Questions"]

_MANIFEST_LIMIT = 4 << 20  # what the distribution specification asks registries to accept at least
_TAGS_LIMIT = 16 << 20
_HUB = ("docker.io", "index.docker.io")


class Questions:
    """Asks registries, or the mirrors of them. Thread-safe. All methods raise Transient and ForgeError."""

    def __init__(self, transport: Transport, given: AuthFile, mirrors: Mapping[str, str]) -> None:
        """`mirrors` maps a registry to `host[/prefix]` that is asked instead."""
        self._transport = transport
        self._given = given
        self._mirrors = dict(mirrors)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def tags(self, image: ImageRef, etag: str | None) -> TagList | Answer:
        """The tag list, or an answer with status 304 (the list of `etag` still holds) or 404."""
        host, path, login = self._place(image)

        def ask(url: str) -> Answer:
            return self._transport.get(url, path, login, "application/json", _TAGS_LIMIT, etag=etag)

        found = read_tags(ask, f"{self._transport.origin(host)}/v2/{path}/tags/list?n=1000", image.name, host)
        if not isinstance(found, TagList) and found.status != 404 and not (found.status == 304 and etag):
            self._accept(found, image)
        return found

    def head(self, image: ImageRef) -> Answer:
        """Status 200, or 404, or 400 or 405 from a registry that does not know HEAD."""
        answer = self._manifest(image, "HEAD")
        if answer.status not in (400, 404, 405):
            self._accept(answer, image)
        return answer

    def manifest(self, image: ImageRef) -> Answer | None:
        """The manifest, its body verified by the digest asked for or claimed; None when not there."""
        answer = self._manifest(image, "GET")
        if answer.status == 404:
            return None
        self._accept(answer, image)
        claimed = image.digest or answer.headers.get("docker-content-digest") or sha256(answer.body)
        check_digest(answer.body, claimed, str(image))
        return answer

    def blob(self, image: ImageRef, digest: Digest, limit: int) -> bytes:
        """A blob of the image's repository, at most `limit` bytes, verified. Raises NotFound too."""
        answer = self._blob(image, digest, limit)
        check_digest(answer.body, digest, str(image))
        return answer.body

    def stream(self, image: ImageRef, digest: Digest, limit: int, sink: Sink) -> None:
        """A long blob into `sink`, not verified. Raises NotFound too."""
        self._blob(image, digest, limit, sink)

    def _blob(self, image: ImageRef, digest: Digest, limit: int, sink: Sink | None = None) -> Answer:
        check_form(digest, str(image))
        host, path, login = self._place(image)
        url = f"{self._transport.origin(host)}/v2/{path}/blobs/{digest}"
        answer = self._transport.get(url, path, login, "application/octet-stream, */*", limit, sink=sink)
        self._accept(answer, image)
        return answer

    def _manifest(self, image: ImageRef, method: str) -> Answer:
        host, path, login = self._place(image)
        url = f"{self._transport.origin(host)}/v2/{path}/manifests/{image.digest or image.tag or 'latest'}"
        return self._transport.get(url, path, login, ACCEPT, _MANIFEST_LIMIT, method=method)

    def _place(self, image: ImageRef) -> tuple[str, str, Login | None]:
        """Host to ask, repository path there, login."""
        registry, path = self._address(image)
        login = find_login(self._given.logins, registry, path)
        return "registry-1.docker.io" if registry in _HUB else registry, path, login

    def _address(self, image: ImageRef) -> tuple[str, str]:
        registry = image.registry or "docker.io"
        path = image.repository
        if registry in _HUB:
            path = path if "/" in path else f"library/{path}"
        mirror = self._mirrors.get(registry)
        if mirror is not None:
            registry, _, prefix = mirror.partition("/")
            path = f"{prefix}/{path}" if prefix else path
        return registry, path

    def _accept(self, answer: Answer, image: ImageRef) -> None:
        if answer.status == 200:
            return
        if answer.status == 404:
            raise NotFound(f"There is no image {image} in the registry.")
        registry, path = self._address(image)
        if answer.status in (401, 403):
            remedy = find_login(self._given.unusable, registry, path) or "give the service a login for it"
            raise ForgeError(
                f"The registry {registry} refused access to {image.name}: it is private or does not exist; "
                f"{remedy}: docs/registries.md."
            )
        raise ForgeError(f"The registry {registry} answered the request for {image} with status {answer.status}.")
