"""Whether a reference may move, and to which digest: kind and platforms are kept, and noise in an index moves nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sig_bots.errors import ForgeError
from sig_bots.refs import Digest, ImageRef, Platform
from sig_bots.tools import Manifest, Registry

__all__ = ["Stays", "next_digest", "why_not"]


@dataclass(frozen=True)
class Stays:
    """Why a reference stays as it is; the rest of a sentence."""

    reason: str
    held: bool = False
    """Something newer is there and is held back: what was proposed before neither grows nor goes away."""
    passed_over: bool = False
    """Something newer is there that the configuration leaves out."""
    missing: bool = False
    """What is used now is not there any more."""


def next_digest(registry: Registry, image: ImageRef, tag: str, platform: str | None = None) -> Digest | Stays:
    """The digest to pin for `tag` in place of `image.digest`.

    `image` is the full name with its present tag and digest, `platform` the only platform in use (a constant
    `--platform`), None for all. An index stays an index and keeps the platforms in use; one platform's manifest stays
    on its platform. A new index that holds the same for the platforms in use is no reason to move.
    Raises Transient, ForgeError.
    """
    moved = tag != image.tag
    digest = registry.digest(image.with_tag(tag))
    if digest is None:
        return Stays(f"{image.name}:{tag} does not exist in its registry", held=moved, missing=not moved)
    if digest == image.digest and not moved:
        return Stays(f"{tag} is the newest of its kind and its digest is current")
    new = _manifest(registry, image, tag, digest)
    old = registry.manifest(image.with_tag(None, image.digest))
    if old is None:
        return _unless_held(registry, image, tag, digest, digest)
    if old.is_index:
        return _lost(old, new, tag, platform) or (None if moved else _same(old, new, tag, platform)) or _unless_held(registry, image, tag, digest, digest)  # fmt: skip
    mine = _of_platform(registry, image, tag, new)
    return mine if isinstance(mine, Stays) else _unless_held(registry, image, tag, digest, mine)


def why_not(
    registry: Registry, image: ImageRef, tag: str, platform: str | None = None, *, compare: bool = True
) -> Stays | None:
    """Why a reference without a digest may not move to `tag`; None when it may.

    `image` is the full name with its present tag, `platform` as above. What is used now must be offered there too; when
    nobody can tell any more what that is, nothing is asked of the new one. Without `compare` it is enough that `tag` exists
    and is not held back, which is one look however many tags are in use. Raises Transient, ForgeError.
    """
    digest = registry.digest(image.with_tag(tag))
    if digest is None:
        return Stays(f"{image.name}:{tag} does not exist in its registry", held=True)
    if text := registry.hold(image.with_tag(tag, digest)):
        return Stays(text, held=True)
    if not compare:
        return None
    try:
        old = registry.manifest(image)
    except ForgeError:  # the retired schema 1, say: just what one wants to move away from
        return None
    if old is None:
        return None
    new = _manifest(registry, image, tag, digest)
    if old.is_index:
        return _lost(old, new, tag, platform)
    mine = _of_platform(registry, image.with_tag(None, old.digest), tag, new)
    return mine if isinstance(mine, Stays) and mine.held else None


def _unless_held(registry: Registry, image: ImageRef, tag: str, digest: Digest, pin: Digest) -> Digest | Stays:
    """`pin`, unless the service holds back what the tag points at."""
    text = registry.hold(image.with_tag(tag, digest))
    return Stays(text, held=True) if text else pin


def _manifest(registry: Registry, image: ImageRef, tag: str, digest: Digest) -> Manifest:
    found = registry.manifest(image.with_tag(None, digest))
    if found is None:
        raise ForgeError(f"{image.name}:{tag} is said to be {digest}, which its registry does not have")
    return found


def _lost(old: Manifest, new: Manifest, tag: str, platform: str | None) -> Stays | None:
    """What the new one does not offer and the old one did."""
    if not new.is_index:
        return Stays(f"{tag} holds a single platform where an index of several was used", held=True)
    missing = sorted(one for one in _used(old, platform) if _member(new.platforms, one) is None)
    return Stays(f"the index of {tag} lacks {', '.join(missing)}", held=True) if missing else None


def _same(old: Manifest, new: Manifest, tag: str, platform: str | None) -> Stays | None:
    used = _used(old, platform)
    if any(_member(new.platforms, one) != _member(old.platforms, one) for one in used):
        return None
    return Stays(f"the tag {tag} points at a newer index that holds the same for {', '.join(sorted(used))}")


def _used(old: Manifest, platform: str | None) -> set[str]:
    return {platform} if platform and _member(old.platforms, platform) else set(map(str, old.platforms))


def _of_platform(registry: Registry, image: ImageRef, tag: str, new: Manifest) -> Digest | Stays:
    """The digest for the platform of the single manifest that `image` pins."""
    details = registry.config(image.with_tag(None, image.digest))
    if details is None:
        return Stays("its digest is one platform's, and which one cannot be told any more", held=True)
    digest: Digest | None
    if new.is_index:
        digest = _member(new.platforms, str(details.platform))
    else:
        other = registry.config(image.with_tag(None, new.digest))
        same = other is not None and _member({str(other.platform): new.digest}, str(details.platform))
        digest = new.digest if same else None
    if digest is None:
        return Stays(f"its digest is {details.platform}'s, which {tag} does not offer", held=True)
    if digest == image.digest and tag == image.tag:
        return Stays(f"{tag} is the newest of its kind and its digest for {details.platform} is current")
    return digest


def _member(platforms: Mapping[str, Digest], name: str) -> Digest | None:
    """The digest of a platform; `linux/arm64` and `linux/arm64/v8` are one."""
    if name in platforms:
        return platforms[name]
    try:
        wanted = Platform.parse(name)
    except ValueError:
        return None
    if wanted.architecture != "arm64" or wanted.variant not in (None, "v8"):
        return None
    both = (f"{wanted.os}/arm64", f"{wanted.os}/arm64/v8")
    return next((platforms[one] for one in both if one in platforms), None)
