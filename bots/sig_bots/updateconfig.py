"""The `update:` section of `.sigbot.yaml`: what is looked after, what may move, when, and what happens then. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from sig_bots.advisories import Severity
from sig_bots.bot import BotConfig
from sig_bots.fedora_releases import RELEASES, FedoraRelease
from sig_bots.refs import ImageRef
from sig_bots.tagpatterns import checked_expression, fits_expression, fits_name, split_tag
from sig_bots.tags import Policy
from sig_bots.tagschemes import Scheme
from sig_bots.updatewindow import Window, parse_duration, parse_window, parse_zone
from sig_bots.versionrules import MOST_RULES, VersionRule

__all__ = ["Allow", "Automerge", "Dashboard", "FedoraDates", "Kind", "Limits", "Security", "TagRule", "UpdateConfig"]

type Kind = Literal["digest", "patch", "minor", "major"]
"""How far an update goes: only the digest, or the first number of the version that differs."""


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _checked(check: object) -> AfterValidator:
    def keep(text: str) -> str:
        check(text)  # type: ignore[operator]
        return text

    return AfterValidator(keep)


type Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""A list of texts; one alone may be written without brackets."""


type Schedule = Annotated[tuple[Annotated[str, _checked(parse_window)], ...], BeforeValidator(_listed)]
"""Windows, each checked by itself; one alone may be written without brackets."""


class FedoraDates(BotConfig):
    """The dates of one Fedora release."""

    released: date
    """The day it came out; before, it is not proposed."""
    eol: date
    """The first day without updates; from then on it is not proposed."""


class TagRule(BotConfig):
    """How the tags of an image are read."""

    scheme: Scheme | None = None
    """How they are ordered; otherwise inferred from the list of tags."""
    allowed: Annotated[str, _checked(checked_expression)] | None = None
    """A regular expression that a proposed tag must match as a whole."""


class Allow(BotConfig):
    """Which updates are proposed at all."""

    major: bool = True
    """Whether the first number of a version may change; of a date that is the year."""


class Limits(BotConfig):
    """How many pull requests the bot may have or open here. What is over the limit comes later."""

    open: int | None = Field(default=None, ge=0)
    """How many may be open at a time. With 0 none is opened but what is ticked on the dashboard."""
    per_hour: int | None = Field(default=None, ge=0)
    """How many may be opened within an hour. 0 is as for `open`."""


class Automerge(BotConfig):
    """Which updates the bot merges itself once what must pass has passed on the very commit."""

    digest: bool = False
    """The same tag at a newer digest."""
    patch: bool = False
    """The third number of the version, or a later one."""
    minor: bool = False
    """The second number."""
    major: bool = False
    """The first number."""
    checks: Texts = ()
    """Names of the checks that must have passed (globs: `ci/*`); of the others none may have failed. Without them: all."""

    @property
    def any(self) -> bool:
        """Whether anything is merged at all."""
        return self.digest or self.patch or self.minor or self.major


class Security(BotConfig):
    """What is different for a version that fixes known security advisories."""

    bypass_cooldown: bool = True
    """Whether such a version is proposed at once in spite of `cooldown`."""
    at_least: Severity = "moderate"
    """How severe one of the advisories must be; one that nobody has rated counts as moderate."""
    labels: Texts = ()
    """Labels put on such pull requests, beside the others."""
    ignore_schedule: bool = False
    """Whether such pull requests are opened and refreshed outside `schedule` too."""


_TITLE = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"  # one line, and something to read on it


class Dashboard(BotConfig):
    """The issue that lists what moves and what waits."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=_TITLE)] = "Image updates"
    """The issue's title."""


