"""What speaks against proposing a digest: it is too new, or nobody we trust has signed it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sig_bots.refs import ImageRef
from sig_workers.registries.answers import RegistryCache
from sig_workers.registries.auth import find_login
from sig_workers.registries.questions import Questions
from sig_workers.registries.signatures import SignatureKey

__all__ = ["Holds"]


class Holds:
    """The operator's conditions."""

    def __init__(self, settle: timedelta, keys: Mapping[str, SignatureKey], cache: RegistryCache) -> None:
        """`settle`: how long a digest must have been known under its tag. `keys`: by registry `host[/path]`.

        Without a memory shared by runs (see `RegistryCache.first_seen`), nothing is too new.
        """
        self._settle = settle
        self._keys = dict(keys)
        self._cache = cache

    def why(self, image: ImageRef, ask: Questions) -> str:
        """See `Registry.hold`; `ask` reads the signatures."""
        return self._too_new(image) or self._unsigned(image, ask)

    def _too_new(self, image: ImageRef) -> str:
        if self._settle <= timedelta(0):
            return ""
        seen = self._cache.first_seen(image.name, f":{image.tag}@{image.digest}")
        if seen is None or seen.now - seen.at >= self._settle:
            return ""
        return (
            f"{image.tag} is settling until {seen.at + self._settle:%Y-%m-%d %H:%M} UTC: what it points at was first "
            f"seen at {seen.at:%H:%M}, and its last platforms may still be on their way"
        )

    def _unsigned(self, image: ImageRef, ask: Questions) -> str:
        key = find_login(self._keys, image.registry or "docker.io", image.repository)
        if key is None:
            return ""
        if self._cache.get("signature", image.name, f"@{image.digest}") == {"key": key.fingerprint}:
            return ""
        problem = key.problem(image, ask)
        if problem:
            return f"{image.tag} is not proposed: {problem}"
        self._cache.put("signature", image.name, f"@{image.digest}", {"key": key.fingerprint}, 0.0)
        return ""
