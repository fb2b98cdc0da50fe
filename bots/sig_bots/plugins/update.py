"""Propose newer base images by pull request: one per base image, one commit, only the intended bytes changed."""

from __future__ import annotations

from sig_bots import Bot, Context, ImagePushed, NoArgs, Push, Tick, updatereport
from sig_bots.errors import Transient
from sig_bots.fleet import containerfiles, declare_fleet, default_head, may_be_default, require_default
from sig_bots.refs import PullRequest
from sig_bots.updateconfig import UpdateConfig
from sig_bots.updategroups import grouped, slugs
from sig_bots.updatepulls import Pulls
from sig_bots.updating import Scan, look_over

bot = Bot("update")
bot.config(UpdateConfig)


@bot.on(Push, queue="bulk", when=may_be_default)
def after_push(ctx: Context, event: Push) -> None:
    """Look the default branch over after a push to it."""
    require_default(ctx, event)
    propose(ctx)


@bot.on(ImagePushed, queue="bulk")
def after_image(ctx: Context, event: ImagePushed) -> None:
    """Look for updates when an image this repository uses was pushed."""
    propose(ctx)


@bot.command("update", who="write", queue="bulk")
def update(ctx: Context, args: NoArgs) -> None:
    """Look for newer base images now and open or refresh the update pull requests."""
    ctx.reply(updatereport.done(propose(ctx)))


@bot.every("6h")
def sweep(ctx: Context, event: Tick) -> None:
    """Look every repository over for newer base images."""
    propose(ctx)


def propose(ctx: Context) -> list[PullRequest]:
    """Scan the default branch and bring one pull request per moving group up to date; close those no longer needed.

    Returns the pull requests that are open now. Raises Transient when a registry could not be asked, ForgeError when
    one refuses us; the other images are done then.
    """
    branch, head = default_head(ctx)
    declare_fleet(ctx, head)
    paths = containerfiles(ctx.services.workspace.files(head), ctx.images)
    files = ctx.services.workspace.read(head, paths)
    config = ctx.config_as(UpdateConfig)
    scan = look_over(ctx.services.registry, files, config, now=ctx.now)
    _tell(ctx, scan)
    pulls = Pulls(ctx, branch, head, files, config)
    groups = grouped(scan.moves, scan.uses, config.groups, scan.links)
    for group in groups:
        ctx.alive()
        pulls.ensure(group)
    unknown = slugs((*scan.unreachable, *scan.held), scan.uses, config.groups, scan.links)
    pulls.close_obsolete({*(group.slug for group in groups), *unknown})
    ctx.summary = updatereport.summary(pulls.opened, len(scan.kept))
    if scan.unreachable:
        # What may work later decides: the job is tried again, and with it the image that is refused.
        raise min(scan.unreachable.values(), key=lambda error: not isinstance(error, Transient))
    return pulls.opened


def _tell(ctx: Context, scan: Scan) -> None:
    unknown = (f"{name} was not looked at: {error}" for name, error in scan.unreachable.items())
    for sentence in (*scan.kept, *scan.waiting, *unknown):
        ctx.log(sentence)
