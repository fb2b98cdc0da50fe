"""The text of an issue, opened or edited, as each forge tells it: a `Comment` whose `is_issue_text` is true."""

from __future__ import annotations

from collections.abc import Callable

from sig_bots.events import Comment, Ignored, issue_text_id
from sig_bots.refs import Actor, Repo
from sig_bots.sources._githubform import repo_of, sender_of
from sig_bots.sources.payload import Object, find, flag, maybe_text, number, plain, record, text, texts, words

__all__ = ["of_github_form", "of_gitlab", "of_pagure"]


def of_github_form(source: str) -> Callable[[Object], Comment | Ignored]:
    """For GitHub and Forgejo. The former text is this one where the delivery says that something else was edited."""

    def read(data: Object) -> Comment | Ignored:
        action = text(data, "action")
        if action not in ("opened", "edited"):
            return Ignored(reason=f"Event issues with action {plain(action)}: no bot needs it.")
        issue = record(data, "issue")
        written, former = words(issue, "body"), maybe_text(data, "changes", "body", "from")
        previous = None if action == "opened" else written if former is None else former
        which, page = number(issue, "number"), words(issue, "html_url")
        return _text(source, repo_of(data), sender_of(data, "issue", "user"), which, written, previous, page)

    return read


def of_gitlab(data: Object, repo: Repo, actor: Actor) -> Comment | Ignored:
    """For GitLab, whose former text may be null: then there was none."""
    issue = record(data, "object_attributes")
    if flag(issue, "confidential") or find(data, "event_type") == "confidential_issue":
        return Ignored(reason="A confidential issue: an answer would be public, so it is read by nobody here.")
    action = text(issue, "action")
    if action not in ("open", "update"):
        return Ignored(reason=f"GitLab issue action {plain(action)}: no bot needs it.")
    written = words(issue, "description")
    changed = find(data, "changes", "description") is not None
    former = words(data, "changes", "description", "previous") if changed else written
    previous = None if action == "open" else former
    return _text("gitlab", repo, actor, number(issue, "iid"), written, previous, words(issue, "url"))


def of_pagure(topic: str, message: Object, repo: Repo, actor: Actor) -> Comment | Ignored:
    """For Pagure, which does not tell the former text."""
    issue = record(message, "issue")
    if flag(issue, "private"):
        return Ignored(reason="A private issue: it is read by nobody here.")
    edited = topic == "issue.edit"
    if edited and "content" not in texts(message, "fields"):
        return Ignored(reason="Pagure topic issue.edit: its text stays, so no bot needs it.")
    page, which = words(issue, "full_url"), number(issue, "id")
    return _text("pagure", repo, actor, which, words(issue, "content"), None, page, edited=edited)


def _text(
    source: str, repo: Repo, actor: Actor, which: int, written: str, previous: str | None, page: str, *,
    edited: bool | None = None,
) -> Comment:  # fmt: skip
    """`edited` where the former text does not tell."""
    return Comment(
        source=source, repo=repo, place="issue", text=written, previous_text=previous, actor=actor, number=which,
        action="edited" if (previous is not None if edited is None else edited) else "created",
        comment_id=issue_text_id(which), url=page,
    )  # fmt: skip
