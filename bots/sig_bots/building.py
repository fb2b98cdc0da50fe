"""Build images and wait for them: what the build and the rebuild bot have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sig_bots.context import Context
from sig_bots.errors import Obsolete
from sig_bots.tools import BuildHandle, BuildSpec, BuildStatus, FleetImage

__all__ = ["Built", "base_labels", "build_image"]

BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
REVISION = "org.opencontainers.image.revision"


@dataclass(frozen=True)
class Built:
    """A build that has ended."""

    image: FleetImage
    handle: BuildHandle
    status: BuildStatus
    log: tuple[str, ...] = ()
    """All its lines."""


def base_labels(image: FleetImage, commit: str) -> dict[str, str]:
    """Annotations of the OCI image specification that say what the image was made from."""
    labels = {REVISION: commit}
    base = next((edge for edge in reversed(image.parents) if edge.kind == "base"), None)
    if base is not None and base.digest is not None:
        labels[BASE_NAME] = str(base.image.with_tag(base.image.tag))
        labels[BASE_DIGEST] = base.digest
    return labels


def build_image(
    ctx: Context,
    image: FleetImage,
    root: Path,
    commit: str,
    *,
    push: bool = False,
    keep: bool = False,
    own: Mapping[str, Built] | None = None,
) -> Built:
    """Build from the checkout at `root` with the exact parent digests of `image`, and wait for the end.

    `own`: by the name of their image, kept builds of this job, which go before what the registries hold. `keep`: others
    will be made from this one; forget it at the end.

    The key of the build names image, commit and parents, so a job that is run again after a crash finds its own build
    instead of starting a second one. Log lines go to the job's log as they come.
    """
    used = {str(edge.image): own[str(edge.image)] for edge in image.parents if own and str(edge.image) in own}
    edges = [
        edge.model_copy(update={"digest": used[str(edge.image)].status.digest}) if str(edge.image) in used else edge
        for edge in image.parents
    ]
    bases = {
        str(edge.image): str(edge.image.with_tag(None, edge.digest))
        for edge in edges
        if edge.digest and str(edge.image) not in used
    }
    parents = {name: built.handle for name, built in used.items()}
    spec = BuildSpec(
        image=image.image,
        root=root,
        context=image.context,
        containerfile=image.containerfile,
        platforms=image.platforms,
        bases=bases,
        parents=parents,
        labels=base_labels(image.model_copy(update={"parents": tuple(edges)}), commit),
        network=image.network,
        smoke=image.smoke,
        push=push,
        keep=keep,
    )
    made_from = (commit, sorted(bases.items()), sorted((name, parent.id) for name, parent in parents.items()))
    inputs = hashlib.sha256(repr(made_from).encode()).hexdigest()[:16]
    key = f"{ctx.job_key}/{image.image}/{inputs}"
    builder = ctx.services.builder
    handle = builder.start(spec, key=key)
    seen = 0
    try:
        while True:
            status = builder.poll(handle)
            lines = list(builder.logs(handle))
            for line in lines[seen:]:
                ctx.log(line)
            seen = len(lines)
            if status.state != "running":
                return Built(image, handle, status, tuple(lines))
            ctx.pause()
            ctx.alive()
    except Obsolete:
        builder.cancel(handle)
        raise
