from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sig_bots.containerfile import EditRefused, Reference, edit, edit_all, references
from sig_bots.refs import ImageRef
from tests.bots.containerfile.generated import Made, containerfiles
from tests.bots.containerfile.nasty import D1, FILES, Case

D2 = "sha256:" + "b" * 64


def edited(data: str, new: str, index: int = 0) -> str:
    return edit(data.encode(), references(data.encode())[index], new).decode()


def changed_lines(old: bytes, new: bytes) -> list[int]:
    assert old.count(b"\n") == new.count(b"\n")
    return [number for number, (a, b) in enumerate(zip(old.split(b"\n"), new.split(b"\n"), strict=True), 1) if a != b]


@pytest.mark.parametrize("case", FILES, ids=[case.name for case in FILES])
def test_every_editable_reference_takes_a_new_tag_and_nothing_else_moves(case: Case) -> None:
    for index, use in enumerate(references(case.data)):
        if not use.editable or use.image is None or len(use.args) > 1:
            continue
        target = use.image.with_tag(re.sub("[0-9]+", "77", use.tag or "7.7"))
        after = references(edit(case.data, use, target))
        assert after[index].resolved == str(target)
        others = [old.resolved for place, old in enumerate(references(case.data)) if old.resolved != use.resolved]
        assert [new.resolved for new in after if new.resolved != str(target)] == others


@given(containerfiles(), st.integers(0, 9), st.booleans())
def test_an_edit_of_a_generated_file_changes_only_the_intended_bytes(made: Made, pick: int, pinned: bool) -> None:
    use = made_use(made, pick)
    assert use.image is not None
    target = use.image.with_tag("9.9", D2 if pinned else None)
    new = edit(made.data, use, target)
    kept = [old for old in references(made.data) if old.resolved != use.resolved]
    assert [after.resolved for after in references(new) if after.resolved not in (str(target), use.resolved)] == [
        old.resolved for old in kept
    ]
    start, end = min(use.edit_start, use.start), max(use.edit_end, use.end)
    assert new[:start] == made.data[:start]
    assert len(use.args) > 0 or new[len(new) - (len(made.data) - end) :] == made.data[end:]


def made_use(made: Made, pick: int) -> Reference:
    uses = [use for use in references(made.data) if use.editable]
    assume(uses)
    return uses[pick % len(uses)]


def test_case_spacing_comments_and_stage_name_stay() -> None:
    old = "# base\nfrom   fedora:41   As  Base # x\n"
    assert edited("# base\nfrom   fedora:41   As  Base\n", "fedora:42") == "# base\nfrom   fedora:42   As  Base\n"
    assert edited(old, "fedora:42") == old.replace("41", "42")


def test_crlf_and_byte_order_mark_stay() -> None:
    data = b"\xef\xbb\xbfFROM fedora:41\r\nRUN x\r\n"
    assert edit(data, references(data)[0], "fedora:42") == data.replace(b"41", b"42")


def test_bytes_that_are_not_utf8_stay() -> None:
    data = b"FROM fedora:41\nLABEL a=\xff\xfe\n"
    assert edit(data, references(data)[0], "fedora:42") == data.replace(b"41", b"42")


def test_tag_and_digest_are_written_together() -> None:
    assert edited(f"FROM a:1@{D1} AS x\n", f"a:2@{D2}") == f"FROM a:2@{D2} AS x\n"
    assert edited(f"FROM a:1@{D1}\n", "a:2") == "FROM a:2\n"


def test_a_platform_flag_stays() -> None:
    assert edited("FROM --platform=linux/arm64 a:1\n", "a:2") == "FROM --platform=linux/arm64 a:2\n"


def test_the_default_of_an_arg_is_edited_inside_its_quotes() -> None:
    assert edited('ARG X=1 BASE="a:1" Y=2\nFROM $BASE\n', "a:2") == 'ARG X=1 BASE="a:2" Y=2\nFROM $BASE\n'


def test_a_default_inside_the_word_is_edited_there() -> None:
    assert edited("FROM fedora:${V:-41}\n", "fedora:42") == "FROM fedora:${V:-42}\n"


def test_a_default_takes_the_digits_that_join_its_own() -> None:
    assert edited("FROM node:${V:-8}\n", "node:18") == "FROM node:${V:-18}\n"
    assert edited("FROM a:alpine3.${V:-9}\n", "a:alpine3.19") == "FROM a:alpine3.${V:-19}\n"
    assert edited('FROM node:"8"\n', "node:18") == 'FROM node:"18"\n'


def test_a_digest_on_the_line_can_go_while_the_tag_is_an_arg() -> None:
    assert edited(f"ARG V=1\nFROM a:$V@{D1}\n", "a:2") == "ARG V=2\nFROM a:$V\n"
    with pytest.raises(EditRefused, match="exactly one way"):
        edited(f"ARG D=@{D1}\nFROM a:1$D\n", "a:2")


def test_a_registry_held_by_an_arg_stays() -> None:
    assert edited('ARG R=quay.io\nFROM "${R}/a/b:1"\n', "quay.io/a/b:2") == 'ARG R=quay.io\nFROM "${R}/a/b:2"\n'


