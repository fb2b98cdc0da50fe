"""GitLab: gitlab.com and self-managed.

Two schemes. A secret token comes in clear in `X-Gitlab-Token` and signs nothing. A signing token (`whsec_` + base64)
makes a Standard Webhooks signature: `webhook-signature: v1,<base64 HMAC-SHA256>` over `id.timestamp.body`, with
`webhook-id` and `webhook-timestamp`; several signatures may stand there, separated by blanks.
Secrets of a hook that start with `whsec_` are signing tokens, all others are secret tokens. A delivery that bears a
signature must fit a signing token when there is one. An unsigned delivery is accepted only when a secret token is
configured too: that is how an instance says so.
Id: `Idempotency-Key` or `webhook-id`, the same over retries. Event: `object_kind` of the body.
Source: docs.gitlab.com, "Webhooks" and "Webhook events"; standardwebhooks.com.

The author of a merge request comes as a number only: the login is empty unless the same account is named elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from sig_bots.errors import Unauthorized, UserError
from sig_bots.events import Comment, Event, Ignored, PullRequestChanged, Push, TestResult
from sig_bots.refs import Actor, PullRequest, Repo
from sig_bots.sources._githubform import paths_of
from sig_bots.sources._issuetext import of_gitlab
from sig_bots.sources._signature import active, ascii_secret, matches, no_project, verify_token
from sig_bots.sources.payload import (
    Object,
    alone,
    body_id,
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
    repository_path,
    text,
    words,
)

__all__ = ["CONTENT_TYPES", "MAX_BODY", "TOLERANCE", "delivery_id", "parse", "parse_all", "project", "proof", "verify"]

CONTENT_TYPES = frozenset({"application/json"})
"""Media types accepted (without parameters)."""

MAX_BODY = 26 * 2**20
"""Bytes. GitLab sends at most 25 MB."""

TOLERANCE = 300
"""Seconds a signed time may lie from ours, before or after (Standard Webhooks, "Verifying webhook authenticity")."""

_SIGNING_PREFIX = b"whsec_"
_PUBLIC = 20
_ACTIONS: Mapping[str, Literal["opened", "closed", "reopened", "merged"]] = {
    "open": "opened",
    "close": "closed",
    "reopen": "reopened",
    "merge": "merged",
}
_PLACES: Mapping[str, Literal["issue", "commit"]] = {"Issue": "issue", "Commit": "commit"}

project = no_project


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], *, now: Callable[[], float] = time.time
) -> None:
    """Check the signature, or the token where the hook allows unsigned deliveries; `now` in Unix seconds.

    Raises Unauthorized.
    """
    usable = active(secrets)
    signing = [secret for secret in usable if secret.startswith(_SIGNING_PREFIX)]
    tokens = [secret for secret in usable if not secret.startswith(_SIGNING_PREFIX)]
    if signing and header(headers, "webhook-signature") is not None:
        _verify_signature(headers, body, signing, now())
    elif tokens:
        verify_token(header(headers, "x-gitlab-token"), "X-Gitlab-Token header", tokens)
    else:
        raise Unauthorized(
            "The delivery has no webhook-signature header; set the signing token for the webhook at GitLab."
        )


def _verify_signature(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], now: float) -> None:
    message, stamp = header(headers, "webhook-id") or "", header(headers, "webhook-timestamp") or ""
    if not message or not re.fullmatch(r"[0-9]{1,12}", stamp, re.ASCII):
        raise Unauthorized(
            "The delivery is signed but its webhook-id or webhook-timestamp header is missing or unusable."
        )
    if abs(now - int(stamp)) > TOLERANCE:
        raise Unauthorized("The delivery was signed more than 5 minutes from now; check the clocks of both servers.")
    signed = f"{message}.{stamp}.".encode("utf-8", "surrogatepass") + body
    expected = [b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)) for key in _keys(secrets)]
    given = (header(headers, "webhook-signature") or "").split(" ")
    if not any(matches(one, expected) for one in given):
        raise Unauthorized("The webhook-signature header does not fit the body under any active secret of this hook.")


def _keys(secrets: Sequence[bytes]) -> list[bytes]:
    keys = []
    for secret in secrets:
        try:
            key = base64.b64decode(secret.removeprefix(_SIGNING_PREFIX), validate=True)
        except binascii.Error:
            key = b""
        if key:
            keys.append(key)
    return keys


def proof(headers: Mapping[str, str], body: bytes, secret: bytes) -> dict[str, str]:
    """The signature made now with a signing token, or the secret token itself. Raises UserError for a broken one."""
    if not secret.startswith(_SIGNING_PREFIX):
        return {"X-Gitlab-Token": ascii_secret(secret)}
    try:
        key = base64.b64decode(secret.removeprefix(_SIGNING_PREFIX), validate=True)
    except binascii.Error:
        raise UserError("A signing token of GitLab is whsec_ and base64; copy it whole.") from None
    message, stamp = header(headers, "idempotency-key") or "", str(int(time.time()))
    signature = hmac.digest(key, f"{message}.{stamp}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": message, "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }  # fmt: skip


def delivery_id(headers: Mapping[str, str], body: bytes) -> str | None:
    """`Idempotency-Key` or `webhook-id`; a server too old to send one: the body's SHA-256."""
    return header_id(headers, "idempotency-key", "webhook-id") or body_id(body)


