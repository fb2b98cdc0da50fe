"""The local forge: our own signed JSON.

Headers: `X-Sigbot-Event` (push, pull_request, comment, check, ping), `X-Sigbot-Delivery` (an id, the same when sent again) and
`X-Sigbot-Signature-256: sha256=<hex HMAC-SHA256 of the raw body>`; `sign` makes them.

Every body has these two, and the members of its event beside them:

    {"repo": {"path": "images/base", "id": "7", "private": false, "default_branch": "main"},
     "actor": {"login": "alice", "id": "3"}}

    push            "ref": "refs/heads/main", "before": SHA, "after": SHA (zeros: created, deleted),
                    "paths": [every file that differs], left out when unknown
    pull_request    "action": opened|updated|reopened|closed|merged|labelled|unlabelled|edited|ready,
                    "pull_request": {"number", "title", "body", "state": open|closed|merged, "draft",
                                     "author": {"login", "id"}, "head_sha", "head_branch", "base_branch",
                                     "head_repo": path or null, "from_fork", "labels": [names], "url"},
                    "label": name, with labelled and unlabelled; "previous_body": text, with edited
    comment         "action": created|edited|deleted, "number": of the issue or pull request (null for a commit),
                    "comment": {"id" ("issue-NUMBER": the issue's own text), "text", "place": issue|pull_request|review|review_comment|commit,
                                "previous_text": text, with edited; "commit": SHA or null, "url"}
    check           "check": {"name", "sha", "state": success|neutral|failure|error|cancelled, "url"},
                    "branches": [names of those that point at the commit]; sent when a check has ended
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from sig_bots.events import Comment, Event, Ignored, PullRequestChanged, Push, TestResult
from sig_bots.refs import Actor, PullRequest, Repo
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
    maybe_text,
    number,
    plain,
    record,
    repository_path,
    text,
    texts,
    words,
)

__all__ = ["CONTENT_TYPES", "MAX_BODY", "delivery_id", "parse", "parse_all", "project", "proof", "sign", "verify"]

CONTENT_TYPES = frozenset({"application/json"})
"""Media types accepted (without parameters)."""

MAX_BODY = 5 * 2**20
"""Bytes."""


def sign(body: bytes, secret: bytes, event: str, delivery: str) -> dict[str, str]:
    """The headers to post a body with."""
    return {
        "Content-Type": "application/json",
        "X-Sigbot-Event": event,
        "X-Sigbot-Delivery": delivery,
        "X-Sigbot-Signature-256": "sha256=" + hex_signature(secret, body),
    }


project = no_project


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> None:
    """Check the `X-Sigbot-Signature-256` header against the raw body. Raises Unauthorized."""
    verify_hex(headers, "X-Sigbot-Signature-256", body, secrets, prefix="sha256=")


def proof(headers: Mapping[str, str], body: bytes, secret: bytes) -> dict[str, str]:
    """The `X-Sigbot-Signature-256` header."""
    return {"X-Sigbot-Signature-256": "sha256=" + hex_signature(secret, body)}


def delivery_id(headers: Mapping[str, str], body: bytes) -> str | None:
    """`X-Sigbot-Delivery`; None when missing or unusable."""
    return header_id(headers, "x-sigbot-delivery")


def _repo_of(data: Object) -> Repo:
    repo = record(data, "repo")
    return Repo(
        path=repository_path(repo, "path"),
        forge_id=identity(repo, "id"),
        private=flag(repo, "private"),
        default_branch=words(repo, "default_branch") or None,
    )


def _actor_of(node: object, *path: str) -> Actor:
    user = record(node, *path)
    return Actor(login=text(user, "login"), id=identity(user, "id"), bot=flag(user, "bot") or False)


def _push(data: Object) -> Event:
    after = commit(data, "after")
    return Push(
        source="local",
        repo=_repo_of(data),
        ref=branch(data, "ref"),
        before=commit(data, "before"),
        after=after,
        actor=_actor_of(data, "actor"),
        paths=texts(data, "paths"),
        paths_complete=find(data, "paths") is not None,
        deleted=not after.strip("0"),
    )


def _pull_request(data: Object) -> Event:
    pull = record(data, "pull_request")
    head = find(pull, "head_repo")
    return PullRequestChanged(
        source="local",
        repo=_repo_of(data),
        action=text(data, "action"),
        pull_request=PullRequest(
            number=number(pull, "number"),
            title=words(pull, "title"),
            author=_actor_of(pull, "author"),
            head_sha=commit(pull, "head_sha"),
            head_branch=branch(pull, "head_branch"),
            base_branch=branch(pull, "base_branch"),
            head_repo=None if head is None else repository_path(pull, "head_repo"),
            body=words(pull, "body"),
            state=text(pull, "state"),
            draft=flag(pull, "draft") or False,
            labels=texts(pull, "labels"),
            url=words(pull, "url"),
            from_fork=head is None or flag(pull, "from_fork") or False,
        ),
        actor=_actor_of(data, "actor"),
        label=maybe_text(data, "label"),
        previous_body=maybe_text(data, "previous_body"),
    )


def _comment(data: Object) -> Event:
    comment = record(data, "comment")
    return Comment(
        source="local",
        repo=_repo_of(data),
        action=text(data, "action"),
        place=text(comment, "place"),
        text=words(comment, "text"),
        previous_text=maybe_text(comment, "previous_text"),
        actor=_actor_of(data, "actor"),
        comment_id=identity(comment, "id") or "",
        number=None if find(data, "number") is None else number(data, "number"),
        commit=maybe_commit(comment, "commit"),
        url=words(comment, "url"),
    )


def _check(data: Object) -> Event | Ignored:
    check = record(data, "check")
    state = text(check, "state")
    if state not in _ENDED:
        return Ignored(reason=f"A check that is {plain(state)}: it has not ended.")
    return TestResult(
        source="local",
        repo=_repo_of(data),
        test=text(check, "name"),
        status=_ENDED[state],
        subject=commit(check, "sha"),
        url=words(check, "url"),
        sha=commit(check, "sha"),
        branches=texts(data, "branches"),
    )


_ENDED: Mapping[str, Literal["passed", "failed", "error"]] = {
    "success": "passed",
    "neutral": "passed",
    "failure": "failed",
    "error": "error",
    "cancelled": "error",
}
_READERS: Mapping[str, Callable[[Object], Event | Ignored]] = {
    "push": _push,
    "pull_request": _pull_request,
    "comment": _comment,
    "check": _check,
}


def _read(headers: Mapping[str, str], data: Object) -> Event | Ignored:
    name = header(headers, "x-sigbot-event")
    if not name:
        raise Malformed("header X-Sigbot-Event is missing")
    if name == "ping":
        return Ignored(reason="Ping: the webhook is set up.")
    reader = _READERS.get(name)
    return reader(data) if reader else Ignored(reason=f"Local event {plain(name)}: no bot needs it.")


parse = guarded("local", _read)
parse_all = alone(parse)
