"""Which moves become one pull request, and where its branch is."""

import re

from hypothesis import given
from hypothesis import strategies as st

from sig_bots.refs import ImageRef
from sig_bots.updategroups import Group, grouped, slugs
from sig_bots.updatemoves import MovedReference, kind_of
from sig_bots.updatereport import title


def move(old: str, new: str, path: str = "Containerfile") -> MovedReference:
    return MovedReference(path, 1, ImageRef.parse(old), ImageRef.parse(new), "")


def groups_of(
    *moves: MovedReference, config: dict[str, tuple[str, ...]] | None = None, **more: set[str]
) -> list[Group]:
    by_name: dict[str, list[MovedReference]] = {}
    for one in moves:
        by_name.setdefault(one.old.name, []).append(one)
    uses = {name: {str(one.old.tag) for one in some} for name, some in by_name.items()} | more
    return grouped(by_name, uses, config or {})


def test_an_image_over_files_is_one_group() -> None:
    (group,) = groups_of(
        move("quay.io/a/b:1", "quay.io/a/b:2"), move("quay.io/a/b:1", "quay.io/a/b:2", "x/Containerfile")
    )
    assert (group.slug, title(group)) == ("quay.io-a-b", "Update quay.io/a/b to 2")


def test_images_of_one_place_at_the_same_tag_are_one_group() -> None:
    """konflux-ci/architecture#308: a release of several bases is one change, not one pull request for each."""
    (group,) = groups_of(
        move("quay.io/fedora/fedora:41", "quay.io/fedora/fedora:42"),
        move("quay.io/fedora/fedora-minimal:41", "quay.io/fedora/fedora-minimal:42"),
    )
    assert title(group) == "Update quay.io/fedora images to 42"


def test_its_branch_stays_when_only_one_of_them_moves() -> None:
    family = {"quay.io/fedora/fedora": {"41"}, "quay.io/fedora/fedora-minimal": {"41"}}
    one = move("quay.io/fedora/fedora:41", "quay.io/fedora/fedora:42")
    (group,) = grouped({"quay.io/fedora/fedora": [one]}, family, {})
    assert {group.slug} == slugs(family, family, {})
    assert title(group) == "Update quay.io/fedora/fedora to 42"


def test_neighbours_on_docker_hub_are_strangers() -> None:
    moves = (move("alpine:3", "alpine:4"), move("node:3", "node:4"))
    assert [one.slug for one in groups_of(*moves)] == ["alpine", "node"]


def test_images_at_different_tags_are_apart() -> None:
    moves = (move("quay.io/a/b:1", "quay.io/a/b:2"), move("quay.io/a/c:7", "quay.io/a/c:8"))
    assert len(groups_of(*moves)) == 2


def test_a_group_of_the_configuration_wins() -> None:
    moves = (move("quay.io/a/b:1", "quay.io/a/b:2"), move("node:20", "node:22"))
    (group,) = groups_of(*moves, config={"base": ("quay.io/a/*", "node")})
    assert (group.slug, title(group)) == ("group-base", "Update group base: b to 2, node to 22")


def test_linked_images_are_one_group() -> None:
    moves = {"alpine": [move("alpine:3.19", "alpine:3.20")], "node": [move("node:20-alpine3.19", "node:20-alpine3.20")]}
    uses = {"alpine": {"3.19"}, "node": {"20-alpine3.19"}}
    assert len(grouped(moves, uses, {}, [{"alpine", "node"}])) == 1


def test_a_long_title_ends() -> None:
    moves = [move(f"quay.io/x{n}/app:{n}", f"quay.io/x{n}/app:{n + 1}") for n in range(9)]
    (group,) = groups_of(*moves, config={"all": ("*",)})
    assert title(group) == "Update group all: app to 1, app to 2, app to 3 and 6 more"


def test_other_versions_have_another_fingerprint() -> None:
    (one,) = groups_of(move("a:1", "a:2"))
    (other,) = groups_of(move("a:1", "a:3"))
    assert one.fingerprint != other.fingerprint


@given(st.text(min_size=1, max_size=60))
def test_any_name_of_a_group_makes_a_branch_that_git_takes(name: str) -> None:
    (group,) = groups_of(move("a:1", "a:2"), config={name: ("*",)})
    assert re.fullmatch(r"[A-Za-z0-9._-]+", group.slug)
    assert ".." not in group.slug
    assert not group.slug.endswith((".lock", "."))


def test_how_far_a_move_goes() -> None:
    cases = {
        ("a:1.2.3", "a:1.2.4"): "patch", ("a:1.2", "a:1.3"): "minor", ("a:41", "a:42"): "major",
        ("a:v1.2-alpine3.19", "a:v1.2-alpine3.20"): "patch", ("a:1.2", "a:2.0"): "major",
        (f"a:1@sha256:{'0' * 64}", f"a:1@sha256:{'1' * 64}"): "digest", ("a:9.4-12", "a:9.5-1"): "minor",
        ("a:day-20240911", "a:day-20241002"): "minor", ("a:20240911", "a:20240912"): "patch", ("a:24.04", "a:25.04"): "major",
        ("a:20240911", "a:20250101"): "major", ("a:202409110930", "a:202409111015"): "patch", ("a:20249999", "a:20249998"): "major",
    }  # fmt: skip
    for (old, new), kind in cases.items():
        assert kind_of(ImageRef.parse(old), ImageRef.parse(new)) == kind, (old, new)
