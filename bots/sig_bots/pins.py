"""Which digest takes the place of a pinned one: kind and platforms are kept, and noise in an index moves nothing."""

from __future__ import annotations

from collections.abc import Mapping

from sig_bots.refs import Digest, ImageRef, Platform
from sig_bots.tools import Manifest, Registry

__all__ = ["next_digest"]


def next_digest(
    registry: Registry, image: ImageRef, tag: str, platform: str | None = None
) -> tuple[Digest | None, str]:
    """The digest to pin for `tag` in place of `image.digest`; None with a sentence when the pin stays as it is.

    `image` is the full name with its present tag and digest, `platform` the only platform in use (a constant
    `--platform`), None for all. An index stays an index and keeps the platforms in use; one platform's manifest stays
    on its platform. A new index that holds the same for the platforms in use is no reason to move.
    Raises Transient, ForgeError.
    """
    new = registry.manifest(image.with_tag(tag))
    if new is None:
        return None, f"{image.name}:{tag} does not exist in its registry"
    if new.digest == image.digest and tag == image.tag:
        return None, f"{tag} is the newest of its kind and its digest is current"
    old = registry.manifest(image.with_tag(None, image.digest))
    if old is None:
        return new.digest, ""
    if old.is_index:
        problem = _of_index(old, new, platform, moved=tag != image.tag)
        return (None, problem) if problem else (new.digest, "")
    return _of_platform(registry, image, tag, new) if new.is_index else (new.digest, "")


def _of_index(old: Manifest, new: Manifest, platform: str | None, *, moved: bool) -> str:
    if not new.is_index:
        return "the tag now holds a single platform where an index of several was used"
    used = {platform} if platform in old.platforms else set(old.platforms)
    missing = sorted(str(one) for one in used - set(new.platforms))
    if missing:
        return f"the new index lacks {', '.join(missing)}"
    if not moved and all(new.platforms[str(one)] == old.platforms[str(one)] for one in used):
        return f"the tag points at a newer index that holds the same for {', '.join(sorted(map(str, used)))}"
    return ""


def _of_platform(registry: Registry, image: ImageRef, tag: str, new: Manifest) -> tuple[Digest | None, str]:
    details = registry.config(image.with_tag(None, image.digest))
    if details is None:
        return None, "its digest is one platform's, and which one cannot be told any more"
    digest = _same_platform(new.platforms, details.platform)
    if digest is None:
        return None, f"its digest is {details.platform}'s, which {tag} does not offer"
    if digest == image.digest and tag == image.tag:
        return None, f"{tag} is the newest of its kind and its digest for {details.platform} is current"
    return digest, ""


def _same_platform(platforms: Mapping[str, Digest], wanted: Platform) -> Digest | None:
    """The digest of a platform; `linux/arm64` and `linux/arm64/v8` are one."""
    for name in (str(wanted), f"{wanted.os}/{wanted.architecture}", f"{wanted.os}/{wanted.architecture}/v8"):
        if name in platforms and (name == str(wanted) or wanted.architecture == "arm64"):
            return platforms[name]
    return None
