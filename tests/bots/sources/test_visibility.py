"""What a delivery says of its repository, when it became no event."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.sources.visibility import stated_private


@pytest.mark.parametrize(("body", "private"), [
    ({"repository": {"private": True}}, True), ({"repository": {"private": False}}, False), ({"repo": {"private": True}}, True),
    ({"project": {"visibility_level": 20}}, False), ({"project": {"visibility_level": 10}}, True), ({"project": {"visibility_level": 0}}, True),
    ({"repository": {"private": "no"}}, None), ({"repository": None}, None), ({"repository": {}}, None), ({"zen": "x"}, None), ([], None),
    ({"project": {"visibility_level": "20"}}, None),
])  # fmt: skip
def test_only_clear_words_make_it_public(body: object, private: bool | None) -> None:
    assert stated_private(json.dumps(body).encode()) is private


@given(st.binary(max_size=200))
def test_any_bytes_give_an_answer(body: bytes) -> None:
    assert stated_private(body) in (True, False, None)
