"""Lint Containerfiles: hadolint and the Fedora container guidelines, as a check, remarks beside the lines and one comment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import StringConstraints

from sig_bots import (
    NEW_COMMITS,
    Bot,
    BotConfig,
    CheckRerequested,
    CheckState,
    Context,
    NoArgs,
    PullRequestChanged,
    Push,
    Skip,
    UserError,
)
from sig_bots import lintmessages as texts
from sig_bots.config import CONFIG_FILE, ImageSpec
from sig_bots.errors import NotFound
from sig_bots.fleet import containerfiles, may_be_default, require_default
from sig_bots.guidelines.check import check
from sig_bots.lintmessages import Verdict
from sig_bots.lintreport import Threshold, at_least, is_whole_file, lint_files, touched
from sig_bots.tools import Finding
from sig_bots.voice import Voice

bot = Bot("lint", default=True)

TOPIC = "lint"
_LOGGED = 200

type Lines = Mapping[str, frozenset[int] | None]
type RuleId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]+[0-9]+$", to_upper=True)]


@bot.config
class LintConfig(BotConfig):
    """What counts, and where it is told."""

    threshold: Threshold = "warning"
    """Least severity that fails the check: error, warning, info or style."""
    ignore: tuple[RuleId, ...] = ()
    """Rules that are not checked, for example `[SIG019, DL3059]`; an id covers both engines' rule on the matter."""
    comment: bool = True
    """Whether findings are also told in one comment on the pull request."""
    files: tuple[str, ...] = ()
    """Globs (`images/**/*.df`) of the files to lint, instead of those named like a Containerfile."""


@bot.on(PullRequestChanged, when=lambda event: event.action in NEW_COMMITS)
def on_change(ctx: Context, event: PullRequestChanged) -> None:
    """Lint the new head of a pull request."""
    lint_pull_request(ctx)


@bot.on(CheckRerequested)
def on_rerun(ctx: Context, event: CheckRerequested) -> None:
    """Lint again when somebody asks for the check again."""
    if ctx.number is None:
        lint_commit(ctx, event.sha)
    else:
        lint_pull_request(ctx)


@bot.on(Push, when=may_be_default)
def after_push(ctx: Context, event: Push) -> None:
    """Lint the default branch after a push to it."""
    require_default(ctx, event)
    if (
        event.paths_complete
        and CONFIG_FILE not in event.paths
        and not chosen(event.paths, ctx.config_as(LintConfig), ctx.images)
    ):
        raise Skip("no Containerfile changed")
    lint_commit(ctx, event.after)


@bot.command("lint", who="author", examples=("/sig lint",))
def lint(ctx: Context, args: NoArgs) -> None:
    """Lint this pull request now."""
    try:
        verdict = lint_pull_request(ctx)
    except NotFound:
        raise UserError("`/sig lint` works on a pull request only.") from None
    ctx.reply(texts.reply(verdict, table_elsewhere=_comments(ctx)))


def lint_pull_request(ctx: Context) -> Verdict:
    """Lint the Containerfiles a pull request changes; findings in lines it leaves alone do not count.

    Sets the check, keeps the one comment up to date. Reads single files of the head, also an untrusted one; nothing of
    it is run.
    """
    pull_request = ctx.pull_request
    sha = pull_request.head_sha
    if ctx.head_sha not in (None, sha):
        raise Skip(f"{ctx.head_sha} is no longer the head of the pull request")
    changed = [file for file in ctx.forge.changed_files(pull_request.number) if file.status != "removed"]
    lines: Lines = {file.path: file.lines for file in changed}
    files = ctx.services.workspace.read(sha, chosen(list(lines), ctx.config_as(LintConfig), ctx.images))
    found, notes = _look(ctx, files)
    lacking = [finding for finding in found if is_whole_file(finding)]
    own = [one for one in found if one not in lacking and touched(one, lines[one.path]) is not None]
    own += _introduced(ctx, pull_request.number, lacking, {file.path: file.old_path or file.path for file in changed})
    verdict = Verdict(tuple(own), len(files), len(found) - len(own), notes)
    _tell(ctx, verdict, sha, lines)
    _keep_comment(ctx, pull_request.number, verdict)
    return verdict


