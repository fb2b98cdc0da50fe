"""The command grammar: a golden table, edits, limits, and that no text at all makes an exception."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.commands import MAX_COMMANDS, MAX_LINE, MAX_TEXT, Command, CommandError, parse, parse_new
from sig_bots.messages import code
from tests.bots.sample import sample_roster

ROSTER = sample_roster()
MENTIONS = ("@sigbot[bot]",)
SHA = "0123456789ab"


def short(text: str) -> list[str]:
    """Each command as `name field=value ...` (only fields that were set), each error as `! message`."""
    return [
        f"! {one.message}"
        if isinstance(one, CommandError)
        else " ".join([one.name, *(f"{k}={v}" for k, v in one.args.model_dump(exclude_unset=True).items())])
        for one in parse(text, ROSTER, mentions=MENTIONS)
    ]


GOLDEN: list[tuple[str, list[str]]] = [
    # where a command may stand
    ("/sig lint", ["lint"]),
    ("   /sig lint", ["lint"]),
    ("/sig lint\n", ["lint"]),
    ("/sig lint\r\n/sig update\r\n", ["lint", "update"]),
    ("/sig\tlint", ["lint"]),
    ("/sig   lint   fix  ", ["lint mode=fix"]),
    ("Thanks!\n/sig lint\nBye", ["lint"]),
    ("Thanks!\n\n/sig lint\n\nand\n\n/sig update", ["lint", "update"]),
    ("- a list\n/sig lint", ["lint"]),
    ("<details>\n\n/sig lint\n\n</details>", ["lint"]),
    ("please /sig lint", []),
    ("- /sig lint", []),
    ("1. /sig lint", []),
    ("**/sig lint**", []),
    # the prefix
    ("/sig", ["help"]),
    ("/sig   ", ["help"]),
    ("/SIG Lint", ["lint"]),
    ("/signal lint", []),
    ("/sig-stg lint", []),
    ("/sig: lint", []),
    ("/siglint", []),
    ("//sig lint", []),
    ("sig lint", []),
    ("\u200b/sig lint", []),
    # mentions
    ("@sigbot lint", ["lint"]),
    ("@sigbot[bot] lint", ["lint"]),
    ("@SigBot lint fix", ["lint mode=fix"]),
    ("@sigbot: lint", ["lint"]),
    ("@sigbot, lint", ["lint"]),
    ("@sigbot", ["help"]),
    ("@sigbot thanks a lot!", []),
    ("@sigbot lnt", ["! There is no command `/sig lnt`. Did you mean `/sig lint [fix|report]`?"]),
    ("@sigbotty lint", []),
    ("@other lint", []),
    ("hey @sigbot lint", []),
    # what Markdown hides
    ("```\n/sig lint\n```", []),
    ("~~~ text\n/sig lint\n~~~", []),
    ("```\n/sig lint", []),
    ("    /sig lint", []),
    ("\t/sig lint", []),
    ("`/sig lint`", []),
    ("`code\n/sig lint\ncode`", []),
    ("> /sig lint", []),
    (">/sig lint", []),
    ("> quoted\n/sig lint", []),
    ("> quoted\n\n/sig lint", ["lint"]),
    ("> > /sig lint\n\ntext", []),
    ("- > /sig lint", []),
    ("<!-- /sig lint -->", []),
    ("<!--\n/sig lint\n-->", []),
    ("text <!--\n/sig lint\n-->", []),
    ("<!-- open\n\n/sig lint", []),
    ("<div>\n/sig lint\n</div>", []),
    ("# /sig lint", []),
    ("/sig lint\n===", []),
    ("[text\n/sig lint\nmore](https://example.org)", []),
    ('[text](https://example.org "\n/sig lint\n")', []),
    ("[/sig lint](https://example.org)", []),
    ('[ref]: https://example.org "\n/sig lint\n"', []),
    ("a | b\n--- | ---\n/sig lint | x", []),
    ("\\/sig lint", []),
    ("&#47;sig lint", []),
    # words
    ("/sig build a b", ["build images=('a', 'b')"]),
    ("/sig build a,b c", ["build images=('a', 'b', 'c')"]),
    ("/sig build 'a,b'", ["build images=('a,b',)"]),
    ('/sig build "a b" c\\ d', ["build images=('a b', 'c d')"]),
    ("/sig build --images a --images=b images=c", ["build images=('a', 'b', 'c')"]),
    ("/sig build --force --jobs 3 a", ["build images=('a',) force=True jobs=3"]),
    ("/sig build --no-force", ["build force=False"]),
    ("/sig build --force=no", ["build force=False"]),
    ("/sig build jobs=2 x=1", ["build images=('x=1',) jobs=2"]),
    ("/sig build \u2014force", ["build force=True"]),
    (f"/sig ok {SHA} \u201ctwo words\u201d", [f"ok sha={SHA} reason=two words"]),
    (f"/sig ok {SHA} it's", [f"ok sha={SHA} reason=it's"]),
    (f"/sig ok {SHA} reason='a \"b\"'", [f'ok sha={SHA} reason=a "b"']),
    (f"/sig ok {SHA} -- --force", ["! `/sig ok`: there is no argument `--force`. Write `/sig ok SHA [REASON]`."]),
    (f'/sig ok {SHA} "--force"', [f"ok sha={SHA} reason=--force"]),
    (f"/sig ok {SHA} ''", [f"ok sha={SHA} reason="]),
    # errors
    ("/sig lnt", ["! There is no command `/sig lnt`. Did you mean `/sig lint [fix|report]`?"]),
    ("/sig lint.", ["! There is no command `/sig lint.`. Did you mean `/sig lint [fix|report]`?"]),
    ("/sig frobnicate", ["! There is no command `/sig frobnicate`. `/sig help` lists what there is."]),
    ("/sig lint fxi", [
        "! `/sig lint`: `mode` must be `fix` or `report`, not `fxi`; did you mean `fix`? Write `/sig lint [fix|report]`."
    ]),
    ("/sig update now", ["! `/sig update`: `now` is one word too many. Write `/sig update`."]),
    ("/sig ok", ["! `/sig ok`: `SHA` is missing. Write `/sig ok SHA [REASON]`."]),
    ("/sig build --forc", [
        "! `/sig build`: there is no argument `--forc`; did you mean `--force`? "
        "Write `/sig build [IMAGES...] [--force] [JOBS]`."
    ]),
    ("/sig build --jobs", ["! `/sig build`: `--jobs` needs a value. Write `/sig build [IMAGES...] [--force] [JOBS]`."]),
    ("/sig build --jobs two", [
        "! `/sig build`: `jobs` must be a whole number, not `two`. Write `/sig build [IMAGES...] [--force] [JOBS]`."
    ]),
    ("/sig build jobs=9", [
        "! `/sig build`: `jobs` must be less than or equal to 8, not `9`. Write `/sig build [IMAGES...] [--force] [JOBS]`."
    ]),
    ("/sig build jobs=1 --jobs 2", [
        "! `/sig build`: `jobs` is given twice. Write `/sig build [IMAGES...] [--force] [JOBS]`."
    ]),
    ("/sig build 'a", [
        "! `/sig build`: the quote `'a` is not closed. Write `/sig build [IMAGES...] [--force] [JOBS]`."
    ]),
    (f"/sig ok {SHA} two words", [
        "! `/sig ok`: `words` is one word too many; put quotes around a text of several words. "
        "Write `/sig ok SHA [REASON]`."
    ]),
    ("/sig lint\n/sig lnt\n/sig update", [
        "lint", "! There is no command `/sig lnt`. Did you mean `/sig lint [fix|report]`?", "update"
    ]),
    # nothing
    ("", []),
    ("just talk about /sig", []),
    ("\ue0000\ue000 lint\n/sig lint", ["lint"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), GOLDEN)
def test_golden(text: str, expected: list[str]) -> None:
    assert short(text) == expected


def test_the_table_is_as_large_as_promised() -> None:
    assert len(GOLDEN) >= 60


def test_a_command_knows_its_line_and_its_words() -> None:
    (command,) = parse("a\n\n  /sig lint fix ", ROSTER)
    assert isinstance(command, Command)
    assert (command.bot, command.line, command.raw) == ("lint", 3, "/sig lint fix")


def test_another_prefix_is_another_service() -> None:
    assert [one.raw for one in parse("/sig lint\n/sig-stg lint", ROSTER, prefix="/sig-stg")] == ["/sig-stg lint"]


EDITS: list[tuple[str | None, str, list[str]]] = [
    (None, "/sig lint", ["lint"]),
    ("", "/sig lint", ["lint"]),
    ("/sig lint", "/sig lint", []),
    ("/sig lint", "Hello\n\n/sig   lint  ", []),
    ("/sig lint\n/sig update", "/sig update\n/sig lint", []),
    ("/sig lint", "/sig lint\n/sig lint", ["lint"]),
    ("/sig lint", "/sig lint fix", ["lint"]),
    ("/sig build a b", "/sig build a,b", []),
    ("/sig build jobs=2", "/sig build --jobs 2", []),
    ("/sig lnt", "/sig lint", ["lint"]),
    ("/sig lnt", "text\n/sig lnt", []),
    ("> /sig lint", "/sig lint", ["lint"]),
    ("```\n/sig lint\n```", "/sig lint", []),
    ("```\n```", "```\n/sig lint\n```", []),
    ("> quoted\n/sig lint", "> quoted\n/sig lint\n/sig update", []),
    ("@sigbot lint", "/sig lint", []),
    ("/sig lint", "talk", []),
]


@pytest.mark.parametrize(("before", "after", "expected"), EDITS)
def test_an_edit_runs_only_what_it_added(before: str | None, after: str, expected: list[str]) -> None:
    found = parse_new(before, after, ROSTER, mentions=MENTIONS)
    assert [one.name for one in found if isinstance(one, Command)] == expected
    assert not [one for one in found if isinstance(one, CommandError)]


def test_only_the_first_commands_of_a_comment_run_and_it_is_said() -> None:
    found = parse("/sig lint\n" * 6_000, ROSTER)
    assert sum(isinstance(one, Command) for one in found) == MAX_COMMANDS
    assert len(found) == MAX_COMMANDS + 1
    assert isinstance(found[-1], CommandError)
    assert "Only the first 20 commands" in found[-1].message


def test_a_huge_text_runs_nothing_and_says_so_once() -> None:
    (error,) = parse("/sig lint\n" * 10_000, ROSTER)
    assert isinstance(error, CommandError)
    assert "longer than 65,536 characters" in error.message
    assert parse("x" * (MAX_TEXT + 1), ROSTER) == []


def test_a_huge_line_is_refused() -> None:
    (error,) = parse("/sig build " + "x" * MAX_LINE, ROSTER)
    assert isinstance(error, CommandError)
    assert len(error.raw) <= MAX_LINE


HOSTILE = [
    "[",
    "![",
    "*a_",
    "`a``",
    "<!-- ",
    "<a ",
    "[a](",
    "> ",
    "- ",
    "|-",
    "&",
    "\\",
    "_a",
    "[a]: b\n",
    "\t",
    "<",
    "](",
]


def seconds_for(piece: str, size: int) -> float:
    text = "/sig lint\n" + (piece * size)[: size - 20]
    start = time.process_time()
    parse(text, ROSTER, mentions=MENTIONS)
    return time.process_time() - start


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_takes_long(piece: str) -> None:
    assert seconds_for(piece, MAX_TEXT // 8) < 1.25  # about a tenth of it on an idle machine


@pytest.mark.long
@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_of_the_largest_size_takes_long(piece: str) -> None:
    assert seconds_for(piece, MAX_TEXT) < 10  # about 1 on an idle machine


def test_what_a_person_wrote_is_quoted_without_effect() -> None:
    forged = "<!--sigbot`service=sigbot`@everyone|"
    (error,) = parse(f"/sig {forged}", ROSTER)
    assert isinstance(error, CommandError)
    assert "<!--" not in error.message
    assert "@everyone" not in error.message
    assert error.message.count("`") == 4


def test_code_is_one_short_line() -> None:
    assert code("a\nb\x00" + "c" * 100).startswith("`a b ccc")
    assert len(code("c" * 100)) == 62


def test_an_argument_that_is_no_unicode_is_compared_like_any_other() -> None:
    (found,) = parse_new("/sig ok", "/sig ok \udcff456789abcdef", ROSTER)
    assert found.line == 1


FRAGMENTS = st.sampled_from([
    "/sig ", "/sig", "@sigbot ", "lint", "build", "ok", "--force", "--", "=", "jobs=", "'", '"', "\\", "\n", "\r\n",
    "> ", "```", "`", "    ", "<!--", "-->", "[", "](", "# ", "| ", "\ue000", "\x00", "\u2028", "é", "- ", "\ud800",
])  # fmt: skip


@given(st.one_of(st.text(max_size=200), st.lists(FRAGMENTS, max_size=40).map("".join)), st.text(max_size=40))
def test_any_text_gives_values(text: str, previous: str) -> None:
    for found in (parse(text, ROSTER, mentions=MENTIONS), parse_new(previous, text, ROSTER, mentions=MENTIONS)):
        assert all(isinstance(one, (Command, CommandError)) for one in found)
        assert len(found) <= MAX_COMMANDS + 1


@given(st.lists(FRAGMENTS, max_size=40).map("".join))
def test_an_unchanged_text_adds_nothing(text: str) -> None:
    assert parse_new(text, text, ROSTER, mentions=MENTIONS) == []
