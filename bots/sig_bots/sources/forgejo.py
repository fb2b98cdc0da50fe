"""Forgejo and Gitea (Codeberg, the Fedora forge).

Scheme: `X-Forgejo-Signature: <hex HMAC-SHA256 of the raw body>` (Gitea: `X-Gitea-Signature`); without a secret the header
is there and empty. Id: `X-Forgejo-Delivery` (`X-Gitea-Delivery`). Event: `X-Forgejo-Event` (`X-Gitea-Event`) and
`action`. Deliveries also carry GitHub's headers: only the address they are posted to tells the two apart.
Source: forgejo.org/docs, "Webhooks"; Forgejo's modules/structs/hook.go.

Comments on pull requests come as `issue_comment` with `is_pull`; reviews as `pull_request_approved`, `_rejected` and
`_comment` with action `reviewed`; a deleted branch or tag as `delete` with the short name, without its last commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from sig_bots.events import NO_COMMIT, Comment, Event, Ignored, PullRequestChanged, Push
from sig_bots.sources._githubform import labels_of, paths_of, pull_request_of, repo_of, sender_of
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

MAX_BODY = 5 * 2**20
"""Bytes."""

_PULL_REQUEST_ACTIONS: Mapping[
    str, Literal["opened", "updated", "reopened", "closed", "labelled", "unlabelled", "edited"]
] = {
    "opened": "opened",
    "synchronized": "updated",
    "reopened": "reopened",
    "closed": "closed",
    "label_updated": "labelled",
    "label_cleared": "unlabelled",
    "edited": "edited",
}
_COMMENT_ACTIONS: Mapping[str, Literal["created", "edited", "deleted"]] = {
    "created": "created",
    "edited": "edited",
    "deleted": "deleted",
}


project = no_project


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> None:
    """Check `X-Forgejo-Signature`, or `X-Gitea-Signature` when a Gitea sent no such header. Raises Unauthorized."""
    forgejo = header(headers, "x-forgejo-signature") is not None
    name = "X-Forgejo-Signature" if forgejo or not header(headers, "x-gitea-signature") else "X-Gitea-Signature"
    verify_hex(headers, name, body, secrets)


def proof(headers: Mapping[str, str], body: bytes, secret: bytes) -> dict[str, str]:
    """The `X-Forgejo-Signature` header."""
    return {"X-Forgejo-Signature": hex_signature(secret, body)}


def delivery_id(headers: Mapping[str, str], body: bytes) -> str | None:
    """`X-Forgejo-Delivery` or `X-Gitea-Delivery`; None when both are missing or unusable."""
    return header_id(headers, "x-forgejo-delivery", "x-gitea-delivery")


def _push(data: Object) -> Event | Ignored:
    after = commit(data, "after")
    paths, _ = paths_of(records(data, "commits"))
    return Push(
        source="forgejo",
        repo=repo_of(data),
        ref=branch(data, "ref"),
        before=commit(data, "before"),
        after=after,
        actor=sender_of(data, "pusher"),
        paths=paths,
        # Nothing tells a forced push, which also takes commits away, and by default only five commits are listed.
        paths_complete=False,
        deleted=not after.strip("0"),
    )


def _deleted_ref(data: Object) -> Event | Ignored:
    kind = "tags" if text(data, "ref_type") == "tag" else "heads"
    name = branch(data, "ref")
    return Push(
        source="forgejo",
        repo=repo_of(data),
        ref=name if name.startswith("refs/") else f"refs/{kind}/{name}",
        before=NO_COMMIT,
        after=NO_COMMIT,
        actor=sender_of(data),
        deleted=True,
    )


def _pull_request(data: Object) -> Event | Ignored:
    action = _PULL_REQUEST_ACTIONS.get(text(data, "action"))
    if action is None:
        return _unused("pull_request", data)
    described = record(data, "pull_request")
    pull = pull_request_of(described)
    label = maybe_text(data, "label", "name")
    if action == "labelled" and label is not None and label not in labels_of(described):
        action = "unlabelled"  # one action for both ways; the pull request's own labels tell which
    return PullRequestChanged(
        source="forgejo",
        repo=repo_of(data),
        action="merged" if action == "closed" and pull.state == "merged" else action,
        pull_request=pull,
        actor=sender_of(data, "pull_request", "user"),
        label=label,
        previous_body=maybe_text(data, "changes", "body", "from"),
    )


def _comment(data: Object) -> Event | Ignored:
    action = _COMMENT_ACTIONS.get(text(data, "action"))
    if action is None:
        return _unused("issue_comment", data)
    comment = record(data, "comment")
    on_pull = flag(data, "is_pull") or find(data, "issue", "pull_request") is not None
    return Comment(
        source="forgejo",
        repo=repo_of(data),
        action=action,
        place="pull_request" if on_pull else "issue",
        text=words(comment, "body"),
        previous_text=maybe_text(data, "changes", "body", "from"),
        actor=sender_of(data, "comment", "user"),
        comment_id=identity(comment, "id") or "",
        number=number(data, "issue", "number"),
        url=words(comment, "html_url"),
    )


def _review(data: Object) -> Event | Ignored:
    if text(data, "action") != "reviewed":
        return _unused("review", data)
    return Comment(
        source="forgejo",
        repo=repo_of(data),
        place="review",
        text=words(data, "review", "content"),
        actor=sender_of(data),
        number=number(data, "pull_request", "number"),
        commit=maybe_commit(data, "commit_id") or maybe_commit(data, "pull_request", "head", "sha"),
        url=words(data, "pull_request", "html_url"),
    )


def _unused(event: str, data: Object) -> Ignored:
    return Ignored(reason=f"Forgejo event {event} with action {plain(text(data, 'action'))}: no bot needs it.")


_READERS: Mapping[str, Callable[[Object], Event | Ignored]] = {
    "push": _push,
    "delete": _deleted_ref,
    "pull_request": _pull_request,
    "issue_comment": _comment,
    "issues": of_github_form("forgejo"),
    "pull_request_approved": _review,
    "pull_request_rejected": _review,
    "pull_request_comment": _review,
}


def _read(headers: Mapping[str, str], data: Object) -> Event | Ignored:
    name = header(headers, "x-forgejo-event") or header(headers, "x-gitea-event")
    if not name:
        raise Malformed("header X-Forgejo-Event is missing")
    reader = _READERS.get(name)
    return reader(data) if reader else Ignored(reason=f"Forgejo event {plain(name)}: no bot needs it.")


parse = guarded("Forgejo", _read)
parse_all = alone(parse)
