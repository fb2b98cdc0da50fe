"""How the commands write: colour and progress on a terminal only, JSON that does not change its form."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console  # rich is loaded where it is used: for JSON it is not

__all__ = ["FORMAT", "as_json", "busy", "console", "local_time", "print_json", "progress", "say", "table"]

COLOURS = {
    "done": "green", "queued": "cyan", "running": "cyan", "waiting": "yellow", "skipped": "dim", "failed": "red",
    "dead": "bold red", "success": "green", "failure": "red", "error": "red", "pending": "yellow", "warning": "yellow",
}  # fmt: skip

_LARGE = 100
"""Things from which on a bar is worth its place."""

_NOT_TEXT = re.compile("[\ud800-\udfff]")

FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)


_spinning: list[Console] = []
"""The console with the spinner that turns now: only lines printed through it are kept apart from the spinner."""


def console(*, error: bool = False) -> Console:
    """A console on standard output (or error): styled on a terminal, plain lines elsewhere."""
    from rich.console import Console

    made = Console(stderr=error, highlight=False, soft_wrap=True)
    return _spinning[-1] if _spinning and made.is_terminal else made


def say(text: str, style: str = "") -> None:
    """One line for people; markup in it is not interpreted."""
    from rich.markup import escape

    console().print(escape(readable(text)), style=style or None)


def readable(text: str) -> str:
    """Text that can be written: bytes of a file or a name that are not UTF-8 are shown as a question mark."""
    return _NOT_TEXT.sub("\N{REPLACEMENT CHARACTER}", text)


def coloured(word: str) -> str:
    """A state, in its colour."""
    from rich.markup import escape

    colour = COLOURS.get(word)
    return f"[{colour}]{escape(word)}[/{colour}]" if colour else escape(word)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, state: str = "state") -> None:
    """Rows under a head line on a terminal; tab-separated lines elsewhere, so that cut(1) and awk(1) can read them."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    output = console()
    if not output.is_terminal:
        for row in rows:
            click.echo("\t".join(" ".join(readable(str(cell)).split()) for cell in row))
        return
    made = Table(*columns, box=None, header_style="bold", padding=(0, 2, 0, 0))
    for row in rows:
        cells = [coloured(str(cell)) if name == state else escape(readable(str(cell))) for name, cell in zip(columns, row, strict=True)]  # fmt: skip
        made.add_row(*cells)
    Console(highlight=False).print(made)


def as_json(data: Any) -> str:
    """JSON as every command prints it: two blanks of indentation, times in ISO 8601.

    A byte that is not UTF-8 (in a file, in a name) is the lone surrogate `\\udc80` to `\\udcff`, written as an escape.
    """

    def other(value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else str(value)

    text = json.dumps(data, indent=2, ensure_ascii=False, default=other)
    return _NOT_TEXT.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def print_json(data: Any) -> None:
    """Print it to standard output."""
    click.echo(as_json(data))


def local_time(moment: datetime | None) -> str:
    """A time of the store in the person's own zone: `14:03:59` today, with the date otherwise."""
    if moment is None:
        return ""
    here = moment.astimezone()
    same_day = here.date() == datetime.now().astimezone().date()
    return here.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")


def _terminal() -> Console | None:
    """The console for what moves: standard output, else standard error; None when neither is a terminal or it is taken."""
    if _spinning or not (sys.stdout.isatty() or sys.stderr.isatty()):
        return None
    return next((one for one in (console(), console(error=True)) if one.is_terminal), None)


@contextmanager
def progress(text: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar while the block runs, on a terminal and for a hundred things or more; else a spinner, elsewhere nothing.

    Gives what is told how many are done.
    """
    output = _terminal()
    if output is None or total < _LARGE:
        with busy(text):
            yield lambda done: None
        return
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=output, transient=True) as bar:
        task = bar.add_task(escape(text), total=total)
        _spinning.append(output)
        try:
            yield lambda done: bar.update(task, completed=done)
        finally:
            _spinning.pop()


@contextmanager
def busy(text: str) -> Iterator[Callable[[str], None] | None]:
    """A spinner while the block runs, on a terminal only; gives what changes its text, None when there is none."""
    output = _terminal()
    if output is None:
        yield None
        return
    from rich.markup import escape

    with output.status(escape(text)) as status:
        _spinning.append(output)
        try:
            yield lambda changed: status.update(escape(changed))
        finally:
            _spinning.pop()
