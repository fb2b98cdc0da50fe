"""`sigbot graph` and `sigbot plan`: which image is made from which, in one or several checkouts, without a service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from sig_bots.config import RepoConfig
from sig_bots.containerfile.parents import parents
from sig_bots.containerfile.shortnames import resolve
from sig_bots.fleet import UNPUBLISHED, containerfiles
from sig_bots.imagegraph import ImageGraph, node
from sig_bots.refs import ImageRef, Platform, Repo
from sig_bots.tools import FleetImage
from sig_workers.cli.checkout import config_of, files_below, read
from sig_workers.cli.drawing import as_dot, as_svg
from sig_workers.cli.options import fail
from sig_workers.cli.output import FORMAT, print_json, say

__all__ = ["fleet_of", "graph", "plan"]

PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))


@click.command()
@PATHS
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "dot", "svg"]), default="text", show_default=True,
    help="How to print it; `dot` is for Graphviz, `svg` a drawing.",
)  # fmt: skip
def graph(paths: tuple[Path, ...], form: str) -> None:
    """Show which image is made from which. Each PATH is a checkout, images are those of its `.sigbot.yaml`; or one file.

    A Containerfile that is no image of the configuration is shown under its path.
    """
    made = ImageGraph.of([image for path in paths or (Path(),) for image in fleet_of(path)])
    for refused in made.refused:
        click.echo(str(refused), err=True)
    if form == "json":
        print_json(as_data(made))
    elif form == "dot":
        click.echo(as_dot(made))
    elif form == "svg":
        click.echo(as_svg(made))
    else:
        used: dict[str, list[str]] = {}
        for edge in made.edges():
            used.setdefault(edge.child, []).append(f"{edge.kind} {edge.parent}")
        for number, level in enumerate(made.levels()):
            say(f"level {number}", "bold")
            for name in level:
                say(f"  {name}" + (f"  ({', '.join(used[name])})" if name in used else ""))


@click.command()
@click.option("--changed", multiple=True, required=True, metavar="IMAGE", help="An image that changed: registry/path:tag.")  # fmt: skip
@PATHS
@FORMAT
def plan(changed: tuple[str, ...], paths: tuple[Path, ...], form: str) -> None:
    """What has to be rebuilt, and in which order, when an image changed. Each PATH is a checkout."""
    made = ImageGraph.of([image for path in paths or (Path(),) for image in fleet_of(path)])
    names = []
    for text in changed:
        try:
            names.append(node(resolve(ImageRef.parse(text))))
        except ValueError as error:
            fail(f"--changed: {error}")
    known = sorted(
        {name for edge in made.edges() for name in edge[:2]} | {name for level in made.levels() for name in level}
    )
    for name in names:
        if name not in known:
            click.echo(f"nothing here makes or uses {name}; the images here are {', '.join(known) or 'none'}", err=True)
    found = made.plan(names)
    if form == "json":
        because = {name: [edge._asdict() for edge in edges] for name, edges in found.because.items()}
        print_json({"changed": list(found.changed), "levels": [list(level) for level in found.levels], "because": because})  # fmt: skip
    else:
        say(found.text())


def fleet_of(root: Path) -> list[FleetImage]:
    """The images a checkout (or one Containerfile) makes, each with what it is made from."""
    if not root.is_dir():
        return [_unpublished(root.parent, root.name)]
    config = config_of(root)
    made = [image for spec in config.images if (image := _declared(root, config, spec.containerfile, spec.ref))]
    known = {image.containerfile for image in made}
    for path in containerfiles(files_below(root), ()):
        if path not in known:
            made.append(_unpublished(root, path))
    return made


def _unpublished(root: Path, path: str) -> FleetImage:
    name = os.path.normpath(root / path).lower()
    return _image(root, ImageRef(registry=UNPUBLISHED, repository=name), path, ())


def _declared(root: Path, config: RepoConfig, path: str, ref: ImageRef) -> FleetImage | None:
    if not (root / path).is_file():
        click.echo(f".sigbot.yaml names {path}, which is not in {root}", err=True)
        return None
    spec = next(one for one in config.images if one.ref == ref)
    return _image(root, ref, path, tuple(Platform.parse(one) for one in spec.platforms))


def _image(root: Path, ref: ImageRef, path: str, platforms: tuple[Platform, ...]) -> FleetImage:
    data = read(root / path)
    return FleetImage(
        repo=Repo(path=str(root)), image=ref, containerfile=path, platforms=platforms, parents=parents(data, platforms)
    )


def as_data(made: ImageGraph) -> dict[str, Any]:
    """The graph as JSON: see docs/cli.md."""
    return {
        "levels": made.levels(),
        "edges": [edge._asdict() for edge in made.edges()],
        "refused": [str(refused) for refused in made.refused],
    }
