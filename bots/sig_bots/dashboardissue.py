"""Keeps the dashboard issue of a repository: what the last look found goes in, what people tick comes out."""

from __future__ import annotations

from collections.abc import Collection

from sig_bots import dashboard
from sig_bots.config import CONFIG_FILE
from sig_bots.context import Context
from sig_bots.cooldown import Cooling
from sig_bots.dashboard import Board, Entry, Wishes
from sig_bots.errors import ForgeError, Skip
from sig_bots.events import Comment, PullRequestChanged, Push
from sig_bots.execution import refusal_of
from sig_bots.messages import code
from sig_bots.updateconfig import UpdateConfig
from sig_bots.updategroups import slug_by_name, slugs
from sig_bots.updatepulls import Pulls
from sig_bots.updatereport import ahead_in
from sig_bots.updatescan import Scan
from sig_bots.updating import look_over
from sig_bots.versionscan import look_over_versions
from sig_bots.voice import Voice, same_text

__all__ = ["TOPIC", "Ticks", "has_board", "is_closed_update", "is_ticked", "keep", "look", "require_tick"]

TOPIC = "dashboard"
_MOST_NAMED = 3

type Ticks = frozenset[str]
"""Keys of the boxes that somebody ticked."""


def is_ticked(event: Comment) -> bool:
    """Whether a person has ticked what may be a box of ours; whose issue it is, must be asked of the forge."""
    edited = event.is_issue_text and event.action == "edited" and not event.actor.bot
    return edited and bool(dashboard.ticked(event.text, event.previous_text))


def is_closed_update(event: PullRequestChanged) -> bool:
    """Whether a pull request that may be an update of ours was closed."""
    return event.action == "closed" and "/update/" in event.pull_request.head_branch


def has_board(config: UpdateConfig) -> bool:
    """Whether the repository wants a dashboard."""
    return config.board is not None


def require_tick(ctx: Context, event: Comment) -> Ticks:
    """The boxes that were ticked, by somebody who may.

    Raises Skip when it is not our issue, and when the person may not: the boxes are empty again then.
    """
    issue = ctx.forge.find_issue(TOPIC)
    if issue is None or issue.number != event.number or issue.state != "open":
        raise Skip(f"#{event.number} is not the dashboard")
    spec = ctx.bots.commands["update"]
    if refusal := refusal_of(ctx, spec, ctx.permissions.get(spec.name, spec.who)):
        told = dashboard.news(
            code(event.actor.login), ctx.now, ["not done, it needs the right that `/sig update` needs"]
        )
        ctx.forge.ensure_issue(TOPIC, issue.title, dashboard.retold(_unsigned(issue.body), told))
        raise Skip(f"refused: {refusal}")
    return dashboard.ticked(event.text, event.previous_text)


def _unsigned(text: str) -> str:
    return text.rpartition("<!-- sigbot ")[0].rstrip()


# ---------------------------------------------------------------- looking


def look(pulls: Pulls, ticks: Ticks, *, ripe: bool) -> tuple[Scan, Wishes]:
    """Look over the files of a run, and read the ticks by what is found.

    A version goes ahead of its cooldown when its box was ticked, and while a pull request of ours that went ahead with it
    is open; with `ripe` all do.
    """
    config = pulls.config
    hurried = frozenset[str]().union(*(ahead_in(one.body) for one in pulls.present.values()))
    scan = _scan(pulls, None if ripe else hurried)
    wished = {one.slug for one in cooling_entries(scan, config) if one.key in ticks} if ticks else set[str]()
    if wished:
        slug_of = slug_by_name(scan.cooling, scan.uses, config.groups, scan.links)
        scan = _scan(pulls, hurried.union(one.key for name, one in scan.cooling.items() if slug_of[name] in wished))
    return scan, Wishes(ticks, frozenset(wished))


def _scan(pulls: Pulls, hurried: Collection[str] | None) -> Scan:
    services, files, config = pulls.ctx.services, pulls.files, pulls.config
    scan = look_over(services.registry, files, config, now=pulls.ctx.now, haste=pulls.news.haste, hurried=hurried)
    if config.versions:
        look_over_versions(services.upstreams, files, config, scan)
    return scan


def cooling_entries(scan: Scan, config: UpdateConfig) -> list[Entry]:
    """One entry per group of which a version waits for its cooldown."""
    found: dict[str, list[Cooling]] = {}
    for name, slug in slug_by_name(scan.cooling, scan.uses, config.groups, scan.links).items():
        found.setdefault(slug, []).append(scan.cooling[name])
    return [_cooling_entry(slug, some) for slug, some in found.items()]