class UpdateConfig(BotConfig):
    """Which references are looked after, and how."""

    ignore: Texts = ()
    """Images that are left alone (globs: `quay.io/fedora/*`), and with `NAME:TAG`, tags that are never proposed. An upstream project is `project:NAME`."""
    labels: Texts = ()
    """Labels put on the pull requests, where the forge has labels."""
    reviewers: Texts = ()
    """Accounts asked to review the pull requests, where the forge has reviewers."""
    groups: dict[str, Texts] = Field(default_factory=dict)
    """Name -> globs of images, and of upstream projects (`project:NAME`), that move in one pull request."""
    schedule: Schedule = ()
    """Windows in which pull requests are opened and refreshed: `mon-fri 08:00-17:00`, `sat,sun`, `day 1`."""
    timezone: Annotated[str, _checked(parse_zone)] = "UTC"
    """Time zone of the schedule, as in `Europe/Prague`."""
    cooldown: Annotated[str, _checked(parse_duration)] | None = None
    """How old the image of a newer tag must be before it is proposed, as in `3d`; `/sig update --now` does not wait."""
    security: Security = Security()
    pin_digests: bool = False
    """Whether references that name only a tag get its digest as well."""
    allow: Allow = Allow()
    limits: Limits = Limits()
    automerge: Automerge = Automerge()
    dashboard: bool | Dashboard = False
    """Whether an issue lists what moves and what waits, with boxes to tick; `{title: ...}` also names it."""
    tags: dict[str, TagRule] = Field(default_factory=dict)
    """Glob of image names -> how their tags are read; the first that fits counts."""
    versions: tuple[VersionRule, ...] = Field(default=(), max_length=MOST_RULES)
    """Values of ARG, ENV and LABEL that follow the versions of an upstream project."""
    packages: bool = True
    """Whether a pull request says which packages change in the base; layers of both images are read for it."""
    fedora: dict[int, FedoraDates] = Field(default_factory=dict)
    """Dates of Fedora releases, by number, in place of those that came with this version."""

    @property
    def windows(self) -> tuple[Window, ...]:
        """The schedule, read."""
        return tuple(map(parse_window, self.schedule))

    @property
    def zone(self) -> ZoneInfo:
        """The schedule's time zone."""
        return parse_zone(self.timezone)

    @property
    def least_age(self) -> timedelta:
        """The cooldown; zero when there is none."""
        return parse_duration(self.cooldown) if self.cooldown else timedelta()

    @property
    def board(self) -> Dashboard | None:
        """The dashboard issue that is wanted, None when none is."""
        return (Dashboard() if self.dashboard else None) if isinstance(self.dashboard, bool) else self.dashboard

    @cached_property
    def policy(self) -> Policy:
        """What is allowed, for the tag ordering."""
        newer = {
            number: FedoraRelease(number, branched=dates.released, released=dates.released, eol=dates.eol)
            for number, dates in self.fedora.items()
        }
        return Policy(major=self.allow.major, fedora={**RELEASES, **newer})

    def ignores(self, image: ImageRef) -> bool:
        """Whether the image is left alone altogether."""
        return any(not tag and fits_name(name, image) for name, tag in map(split_tag, self.ignore))

    def tag_rule(self, image: ImageRef) -> TagRule:
        """How the image's tags are read."""
        return next((rule for pattern, rule in self.tags.items() if fits_name(pattern, image)), TagRule())

    def policy_for(self, image: ImageRef, tags: Iterable[str], avoided: Mapping[str, str] | None = None) -> Policy:
        """The policy with those of the image's tags that are never proposed; `avoided` (tag -> why) are left out this time."""
        allowed = self.tag_rule(image).allowed
        globs = [tag for name, tag in map(split_tag, self.ignore) if tag and fits_name(name, image)]
        ignored = {
            tag
            for tag in (tags if globs or allowed else ())
            if any(fnmatchcase(tag, glob) for glob in globs) or (allowed and not fits_expression(allowed, tag))
        }
        return replace(self.policy, ignored=frozenset(ignored), set_aside=avoided or {})

    @property
    def waits(self) -> bool:
        """Whether anything here is done at a later time than when it is found."""
        return bool(self.schedule or self.cooldown) or self.limits != Limits() or self.automerge.any

    def merges(self, kind: Kind) -> bool:
        """Whether updates of that kind are merged by the bot."""
        return bool(getattr(self.automerge, kind))


for _info in UpdateConfig.model_fields.values():
    # A pull request asks for nothing here: `/sig update` written on it looks after the default branch.
    _info.json_schema_extra = {"privileged": True}
