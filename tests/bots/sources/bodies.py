"""Bodies of senders that cannot be run here, written after their documentation, with the fields our sources read."""

import copy
from typing import Any

SHA_A, SHA_B, ZEROS = "a" * 40, "b" * 40, "0" * 40


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A deep copy with some members replaced; nested objects are merged."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        mergeable = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if mergeable else value
    return result


# ---------------------------------------------------------------- Forgejo

_FORGEJO_USER = {
    "id": 601,
    "login": "alice",
    "full_name": "",
    "email": "alice@noreply.example.org",
    "username": "alice",
}
_FORGEJO_REPO = {
    "id": 681, "name": "base", "full_name": "images/base", "private": False, "internal": False, "fork": False,
    "html_url": "https://forge.example.org/images/base", "default_branch": "main", "owner": {"id": 450, "login": "images"},
}  # fmt: skip
_FORGEJO_PULL = {
    "id": 505, "number": 2, "user": _FORGEJO_USER, "title": "Newer base", "body": "text", "labels": [], "state": "open",
    "draft": False, "merged": False, "merged_at": None, "html_url": "https://forge.example.org/images/base/pulls/2",
    "base": {"label": "main", "ref": "main", "sha": SHA_A, "repo_id": 681, "repo": _FORGEJO_REPO},
    "head": {"label": "fix", "ref": "fix", "sha": SHA_B, "repo_id": 682,
             "repo": {**_FORGEJO_REPO, "id": 682, "full_name": "alice/base", "fork": True}},
}  # fmt: skip


def forgejo_push(**changes: Any) -> dict[str, Any]:
    commit = {"id": SHA_B, "message": "m", "added": [], "removed": [], "modified": ["Containerfile"]}
    return merged({
        "ref": "refs/heads/main", "before": SHA_A, "after": SHA_B, "commits": [commit], "total_commits": 1,
        "head_commit": commit, "repository": _FORGEJO_REPO, "pusher": _FORGEJO_USER, "sender": _FORGEJO_USER,
    }, changes)  # fmt: skip


def forgejo_pull(action: str, **changes: Any) -> dict[str, Any]:
    return merged({
        "action": action, "number": 2, "pull_request": _FORGEJO_PULL, "requested_reviewer": None, "commit_id": "",
        "repository": _FORGEJO_REPO, "sender": _FORGEJO_USER, "review": None,
    }, changes)  # fmt: skip


def forgejo_comment(action: str = "created", **changes: Any) -> dict[str, Any]:
    pull = {"merged": False, "merged_at": None, "draft": False}
    return merged({
        "action": action, "issue": {"id": 9, "number": 2, "state": "open", "user": _FORGEJO_USER, "pull_request": pull},
        "pull_request": _FORGEJO_PULL, "repository": _FORGEJO_REPO, "sender": _FORGEJO_USER, "is_pull": True,
        "comment": {"id": 3146, "body": "/sig lint", "user": _FORGEJO_USER,
                    "html_url": "https://forge.example.org/images/base/pulls/2#issuecomment-3146"},
    }, changes)  # fmt: skip


def forgejo_issue(action: str = "edited", **changes: Any) -> dict[str, Any]:
    issue = {"id": 9, "number": 2, "state": "open", "user": _FORGEJO_USER, "pull_request": None, "body": "- [x] one",
             "title": "Updates", "html_url": "https://forge.example.org/images/base/issues/2"}  # fmt: skip
    return merged({
        "action": action, "number": 2, "issue": issue, "changes": {"body": {"from": "- [ ] one"}},
        "repository": _FORGEJO_REPO, "sender": _FORGEJO_USER, "commit_id": "",
    }, changes)  # fmt: skip


# ---------------------------------------------------------------- GitLab

_GITLAB_USER = {"id": 1, "name": "Alice", "username": "alice", "avatar_url": None, "email": "[REDACTED]"}
_GITLAB_PROJECT = {
    "id": 5, "name": "Base", "web_url": "https://gitlab.example.org/images/base", "namespace": "Images",
    "visibility_level": 20, "path_with_namespace": "images/base", "default_branch": "main",
}  # fmt: skip
_GITLAB_ATTRIBUTES = {
    "id": 99, "iid": 2, "target_branch": "main", "source_branch": "fix", "source_project_id": 14, "author_id": 1,
    "target_project_id": 5, "title": "Newer base", "description": "text", "state": "opened", "draft": False,
    "work_in_progress": False, "url": "https://gitlab.example.org/images/base/-/merge_requests/2",
    "source": {"path_with_namespace": "alice/base", "visibility_level": 20}, "target": _GITLAB_PROJECT,
    "last_commit": {"id": SHA_B, "message": "m"}, "labels": [], "action": "open",
}  # fmt: skip


