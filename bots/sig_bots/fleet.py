"""Which images a repository makes, and from what: read from the Containerfiles of one commit and the configuration."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from sig_bots.config import ImageSpec
from sig_bots.containerfile.parents import parents
from sig_bots.context import Context
from sig_bots.errors import NotFound, Skip
from sig_bots.events import Push
from sig_bots.imagegraph import ImageGraph, node
from sig_bots.refs import ImageRef, Platform
from sig_bots.tools import FleetImage

__all__ = [
    "UNPUBLISHED",
    "containerfiles",
    "declare_fleet",
    "default_head",
    "exact_parents",
    "is_containerfile",
    "read_fleet",
    "touches",
]

UNPUBLISHED = "localhost"
"""Registry of images that have no `images:` entry: known for their parents, never built or pushed by us."""

_SUFFIXES = (".containerfile", ".dockerfile")
_STEMS = ("containerfile", "dockerfile")


def is_containerfile(path: str) -> bool:
    """Whether a file is a Containerfile by its name: Containerfile, Dockerfile.dev, app.Containerfile, in any case."""
    name = PurePosixPath(path).name.lower()
    if name.endswith((".dockerignore", ".containerignore")):
        return False
    return name in _STEMS or name.startswith(tuple(f"{stem}." for stem in _STEMS)) or name.endswith(_SUFFIXES)


def containerfiles(paths: Sequence[str], images: Sequence[ImageSpec]) -> list[str]:
    """The Containerfiles among the paths: by name, and those the configuration names whatever they are called."""
    declared = {image.containerfile for image in images}
    return [path for path in paths if path in declared or is_containerfile(path)]


def may_be_default(event: Push) -> bool:
    """Whether a push may be to the default branch: surely not for another branch than the one the delivery names."""
    return event.branch is not None and not event.deleted and event.repo.default_branch in (None, event.branch)


def require_default(ctx: Context, event: Push) -> None:
    """Raises Skip for a push to another branch than the default one, which not every delivery names."""
    if event.branch != ctx.repo.default_branch:
        raise Skip(f"{event.branch} is not the default branch")


def default_head(ctx: Context) -> tuple[str, str]:
    """Name and commit of the default branch. Raises Skip when the repository is empty."""
    branch = ctx.forge.repo.default_branch or "main"
    sha = ctx.forge.branch_sha(branch)
    if sha is None:
        raise Skip(f"the repository has no branch {branch} yet")
    return branch, sha


def read_fleet(ctx: Context, sha: str) -> list[FleetImage]:
    """The images the commit makes, each with the images it is made from."""
    paths = containerfiles(ctx.services.workspace.files(sha), ctx.images)
    files = ctx.services.workspace.read(sha, paths)
    fleet = []
    declared: set[str] = set()
    for spec in ctx.images:
        declared.add(spec.containerfile)
        data = files.get(spec.containerfile)
        if data is None:
            ctx.log(f".sigbot.yaml names {spec.containerfile}, which is not in the repository")
            continue
        platforms = tuple(Platform.parse(one) for one in spec.platforms)
        fleet.append(
            FleetImage(
                repo=ctx.repo,
                image=spec.ref,
                containerfile=spec.containerfile,
                context=spec.context,
                platforms=platforms,
                parents=parents(data, platforms),
                network=spec.network,
                smoke=tuple(spec.smoke),
            )
        )
    for path, data in files.items():
        if path not in declared:
            image = ImageRef(registry=UNPUBLISHED, repository=f"{ctx.repo.path}/{path}".lower())
            fleet.append(FleetImage(repo=ctx.repo, image=image, containerfile=path, parents=parents(data)))
    return fleet


def declare_fleet(ctx: Context, sha: str) -> list[FleetImage]:
    """Record what the commit of the default branch makes; returns the images with what their last builds used."""
    ctx.services.inventory.declare(ctx.repo, read_fleet(ctx, sha))
    return [image for image in ctx.services.inventory.images(ctx.repo) if image.image.registry != UNPUBLISHED]


def touches(path: str, image: FleetImage) -> bool:
    """Whether a changed file can change the image: its Containerfile, the configuration, or part of its context."""
    if path in (image.containerfile, ".sigbot.yaml"):
        return True
    return image.context in (".", "") or PurePosixPath(path).is_relative_to(image.context)


def build_order(images: Sequence[FleetImage]) -> list[FleetImage]:
    """The images, each after those of them it is made from; the rest in the order given."""
    graph = ImageGraph.of(images)
    return sorted(images, key=lambda image: graph.level(node(image.image)))


def exact_parents(ctx: Context, image: FleetImage, built: Collection[str] = ()) -> FleetImage:
    """The image with the digest each of its parents has now; those that were just `built` need not be published.

    Raises NotFound naming a parent that does not exist.
    """
    edges = []
    for edge in image.parents:
        if str(edge.image) in built:
            edges.append(edge)
            continue
        digest = edge.image.digest or ctx.services.registry.digest(edge.image)
        if digest is None:
            raise NotFound(f"{image.containerfile}: base image {edge.image} does not exist in its registry")
        edges.append(edge.model_copy(update={"digest": digest}))
    return image.model_copy(update={"parents": tuple(edges)})
