"""Bots with every kind of command, setting and subscription, for the tests of the kernel."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sig_bots import (
    Arguments,
    Bot,
    BotConfig,
    CheckRerequested,
    Comment,
    Context,
    ImagePushed,
    NoArgs,
    PullRequestChanged,
    Push,
    Tick,
)
from sig_bots.roster import Roster

lint = Bot("lint", default=True, summary="Look for faults in Containerfiles.")
build = Bot("build", summary="Build what a pull request changes.")
update = Bot("update", summary="Propose newer base images.")


class LintArgs(Arguments):
    mode: Literal["fix", "report"] | None = None


class BuildArgs(Arguments):
    images: tuple[str, ...] = Field((), description="Images to build; all changed ones by default")
    force: bool = Field(False, description="Build also what is up to date")
    jobs: int = Field(1, ge=1, le=8, description="Builds at a time")


class OkArgs(Arguments):
    sha: str = Field(min_length=12, description="The commit")
    reason: str = ""


class Limits(BotConfig):
    errors: int = 10


@lint.config
class LintConfig(BotConfig):
    threshold: Literal["error", "warning", "info"] = "warning"
    ignore: tuple[str, ...] = ()
    limits: Limits = Limits()
    schedule: str = "1d"


@build.config
class BuildConfig(BotConfig):
    push_to: str = Field("", json_schema_extra={"privileged": True})
    colour: bool = True


@lint.on(PullRequestChanged, when=lambda event: event.action in ("opened", "updated"))
def lint_change(ctx: Context, event: PullRequestChanged) -> None:
    """Lint the change."""


@lint.on(CheckRerequested)
def lint_again(ctx: Context, event: CheckRerequested) -> None:
    """Lint the commit again."""


@lint.on(Comment)
def lint_comment(ctx: Context, event: Comment) -> None:
    """Read along."""


@lint.command("lint", who="author", examples=("/sig lint", "/sig lint fix"))
def lint_command(ctx: Context, args: LintArgs) -> None:
    """Lint the pull request."""


@build.on(PullRequestChanged, queue="builds")
def build_change(ctx: Context, event: PullRequestChanged) -> None:
    """Build the change."""


@build.on(CheckRerequested, queue="builds")
def build_again(ctx: Context, event: CheckRerequested) -> None:
    """Build the commit again."""


@build.command("build", who="write", queue="builds")
def build_command(ctx: Context, args: BuildArgs) -> None:
    """Build images."""


@build.command("ok", who="write")
def ok_command(ctx: Context, args: OkArgs) -> None:
    """Approve a commit."""


@update.on(Push)
def update_push(ctx: Context, event: Push) -> None:
    """Look again after a push."""


@update.on(ImagePushed, queue="bulk")
def update_image(ctx: Context, event: ImagePushed) -> None:
    """Look at what uses the image."""


@update.every("6h")
def sweep(ctx: Context, event: Tick) -> None:
    """Look at every image."""


@update.command("update", who="write")
def update_command(ctx: Context, args: NoArgs) -> None:
    """Look for updates now."""


def sample_roster() -> Roster:
    return Roster.of([lint, build, update])
