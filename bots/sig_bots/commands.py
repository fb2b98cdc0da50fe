"""Commands in a comment: text -> commands and errors, as values. Pure; any text gives a list, never an exception.

    /sig COMMAND [ARGUMENTS]        @account COMMAND [ARGUMENTS]        one per line, several per comment

The prefix starts its line. Code (fenced, indented, inline), block quotes, HTML, links, headings and tables never
trigger: the text is parsed as Markdown, and only lines that are plain text of a paragraph count. A bare `/sig` is
`/sig help`. Case of prefix and command does not matter. A mention followed by anything that is not like a command
is talk, not an error. How arguments are written: `sig_bots.arguments`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pydantic import BaseModel

from sig_bots import messages
from sig_bots.arguments import ArgumentError, Word, bind, nearest, split_words, usage
from sig_bots.roster import Roster

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["MAX_COMMANDS", "MAX_LINE", "MAX_TEXT", "Command", "CommandError", "parse", "parse_new"]

MAX_TEXT = 64 * 1024
"""Characters of a text that are looked at; GitHub's own limit for a comment."""
MAX_COMMANDS = 20
MAX_LINE = 1000

# A candidate line is marked by this character (private use, never meant by a person) and looked for after parsing.
_MARK = "\ue000"
_HIDING = frozenset({"blockquote_open", "heading_open", "table_open"})
# Phones turn straight quotes and double hyphens into typographic ones.
_TYPOGRAPHY = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "\u00a0": " "})
_LONG_DASH = re.compile(r"(?<=\s)[–—](?=[A-Za-z])")


@dataclass(frozen=True, slots=True)
class Command:
    """One well-formed command."""

    name: str
    bot: str
    args: BaseModel
    line: int
    """Line of the text it stands on, from 1."""
    raw: str

    @property
    def canonical(self) -> str:
        """Name and arguments in one form, however they were written."""
        return f"{self.name} {self.args!r}"  # as JSON a lone surrogate in an argument could not be written


@dataclass(frozen=True, slots=True)
class CommandError:
    """A line that was meant as a command and is not one: what is wrong, and the nearest valid form."""

    message: str
    line: int
    raw: str

    @property
    def canonical(self) -> str:
        """The line, with blanks made equal."""
        return " ".join(self.raw.split())


def parse(
    text: str, roster: Roster, *, prefix: str = "/sig", mentions: Sequence[str] = ()
) -> list[Command | CommandError]:
    """The commands of a text, in order.

    `mentions` are the accounts that may be addressed (`sigbot`, `@sigbot[bot]`). Only the first `MAX_COMMANDS` are
    read, and a text of more than `MAX_TEXT` characters none; both are said by a CommandError.
    """
    lines = _split(text)
    address = _address(prefix, tuple(mentions))
    candidates = [number for number, line in enumerate(lines) if address.match(line)]
    if not candidates:
        return []
    if len(text) > MAX_TEXT:
        line = candidates[0]
        return [CommandError(messages.text_too_long(MAX_TEXT), line + 1, lines[line][:MAX_LINE])]
    found: list[Command | CommandError] = []
    for number in _visible(lines, candidates, address):
        if len(found) == MAX_COMMANDS:
            found.append(CommandError(messages.too_many_commands(MAX_COMMANDS), number + 1, lines[number][:MAX_LINE]))
            break
        if one := _read(lines[number], number + 1, address, roster, prefix):
            found.append(one)
    return found


def parse_new(
    previous: str | None, text: str, roster: Roster, *, prefix: str = "/sig", mentions: Sequence[str] = ()
) -> list[Command | CommandError]:
    """The commands an edit added: on a line that was not there before, and not merely moved or written differently.

    `previous` None means there was no text before. A line that was there but hidden (in code, say) is not new.
    """
    now = parse(text, roster, prefix=prefix, mentions=mentions)
    if not previous or not now:
        return now
    old_lines = Counter(_normal(line) for line in _split(previous))
    old = Counter(one.canonical for one in parse(previous, roster, prefix=prefix, mentions=mentions))
    added: list[Command | CommandError] = []
    for one in now:
        known_line, known = _take(old_lines, _normal(one.raw)), _take(old, one.canonical)
        if not known_line and not known:
            added.append(one)
    return added


