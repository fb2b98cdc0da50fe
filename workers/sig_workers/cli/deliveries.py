"""`sigbot deliveries`, `dead` and `replay`: what arrived, what was given up on, and processing it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sig_bots.wording import in_words
from sig_workers.cli.jobs import LIMIT, job_data, one_job, place, queue_again, show, show_jobs
from sig_workers.cli.options import DATA, fail, open_service
from sig_workers.cli.output import FORMAT, local_time, print_json, say, table
from sig_workers.service import Service
from sig_workers.store.rows import DeliveryRow

__all__ = ["dead", "deliveries", "replay"]


@click.group()
def dead() -> None:
    """Jobs and deliveries that were given up on. A delivery is named `delivery:N`, a job by its number."""


@dead.command("list")
@LIMIT
@DATA
@FORMAT
def list_dead(limit: int, data: Path | None, form: str) -> None:
    """What was given up on. Exit status 1 when there is something."""
    with open_service(data) as service:
        found, lost = service.store.dead_jobs(limit), service.store.dead_deliveries(limit)
    if form == "json":
        print_json({"jobs": [job_data(job) for job in found], "deliveries": [delivery_data(one) for one in lost]})
    elif not (found or lost):
        say("Nothing was given up on.")
    else:
        rows: list[tuple[object, ...]] = [(job.id, local_time(job.finished_at), place(job), job.bot, job.reason) for job in found]  # fmt: skip
        rows += [(f"delivery:{one.id}", local_time(one.settled_at), one.instance, one.source, one.reason) for one in lost]  # fmt: skip
        table(["dead", "since", "where", "what", "reason"], rows)
    if found or lost:
        raise click.exceptions.Exit(1)


def dead_thing(text: str) -> tuple[bool, int]:
    """`delivery:3` or `3`: whether it is a delivery, and its number."""
    kind, colon, number = text.rpartition(":")
    if not number.isdecimal() or (colon and kind not in ("delivery", "job")):
        fail(f"{text} names nothing: write a job's number, or delivery:NUMBER")
    return kind == "delivery", int(number)


@dead.command("show")
@click.argument("what")
@DATA
@FORMAT
@click.pass_context
def show_dead(ctx: click.Context, what: str, data: Path | None, form: str) -> None:
    """Everything about one of them."""
    is_delivery, number = dead_thing(what)
    ctx.invoke(show_delivery if is_delivery else show, number=number, data=data, form=form)


@dead.command("replay")
@click.argument("what")
@DATA
def replay_dead(what: str, data: Path | None) -> None:
    """Try one of them again."""
    is_delivery, number = dead_thing(what)
    with open_service(data) as service:
        if is_delivery:
            deliver_again(service, one_delivery(service, number))
        else:
            queue_again(service, one_job(service, number))


@dead.command()
@click.argument("what")
@DATA
def drop(what: str, data: Path | None) -> None:
    """Take one of them off the list, for good."""
    is_delivery, number = dead_thing(what)
    with open_service(data) as service:
        dropped = service.store.drop_delivery(number) if is_delivery else service.store.drop(number)
    if not dropped:
        fail(f"{what} is not among the dead; `sigbot dead list` shows those there are")


@click.group()
def deliveries() -> None:
    """What arrived, and what came of it."""


@deliveries.command("list")
@LIMIT
@DATA
@FORMAT
def list_deliveries(limit: int, data: Path | None, form: str) -> None:
    """The newest deliveries."""
    with open_service(data) as service:
        found = service.store.recent_deliveries(limit, public_only=False)
    if form == "json":
        print_json([delivery_data(one) for one in found])
        return
    rows = [(one.id, local_time(one.received_at), one.instance or one.source, one.state, one.reason) for one in found]
    table(["delivery", "received", "from", "state", "reason"], rows)


def delivery_data(one: DeliveryRow) -> dict[str, Any]:
    """A delivery as JSON: see docs/cli.md."""
    return {
        "id": one.id, "instance": one.instance, "source": one.source, "delivery_id": one.delivery_id,
        "state": one.state, "reason": one.reason, "attempt": one.attempt, "received_at": one.received_at,
        "settled_at": one.settled_at,
    }  # fmt: skip


def one_delivery(service: Service, number: int) -> DeliveryRow:
    """The delivery; ends the command when there is none."""
    found = service.store.delivery(number)
    if found is None:
        fail(f"there is no delivery {number}; `sigbot deliveries list` shows those there are")
    return found


@deliveries.command("show")
@click.argument("number", metavar="DELIVERY", type=int)
@DATA
@FORMAT
def show_delivery(number: int, data: Path | None, form: str) -> None:
    """One delivery: the event it was, what each bot said to it, and its jobs."""
    with open_service(data) as service:
        one = one_delivery(service, number)
        verdicts = service.store.verdicts_of(number)
        events = service.store.events_of(number)
        found = service.store.jobs(delivery=number, limit=500)
    if form == "json":
        said = {verdict.bot: verdict.verdict for verdict in verdicts}
        print_json(
            {
                **delivery_data(one), "headers": dict(one.headers), "body": one.body.decode("utf-8", "replace"),
                "event": json.loads(events[0].json) if events else None, "verdicts": said,
                "jobs": [job.id for job in found],
            }
        )  # fmt: skip
        return
    say(f"Delivery {number} from {one.instance or one.source}: {one.state}", "bold")
    if one.reason:
        say(one.reason)
    say(f"{in_words(events[0].kind)}, received {local_time(one.received_at)}" if events else "no event was made of it")
    table(["bot", "verdict"], [(verdict.bot, verdict.verdict) for verdict in verdicts])
    show_jobs(found, "text")


@click.command()
@click.argument("number", metavar="DELIVERY", type=int)
@DATA
def replay(number: int, data: Path | None) -> None:
    """Process a delivery again, as if it had just arrived. Jobs it made before are not made twice."""
    with open_service(data) as service:
        deliver_again(service, one_delivery(service, number))


def deliver_again(service: Service, one: DeliveryRow) -> None:
    """Make the delivery due, wake somebody and say so."""
    if not service.store.replay(one.id):
        fail(f"delivery {one.id} is being processed now")
    service.wake_ups.wake({"receive"})
    say(f"Delivery {one.id} is due again.")
