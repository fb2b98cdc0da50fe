"""Build one image and wait for it: what the build and the rebuild bot have in common."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sig_bots.context import Context
from sig_bots.errors import Obsolete
from sig_bots.tools import BuildSpec, BuildStatus, FleetImage

__all__ = ["base_labels", "build_image"]

BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
REVISION = "org.opencontainers.image.revision"


def base_labels(image: FleetImage, commit: str) -> dict[str, str]:
    """Annotations of the OCI image specification that say what the image was made from."""
    labels = {REVISION: commit}
    base = next((edge for edge in reversed(image.parents) if edge.kind == "base"), None)
    if base is not None and base.digest is not None:
        labels[BASE_NAME] = str(base.image.with_tag(base.image.tag))
        labels[BASE_DIGEST] = base.digest
    return labels


def build_image(ctx: Context, image: FleetImage, root: Path, commit: str, *, push: bool) -> BuildStatus:
    """Build from the checkout at `root` with the exact parent digests of `image`, and wait for the end.

    The key of the build names image, commit and parents, so a job that is run again after a crash finds its own build
    instead of starting a second one. Log lines go to the job's log as they come.
    """
    bases = {str(edge.image): str(edge.image.with_tag(None, edge.digest)) for edge in image.parents if edge.digest}
    spec = BuildSpec(
        image=image.image,
        root=root,
        context=image.context,
        containerfile=image.containerfile,
        platforms=image.platforms,
        bases=bases,
        labels=base_labels(image, commit),
        network=image.network,
        smoke=image.smoke,
        push=push,
    )
    inputs = hashlib.sha256(repr((commit, sorted(bases.items()))).encode()).hexdigest()[:16]
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
                return status
            ctx.pause()
            ctx.alive()
    except Obsolete:
        builder.cancel(handle)
        raise