def _repo_of(data: Object) -> Repo:
    project = record(data, "project")
    level = find(project, "visibility_level")
    return Repo(
        path=repository_path(project, "path_with_namespace"),
        forge_id=identity(project, "id"),
        private=None if level is None else level != _PUBLIC,
        default_branch=words(project, "default_branch") or None,
    )


def _user_of(data: Object) -> Actor:
    user = record(data, "user")
    return Actor(login=text(user, "username"), id=identity(user, "id"))


def _push(data: Object) -> Event | Ignored:
    after = commit(data, "after")
    paths, _ = paths_of(records(data, "commits"))
    login = maybe_text(data, "user_username") or text(data, "user_name")
    return Push(
        source="gitlab",
        repo=_repo_of(data),
        ref=branch(data, "ref"),
        before=commit(data, "before"),
        after=after,
        actor=Actor(login=login, id=identity(data, "user_id")),
        paths=paths,
        # Nothing tells a forced push, which also takes commits away, and only the newest 20 commits are listed.
        paths_complete=False,
        deleted=not after.strip("0"),
    )


def _merge_request(data: Object) -> Event | Ignored:
    attributes = record(data, "object_attributes")
    action = text(attributes, "action")
    change, label = _ACTIONS.get(action), None
    if change is not None:
        kind: str | None = change
    elif action == "update":
        kind, label = _update(data, attributes)
    else:
        kind = None
    if kind is None:
        return Ignored(reason=f"GitLab merge request action {plain(action)}: no bot needs it.")
    return PullRequestChanged(
        source="gitlab",
        repo=_repo_of(data),
        action=kind,
        pull_request=_pull_request_of(data, attributes),
        actor=_user_of(data),
        label=label,
        previous_body=maybe_text(data, "changes", "description", "previous"),
    )


def _update(data: Object, attributes: Object) -> tuple[str | None, str | None]:
    """What an `update` is, by what changed: GitLab has one action for pushes, labels, drafts and texts."""
    changes = maybe_record(data, "changes") or {}
    if find(attributes, "oldrev"):
        return "updated", None
    if "labels" in changes:
        before = [text(one, "title") for one in records(changes, "labels", "previous")]
        after = [text(one, "title") for one in records(changes, "labels", "current")]
        added = [one for one in after if one not in before]
        removed = [one for one in before if one not in after]
        if added or removed:
            return ("labelled", added[0]) if added else ("unlabelled", removed[0])
    if find(changes, "draft", "previous") is True and find(changes, "draft", "current") is False:
        return "ready", None
    return ("edited", None) if {"title", "description", "target_branch"} & set(changes) else (None, None)


