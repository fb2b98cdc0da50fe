from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sig_bots.containerfile import lex, parser_directives
from sig_bots.containerfile.lexer import lex_for_images
from tests.bots.containerfile.generated import Made, containerfiles
from tests.bots.containerfile.nasty import FILES
from tests.bots.containerfile.oracle import our_lexer, reference_parser

SNIPPETS = [
    "FROM a\\\\\nRUN x", "# foo=bar\n# escape=`\nFROM a `\n AS b", "  # escape=`\nFROM a `\n AS b", "\\\nFROM a",
    "FROM\\\n a", "RUN ${x@Q} <<EOF\nRUN x\nEOF\n", "FROM", "BOGUS x", "FROM a\n\\\n", "\\\n", "ONBUILD\n",
    'RUN --a="x\\"y" --b=\'z\' -- --c d', 'RUN --mount=type=bind,"from=a b" x', "\xa0FROM a", "FROM\xa0a", "RUN \xa0x",
    "RUN x \\ \r\n y", "RUN x \\\r \n", "RUN <<EOF\\\n cat\nfoo\nEOF", "RUN <<\\\nEOF cat\nfoo\nEOF", "RUN cat <<<x",
    "COPY a\nRUN ['a' <<EOF\nx\nEOF", 'RUN ["a"] <<EOF\nx\nEOF', "HEALTHCHECK --interval=3s CMD x", "onbuild --x RUN y",
    "RUN <<EOF\r\nx\r\nEOF\r\n", '#escape=`\nRUN "a`" <<EOF\nz\nEOF\nRUN x', 'RUN <<"EOF\\"x"\nEOF"x\n', "RUN <<''\nx",
    "RUN ${x:?a} <<EOF\nx\nEOF\n", "RUN ${x:-a b} <<EOF\nx\nEOF\n", "RUN ${} <<EOF\nRUN x\n", "FROM a\x0bb", "FROM\x0ca",
    "RUN a <<EOF;b\nx\nEOF;b\n", "RUN cat <<$X\na\n$X\n", 'RUN "$(cat <<EOF\nx\nEOF\n)"', "RUN a\n\n\\\n\nRUN b",
    "FROM a \\\n\n\n# x\n AS b\n# z\nRUN y \\", "RUN x \\\n\xa0\n y", "ONBUILD ONBUILD RUN x", "RUN \\\n\\\n a",
    "FROM --from='FROM ", "FROM --from='a \\", "FROM --from=a\\ \r\nRUN x", "ONBUILD COPY --from='a \t", "# escape=`\n` ", "\\ \t",
    "FROM a \\ ", "\\\n\xa0FROM a", "FROM\xa0", "FROM a\u3000\nRUN b", "ONBUILD \xa0RUN <<E\nE\n", "RUN <<E\\ \nE \n",
    "RUN a <<E\x1f\nE\x1f\n", "RUN a\x1c<<E\nRUN b", "RUN \u0663<<E\nRUN b", "\u3000# escape=`\nFROM a `\n AS b", "onbu\u0131ld RUN x",
    "#\vescape=`\nFROM a `\n AS b", " " * 300 + "# escape=`\nFROM a `\n AS b", "u\u017fer x",
    "RUN ${x:0:3} <<EOF\nFROM evil:1\nEOF\n", "RUN \"${x:b c}\" <<E\nE\n", "RUN ${x:}y} <<E\nRUN x\nE\n", "RUN ${x:-a <<E}\nE}\n",
    "RUN $\xe9 ${\xe9} <<E\nRUN x\nE\n", "RUN ${x=b} <<E\nRUN x\nE\n",
]  # fmt: skip


@pytest.mark.parametrize("data", [*(case.data for case in FILES), *(text.encode() for text in SNIPPETS)])
def test_hand_written_files_are_read_as_the_reference_parser_reads_them(data: bytes) -> None:
    expected = reference_parser(data)
    if expected is None:
        assert lex(data), "refused by the reference parser, still read by ours"
    else:
        assert our_lexer(data) == expected


def test_only_the_faulty_hand_written_files_are_refused_by_the_reference_parser() -> None:
    refused = [case.name for case in FILES if reference_parser(case.data) is None]
    assert refused == ["unterminated heredoc", "bytes that are not UTF-8"]


def _gaps(data: bytes) -> list[bytes]:
    """The bytes between the instructions."""
    gaps = []
    position = 0
    for one in lex(data):
        gaps.append(data[position : one.start])
        position = one.end
    return [*gaps, data[position:]]


@given(containerfiles())
def test_nothing_is_lost_between_instructions_but_blank_lines_and_comments(made: Made) -> None:
    whole = (
        b"".join(gap + one.raw for gap, one in zip(_gaps(made.data), lex(made.data), strict=False))
        + _gaps(made.data)[-1]
    )
    assert whole == made.data
    for gap in _gaps(made.data):
        for line in gap.removeprefix(b"\xef\xbb\xbf").splitlines():
            assert not line.strip() or line.strip().startswith(b"#")


