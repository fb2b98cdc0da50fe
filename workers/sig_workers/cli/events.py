"""`sigbot event` and `sigbot send`: look at a payload without a service, and send one to a service."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from sig_bots import planner
from sig_bots.config import parse_config
from sig_bots.events import Event, Ignored, Rejected
from sig_bots.roster import Roster, load_bots
from sig_bots.sources.kinds import KINDS
from sig_bots.sources.lookup import events_of
from sig_workers.cli.checkout import read
from sig_workers.cli.options import fail
from sig_workers.cli.output import print_json, say
from sig_workers.cli.signing import signed
from sig_workers.unreachable import why_unreachable

__all__ = ["event", "send"]

SOURCE = click.option("--source", required=True, type=click.Choice(list(KINDS)), help="Who made the payload.")
HEADER = click.option("--header", "lines", multiple=True, metavar="'NAME: VALUE'", help="A header of the delivery.")
FILE = click.argument("file", type=click.Path(path_type=Path, allow_dash=True))


def body_of(file: Path) -> bytes:
    """The payload, from a file or from standard input (`-`)."""
    return sys.stdin.buffer.read() if str(file) == "-" else read(file)


def headers_of(lines: Sequence[str], source: str, *, needs_event: bool = True) -> dict[str, str]:
    """Headers by name; ends the command when one is no header, or when the one that names the event is missing."""
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not line.isprintable():
            fail(f"--header {line!r}: write 'NAME: VALUE'")
        headers[name.strip()] = value.strip()
    wanted = KINDS[source].event_header
    if needs_event and wanted and wanted.lower() not in {name.lower() for name in headers}:
        fail(f"{source} names the event in a header: add --header '{wanted}: NAME'")
    return headers


@click.command()
@FILE
@SOURCE
@HEADER
@click.option("--config", type=click.Path(path_type=Path), help="The repository's .sigbot.yaml; default: it has none.")
@click.option("--default-branch", default="main", show_default=True, help="When the payload does not name it.")
def event(file: Path, source: str, lines: tuple[str, ...], config: Path | None, default_branch: str) -> None:
    """Parse a payload (FILE, or - for standard input) and plan what the bots would do, as JSON. Nothing else happens.

    The signature is not looked at, and the repository is taken to be enabled. Exit status 1 when the payload is ignored
    or rejected.
    """
    bots = load_bots()
    text = read(config) if config else None
    found = events_of(source, headers_of(lines, source), body_of(file))
    if isinstance(found, Ignored | Rejected):
        print_json({"result": type(found).__name__.lower(), "reason": found.reason, "events": []})
        raise click.exceptions.Exit(1)
    planned = [planned_for(one, bots, text, default_branch) for one in found]
    print_json({"result": "events", "reason": "", "events": planned})


def planned_for(one: Event, bots: Roster, config: bytes | None, default_branch: str) -> dict[str, Any]:
    """An event and the plan for it, as JSON: see docs/cli.md."""
    facts = []
    if one.repo is not None:
        repo = one.repo.model_copy(update={"default_branch": one.repo.default_branch or default_branch})
        parsed = parse_config(config, bots) if config is not None else None
        facts = [planner.RepoFacts(repo=repo, repo_id=1, config=parsed)]
    plan = planner.plan(one, facts, bots)
    jobs = [
        {**asdict(job), "actor": job.actor.model_dump() if job.actor else None, "args": dict(job.args)}
        for job in plan.jobs
    ]
    for job in jobs:
        del job["repo_id"]
    return {
        "event": one.model_dump(mode="json"),
        "ignored": plan.ignored or "",
        "verdicts": dict(plan.verdicts),
        "jobs": jobs,
        "supersedes": [{"number": end.number, "keep_sha": end.keep_sha} for end in plan.supersedes],
    }


@click.command()
@FILE
@SOURCE
@click.option("--secret", help="The hook's secret; better in a file, since others see a command line.")
@click.option("--secret-file", type=click.Path(path_type=Path), help="File with the hook's secret.")
@click.option("--to", "url", required=True, metavar="URL", help="Address of the hook: http://HOST/hooks/NAME.")
@HEADER
def send(
    file: Path, source: str, secret: str | None, secret_file: Path | None, url: str, lines: tuple[str, ...]
) -> None:
    """Sign a payload as its sender would and post it to a running service; prints the answer.

    Exit status 1 when the service does not accept it.
    """
    import httpx

    if (secret is None) == (secret_file is None):
        fail("give the hook's secret with --secret-file or --secret, one of both")
    key = read(secret_file).strip() if secret_file else (secret or "").encode()
    if not key:
        fail("the secret is empty")
    body = body_of(file)
    headers, end = signed(source, headers_of(lines, source), body, key)
    try:
        answer = httpx.post(url.rstrip("/") + end, content=body, headers=headers, timeout=30)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fail(f"{url} does not answer: {why_unreachable(error)}")
    say(f"{answer.status_code} {answer.reason_phrase}: {answer.text.strip()[:500]}")
    if not answer.is_success:
        raise click.exceptions.Exit(1)
