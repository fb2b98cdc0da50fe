"""Counted nouns, and one-line texts without Markdown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sig_bots.wording import as_markdown, counted, in_words, plain_line, unescaped


@pytest.mark.parametrize(
    ("words", "said"),
    [((1, "image"), "1 image"), ((0, "image"), "0 images"), ((2, "matter of style", "matters of style"), "2 matters of style")],
)  # fmt: skip
def test_one_thing_is_singular_and_none_or_more_are_plural(words: tuple[int, str], said: str) -> None:
    assert counted(*words) == said


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("write `/sig ok 0123`; a later\npush needs a new one", "write /sig ok 0123; a later push needs a new one"),
        ("lint failed: no answer. [Log](https://s/jobs/1)", "lint failed: no answer. Log"),
        ("**Lint: all fixed.** \\*c\\* is `a*b`", "Lint: all fixed. *c* is a*b"),
        ("RUN a && [ -f x ] (not a link)", "RUN a && [ -f x ] (not a link)"),
    ],
)
def test_markdown_is_taken_out_of_a_line(markdown: str, plain: str) -> None:
    assert plain_line(markdown) == plain


@given(st.text(st.sampled_from("ab `*_[]()<>!|#\\@:/\n\x07"), max_size=60))
def test_plain_text_written_as_markdown_becomes_only_text(text: str) -> None:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parseInline(as_markdown(text))
    children = tokens[0].children or []
    assert {child.type for child in children} <= {"text", "softbreak", "hardbreak", "text_special"}


@pytest.mark.parametrize(("name", "said"), [("after_push", "after push"), ("command:ok", "/sig ok"), ("push", "push")])
def test_a_name_of_the_code_is_said_in_words(name: str, said: str) -> None:
    assert in_words(name) == said


def test_a_terminal_shows_no_backslashes_but_those_of_code() -> None:
    assert unescaped(r"\[x\] \(a\_b\) `\(c\_d\)` \d") == r"[x] (a_b) `\(c\_d\)` \d"


@pytest.mark.parametrize(
    "text", ["www.evil.example", "see WWW.evil.example", "GH-1", "(gh-12)", "https://evil.example"]
)
def test_what_forges_link_on_their_own_is_broken_up(text: str) -> None:
    shown = as_markdown(text)
    assert unescaped(shown).replace("\u200b", "") == text
    assert "\u200b" in shown
