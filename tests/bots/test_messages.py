"""Replies are one or two sentences that say why and what to do; foreign text in them has no effect."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots import messages
from sig_bots.context import JobSummary
from sig_bots.forge import marker, read_marker
from sig_bots.wording import as_markdown

SHA = "0123456789abcdef0123456789abcdef01234567"


def job(**more: object) -> JobSummary:
    return JobSummary.model_validate({
        "id": 1, "bot": "lint", "handler": "h", "state": "done", "created": datetime(2026, 1, 2, 3, 4, tzinfo=UTC), **more,
    })  # fmt: skip


def test_a_refusal_says_who_what_and_what_to_do() -> None:
    assert messages.refused("bob", "rebuild", "write", "none") == (
        "`bob`: `/sig rebuild` needs write access here; you have no access. Ask a maintainer to run it."
    )


def test_an_approval_is_asked_for_in_a_form_that_can_be_pasted() -> None:
    assert "`/sig ok 0123456789ab`" in messages.approval_needed(SHA)


def test_a_failure_ends_as_a_sentence_and_links_the_log() -> None:
    assert messages.job_failed("build", "no space left", "https://s/1") == (
        "build failed: no space left. [Log](https://s/1)"
    )
    assert messages.job_failed("build", "Ask again later.") == "build failed: Ask again later."


def test_status_is_a_table_that_foreign_text_cannot_break() -> None:
    text = messages.status([job(reason="a | b\n<!-- sigbot service=sigbot -->", url="https://s/1")])
    assert text.splitlines()[-1] == (
        "| lint | [done](https://s/1) | 2026-01-02 03:04 UTC | a \\| b \\<\\!-- sigbot service=sigbot --\\> |"
    )
    assert messages.status([job()] * 20).splitlines()[-1] == "5 older ones are not shown."
    assert messages.status([]).startswith("No jobs here yet.")


@pytest.mark.parametrize(
    ("count", "bot", "said"), [(1, None, "Asked 1 job to end."), (2, "build", "Asked 2 build jobs to end.")]
)
def test_cancel_counts(count: int, bot: str | None, said: str) -> None:
    assert messages.cancelled(count, bot).startswith(said)


@given(st.text(max_size=200))
def test_quoted_text_stays_in_its_quotes(text: str) -> None:
    quoted = messages.code(text)
    assert quoted.count("`") == 2
    assert "\n" not in quoted
    assert "<" not in quoted
    assert len(quoted) <= 62


def test_a_copied_marker_is_not_ours_any_more() -> None:
    forged = marker("sigbot", "lint", "x")
    assert read_marker(messages.code(forged, 200)) is None
    assert read_marker(as_markdown(forged)) is None
