"""The update bot's pull requests: one commit on a branch of ours, brought up to date, closed when not needed any more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property

from sig_bots import updatereport as report
from sig_bots.advisoryreport import because
from sig_bots.context import Context
from sig_bots.cooldown import version_key
from sig_bots.dashboard import Entry, Kind, Wishes
from sig_bots.errors import ForgeError, Obsolete
from sig_bots.fleet import UNPUBLISHED
from sig_bots.imagegraph import node
from sig_bots.refs import PullRequest, same_account
from sig_bots.tools import FleetImage
from sig_bots.updateconfig import UpdateConfig
from sig_bots.updatefacts import gather
from sig_bots.updategroups import Group
from sig_bots.updatemerge import merge_passed
from sig_bots.updatemoves import Move, apply_moves, farthest, images_of
from sig_bots.updatesecurity import BaseNews
from sig_bots.updatewindow import is_open, next_opening
from sig_bots.versionreport import waits_for_a_hand
from sig_bots.wording import counted

__all__ = ["Pulls"]

_TOPIC = "branch"
_MOST_REBUILT = 200


@dataclass
class Pulls:
    """The pull requests of one run. `base` and `head` are the default branch and its commit, `files` the Containerfiles."""

    ctx: Context
    base: str
    head: str
    files: Mapping[str, bytes]
    config: UpdateConfig
    news: BaseNews
    asked: bool = False
    """Whether a person asked for it now: the schedule does not hold it back."""
    wishes: Wishes = field(default_factory=Wishes)
    """What a person asked for by ticking boxes: nothing holds that back."""
    ahead: Collection[str] = ()
    """Keys of the versions that go ahead of their cooldown."""
    entries: list[Entry] = field(default_factory=list)
    """What the dashboard shows of each group."""
    waiting: list[str] = field(default_factory=list)
    """One sentence per group that is held back."""
    told: list[str] = field(default_factory=list)
    """What else the answer to a person says: what was declined, and why a merge waits."""
    opened: list[PullRequest] = field(default_factory=list)
    """Those that are open and wanted, in the order they were looked at."""
    merged: list[PullRequest] = field(default_factory=list)
    """Those this run has merged."""
    closed: set[str] = field(default_factory=set)
    """Branches of those it has closed."""
    _new: int = 0

    @cached_property
    def present(self) -> dict[str, PullRequest]:
        """Our open pull requests by branch, as they are at the start."""
        found = self.ctx.forge.find_prs(f"{self.ctx.service}/update/")
        return {one.head_branch: one for one in found if same_account(one.author, self.ctx.forge.account)}

    def branch(self, slug: str) -> str:
        """Name of a group's branch."""
        return f"{self.ctx.service}/update/{slug}"

    def ensure(self, group: Group) -> None:
        """Open the group's pull request, or bring it up to date."""
        ctx, branch = self.ctx, self.branch(group.slug)
        changes, applied, refused = apply_moves(group.moves, self.files)
        for sentence in refused:
            ctx.log(sentence)
        if not changes:
            return
        group = replace(group, moves=tuple(applied))
        title, present = report.title(group), self.present.get(branch)
        if present is not None and present.base_branch != self.base:
            self._leave(group, present)
            return
        wished = self.wishes.holds(group.slug, group.fingerprint, refresh=present is not None)
        if present is None and not wished and (declined := self._declined(group, branch)) is not None:
            ctx.log(f"{group.label}: a person closed “{title}”; waiting for the next version")
            self.told.append(
                f"{title}: a person closed #{declined.number}, so it is not proposed; reopen that to have it"
            )
            self._note("declined", group, "", declined)
            return
        before = ctx.forge.branch_sha(branch)
        if before is not None and not ctx.services.approvals.ours(before):
            ctx.log(f"{group.label}: branch {branch} holds a commit that is not ours; it stays as it is")
            if present is not None:
                news = "" if report.is_about(group, present.body) else title
                ctx.comment(_TOPIC, report.foreign_commit(news, branch), state="foreign", number=present.number)
                self.opened.append(present)
            self._note("open" if present else "waiting", group, report.foreign_entry(branch), present)
            return
        if why := self._held_back(None if present is not None else branch, applied, wished=wished):
            self.waiting.append(f"{title} {why}")
            if present is not None:
                self.opened.append(present)
            self._note("open" if present else "waiting", group, why, present)
            return
        try:
            self._write(group, applied, changes, before)
        except (Obsolete, ForgeError):
            if present is None:
                ctx.services.places.give_back(branch)  # of anything else it is not known whether it was opened
            raise

    def _leave(self, group: Group, present: PullRequest) -> None:
        """Somebody aimed our pull request at another branch: it is theirs, and nothing of ours is merged there."""
        ctx, said = self.ctx, report.aimed_elsewhere(present.base_branch)
        ctx.log(f"{group.label}: #{present.number} {said}")
        ctx.comment(_TOPIC, f"This pull request {said}.", state="retargeted", number=present.number)
        self.waiting.append(f"{report.title(group)}: #{present.number} {said}")
        self._note("open", group, said, present)

    def settle(self) -> None:
        """Tell which pull requests of ours are open, before new ones are thought of."""
        opened = {branch: report.opened_at(one.body) for branch, one in self.present.items()}
        self.ctx.services.places.settle(opened, self.ctx.now)

    def _write(self, group: Group, applied: Sequence[Move], changes: Mapping[str, bytes], before: str | None) -> None:
        ctx, branch, title = self.ctx, self.branch(group.slug), report.title(group)
        present = self.present.get(branch)
        body = self._body(group, applied, present)
        now = None if present is None else ctx.forge.pull_request(present.number)  # the facts took their time
        if now is not None and now.state != "open":
            ctx.log(f"{group.label}: #{now.number} was closed or merged meanwhile")
            return
        if now is not None and now.base_branch != self.base:
            self._leave(group, now)
            return
        sha = ctx.services.workspace.commit(
            branch=branch, parent=self.head, changes=changes, message=report.commit_message(group, applied),
            expected=before,
        )  # fmt: skip
        try:
            pull_request = ctx.forge.ensure_pr(
                branch, base=self.base, title=title, body=body, labels=self._labels(applied),
                reviewers=self.config.reviewers, number=None if present is None else present.number,
            )  # fmt: skip
        except Obsolete as error:
            if present is None:
                ctx.services.places.give_back(branch)
            ctx.log(f"{group.label}: {error}")  # closed between the commit and now: not to be opened again
            return
        ctx.log(f"{group.label}: pull request #{pull_request.number}: {title}")
        self.opened.append(pull_request)
        why = ""
        if present is None:
            self._new += 1
            ctx.services.places.opened(branch)
            self._tell_what_is_missing(group.label)
        if self._merges(applied):
            why = self._merge(present or pull_request, pull_request.base_branch, sha, new=present is None)
        self._note("open", group, why, pull_request)
        if why:
            self.told.append(f"#{pull_request.number} {why}")

    def _tell_what_is_missing(self, label: str) -> None:
        """Labels and reviewers that are configured and that this forge does not have."""
        can, config = self.ctx.forge.capabilities, self.config
        labels = bool(config.labels or config.security.labels) and not can.labels
        reviewers = bool(config.reviewers) and not can.reviewers
        missing = [name for name, is_so in (("labels", labels), ("reviewers", reviewers)) if is_so]
        if missing:
            self.ctx.log(f"{label}: no {' and no '.join(missing)}, because this forge has none for us")

    def _body(self, group: Group, applied: Sequence[Move], present: PullRequest | None) -> str:
        ctx, branch = self.ctx, self.branch(group.slug)
        severe = self.news.urgent(applied) if self.config.schedule and self.config.security.ignore_schedule else []
        return report.body(
            group, applied, branch, opened=(report.opened_at(present.body) if present else None) or ctx.now,
            facts=gather(ctx.services.registry, images_of(applied)), security=self.news.security(applied),
            why=[f"it does not wait for the schedule, because {because(severe)}"] if severe else [],
            packages=self.news.packages(applied, folds=ctx.forge.capabilities.folds), rebuilt=self._rebuilt(applied),
            automerge=self._merges(applied), fork=present is not None and present.from_fork,
        ) + report.ahead_mark({version_key(one.new) for one in images_of(applied)}.intersection(self.ahead))  # fmt: skip

    def _labels(self, applied: Sequence[Move]) -> Sequence[str]:
        more = self.config.security.labels
        return (*self.config.labels, *more) if more and self.news.urgent(applied) else self.config.labels

    def _merges(self, applied: Sequence[Move]) -> bool:
        return self.config.merges(farthest(applied)) and not waits_for_a_hand(applied)

    def _merge(self, one: PullRequest, base: str, sha: str, *, new: bool) -> str:
        """Merge what stood at this very commit before this run and has passed its checks since; why not, or nothing.

        At most one in a run: the others are tried on top of it first.
        """
        if base != self.base:
            return ""
        if new or one.head_sha != sha:
            return (
                f"is not merged: {report.NO_WRITE}"
                if one.from_fork
                else "is merged once the checks of its commit have passed"
            )
        if self.merged:
            return f"is merged once it has been checked on top of #{self.merged[0].number}"
        if why := merge_passed(self.ctx, self.config, one, sha):
            return why
        self.merged.append(one)
        self.opened = [each for each in self.opened if each.number != one.number]
        return ""

    def _note(self, kind: Kind, group: Group, reason: str, pull: PullRequest | None) -> None:
        number, url = (None, "") if pull is None else (pull.number, pull.url)
        self.entries.append(Entry(kind, group.slug, group.fingerprint, report.title(group), reason, number, url))

    def _held_back(self, new: str | None, moves: Sequence[Move], *, wished: bool) -> str:
        """Why a pull request is not opened (from the branch `new`) or refreshed now, the rest of a sentence; empty when it is."""
        config, limits = self.config, self.config.limits
        if wished:
            if new is not None:
                self.ctx.services.places.take(new, self.ctx.now)  # it counts for the others, also beyond the limit
            return ""
        closed = not self.asked and not is_open(config.windows, config.zone, self.ctx.now)
        if closed and not (config.security.ignore_schedule and self.news.urgent(moves)):
            return report.closed_window(next_opening(config.windows, config.zone, self.ctx.now), config.timezone)
        if new is None:
            return ""
        if limits.open is not None and len(self.present) + self._new >= limits.open:
            return report.full(counted(limits.open, "open pull request"))
        if limits.per_hour is not None and self._recent + self._new >= limits.per_hour:
            return report.full(f"{counted(limits.per_hour, 'new pull request')} an hour")
        full = self.ctx.services.places.take(new, self.ctx.now)
        return "" if full is None else str(full)

    @cached_property
    def _recent(self) -> int:
        """How many of our pull requests, of any state, were opened within the hour before this run."""
        found = self.ctx.forge.find_prs(f"{self.ctx.service}/update/", state="all")
        mine = [one for one in found if same_account(one.author, self.ctx.forge.account)]
        opened = [time for one in mine if (time := report.opened_at(one.body)) is not None]
        return sum(timedelta() <= self.ctx.now - time < timedelta(hours=1) for time in opened)

    def _declined(self, group: Group, branch: str) -> PullRequest | None:
        """The pull request of these very versions that a person closed, if there is one: then none is opened again."""
        closed = self.ctx.forge.find_prs(branch, state="closed")
        declined = (
            one
            for one in closed
            if one.head_branch == branch
            and same_account(one.author, self.ctx.forge.account)
            and report.is_about(group, one.body)  # which the bot takes out before it closes one itself
        )
        return next(declined, None)

    def _rebuilt(self, moves: Sequence[Move]) -> list[str]:
        """The images that are built anew once this is merged: those of the files, and all made from them.

        Images of private repositories are not named: the pull request may be read by anybody who reads this one.
        """
        inventory, paths = self.ctx.services.inventory, {one.path for one in moves}
        todo: list[FleetImage] = [one for one in inventory.images(self.ctx.repo) if one.containerfile in paths]
        found: dict[str, FleetImage] = {}
        while todo and len(found) < _MOST_REBUILT:
            image = todo.pop(0)
            if image.image.registry == UNPUBLISHED or node(image.image) in found:
                continue
            found[node(image.image)] = image
            todo += inventory.children(image.image.with_tag(image.image.tag or "latest"))
        here = (self.ctx.repo.instance, self.ctx.repo.path)  # another forge may have one of the same path
        known = [(name, one.repo) for name, one in found.items()]
        return [name for name, repo in known if (repo.instance, repo.path) == here or repo.private is False]

    def close_obsolete(self, wanted: Collection[str]) -> None:
        """Close our pull requests of other groups than those (slugs); one with somebody else's commit stays open."""
        branches = {self.branch(slug) for slug in wanted}
        for branch, one in self.present.items():
            if branch in branches or one.base_branch != self.base:
                continue
            if not self.ctx.services.approvals.ours(one.head_sha):
                text = report.foreign_obsolete(one.base_branch)
                self.ctx.comment(_TOPIC, text, state="obsolete", number=one.number)
                continue
            try:
                # It says that it is the bot's doing, so that a person who reopens it may still decline it later.
                withdrawn = report.withdrawn(one.body)
                self.ctx.forge.ensure_pr(
                    branch, base=one.base_branch, title=one.title, body=withdrawn, number=one.number
                )
                self.ctx.forge.close_pr(one.number, report.obsolete(one.base_branch))
            except Obsolete:
                continue
            self.closed.add(branch)
            self.ctx.services.places.closed(branch)
            self.ctx.log(f"closed #{one.number}: {one.base_branch} needs it no more")
