"""Values of ARG, ENV and LABEL: where they stand, which can be edited, and that an edit changes only their bytes."""

from __future__ import annotations

import dockerfile
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sig_bots.containerfile import EditRefused, lex, references
from sig_bots.containerfile.assignments import Assignment, assignments, set_values
from tests.bots.containerfile.generated import Made, containerfiles
from tests.bots.containerfile.nasty import FILES, Case


def only(text: str, what: str) -> Assignment:
    (found,) = (one for one in assignments(text.encode()) if one.what == what)
    return found


def changed(text: str, what: str, new: str = "9.9") -> str:
    return set_values(text.encode(), {only(text, what).start: new}).decode()


@pytest.mark.parametrize(
    ("text", "what", "after"),
    [
        ("ARG X=1.2\nFROM a\n", "ARG X", "ARG X=9.9\nFROM a\n"),
        ('FROM a\nARG X="1.2"\n', "ARG X", 'FROM a\nARG X="9.9"\n'),
        ("FROM a\nARG X='1.2'\n", "ARG X", "FROM a\nARG X='9.9'\n"),
        ("FROM a\nARG W=1.2 X=1.2 Y=1.2\n", "ARG X", "FROM a\nARG W=1.2 X=9.9 Y=1.2\n"),
        ("FROM a\nARG W X=1.2\n", "ARG X", "FROM a\nARG W X=9.9\n"),
        ("FROM a\nENV X=1.2 Y=3\n", "ENV X", "FROM a\nENV X=9.9 Y=3\n"),
        ("FROM a\nENV Y=3 X='1.2'\n", "ENV X", "FROM a\nENV Y=3 X='9.9'\n"),
        ("FROM a\nENV X 1.2\n", "ENV X", "FROM a\nENV X 9.9\n"),
        ('FROM a\nenv\tX  "1.2" \n', "ENV X", 'FROM a\nenv\tX  "9.9" \n'),
        ('FROM a\nLABEL version="1.2" a=b\n', "LABEL version", 'FROM a\nLABEL version="9.9" a=b\n'),
        ('FROM a\nLABEL "org.x.version"=1.2\n', "LABEL org.x.version", 'FROM a\nLABEL "org.x.version"=9.9\n'),
        ("FROM a\nLABEL version 1.2\n", "LABEL version", "FROM a\nLABEL version 9.9\n"),
        ("FROM a\nLABEL a=b \\\n  # c\n\n  version=1.2 \\\n  d=e\n", "LABEL version", "FROM a\nLABEL a=b \\\n  # c\n\n  version=9.9 \\\n  d=e\n"),
        ("FROM a\r\nARG X=1.2\r\nRUN x\r\n", "ARG X", "FROM a\r\nARG X=9.9\r\nRUN x\r\n"),
        ("# escape=`\nFROM a\nENV A=1 `\n X=1.2\n", "ENV X", "# escape=`\nFROM a\nENV A=1 `\n X=9.9\n"),
        ("FROM a\nONBUILD ENV X=1.2\n", "ENV X", "FROM a\nONBUILD ENV X=9.9\n"),
        ("FROM a\nARG X=1.2", "ARG X", "FROM a\nARG X=9.9"),
        ("\ufeffFROM a\nARG X=1.2\n", "ARG X", "\ufeffFROM a\nARG X=9.9\n"),
        ("FROM a\nARG é=ü X=1.2\n", "ARG X", "FROM a\nARG é=ü X=9.9\n"),
    ],
)  # fmt: skip
def test_only_the_bytes_of_the_value_change(text: str, what: str, after: str) -> None:
    assert changed(text, what) == after


