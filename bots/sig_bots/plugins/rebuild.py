"""Rebuild the images whose base moved or whose sources changed, each after its own bases, and publish them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sig_bots import Arguments, Bot, Context, ImagePushed, Push, Skip, Tick, UserError, reports
from sig_bots.building import build_image
from sig_bots.errors import ForgeError, NotFound, Transient
from sig_bots.fleet import (
    build_order,
    declare_fleet,
    default_head,
    exact_parents,
    may_be_default,
    require_default,
    touches,
)
from sig_bots.refs import Digest
from sig_bots.tools import FleetImage
from sig_bots.wording import counted

bot = Bot("rebuild")


class RebuildArgs(Arguments):
    """What to rebuild."""

    image: str | None = None
    """Name of one image (registry/path); all of the repository when left out."""


@bot.on(Push, queue="builds", when=may_be_default)
def after_push(ctx: Context, event: Push) -> None:
    """Rebuild the images whose build context a push to the default branch touched."""
    require_default(ctx, event)
    _, head = default_head(ctx)
    fleet = _declared(ctx, head)
    causes = {}
    for image in fleet:
        touched = next((path for path in event.paths if touches(path, image)), None)
        if touched is not None:
            causes[str(image.image)] = f"{touched} changed"
        elif not event.paths_complete:
            causes[str(image.image)] = f"branch {event.branch} moved"
    rebuild_images(ctx, head, fleet, causes)


@bot.on(ImagePushed, queue="builds")
def after_image(ctx: Context, event: ImagePushed) -> None:
    """Rebuild the images made from an image that was pushed, if their recorded parent differs from it."""
    _, head = default_head(ctx)
    rebuild_images(ctx, head, _declared(ctx, head), {})


@bot.command("rebuild", who="write", queue="builds", examples=("/sig rebuild", "/sig rebuild quay.io/fedora/httpd"))
def rebuild(ctx: Context, args: RebuildArgs) -> None:
    """Rebuild and publish the images of this repository from its default branch."""
    _, head = default_head(ctx)
    fleet = _declared(ctx, head)
    chosen = [image for image in fleet if args.image in (None, image.image.name, str(image.image))]
    if not chosen:
        known = ", ".join(f"`{image.image}`" for image in fleet)
        raise UserError(f"`{args.image}` is not an image of this repository; it has {known}.")
    asker = ctx.actor.login if ctx.actor else "somebody"
    built = rebuild_images(ctx, head, fleet, {str(image.image): f"{asker} asked for it" for image in chosen})
    ctx.reply(reports.rebuild_done(built))


@bot.every("6h", queue="builds")
def sweep(ctx: Context, event: Tick) -> None:
    """Rebuild what is stale: an image whose recorded parent differs from the registry's answer."""
    _, head = default_head(ctx)
    rebuild_images(ctx, head, _declared(ctx, head), {})


def rebuild_images(
    ctx: Context, head: str, fleet: Sequence[FleetImage], causes: dict[str, str]
) -> list[tuple[FleetImage, Digest, str]]:
    """Build and publish what has a cause or is stale, parents before children; returns image, digest and cause.

    Raises Skip when nothing is to be done, UserError when a build fails (the images built before it stay published),
    Transient when a registry cannot be asked.
    """
    built: list[tuple[FleetImage, Digest, str]] = []
    for image in build_order(fleet):
        ctx.alive()
        exact = exact_parents(ctx, image)
        cause = causes.get(str(image.image)) or stale_because(image, exact)
        if cause is None:
            ctx.log(f"{image.image} is up to date")
            continue
        built.append((exact, _publish(ctx, exact, head, cause), cause))
    if not built:
        raise Skip("every image is up to date with its bases")
    ctx.summary = reports.rebuild_summary(built)
    return built


def stale_because(recorded: FleetImage, exact: FleetImage) -> str | None:
    """Why the last build no longer fits, None when its recorded parents are what the registries hold now."""
    if recorded.digest is None:
        return "it was never built here"
    old = {str(edge.image): edge.digest for edge in recorded.parents}
    for edge in exact.parents:
        before = old.get(str(edge.image))
        if before != edge.digest:
            return f"{edge.image} moved from {_short(before)} to {_short(edge.digest)}"
    return None


def _publish(ctx: Context, image: FleetImage, head: str, cause: str) -> Digest:
    ctx.log(f"building {image.image}: {cause}")
    with ctx.services.workspace.checkout(head) as checkout:
        built = build_image(ctx, image, checkout.path, head, push=True)
    status = built.status
    if status.state != "success" or status.digest is None:
        ctx.services.inventory.record_build(image, status, commit=head, cause=cause)
        raise UserError(reports.build_failed(built), more=reports.last_words(built))
    ctx.services.inventory.record_build(image, status, commit=head, cause=cause)
    ctx.log(f"published {image.image}@{status.digest}")
    ctx.emit(
        ImagePushed(
            source="sigbot",
            image=image.image.model_copy(update={"digest": status.digest}),
            tags=(image.image.tag or "latest",),
            architectures=tuple(platform.architecture for platform in image.platforms),
            actor=ctx.forge.account,
        )
    )
    _remember_packages(ctx, image, status.digest, status.platforms)
    return status.digest


def _remember_packages(ctx: Context, image: FleetImage, digest: Digest, platforms: Mapping[str, Digest]) -> None:
    """Record what is installed in what was just published; it is no reason to fail when that cannot be read."""
    found = {}
    for platform, member in (platforms or {"": digest}).items():
        try:
            listed = ctx.services.registry.packages(image.image.with_tag(None, member), seconds=60)
        except (Transient, ForgeError, NotFound) as error:
            ctx.log(f"what is installed in it is not known: {error}")
            continue
        if listed is not None:
            found[platform] = listed
            ctx.log(f"{counted(len(listed.packages), 'package')} in it{f' for {platform}' if platform else ''}")
    ctx.services.inventory.record_packages(image, digest, found)


def _declared(ctx: Context, head: str) -> list[FleetImage]:
    fleet = declare_fleet(ctx, head)
    if not fleet:
        raise Skip("no `images:` in .sigbot.yaml, so there is nothing to publish")
    return fleet


def _short(digest: str | None) -> str:
    return digest[:19] if digest else "nothing recorded"
