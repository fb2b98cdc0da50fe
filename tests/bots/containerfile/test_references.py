from __future__ import annotations

import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.containerfile import Reference, references
from sig_bots.containerfile.patterns import cut
from tests.bots.containerfile.generated import Made, containerfiles
from tests.bots.containerfile.nasty import D1, FILES, Case
from tests.bots.containerfile.test_lexer import PIECES


def one(data: bytes) -> Reference:
    (found,) = references(data)
    return found


@pytest.mark.parametrize("case", FILES, ids=[case.name for case in FILES])
def test_hand_written_files_give_the_images_they_use(case: Case) -> None:
    found = [
        (
            use.instruction, use.resolved, use.kind, use.line,
            case.data[use.edit_start : use.edit_end].decode() if use.editable else None,
        )
        for use in references(case.data)
    ]  # fmt: skip
    assert found == case.expected


@pytest.mark.parametrize("case", FILES, ids=[case.name for case in FILES])
def test_a_reference_that_cannot_be_edited_says_why(case: Case) -> None:
    for use in references(case.data):
        assert bool(use.reason) != use.editable


@pytest.mark.parametrize("case", FILES, ids=[case.name for case in FILES])
def test_a_place_that_cannot_be_edited_is_the_word_itself_or_a_default(case: Case) -> None:
    for use in references(case.data):
        inside = any(piece.exact and piece.start <= use.edit_start <= use.edit_end <= piece.end for piece in use.pieces)
        assert inside or (use.edit_start, use.edit_end) == (use.start, use.end)


@given(containerfiles())
def test_generated_files_give_the_images_they_use(made: Made) -> None:
    assert [use.resolved for use in references(made.data)] == list(made.images)


@given(containerfiles())
def test_a_reference_stands_where_it_says(made: Made) -> None:
    for use in references(made.data):
        assert made.data[use.start : use.end].decode() == use.text
        assert made.data.count(b"\n", 0, use.start) + 1 == use.line


@given(st.one_of(st.binary(max_size=120), st.lists(PIECES, max_size=25).map(b"".join)))
def test_any_bytes_give_references_or_none(data: bytes) -> None:
    for use in references(data):
        assert 0 <= use.start <= use.end <= len(data)
        assert use.image is not None or not use.editable


def test_the_word_is_found_also_when_it_is_a_variable() -> None:
    data = b"ARG BASE=quay.io/a/b:1\nFROM $BASE\n"
    assert data[one(data).start : one(data).end] == b"$BASE"


def test_tag_and_digest_are_told_apart() -> None:
    use = one(f"FROM localhost:5000/x:1@{D1}\n".encode())
    assert (use.tag, use.digest) == ("1", D1)
    assert use.image is not None
    assert use.image.registry == "localhost:5000"


def test_a_stage_without_a_name_is_called_by_its_number() -> None:
    assert [use.stage for use in references(b"FROM a:1 AS One\nFROM b:1\n")] == ["one", "1"]


def test_the_platform_flag_is_kept() -> None:
    use = one(b"FROM --platform=linux/arm64 a:1\n")
    assert use.platform == "linux/arm64"


def test_onbuild_names_the_inner_instruction_and_is_marked() -> None:
    use = references(b"FROM a:1\nONBUILD COPY --from=b:1 x y\n")[1]
    assert (use.instruction, use.onbuild) == ("COPY", True)


def test_build_arguments_take_the_place_of_defaults() -> None:
    use = references(b"ARG V=41\nFROM fedora:$V\n", {"V": "42"})[0]
    assert (use.resolved, use.editable) == ("fedora:42", False)
    assert "outside this file" in use.reason


def test_a_platform_argument_can_be_given() -> None:
    assert references(b"FROM quay.io/x/y:1-$TARGETARCH\n", {"TARGETARCH": "arm64"})[0].resolved == "quay.io/x/y:1-arm64"


def test_the_reason_names_a_hidden_declaration_and_the_remedy() -> None:
    reason = references(b"FROM a:1\nARG V=1\nFROM b:$V\n")[1].reason
    assert "line 2" in reason
    assert "before the first FROM" in reason


def test_the_reason_names_the_other_image_an_arg_feeds() -> None:
    """zwave-js/zwave-js-ui#4817: a digest put into a shared ARG broke every platform."""
    reason = references(b"ARG V=3.20\nFROM node:22-alpine$V\nFROM alpine:$V\n")[0].reason
    assert "alpine:3.20 on line 3" in reason


def test_each_obstacle_of_an_arg_has_its_own_words() -> None:
    reasons = [
        references(text.encode())[-1].reason
        for text in ("ARG V=1\nARG V=2\nFROM a:$V\n", "ARG V=1\\\n2\nFROM a:$V\n", "ARG V=1.2\nFROM a:${V%.*}\n")
    ]
    assert ["several defaults" in reasons[0], "over several lines" in reasons[1], "only a part" in reasons[2]] == [
        True
    ] * 3


@given(st.text("ab.*-", max_size=8), st.sampled_from(["#", "##", "%", "%%"]), st.text("ab.*-", max_size=5))
def test_patterns_cut_as_the_shell_cuts(value: str, operator: str, pattern: str) -> None:
    script = f'printf %s "${{1{operator}{pattern}}}"'
    shell = subprocess.run(["bash", "-c", script, "-", value], capture_output=True, text=True, check=True)
    assert cut(value, operator, pattern) == shell.stdout


def test_a_long_value_and_a_pattern_of_stars_take_linear_time() -> None:
    assert cut("a" * 100_000, "%", "*a*a*a*a*b") == "a" * 100_000


def test_a_deep_default_is_given_up_with_a_reason() -> None:
    use = one(b"FROM " + b"${A:-" * 500 + b"x" + b"}" * 500 + b"\n")
    assert not use.editable
    assert "not understood" in use.reason


def test_many_lines_are_read_in_linear_time() -> None:
    data = b"FROM a:1\n" + b"RUN x \\\n" * 20_000 + b" y\n" + b"COPY --from=b:1 x y\n" * 2_000
    assert len(references(data)) == 2_001


def test_args_that_double_each_other_do_not_grow_without_end() -> None:
    doubling = "".join(f"ARG A{number + 1}=$A{number}$A{number}\n" for number in range(60))
    use = one(f"ARG A0=x\n{doubling}FROM $A60\n".encode())
    assert not use.editable
    assert "too long" in use.reason


def test_a_long_word_with_a_stray_dollar_is_read_in_linear_time() -> None:
    assert not one(b"FROM " + b"a" * 50_000 + b"$\n").editable


def test_a_name_with_many_platform_arguments_is_compared_in_linear_time() -> None:
    data = b"FROM a:1 AS " + b"x" * 200 + b"\nFROM " + b"x${TARGETARCH}" * 60 + b"y\n"
    assert [use.resolved for use in references(data)] == ["a:1", None]


@pytest.mark.parametrize("many", [b"RUN --mount=" + b"from=a," * 40_000, b"COPY " + b"--from=a " * 40_000])
def test_sources_without_end_take_time_by_their_number_only(many: bytes) -> None:
    began = time.process_time()
    assert references(b"FROM a\n\\\n" + many + b" x /\n")[-1].line == 3
    assert time.process_time() - began < 4