def gitlab_push(**changes: Any) -> dict[str, Any]:
    commit = {"id": SHA_B, "message": "m", "added": ["a"], "modified": ["Containerfile"], "removed": []}
    return merged({
        "object_kind": "push", "event_name": "push", "before": SHA_A, "after": SHA_B, "ref": "refs/heads/main",
        "checkout_sha": SHA_B, "user_id": 4, "user_name": "Alice", "user_username": "alice", "project_id": 5,
        "project": _GITLAB_PROJECT, "commits": [commit], "total_commits_count": 1,
    }, changes)  # fmt: skip


def gitlab_merge_request(action: str, changes: dict[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    return {
        "object_kind": "merge_request", "event_type": "merge_request", "user": _GITLAB_USER, "project": _GITLAB_PROJECT,
        "object_attributes": merged(_GITLAB_ATTRIBUTES, {"action": action, **attributes}), "changes": changes or {},
        "assignees": [], "reviewers": [],
    }  # fmt: skip


def gitlab_note(kind: str = "MergeRequest", event_type: str = "note", **attributes: Any) -> dict[str, Any]:
    note = {
        "id": 1244, "note": "/sig lint", "noteable_type": kind, "author_id": 1, "system": False, "action": "create",
        "commit_id": "", "line_code": None, "url": "https://gitlab.example.org/images/base/-/merge_requests/2#note_1244",
    }  # fmt: skip
    subject = {"MergeRequest": "merge_request", "Issue": "issue", "Commit": "commit", "Snippet": "snippet"}[kind]
    return {
        "object_kind": "note", "event_type": event_type, "user": _GITLAB_USER, "project": _GITLAB_PROJECT,
        "object_attributes": merged(note, attributes), subject: {"id": 7, "iid": 2},
    }  # fmt: skip


def gitlab_pipeline(status: str, **changes: Any) -> dict[str, Any]:
    pipeline = {
        "id": 31,
        "ref": "main",
        "tag": False,
        "sha": SHA_B,
        "status": status,
        "url": "https://gitlab.example.org/images/base/-/pipelines/31",
    }
    request = {"id": 99, "iid": 2, "source_branch": "fix", "target_branch": "main", "state": "opened"}
    return merged({
        "object_kind": "pipeline", "object_attributes": pipeline, "merge_request": request, "user": _GITLAB_USER,
        "project": _GITLAB_PROJECT,
    }, changes)  # fmt: skip


def gitlab_issue(event_type: str = "issue", changes: dict[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    issue = {
        "id": 301, "iid": 2, "title": "Updates", "description": "- [x] one", "state": "opened", "action": "update",
        "author_id": 1, "confidential": False, "url": "https://gitlab.example.org/images/base/-/issues/2",
    }  # fmt: skip
    former = {"description": {"previous": "- [ ] one", "current": "- [x] one"}} if changes is None else changes
    return {
        "object_kind": "issue", "event_type": event_type, "user": _GITLAB_USER, "project": _GITLAB_PROJECT,
        "object_attributes": merged(issue, attributes), "changes": former,
    }  # fmt: skip


# ---------------------------------------------------------------- Quay


def quay_push(**changes: Any) -> dict[str, Any]:
    return merged({
        "name": "base", "repository": "images/base", "namespace": "images", "docker_url": "quay.io/images/base",
        "homepage": "https://quay.io/repository/images/base", "updated_tags": ["42", "latest"],
    }, changes)  # fmt: skip


# ---------------------------------------------------------------- the local forge

_LOCAL = {
    "repo": {"path": "images/base", "id": "7", "private": False, "default_branch": "main"},
    "actor": {"login": "alice", "id": "3"},
}


def local_push(**changes: Any) -> dict[str, Any]:
    push = {"ref": "refs/heads/main", "before": SHA_A, "after": SHA_B, "paths": ["Containerfile"]}
    return merged({**_LOCAL, **push}, changes)


def local_pull(action: str, **changes: Any) -> dict[str, Any]:
    pull = {
        "number": 2, "title": "Newer base", "body": "text", "state": "open", "draft": False, "head_sha": SHA_B,
        "author": {"login": "bob", "id": "4"}, "head_branch": "fix", "base_branch": "main", "head_repo": "bob/base",
        "from_fork": True, "labels": ["update"], "url": "http://127.0.0.1:8080/images/base/pulls/2",
    }  # fmt: skip
    return merged({**_LOCAL, "action": action, "pull_request": pull}, changes)


def local_comment(action: str = "created", **changes: Any) -> dict[str, Any]:
    comment = {"id": "11", "text": "/sig lint", "place": "pull_request", "commit": None, "url": ""}
    return merged({**_LOCAL, "action": action, "number": 2, "comment": comment}, changes)


def local_check(state: str) -> dict[str, Any]:
    return {**_LOCAL, "check": {"name": "ci", "sha": SHA_B, "state": state, "url": ""}, "branches": ["fix"]}