@pytest.mark.parametrize(
    ("text", "what", "reason"),
    [
        ("FROM a\nARG X=$Y\n", "ARG X", "put together from variables"),
        ("FROM a\nENV X=${Y:-1.2}\n", "ENV X", "put together from variables"),
        ("FROM a\nENV X=1.2-$Y\n", "ENV X", "put together from variables"),
        ("FROM a\nENV X=1\\ 2\n", "ENV X", "written with escapes"),
        ("FROM a\nENV X=1.'2'\n", "ENV X", "quoted pieces"),
        ("FROM a\nENV X=\"1.2'\n", "ENV X", "quoted pieces"),
        ("FROM a\nARG X=1.\\\n2\n", "ARG X", "split over lines"),
        ("FROM a\nENV X 1.2 3\n", "ENV X", "more than one word"),
        ("FROM a\nARG X=\n", "ARG X", "is empty"),
        ('FROM a\nARG X=""\n', "ARG X", "is empty"),
        ("ARG X=1.2\nFROM node:$X\n", "ARG X", "part of the image node:1.2 on line 2"),
        ("ARG X=1\nARG Y=node:$X\nFROM $Y\n", "ARG X", "part of the image node:1 on line 3"),
        ("ARG X=1.2\nFROM node:${X%.*}\n", "ARG X", "part of the image node:1 on line 2"),
        ("FROM a\nARG X=1\nCOPY --from=node:$X /a /b\n", "ARG X", "part of the image node:1 on line 3"),
    ],
)
def test_what_cannot_be_edited_says_why(text: str, what: str, reason: str) -> None:
    found = only(text, what)
    assert reason in found.reason
    with pytest.raises(EditRefused, match=f"{what} on line .* cannot be edited"):
        set_values(text.encode(), {found.start: "9.9"})


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nRUN <<EOF\nARG X=1.2\nENV X=1.2\nEOF\n",
        "FROM a\nRUN <<-A <<B cat\nARG X=1\nA\nENV X=1\nB\n",
        "FROM a\nCOPY <<'E' /x\nLABEL X=1.2\nE\n",
        "FROM a\nRUN echo \\\nARG X=1.2\n",
        "# ARG X=1.2\nFROM a\n",
        "FROM a\nARG X\n",
        "FROM a\nENV X\n",
        "FROM a\nONBUILD RUN X=1\n",
    ],
)
def test_what_is_no_value_is_not_found(text: str) -> None:
    assert assignments(text.encode()) == []


def test_values_of_one_name_in_several_stages_are_told_apart() -> None:
    text = b"ARG X=1\nFROM a AS one\nARG X=2\nENV X=3\nFROM b\nARG X\nARG X=4\n"
    found = [(one.what, one.value, one.stage, one.line) for one in assignments(text)]
    assert found == [("ARG X", "1", None, 1), ("ARG X", "2", 0, 3), ("ENV X", "3", 0, 4), ("ARG X", "4", 1, 7)]
    starts = {one.start: "9" for one in assignments(text) if one.stage is not None}
    assert set_values(text, starts) == b"ARG X=1\nFROM a AS one\nARG X=9\nENV X=9\nFROM b\nARG X\nARG X=9\n"


@pytest.mark.parametrize("text", ["1 2", "1\n2", "$X", "`x`", '1"2', "", "-1", "1#2", "x" * 200, "1=2", "1\\"])
def test_a_text_that_would_need_quotes_is_refused(text: str) -> None:
    data = b"FROM a\nARG X=1\n"
    with pytest.raises(EditRefused, match="no plain version"):
        set_values(data, {assignments(data)[0].start: text})


def test_an_arg_that_picks_a_stage_is_refused_because_other_images_would_be_used() -> None:
    data = b"ARG T=v1\nFROM a:1 AS v1\nFROM b:1 AS v2\nFROM ${T}\n"
    with pytest.raises(EditRefused, match="would change something else as well"):
        set_values(data, {assignments(data)[0].start: "v2"})


def test_a_value_that_is_no_longer_there_is_refused() -> None:
    with pytest.raises(EditRefused, match="no longer where it was"):
        set_values(b"FROM a\n", {3: "1"})


@pytest.mark.parametrize("case", FILES, ids=[case.name for case in FILES])
def test_each_value_of_a_nasty_file_takes_another_one_and_nothing_else_moves(case: Case) -> None:
    for one in assignments(case.data):
        if not one.reason:
            assert exactly_changed(case.data, one)


values = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,20}", fullmatch=True)
lines = st.sampled_from([
    b"ARG P=1.2", b'ARG P="1.2" Q=\'3\'', b"ENV P=1.2 Q=3", b"ENV P 1.2", b'LABEL p="1.2" "q"=3', b"LABEL a=b \\\n # c\n  p=1.2", b"arg P = 1",
    b"ENV P=\\\n1.2", b"ENV P=$Q", b"ONBUILD ARG P=1.2", b"ENV P='1' # x=2", b"LABEL p='a b' q=1",
])  # fmt: skip


@given(containerfiles(), st.lists(lines, min_size=1, max_size=4), st.integers(0, 9), values)
def test_an_edit_of_a_generated_file_changes_only_the_bytes_of_the_value(
    made: Made, more: list[bytes], pick: int, new: str
) -> None:
    newline = b"" if made.data.endswith(b"\n") or not made.data else b"\n"
    data = made.data + newline + b"".join(line + b"\n" for line in more)
    found = [one for one in assignments(data) if not one.reason]
    assume(found)
    assert exactly_changed(data, found[pick % len(found)], new)


pieces = st.sampled_from([
    "X=1.2", 'Y="3 4"', "Z='5'", "W=a\\ b", "V", "U=$X", '"k"=1', 'T=1"2"', "S=", 'R=""', "Q=1=2", "P='a\"b'", "O=\"a\\\"b\"", "'a=b'=c", "N=#1", "é=ü",
    "M=${X:-1 2}", "=1", "L=1\\", "K=1.\\\n2", '"J', "I='1\\'2", "H=1;2", "[\"a\"]", "<<EOF", "G=`x`",
])  # fmt: skip
gaps = st.sampled_from([" ", "  ", "\t", " \\\n", " \\\n # c\n\n  ", "\\\n "])


@given(
    st.sampled_from(["ARG", "ENV", "LABEL", "arg", "Env"]),
    st.lists(st.tuples(gaps, pieces), min_size=1, max_size=5),
    st.sampled_from(["", "\n", " \n", "\r\n"]),
)
def test_names_and_values_are_those_of_the_reference_parser(
    keyword: str, words: list[tuple[str, str]], end: str
) -> None:
    text = f"FROM a\n{keyword}" + "".join(gap + word for gap, word in words) + end
    try:
        (_, command) = dockerfile.parse_string(text)
    except (dockerfile.GoParseError, ValueError):
        return  # refused, or one of its parts is an instruction of its own
    if command.cmd.upper() == "ARG":
        wanted = [tuple(word.split("=", 1)) for word in command.value if "=" in word]
    else:
        wanted = list(zip(command.value[::2], command.value[1::2], strict=True))
    found = [one for one in assignments(text.encode()) if named(one.name)]
    wanted = [(unquoted(name), raw) for name, raw in wanted if named(unquoted(name))]
    assert [one.name for one in found] == [name for name, _ in wanted]
    for one, (_, raw) in zip(found, wanted, strict=True):
        assert one.reason or one.value == unquoted(raw)


def named(name: str) -> bool:
    """Whether a rule could mean it: a name with a quote left in it is a mistake, which each reads as it likes."""
    return not set(name) & set("'\"")


def unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0] else text


def exactly_changed(data: bytes, one: Assignment, new: str = "99.9") -> bool:
    try:
        after = set_values(data, {one.start: new})
    except EditRefused as refused:
        return one.keyword == "ARG" and "would change something else" in str(refused)  # it picks a stage, say
    same_images = [each.resolved for each in references(data)] == [each.resolved for each in references(after)]
    same_shape = [each.keyword for each in lex(data)] == [each.keyword for each in lex(after)]
    return after == data[: one.start] + new.encode() + data[one.end :] and same_images and same_shape


@given(st.binary(max_size=300))
def test_any_bytes_give_values_that_stand_where_they_say(data: bytes) -> None:
    for one in assignments(data):
        assert 0 <= one.start <= one.end <= len(data)
        assert one.reason or data[one.start : one.end].decode(errors="surrogateescape") == one.value
