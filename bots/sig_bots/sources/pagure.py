"""Pagure: pagure.io, src.fedoraproject.org.

Scheme: `X-Pagure-Signature-256: <hex HMAC-SHA256 of the raw body>` under a key of the project; each project and each fork
has its own (`X-Pagure-Signature` is SHA-1 and not accepted). The headers `X-Pagure` (instance), `X-Pagure-Project` and
`X-Pagure-Topic` are not signed: `project` reads from them which key to try, `verify` then requires the signed body to
name the same project and instance, and `parse` trusts the body alone.
Id: `msg_id` of the body. Event: `topic` of the body.

Pagure sends no webhooks for private projects, so a repository seen here is public. Its own notification comments
("1 new commit added") arrive as comments with `notification` true. Nothing is sent twice and order is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from sig_bots.errors import Unauthorized
from sig_bots.events import (
    NO_COMMIT,
    Comment,
    Event,
    Ignored,
    PullRequestChanged,
    Push,
    Rejected,
    TestResult,
)
from sig_bots.refs import Actor, PullRequest, Repo
from sig_bots.sources._issuetext import of_pagure
from sig_bots.sources._signature import hex_signature, verify_hex
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
    identity,
    json_object,
    maybe_commit,
    maybe_record,
    maybe_text,
    missing,
    number,
    plain,
    record,
    records,
    repository_path,
    text,
    texts,
    usable_id,
    words,
)

__all__ = ["CONTENT_TYPES", "MAX_BODY", "delivery_id", "parse", "parse_all", "project", "proof", "verify"]

CONTENT_TYPES = frozenset({"application/json"})
"""Media types accepted (without parameters)."""

MAX_BODY = 5 * 2**20
"""Bytes."""

_PULL_REQUEST_TOPICS: Mapping[
    str, Literal["opened", "updated", "reopened", "closed", "labelled", "unlabelled", "edited"]
] = {
    "pull-request.new": "opened",
    "pull-request.updated": "updated",
    "pull-request.rebased": "updated",
    "pull-request.reopened": "reopened",
    "pull-request.closed": "closed",
    "pull-request.tag.added": "labelled",
    "pull-request.tag.removed": "unlabelled",
    "pull-request.initial_comment.edited": "edited",
}
_FLAGS: Mapping[str, Literal["passed", "failed", "error"]] = {
    "success": "passed",
    "failure": "failed",
    "error": "error",
    "canceled": "error",
}


def project(headers: Mapping[str, str]) -> str | None:
    """The project whose key to verify with, in the form of `Repo.path` (`fork/bob/rpms/demo`); None when not named.

    It comes from an unsigned header: good for choosing the key, for nothing else.
    """
    named = header(headers, "x-pagure-project")
    try:
        return _path_of(repository_path({"project": named}, "project")) if named else None
    except Malformed:
        return None


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> None:
    """Check the signature under the project's keys, then that the body names the headers' project and instance.

    A body that is no JSON object names nothing; it passes, and `json_object` refuses it. Raises Unauthorized.
    """
    verify_hex(headers, "X-Pagure-Signature-256", body, secrets)
    data = json_object(body)
    if isinstance(data, Rejected):
        return
    message = data.get("msg")
    for name, key in (("X-Pagure-Project", "project_fullname"), ("X-Pagure", "pagure_instance")):
        signed = message.get(key) if isinstance(message, dict) else None
        if not isinstance(signed, str) or signed != header(headers, name.lower()):
            raise Unauthorized(f"The {name} header is not what the signed body says ({key}).")


def proof(headers: Mapping[str, str], body: bytes, secret: bytes) -> dict[str, str]:
    """The signature, and the unsigned headers, which repeat what the signed body says."""
    data = json_object(body)
    message = None if isinstance(data, Rejected) else data.get("msg")
    named = message if isinstance(message, dict) else {}
    values = {"X-Pagure-Project": named.get("project_fullname"), "X-Pagure": named.get("pagure_instance")}
    repeated = {name: value for name, value in values.items() if isinstance(value, str)}
    return {**repeated, "X-Pagure-Signature-256": hex_signature(secret, body)}


def delivery_id(headers: Mapping[str, str], body: bytes) -> str | None:
    """`msg_id` of the body; None when the body has none."""
    data = json_object(body)
    return None if isinstance(data, Rejected) else usable_id(data.get("msg_id"))


def _path_of(fullname: str) -> str:
    """`Repo.path` for a project's full name: Pagure says `forks/` there and `fork/` in every URL."""
    return "fork/" + fullname.removeprefix("forks/") if fullname.startswith("forks/") else fullname


