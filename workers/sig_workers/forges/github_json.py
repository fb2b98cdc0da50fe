"""GitHub's JSON as our values. Pure: no call is made here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from sig_bots.forge import Annotation, ChangedFile, Check, CheckState, ForgeComment, Issue
from sig_bots.refs import Actor, PullRequest, Repo
from sig_workers.forges.diffs import new_lines

type Json = Mapping[str, Any]

_GHOST = Actor(login="ghost", id="10137")
"""Who stands for a deleted account on GitHub."""

_FILE: Mapping[str, Literal["added", "modified", "removed", "renamed"]] = {
    "added": "added", "copied": "added", "removed": "removed", "renamed": "renamed",
}  # fmt: skip

CONCLUSIONS: Mapping[CheckState, str] = {
    CheckState.SUCCESS: "success",
    CheckState.FAILURE: "failure",
    CheckState.ERROR: "failure",
    CheckState.CANCELLED: "cancelled",
    CheckState.NEUTRAL: "neutral",
}
"""What a finished check run of ours ends with; PENDING is `queued`, RUNNING is `in_progress`."""

STATUSES: Mapping[CheckState, str] = {
    CheckState.PENDING: "pending",
    CheckState.RUNNING: "pending",
    CheckState.SUCCESS: "success",
    CheckState.FAILURE: "failure",
    CheckState.ERROR: "error",
    CheckState.CANCELLED: "error",
    CheckState.NEUTRAL: "success",
}
"""The commit status for each state, where we have a token and no App."""

_READ_CONCLUSION = {
    "success": CheckState.SUCCESS, "failure": CheckState.FAILURE, "neutral": CheckState.NEUTRAL,
    "skipped": CheckState.NEUTRAL, "cancelled": CheckState.CANCELLED,
}  # fmt: skip


def moment(text: str) -> datetime:
    """A time as GitHub writes it, in UTC."""
    return datetime.fromisoformat(text)


def actor(raw: Json | None) -> Actor:
    """An account; a deleted one is told as `ghost`, as GitHub's own pages do."""
    if not raw:
        return _GHOST
    return Actor(login=raw["login"], id=str(raw["id"]), bot=raw.get("type") == "Bot")


def repo(raw: Json, instance: str) -> Repo:
    """A repository."""
    return Repo(
        path=raw["full_name"],
        instance=instance,
        forge_id=str(raw["id"]),
        private=bool(raw["private"]),
        default_branch=raw.get("default_branch"),
    )


def from_fork(raw: Json) -> bool:
    """Whether the head of a pull request lies elsewhere; a deleted head repository counts as elsewhere."""
    head = raw["head"]["repo"]
    return head is None or head["id"] != raw["base"]["repo"]["id"]


def pull_request(raw: Json) -> PullRequest:
    """A pull request, from a listing or from its own page."""
    head = raw["head"]
    state: Literal["open", "closed", "merged"] = "open"
    if raw["state"] != "open":
        state = "merged" if raw.get("merged_at") else "closed"
    return PullRequest(
        number=raw["number"],
        title=raw["title"],
        author=actor(raw["user"]),
        head_sha=head["sha"],
        head_branch=head["ref"],
        base_branch=raw["base"]["ref"],
        head_repo=head["repo"]["full_name"] if head["repo"] else None,
        body=raw.get("body") or "",
        state=state,
        draft=bool(raw.get("draft")),
        labels=tuple(label["name"] for label in raw.get("labels", ())),
        url=raw["html_url"],
        from_fork=from_fork(raw),
    )


def changed_file(raw: Json) -> ChangedFile:
    """A file of a pull request. GitHub leaves the patch out, or cuts it, when it is long: then the lines are not known."""
    patch = raw.get("patch")
    if patch is not None:
        lines = new_lines(patch)
        known = len(lines) == raw["additions"]
    else:
        lines, known = frozenset(), raw["status"] == "removed" or (raw["status"] == "renamed" and raw["changes"] == 0)
    status = _FILE.get(raw["status"], "modified")
    return ChangedFile(
        path=raw["filename"],
        old_path=raw.get("previous_filename") if status == "renamed" else None,  # a copy names its original there too
        status=status,
        lines=lines if known else None,
    )


def comment(raw: Json) -> ForgeComment:
    """A comment on an issue or pull request."""
    return ForgeComment(
        id=str(raw["id"]),
        number=int(raw["issue_url"].rpartition("/")[2]),
        author=actor(raw["user"]),
        body=raw.get("body") or "",
        created=moment(raw["created_at"]),
        edited=moment(raw["updated_at"]) if raw["updated_at"] != raw["created_at"] else None,
        url=raw["html_url"],
    )


def issue(raw: Json) -> Issue:
    """An issue."""
    return Issue(
        number=raw["number"],
        title=raw["title"],
        body=raw.get("body") or "",
        state="open" if raw["state"] == "open" else "closed",
        url=raw["html_url"],
    )


def run_state(raw: Json, *, ours: bool) -> CheckState:
    """The state of a check run. Our own runs carry it in `external_id`, because two of our states share a conclusion."""
    if raw["status"] != "completed":
        return CheckState.RUNNING if raw["status"] == "in_progress" else CheckState.PENDING
    said = raw.get("external_id") or ""
    if ours and said in list(CheckState) and CONCLUSIONS.get(CheckState(said)) == raw["conclusion"]:
        return CheckState(said)
    return _READ_CONCLUSION.get(raw["conclusion"] or "", CheckState.ERROR)


def status_state(raw: Json) -> CheckState:
    """The state of a commit status."""
    return CheckState(raw["state"])


def check_of_run(raw: Json, *, ours: bool, annotations: tuple[Annotation, ...] = ()) -> Check:
    """A check run."""
    return Check(
        name=raw["name"],
        sha=raw["head_sha"],
        state=run_state(raw, ours=ours),
        summary=raw["output"].get("title") or "",
        url=raw.get("details_url") or "",
        annotations=annotations,
    )


def check_of_status(raw: Json, sha: str) -> Check:
    """A commit status."""
    return Check(
        name=raw["context"],
        sha=sha,
        state=status_state(raw),
        summary=raw.get("description") or "",
        url=raw.get("target_url") or "",
    )


def annotation(raw: Json) -> Annotation:
    """An annotation of a check run."""
    level = raw.get("annotation_level")
    return Annotation(
        path=raw["path"],
        line=raw["start_line"],
        end_line=raw["end_line"] if raw["end_line"] != raw["start_line"] else None,
        level=level if level in ("notice", "warning", "failure") else "warning",
        title=raw.get("title") or "",
        message=raw["message"] or "",
    )


def annotation_body(note: Annotation) -> dict[str, Any]:
    """An annotation as it is sent. GitHub takes at most 64 KB of message and 255 characters of title."""
    out: dict[str, Any] = {
        "path": note.path,
        "start_line": note.line,
        "end_line": max(note.line, note.end_line or note.line),
        "annotation_level": note.level,
        "message": (note.message or note.title or "see the report")[:16_000],
    }
    if note.title:
        out["title"] = note.title[:255]
    return out
