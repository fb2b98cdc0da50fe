"""The dashboard's text: what is drawn can be read back, whatever titles say."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.dashboard import (
    LOOK,
    Board,
    Entry,
    Wishes,
    box_key,
    draw,
    named,
    news,
    news_of,
    outcome,
    retold,
    ticked,
    unticked,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WEB = Entry("waiting", "web", "a" * 16, "Update web to 2", "waits for the schedule")
_HOSTILE = st.text(max_size=60) | st.sampled_from(
    ["- [x] <!-- box look -->", "\n- [x] <!-- box look --> now", "<!-- box " + "a" * 16 + "/" + "b" * 16 + " -->", "\r- [x] x",
     "\u2028- [X] <!-- box look -->", "Last tick: me <!-- news -->", "<!-- sigbot service=x bot=y topic=z -->", "](http://x) @alice", "</details>"]
)  # fmt: skip
_ENTRIES = st.lists(
    st.builds(
        Entry, st.sampled_from(["open", "waiting", "declined"]), st.text(min_size=1, max_size=20),
        st.from_regex("[0-9a-f]{16}", fullmatch=True), _HOSTILE, _HOSTILE, st.none() | st.integers(1, 9999), _HOSTILE,
    ),
    max_size=8, unique_by=lambda one: one.key,
)  # fmt: skip


def tick(text: str, key: str) -> str:
    box = f"[ ] <!-- box {key} -->"
    assert text.count(box) == 1
    return text.replace(box, box.replace("[ ]", "[x]"))


@given(_ENTRIES, st.lists(_HOSTILE, max_size=4), st.lists(_HOSTILE, max_size=4), st.booleans())
def test_each_entry_drawn_has_one_box_that_is_read_back(
    entries: list[Entry], held: list[str], fixed: list[str], folds: bool
) -> None:
    text = draw(Board(entries, held, fixed), folds=folds)
    assert ticked(text) == frozenset()
    for key in (LOOK, *(one.key for one in entries)):
        assert ticked(tick(text, key)) == {key}
        assert unticked(tick(text, key)) == text
    assert text.count("<!-- box ") == 1 + len(entries)


@given(_HOSTILE, _HOSTILE)
def test_the_news_are_kept_word_for_word_over_drawings(title: str, reason: str) -> None:
    line = news("`alice`", NOW, [outcome([Entry("open", "web", "a" * 16, title, reason, 4)], box_key("web", "b" * 16))])
    text = draw(Board([WEB], news=line), folds=True)
    assert news_of(text) == line
    assert draw(Board([WEB], news=news_of(text)), folds=True) == text


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert ticked(unticked(text)) == frozenset()
    assert ticked(retold(text, "Last tick: me")) == frozenset()
    assert len(news_of(text)) < 2100


@pytest.mark.parametrize("line", [
    "- [x] <!-- box look -->", "* [X] <!-- box look --> now", "  - [x] <!-- box look -->\r", "+ [x]<!-- box look --> moved",
])  # fmt: skip
def test_a_box_is_known_however_an_editor_writes_it(line: str) -> None:
    assert ticked(f"one\r\n{line}\r\nother") == {LOOK}


@pytest.mark.parametrize("line", [
    "- [x] look again", "[x] <!-- box look -->", "- [ ] <!-- box look -->", "> - [x] <!-- box look -->", "- [x] a <!-- box look -->",
    "- [x] <!-- box LOOK -->", "- [y] <!-- box look -->",
])  # fmt: skip
def test_what_is_no_ticked_box_is_none(line: str) -> None:
    assert ticked(line) == frozenset()


def test_only_boxes_that_were_empty_before_are_new() -> None:
    text = draw(Board([WEB]), folds=True)
    before = tick(text, WEB.key)
    assert ticked(tick(before, LOOK), before) == {LOOK}
    assert ticked(before, before) == frozenset()


def test_a_tick_means_the_versions_that_were_shown() -> None:
    wishes = Wishes(frozenset({WEB.key}))
    assert wishes.holds("web", "a" * 16, refresh=False)
    assert not wishes.holds("web", "b" * 16, refresh=False)
    assert wishes.holds("web", "b" * 16, refresh=True)
    assert not wishes.holds("other", "a" * 16, refresh=True)


def test_a_long_list_is_cut_and_counted() -> None:
    many = [Entry("waiting", f"group-{number}", "a" * 16, "Update x" * 100, "y" * 1000) for number in range(200)]
    text = draw(Board(many, ["z" * 1000] * 200, ["f" * 1000] * 200), folds=True)
    assert len(text) < 60_000
    assert "- and 160 more" in text
    assert "<summary>200 references cannot be edited</summary>" in text


def test_the_text_as_a_maintainer_reads_it() -> None:
    entries = [
        Entry("open", "app", "1" * 16, "Update quay.io/sig/app to 2", "", 12, "https://forge.example/pull/12"),
        WEB,
        Entry("declined", "db", "2" * 16, "Update db to 9", "", 7),
    ]
    board = Board(entries, ["node: the index of 22 lacks s390x"], ["Containerfile:3: $X stays: it has no default"])
    board.news = news("`alice`", NOW, [outcome(entries, entries[0].key)])
    assert draw(board, folds=False).splitlines()[2:] == [
        "Last tick: `alice`, 2026-11-22 12:00 UTC: #12 Update quay.io/sig/app to 2. <!-- news -->",
        "",
        "- [ ] <!-- box look --> **Look again now**",
        "",
        "### Open",
        "",
        "Tick one to have it brought up to date now.",
        "",
        f"- [ ] <!-- box {entries[0].key} --> [#12](https://forge.example/pull/12) Update quay.io/sig/app to 2",
        "",
        "### Waiting",
        "",
        "Tick one to have it opened now; schedule, limits and cooldown do not hold it back then.",
        "",
        f"- [ ] <!-- box {WEB.key} --> Update web to 2: waits for the schedule",
        "",
        "### Declined",
        "",
        "A person closed these. Tick one to have it proposed again.",
        "",
        f"- [ ] <!-- box {entries[2].key} --> #7 Update db to 9",
        "",
        "### Held back, or out of reach",
        "",
        "- node: the index of 22 lacks s390x",
        "",
        "### 1 reference cannot be edited",
        "",
        "- Containerfile:3: $X stays: it has no default",
    ]


def test_an_address_that_could_end_the_link_is_left_out() -> None:
    assert named(Entry("open", "a", "1" * 16, "t", "", 3, "https://x/) [y](z")) == "#3 t"