def _repo_of(message: Object, described: Object) -> Repo:
    """The project a message is about.

    Raises Malformed when the message describes another project than the one whose key signed it: an owner of one
    project could otherwise speak for all.
    """
    fullname = repository_path(message, "project_fullname")
    if text(described, "fullname") != fullname:
        raise Malformed("the project described is not project_fullname")
    return Repo(path=_path_of(fullname), forge_id=identity(described, "id"), private=False)


def _actor_of(message: Object) -> Actor:
    login = text(message, "agent")
    return Actor(login=login, bot=login == "pagure")  # the name Pagure itself acts under


def _pull_request_of(pull: Object) -> PullRequest:
    source = maybe_record(pull, "repo_from")
    status = text(pull, "status")
    return PullRequest(
        number=number(pull, "id"),
        title=words(pull, "title"),
        author=Actor(login=maybe_text(pull, "user", "name") or "ghost"),
        head_sha=commit(pull, "commit_stop"),
        head_branch=branch(pull, "branch_from"),
        base_branch=branch(pull, "branch"),
        head_repo=_path_of(repository_path(source, "fullname")) if source else None,
        body=words(pull, "initial_comment"),
        state="open" if status == "Open" else "merged" if status == "Merged" else "closed",
        labels=texts(pull, "tags"),
        url=words(pull, "full_url"),
        # No source project: the fork was deleted, or the branch lies on another server.
        from_fork=source is None or identity(source, "id") != identity(pull, "project", "id"),
    )


def _changed(topic: str, message: Object) -> Event:
    pull = record(message, "pullrequest")
    request = _pull_request_of(pull)
    action = _PULL_REQUEST_TOPICS[topic]
    merged = action == "closed" and (flag(message, "merged") or request.state == "merged")
    labels = texts(message, "tags") if action in ("labelled", "unlabelled") else ()
    return PullRequestChanged(
        source="pagure",
        repo=_repo_of(message, record(pull, "project")),
        action="merged" if merged else action,
        pull_request=request,
        actor=_actor_of(message),
        label=labels[0] if labels else None,
    )


def _comment(topic: str, message: Object) -> Event | Ignored:
    on_issue = topic.startswith("issue.")
    subject = record(message, "issue" if on_issue else "pullrequest")
    if flag(subject, "private"):
        return Ignored(reason="A comment on a private issue: it is read by nobody here.")
    edited = topic.endswith(".edited")
    actor = _actor_of(message)
    comment = record(message, "comment") if edited else _newest_by(actor, subject)
    inline = not on_issue and find(comment, "filename") is not None
    return Comment(
        source="pagure",
        repo=_repo_of(message, record(message, "project") if on_issue else record(subject, "project")),
        action="edited" if edited else "created",
        place="issue" if on_issue else "review_comment" if inline else "pull_request",
        text=words(comment, "comment"),
        actor=actor,
        comment_id=identity(comment, "id") or "",
        number=number(subject, "id"),
        commit=maybe_commit(comment, "commit"),
        automatic=flag(comment, "notification") or False,
        url=_comment_url(subject, comment),
    )