def _cooling_entry(slug: str, some: list[Cooling]) -> Entry:
    targets = [f"{one.image.name} to {one.image.tag}" for one in some]
    more = f" and {len(targets) - _MOST_NAMED} more" if len(targets) > _MOST_NAMED else ""
    title = f"Update {', '.join(targets[:_MOST_NAMED])}{more}"
    versions = dashboard.group_key("\n".join(sorted(one.key for one in some)))
    return Entry("waiting", slug, versions, title, some[0].reason)


# ---------------------------------------------------------------- the issue


def keep(ctx: Context, config: UpdateConfig, pulls: Pulls, scan: Scan, ticks: Ticks = frozenset()) -> bool:
    """Bring the issue up to date with what a look found and did; close it when it is wanted no more.

    What the forge refuses is logged: the pull requests are what counts. Raises Transient. Returns whether somebody ticked
    boxes and all of them are dealt with: then the look need not be made again for images that are out of reach.
    """
    try:
        if config.board is None:
            _retire(ctx)
        elif not (ctx.forge.capabilities.issues and ctx.forge.capabilities.issue_edit):
            ctx.log("There is no dashboard: the bot cannot edit an issue here (Pagure: set `project_tokens`).")
        else:
            _renew(ctx, config.board.title, _board(ctx, config, pulls, scan, ticks))
    except ForgeError as error:
        ctx.log(f"The dashboard is not kept: {error}")
    shown = {dashboard.group_key(one.slug) for one in pulls.entries}
    return bool(ticks) and all(key == dashboard.LOOK or key.partition("/")[0] in shown for key in ticks)


def _retire(ctx: Context) -> None:
    """The switch is in `.sigbot.yaml`, so only a push that may change that is worth the look."""
    event = ctx.event
    if not isinstance(event, Push) or (event.paths_complete and CONFIG_FILE not in event.paths):
        return
    if not ctx.forge.capabilities.issues:
        return
    issue = ctx.forge.find_issue(TOPIC)
    if issue is not None and issue.state == "open":
        if ctx.forge.capabilities.issue_edit:
            ctx.forge.ensure_issue(TOPIC, issue.title, dashboard.withdrawn(_unsigned(issue.body)))
        ctx.forge.close_issue(issue.number, "Closed: `.sigbot.yaml` asks for no dashboard any more.")
        ctx.log(f"closed the dashboard #{issue.number}")


def _renew(ctx: Context, title: str, board: Board) -> None:
    known = ctx.forge.find_issue(TOPIC)
    voice = Voice(ctx.service, ctx.bot, ctx.forge.account)
    if known is not None and known.state == "closed":
        if not dashboard.is_withdrawn(known.body):
            ctx.log(f"A person closed the dashboard #{known.number}, so it is not kept; reopen it to have it back.")
            return
        known = None
    if known is not None:
        board.news = board.news or dashboard.news_of(known.body)
    text = dashboard.draw(board, folds=ctx.forge.capabilities.folds)
    if known is not None and known.title == title and same_text(known.body, voice.sign(TOPIC, text)):
        return
    issue = ctx.forge.ensure_issue(TOPIC, title, text)
    ctx.log(f"dashboard #{issue.number} is up to date")


def _board(ctx: Context, config: UpdateConfig, pulls: Pulls, scan: Scan, ticks: Ticks) -> Board:
    merged = {one.number for one in pulls.merged}
    entries = [one for one in pulls.entries if one.number not in merged]
    entries += cooling_entries(scan, config)
    entries += _others(pulls, {one.slug for one in entries}, merged)
    held = [f"{name}: {why}" for name, why in scan.why_held.items() if name not in scan.cooling]
    held += [*scan.idle, *(f"{name} was not looked at: {error}" for name, error in scan.unreachable.items())]
    lost = {dashboard.group_key(one) for one in slugs(scan.unreachable, scan.uses, config.groups, scan.links)}
    told = [dashboard.outcome(entries, key, lost) for key in sorted(ticks)]
    login = code(ctx.actor.login) if ctx.actor else "somebody"
    return Board(entries, held, scan.fixed, dashboard.news(login, ctx.now, told) if told else "")


def _others(pulls: Pulls, known: Collection[str], merged: Collection[int]) -> list[Entry]:
    """Our open pull requests that this look left as they are: their image is held back, or out of reach."""
    shown = {pulls.branch(slug) for slug in known} | pulls.closed
    left = [one for branch, one in pulls.present.items() if branch not in shown and one.number not in merged]
    return [
        Entry("open", one.head_branch, "", one.title, "it stays as it is for now", one.number, one.url) for one in left
    ]
