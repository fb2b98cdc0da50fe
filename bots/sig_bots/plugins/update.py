"""Propose newer base images and versions by pull request: one per image or project, one commit, only the intended bytes changed."""

from __future__ import annotations

from sig_bots import (
    Arguments,
    Bot,
    Comment,
    Context,
    ImagePushed,
    PullRequestChanged,
    Push,
    Skip,
    TestResult,
    Tick,
    updatereport,
)
from sig_bots.dashboardissue import Ticks, has_board, is_closed_update, is_ticked, keep, look, require_tick
from sig_bots.errors import Transient
from sig_bots.fleet import containerfiles, declare_fleet, default_head, may_be_default, require_default
from sig_bots.refs import same_account
from sig_bots.updateanswer import unlooked
from sig_bots.updateconfig import UpdateConfig
from sig_bots.updategroups import grouped, slugs
from sig_bots.updatemerge import concerns_us, merge_ready
from sig_bots.updatepulls import Pulls
from sig_bots.updatescan import Scan
from sig_bots.updatesecurity import BaseNews
from sig_bots.updatewindow import is_open

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


@bot.on(TestResult, queue="bulk", when=concerns_us, where=lambda config: config.automerge.any)
def after_result(ctx: Context, event: TestResult) -> None:
    """Merge an update pull request when its last check has passed."""
    if not merge_ready(ctx, event):
        propose(ctx)


class UpdateArgs(Arguments):
    """How to look."""

    now: bool = False
    """Do not wait for the cooldown."""


@bot.command("update", who="write", queue="bulk", examples=("update", "update --now"))
def update(ctx: Context, args: UpdateArgs) -> None:
    """Look for newer base images and versions now, whatever the schedule, and open or refresh the update pull requests."""
    pulls = propose(ctx, asked=True, ripe=args.now)
    ctx.reply(updatereport.done(pulls.opened, [*pulls.waiting, *pulls.told]))


@bot.every("6h")
def sweep(ctx: Context, event: Tick) -> None:
    """Look every repository over for newer base images."""
    propose(ctx)


@bot.every("1h")
def hourly(ctx: Context, event: Tick) -> None:
    """Look whether what waited for the schedule, a limit, the cooldown or its checks may go on."""
    config = ctx.config_as(UpdateConfig)
    if not (config.waits or ctx.services.places.waiting):
        raise Skip("nothing here waits for a time")
    if not config.security.ignore_schedule and not is_open(config.windows, config.zone, ctx.now):
        raise Skip("outside the schedule")
    propose(ctx)


@bot.on(Comment, queue="bulk", when=is_ticked, where=has_board)
def after_tick(ctx: Context, event: Comment) -> None:
    """Do what somebody ticked on the dashboard issue."""
    propose(ctx, ticks=require_tick(ctx, event))


@bot.on(PullRequestChanged, queue="bulk", when=is_closed_update, where=has_board)
def after_close(ctx: Context, event: PullRequestChanged) -> None:
    """Show on the dashboard issue that a person declined an update."""
    if same_account(event.actor, ctx.forge.account):
        raise Skip("the bot closed it itself")
    propose(ctx)


def propose(ctx: Context, *, asked: bool = False, ripe: bool = False, ticks: Ticks = frozenset()) -> Pulls:
    """Scan the default branch and bring one pull request per moving group up to date; close those no longer needed.

    `asked`: a person wants it now, so the schedule counts for nothing; `ripe`: nor does the cooldown; `ticks`: the boxes
    of the dashboard that a person ticked. An image that is out of reach is told of and the others are done; the next look
    asks again. Raises Transient or ForgeError when no image at all could be looked at, or not the one that was ticked.
    """
    branch, head = default_head(ctx)
    declare_fleet(ctx, head)
    paths = containerfiles(ctx.services.workspace.files(head), ctx.images)
    files = ctx.services.workspace.read(head, paths)
    config = ctx.config_as(UpdateConfig)
    news = BaseNews(ctx.services.registry, ctx.services.advisories, config, ctx.images)
    pulls = Pulls(ctx, branch, head, files, config, news, asked=asked)
    scan, pulls.wishes = look(pulls, ticks, ripe=ripe)
    pulls.ahead = scan.ahead
    _tell(ctx, scan)
    pulls.settle()
    groups = grouped(scan.moves, scan.uses, config.groups, scan.links)
    for group in groups:
        ctx.alive()
        pulls.ensure(group)
    unknown = slugs((*scan.unreachable, *scan.held), scan.uses, config.groups, scan.links)
    pulls.close_obsolete({*(group.slug for group in groups), *unknown})
    for sentence in pulls.waiting:
        ctx.log(sentence)
    pulls.waiting += scan.waiting
    missed = unlooked(scan.unreachable)
    pulls.waiting += missed
    ctx.summary = "; ".join([updatereport.summary(pulls.opened, pulls.merged, len(scan.kept)), *missed])
    done = keep(ctx, config, pulls, scan, ticks)
    if scan.unreachable and not done and (ticks or scan.blind):
        # What may work later decides: the job is tried again, and with it the image that is refused.
        raise min(scan.unreachable.values(), key=lambda error: not isinstance(error, Transient))
    return pulls


def _tell(ctx: Context, scan: Scan) -> None:
    unknown = (f"{name} was not looked at: {error}" for name, error in scan.unreachable.items())
    for sentence in (*scan.kept, *scan.waiting, *unknown):
        ctx.log(sentence)
