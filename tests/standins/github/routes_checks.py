"""Commit statuses and check runs of the REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.standins.github import answers, answers_code
from tests.standins.github.actions import Actions
from tests.standins.github.model import CheckRun, Repository, Status
from tests.standins.github.routes_repositories import need_commit
from tests.standins.github.wire import ApiError, Request, Response, Router, invalid, need, need_repo, not_found, page

routes = Router()
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out")
ANNOTATIONS_PER_REQUEST = 50
LONGEST_TEXT = 65_535


@routes.on("POST", "/{repo}/statuses/{sha}")
def new_status(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, given = need_repo(forge.world, request, parts), request.json()
    who = need(request, repo, "statuses")
    if given.get("state") not in ("error", "failure", "pending", "success"):
        raise invalid("Status", field_name="state", code="invalid")
    if len(str(given.get("description") or "")) > 140:
        raise invalid("Status", "description is too long (maximum is 140 characters)", field_name="description")
    if not str(given.get("target_url") or "http").startswith("http"):
        raise invalid("Status", "target_url must use http(s) scheme", field_name="target_url")
    sha = need_commit(repo, parts["sha"])
    return Response(201, answers_code.status(forge.world, repo, forge.set_status(repo, who, sha, given)))


def _statuses(repo: Repository, sha: str) -> list[Status]:
    return [item for item in reversed(repo.statuses) if item.sha == sha]


@routes.on("GET", "/{repo}/statuses/{ref}")  # an old address of the same list, the one PyGithub asks
@routes.on("GET", "/{repo}/commits/{ref}/statuses")
def statuses(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    found = _statuses(repo, need_commit(repo, parts["ref"]))
    return page(forge.world, request, [answers_code.status(forge.world, repo, item) for item in found])


@routes.on("GET", "/{repo}/commits/{ref}/status")
def combined_status(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    sha = need_commit(repo, parts["ref"])
    newest = {item.context: item for item in reversed(_statuses(repo, sha))}
    states = {item.state for item in newest.values()}
    state = (
        "failure" if states & {"failure", "error"} else "pending" if "pending" in states or not states else "success"
    )
    url = f"{forge.world.api}/repos/{repo.full_name}/commits/{sha}"
    answer = page(
        forge.world, request, [answers_code.status(forge.world, repo, item, short=True) for item in newest.values()]
    )
    answer.data = {
        "state": state, "statuses": answer.data, "sha": sha, "total_count": len(newest), "commit_url": url,
        "repository": answers.repository(forge.world, repo), "url": f"{url}/status",
    }  # fmt: skip
    return answer


def _app(request: Request, repo: Repository) -> Any:
    if request.token is None or request.token.installation is None:
        raise ApiError(403, "You must authenticate via a GitHub App.")
    need(request, repo, "checks")
    return request.token.installation.app


def _run(repo: Repository, parts: dict[str, str]) -> CheckRun:
    for run in repo.checks:
        if str(run.id) == parts["number"]:
            return run
    raise not_found()


@routes.on("POST", "/{repo}/check-runs")
def new_check(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, given = need_repo(forge.world, request, parts), request.json()
    app, world = _app(request, repo), forge.world
    for key in ("name", "head_sha"):
        if not given.get(key):
            raise ApiError(422, f'Invalid request.\n\n"{key}" wasn\'t supplied.')
    sha = need_commit(repo, str(given["head_sha"]))
    suite = repo.suites.setdefault((app.id, sha), world.next_id())
    run = CheckRun(world.next_id(), str(given["name"]), sha, app, suite, world.now())
    _fill(forge, run, given)
    repo.checks.append(run)
    forge.check_changed(repo, run, created=True)
    return Response(201, answers_code.check_run(world, repo, run))


@routes.on("PATCH", "/{repo}/check-runs/{number}")
def edit_check(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    app, run = _app(request, repo), _run(repo, parts)
    if run.app is not app:
        raise ApiError(
            403, f"Invalid app_id `{app.id}` - check run can only be modified by the GitHub App that created it."
        )
    _fill(forge, run, request.json())
    forge.check_changed(repo, run, created=False)
    return Response(200, answers_code.check_run(forge.world, repo, run))


def _fill(forge: Actions, run: CheckRun, given: dict[str, Any]) -> None:
    output = given.get("output") or {}
    if output and not output.get("summary"):
        raise ApiError(422, 'Invalid request.\n\n"summary" wasn\'t supplied.')
    if max(len(str(output.get(key) or "")) for key in ("summary", "text")) > LONGEST_TEXT:
        raise invalid("CheckRun", f"Output is too long (maximum is {LONGEST_TEXT} characters)", field_name="output")
    new = list(output.get("annotations") or [])
    if len(new) > ANNOTATIONS_PER_REQUEST:
        raise ApiError(422, f"Invalid request.\n\nNo more than 50 items are allowed; {len(new)} were supplied.")
    for item in new:
        missing = [
            key for key in ("path", "start_line", "end_line", "annotation_level", "message") if not item.get(key)
        ]
        if (
            missing
            or item["annotation_level"] not in ("notice", "warning", "failure")
            or item["end_line"] < item["start_line"]
        ):
            raise ApiError(422, f"Invalid request.\n\nannotation is not valid: {missing or item}")
    if given.get("conclusion") and given["conclusion"] not in CONCLUSIONS:
        raise ApiError(422, f"Invalid request.\n\n{given['conclusion']} is not a member of {CONCLUSIONS}.")
    if given.get("status") == "completed" and not given.get("conclusion"):
        raise ApiError(422, "Invalid request.\n\nMissing conclusion.")
    run.title, run.summary = output.get("title", run.title), output.get("summary", run.summary)
    run.text = output.get("text", run.text)
    run.annotations.extend(new)
    run.details_url = given.get("details_url", run.details_url)
    run.external_id = given.get("external_id", run.external_id)
    run.name = given.get("name", run.name)
    _set_state(forge, run, given)


def _set_state(forge: Actions, run: CheckRun, given: dict[str, Any]) -> None:
    if given.get("conclusion"):
        run.status, run.conclusion = "completed", given["conclusion"]
        ended = given.get("completed_at")
        run.completed = datetime.fromisoformat(ended) if ended else forge.world.now()
    elif given.get("status"):
        run.status, run.conclusion, run.completed = given["status"], None, None


@routes.on("GET", "/{repo}/check-runs/{number}")
def one_check(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    return Response(200, answers_code.check_run(forge.world, repo, _run(repo, parts)))


@routes.on("GET", "/{repo}/check-runs/{number}/annotations")
def annotations_of(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    run = _run(repo, parts)
    return page(
        forge.world, request, [answers_code.annotation(forge.world, repo, run, item) for item in run.annotations]
    )


@routes.on("POST", "/{repo}/check-runs/{number}/rerequest")
def rerequest(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    who = need(request, repo, "checks")
    forge.rerequest_check(repo, _run(repo, parts), who)
    return Response(201, {})


@routes.on("GET", "/{repo}/commits/{ref}/check-runs")
def checks_of(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo, query = need_repo(forge.world, request, parts), request.query
    sha = need_commit(repo, parts["ref"])
    found = [run for run in reversed(repo.checks) if run.head_sha == sha]
    if "check_name" in query:
        found = [run for run in found if run.name == query["check_name"]]
    if "app_id" in query:
        found = [run for run in found if str(run.app.id) == query["app_id"]]
    if "status" in query:
        found = [run for run in found if run.status == query["status"]]
    if query.get("filter", "latest") == "latest":
        found = list({(run.app.id, run.name): run for run in reversed(found)}.values())
    return page(forge.world, request, [answers_code.check_run(forge.world, repo, run) for run in found], "check_runs")