def _take(counter: Counter[str], key: str) -> bool:
    if counter[key] > 0:
        counter[key] -= 1
        return True
    return False


def _normal(line: str) -> str:
    return " ".join(line.split())


def _split(text: str) -> list[str]:
    # Not splitlines(): Markdown knows no other line ends, and each must count the same here and there.
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@cache
def _address(prefix: str, mentions: tuple[str, ...]) -> re.Pattern[str]:
    accounts = {name.removeprefix("@").removesuffix("[bot]") for name in mentions} - {""}
    forms = [rf"(?P<prefix>{re.escape(prefix)})(?=[ \t\u00a0]|$)"]
    if accounts:
        names = "|".join(re.escape(name) for name in sorted(accounts))
        forms.append(rf"@(?:{names})(?:\[bot\])?[:,]?(?=[ \t\u00a0]|$)")
    return re.compile(rf"[ \t]*(?:{'|'.join(forms)})", re.IGNORECASE)


def _visible(lines: Sequence[str], candidates: Sequence[int], address: re.Pattern[str]) -> Iterator[int]:
    """Of the candidate lines those that are shown as plain text: their prefixes are marked and the parser is asked."""
    marked = [line.replace(_MARK, "\ufffd") for line in lines]
    for order, number in enumerate(candidates):
        line = marked[number]
        indent = len(line) - len(line.lstrip(" \t"))
        rest = address.sub("", line, count=1)  # kept: it may open a comment or a code span over the next lines
        marked[number] = f"{line[:indent]}{_MARK}{order}{_MARK}{rest}"
    shown: list[int] = []
    hidden = 0
    env: dict[str, object] = {}
    for token in _markdown().parse("\n".join(marked), env):
        if token.type in _HIDING:
            hidden += 1
        elif token.type.replace("_close", "_open") in _HIDING:
            hidden -= 1
        elif token.type == "inline" and not hidden and _MARK in token.content:
            children: list[Token] = []  # inside a block only what holds a candidate is parsed
            _markdown().inline.parse(token.content, _markdown(), env, children)
            shown.extend(_marks(children))
    return (candidates[order] for order in shown)


def _marks(children: Sequence[Token]) -> Iterator[int]:
    links = 0
    for child in children:
        if child.type == "link_open":
            links += 1
        elif child.type == "link_close":
            links -= 1
        elif child.type == "text" and not links:
            for match in re.finditer(f"{_MARK}(\\d+){_MARK}", child.content):
                yield int(match[1])


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt  # only a comment with something like a command in it needs it

    return MarkdownIt("commonmark").enable("table").disable("inline")


def _read(
    line: str, number: int, address: re.Pattern[str], roster: Roster, prefix: str
) -> Command | CommandError | None:
    raw = line.strip()
    match = address.match(line)
    if match is None:
        return None
    if len(line) > MAX_LINE:
        return CommandError(messages.line_too_long(MAX_LINE), number, raw[:MAX_LINE])
    rest = _LONG_DASH.sub("--", line[match.end() :].translate(_TYPOGRAPHY))
    name = next(iter(rest.split()), "").lower()
    spec = roster.commands.get(name or "help")
    if spec is None:
        near = nearest(name, list(roster.commands))
        if near is None and match["prefix"] is None:
            return None
        form = usage(near, roster.commands[near].args, prefix) if near else f"{prefix} help"
        return CommandError(messages.unknown_command(prefix, name, form, guessed=near is not None), number, raw)
    try:
        words: list[Word] = split_words(rest)[1:]
        return Command(spec.name, spec.bot, bind(words, spec.args), number, raw)
    except ArgumentError as error:
        form = usage(spec.name, spec.args, prefix)
        return CommandError(messages.bad_arguments(prefix, spec.name, str(error), form), number, raw)
