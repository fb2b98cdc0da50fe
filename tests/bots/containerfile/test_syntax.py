from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.containerfile import problems
from tests.bots.containerfile.generated import Made, containerfiles


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "line 1: the file has no instruction; start with FROM"),
        ("# only a comment\n", "line 1: the file has no instruction; start with FROM"),
        ("FROM a\n\nRUNN x\n", "line 3: unknown instruction 'RUNN'"),
        ("FROM\n", "line 1: FROM names no image"),
        ("FROM a b\n", "line 1: FROM takes an image, or an image AS a stage name (a comment needs its own line)"),
        ("FROM a # x\n", "line 1: FROM takes an image, or an image AS a stage name (a comment needs its own line)"),
        ("FROM a AS 1x\n", "line 1: '1x' cannot name a stage; use letters, digits, dot, dash, underscore"),
        ("FROM a AS x\nFROM b AS X\n", "line 2: stage x is already defined on line 1"),
        ("FROM a\nRUN <<EOF\nx\n", "line 2: the here-document 'EOF' has no end; put EOF alone on a line"),
        ("RUN x\nFROM a\n", "line 1: RUN stands above the first FROM; only ARG can"),
        ("ARG A=1\n", "line 1: the file has no FROM"),
        ("FROM a\nONBUILD\n", "line 2: ONBUILD names no instruction"),
        ("FROM a\nONBUILD FROM b\n", "line 2: ONBUILD cannot hold 'FROM'"),
        ("FROM a\n\\\n", "line 2: a continuation leads to no instruction"),
        ("# escape=x\nFROM a\n", "line 1: the escape directive says 'x'; only \\ and ` are possible"),
    ],
)
def test_what_a_builder_refuses_is_said_with_its_line(data: str, message: str) -> None:
    assert [str(problem) for problem in problems(data.encode())] == [message]


@given(containerfiles())
def test_a_good_file_has_no_problems(made: Made) -> None:
    assert problems(made.data) == []


@given(st.binary(max_size=80))
def test_any_bytes_give_problems_in_the_order_of_lines(data: bytes) -> None:
    lines = [problem.line for problem in problems(data)]
    assert lines == sorted(lines)
