"""Propose newer base images by pull request: one per base image, one commit, only the intended bytes changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import Field

from sig_bots import Bot, BotConfig, Context, ImagePushed, NoArgs, Push, Tick, reports
from sig_bots.containerfile.shortnames import resolve
from sig_bots.errors import Obsolete, Transient
from sig_bots.fedora_releases import RELEASES, FedoraRelease
from sig_bots.fleet import containerfiles, declare_fleet, default_head, may_be_default, require_default
from sig_bots.packagereport import packages_section, read_changes
from sig_bots.refs import Platform, PullRequest, same_account
from sig_bots.reports import MovedReference
from sig_bots.tags import Policy
from sig_bots.tagschemes import Scheme
from sig_bots.updating import apply_moves, look_over

bot = Bot("update")


class FedoraDates(BotConfig):
    """The dates of one Fedora release."""

    released: date
    """The day it came out; before, it is not proposed."""
    eol: date
    """The first day without updates; from then on it is not proposed."""


@bot.config
class UpdateConfig(BotConfig):
    """Which references are looked after."""

    ignore: tuple[str, ...] = ()
    """Names of images (registry/path) that are left alone."""
    labels: tuple[str, ...] = ()
    """Labels put on the pull requests, where the forge has labels."""
    schemes: dict[str, Scheme] = Field(default_factory=dict)
    """How the tags of an image are ordered, by its name (registry/path, as in the Containerfile); otherwise inferred."""
    packages: bool = True
    """Whether a pull request says which packages change in the base; layers of both images are read for it."""
    fedora: dict[int, FedoraDates] = Field(default_factory=dict)
    """Dates of Fedora releases, by number, in place of those that came with this version."""

    @property
    def policy(self) -> Policy:
        """What is allowed, for the tag ordering."""
        newer = {
            number: FedoraRelease(number, branched=dates.released, released=dates.released, eol=dates.eol)
            for number, dates in self.fedora.items()
        }
        return Policy(fedora={**RELEASES, **newer})


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
    ctx.reply(reports.update_done(propose(ctx)))


@bot.every("6h")
def sweep(ctx: Context, event: Tick) -> None:
    """Look every repository over for newer base images."""
    propose(ctx)


def propose(ctx: Context) -> list[PullRequest]:
    """Scan the default branch and bring one pull request per moving base up to date; close those no longer needed.

    Returns the pull requests that are open now. Raises Transient when a registry could not be asked, ForgeError when
    one refuses us; the other images are done then.
    """
    branch, head = default_head(ctx)
    declare_fleet(ctx, head)
    paths = containerfiles(ctx.services.workspace.files(head), ctx.images)
    files = ctx.services.workspace.read(head, paths)
    config = ctx.config_as(UpdateConfig)
    scan = look_over(ctx.services.registry, files, config.ignore, schemes=config.schemes, policy=config.policy)
    for sentence in (*scan.kept, *(f"{name} was not looked at: {error}" for name, error in scan.unreachable.items())):
        ctx.log(sentence)
    opened = []
    for name, moves in scan.moves.items():
        ctx.alive()
        if (pull_request := _ensure(ctx, branch, head, name, moves, files)) is not None:
            opened.append(pull_request)
    _close_obsolete(ctx, {_branch(ctx, name) for name in (*scan.moves, *scan.held, *scan.unreachable)})
    ctx.summary = reports.update_summary(opened, len(scan.kept))
    if scan.unreachable:
        # What may work later decides: the job is tried again, and with it the image that is refused.
        raise min(scan.unreachable.values(), key=lambda error: not isinstance(error, Transient))
    return opened


def _ensure(
    ctx: Context, base: str, head: str, name: str, moves: Sequence[MovedReference], files: Mapping[str, bytes]
) -> PullRequest | None:
    branch = _branch(ctx, name)
    title = reports.update_title(name, moves)
    if _declined(ctx, branch, title):
        ctx.log(f"{name}: a person closed “{title}”; waiting for the next version")
        return None
    before = ctx.forge.branch_sha(branch)
    if before is not None and not ctx.services.approvals.ours(before):
        ctx.log(f"{name}: branch {branch} holds a commit that is not ours; it stays as it is")
        return None
    changes, applied, refused = apply_moves(moves, files)
    for sentence in refused:
        ctx.log(sentence)
    if not changes:
        return None
    body = reports.update_body(applied, branch, _packages(ctx, applied))
    ctx.services.workspace.commit(
        branch=branch, parent=head, changes=changes, message=reports.update_commit(title, applied), expected=before
    )
    pull_request = ctx.forge.ensure_pr(
        branch, base=base, title=title, body=body, labels=ctx.config_as(UpdateConfig).labels
    )
    ctx.log(f"{name}: pull request #{pull_request.number}: {title}")
    return pull_request


def _packages(ctx: Context, moves: Sequence[MovedReference]) -> str:
    """What changes in the bases; a section without it says why."""
    if not ctx.config_as(UpdateConfig).packages:
        return ""
    bases = [(resolve(one.old), resolve(one.new)) for one in moves]
    platforms = [Platform.parse(text) for text in sorted({text for spec in ctx.images for text in spec.platforms})]
    return packages_section(read_changes(ctx.services.registry, bases, platforms), folds=ctx.forge.capabilities.folds)


def _branch(ctx: Context, name: str) -> str:
    slug = "".join(char if char.isalnum() or char in "._-" else "-" for char in name)
    return f"{ctx.service}/update/{slug}"


def _declined(ctx: Context, branch: str, title: str) -> bool:
    """Whether a person closed the pull request of this very version: then it is not opened again."""
    closed = ctx.forge.find_prs(branch, state="closed")
    return any(
        one.head_branch == branch and one.title == title and same_account(one.author, ctx.forge.account)
        for one in closed
    )


def _close_obsolete(ctx: Context, wanted: set[str]) -> None:
    for one in ctx.forge.find_prs(f"{ctx.service}/update/"):
        if one.head_branch in wanted or not same_account(one.author, ctx.forge.account):
            continue
        try:
            ctx.forge.close_pr(one.number, reports.update_obsolete(one.base_branch))
        except Obsolete:
            continue
        ctx.log(f"closed #{one.number}: {one.base_branch} needs it no more")
