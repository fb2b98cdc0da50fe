from __future__ import annotations

from sig_bots.containerfile.parents import parents, unresolved
from sig_bots.containerfile.shortnames import DOCKER
from sig_bots.refs import Platform

AMD, ARM = Platform.parse("linux/amd64"), Platform.parse("linux/arm64")


def edges(data: bytes, *platforms: Platform) -> list[tuple[str, str]]:
    return [(edge.kind, str(edge.image)) for edge in parents(data, platforms)]


def test_each_use_is_an_edge_with_its_kind_and_full_name() -> None:
    data = b"FROM golang:1 AS b\nFROM fedora:41\nCOPY --from=b a b\nCOPY --from=busybox a b\nRUN --mount=from=quay.io/x/y:1 z\n"
    assert edges(data) == [
        ("builder", "docker.io/library/golang:1"), ("base", "registry.fedoraproject.org/fedora:41"),
        ("copy", "docker.io/library/busybox:latest"), ("mount", "quay.io/x/y:1"),
    ]  # fmt: skip


def test_an_image_used_twice_in_one_way_is_one_edge() -> None:
    assert edges(b"FROM a/b:1 AS x\nFROM a/b:1 AS y\nFROM x\n") == [
        ("base", "docker.io/a/b:1"), ("builder", "docker.io/a/b:1"),
    ]  # fmt: skip


def test_a_name_with_the_architecture_is_an_edge_per_platform() -> None:
    data = b"FROM quay.io/x/y:1-$TARGETARCH\n"
    assert edges(data, AMD, ARM) == [("base", "quay.io/x/y:1-amd64"), ("base", "quay.io/x/y:1-arm64")]
    assert edges(data) == []
    assert [use.text for use in unresolved(data)] == ["quay.io/x/y:1-$TARGETARCH"]
    assert unresolved(data, [AMD]) == ()


def test_the_architecture_can_pick_the_base_stage() -> None:
    data = b"FROM a/a:1 AS base-amd64\nFROM a/b:1 AS base-arm64\nFROM base-$TARGETARCH\n"
    assert edges(data, ARM) == [("builder", "docker.io/a/a:1"), ("base", "docker.io/a/b:1")]


def test_triggers_for_children_are_no_edges() -> None:
    assert edges(b"FROM a/b:1\nONBUILD COPY --from=c/d:1 x y\n") == [("base", "docker.io/a/b:1")]


def test_scratch_has_no_parents() -> None:
    assert edges(b"FROM scratch\nCOPY a /\n") == []


def test_docker_names_can_be_asked_for() -> None:
    (edge,) = parents(b"FROM fedora:41\n", aliases=DOCKER)
    assert str(edge.image) == "docker.io/library/fedora:41"
