"""Which images a repository makes: by its configuration and by its Containerfiles' names."""

import pytest

from sig_bots.fleet import build_order, is_containerfile, touches
from sig_bots.refs import ImageRef, Repo
from sig_bots.tools import FleetImage, ParentEdge

REPO = Repo(path="team/app", instance="fake")


def image(name: str, *parents: str, context: str = ".") -> FleetImage:
    edges = tuple(ParentEdge(image=ImageRef.parse(parent)) for parent in parents)
    return FleetImage(
        repo=REPO, image=ImageRef.parse(name), containerfile="Containerfile", context=context, parents=edges
    )


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("Containerfile", True),
        ("Dockerfile", True),
        ("a/b/dockerfile", True),
        ("Dockerfile.dev", True),
        ("app.Containerfile", True),
        ("Containerfile.in", True),
        (".dockerignore", False),
        ("Dockerfile.dockerignore", False),
        ("README.md", False),
        ("containerfiles.txt", False),
    ],
)
def test_a_containerfile_is_known_by_its_name(path: str, is_one: bool) -> None:
    assert is_containerfile(path) is is_one


def test_images_are_built_after_those_of_them_they_are_made_from() -> None:
    child, base, middle = (
        image("r.example/c:1", "r.example/m:1"),
        image("r.example/b:1"),
        image("r.example/m:1", "r.example/b:1"),
    )
    assert build_order([child, base, middle]) == [base, middle, child]


@pytest.mark.parametrize(
    ("path", "context", "does"),
    [
        ("app/main.py", "app", True),
        ("apple/main.py", "app", False),
        ("anything", ".", True),
        ("Containerfile", "app", True),
        (".sigbot.yaml", "app", True),
    ],
)
def test_a_change_touches_an_image_when_it_lies_in_its_context(path: str, context: str, does: bool) -> None:
    assert touches(path, image("r.example/a:1", context=context)) is does