def test_a_digest_for_a_tag_from_an_arg_goes_on_the_from_line() -> None:
    """renovatebot/renovate#45908: the digest belongs to the composed name, not into one ARG."""
    assert edited("ARG V=41\nFROM fedora:$V AS x\n", f"fedora:42@{D1}") == f"ARG V=42\nFROM fedora:$V@{D1} AS x\n"
    assert edited('ARG V=41\nFROM "fedora:$V"\n', f"fedora:41@{D1}") == f'ARG V=41\nFROM "fedora:$V@{D1}"\n'


def test_a_digest_held_by_an_arg_is_edited_there() -> None:
    assert edited(f"ARG D={D1}\nFROM a:1@$D\n", f"a:2@{D2}") == f"ARG D={D2}\nFROM a:2@$D\n"


def test_two_args_of_a_tag_are_solved_together() -> None:
    """renovatebot/renovate#45909."""
    assert edited("ARG A=3.12 B=41\nFROM p:${A}-fc${B}\n", "p:3.13-fc42") == "ARG A=3.13 B=42\nFROM p:${A}-fc${B}\n"
    assert edited("ARG A=3.12 B=41\nFROM p:${A}-fc${B}\n", "p:3.12-fc42") == "ARG A=3.12 B=42\nFROM p:${A}-fc${B}\n"


def test_an_arg_and_a_suffix_on_the_line_move_together() -> None:
    assert edited("ARG V=1.21\nFROM go:$V-alpine3.18\n", "go:1.22-alpine3.20") == "ARG V=1.22\nFROM go:$V-alpine3.20\n"


def test_a_tag_that_can_be_split_in_two_ways_is_refused() -> None:
    with pytest.raises(EditRefused, match="exactly one way"):
        edited("ARG A=1 B=2\nFROM p:${A}${B}\n", "p:34")


def test_one_image_in_two_stages_moves_once() -> None:
    """renovatebot/renovate#18061: one change of an ARG used by two FROMs."""
    new = edited("ARG V=41\nFROM fedora:$V AS a\nFROM fedora:$V\n", f"fedora:42@{D1}")
    assert new == f"ARG V=42\nFROM fedora:$V@{D1} AS a\nFROM fedora:$V@{D1}\n"


def test_every_use_of_an_image_can_be_moved_at_once() -> None:
    """renovatebot/renovate#1011: the same image in several FROMs; another tag of it stays (dependabot-core#3261)."""
    data = b"FROM a:1 AS x\nFROM a:2 AS y\nFROM a:1\nCOPY --from=a:1 b c\n"
    assert edit_all(data, {"a:1": "a:3"}) == data.replace(b"a:1", b"a:3")


def test_swapping_two_images_ends() -> None:
    assert edit_all(b"FROM a:1\n", {"a:1": ImageRef.parse("b:1"), "b:1": "c:1"}) == b"FROM c:1\n"


def test_edit_all_refuses_an_image_that_is_not_used() -> None:
    with pytest.raises(EditRefused, match="b:1 is not used"):
        edit_all(b"FROM a:1\n", {"b:1": "b:2"})


def test_a_new_name_that_is_a_stage_is_refused() -> None:
    with pytest.raises(EditRefused, match="stage of that name"):
        edited("FROM a:1 AS base\nFROM b:1\n", "base", 1)


def test_a_reference_of_an_older_text_is_refused() -> None:
    use = references(b"FROM a:1\n")[0]
    with pytest.raises(EditRefused, match="read the file again"):
        edit(b"FROM b:1\n", use, "a:2")


def test_what_is_not_editable_is_refused_with_its_reason() -> None:
    with pytest.raises(EditRefused, match="has no default"):
        edited("ARG V\nFROM a:$V\n", "a:2")


def test_what_is_no_reference_is_refused() -> None:
    with pytest.raises(EditRefused, match="not an image reference"):
        edited("FROM a:1\n", "a:1\nRUN evil")


def test_another_name_is_refused_when_it_is_put_together() -> None:
    with pytest.raises(EditRefused, match="only its tag and digest"):
        edited("ARG V=1\nFROM a:$V\n", "b:1")


def test_the_same_again_changes_nothing() -> None:
    assert edited("FROM a:1\n", "a:1") == "FROM a:1\n"


def test_a_mount_is_edited_inside_its_fields() -> None:
    old = "FROM a:1\nRUN --mount=type=bind,from=x:1,target=/x --mount=from=y:1 make\n"
    assert edited(old, "y:2", 2) == old.replace("y:1", "y:2")


def test_an_image_used_without_end_is_refused_at_once() -> None:
    data = b"".join(b"FROM a:1 AS s%d\n" % number for number in range(2000))
    with pytest.raises(EditRefused, match="a:1 is used 2,000 times"):
        edit_all(data, {"a:1": "a:2"})


def test_a_large_file_that_uses_an_image_often_is_edited() -> None:
    data = b"FROM a:1\n" * 50 + b"# a comment\n" * 3000
    assert edit_all(data, {"a:1": "a:2"}).count(b"FROM a:2\n") == 50
