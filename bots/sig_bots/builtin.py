"""Help, status and cancel, answers to faulty commands, and the check of `.sigbot.yaml`."""

from __future__ import annotations

from collections.abc import Sequence

from sig_bots import messages
from sig_bots.arguments import nearest
from sig_bots.bot import Arguments, Bot, NoArgs
from sig_bots.config import CONFIG_FILE, ConfigProblem, Problem, parse_config
from sig_bots.context import Context
from sig_bots.errors import Skip, UserError
from sig_bots.events import CheckRerequested, EventBase, PullRequestChanged
from sig_bots.forge import Annotation, CheckState
from sig_bots.help import help_data, help_markdown
from sig_bots.roster import BUILT_IN
from sig_bots.wording import counted, plain_line

__all__ = ["bot"]

bot = Bot(BUILT_IN, always=True)


class HelpArgs(Arguments):
    """What help is wanted on."""

    topic: str | None = None
    """A command or a bot."""


class CancelArgs(Arguments):
    """What to cancel."""

    bot: str | None = None
    """Only this bot's jobs."""


@bot.command("help", examples=("/sig help", "/sig help rebuild"))
def show_help(ctx: Context, args: HelpArgs) -> None:
    """List the commands, or explain one command or bot."""
    ctx.reply(help_markdown(help_data(ctx.bots), args.topic))
    ctx.summary = f"explained {args.topic}" if args.topic else "listed the commands"


@bot.command("status")
def status(ctx: Context, args: NoArgs) -> None:
    """Show the latest jobs of this pull request."""
    jobs = ctx.services.jobs.of(ctx.number)
    ctx.reply(messages.status(jobs))
    ctx.summary = f"told of {counted(len(jobs), 'job')}"


@bot.command("cancel", who="write", examples=("/sig cancel", "/sig cancel rebuild"))
def cancel(ctx: Context, args: CancelArgs) -> None:
    """End the waiting and running jobs of this pull request, or those of one bot."""
    if args.bot is not None and args.bot not in ctx.bots.bots:
        raise UserError(messages.unknown_bot(args.bot, nearest(args.bot, list(ctx.bots.bots))))
    login = ctx.actor.login if ctx.actor else "somebody"
    count = ctx.services.jobs.cancel(ctx.number, bot=args.bot, reason=f"cancelled by {login}")
    answer = messages.cancelled(count, args.bot)
    ctx.reply(answer)
    ctx.summary = plain_line(answer)


@bot.on(PullRequestChanged, when=lambda event: event.action in ("opened", "updated", "reopened"))
def check_config(ctx: Context, event: PullRequestChanged) -> None:
    """Check the pull request's own `.sigbot.yaml`."""
    _check_config(ctx, ctx.head_sha or event.pull_request.head_sha)


@bot.on(CheckRerequested)
def recheck_config(ctx: Context, event: CheckRerequested) -> None:
    """Check `.sigbot.yaml` of the commit again."""
    _check_config(ctx, event.sha)


@bot.internal()
def command_errors(ctx: Context, event: EventBase) -> None:
    """Answer the lines of a comment that were meant as commands and are none."""
    errors = ctx.args.get("errors")
    lines = errors if isinstance(errors, (list, tuple)) else ()
    told = [(int(line), str(message)) for line, message in lines]
    ctx.reply(messages.command_errors(told))
    ctx.summary = plain_line(f"refused: {'; '.join(message for _, message in told)}")[:300]


@bot.internal()
def config_problem(ctx: Context, event: EventBase) -> None:
    """Say on the commit that broke it why `.sigbot.yaml` of the default branch cannot be used."""
    problems = ctx.args.get("problems")
    found = [Problem.model_validate(one) for one in problems] if isinstance(problems, (list, tuple)) else []
    if ctx.head_sha is None or not found:
        raise Skip("there is no commit to report on")
    more = ctx.args.get("more")
    _fail(ctx, ctx.head_sha, found, more if isinstance(more, int) else 0)


def _check_config(ctx: Context, sha: str) -> None:
    data = ctx.services.workspace.read(sha, [CONFIG_FILE]).get(CONFIG_FILE)
    if data is None:
        raise Skip(f"there is no {CONFIG_FILE} in this commit")
    config = parse_config(data, ctx.bots)
    if isinstance(config, ConfigProblem):
        _fail(ctx, sha, config.problems, config.more)
        return
    if ctx.number is not None and not any(CONFIG_FILE in file.paths for file in ctx.forge.changed_files(ctx.number)):
        raise Skip(f"the pull request does not change {CONFIG_FILE}")
    ctx.summary = messages.config_fine()
    ctx.forge.set_check(
        sha, _check_name(ctx), CheckState.SUCCESS, summary=ctx.summary, url=ctx.job_url, number=ctx.number
    )


def _fail(ctx: Context, sha: str, problems: Sequence[Problem], more: int) -> None:
    """A failed check: the first problem and where the others are in its one line, all in its text and on their lines.

    `more` is how many there are beside them.

    Raises UserError: a job that found the file unusable did not end well.
    """
    told = [str(one) for one in problems]
    ctx.summary = plain_line(messages.config_problems(told, [one.line for one in problems], more))
    annotations = [
        Annotation(
            path=CONFIG_FILE, line=one.line or 1, level="failure", title=one.where, message=plain_line(one.message)
        )
        for one in problems
    ]  # fmt: skip
    ctx.forge.set_check(
        sha, _check_name(ctx), CheckState.FAILURE, summary=ctx.summary, url=ctx.job_url,
        text="\n".join(f"- {one}" for one in [*told, *([f"… and {more} more"] if more else [])]), annotations=annotations, number=ctx.number,
    )  # fmt: skip
    ctx.failed.add((ctx.head_sha or sha, ""))  # told already: no second check beside it
    raise UserError(ctx.summary)


def _check_name(ctx: Context) -> str:
    return f"{ctx.service}/config"
