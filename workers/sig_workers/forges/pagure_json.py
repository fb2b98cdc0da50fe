"""Pagure's JSON as our values. Pure; a field that is missing or odd gives an error of ours, never a KeyError to a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, Literal

from sig_bots.errors import ForgeError
from sig_bots.forge import ChangedFile, Check, CheckState, ForgeComment, Issue, Permission
from sig_bots.refs import Actor, PullRequest
from sig_workers.forges.base import moment

__all__ = [
    "FLAG_WORDS", "changed", "check", "comments", "groups_above", "issue", "permission_of_user", "pull_request", "understood",
]  # fmt: skip

type Json = Mapping[str, Any]


def understood[**P, R](read: Callable[P, R]) -> Callable[P, R]:
    """Around what picks an answer apart: a field that is missing or odd becomes a ForgeError."""

    @wraps(read)
    def reader(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return read(*args, **kwargs)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ForgeError(
                f"Pagure's answer cannot be understood ({read.__name__}: {type(error).__name__} {error}); is it a Pagure?"
            ) from error

    return reader


FLAG_WORDS: Mapping[CheckState, str] = {
    CheckState.PENDING: "pending",
    CheckState.RUNNING: "pending",
    CheckState.SUCCESS: "success",
    CheckState.NEUTRAL: "success",  # as on GitHub, neutral does not stand in the way of a merge
    CheckState.FAILURE: "failure",
    CheckState.ERROR: "error",
    CheckState.CANCELLED: "canceled",
}
"""Pagure has five states for a flag; two of ours share one with another."""

_STATES = {
    "pending": CheckState.PENDING,
    "success": CheckState.SUCCESS,
    "failure": CheckState.FAILURE,
    "error": CheckState.ERROR,
    "canceled": CheckState.CANCELLED,
}
_STATUS: Mapping[str, Literal["open", "closed", "merged"]] = {"open": "open", "merged": "merged"}
_LETTERS: Mapping[str, Literal["added", "modified", "removed", "renamed"]] = {
    "A": "added", "D": "removed", "R": "renamed",
}  # fmt: skip
_ACCESS = {
    "owner": Permission.ADMIN,
    "admin": Permission.ADMIN,
    "commit": Permission.WRITE,
    # a collaborator may push to some branches only and merge nothing; `ticket` may edit issues
    "collaborator": Permission.READ,
    "ticket": Permission.READ,
}


@understood
def pull_request(raw: Json, path: str) -> PullRequest:
    """A pull request of the project `path`."""
    source = raw.get("repo_from")
    head_repo = source["url_path"] if source else None
    return PullRequest(
        number=raw["id"],
        title=raw["title"],
        body=raw.get("initial_comment") or "",
        author=Actor(login=raw["user"]["name"]),
        head_sha=raw.get("commit_stop") or "",
        head_branch=raw["branch_from"],
        head_repo=head_repo,
        base_branch=raw["branch"],
        state=_STATUS.get(raw["status"].lower(), "closed"),
        labels=tuple(raw.get("tags") or ()),
        url=raw.get("full_url") or "",
        from_fork=head_repo != path,
    )


@understood
def comments(raw: Json) -> list[ForgeComment]:
    """What people wrote on a pull request or issue, oldest first; Pagure's own notices are left out."""
    found = [
        ForgeComment(
            id=str(one["id"]),
            number=raw["id"],
            author=Actor(login=one["user"]["name"]),
            body=one["comment"],
            created=moment(one["date_created"]),
            edited=moment(one["edited_on"]) if one.get("edited_on") else None,
            url=f"{raw['full_url']}#comment-{one['id']}" if raw.get("full_url") else "",
        )
        for one in raw.get("comments") or ()
        if not one.get("notification")
    ]
    return sorted(found, key=lambda one: (one.created, int(one.id)))


@understood
def check(raw: Json) -> Check:
    """A flag on a commit. A state this Pagure added itself counts as neutral."""
    return Check(
        name=raw["username"],
        sha=raw["commit_hash"],
        state=_STATES.get(raw["status"], CheckState.NEUTRAL),
        summary=raw.get("comment") or "",
        url=raw.get("url") or "",
    )


@understood
def issue(raw: Json) -> Issue:
    """An issue; every status but Open is some way of being closed."""
    return Issue(
        number=raw["id"],
        title=raw["title"],
        body=raw.get("content") or "",
        state="open" if raw["status"] == "Open" else "closed",
        url=raw.get("full_url") or "",
    )


@understood
def changed(raw: Json) -> tuple[ChangedFile, ...]:
    """The files of `diffstats`, which counts lines and does not name them: known where all of a file are new, or none."""
    found = []
    for path, stats in sorted(raw.items()):
        status = _LETTERS.get(stats.get("status", ""), "modified")
        added = int(stats["lines_added"])
        known = status in ("added", "removed") or added == 0
        found.append(
            ChangedFile(
                path=path,
                old_path=stats["old_path"] if status == "renamed" else None,
                status=status,
                lines=frozenset(range(1, added + 1)) if known else None,
            )
        )
    return tuple(found)


@understood
def permission_of_user(access: Json, login: str) -> Permission:
    """The greatest right an account has by name in `access_users`; NONE when it is not listed."""
    return max(
        (_ACCESS.get(level, Permission.NONE) for level, names in access.items() if login in names),
        default=Permission.NONE,
    )


@understood
def groups_above(access: Json, least: Permission) -> Iterable[tuple[str, Permission]]:
    """Groups in `access_groups` whose right is greater than `least`, with that right, the greatest first."""
    rights: dict[str, Permission] = {}
    for level, names in access.items():
        for name in names:
            rights[name] = max(rights.get(name, Permission.NONE), _ACCESS.get(level, Permission.NONE))
    return sorted(((name, right) for name, right in rights.items() if right > least), key=lambda pair: -pair[1])
