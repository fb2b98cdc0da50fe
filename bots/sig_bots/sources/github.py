"""GitHub and GitHub Enterprise Server: App and repository webhooks.

Scheme: `X-Hub-Signature-256: sha256=<hex HMAC-SHA256 of the raw body>`; the SHA-1 header is not accepted.
Id: `X-GitHub-Delivery`, kept on redelivery. Event: `X-GitHub-Event` and `action` of the body.
Source: docs.github.com, "Validating webhook deliveries" and "Webhook events and payloads".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from sig_bots.events import (
    CheckRerequested,
    Comment,
    Event,
    Ignored,
    PullRequestChanged,
    Push,
    TestResult,
)
from sig_bots.refs import Actor
from sig_bots.sources._githubform import GHOST, actor_of, paths_of, pull_request_of, repo_of, sender_of
from sig_bots.sources._issuetext import of_github_form
from sig_bots.sources._signature import hex_signature, no_project, verify_hex
from sig_bots.sources.payload import (
    Malformed,
    Object,
    alone,
    branch,
    commit,
    find,
    flag,
    guarded,
    header,
    header_id,
    identity,
    maybe_commit,
    maybe_record,
    maybe_text,
    number,
    plain,
    record,
    records,
    text,
    words,
)

__all__ = ["CONTENT_TYPES", "MAX_BODY", "delivery_id", "parse", "parse_all", "project", "proof", "verify"]

CONTENT_TYPES = frozenset({"application/json"})
"""Media types accepted (without parameters)."""

MAX_BODY = 26 * 2**20
"""Bytes. GitHub sends at most 25 MB; a bigger payload is never sent."""

# A push lists at most this many commits, and a commit at most this many files.
_COMMITS_LISTED, _FILES_LISTED = 2048, 3000

_PULL_REQUEST_ACTIONS: Mapping[
    str, Literal["opened", "updated", "reopened", "closed", "labelled", "unlabelled", "edited", "ready"]
] = {
    "opened": "opened",
    "synchronize": "updated",
    "reopened": "reopened",
    "closed": "closed",
    "labeled": "labelled",
    "unlabeled": "unlabelled",
    "edited": "edited",
    "ready_for_review": "ready",
}
_COMMENT_ACTIONS: Mapping[str, Literal["created", "edited", "deleted"]] = {
    "created": "created",
    "edited": "edited",
    "deleted": "deleted",
}
_CONCLUSIONS: Mapping[str, Literal["passed", "failed"]] = {
    "success": "passed",
    "neutral": "passed",
    "skipped": "passed",
    "failure": "failed",
    "timed_out": "failed",
    "action_required": "failed",
}
_STATUSES: Mapping[str, Literal["passed", "failed", "error"]] = {
    "success": "passed",
    "failure": "failed",
    "error": "error",
}

project = no_project


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> None:
    """Check the `X-Hub-Signature-256` header against the raw body. Raises Unauthorized."""
    verify_hex(headers, "X-Hub-Signature-256", body, secrets, prefix="sha256=")


def proof(headers: Mapping[str, str], body: bytes, secret: bytes) -> dict[str, str]:
    """The `X-Hub-Signature-256` header."""
    return {"X-Hub-Signature-256": "sha256=" + hex_signature(secret, body)}


def delivery_id(headers: Mapping[str, str], body: bytes) -> str | None:
    """`X-GitHub-Delivery`, the same when GitHub delivers again; None when missing or unusable."""
    return header_id(headers, "x-github-delivery")


def _push(data: Object) -> Event | Ignored:
    deleted = flag(data, "deleted") or False
    commits = records(data, "commits")
    paths, named = paths_of(commits)
    # A forced push also takes commits away and a new branch has no "before": the list then is not the difference.
    partial = deleted or flag(data, "forced") or flag(data, "created")
    full = len(commits) < _COMMITS_LISTED and len(paths) < _FILES_LISTED
    sender = maybe_record(data, "sender")
    return Push(
        source="github",
        repo=repo_of(data),
        ref=branch(data, "ref"),
        before=commit(data, "before"),
        after=commit(data, "after"),
        actor=actor_of(sender) if sender else Actor(login=words(data, "pusher", "name") or GHOST.login),
        paths=paths,
        paths_complete=named and full and not partial,
        deleted=deleted,
    )


def _pull_request(data: Object) -> Event | Ignored:
    action = _PULL_REQUEST_ACTIONS.get(text(data, "action"))
    if action is None:
        return _unused("pull_request", data)
    pull = pull_request_of(record(data, "pull_request"))
    return PullRequestChanged(
        source="github",
        repo=repo_of(data),
        action="merged" if action == "closed" and pull.state == "merged" else action,
        pull_request=pull,
        actor=sender_of(data, "pull_request", "user"),
        label=maybe_text(data, "label", "name"),
        previous_body=maybe_text(data, "changes", "body", "from"),
    )


def _issue_comment(data: Object) -> Event | Ignored:
    action = _COMMENT_ACTIONS.get(text(data, "action"))
    if action is None:
        return _unused("issue_comment", data)
    comment = record(data, "comment")
    return Comment(
        source="github",
        repo=repo_of(data),
        action=action,
        place="pull_request" if find(data, "issue", "pull_request") is not None else "issue",
        text=words(comment, "body"),
        previous_text=maybe_text(data, "changes", "body", "from"),
        actor=sender_of(data, "comment", "user"),
        comment_id=identity(comment, "id") or "",
        number=number(data, "issue", "number"),
        url=words(comment, "html_url"),
    )


def _review(data: Object) -> Event | Ignored:
    action = text(data, "action")
    if action not in ("submitted", "edited", "dismissed"):
        return _unused("pull_request_review", data)
    review = record(data, "review")
    written = words(review, "body")
    previous = maybe_text(data, "changes", "body", "from")
    if action == "dismissed":  # nothing new was written, so nothing in it may act again
        previous = written
    return Comment(
        source="github",
        repo=repo_of(data),
        action="created" if action == "submitted" else "edited",
        place="review",
        text=written,
        previous_text=previous,
        actor=sender_of(data, "review", "user"),
        comment_id=identity(review, "id") or "",
        number=number(data, "pull_request", "number"),
        commit=maybe_commit(review, "commit_id"),
        url=words(review, "html_url"),
    )


def _review_comment(data: Object) -> Event | Ignored:
    action = _COMMENT_ACTIONS.get(text(data, "action"))
    if action is None:
        return _unused("pull_request_review_comment", data)
    comment = record(data, "comment")
    return Comment(
        source="github",
        repo=repo_of(data),
        action=action,
        place="review_comment",
        text=words(comment, "body"),
        previous_text=maybe_text(data, "changes", "body", "from"),
        actor=sender_of(data, "comment", "user"),
        comment_id=identity(comment, "id") or "",
        number=number(data, "pull_request", "number"),
        commit=maybe_commit(comment, "commit_id"),
        url=words(comment, "html_url"),
    )


def _commit_comment(data: Object) -> Event | Ignored:
    if text(data, "action") != "created":
        return _unused("commit_comment", data)
    comment = record(data, "comment")
    return Comment(
        source="github",
        repo=repo_of(data),
        place="commit",
        text=words(comment, "body"),
        actor=sender_of(data, "comment", "user"),
        comment_id=identity(comment, "id") or "",
        commit=commit(comment, "commit_id"),
        url=words(comment, "html_url"),
    )


def _check(kind: str) -> Callable[[Object], Event | Ignored]:
    def read(data: Object) -> Event | Ignored:
        check = record(data, kind)
        ended = maybe_text(check, "conclusion")
        if text(data, "action") in ("created", "completed") and ended:
            return _check_ended(kind, data, check, ended)
        if text(data, "action") != "rerequested":
            return _unused(kind, data)
        return CheckRerequested(
            source="github",
            repo=repo_of(data),
            sha=commit(check, "head_sha"),
            check=text(check, "name") if kind == "check_run" else None,
            actor=sender_of(data),
            numbers=tuple(number(pull, "number") for pull in records(check, "pull_requests")),
        )

    return read


def _check_ended(kind: str, data: Object, check: Object, conclusion: str) -> Event:
    suite = check if kind == "check_suite" else maybe_record(check, "check_suite")
    head, pulls = maybe_text(suite, "head_branch") if suite else None, records(check, "pull_requests")
    return TestResult(
        source="github",
        repo=repo_of(data),
        test=text(check, "name") if kind == "check_run" else maybe_text(check, "app", "name") or "check suite",
        status=_CONCLUSIONS.get(conclusion, "error"),
        subject=commit(check, "head_sha"),
        url=words(check, "html_url"),
        sha=commit(check, "head_sha"),
        number=number(pulls[0], "number") if len(pulls) == 1 else None,
        branches=(branch({"head": head}, "head"),) if head else (),
    )


def _status(data: Object) -> Event | Ignored:
    state = text(data, "state")
    if state not in _STATUSES:
        return Ignored(reason=f"GitHub status {plain(state)}: it has not ended.")
    return TestResult(
        source="github",
        repo=repo_of(data),
        test=text(data, "context"),
        status=_STATUSES[state],
        subject=commit(data, "sha"),
        url=words(data, "target_url"),
        sha=commit(data, "sha"),
        branches=tuple(branch(one, "name") for one in records(data, "branches")),
    )


def _unused(event: str, data: Object) -> Ignored:
    return Ignored(reason=f"GitHub event {event} with action {plain(text(data, 'action'))}: no bot needs it.")


_READERS: Mapping[str, Callable[[Object], Event | Ignored]] = {
    "push": _push,
    "pull_request": _pull_request,
    "issue_comment": _issue_comment,
    "issues": of_github_form("github"),
    "pull_request_review": _review,
    "pull_request_review_comment": _review_comment,
    "commit_comment": _commit_comment,
    "check_run": _check("check_run"),
    "check_suite": _check("check_suite"),
    "status": _status,
}


def _read(headers: Mapping[str, str], data: Object) -> Event | Ignored:
    name = header(headers, "x-github-event")
    if not name:
        raise Malformed("header X-GitHub-Event is missing")
    if name == "ping":
        return Ignored(reason="Ping: the webhook is set up.")
    reader = _READERS.get(name)
    if reader is None:
        return Ignored(reason=f"GitHub event {plain(name)}: no bot needs it.")
    return reader(data)


parse = guarded("GitHub", _read)
parse_all = alone(parse)
