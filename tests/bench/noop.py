"""A bot that does nothing, for measuring what is around it; and the settings it is measured with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from sig_bots.bot import Bot
from sig_bots.context import Context
from sig_bots.events import Comment
from sig_bots.refs import Repo
from sig_bots.roster import Roster
from sig_workers.service import Service
from sig_workers.settings import Settings
from tests.bench.starts import note
from tests.bots.sources.deliveries import github_example

REPOSITORIES = 40
INSTANCE = "github"

bot = Bot("noop", summary="Does nothing.")


@bot.on(Comment)
def nothing(ctx: Context, event: Comment) -> None:
    """Nothing, beyond noting when it started."""
    assert event.number is not None
    note(event.number)


def settings(data: Path, store: str, broker: str) -> Settings:
    """One GitHub instance all of whose repositories are enabled. Nothing is ever asked of it."""
    instance = {
        "name": INSTANCE,
        "kind": "github",
        "url": "https://github.example",
        "token": "none",
        "repositories": ["*"],
    }
    return Settings(data=data, store=store, broker=broker, instance=[instance])


def service(with_settings: Settings) -> Service:
    """The doors of a process that has the one bot."""
    return Service(with_settings, bots=Roster.of([bot]))


def payloads() -> Iterator[tuple[dict[str, str], bytes]]:
    """(headers, body) of GitHub's comment example, 12 KB, each another comment on another issue; without end."""
    example = github_example("issue_comment", "created")
    raw = example.json
    number = 0
    while True:
        number += 1
        which = number % REPOSITORIES
        raw["comment"]["id"] = 10_000_000 + number
        raw["issue"]["number"] = number
        raw["repository"] |= {"id": 1_000_000 + which, "full_name": path(which), "name": f"image-{which}"}
        yield dict(example.headers), json.dumps(raw, separators=(",", ":")).encode()


def path(which: int) -> str:
    """Path of one of the repositories."""
    return f"Codertocat/image-{which}"


def prepare(one: Service) -> None:
    """Migrate the store and know the repositories, with the bot enabled in each one's `.sigbot.yaml`."""
    one.store.migrate()
    for which in range(REPOSITORIES):
        known = Repo(path=path(which), forge_id=str(1_000_000 + which), private=False, default_branch="master")
        one.store.save_config(one.store.ensure_repository(INSTANCE, known).id, "version: 1\nnoop: {}\n", None)


def fill(one: Service, count: int, source: Iterator[tuple[dict[str, str], bytes]], first: int = 0) -> None:
    """Accept `count` deliveries, as the receiver does."""
    for number in range(first, first + count):
        headers, body = next(source)
        one.store.accept(instance=INSTANCE, source="github", delivery_id=f"bench-{number}", headers=headers, body=body)
