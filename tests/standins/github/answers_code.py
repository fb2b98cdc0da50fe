"""The JSON of GitHub's answers about commits, files, refs, checks and hooks; `answers` has the rest."""

from __future__ import annotations

from tests.standins.github.answers import Json, app, node, stamp, user
from tests.standins.github.gitrepo import CommitInfo, FileDiff
from tests.standins.github.model import CheckRun, Hook, Repository, Status, World


def status(world: World, repo: Repository, item: Status, *, short: bool = False) -> Json:
    """A commit status; in the combined answer GitHub leaves the creator out."""
    out = {
        "url": f"{world.api}/repos/{repo.full_name}/statuses/{item.sha}", "id": item.id, "node_id": node("Status", item.id),
        "avatar_url": f"{world.url}/avatars/{item.creator.id}", "state": item.state, "description": item.description,
        "target_url": item.target_url, "context": item.context, "created_at": stamp(item.created),
        "updated_at": stamp(item.created),
    }  # fmt: skip
    return out if short else out | {"creator": user(world, item.creator)}


def check_run(world: World, repo: Repository, run: CheckRun) -> Json:
    """A check run."""
    url = f"{world.api}/repos/{repo.full_name}/check-runs/{run.id}"
    return {
        "id": run.id, "node_id": node("CheckRun", run.id), "name": run.name, "head_sha": run.head_sha,
        "external_id": run.external_id, "url": url, "html_url": f"{world.url}/{repo.full_name}/runs/{run.id}",
        "details_url": run.details_url or run.app.hook_url or world.url, "status": run.status, "conclusion": run.conclusion,
        "started_at": stamp(run.started), "completed_at": stamp(run.completed), "check_suite": {"id": run.suite},
        "output": {
            "title": run.title, "summary": run.summary, "text": run.text, "annotations_count": len(run.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "app": app(world, run.app), "pull_requests": pulls_of(world, repo, run.head_sha),
    }  # fmt: skip


def pulls_of(world: World, repo: Repository, sha: str) -> list[Json]:
    """Open pull requests from the same repository at a commit, in the short form of checks."""
    out = []
    for item in repo.issues.values():
        half = item.pull
        if half and item.state == "open" and half.head_sha == sha and half.head_repo is repo:
            place = {"id": repo.id, "url": f"{world.api}/repos/{repo.full_name}", "name": repo.name}
            out.append({
                "url": f"{world.api}/repos/{repo.full_name}/pulls/{item.number}", "id": half.id, "number": item.number,
                "head": {"ref": half.head_ref, "sha": half.head_sha, "repo": place},
                "base": {"ref": half.base_ref, "sha": half.base_sha, "repo": place},
            })  # fmt: skip
    return out


def annotation(world: World, repo: Repository, run: CheckRun, given: Json) -> Json:
    """An annotation of a check run."""
    return {
        "path": given["path"], "blob_href": f"{world.url}/{repo.full_name}/blob/{run.head_sha}/{given['path']}",
        "start_line": given["start_line"], "end_line": given["end_line"], "start_column": given.get("start_column"),
        "end_column": given.get("end_column"), "annotation_level": given["annotation_level"], "title": given.get("title"),
        "message": given["message"], "raw_details": given.get("raw_details"),
    }  # fmt: skip


def commit(world: World, repo: Repository, info: CommitInfo, files: list[FileDiff] | None = None) -> Json:
    """A commit."""
    base = f"{world.api}/repos/{repo.full_name}"
    page = f"{world.url}/{repo.full_name}/commit"
    people = [dict(zip(("name", "email", "date"), person, strict=True)) for person in (info.author, info.committer)]
    out: Json = {
        "url": f"{base}/commits/{info.sha}", "sha": info.sha, "node_id": node("Commit", info.sha),
        "html_url": f"{page}/{info.sha}", "comments_url": f"{base}/commits/{info.sha}/comments",
        "commit": {
            "url": f"{base}/git/commits/{info.sha}", "author": people[0], "committer": people[1], "message": info.message,
            "tree": {"url": f"{base}/git/trees/{info.tree}", "sha": info.tree}, "comment_count": 0,
            "verification": {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None},
        },
        "author": _account(world, info.author[0]), "committer": _account(world, info.committer[0]),
        "parents": [{"url": f"{base}/commits/{sha}", "html_url": f"{page}/{sha}", "sha": sha} for sha in info.parents],
    }  # fmt: skip
    if files is not None:
        added, removed = sum(item.additions for item in files), sum(item.deletions for item in files)
        out["stats"] = {"additions": added, "deletions": removed, "total": added + removed}
        out["files"] = [file(world, repo, info.sha, item) for item in files]
    return out


def _account(world: World, name: str) -> Json | None:
    who = world.user(name)
    return user(world, who) if who else None


def file(world: World, repo: Repository, sha: str, item: FileDiff) -> Json:
    """A changed file of a commit or pull request."""
    out: Json = {
        "sha": item.blob, "filename": item.path, "status": item.status, "additions": item.additions,
        "deletions": item.deletions, "changes": item.additions + item.deletions,
        "blob_url": f"{world.url}/{repo.full_name}/blob/{sha}/{item.path}",
        "raw_url": f"{world.url}/{repo.full_name}/raw/{sha}/{item.path}",
        "contents_url": f"{world.api}/repos/{repo.full_name}/contents/{item.path}?ref={sha}",
    }  # fmt: skip
    if item.patch is not None:
        out["patch"] = item.patch
    if item.previous:
        out["previous_filename"] = item.previous
    return out


def ref(world: World, repo: Repository, name: str, sha: str) -> Json:
    """A git ref."""
    base = f"{world.api}/repos/{repo.full_name}/git"
    return {
        "ref": name, "node_id": node("Ref", name), "url": f"{base}/{name}",
        "object": {"type": "commit", "sha": sha, "url": f"{base}/commits/{sha}"},
    }  # fmt: skip


def hook(world: World, repo: Repository, item: Hook) -> Json:
    """A webhook of a repository; the secret is never told."""
    url = f"{world.api}/repos/{repo.full_name}/hooks/{item.id}"
    return {
        "type": "Repository", "id": item.id, "name": "web", "active": item.active, "events": item.events,
        "config": {"content_type": "json", "insecure_ssl": "0", "url": item.url, "secret": "********"},
        "updated_at": stamp(item.created), "created_at": stamp(item.created), "url": url, "test_url": f"{url}/test",
        "ping_url": f"{url}/pings", "deliveries_url": f"{url}/deliveries",
        "last_response": {"code": None, "status": "unused", "message": None},
    }  # fmt: skip
