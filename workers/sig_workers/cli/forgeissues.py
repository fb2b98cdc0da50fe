"""`sigbot forge issue`, `tick`, `reopen`: the local forge's issues, which the bots keep and people tick."""

from __future__ import annotations

from pathlib import Path

import click

from sig_bots.dashboard import without_marks
from sig_bots.wording import counted, unescaped
from sig_workers.cli.follow import wait_for_bots
from sig_workers.cli.forge import AS, WAIT, forge, settled, target
from sig_workers.cli.options import DATA, fail, open_service
from sig_workers.cli.output import FORMAT, local_time, print_json, say
from sig_workers.cli.pulltext import print_comment
from sig_workers.service import Service

__all__ = ["forge"]

EMPTY = "- [ ] "


@forge.command()
@click.argument("number", metavar="REPO#N")
@DATA
@WAIT
@FORMAT
def issue(number: str, data: Path | None, wait: float, form: str) -> None:
    """An issue with its comments, the dashboard of updates for example, once the bots have nothing left to do there."""
    path, which = target(number)
    with open_service(data) as service:
        service.local_forge.issue(path, which)  # there is nothing to wait for when there is none
        wait_for_bots(service, path, None, wait)
        author, found = service.local_forge.issue(path, which)
        if form == "json":
            print_json({"repo": path, "author": author, **found.model_dump(mode="json", exclude={"url"})})
        else:
            print_issue(service, path, which)


@forge.command()
@click.argument("number", metavar="REPO#N")
@click.argument("words")
@AS
@DATA
@WAIT
def tick(number: str, words: str, login: str, data: Path | None, wait: float) -> None:
    """Tick the box on the one line of an issue that holds WORDS, and show the issue as the bots leave it."""
    path, which = target(number)
    with open_service(data) as service:
        lines = service.local_forge.issue(path, which)[1].body.splitlines()
        boxes = [place for place, line in enumerate(lines) if line.startswith(EMPTY)]
        shown = [place for place in boxes if words in unescaped(without_marks(lines[place]))]
        if len(shown) != 1:
            told = "\n".join(
                f"  {unescaped(without_marks(lines[place])).removeprefix(EMPTY)}" for place in shown or boxes
            )
            fail(f"{counted(len(shown), 'box', 'boxes')} of {number} with {words!r} on the line; there are\n{told}")
        lines[shown[0]] = lines[shown[0]].replace("[ ]", "[x]", 1)
        service.local_forge.edit_issue(path, which, login, "\n".join(lines))
        if settled(service, path, which, wait):
            print_issue(service, path, which)


@forge.command()
@click.argument("number", metavar="REPO#N")
@DATA
@WAIT
def reopen(number: str, data: Path | None, wait: float) -> None:
    """Reopen a closed issue, and show it as the bots leave it."""
    path, which = target(number)
    with open_service(data) as service:
        service.local_forge.set_issue_state(path, which, "open")
        if settled(service, path, None, wait):
            print_issue(service, path, which)


def print_issue(service: Service, path: str, number: int) -> None:
    """An issue for people."""
    author, found = service.local_forge.issue(path, number)
    say(f"{path}#{number} {found.title}", "bold")
    say(f"{found.state}, by {author}")
    print_comment("", "", found.body)
    for one in service.local_forge.state.comments(path, number=number):
        print_comment(one.author.login, local_time(one.created), one.body)
