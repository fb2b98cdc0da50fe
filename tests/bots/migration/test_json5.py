"""JSON as people write it into configuration files."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.migration.json5tree import Json5Error, load_json5

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_all_json_is_read_as_json(value: object) -> None:
    assert load_json5(json.dumps(value).encode()).data == value
    assert load_json5(json.dumps(value, indent=1, ensure_ascii=False).encode()).data == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{a: 1, $b_2: 2,}", {"a": 1, "$b_2": 2}),
        ("// first\n['x', /* and\n * so on */ \"y\",]", ["x", "y"]),
        ("'it\\'s \\x41\\u00e9\\\nhere'", "it's Aéhere"),
        ('"\\ud83d\\ude00"', "😀"),
        ("[0x1F, .5, 5., +1, -Infinity]", [31, 0.5, 5.0, 1, float("-inf")]),
        ("\ufeff{}", {}),
    ],
)
def test_what_json5_adds(text: str, value: object) -> None:
    assert load_json5(text.encode()).data == value


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "the file is empty"),
        ("{\n'a': 1\n'b': 2}", 3, "`,` is expected here"),
        ("{a: 1,\na: 2}", 2, "`a` is here twice (first on line 1); keep one"),
        ("{a: yes}", 1, "`yes` needs quotes"),
        ("{a: [1,\n2", 2, "the end is missing: a } or ]"),
        ("{a: 'x\n'}", 1, "this text does not end on its line; a quote is missing"),
        ("{}\n{}", 2, "there is more after the end"),
        ("/* no end", 1, "this comment has no end"),
        ("[" * 30, 1, "this is nested more than 20 levels deep"),
        (f"[{'9' * 50}]", 1, "a number of more than 40 characters"),
        ("[,]", 1, "a value is expected here"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(Json5Error) as error:
        load_json5(text.encode())
    assert (error.value.line, str(error.value)) == (line, what)


def test_bytes_that_are_no_text_and_files_without_end_are_refused() -> None:
    with pytest.raises(Json5Error, match="not UTF-8 text"):
        load_json5(b'{"a": "\xff"}')
    with pytest.raises(Json5Error, match="larger than 256 KiB"):
        load_json5(b" " * 300_000)


def test_lines_are_known_by_path() -> None:
    document = load_json5(b'{\n "rules": [\n  {"a": 1},\n  {"b": 2}\n ]\n}')
    assert document.line(("rules", 1)) == 4
    assert document.line(("rules", 1, "b")) == 4
    assert document.line(("rules",)) == 2
