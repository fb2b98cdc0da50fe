"""The objects GitHub and Forgejo (Gitea) payloads share: repository, user, pull request, pushed commits.

Source: docs.github.com, "Webhook events and payloads"; Forgejo's modules/structs, which follow GitHub's names.
"""

from __future__ import annotations

from typing import Literal

from sig_bots.refs import Actor, PullRequest, Repo
from sig_bots.sources.payload import (
    Object,
    branch,
    commit,
    find,
    flag,
    identity,
    maybe_record,
    number,
    record,
    records,
    repository_path,
    text,
    texts,
    words,
)

__all__ = ["GHOST", "actor_of", "labels_of", "paths_of", "pull_request_of", "repo_of", "sender_of"]

GHOST = Actor(login="ghost")
"""Stands for an account that was deleted; the name GitHub and Forgejo show themselves."""


def repo_of(data: Object) -> Repo:
    """The repository the delivery is about. Forgejo's `internal` (members of the server only) counts as private."""
    repository = record(data, "repository")
    private = flag(repository, "private")
    return Repo(
        path=repository_path(repository, "full_name"),
        forge_id=identity(repository, "id"),
        private=True if flag(repository, "internal") else private,
        default_branch=words(repository, "default_branch") or None,
    )


def actor_of(user: Object | None) -> Actor:
    """An account; `GHOST` when it was deleted (null)."""
    if user is None:
        return GHOST
    login = text(user, "login")
    return Actor(login=login, id=identity(user, "id"), bot=find(user, "type") == "Bot" or login.endswith("[bot]"))


def sender_of(data: Object, *otherwise: str) -> Actor:
    """Who caused the delivery; without `sender`, the account at the other path."""
    return actor_of(maybe_record(data, "sender") or maybe_record(data, *otherwise))


def labels_of(pull: Object) -> tuple[str, ...]:
    """Names of the labels."""
    return tuple(text(label, "name") for label in records(pull, "labels"))


def pull_request_of(pull: Object) -> PullRequest:
    """The pull request as the delivery tells it.

    A head repository of null was deleted; only a fork can be deleted while its pull request lives, so it was a fork.
    """
    head = maybe_record(pull, "head", "repo")
    return PullRequest(
        number=number(pull, "number"),
        title=words(pull, "title"),
        author=actor_of(maybe_record(pull, "user")),
        head_sha=commit(pull, "head", "sha"),
        head_branch=branch(pull, "head", "ref"),
        base_branch=branch(pull, "base", "ref"),
        head_repo=repository_path(head, "full_name") if head else None,
        body=words(pull, "body"),
        state=_state(pull),
        draft=flag(pull, "draft") or False,
        labels=labels_of(pull),
        url=words(pull, "html_url"),
        from_fork=_from_fork(pull, head),
    )


def _state(pull: Object) -> Literal["open", "closed", "merged"]:
    # Payloads about reviews have no `merged`, only the time of it.
    if flag(pull, "merged") or find(pull, "merged_at"):
        return "merged"
    return "open" if text(pull, "state") == "open" else "closed"


def _from_fork(pull: Object, head: Object | None) -> bool:
    if head is None:
        return True
    base = record(pull, "base", "repo")
    mine, theirs = identity(base, "id"), identity(head, "id")
    if mine is not None and theirs is not None:
        return mine != theirs
    return repository_path(base, "full_name") != repository_path(head, "full_name")


def paths_of(commits: list[Object]) -> tuple[tuple[str, ...], bool]:
    """The files the pushed commits touched, in order, and whether each commit names at least one.

    A commit without any file is an empty one or one whose list the forge left out: they look the same.
    """
    found: dict[str, None] = {}
    named = bool(commits)
    for one in commits:
        touched = [path for kind in ("added", "modified", "removed") for path in texts(one, kind)]
        named = named and bool(touched)
        found.update(dict.fromkeys(touched))
    return tuple(found), named
