"""Accounts, Apps, installations, rate limit and webhooks of the REST API."""

from __future__ import annotations

from tests.standins.github import answers, answers_code
from tests.standins.github.actions import Actions
from tests.standins.github.hooks import Delivery, delivery_detail, delivery_item
from tests.standins.github.model import App, Hook, Installation, User
from tests.standins.github.wire import ApiError, Request, Response, Router, invalid, need, need_repo, not_found, page

routes = Router()


def _need_user(request: Request) -> User:
    if request.token is None:
        raise ApiError(401, "Requires authentication")
    if request.token.installation:
        raise ApiError(403, "Resource not accessible by integration")
    return request.token.user


def _need_app(request: Request) -> App:
    if request.app is None:
        raise ApiError(401, "A JSON web token could not be decoded")
    return request.app


@routes.on("GET", "/user")
def own_account(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    return Response(200, answers.full_user(forge.world, _need_user(request)))


@routes.on("GET", "/users/{login}")
def account_by_login(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    who = forge.world.user(parts["login"])
    if who is None:
        raise not_found()
    return Response(200, answers.full_user(forge.world, who))


@routes.on("GET", "/user/{number}")
def account_by_id(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    who = forge.world.users.get(int(parts["number"]))
    if who is None:
        raise not_found()
    return Response(200, answers.full_user(forge.world, who))


@routes.on("GET", "/orgs/{login}")
def organisation(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    who = forge.world.user(parts["login"])
    if who is None or who.kind != "Organization":
        raise not_found()
    return Response(200, answers.full_user(forge.world, who))


@routes.on("GET", "/user/repos")
def own_repositories(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    who = _need_user(request)
    mine = [repo for repo in forge.world.repositories.values() if repo.owner is who]
    return page(forge.world, request, [answers.repository(forge.world, repo, viewer=who) for repo in mine])


@routes.on("GET", "/users/{login}/repos")
@routes.on("GET", "/orgs/{login}/repos")
def repositories_of(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    who = forge.world.user(parts["login"])
    if who is None or (request.path.startswith("/orgs/") and who.kind != "Organization"):
        raise not_found()
    listed = [repo for repo in forge.world.repositories.values() if repo.owner is who]
    seen = [repo for repo in listed if not repo.private or (request.user and repo.role_of(request.user) != "none")]
    return page(forge.world, request, [answers.repository(forge.world, repo, viewer=request.user) for repo in seen])


@routes.on("GET", "/rate_limit")
def rate_limit(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    budget = forge.limits
    core = {
        "limit": budget.limit,
        "remaining": budget.remaining,
        "reset": budget.reset,
        "used": budget.limit - budget.remaining,
    }
    return Response(200, {"resources": {"core": core, "search": core, "graphql": core}, "rate": core})


# ---------------------------------------------------------------- Apps


@routes.on("GET", "/app")
def own_app(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    app = _need_app(request)
    count = sum(item.app is app for item in forge.world.installations.values())
    return Response(200, answers.app(forge.world, app) | {"installations_count": count})


@routes.on("GET", "/app/installations")
def installations(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    app = _need_app(request)
    mine = [item for item in forge.world.installations.values() if item.app is app]
    return page(forge.world, request, [answers.installation(forge.world, item) for item in mine])


def _installation(forge: Actions, request: Request, parts: dict[str, str]) -> Installation:
    app = _need_app(request)
    found = forge.world.installations.get(int(parts["number"]))
    if found is None or found.app is not app:
        raise not_found()
    return found


@routes.on("GET", "/app/installations/{number}")
def one_installation(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    return Response(200, answers.installation(forge.world, _installation(forge, request, parts)))


@routes.on("GET", "/repos/{owner}/{name}/installation")
def installation_of_repository(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    app = _need_app(request)
    name = f"{parts['owner']}/{parts['name']}"
    repo = forge.world.repository(name) or forge.world.repositories.get(forge.world.moved.get(name.lower(), 0))
    found = forge.world.installation_for(app, repo) if repo else None
    if found is None:
        raise not_found()
    return Response(200, answers.installation(forge.world, found))


@routes.on("GET", "/users/{login}/installation")
@routes.on("GET", "/orgs/{login}/installation")
def installation_of_account(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    app = _need_app(request)
    for item in forge.world.installations.values():
        if item.app is app and item.account.login.lower() == parts["login"].lower():
            return Response(200, answers.installation(forge.world, item))
    raise not_found()


@routes.on("POST", "/app/installations/{number}/access_tokens")
def new_installation_token(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    found = _installation(forge, request, parts)
    if found.suspended:
        raise ApiError(403, "This installation has been suspended")
    wanted = request.json().get("permissions") or found.permissions
    rank = {"read": 1, "write": 2, "admin": 3}
    for name, level in wanted.items():
        if rank.get(found.permissions.get(name, ""), 0) < rank.get(level, 9):
            raise ApiError(422, "The permissions requested are not granted to this installation.")
    token = forge.world.mint(found, wanted | {"metadata": "read"}, forge.token_lifetime)
    forge.world.effects["tokens.created"] += 1
    selection = "all" if found.repositories is None else "selected"
    data = {"token": token.value, "expires_at": answers.stamp(token.expires), "permissions": token.permissions}
    return Response(201, data | {"repository_selection": selection})


@routes.on("GET", "/installation/repositories")
def installation_repositories(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    found = request.token.installation if request.token else None
    if found is None:
        raise ApiError(
            403,
            "You must authenticate with an installation access token in order to list repositories for an installation.",
        )
    listed = [
        repo for repo in forge.world.repositories.values() if forge.world.installation_for(found.app, repo) is found
    ]
    data = [answers.repository(forge.world, repo) for repo in listed]
    answer = page(forge.world, request, data, "repositories")
    answer.data["repository_selection"] = "all" if found.repositories is None else "selected"
    return answer


# ---------------------------------------------------------------- webhooks and their deliveries


@routes.on("GET", "/{repo}/hooks")
def hooks(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    need(request, repo, "repository_hooks", "admin")
    return page(forge.world, request, [answers_code.hook(forge.world, repo, item) for item in repo.hooks])


@routes.on("POST", "/{repo}/hooks")
def new_hook(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    need(request, repo, "repository_hooks", "admin")
    given = request.json()
    config = given.get("config") or {}
    if not config.get("url"):
        raise invalid("Hook", field_name="url", code="missing_field")
    if any(item.url == config["url"] for item in repo.hooks):
        raise invalid("Hook", "Hook already exists on this repository")
    made = Hook(
        forge.world.next_id(), config["url"], str(config.get("secret") or ""), list(given.get("events") or ["push"]),
        bool(given.get("active", True)), forge.world.now(),
    )  # fmt: skip
    repo.hooks.append(made)
    return Response(201, answers_code.hook(forge.world, repo, made))


@routes.on("DELETE", "/{repo}/hooks/{number}")
def delete_hook(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    repo = need_repo(forge.world, request, parts)
    need(request, repo, "repository_hooks", "admin")
    left = [item for item in repo.hooks if str(item.id) != parts["number"]]
    if len(left) == len(repo.hooks):
        raise not_found()
    repo.hooks[:] = left
    return Response(204)


def _delivery(forge: Actions, request: Request, parts: dict[str, str]) -> Delivery:
    app = _need_app(request)
    for item in forge.postman.deliveries:
        if item.app is app and str(item.id) == parts["number"]:
            return item
    raise not_found()


@routes.on("GET", "/app/hook/deliveries")
def deliveries(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    app = _need_app(request)
    mine = [item for item in forge.postman.deliveries if item.app is app and item.done.is_set()]
    return page(forge.world, request, [delivery_item(item) for item in reversed(mine)])


@routes.on("GET", "/app/hook/deliveries/{number}")
def one_delivery(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    return Response(200, delivery_detail(_delivery(forge, request, parts)))


@routes.on("POST", "/app/hook/deliveries/{number}/attempts")
def redeliver(forge: Actions, request: Request, parts: dict[str, str]) -> Response:
    forge.postman.redeliver(_delivery(forge, request, parts))
    return Response(202, {})
