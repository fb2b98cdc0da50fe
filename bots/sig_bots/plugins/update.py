"""Propose newer base images by pull request: one per base image, one commit, only the intended bytes changed."""

from __future__ import annotations

from sig_bots import Arguments, Bot, Context, ImagePushed, Push, Skip, TestResult, Tick, updatereport
from sig_bots.errors import Transient
from sig_bots.fleet import containerfiles, declare_fleet, default_head, may_be_default, require_default
from sig_bots.updateconfig import UpdateConfig
from sig_bots.updategroups import grouped, slugs
from sig_bots.updatemerge import concerns_us, merge_ready
from sig_bots.updatepulls import Pulls
from sig_bots.updatesecurity import BaseNews
from sig_bots.updatewindow import is_open
from sig_bots.updating import Scan, look_over
from sig_bots.versionscan import look_over_versions

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


@bot.on(TestResult, queue="bulk", when=concerns_us)
def after_result(ctx: Context, event: TestResult) -> None:
    """Merge an update pull request when its last check has passed."""
    merge_ready(ctx, event)


class UpdateArgs(Arguments):
    """How to look."""

    now: bool = False
    """Do not wait for the cooldown."""


@bot.command("update", who="write", queue="bulk", examples=("update", "update --now"))
def update(ctx: Context, args: UpdateArgs) -> None:
    """Look for newer base images now, whatever the schedule, and open or refresh the update pull requests."""
    pulls = propose(ctx, asked=True, ripe=args.now)
    ctx.reply(updatereport.done(pulls.opened, pulls.waiting))


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


def propose(ctx: Context, *, asked: bool = False, ripe: bool = False) -> Pulls:
    """Scan the default branch and bring one pull request per moving group up to date; close those no longer needed.

    `asked`: a person wants it now, so the schedule counts for nothing; `ripe`: nor does the cooldown. Raises Transient when a registry could not be asked, ForgeError when
    one refuses us; the other images are done then.
    """
    branch, head = default_head(ctx)
    declare_fleet(ctx, head)
    paths = containerfiles(ctx.services.workspace.files(head), ctx.images)
    files = ctx.services.workspace.read(head, paths)
    config = ctx.config_as(UpdateConfig)
    news = BaseNews(ctx.services.registry, ctx.services.advisories, config, ctx.images)
    scan = look_over(ctx.services.registry, files, config, now=None if ripe else ctx.now, haste=news.haste)
    if config.versions:
        look_over_versions(ctx.services.upstreams, files, config, scan)
    _tell(ctx, scan)
    pulls = Pulls(ctx, branch, head, files, config, news, asked=asked)
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
    ctx.summary = updatereport.summary(pulls.opened, pulls.merged, len(scan.kept))
    if scan.unreachable:
        # What may work later decides: the job is tried again, and with it the image that is refused.
        raise min(scan.unreachable.values(), key=lambda error: not isinstance(error, Transient))
    return pulls


def _tell(ctx: Context, scan: Scan) -> None:
    unknown = (f"{name} was not looked at: {error}" for name, error in scan.unreachable.items())
    for sentence in (*scan.kept, *scan.waiting, *unknown):
        ctx.log(sentence)
