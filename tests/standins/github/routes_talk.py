"""Pull requests, issues, comments, labels and reactions of the REST API."""

from __future__ import annotations

from tests.standins.github import answers, answers_code
from tests.standins.github.actions import Actions
from tests.standins.github.model import Comment, Issue, Label, Pull, Repository
from tests.standins.github.wire import ApiError, Request, Response, Router, invalid, need, need_repo, not_found, page

routes = Router()


def _issue(forge: Actions, request: Request, parts: dict[str, str]) -> tuple[Repository, Issue]:
    repo = need_repo(forge.world, request, parts)
    item = repo.issues.get(int(parts["number"]))
    if item is None:
        raise not_found()
    return repo, item


def _pull(forge: Actions, request: Request, parts: dict[str, str]) -> tuple[Repository, Issue, Pull]:
    repo, item = _issue(forge, request, parts)
    if item.pull is None:
        raise not_found()
    return repo, item, item.pull


# ---------------------------------------------------------------- pull requests


@routes.on("GET", "/{repo}/pulls")
def pulls(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, query = need_repo(forge.world, request, parts), request.query
    found = [item for item in repo.issues.values() if item.pull]
    state = query.get("state", "open")
    found = [item for item in found if state == "all" or item.state == state]
    # GitHub quietly ignores a head without an owner
    if ":" in query.get("head", ""):
        found = [item for item in found if item.pull and item.pull.head_label == query["head"]]
    if "base" in query:
        found = [item for item in found if item.pull and item.pull.base_ref == query["base"]]
    found.sort(key=lambda item: (item.updated if query.get("sort") == "updated" else item.created, item.number))
    if query.get("direction", "desc" if query.get("sort", "created") == "created" else "asc") == "desc":
        found.reverse()
    return page(forge.world, request, [answers.pull(forge.world, repo, item) for item in found])


@routes.on("POST", "/{repo}/pulls")
def new_pull(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, given = need_repo(forge.world, request, parts), request.json()
    who = need(request, repo, "pull_requests", "read")
    for key in ("title", "head", "base"):
        if not given.get(key):
            raise invalid("PullRequest", field_name=key, code="missing_field")
    item = forge.open_pull(
        repo, who, head=str(given["head"]), base=str(given["base"]), title=str(given["title"]), body=given.get("body"),
        draft=bool(given.get("draft")),
    )  # fmt: skip
    return Response(201, answers.pull(forge.world, repo, item, full=True))


@routes.on("GET", "/{repo}/pulls/{number}")
def one_pull(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, item, _ = _pull(forge, request, parts)
    return Response(200, answers.pull(forge.world, repo, item, full=True))


@routes.on("PATCH", "/{repo}/pulls/{number}")
def edit_pull(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, item, _ = _pull(forge, request, parts)
    author = request.user is item.user
    who = need(request, repo, "pull_requests", "read" if author else "triage")
    forge.edit_issue(repo, item, who, request.json())
    return Response(200, answers.pull(forge.world, repo, item, full=True))


@routes.on("GET", "/{repo}/pulls/{number}/files")
def pull_files(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, _, half = _pull(forge, request, parts)
    middle = repo.git.merge_base(half.base_sha, half.head_sha) or half.base_sha
    changed = repo.git.diff(middle, half.head_sha)
    return page(forge.world, request, [answers_code.file(forge.world, repo, half.head_sha, item) for item in changed])


@routes.on("GET", "/{repo}/pulls/{number}/commits")
def pull_commits(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, _, half = _pull(forge, request, parts)
    shas = list(reversed(repo.git.log(half.head_sha, exclude=half.base_sha)))
    return page(forge.world, request, [answers_code.commit(forge.world, repo, repo.git.commit(sha)) for sha in shas])


@routes.on("GET", "/{repo}/pulls/{number}/merge")
def is_merged(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    _, _, half = _pull(forge, request, parts)
    if half.merged is None:
        raise not_found()
    return Response(204)


@routes.on("PUT", "/{repo}/pulls/{number}/merge")
def merge(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, item, _ = _pull(forge, request, parts)
    who, given = need(request, repo, "contents"), request.json()
    sha = forge.merge(
        repo,
        item,
        who,
        sha=given.get("sha"),
        method=str(given.get("merge_method") or "merge"),
        title=given.get("commit_title"),
    )
    return Response(200, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


@routes.on("GET", "/{repo}/pulls/{number}/requested_reviewers")
def reviewers(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    _, _, half = _pull(forge, request, parts)
    return Response(200, {"users": [answers.user(forge.world, who) for who in half.reviewers], "teams": []})


@routes.on("POST", "/{repo}/pulls/{number}/requested_reviewers")
def request_reviewers(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, item, _ = _pull(forge, request, parts)
    who = need(request, repo, "pull_requests")
    forge.request_reviewers(repo, item, who, list(request.json().get("reviewers") or []))
    return Response(201, answers.pull(forge.world, repo, item))


@routes.on("GET", "/{repo}/pulls/{number}/reviews")
def reviews(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, item, half = _pull(forge, request, parts)
    return page(forge.world, request, [answers.review(forge.world, repo, item.number, one) for one in half.reviews])


# ---------------------------------------------------------------- issues


@routes.on("GET", "/{repo}/issues")
def issues(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, query = need_repo(forge.world, request, parts), request.query
    found = [item for item in repo.issues.values() if query.get("state", "open") in ("all", item.state)]
    if "creator" in query:
        found = [item for item in found if item.user.login.lower() == query["creator"].lower()]
    found.sort(key=lambda item: item.number, reverse=query.get("direction", "desc") == "desc")
    return page(forge.world, request, [answers.issue(forge.world, repo, item) for item in found])


@routes.on("POST", "/{repo}/issues")
def new_issue(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, given = need_repo(forge.world, request, parts), request.json()
    who = need(request, repo, "issues", "read")
    if not given.get("title"):
        raise invalid("Issue", field_name="title", code="missing_field")
    item = forge.open_issue(repo, who, str(given["title"]), given.get("body"), list(given.get("labels") or []))
    return Response(201, answers.issue(forge.world, repo, item))


@routes.on("GET", "/{repo}/issues/{number}")
def one_issue(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, item = _issue(forge, request, parts)
    return Response(200, answers.issue(forge.world, repo, item))


@routes.on("PATCH", "/{repo}/issues/{number}")
def edit_issue(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, item = _issue(forge, request, parts)
    who = need(request, repo, "issues", "read" if request.user is item.user else "triage")
    forge.edit_issue(repo, item, who, request.json())
    return Response(200, answers.issue(forge.world, repo, item))


# ---------------------------------------------------------------- comments and reactions


@routes.on("GET", "/{repo}/issues/comments")
def all_comments(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, query = need_repo(forge.world, request, parts), request.query
    found = [made for item in repo.issues.values() for made in item.comments]
    if "since" in query:
        found = [made for made in found if (answers.stamp(made.updated) or "") >= query["since"]]
    found.sort(key=lambda made: (made.updated if query.get("sort") == "updated" else made.created, made.id))
    if query.get("direction") == "desc":
        found.reverse()
    return page(forge.world, request, [answers.comment(forge.world, repo, made) for made in found])


@routes.on("GET", "/{repo}/issues/{number}/comments")
def comments(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, item = _issue(forge, request, parts)
    found = [made for made in item.comments if (answers.stamp(made.updated) or "") >= request.query.get("since", "")]
    return page(forge.world, request, [answers.comment(forge.world, repo, made) for made in found])


@routes.on("POST", "/{repo}/issues/{number}/comments")
def new_comment(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, item = _issue(forge, request, parts)
    who = need(request, repo, "pull_requests" if item.pull else "issues", "read")
    app = request.token.installation.app if request.token and request.token.installation else None
    made = forge.comment(repo, item, who, str(request.json().get("body") or ""), app)
    return Response(201, answers.comment(forge.world, repo, made))


def _comment(forge: Actions, request: Request, parts: dict[str, str]) -> tuple[Repository, Comment]:
    repo = need_repo(forge.world, request, parts)
    for item in repo.issues.values():
        for made in item.comments:
            if str(made.id) == parts["comment"]:
                return repo, made
    raise not_found()


@routes.on("GET", "/{repo}/issues/comments/{comment}")
def one_comment(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, made = _comment(forge, request, parts)
    return Response(200, answers.comment(forge.world, repo, made))


@routes.on("PATCH", "/{repo}/issues/comments/{comment}")
def edit_comment(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, made = _comment(forge, request, parts)
    who = need(request, repo, "issues", "read" if request.user is made.user else "write")
    forge.edit_comment(repo, made, who, str(request.json().get("body") or ""))
    return Response(200, answers.comment(forge.world, repo, made))


@routes.on("DELETE", "/{repo}/issues/comments/{comment}")
def delete_comment(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, made = _comment(forge, request, parts)
    who = need(request, repo, "issues", "read" if request.user is made.user else "write")
    forge.delete_comment(repo, made, who)
    return Response(204)


@routes.on("GET", "/{repo}/issues/comments/{comment}/reactions")
def reactions(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    _, made = _comment(forge, request, parts)
    return page(forge.world, request, [answers.reaction(forge.world, item) for item in made.reactions])


@routes.on("POST", "/{repo}/issues/comments/{comment}/reactions")
def react(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, made = _comment(forge, request, parts)
    return _react(forge, request, repo, made, "issues")


@routes.on("POST", "/{repo}/comments/{comment}/reactions")
def react_to_commit_comment(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    for made in repo.commit_comments:
        if str(made.id) == parts["comment"]:
            return _react(forge, request, repo, made, "contents")
    raise not_found()


def _react(forge: Actions, request: Request, repo: Repository, made: Comment, permission: str) -> Response:
    who, content = need(request, repo, permission, "read"), str(request.json().get("content"))
    if content not in ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"):
        raise invalid("Reaction", field_name="content", code="invalid")
    reaction, new = forge.react(made, who, content)
    return Response(201 if new else 200, answers.reaction(forge.world, reaction))


# ---------------------------------------------------------------- labels


@routes.on("GET", "/{repo}/labels")
def labels(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    return page(forge.world, request, [answers.label(forge.world, repo, mark) for mark in repo.labels.values()])


@routes.on("POST", "/{repo}/labels")
def new_label(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, given = need_repo(forge.world, request, parts), request.json()
    need(request, repo, "issues")
    name = str(given.get("name") or "")
    if name in repo.labels:
        raise invalid("Label", field_name="name", code="already_exists")
    mark = Label(forge.world.next_id(), name, str(given.get("color") or "ededed"), given.get("description"))
    repo.labels[name] = mark
    return Response(201, answers.label(forge.world, repo, mark))


@routes.on("GET", "/{repo}/issues/{number}/labels")
def labels_of(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, item = _issue(forge, request, parts)
    return page(forge.world, request, [answers.label(forge.world, repo, repo.labels[name]) for name in item.labels])


@routes.on("POST", "/{repo}/issues/{number}/labels")
def add_labels(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, item = _issue(forge, request, parts)
    who = need(request, repo, "pull_requests" if item.pull else "issues", "triage")
    # PyGithub sends a bare list, GitHub's own form is {"labels": [...]}
    body = request.body.strip()
    forge.add_labels(repo, item, who, [str(name) for name in _names(request) if body])
    return Response(200, [answers.label(forge.world, repo, repo.labels[name]) for name in item.labels])


def _names(request: Request) -> list[object]:
    if request.body.lstrip().startswith(b"["):
        wrapped = Request(request.method, request.path, {}, {}, b'{"labels":' + request.body + b"}")
        return list(wrapped.json()["labels"])
    return list(request.json().get("labels") or [])


@routes.on("DELETE", "/{repo}/issues/{number}/labels/{name*}")
def remove_label(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, item = _issue(forge, request, parts)
    who = need(request, repo, "pull_requests" if item.pull else "issues", "triage")
    try:
        forge.remove_label(repo, item, who, parts["name"])
    except KeyError:
        raise ApiError(404, "Label does not exist") from None
    return Response(200, [answers.label(forge.world, repo, repo.labels[name]) for name in item.labels])
