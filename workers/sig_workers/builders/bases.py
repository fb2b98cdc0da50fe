"""The images a build is made from: which ones its Containerfile uses, and what stands for each."""

from __future__ import annotations

import os
from collections.abc import Mapping

from sig_bots.containerfile import Reference, references
from sig_bots.containerfile.parents import platform_args
from sig_bots.containerfile.shortnames import resolve
from sig_bots.refs import ImageRef, Platform
from sig_workers.builders.failures import StepFailed
from sig_workers.builders.order import Kept

__all__ = ["bases_of", "host_platform"]


def host_platform() -> Platform:
    """The platform of this machine."""
    machine = os.uname().machine
    return Platform(os="linux", architecture={"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine))


def bases_of(
    data: bytes, platform: Platform, bases: Mapping[str, str], kept: Mapping[str, Kept]
) -> dict[str, str | Kept]:
    """Each external image of the Containerfile, as it names it -> `registry/path@digest`, or an earlier build's result.

    `bases` and `kept` are what the build was given. Raises StepFailed with the line of an image it was not given.
    """
    found: dict[str, str | Kept] = {}
    for reference in references(data, platform_args(platform)):
        if reference.resolved is None or reference.image is None:
            raise StepFailed(f"{reference.text[:200]} names no image: {reference.reason}.", line=reference.line)
        found[reference.resolved] = _base(reference, reference.resolved, reference.image, bases, kept)
    return found


def _base(
    reference: Reference, written: str, image: ImageRef, bases: Mapping[str, str], kept: Mapping[str, Kept]
) -> str | Kept:
    full = resolve(image)
    if full.tag is None and full.digest is None:
        full = full.with_tag("latest")
    here = kept.get(written) or kept.get(str(full))
    if here is not None and full.digest is None:
        return here
    exact = bases.get(written) or bases.get(str(full))
    exact = exact or (str(full.with_tag(None, full.digest)) if full.digest else None)
    if exact is None:
        raise StepFailed(f"The build was given no digest for {written}.", line=reference.line)
    if full.digest and ImageRef.parse(exact).digest != full.digest:
        raise StepFailed(
            f"The Containerfile pins {written}, but the build is to use {exact}; update the Containerfile first.",
            line=reference.line,
        )
    return exact
