"""Build what a trusted or approved pull request changes, without publishing it, and show the result as a check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sig_bots import (
    NEW_COMMITS,
    Annotation,
    Arguments,
    Bot,
    CheckRerequested,
    CheckState,
    Context,
    NoArgs,
    PullRequestChanged,
    Skip,
    UserError,
    messages,
    reports,
)
from sig_bots.building import Built, build_image
from sig_bots.errors import FencedOff, Transient
from sig_bots.fleet import UNPUBLISHED, build_order, exact_parents, read_fleet, touches
from sig_bots.tools import FleetImage
from sig_bots.trust import resolve_sha, trust_of
from sig_bots.voice import Voice
from sig_bots.wording import counted

bot = Bot("build")

TOPIC = "failure"
"""The one comment on failed builds, where checks hold no text."""


class OkArgs(Arguments):
    """Which commit is approved."""

    sha: str | None = None
    """The commit, in full or at least 12 digits."""


@bot.on(PullRequestChanged, queue="builds", when=lambda event: event.action in NEW_COMMITS)
def on_change(ctx: Context, event: PullRequestChanged) -> None:
    """Build the new head of a pull request when it may be built."""
    build_pull_request(ctx)


@bot.on(CheckRerequested, queue="builds")
def on_rerun(ctx: Context, event: CheckRerequested) -> None:
    """Build again when somebody asks for the check again."""
    if ctx.number is None:
        raise Skip("the commit belongs to no open pull request")
    build_pull_request(ctx)


@bot.command("build", who="write", queue="builds")
def build(ctx: Context, args: NoArgs) -> None:
    """Build this pull request now."""
    build_pull_request(ctx)
    ctx.reply(ctx.summary)


@bot.command("ok", who="write", queue="builds", examples=("/sig ok 0123456789ab",))
def approve(ctx: Context, args: OkArgs) -> None:
    """Allow this one commit of the pull request to be built; a later push needs a new approval."""
    pull_request = ctx.pull_request
    sha = resolve_sha(args.sha, pull_request)
    if ctx.actor is None:
        raise UserError("An approval needs somebody who gives it.")
    ctx.services.approvals.approve(pull_request.number, sha, ctx.actor)
    ctx.reply(messages.approved(sha, ctx.actor.login))
    build_pull_request(ctx)


def build_pull_request(ctx: Context) -> None:
    """Decide on trust, then build the changed images and the repository's own children of them.

    The recipe (images, platforms, smoke command, network) is the default branch's; the sources are the pull request's.
    """
    pull_request = ctx.pull_request
    sha = pull_request.head_sha
    if ctx.head_sha not in (None, sha):
        raise Skip(f"{ctx.head_sha} is no longer the head of the pull request")
    if not ctx.images:
        raise Skip("no `images:` in .sigbot.yaml, so there is nothing to build")
    trust = trust_of(ctx, pull_request)
    if not trust.trusted:
        ctx.check(CheckState.PENDING, messages.approval_needed(sha), sha=sha)
        ctx.summary = f"waits for approval: {trust.reason}"
        return
    missing = ctx.services.builder.available(untrusted=True)
    if missing is not None:
        ctx.check(CheckState.ERROR, missing, sha=sha)
        raise UserError(missing)
    images = affected(
        read_fleet(ctx, sha), [path for one in ctx.forge.changed_files(pull_request.number) for path in one.paths]
    )
    if not images:
        ctx.check(CheckState.SUCCESS, "nothing to build: no image's files changed", sha=sha)
        ctx.summary = "nothing to build"
        _mended(ctx, reports.nothing_fails())
        return
    ctx.check(CheckState.RUNNING, f"building {counted(len(images), 'image')}: {trust.reason}", sha=sha)
    _build_all(ctx, images, sha)


def affected(fleet: Sequence[FleetImage], changed: Sequence[str]) -> list[FleetImage]:
    """Published images of the repository whose context changed, and those made from them, bases first."""
    touched: set[str] = set()
    chosen = []
    for image in build_order([one for one in fleet if one.image.registry != UNPUBLISHED]):
        own_base = any(str(edge.image) in touched for edge in image.parents)
        if own_base or any(touches(path, image) for path in changed):
            touched.add(str(image.image))
            chosen.append(image)
    return chosen


def _build_all(ctx: Context, images: Sequence[FleetImage], sha: str) -> None:
    """Build each image; one that is made from another of them is made from what was built just now."""
    used = {str(edge.image) for image in images for edge in image.parents}
    kept: dict[str, Built] = {}
    try:
        with ctx.services.workspace.checkout(sha) as checkout:
            for image in images:
                ctx.alive()
                exact, keep = exact_parents(ctx, image, kept), str(image.image) in used
                built = build_image(ctx, exact, checkout.path, sha, keep=keep, own=kept)
                if built.status.state != "success":
                    raise _failed(ctx, built, sha)
                if keep:
                    kept[str(image.image)] = built
    except (FencedOff, Transient):
        raise  # another attempt goes on with what is built
    except BaseException:
        _forget(ctx, kept)
        raise
    _forget(ctx, kept)
    names = ", ".join(str(image.image) for image in images)
    ctx.summary = f"built {names} for {_platforms(images)}"
    ctx.check(CheckState.SUCCESS, ctx.summary, sha=sha)
    _mended(ctx, reports.build_mended(ctx.summary))


def _forget(ctx: Context, kept: Mapping[str, Built]) -> None:
    for built in kept.values():
        ctx.services.builder.forget(built.handle)


def _failed(ctx: Context, built: Built, sha: str) -> UserError:
    """Tell of a failed build where its author looks, with the builder's own last words."""
    text, words, line = reports.build_failed(built), reports.last_words(built), built.status.line
    notes = [Annotation(path=built.image.containerfile, line=line, level="failure", message=built.status.reason)] if line else []  # fmt: skip
    ctx.check(CheckState.FAILURE, text, sha=sha, text=words, annotations=notes)
    if not ctx.forge.capabilities.check_text and not ctx.command:
        ctx.comment(TOPIC, reports.build_comment(built), state=text)
    return UserError(text, more=words)


def _mended(ctx: Context, text: str) -> None:
    """Take back what the comment on an earlier failure says."""
    if ctx.forge.capabilities.check_text or ctx.number is None:
        return
    if Voice(ctx.service, ctx.bot, ctx.forge.account).newest(ctx.forge.comments(ctx.number), TOPIC) is not None:
        ctx.comment(TOPIC, text, state="mended")


def _platforms(images: Sequence[FleetImage]) -> str:
    named = sorted({str(platform) for image in images for platform in image.platforms})
    return ", ".join(named) or "the host's platform"
