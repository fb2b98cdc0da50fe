"""`sigbot refs` and `sigbot tags`: what the lexer and the tag ordering say, without any service."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from sig_bots.containerfile import Reference, references
from sig_workers.cli.checkout import containerfiles_in
from sig_workers.cli.options import fail
from sig_workers.cli.output import FORMAT, print_json, progress, readable, table

__all__ = ["refs", "tags"]


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@FORMAT
def refs(paths: tuple[Path, ...], form: str) -> None:
    """Every image reference in Containerfiles (a folder: in all of its Containerfiles), with byte positions."""
    files = containerfiles_in(paths)
    found = []
    with progress("reading Containerfiles", len(files)) as seen:
        for number, (name, data) in enumerate(files.items(), 1):
            found += [as_data(name, reference) for reference in references(data)]
            seen(number)
    if form == "json":
        print_json(found)
        return
    table(
        ["where", "instruction", "image", "", "can be edited"],
        [
            (f"{one['file']}:{one['line']}", one["instruction"], one["text"],
             "" if one["resolved"] in (None, one["text"]) else f"is {one['resolved']}", one["reason"] or "yes")
            for one in found
        ],
    )  # fmt: skip


def as_data(file: str, reference: Reference) -> dict[str, Any]:
    """A reference as JSON: see docs/cli.md."""
    image = reference.image
    return {
        "file": file,
        "line": reference.line,
        "start": reference.start,
        "end": reference.end,
        "text": reference.text,
        "instruction": reference.instruction,
        "stage": reference.stage,
        "image": image.name if image else None,
        "tag": reference.tag,
        "digest": reference.digest,
        "resolved": reference.resolved,
        "editable": reference.editable,
        "reason": reference.reason,
    }


@click.group()
def tags() -> None:
    """Order tags."""


@tags.command()
@click.argument("current")
@click.option("--scheme", help="How the tags are ordered; by default that is inferred from them.")
def newest(current: str, scheme: str | None) -> None:
    """The tag to use instead of CURRENT, from the tags on standard input, one a line; nothing when there is none.

    Why goes to standard error.
    """
    from sig_bots.tags import Proposal, judge

    if "/" in current or ":" in current:
        tag = current.partition("@")[0].rpartition("/")[2].partition(":")[2]
        fail(f"{current} is a whole reference; CURRENT is its tag alone{f', {tag}' if tag else ''}")

    listed = [line.strip().decode(errors="replace") for line in sys.stdin.buffer.read().split(b"\n")]
    found = judge(current, [tag for tag in listed if tag], scheme)
    if isinstance(found, Proposal):
        click.echo(found.tag)
    click.echo(readable(found.reason if isinstance(found, Proposal) else found), err=True)