@given(containerfiles())
def test_words_and_flags_stand_where_they_say(made: Made) -> None:
    for one in lex(made.data):
        for word in one.words:
            assert not word.contiguous or made.data[word.start : word.end].decode() == word.text
        for flag in one.flags:
            assert made.data[flag.start : flag.end].startswith(b"--")


# The packaged parser gives up on these; see test_pattern_substitutions_do_not_hide_a_heredoc.
PATTERN_SUBSTITUTION = re.compile(rb"\$\{(?:\w+|[@*#?$!-])?[#%/]")

PIECES = st.sampled_from(
    [b"FROM ", b"RUN ", b"COPY ", b"ONBUILD ", b"ARG ", b"<<", b"<<-", b"EOF", b"\n", b"\r\n", b"\\", b"`", b"\\\n", b"#",
     b"# escape=`\n", b"'", b'"', b"$", b"${", b"}", b":-", b"--from=", b"--mount=", b",", b"from=", b"=", b" ", b"\t", b"[",
     b"]", b"a", b"A", b"0", b"x:1", b"AS ", b"\xff", b"\xc2\xa0", b"\xef\xbb\xbf", b"--"]
)  # fmt: skip


@given(st.one_of(st.binary(max_size=120), st.lists(PIECES, max_size=25).map(b"".join)))
def test_any_bytes_give_instructions_with_spans_in_order(data: bytes) -> None:
    position = 0
    for one in lex(data):
        assert position <= one.start < one.end <= len(data)
        assert [one.words, one.flags, one.value, one.inner, one.exec_form, one.end_line] != []
        position = one.end


@given(st.lists(PIECES.filter(bytes.isascii), max_size=20).map(b"".join))
def test_the_cheap_walk_finds_the_same_instructions_that_can_name_an_image(data: bytes) -> None:
    every = {(one.start, one.end, one.line, one.keyword): one for one in lex(data)}
    cheap = [(one.start, one.end, one.line, one.keyword) for one in lex_for_images(data)]
    assert set(cheap) <= every.keys()
    for key, one in every.items():
        if one.keyword in ("FROM", "ARG", "ONBUILD") or (one.keyword in ("COPY", "RUN") and one.flags):
            assert key in cheap


@given(st.lists(PIECES.filter(bytes.isascii), max_size=20).map(b"".join))
@example(b"FROM --from='FROM ")
@example(b"# escape=`\n` ")
def test_odd_ascii_is_read_as_the_reference_parser_reads_it(data: bytes) -> None:
    expected = reference_parser(data)
    if expected is not None and not any(PATTERN_SUBSTITUTION.search(one.logical[0].whole) for one in lex(data)):
        assert our_lexer(data) == expected


def test_a_deeply_nested_substitution_is_read_and_does_not_overflow() -> None:
    data = b"FROM a\nRUN " + b"${x:-" * 5000 + b"}" * 5000 + b" <<EOF\nEOF\n"
    assert [one.keyword for one in lex(data)][:2] == ["FROM", "RUN"]


# ---- where we differ from the reference parser on purpose


def test_pattern_substitutions_do_not_hide_a_heredoc() -> None:
    """BuildKit knows `${x#y}`, `${x%y}` and `${x/y/z}` by now; the packaged parser is older and gives up on the line."""
    for word in ("${x#y}", "${x##y}", "${x%y}", "${x/y/z}", "${x//y/z}", "${x/}/z}"):
        data = f"RUN echo {word} <<EOF\nFROM evil:1\nEOF\n".encode()
        assert [one.keyword for one in lex(data)] == ["RUN"]
        assert len(reference_parser(data) or []) == 3


def test_a_pattern_substitution_without_its_second_slash_hides_the_heredoc() -> None:
    """BuildKit looks for the slash up to the end of the line, and gives up without it."""
    assert [one.keyword for one in lex(b"RUN echo ${x/y} <<EOF\nRUN x\nEOF\n")] == ["RUN", "RUN", "EOF"]


def test_an_escape_character_at_the_end_of_an_argument_stays() -> None:
    """The builder drops it from a word; words here are as written."""
    assert [word.text for word in lex(b"ARG a\\\\\\")[0].words] == ["a\\\\\\"]


def test_the_check_directive_does_not_end_the_directives() -> None:
    """`check` is a parser directive since Dockerfile syntax 1.8; to the packaged parser it is a comment."""
    assert parser_directives(b"# check=skip=all\n# escape=`\nFROM a `\n AS b\n") == {"check": "skip=all", "escape": "`"}


def test_flags_that_are_not_ascii_stay_whole() -> None:
    """The packaged parser cuts flags at some bytes of UTF-8 and takes each byte for a character."""
    assert [flag.text for flag in lex("RUN --à=1 x\n".encode())[0].flags] == ["--à=1"]


def test_a_second_escape_directive_is_no_reason_to_give_up() -> None:
    data = b"# escape=`\n# escape=\\\nFROM a `\n AS b\n"
    assert reference_parser(data) is None
    assert [one.keyword for one in lex(data)] == ["FROM"]