def _newest_by(actor: Actor, subject: Object) -> Object:
    """The comment a "comment.added" message announces: it comes as one of all comments, unmarked.

    Only the actor's own are looked at: of two people writing at once, the one must not get the other's words.
    """
    own = [one for one in records(subject, "comments") if find(one, "user", "name") == actor.login]
    if not own:
        raise missing(("comments",), "a list with a comment of the agent")
    return max(own, key=lambda one: number(one, "id"))


def _comment_url(subject: Object, comment: Object) -> str:
    page, number_ = words(subject, "full_url"), identity(comment, "id")
    return f"{page}#comment-{number_}" if page and number_ else ""


def _pushed(topic: str, message: Object) -> Event:
    changed = maybe_record(message, "changed_files") or {}
    # Pagure misreads git's list after a rename: every pair from there on is shifted, and only a letter tells a sound one.
    sound = {path for path, letter in changed.items() if letter in ("A", "M", "D", "T")}
    old = words(message, "old_commit").removeprefix("^")
    return Push(
        source="pagure",
        repo=_repo_of(message, record(message, "repo")),
        ref=_ref("heads", branch(message, "branch")),
        before=commit({"old_commit": old or NO_COMMIT}, "old_commit"),
        after=commit(message, "end_commit"),
        actor=_actor_of(message),
        paths=tuple(path for path in changed if path in sound),
        paths_complete=bool(changed) and len(sound) == len(changed),
    )


def _tag_or_deletion(topic: str, message: Object) -> Event:
    kind = "tag" if topic.startswith("git.tag.") else "branch"
    deleted = topic.endswith(".deletion")
    revision = commit(message, "rev")
    return Push(
        source="pagure",
        repo=_repo_of(message, record(message, "repo")),
        ref=_ref("tags" if kind == "tag" else "heads", branch(message, kind)),
        before=revision if deleted else NO_COMMIT,
        after=NO_COMMIT if deleted else revision,
        actor=_actor_of(message),
        deleted=deleted,
    )


def _flagged(topic: str, message: Object) -> Event | Ignored:
    pull = maybe_record(message, "pullrequest")
    seen = record(message, "flag")
    status = text(seen, "status")
    if status not in _FLAGS:
        return Ignored(reason=f"A Pagure flag that says {plain(status)}: it has not ended.")
    return TestResult(
        source="pagure",
        repo=_repo_of(message, record(pull, "project") if pull else record(message, "repo")),
        test=text(seen, "username"),
        status=_FLAGS[status],
        subject=commit(seen, "commit_hash"),
        url=words(seen, "url"),
        sha=commit(seen, "commit_hash"),
        number=number(pull, "id") if pull else None,
        branches=(branch(pull, "branch_from"),) if pull else (),
    )


def _ref(kind: str, name: str) -> str:
    return name if name.startswith("refs/") else f"refs/{kind}/{name}"


def _issue(topic: str, message: Object) -> Event | Ignored:
    return of_pagure(topic, message, _repo_of(message, record(message, "project")), _actor_of(message))


_READERS: Mapping[str, Callable[[str, Object], Event | Ignored]] = {
    **dict.fromkeys(_PULL_REQUEST_TOPICS, _changed),
    "pull-request.comment.added": _comment,
    "pull-request.comment.edited": _comment,
    "issue.new": _issue,
    "issue.edit": _issue,
    "issue.comment.added": _comment,
    "issue.comment.edited": _comment,
    "pull-request.flag.added": _flagged,
    "pull-request.flag.updated": _flagged,
    "commit.flag.added": _flagged,
    "commit.flag.updated": _flagged,
    "git.receive": _pushed,
    "git.tag.creation": _tag_or_deletion,
    "git.tag.deletion": _tag_or_deletion,
    "git.branch.deletion": _tag_or_deletion,
}


def _read(headers: Mapping[str, str], data: Object) -> Event | Ignored:
    topic = text(data, "topic")
    reader = _READERS.get(topic)
    if reader is None:
        return Ignored(reason=f"Pagure topic {plain(topic)}: no bot needs it.")
    return reader(topic, record(data, "msg"))


parse = guarded("Pagure", _read)
parse_all = alone(parse)
