"""Repositories, their files, branches, commits, forks and people of the REST API."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from tests.standins.github import answers, answers_code
from tests.standins.github.actions import Actions
from tests.standins.github.model import ROLES, Repository
from tests.standins.github.wire import ApiError, Request, Response, Router, need, need_repo, not_found, page

routes = Router()
INLINE_LIMIT = 1_000_000
"""Bytes up to which file contents come inside the JSON."""


@routes.on("GET", "/{repo}")
def repository(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    return Response(200, answers.repository(forge.world, repo, viewer=request.user, full=True))


@routes.on("GET", "/{repo}/forks")
def forks(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    found = [other for other in forge.world.repositories.values() if other.parent is repo]
    return page(forge.world, request, [answers.repository(forge.world, other) for other in found])


@routes.on("POST", "/{repo}/forks")
def new_fork(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    if request.token is None:
        raise ApiError(401, "Requires authentication")
    if request.token.installation:
        raise ApiError(403, "Resource not accessible by integration")
    made = forge.fork(repo, request.token.user)
    return Response(202, answers.repository(forge.world, made, viewer=request.user, full=True))


@routes.on("GET", "/{repo}/collaborators")
def collaborators(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    need(request, repo, "administration")
    people = [repo.owner, *(forge.world.users[number] for number, role in repo.roles.items() if role != "none")]
    return page(forge.world, request, [answers.user(forge.world, who) for who in people])


@routes.on("GET", "/{repo}/collaborators/{login}/permission")
def permission(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    token = request.token
    if token is None:
        raise ApiError(401, "Requires authentication")
    if not token.installation and ROLES.index(repo.role_of(token.user)) < ROLES.index("write"):
        raise ApiError(403, "Must have push access to view collaborator permission.")
    who = forge.world.user(parts["login"])
    if who is None or who.kind == "Bot":
        raise ApiError(404, f"{parts['login']} is not a user")
    role = repo.role_of(who)
    legacy = {"maintain": "write", "triage": "read"}.get(role, role)
    return Response(200, {"permission": legacy, "role_name": role, "user": answers.user(forge.world, who)})


# ---------------------------------------------------------------- files


@routes.on("GET", "/{repo}/contents/{path*}")
@routes.on("GET", "/{repo}/contents")
def contents(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    ref = request.query.get("ref") or repo.default_branch
    sha = repo.git.resolve(ref)
    if sha is None:
        raise ApiError(404, f"No commit found for the ref {ref}" if repo.git.refs() else "This repository is empty.")
    path = parts.get("path", "").strip("/")
    entry = repo.git.entry(sha, path)
    if entry is None:
        raise not_found()
    mode, kind, blob = entry
    if kind == "tree":
        prefix = f"{path}/" if path else ""
        listed = repo.git.listing(blob)
        return Response(200, [_content(forge, repo, ref, prefix + name, mode, one) for mode, _, one, name in listed])
    if "raw" in request.headers.get("Accept", ""):
        return Response(200, repo.git.blob(blob), {"Content-Type": "application/vnd.github.raw; charset=utf-8"})
    return Response(200, _content(forge, repo, ref, path, mode, blob, whole=True))


def _content(
    forge: Actions, repo: Repository, ref: str, path: str, mode: str, blob: str, *, whole: bool = False
) -> dict[str, Any]:
    world = forge.world
    kind = {"040000": "dir", "120000": "symlink", "160000": "submodule"}.get(mode, "file")
    data = repo.git.blob(blob) if kind in ("file", "symlink") else b""
    api, site = f"{world.api}/repos/{repo.full_name}", f"{world.url}/{repo.full_name}"
    url, git_url = f"{api}/contents/{path}?ref={ref}", f"{api}/git/{'trees' if kind == 'dir' else 'blobs'}/{blob}"
    page_url = f"{site}/{'tree' if kind == 'dir' else 'blob'}/{ref}/{path}"
    out: dict[str, Any] = {
        "name": path.rpartition("/")[2], "path": path, "sha": blob, "size": len(data), "url": url, "html_url": page_url,
        "git_url": git_url, "download_url": f"{site}/raw/{ref}/{path}" if kind == "file" else None, "type": kind,
        "_links": {"self": url, "git": git_url, "html": page_url},
    }  # fmt: skip
    if whole and kind == "symlink":
        out["target"] = data.decode(errors="replace")
    elif whole and kind == "file":
        small = len(data) <= INLINE_LIMIT
        out["content"] = base64.encodebytes(data).decode() if small else ""
        out["encoding"] = "base64" if small else "none"
    return out


@routes.on("GET", "/{repo}/git/blobs/{sha}")
def blob(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    if not repo.git.has_object(parts["sha"]):
        raise not_found()
    data = repo.git.blob(parts["sha"])
    url = f"{forge.world.api}/repos/{repo.full_name}/git/blobs/{parts['sha']}"
    return Response(200, {
        "sha": parts["sha"], "node_id": answers.node("Blob", parts["sha"]), "size": len(data), "url": url,
        "content": base64.encodebytes(data).decode(), "encoding": "base64",
    })  # fmt: skip


# ---------------------------------------------------------------- refs and commits


@routes.on("GET", "/{repo}/branches")
def branches(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    url = f"{forge.world.api}/repos/{repo.full_name}/commits"
    listed = [
        {"name": name, "commit": {"sha": sha, "url": f"{url}/{sha}"}, "protected": False}
        for name, sha in sorted(repo.git.branches().items())
    ]
    return page(forge.world, request, listed)


@routes.on("GET", "/{repo}/branches/{name*}")
def branch(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    sha = repo.git.branches().get(parts["name"])
    if sha is None:
        raise ApiError(404, "Branch not found")
    url = f"{forge.world.api}/repos/{repo.full_name}/branches/{parts['name']}"
    page_url = f"{forge.world.url}/{repo.full_name}/tree/{parts['name']}"
    return Response(200, {
        "name": parts["name"], "commit": answers_code.commit(forge.world, repo, repo.git.commit(sha)),
        "_links": {"self": url, "html": page_url}, "protected": parts["name"] in repo.protected or parts["name"] in repo.rulesets,
        "protection_url": f"{url}/protection", "protection": _protection(repo, parts["name"]),
    })  # fmt: skip


def _protection(repo: Repository, branch: str) -> dict[str, Any]:
    """What everybody who can read is told of the classic protection; rulesets are not in it."""
    contexts = repo.protected.get(branch)
    checks = [{"context": context, "app_id": None} for context in contexts or ()]
    level = "off" if contexts is None else "non_admins"
    return {
        "enabled": contexts is not None,
        "required_status_checks": {"enforcement_level": level, "contexts": contexts or [], "checks": checks},
    }


@routes.on("GET", "/{repo}/rules/branches/{name*}")
def rules_of_branch(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    contexts = repo.rulesets.get(parts["name"])
    rule = {
        "type": "required_status_checks", "ruleset_source_type": "Repository", "ruleset_source": repo.full_name,
        "ruleset_id": 42, "parameters": {
            "strict_required_status_checks_policy": False, "do_not_enforce_on_create": False,
            "required_status_checks": [{"context": context} for context in contexts or ()],
        },
    }  # fmt: skip
    return page(forge.world, request, [] if contexts is None else [rule])


@routes.on("GET", "/{repo}/git/ref/{name*}")
def one_ref(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    name = f"refs/{parts['name']}"
    sha = repo.git.refs().get(name)
    if sha is None:
        raise not_found()
    return Response(200, answers_code.ref(forge.world, repo, name, sha))


@routes.on("GET", "/{repo}/git/matching-refs/{name*}")
def matching_refs(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    found = {name: sha for name, sha in repo.git.refs().items() if name.startswith(f"refs/{parts['name']}")}
    return page(forge.world, request, [answers_code.ref(forge.world, repo, *pair) for pair in sorted(found.items())])


@routes.on("POST", "/{repo}/git/refs")
def new_ref(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    who, given = need(request, repo, "contents"), request.json()
    name, sha = str(given.get("ref")), str(given.get("sha"))
    if not repo.git.has_object(sha):
        raise ApiError(422, "Object does not exist")
    before = repo.git.refs()
    if name in before:
        raise ApiError(422, "Reference already exists")
    repo.git.set_ref(name, sha)
    forge.pushed(repo, who, before)
    return Response(201, answers_code.ref(forge.world, repo, name, sha))


@routes.on("DELETE", "/{repo}/git/refs/{name*}")
def delete_ref(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    who = need(request, repo, "contents")
    before = repo.git.refs()
    if f"refs/{parts['name']}" not in before:
        raise ApiError(422, "Reference does not exist")
    repo.git.set_ref(f"refs/{parts['name']}", None)
    forge.pushed(repo, who, before)
    return Response(204)


def need_commit(repo: Repository, ref: str) -> str:
    """The commit behind a ref. Raises ApiError 422 as the commits API does."""
    sha = repo.git.resolve(ref)
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {ref}")
    return sha


@routes.on("GET", "/{repo}/commits")
def commits(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    sha = repo.git.resolve(request.query.get("sha") or repo.default_branch)
    if sha is None:
        raise ApiError(409, "Git Repository is empty.") if not repo.git.refs() else not_found()
    return page(
        forge.world,
        request,
        [answers_code.commit(forge.world, repo, repo.git.commit(one)) for one in repo.git.log(sha)],
    )


@routes.on("GET", "/{repo}/commits/{ref}")
def commit(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    info = repo.git.commit(need_commit(repo, parts["ref"]))
    parent = info.parents[0] if info.parents else repo.git.run("hash-object", "-t", "tree", "/dev/null")
    return Response(200, answers_code.commit(forge.world, repo, info, repo.git.diff(parent, info.sha)))


@routes.on("GET", "/{repo}/compare/{range*}")
def compare(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    first, _, second = parts["range"].partition("...")
    base, head = repo.git.resolve(first), repo.git.resolve(second)
    middle = repo.git.merge_base(base, head) if base and head else None
    if base is None or head is None or middle is None:
        raise not_found()
    world, git = forge.world, repo.git
    ahead, behind = git.log(head, exclude=base), git.log(base, exclude=head)
    state = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind"}.get((bool(ahead), bool(behind)))
    page_url = f"{world.url}/{repo.full_name}/compare/{parts['range']}"
    return Response(200, {
        "url": f"{world.api}{request.path}", "html_url": page_url, "permalink_url": page_url, "diff_url": f"{page_url}.diff",
        "patch_url": f"{page_url}.patch", "base_commit": answers_code.commit(world, repo, git.commit(base)),
        "merge_base_commit": answers_code.commit(world, repo, git.commit(middle)), "status": state or "identical",
        "ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead),
        "commits": [answers_code.commit(world, repo, git.commit(sha)) for sha in _compared(request, ahead[::-1])],
        "files": [answers_code.file(world, repo, head, item) for item in git.diff(middle, head)],
    })  # fmt: skip


def _compared(request: Request, commits: Sequence[str]) -> Sequence[str]:
    """The commits that a comparison lists: a page when one is asked for, else at most 250."""
    if not {"page", "per_page"} & request.query.keys():
        return commits[-250:]
    size, number = (int(request.query.get(name) or default) for name, default in (("per_page", 30), ("page", 1)))
    return commits[(number - 1) * size : number * size]


@routes.on("POST", "/{repo}/commits/{sha}/comments")
def new_commit_comment(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    who = need(request, repo, "contents", "read")
    made = forge.commit_comment(repo, who, need_commit(repo, parts["sha"]), str(request.json().get("body") or ""))
    return Response(201, answers.commit_comment(forge.world, repo, made))


@routes.on("GET", "/{repo}/commits/{sha}/comments")
def commit_comments(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    found = [item for item in repo.commit_comments if item.commit == need_commit(repo, parts["sha"])]
    return page(forge.world, request, [answers.commit_comment(forge.world, repo, item) for item in found])
