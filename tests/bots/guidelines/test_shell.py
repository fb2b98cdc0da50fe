"""Reading shell text: the commands in it, whatever it is."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.guidelines.check import check, fix
from sig_bots.guidelines.shell import commands

CASES = [
    ("a b c", [("", ["a", "b", "c"])]),
    ("a && b || c; d & e | f", [("", ["a"]), ("&&", ["b"]), ("||", ["c"]), (";", ["d"]), ("&", ["e"]), ("|", ["f"])]),
    ("a 'b c' \"d e\" f\\ g", [("", ["a", "b c", "d e", "f g"])]),
    ("a > b 2>&1 < c", [("", ["a"])]),
    ("a 2> /dev/null b", [("", ["a", "b"])]),
    ("a # b && c", [("", ["a"])]),
    ("a#b", [("", ["a#b"])]),
    ("a $((1 + 2)) ${b:-c d}", [("", ["a", "$((1 + 2))", "${b:-c d}"])]),
    ("if a; then b; else c; fi", [("", ["a"]), (";", ["b"]), (";", ["c"])]),
    ("{ a; }", [("", ["a"])]),
    ("a 'unclosed", [("", ["a", "unclosed"])]),
    ("a\\\nb", [("", ["ab"])]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_commands_with_the_operator_before_them(text: str, expected: list[tuple[str, list[str]]]) -> None:
    assert [(one.before, [word.text for word in one.words]) for one in commands(text)] == expected


def test_substitutions_and_inner_scripts_are_read_too() -> None:
    names = [one.name for one in commands('a $(b `c`) "$(d)" <(e); sh -c \'f && g\'; bash -o pipefail -ec "h"')]
    assert sorted(names) == ["a", "b", "bash", "c", "d", "e", "f", "g", "h", "sh"]


def test_the_depth_tells_what_always_runs() -> None:
    found = commands("a; (b); if c; then d; fi; e $(f)")
    assert {one.name: one.depth for one in found} == {"a": 0, "b": 1, "c": 1, "d": 1, "e": 0, "f": 1}


@given(st.text(alphabet="abc \n\t;&|()<>{}'\"\\$`#=-if", max_size=60))
def test_any_text_gives_words_that_lie_in_it(text: str) -> None:
    for one in commands(text):
        for word in one.words:
            assert 0 <= word.start <= word.end <= len(text)


PIECES = ["FROM x\n", "RUN ", "ADD ", "<<EOF\n", "EOF\n", "$(", "`", '"', "'", "\\\n", " && ", "dnf install a", "cd x", "\n",
          "ONBUILD ", "LABEL Name=", "ENV TOKEN ", "USER 0\n", "# sigbot ignore=SIG001\n", "sh -c '", "curl x | sh", "MAINTAINER é\n"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_file_gives_findings_on_its_lines_and_fixes_that_settle(text: str) -> None:
    data = text.encode()
    for finding in check({"x": data}):
        assert 1 <= finding.line <= data.count(b"\n") + 1
        assert finding.end_line is None or finding.end_line >= finding.line
    once = fix("x", data).data
    assert fix("x", once).data == once


@given(st.binary(max_size=200))
def test_any_bytes_give_a_list(data: bytes) -> None:
    assert isinstance(check({"x": b"FROM a.b/c:1\n" + data, "y": data}), list)


HOSTILE = [
    b"RUN " + b"$(" * 50_000, b"RUN " + b"`)" * 50_000, b"RUN " + b";" * 100_000, b"RUN " + b"<<A " * 20_000, b"RUN " + b'"$(' * 30_000,
    b"RUN " + b"sh -c '" * 10_000, b"ADD a /\n" * 20_000, b"LABEL Name=a\n" * 20_000, b"FROM x AS y\n" * 5_000, b"RUN dnf install\n" * 10_000,
    b"ONBUILD " * 10_000, b"# sigbot ignore=SIG001\n" * 20_000, b"RUN " + b"${" * 50_000, b"ARG A=${A}\n" * 10_000,
]  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: body[:12].decode())
def test_a_hostile_file_is_read_in_time(body: bytes) -> None:
    started = time.process_time()
    check({"x": b"FROM a.b/c:1\n" + body})
    assert time.process_time() - started < 5


@pytest.mark.parametrize("word", ["A=1 ", "env -i ", "sudo ", "exec "])
def test_words_in_front_of_a_program_take_time_by_their_number_only(word: str) -> None:
    began = time.process_time()
    check({"Containerfile": b"FROM a\nRUN " + word.encode() * 40_000 + b"dnf install x\n"})
    assert time.process_time() - began < 8
