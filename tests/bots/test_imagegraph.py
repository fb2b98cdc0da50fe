from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from sig_bots.imagegraph import ImageEdge, ImageGraph, node
from sig_bots.refs import ImageRef, Repo
from sig_bots.tools import FleetImage, ParentEdge

nodes = st.integers(0, 12).map("quay.io/x/i{}:1".format)
edge_lists = st.lists(
    st.builds(ImageEdge, nodes, nodes, st.sampled_from(["base", "builder", "copy", "mount"])), max_size=40
)


def graph(*pairs: str) -> ImageGraph:
    """A graph from `parent>child` words."""
    return ImageGraph([ImageEdge(*pair.split(">")) for pair in pairs])


def image(name: str, *parents: ParentEdge) -> FleetImage:
    return FleetImage(repo=Repo(path=f"sig/{name}"), image=ImageRef.parse(f"quay.io/sig/{name}:1"), containerfile="Containerfile", parents=parents)  # fmt: skip


def test_levels_put_each_image_after_all_its_parents() -> None:
    assert graph("a>b", "b>c", "a>c", "d>c").levels() == [["a", "d"], ["b"], ["c"]]


def test_an_empty_graph_has_no_levels() -> None:
    assert ImageGraph([]).levels() == []


def test_a_lone_image_is_in_the_graph() -> None:
    assert ImageGraph([], ["a"]).levels() == [["a"]]


def test_affected_is_everything_made_from_an_image_parents_first() -> None:
    one = graph("a>c", "c>b", "b>d", "x>y")
    assert one.affected("a") == ["c", "b", "d"]
    assert one.affected("d") == []
    assert one.affected("unknown") == []


def test_affected_can_follow_some_kinds_only() -> None:
    one = ImageGraph([ImageEdge("a", "b", "builder"), ImageEdge("a", "c", "base"), ImageEdge("c", "d", "copy")])
    assert one.affected("a", {"base", "copy"}) == ["c", "d"]


def test_an_image_made_from_itself_is_refused_and_the_rest_kept() -> None:
    """openshift/oc#1107: an output tag equal to the input tag builds for ever."""
    one = graph("a>a", "a>b")
    assert one.levels() == [["a"], ["b"]]
    assert "made from itself" in str(one.refused[0])


def test_a_cycle_is_refused_with_its_path_and_the_rest_kept() -> None:
    one = graph("r>a", "a>b", "b>c", "c>a", "c>d")
    assert [refused.path for refused in one.refused] == [("a", "b", "c", "a")]
    assert str(one.refused[0]) == "a -> b -> c -> a is a cycle; the edge c -> a is left out."
    assert one.levels() == [["r"], ["a"], ["b"], ["c"], ["d"]]


def test_two_tags_of_a_repository_are_two_images() -> None:
    """bashbrew's open question: a:a -> b:b -> a:c looks cyclic only when repositories are nodes."""
    assert graph("x/a:a>x/b:b", "x/b:b>x/a:c").refused == []


def test_the_path_of_a_long_cycle_is_shortened() -> None:
    names = [f"i{number}" for number in range(1000)]
    one = ImageGraph([ImageEdge(a, b) for a, b in itertools.pairwise([*names, names[0]])])
    assert len(one.refused) == 1
    assert "..." in one.refused[0].path
    assert len(one.levels()) == 1000


def test_a_dense_cyclic_graph_is_ordered_without_running_away() -> None:
    names = [f"i{number}" for number in range(150)]
    one = ImageGraph([ImageEdge(a, b) for a in names for b in names])
    assert len(one.refused) == 150 + 150 * 149 // 2
    assert len(one.levels()) == 150


@given(edge_lists)
def test_kept_edges_go_from_earlier_to_later_levels_and_levels_are_as_early_as_possible(edges: list[ImageEdge]) -> None:
    one = ImageGraph(edges)
    kept = list(one.edges())
    assert sorted([*kept, *(refused.edge for refused in one.refused)]) == sorted(edges)
    for name in one:
        parents = [edge.parent for edge in kept if edge.child == name]
        assert one.level(name) == max((one.level(parent) + 1 for parent in parents), default=0)
    assert sorted(itertools.chain(*one.levels())) == sorted({name for edge in edges for name in edge[:2]})


@given(edge_lists)
def test_each_refused_edge_closes_the_path_it_names(edges: list[ImageEdge]) -> None:
    present = {edge[:2] for edge in edges}
    for refused in ImageGraph(edges).refused:
        assert refused.path[0] == refused.path[-1]
        assert (refused.path[-2], refused.path[-1]) == refused.edge[:2]
        assert set(itertools.pairwise(refused.path)) <= present


@given(edge_lists, nodes)
def test_affected_and_plan_agree_and_every_image_waits_for_its_parents(edges: list[ImageEdge], changed: str) -> None:
    one = ImageGraph(edges)
    plan = one.plan([changed])
    flat = list(itertools.chain(*plan.levels))
    assert sorted(flat) == sorted(one.affected(changed))
    place = {name: number for number, level in enumerate(plan.levels) for name in level}
    for name in flat:
        assert plan.because[name]
        assert all(place[edge.parent] < place[name] for edge in plan.because[name] if edge.parent != changed)


def test_a_plan_says_what_is_rebuilt_in_which_order_and_why() -> None:
    one = ImageGraph([ImageEdge("base:1", "app:1"), ImageEdge("base:1", "tool:1"), ImageEdge("app:1", "web:1"), ImageEdge("tool:1", "web:1", "copy")])  # fmt: skip
    plan = one.plan(["base:1"])
    assert plan.images == 3
    assert plan.text() == (
        "3 images, 2 levels, because base:1 changed\n"
        "  1. app:1 (base base:1)\n"
        "  1. tool:1 (base base:1)\n"
        "  2. web:1 (base app:1, copy tool:1)"
    )


def test_a_long_plan_is_cut_and_an_empty_one_says_so() -> None:
    one = ImageGraph([ImageEdge("a", f"i{number:03}") for number in range(60)])
    assert one.plan(["a"]).text().splitlines()[-1] == "  and 10 more"
    assert one.plan(["i001"]).text() == "Nothing to rebuild: no image is made from i001."


def test_the_graph_of_a_fleet_joins_images_by_their_tag() -> None:
    base = ParentEdge(image=ImageRef.parse("quay.io/sig/base:1"))
    tool = ParentEdge(image=ImageRef.parse("quay.io/sig/tool:1"), kind="copy")
    one = ImageGraph.of([image("app", base, tool), image("base"), image("tool", base)])
    assert one.affected("quay.io/sig/base:1") == ["quay.io/sig/tool:1", "quay.io/sig/app:1"]
    assert [edge.kind for edge in one.children("quay.io/sig/tool:1")] == ["copy"]


def test_a_node_is_named_by_tag_and_by_digest_only_without_one() -> None:
    digest = "sha256:" + "a" * 64
    assert node(ImageRef.parse("q.io/a")) == "q.io/a:latest"
    assert node(ImageRef.parse(f"q.io/a:1@{digest}")) == "q.io/a:1"
    assert node(ImageRef.parse(f"q.io/a@{digest}")) == f"q.io/a@{digest}"
