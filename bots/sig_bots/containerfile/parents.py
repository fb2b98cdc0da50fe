"""The images an image is made from, for the image graph: edges with full names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sig_bots.containerfile.finder import references
from sig_bots.containerfile.model import Reference
from sig_bots.containerfile.shortnames import DEFAULT, resolve
from sig_bots.refs import ImageRef, Platform
from sig_bots.tools import ParentEdge

__all__ = ["parents", "platform_args", "unresolved"]


def platform_args(platform: Platform) -> dict[str, str]:
    """The platform ARGs a builder sets when it builds for `platform` on a machine of that platform."""
    values = {
        "PLATFORM": str(platform), "OS": platform.os, "ARCH": platform.architecture, "VARIANT": platform.variant or "",
    }  # fmt: skip
    return {f"{side}{part}": value for side in ("TARGET", "BUILD") for part, value in values.items()}


def parents(
    data: bytes, platforms: Iterable[Platform] = (), aliases: Mapping[str, str] = DEFAULT
) -> tuple[ParentEdge, ...]:
    """Edges to all images of registries that the Containerfile uses, each image and kind once.

    `platforms` are those it is built for: a name such as `base-$TARGETARCH` gives one edge per platform, and none
    without them. Short names are completed with `aliases`; a name without tag and digest gets `latest`. ONBUILD forms
    are left out, they are used by the children's builds. Names that depend on something else than the file are left
    out as well, see `unresolved`. `ParentEdge.digest` (what the last build used) is left empty.
    """
    edges: dict[ParentEdge, None] = {}
    for args in [platform_args(platform) for platform in platforms] or [{}]:
        for reference in references(data, args):
            image = None if reference.onbuild else reference.image
            if image is not None:
                edges[ParentEdge(image=_full(image, aliases), kind=reference.kind)] = None
    return tuple(edges)


def unresolved(data: bytes, platforms: Iterable[Platform] = ()) -> tuple[Reference, ...]:
    """References that give no edge, with their reason: an ARG without default, a name that is no reference."""
    first = next(iter(platforms), None)
    found = references(data, platform_args(first) if first else None)
    return tuple(reference for reference in found if reference.image is None)


def _full(image: ImageRef, aliases: Mapping[str, str]) -> ImageRef:
    full = resolve(image, aliases)
    return full if full.tag or full.digest else full.with_tag("latest")
