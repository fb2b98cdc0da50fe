"""Every reply that several bots or the service itself give, as functions. Each says why, and what to do next.

Text written by people goes through `code` before it is quoted: it must not notify anybody, start Markdown, or copy
the hidden marker by which we find our own comments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sig_bots.wording import as_markdown, counted

if TYPE_CHECKING:
    from sig_bots.context import JobSummary

__all__ = [
    "approval_needed", "approved", "bad_arguments", "bot_not_enabled", "cancelled", "cell", "code",
    "command_errors", "config_broken_here", "config_fine", "config_problem", "config_problems",
    "job_failed", "line_too_long", "no_jobs", "refused", "status", "text_too_long", "too_many_commands",
    "unknown_bot", "unknown_command", "unknown_topic",
]  # fmt: skip

_WHO = {
    "author": "write access here, or to be the author of the pull request",
    "write": "write access here",
    "admin": "admin access here",
}
_HAS = {"none": "no access", "read": "read access", "write": "write access", "admin": "admin access"}


def code(text: str, limit: int = 60) -> str:
    """Foreign text as a short code span that cannot end early, notify anybody or hold a marker of ours."""
    plain = "".join(char if char.isprintable() else " " for char in text).replace("`", "'").replace("<", "‹")
    plain = plain.replace("@", "@\u200b")  # Pagure links mentions inside code too
    short = plain if len(plain) <= limit else plain[: limit - 1] + "…"
    return f"`{short.strip() or ' '}`"


def cell(text: str, limit: int = 60) -> str:
    """`code` for a table's cell: a bar would end the cell even inside a code span (GitHub Flavored Markdown, tables)."""
    return code(text, limit).replace("|", "\\|")


# ---------------------------------------------------------------- commands


def unknown_command(prefix: str, name: str, form: str, *, guessed: bool) -> str:
    """No such command; `form` is the nearest one's usage, or how to get help."""
    hint = f"Did you mean `{form}`?" if guessed else f"`{form}` lists what there is."
    return f"There is no command {code(f'{prefix} {name}')}. {hint}"


def bad_arguments(prefix: str, command: str, problem: str, form: str) -> str:
    """Arguments that do not fit; `problem` names the bad one, `form` is the command's usage."""
    end = "" if problem.endswith("?") else "."
    return f"`{prefix} {command}`: {problem}{end} Write `{form}`."


def text_too_long(limit: int) -> str:
    """The whole text was not read."""
    return f"This text is longer than {limit:,} characters, so no command in it was run. Write them in a comment of their own."


def line_too_long(limit: int) -> str:
    """One command line was not read."""
    return f"This command is longer than {limit:,} characters and was not run. Please shorten it."


def too_many_commands(limit: int) -> str:
    """The rest of the commands was not read."""
    return f"Only the first {limit} commands of a comment are run. Write the others in another comment."


def command_errors(errors: Sequence[tuple[int, str]]) -> str:
    """One answer for all faulty command lines of a comment: (line, message), in order."""
    if len(errors) == 1:
        return errors[0][1]
    return "\n".join(f"- line {line}: {message}" for line, message in errors)


def refused(login: str, command: str, needs: str, has: str, *, prefix: str = "/sig") -> str:
    """Somebody lacks the right for a command. `needs` is author, write or admin; `has` none, read, write or admin."""
    return (
        f"{code(login)}: `{prefix} {command}` needs {_WHO.get(needs, needs)}; you have {_HAS.get(has, has)}. "
        f"Ask a maintainer to run it."
    )


def bot_not_enabled(bot: str, command: str, *, prefix: str = "/sig") -> str:
    """A command of a bot that this repository has not switched on."""
    return (
        f"`{prefix} {command}` did nothing: {bot} is not enabled in this repository. "
        f"Add the line `{bot}: {{}}` to `.sigbot.yaml` on the default branch."
    )


def unknown_topic(topic: str, near: str | None, *, prefix: str = "/sig") -> str:
    """Help was asked on something that is neither a command nor a bot."""
    hint = f"Did you mean `{prefix} help {near}`?" if near else f"`{prefix} help` lists what there is."
    return f"There is no command or bot {code(topic)}. {hint}"


def unknown_bot(name: str, near: str | None) -> str:
    """A bot's name is needed and this is none."""
    return f"There is no bot {code(name)} here." + (f" Did you mean `{near}`?" if near else "")


def cancelled(count: int, bot: str | None) -> str:
    """Answer to `/sig cancel`."""
    what = f"{bot} job" if bot else "job"
    if count == 0:
        return f"There was no {what} waiting or running here, so nothing was cancelled."
    return f"Asked {counted(count, what)} to end. What was already published stays."


def no_jobs() -> str:
    """Answer to `/sig status` when there is nothing to show."""
    return "No jobs here yet. A push, or a command such as `/sig lint`, starts one."


def status(jobs: Sequence[JobSummary], limit: int = 15) -> str:
    """Answer to `/sig status`: the latest jobs, newest first."""
    if not jobs:
        return no_jobs()
    rows = [
        f"| {job.bot} | {f'[{job.state}]({job.url})' if job.url else job.state} | {job.created:%Y-%m-%d %H:%M} UTC "
        f"| {as_markdown(job.reason)} |"
        for job in jobs[:limit]
    ]
    more = [f"\n{len(jobs) - limit} older ones are not shown."] if len(jobs) > limit else []
    return "\n".join(["| bot | state | since | why |", "| --- | --- | --- | --- |", *rows, *more])


# ---------------------------------------------------------------- outcomes of jobs


def job_failed(bot: str, reason: str, url: str = "") -> str:
    """A job failed for good on something outside our control; the reason is one sentence."""
    sentence = reason if reason.endswith((".", "!", "?")) else f"{reason}."
    return f"{bot} failed: {sentence}" + (f" [Log]({url})" if url else "")


# ---------------------------------------------------------------- trust


def approval_needed(sha: str, *, prefix: str = "/sig") -> str:
    """A pull request by somebody without write access is built only after an approval of this very commit."""
    return (
        f"Not built yet: this change does not come from somebody with write access. A maintainer who has read it can "
        f"write `{prefix} ok {sha[:12]}`; a later push needs a new one."
    )


def approved(sha: str, login: str) -> str:
    """Answer to an approval."""
    return f"{code(login)} approved {sha[:12]}; this commit is built now. A later push needs a new approval."


# ---------------------------------------------------------------- configuration


def config_problem(problem: str) -> str:
    """`.sigbot.yaml` cannot be used; `problem` gives line and remedy."""
    return f"`.sigbot.yaml` cannot be used: {problem}"


def config_problems(problems: Sequence[str], lines: Sequence[int | None], uncounted: int = 0) -> str:
    """`.sigbot.yaml` cannot be used: the first problem with its line and remedy, and the lines of the others.

    `uncounted` are problems beside those in the list.
    """
    count = len(problems) - 1 + uncounted
    others = sorted({line for line in lines[1:] if line is not None})
    places = f" in line{'s' if len(others) > 1 else ''} {', '.join(map(str, others))}" if others else ""
    more = f" (and {count} more{f', the first{places}' if uncounted else places})" if count else ""
    return config_problem(f"{problems[0]}{more}")


def config_broken_here(problem: str) -> str:
    """The default branch's configuration is broken and a command was given."""
    return f"No bot runs here because `.sigbot.yaml` on the default branch cannot be used: {problem}"


def config_fine() -> str:
    """The pull request's `.sigbot.yaml` is valid."""
    return ".sigbot.yaml is valid; what it adds takes effect when merged."
