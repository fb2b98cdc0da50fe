"""A pull request of the local forge on the terminal: its checks with their remarks, its conversation, what it waits for."""

from __future__ import annotations

from typing import Any

from sig_bots.dashboard import without_marks
from sig_bots.jobstate import JobState
from sig_bots.refs import PullRequest
from sig_bots.wording import counted, unescaped
from sig_workers.cli.follow import outcome, state_of
from sig_workers.cli.output import local_time, say, table
from sig_workers.service import Service

__all__ = ["as_data", "checks_of", "print_checks", "print_comment", "print_pull", "print_waiting"]

MOST_REMARKS = 20
"""Of one check; the page shows them all."""


def checks_of(service: Service, path: str, sha: str) -> list[dict[str, Any]]:
    """The checks of a commit, as JSON shows them."""
    return [check.model_dump(mode="json") for check, _ in service.local_forge.state.checks(path, sha)]


def as_data(service: Service, path: str, number: int) -> dict[str, Any]:
    """A pull request as JSON: see docs/cli.md."""
    now = service.local_forge.pull(path, number)
    comments = [one.model_dump(mode="json") for one in service.local_forge.state.comments(path, number=number)]
    return {
        "repo": path, **now.model_dump(mode="json"), "checks": checks_of(service, path, now.head_sha),
        "comments": comments,
    }  # fmt: skip


def print_checks(service: Service, path: str, sha: str) -> None:
    """The checks of a commit, and below each the remarks it makes on lines."""
    found = service.local_forge.state.checks(path, sha)
    table(["check", "state", "summary"], [(check.name, check.state, check.summary) for check, _ in found])
    for check, _ in found:
        if len(check.annotations) < 2:
            continue  # the summary has said it
        say(f"\n{check.name}:", "bold")
        for one in check.annotations[:MOST_REMARKS]:
            title = f"{one.title} " if one.title else ""
            say(f"  {one.path}:{one.line}: {title}{one.message}")
        if len(check.annotations) > MOST_REMARKS:
            say(f"  and {counted(len(check.annotations) - MOST_REMARKS, 'more', 'more')}; {check.url}")


def print_waiting(service: Service, path: str, number: int | None = None) -> None:
    """One line per job that could not do its work yet: why, and when it is tried again."""
    row = service.store.find_repository("local", path)
    for job in service.store.jobs(repo=row.id, number=number, states=[JobState.QUEUED], limit=100) if row else []:
        if state_of(job) == "waiting":
            say(f"{job.bot} waits: {outcome(job)}", "yellow")


def print_pull(service: Service, path: str, pull: PullRequest) -> None:
    """A pull request for people."""
    say(f"{path}#{pull.number} {pull.title}", "bold")
    say(f"{pull.state}, by {pull.author.login}, {pull.head_branch} -> {pull.base_branch}, at {pull.head_sha[:12]}")
    if pull.labels:
        say(f"labels: {', '.join(pull.labels)}")
    say(pull.url)
    if pull.body:
        print_comment("", "", pull.body)
    print_checks(service, path, pull.head_sha)
    print_waiting(service, path, pull.number)
    for one in service.local_forge.state.comments(path, number=pull.number):
        print_comment(one.author.login, local_time(one.created), one.body)


def print_comment(login: str, when: str, body: str) -> None:
    """A comment; the hidden marker of our own is left out."""
    text = "\n".join(line for line in without_marks(body).splitlines() if not line.startswith("<!-- ")).strip()
    if login:
        say(f"\n{login}, {when}:", "bold")
    code = False
    for line in text.splitlines():
        code ^= line.startswith("```")
        say(f"  {line if code else unescaped(line)}" if line else "")