def lint_commit(ctx: Context, sha: str) -> Verdict:
    """Lint all Containerfiles of a commit, for its check alone."""
    workspace = ctx.services.workspace
    files = workspace.read(sha, chosen(workspace.files(sha), ctx.config_as(LintConfig), ctx.images))
    found, notes = _look(ctx, files)
    verdict = Verdict(tuple(found), len(files), 0, notes, whole=True)
    _tell(ctx, verdict, sha, {})
    return verdict


def _look(ctx: Context, files: Mapping[str, bytes]) -> tuple[list[Finding], tuple[str, ...]]:
    """The findings that are severe enough, and sentences about the run."""
    config = ctx.config_as(LintConfig)
    report = lint_files(files, ctx.services.linter, config.ignore)
    for finding in report.findings[:_LOGGED]:
        ctx.log(f"{finding.path}:{finding.line}: {finding.severity} {finding.rule}: {finding.message}")
    for note in report.notes:
        ctx.log(note)
    return at_least(report.findings, config.threshold), report.notes


def _introduced(ctx: Context, number: int, lacking: Sequence[Finding], names: Mapping[str, str]) -> list[Finding]:
    """Of what whole files lack, that which they had before, and all of new files: no changed line tells the two apart.

    Before is where the pull request began, for its base branch may have been mended since. `names` gives the path that a
    file had there.
    """
    if not lacking:
        return []
    base = ctx.forge.merge_base(number)
    before = ctx.services.workspace.read(base, {names[finding.path] for finding in lacking})
    known = {(finding.path, finding.rule) for finding in check(before)}
    return [one for one in lacking if (names[one.path], one.rule) not in known]


def _tell(ctx: Context, verdict: Verdict, sha: str, lines: Lines) -> None:
    ctx.alive()
    ctx.summary = texts.summary(verdict)
    ctx.check(
        CheckState.FAILURE if verdict.findings else CheckState.SUCCESS, ctx.summary, sha=sha,
        text=texts.table(verdict, rows=100), annotations=texts.remarks(verdict.findings, lines),
    )  # fmt: skip


def _comments(ctx: Context) -> bool:
    return ctx.configured and ctx.config_as(LintConfig).comment


def _keep_comment(ctx: Context, number: int, verdict: Verdict) -> None:
    """One comment, only where the repository asked for lint, and none as long as there was nothing to say."""
    if not _comments(ctx):
        return
    if verdict.findings:
        ctx.comment(TOPIC, texts.comment(verdict), state=texts.comment_state(verdict), number=number)
        return
    voice = Voice(ctx.service, ctx.bot, ctx.forge.account)
    if voice.newest(ctx.forge.comments(number), TOPIC) is not None:
        ctx.comment(TOPIC, texts.fixed_comment(), state="fixed", number=number)


def chosen(paths: Sequence[str], config: LintConfig, images: Sequence[ImageSpec] = ()) -> list[str]:
    """The paths that are linted: those the globs name, without globs those named like a Containerfile or in `images`."""
    if not config.files:
        return containerfiles(paths, images)
    return [path for path in paths if any(_fits(path, glob) for glob in config.files)]


def _fits(path: str, glob: str) -> bool:
    """`**` stands for any folders, `*`, `?` and `[...]` stay inside a name; a glob without a slash fits in any folder."""
    names = path.split("/")
    patterns = glob.strip("/").split("/") if "/" in glob else ["**", glob]
    places = {0}
    """How many names the patterns so far can have taken."""
    for pattern in patterns:
        if pattern == "**":
            places = set(range(min(places), len(names) + 1)) if places else places
        else:
            places = {place + 1 for place in places if place < len(names) and fnmatchcase(names[place], pattern)}
    return len(names) in places