def _pull_request_of(data: Object, attributes: Object) -> PullRequest:
    source = maybe_record(attributes, "source")
    state = text(attributes, "state")
    return PullRequest(
        number=number(attributes, "iid"),
        title=words(attributes, "title"),
        author=_author_of(data, attributes),
        head_sha=commit(attributes, "last_commit", "id"),
        head_branch=branch(attributes, "source_branch"),
        base_branch=branch(attributes, "target_branch"),
        head_repo=repository_path(source, "path_with_namespace") if source else None,
        body=words(attributes, "description"),
        state="open" if state in ("opened", "locked") else "merged" if state == "merged" else "closed",
        draft=flag(attributes, "draft") or flag(attributes, "work_in_progress") or False,
        labels=tuple(text(one, "title") for one in records(attributes, "labels")),
        url=words(attributes, "url"),
        from_fork=source is None
        or identity(attributes, "source_project_id") != identity(attributes, "target_project_id"),
    )


def _author_of(data: Object, attributes: Object) -> Actor:
    author = identity(attributes, "author_id")
    named = [maybe_record(data, "user"), *records(data, "assignees"), *records(data, "reviewers")]
    login = next((text(one, "username") for one in named if one and author and identity(one, "id") == author), "")
    return Actor(login=login, id=author)


def _note(data: Object) -> Event | Ignored:
    if find(data, "event_type") == "confidential_note":
        return Ignored(reason="A confidential comment: an answer would be public, so it is read by nobody here.")
    note = record(data, "object_attributes")
    kind = text(note, "noteable_type")
    if kind not in ("MergeRequest", "Issue", "Commit"):
        return Ignored(reason=f"A GitLab comment on a {plain(kind)}: no bot needs it.")
    action = maybe_text(note, "action")  # servers before 16.11 send none, and only for new comments
    if action not in (None, "create", "update"):
        return Ignored(reason=f"GitLab comment action {plain(action or '')}: no bot needs it.")
    inline = find(note, "type") == "DiffNote"
    bound = kind == "Commit" or inline
    return Comment(
        source="gitlab",
        repo=_repo_of(data),
        action="edited" if action == "update" else "created",
        place=_PLACES.get(kind, "review_comment" if inline else "pull_request"),
        text=words(note, "note"),
        actor=_user_of(data),
        comment_id=identity(note, "id") or "",
        number=None if kind == "Commit" else number(data, "issue" if kind == "Issue" else "merge_request", "iid"),
        commit=(maybe_commit(note, "commit_id") or maybe_commit(note, "position", "head_sha")) if bound else None,
        automatic=flag(note, "system") or False,
        url=words(note, "url"),
    )


def _pipeline(data: Object) -> Event | Ignored:
    pipeline = record(data, "object_attributes")
    status = _ENDED.get(text(pipeline, "status"))
    if status is None:
        return Ignored(reason=f"A GitLab pipeline that is {plain(text(pipeline, 'status'))}: it has not ended.")
    request = maybe_record(data, "merge_request")
    return TestResult(
        source="gitlab",
        repo=_repo_of(data),
        test="pipeline",
        status=status,
        subject=commit(pipeline, "sha"),
        url=words(pipeline, "url"),
        sha=commit(pipeline, "sha"),
        number=number(request, "iid") if request else None,
        branches=(branch(request, "source_branch") if request else branch(pipeline, "ref"),),
    )


_ENDED: Mapping[str, Literal["passed", "failed", "error"]] = {
    "success": "passed", "failed": "failed", "canceled": "error",
}  # fmt: skip


_READERS: Mapping[str, Callable[[Object], Event | Ignored]] = {
    "push": _push,
    "tag_push": _push,
    "merge_request": _merge_request,
    "note": _note,
    "pipeline": _pipeline,
    "issue": lambda data: of_gitlab(data, _repo_of(data), _user_of(data)),
}


def _read(headers: Mapping[str, str], data: Object) -> Event | Ignored:
    kind = text(data, "object_kind")
    reader = _READERS.get(kind)
    return reader(data) if reader else Ignored(reason=f"GitLab event {plain(kind)}: no bot needs it.")


parse = guarded("GitLab", _read)
parse_all = alone(parse)
