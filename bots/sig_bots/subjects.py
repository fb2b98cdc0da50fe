"""What an event is about, as text: what only one job may work on at a time, and what makes a job the same job."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sig_bots.events import CheckRerequested, Comment, Event, ImagePushed, PullRequestChanged, Push, Tick

__all__ = ["Subject", "fingerprint", "subject_of"]


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of an event.

    `name` tells subjects of one repository apart (`pr-12`, `issue-3`, `repository`). `version` tells one occurrence
    from the next: a natural one where there is one, so that the same push told by a webhook and by the bus gives one
    job; else the delivery's id.
    """

    name: str
    version: str
    number: int | None = None
    head_sha: str | None = None
    """The commit a job is bound to: it is superseded when the pull request gets another head."""


def subject_of(event: Event) -> Subject:
    """The subject of any event. Jobs that are about no pull request or issue all work on the repository."""
    match event:
        case Push():
            return Subject("repository", f"{event.ref}@{event.before}..{event.after}")
        case PullRequestChanged():
            request = event.pull_request
            bound = None if event.action in ("closed", "merged") else request.head_sha
            # A head can come back after a force-push, so only the first one is the same without its delivery.
            again = "" if event.action == "opened" else f":{_occurrence(event)}"
            version = f"{event.action}@{request.head_sha}{again}"
            return Subject(f"pr-{request.number}", version, request.number, bound)
        case Comment() if event.is_issue_text:
            # The same text comes again when a box is ticked, emptied by us and ticked once more.
            version = f"{event.comment_id}:{event.action}:{_occurrence(event)}"
            return Subject("repository", version, event.number)
        case Comment():
            version = f"{event.comment_id or _occurrence(event)}:{event.action}:{fingerprint(event.text)}"
            return Subject(_place(event), version, event.number)
        case CheckRerequested():
            number = event.numbers[0] if event.numbers else None
            name = f"pr-{number}" if number is not None else f"commit-{event.sha}"
            return Subject(name, _occurrence(event), number, event.sha)
        case ImagePushed():
            return Subject("repository", f"{event.image}:{_occurrence(event)}")
        case Tick():
            return Subject("repository", event.scheduled.isoformat())
        case _:
            return Subject("repository", _occurrence(event))


def fingerprint(text: str) -> str:
    """A short, stable digest of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _place(event: Comment) -> str:
    if event.number is None:
        return f"commit-{event.commit or 'unknown'}"
    return f"issue-{event.number}" if event.place == "issue" else f"pr-{event.number}"


def _occurrence(event: Event) -> str:
    return event.delivery or fingerprint(event.model_dump_json(exclude={"received"}))
