"""`sigbot jobs`: what the bots do and did, and doing it again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from sig_bots.jobstate import OPEN, JobState
from sig_bots.wording import in_words
from sig_workers.cli.follow import outcome, state_of
from sig_workers.cli.options import DATA, fail, open_service
from sig_workers.cli.output import FORMAT, local_time, print_json, say, table
from sig_workers.service import Service
from sig_workers.store.rows import JobRow

__all__ = ["LIMIT", "job_data", "jobs", "one_job", "place", "queue_again", "show", "show_jobs"]

LIMIT = click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 1000), help="How many, newest first.")  # fmt: skip
JOB = click.argument("number", metavar="JOB", type=int)


@click.group()
def jobs() -> None:
    """The jobs of the service: one per bot and event."""


@jobs.command("list")
@click.option("--repo", help="Only those of one repository: owner/name.")
@click.option("--bot", help="Only those of one bot.")
@click.option(
    "--state",
    "states",
    type=click.Choice([state.value for state in JobState]),
    multiple=True,
    help="Only those in a state; may be given several times.",
)
@LIMIT
@DATA
@FORMAT
def list_jobs(
    repo: str | None, bot: str | None, states: tuple[str, ...], limit: int, data: Path | None, form: str
) -> None:
    """The newest jobs."""
    with open_service(data) as service:
        chosen: list[int | None] = [
            row.id for row in service.store.list_repositories(enabled_only=False) if row.path == repo
        ]
        if repo is not None and not chosen:
            fail(f"there is no repository {repo} here")
        found = [
            job
            for one in (chosen or [None])
            for job in service.store.jobs(repo=one, bot=bot, states=[JobState(state) for state in states], limit=limit)
        ]
    show_jobs(sorted(found, key=lambda job: -job.id)[:limit], form)


def show_jobs(found: list[JobRow], form: str) -> None:
    """Jobs as a table or as JSON."""
    if form == "json":
        print_json([job_data(job) for job in found])
        return
    rows = [
        (job.id, local_time(job.created_at), place(job), job.bot, in_words(job.handler), state_of(job), outcome(job))
        for job in found
    ]
    table(["job", "made", "where", "bot", "handler", "state", "outcome"], rows)


def place(job: JobRow) -> str:
    """`owner/name#3`."""
    return f"{job.repo.path}#{job.number}" if job.number is not None else job.repo.path


def job_data(job: JobRow) -> dict[str, Any]:
    """A job as JSON: see docs/cli.md."""
    return {
        "id": job.id, "instance": job.repo.instance, "repo": job.repo.path, "number": job.number, "bot": job.bot,
        "handler": job.handler, "queue": job.queue, "state": state_of(job), "reason": job.reason,
        "attempt": job.attempt, "max_attempts": job.max_attempts, "head_sha": job.head_sha,
        "actor": job.actor.login if job.actor else None, "delivery": job.delivery_id, "created_at": job.created_at,
        "started_at": job.started_at, "finished_at": job.finished_at, "not_before": job.not_before,
    }  # fmt: skip


def one_job(service: Service, number: int) -> JobRow:
    """The job; ends the command when there is none."""
    found = service.store.job(number)
    if found is None:
        fail(f"there is no job {number}; `sigbot jobs list` shows those there are")
    return found


@jobs.command()
@JOB
@DATA
@FORMAT
def show(number: int, data: Path | None, form: str) -> None:
    """One job: its attempts, and what it did outside."""
    with open_service(data) as service:
        job = one_job(service, number)
        attempts, effects = service.store.attempts(number), service.store.effects_of(number)
        url = f"{service.settings.url}/jobs/{number}"
    if form == "json":
        tries = [
            {"attempt": one.attempt, "started_at": one.started_at, "ended_at": one.ended_at, "outcome": one.outcome,
             "reason": one.reason, "worker": one.owner} for one in attempts
        ]  # fmt: skip
        done = [
            {"kind": one.kind, "key": one.key, "state": one.state, "result": one.result, "url": one.url,
             "attempt": one.attempt, "intended_at": one.intended_at, "confirmed_at": one.confirmed_at} for one in effects
        ]  # fmt: skip
        origin = {"plugin_version": job.plugin_version, "config_sha": job.config_sha, "trace": job.trace}
        print_json({**job_data(job), **origin, "attempts": tries, "effects": done, "url": url})
        return
    say(f"Job {number}: {job.bot} {in_words(job.handler)} in {place(job)}, {state_of(job)}", "bold")
    say(outcome(job))
    say(url)
    table(["attempt", "from", "to", "state", "reason"], [
        (one.attempt, local_time(one.started_at), local_time(one.ended_at), one.outcome, one.reason) for one in attempts
    ])  # fmt: skip
    table(["effect", "what", "state", "result"], [(one.kind, one.key, one.state, one.result) for one in effects])


@jobs.command()
@JOB
@click.option("--follow", is_flag=True, help="Go on until the job has ended.")
@DATA
def log(number: int, follow: bool, data: Path | None) -> None:
    """A job's log."""
    with open_service(data) as service:
        job = one_job(service, number)
        after = 0
        while True:
            ended = job.state not in OPEN
            lines = service.store.log_lines(number, after)
            for line in lines:
                click.echo(line.line)
                after = line.seq
            if lines:
                continue
            if ended or not follow:
                return
            time.sleep(0.3)
            job = one_job(service, number)


@jobs.command()
@JOB
@DATA
def cancel(number: int, data: Path | None) -> None:
    """End a job that waits or runs."""
    with open_service(data) as service:
        one_job(service, number)
        if not service.store.cancel_job(number, "cancelled from the command line"):
            fail(f"job {number} has ended already")


@jobs.command()
@JOB
@DATA
def retry(number: int, data: Path | None) -> None:
    """Run a job again that has ended."""
    with open_service(data) as service:
        queue_again(service, one_job(service, number))


def queue_again(service: Service, job: JobRow) -> None:
    """Make the job due, wake somebody and say so."""
    if not service.store.retry(job.id):
        fail(f"job {job.id} has not ended yet")
    service.wake_ups.wake({job.queue})
    say(f"Job {job.id} ({job.bot} in {place(job)}) is due again.")
