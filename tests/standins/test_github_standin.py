"""The GitHub stand-in answers as GitHub does: by GitHub's own field lists, plain PyGithub, ogr, git and signed webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import github as pygithub
import pytest
import requests
from ogr.abstract.status import CommitStatus
from ogr.services.github.auth_providers.token import TokenAuthentication
from ogr.services.github.service import GithubService

from tests.standins.github.gitrepo import ENV
from tests.standins.github.server import AppCredentials, GitHubStandIn

REPO = "acme/demo"
SECRET = "hook secret"
FIELDS: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "github" / "fields.json").read_text())
"""Fields of GitHub's REST and webhook descriptions (OpenAPI, Enterprise-free part): name to types, `?` before optional ones."""
NO_WAIT: dict[str, Any] = {"retry": None, "seconds_between_requests": None, "seconds_between_writes": None}


class Receiver(ThreadingHTTPServer):
    """A webhook receiver: what it got, and the status it answers with."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receive)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 202
        self.url = f"http://127.0.0.1:{self.server_port}/hooks/github"


class _Receive(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers.items()), body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hooks() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    with GitHubStandIn(tmp_path / "github") as server:
        server.add_user("acme", kind="Organization")
        for login in ("owen", "alice", "bob"):
            server.add_user(login)
        server.add_repo(REPO, files={"Containerfile": "FROM a\n", "docs/x.txt": "1\n2\n3\n"})
        server.set_permission(REPO, "owen", "admin")
        server.set_permission(REPO, "alice", "write")
        yield server


@pytest.fixture
def app(github: GitHubStandIn, hooks: Receiver) -> AppCredentials:
    made = github.add_app("sigbot", owner="owen", hook_url=hooks.url, hook_secret=SECRET)
    github.install(made.app_id, "acme")
    return made


@pytest.fixture
def bot(github: GitHubStandIn, app: AppCredentials) -> pygithub.Github:
    """Plain PyGithub as the App's installation."""
    auth = pygithub.Auth.AppAuth(app.app_id, app.private_key)
    integration = pygithub.GithubIntegration(auth=auth, base_url=github.api_url, **NO_WAIT)
    return integration.get_github_for_installation(integration.get_repo_installation("acme", "demo").id, {"checks": "write", "contents": "write", "issues": "write", "pull_requests": "write", "statuses": "write"})  # fmt: skip


def alice(github: GitHubStandIn) -> pygithub.Github:
    return pygithub.Github(auth=pygithub.Auth.Token("ghp_alice"), base_url=github.api_url, **NO_WAIT)


def make_pull(github: GitHubStandIn, branch: str = "topic") -> int:
    github.commit(REPO, branch, {"Containerfile": "FROM b\n", "new.txt": "x\n"}, "alice")
    return github.open_pull(REPO, branch, as_user="alice", title="Newer base", body="why")


def call(
    github: GitHubStandIn, method: str, path: str, *, who: str | None = "alice", body: Any = None
) -> requests.Response:
    headers = {"Authorization": f"token ghp_{who}"} if who else {}
    return requests.request(method, f"{github.api_url}{path}", headers=headers, json=body, timeout=10)


# ---------------------------------------------------------------- shapes


def complaints(kind: str, data: dict[str, Any]) -> list[str]:
    """Where an object differs from GitHub's description of its kind: fields missing, unknown, of another type."""
    words: dict[type, tuple[str, ...]] = {
        bool: ("boolean",), int: ("integer", "number"), float: ("number",), str: ("string",), list: ("array",),
        dict: ("object",), type(None): ("null",),
    }  # fmt: skip
    table, out = FIELDS[kind], []
    for name, types in table.items():
        if name not in data:
            out += [] if types.startswith("?") else [f"{name} is missing"]
            continue
        allowed = types.removeprefix("?").split("|")
        if allowed != [""] and not set(words[type(data[name])]) & set(allowed):
            out.append(f"{name} is {data[name]!r}, not {types}")
    return out + [f"{name} is unknown" for name in data if name not in table]


def test_every_kind_of_answer_has_githubs_fields(github: GitHubStandIn) -> None:
    number = make_pull(github)
    sha = github.page_of(REPO, number)["head"]["sha"]
    base = f"/repos/{REPO}"
    comment = call(github, "POST", f"{base}/issues/{number}/comments", body={"body": "hi"}).json()
    call(github, "POST", f"{base}/issues/{number}/labels", body={"labels": ["x"]})
    call(github, "POST", f"{base}/commits/{sha}/comments", body={"body": "hi"})
    github.review(REPO, number, "looks good", as_user="bob")
    answers = {
        "full-repository": call(github, "GET", base),
        "pull-request": call(github, "GET", f"{base}/pulls/{number}"),
        "pull-request-simple": call(github, "GET", f"{base}/pulls"),
        "diff-entry": call(github, "GET", f"{base}/pulls/{number}/files"),
        "commit": call(github, "GET", f"{base}/pulls/{number}/commits"),
        "issue": call(github, "GET", f"{base}/issues/{number}"),
        "issue-comment": call(github, "GET", f"{base}/issues/comments/{comment['id']}"),
        "commit-comment": call(github, "GET", f"{base}/commits/{sha}/comments"),
        "label": call(github, "GET", f"{base}/labels"),
        "reaction": call(github, "POST", f"{base}/issues/comments/{comment['id']}/reactions", body={"content": "eyes"}),
        "status": call(github, "POST", f"{base}/statuses/{sha}", body={"state": "success", "context": "ci"}),
        "combined-commit-status": call(github, "GET", f"{base}/commits/{sha}/status"),
        "repository-collaborator-permission": call(github, "GET", f"{base}/collaborators/bob/permission"),
        "branch-with-protection": call(github, "GET", f"{base}/branches/main"),
        "git-ref": call(github, "GET", f"{base}/git/ref/heads/main"),
        "content-file": call(github, "GET", f"{base}/contents/Containerfile"),
        "commit-comparison": call(github, "GET", f"{base}/compare/main...topic"),
        "public-user": call(github, "GET", "/user"),
        "pull-request-review": call(github, "GET", f"{base}/pulls/{number}/reviews"),
        "hook": call(
            github, "POST", f"{base}/hooks", who="owen", body={"config": {"url": github.url}, "events": ["push"]}
        ),
        "pull-request-merge-result": call(github, "PUT", f"{base}/pulls/{number}/merge", body={"sha": sha}),
    }
    found = {}
    for kind, answer in answers.items():
        data = answer.json()
        found[kind] = complaints(kind, data[0] if isinstance(data, list) else data)
    assert {kind: wrong for kind, wrong in found.items() if wrong} == {}


def test_app_answers_have_githubs_fields(github: GitHubStandIn, app: AppCredentials, bot: pygithub.Github) -> None:
    sha = github.commit(REPO, "main", {"a": "b"}, "alice")
    github.settle()
    repo = bot.get_repo(REPO)
    note = {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
    output: dict[str, Any] = {"title": "t", "summary": "s", "annotations": [note]}
    run = repo.create_check_run("x", sha, output=output)
    as_app = pygithub.GithubIntegration(auth=pygithub.Auth.AppAuth(app.app_id, app.private_key), base_url=github.api_url, **NO_WAIT).requester  # fmt: skip

    def ask(path: str) -> Any:
        return json.loads(as_app.requestJson("GET", path)[2])  # PyGithub's parsed answer has a `url` of its own making

    installation = ask("/app/installations")[0]
    deliveries = ask("/app/hook/deliveries")
    answers = {
        "integration": ask("/app"),
        "installation": installation,
        "hook-delivery-item": deliveries[0],
        "hook-delivery": ask(f"/app/hook/deliveries/{deliveries[0]['id']}"),
        "check-run": run.raw_data,
        "check-annotation": bot.requester.requestJsonAndCheck("GET", f"/repos/{REPO}/check-runs/{run.id}/annotations")[1][0],
        "installation-token": as_app.requestJsonAndCheck("POST", f"/app/installations/{installation['id']}/access_tokens", input={})[1],
    }  # fmt: skip
    found = {kind: complaints(kind, data) for kind, data in answers.items()}
    assert {kind: wrong for kind, wrong in found.items() if wrong} == {}


def test_every_webhook_has_githubs_fields(github: GitHubStandIn, app: AppCredentials, bot: pygithub.Github) -> None:
    number = make_pull(github)
    made = github.comment(REPO, number, "one", as_user="bob")
    github.edit_comment(REPO, made, "two", as_user="bob")
    github.delete_comment(REPO, made, as_user="bob")
    github.edit(REPO, number, as_user="alice", title="Other")
    github.label(REPO, number, "x", as_user="alice")
    sha = github.commit(REPO, "topic", {"more": "x"}, "alice")
    bot.get_repo(REPO).create_check_run("sigbot/lint", sha, conclusion="success", output={"title": "t", "summary": "s"})
    github.rerequest_check(REPO, "sigbot/lint", sha, as_user="alice")
    github.rerequest_suite(REPO, app.app_id, sha, as_user="alice")
    github.review(REPO, number, "fine", as_user="bob", state="approved")
    github.comment_commit(REPO, sha, "note", as_user="bob")
    github.close(REPO, number, as_user="alice")
    github.reopen(REPO, number, as_user="alice")
    wrong, seen = {}, set()
    for delivery in github.deliveries:
        kind = "webhook-" + "-".join(filter(None, (delivery.event, delivery.action))).replace("_", "-")
        if kind in FIELDS:
            seen.add(kind.removeprefix("webhook-"))
            wrong[kind] = [text for text in complaints(kind, delivery.payload) if "performed_via" not in text]
        assert delivery.payload["installation"]["id"] in github.world.installations
    assert {kind: found for kind, found in wrong.items() if found} == {}
    assert seen == {
        "push", "pull-request-opened", "pull-request-edited", "pull-request-labeled", "pull-request-synchronize",
        "pull-request-closed", "pull-request-reopened", "issue-comment-created", "issue-comment-edited",
        "issue-comment-deleted", "check-run-created", "check-run-rerequested", "check-suite-requested",
        "check-suite-rerequested", "pull-request-review-submitted", "commit-comment-created",
    }  # fmt: skip


def test_every_address_in_an_answer_is_the_stand_ins_own(github: GitHubStandIn) -> None:
    text = json.dumps(github.page_of(REPO, make_pull(github)))
    assert text.count("http") == text.count(github.url)


# ---------------------------------------------------------------- PyGithub and ogr drive it


def test_pygithub_drives_a_pull_request(github: GitHubStandIn, bot: pygithub.Github) -> None:
    github.commit(REPO, "topic", {"docs/x.txt": "1\ntwo\n3\n"}, "alice")
    repo = bot.get_repo(REPO)
    pull = repo.create_pull(base="main", head="topic", title="t", body="b")
    pull.add_to_labels("update")
    pull.create_issue_comment("hello").create_reaction("eyes")
    assert [(one.filename, one.status, one.patch) for one in pull.get_files()] == [
        ("docs/x.txt", "modified", "@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3")
    ]
    assert (pull.mergeable, pull.user.login, [mark.name for mark in pull.get_labels()]) == (
        True,
        "sigbot[bot]",
        ["update"],
    )
    assert pull.merge(sha=pull.head.sha).merged
    assert repo.get_contents("docs/x.txt").decoded_content == b"1\ntwo\n3\n"  # type: ignore[union-attr]


def test_ogr_drives_it(github: GitHubStandIn) -> None:
    number = make_pull(github)

    class Login(TokenAuthentication):
        def __init__(self) -> None:
            self._token = "ghp_alice"
            self._pygithub_instance = alice(github)

    class Service(GithubService):
        def get_pygithub_instance(self, namespace: str, repo: str) -> pygithub.Github:
            return alice(github)

    project = Service(github_authentication=Login()).get_project(namespace="acme", repo="demo")
    pull = project.get_pr(number)
    pull.comment("from ogr")
    project.set_commit_status(pull.head_commit, CommitStatus.success, "https://ci.example/1", "fine", "ci/x")
    assert [one.body for one in pull.get_comments()] == ["from ogr"]
    assert [(flag.context, flag.state.name) for flag in project.get_commit_statuses(pull.head_commit)] == [("ci/x", "success")]  # fmt: skip
    assert (project.can_merge_pr("alice"), project.can_merge_pr("bob")) == (True, False)
    assert project.get_file_content("docs/x.txt", "topic") == "1\n2\n3\n"
    assert sorted(project.get_files(recursive=True)) == ["Containerfile", "docs/x.txt"]
    assert project.get_sha_from_branch("topic") == pull.head_commit
    assert project.fork_create().github_repo.parent.full_name == REPO


def test_listings_come_in_pages_with_links(github: GitHubStandIn) -> None:
    number = make_pull(github)
    for text in range(65):
        github.comment(REPO, number, f"{text}", as_user="bob")
    first = call(github, "GET", f"/repos/{REPO}/issues/{number}/comments")
    assert len(first.json()) == 30
    assert first.links["next"]["url"].startswith(github.api_url)
    assert [one.body for one in alice(github).get_repo(REPO).get_issue(number).get_comments()] == [
        str(text) for text in range(65)
    ]


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("who", "method", "path", "body", "status", "said"),
    [
        (None, "GET", "/user", None, 401, "Requires authentication"),
        ("nobody", "GET", "/user", None, 401, "Bad credentials"),
        ("alice", "GET", "/repos/acme/none", None, 404, "Not Found"),
        ("bob", "GET", "/repos/acme/secret", None, 404, "Not Found"),
        ("bob", "POST", "/repos/acme/demo/statuses/main", {"state": "success"}, 403, "Must have push access to repository"),
        ("alice", "POST", "/repos/acme/demo/check-runs", {"name": "x"}, 403, "You must authenticate via a GitHub App."),
        ("alice", "POST", "/repos/acme/demo/pulls", {"title": "t", "head": "main", "base": "main"}, 422, "Validation Failed"),
        ("alice", "POST", "/repos/acme/demo/pulls", {"title": "t", "head": "gone", "base": "main"}, 422, "Validation Failed"),
        ("alice", "GET", "/repos/acme/demo/contents/none", None, 404, "Not Found"),
        ("alice", "GET", "/repos/acme/demo/contents/docs?ref=gone", None, 404, "No commit found for the ref gone"),
        ("bob", "GET", "/repos/acme/demo/collaborators/bob/permission", None, 403, "Must have push access to view collaborator permission."),
    ],
)  # fmt: skip
def test_refusals_have_githubs_words(
    github: GitHubStandIn, who: str | None, method: str, path: str, body: object, status: int, said: str
) -> None:
    github.add_repo("acme/secret", files={"a": "b"}, private=True)
    answer = call(github, method, path, who=who, body=body)
    assert (answer.status_code, answer.json()["message"]) == (status, said)


def test_a_second_pull_request_of_a_branch_is_refused_with_the_reason(github: GitHubStandIn) -> None:
    make_pull(github)
    answer = call(github, "POST", f"/repos/{REPO}/pulls", body={"title": "t", "head": "topic", "base": "main"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"] == "A pull request already exists for acme:topic."


def test_a_merge_of_another_head_is_a_conflict(github: GitHubStandIn) -> None:
    number = make_pull(github)
    answer = call(github, "PUT", f"/repos/{REPO}/pulls/{number}/merge", body={"sha": "0" * 40})
    assert (answer.status_code, github.issue(REPO, number).state) == (409, "open")


def test_conflicting_branches_do_not_merge(github: GitHubStandIn) -> None:
    number = make_pull(github)
    github.commit(REPO, "main", {"Containerfile": "FROM c\n"}, "owen")
    assert github.page_of(REPO, number)["mergeable"] is False
    assert call(github, "PUT", f"/repos/{REPO}/pulls/{number}/merge", body={}).status_code == 405


def test_more_than_fifty_annotations_in_one_request_are_refused(github: GitHubStandIn, bot: pygithub.Github) -> None:
    note = {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
    output: dict[str, Any] = {"title": "t", "summary": "s", "annotations": [note] * 51}
    with pytest.raises(pygithub.GithubException, match="No more than 50"):
        bot.get_repo(REPO).create_check_run("x", github.commit(REPO, "main", {"a": "b"}, "alice"), output=output)


@pytest.mark.parametrize("how", ["other key", "too long", "from the future"])
def test_a_wrong_json_web_token_is_refused(github: GitHubStandIn, app: AppCredentials, how: str) -> None:
    import jwt
    from cryptography.hazmat.primitives.asymmetric import rsa

    now = int(github.world.now().timestamp())
    claims = {"iss": str(app.app_id), "iat": now - 10, "exp": now + 300}
    key: Any = app.private_key
    if how == "other key":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    elif how == "too long":
        claims["exp"] = now + 3600
    else:
        claims["iat"] = now + 300
    token = jwt.encode(claims, key, algorithm="RS256")
    answer = requests.get(f"{github.api_url}/app", headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert answer.status_code == 401


def test_an_installation_token_ends(github: GitHubStandIn, bot: pygithub.Github) -> None:
    github.token_lifetime(timedelta(seconds=-1))
    installation = next(iter(github.world.installations))
    token = github.world.mint(github.world.installations[installation], {}, timedelta(seconds=-1))
    answer = requests.get(
        f"{github.api_url}/repos/{REPO}", headers={"Authorization": f"token {token.value}"}, timeout=10
    )
    assert answer.status_code == 401


def test_the_rate_limit_is_told_and_kept(github: GitHubStandIn) -> None:
    github.limits.remaining = 1
    assert call(github, "GET", f"/repos/{REPO}").headers["x-ratelimit-remaining"] == "0"
    refused = call(github, "GET", f"/repos/{REPO}")
    assert refused.status_code == 403
    assert refused.json()["message"].startswith("API rate limit exceeded")
    assert call(github, "GET", "/rate_limit").json()["rate"]["remaining"] == 0


def test_an_ordered_fault_happens_as_often_as_ordered(github: GitHubStandIn) -> None:
    number = make_pull(github)
    github.fail("POST .*/comments", count=2, status=502, after=True)
    codes = [
        call(github, "POST", f"/repos/{REPO}/issues/{number}/comments", body={"body": "x"}).status_code
        for _ in range(3)
    ]
    assert codes == [502, 502, 201]
    assert github.effects["comments.created"] == 3


# ---------------------------------------------------------------- git


def git(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *args], cwd=cwd, env=ENV, capture_output=True, text=True, check=False, timeout=60)


def clone(github: GitHubStandIn, tmp_path: Path, login: str) -> Path:
    url = f"{github.url}/{REPO}.git".replace("://", f"://{login}:{github.token(login)}@")
    assert git("clone", "-q", url, f"by-{login}", cwd=tmp_path).returncode == 0
    return tmp_path / f"by-{login}"


def commit(tree: Path, name: str, size: int = 2) -> str:
    (tree / name).write_bytes(b"x" * size)
    git("add", "-A", cwd=tree)
    git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", name, cwd=tree)
    return git("rev-parse", "HEAD", cwd=tree).stdout.strip()


def test_a_push_moves_the_head_of_the_pull_request_and_tells(
    github: GitHubStandIn, app: AppCredentials, tmp_path: Path
) -> None:
    number = make_pull(github)
    tree = clone(github, tmp_path, "alice")
    git("checkout", "-q", "topic", cwd=tree)
    old, sha = github.page_of(REPO, number)["head"]["sha"], commit(tree, "more.txt")
    assert git("push", "-q", cwd=tree).returncode == 0
    assert github.page_of(REPO, number)["head"]["sha"] == sha
    told = [(one.event, one.action) for one in github.deliveries][-3:]
    assert told == [("push", None), ("pull_request", "synchronize"), ("check_suite", "requested")]
    assert github.deliveries[-2].payload["before"] == old
    assert github.deliveries[-3].payload["head_commit"]["added"] == ["more.txt"]


def test_a_large_push_arrives_whole(github: GitHubStandIn, tmp_path: Path) -> None:
    tree = clone(github, tmp_path, "alice")
    (tree / "noise").write_bytes(hashlib.shake_256(b"noise").digest(3_000_000))  # git sends it chunked
    commit(tree, "small")
    assert git("push", "-q", cwd=tree).returncode == 0
    assert len(github.read(REPO, "noise") or b"") == 3_000_000


def test_who_has_no_write_cannot_push(github: GitHubStandIn, tmp_path: Path) -> None:
    tree = clone(github, tmp_path, "bob")
    commit(tree, "x")
    refused = git("push", "-q", cwd=tree)
    assert refused.returncode != 0
    assert "403" in refused.stderr


def test_a_private_repository_is_hidden_from_git_without_a_token(github: GitHubStandIn, tmp_path: Path) -> None:
    github.add_repo("acme/secret", files={"a": "b"}, private=True)
    assert git("ls-remote", f"{github.url}/acme/secret.git", cwd=tmp_path).returncode != 0


def test_an_installation_token_clones_and_pushes(github: GitHubStandIn, app: AppCredentials, tmp_path: Path) -> None:
    installation = next(iter(github.world.installations.values()))
    token = github.world.mint(installation, {"contents": "write"}, timedelta(hours=1)).value
    url = f"{github.url}/{REPO}.git".replace("://", f"://x-access-token:{token}@")
    assert git("clone", "-q", url, "tree", cwd=tmp_path).returncode == 0
    sha = commit(tmp_path / "tree", "x")
    assert git("push", "-q", "origin", "HEAD:refs/heads/bot", cwd=tmp_path / "tree").returncode == 0
    assert github.repo(REPO).git.branches()["bot"] == sha


def test_a_push_to_a_fork_reaches_the_pull_request(github: GitHubStandIn) -> None:
    fork = github.fork(REPO, "bob")
    github.commit(fork, "fix", {"a": "1"}, "bob")
    number = github.open_pull(REPO, "bob:fix", as_user="bob")
    sha = github.commit(fork, "fix", {"a": "2"}, "bob")
    page = github.page_of(REPO, number)
    assert (page["head"]["sha"], page["head"]["repo"]["full_name"]) == (sha, fork)
    assert github.repo(REPO).git.refs()[f"refs/pull/{number}/head"] == sha


# ---------------------------------------------------------------- webhooks


def test_webhooks_are_signed_and_come_in_order(github: GitHubStandIn, app: AppCredentials, hooks: Receiver) -> None:
    number = make_pull(github)
    github.comment(REPO, number, "/sig help", as_user="bob")
    github.settle()
    assert [headers["X-GitHub-Event"] for headers, _ in hooks.got] == [
        "push",
        "check_suite",
        "pull_request",
        "issue_comment",
    ]
    for headers, body in hooks.got:
        expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-Hub-Signature-256"] == f"sha256={expected}"
    assert len({headers["X-GitHub-Delivery"] for headers, _ in hooks.got}) == 4


def test_a_failed_delivery_is_recorded_not_retried_and_redelivered_with_its_guid(
    github: GitHubStandIn, app: AppCredentials, hooks: Receiver
) -> None:
    hooks.status = 503
    number = make_pull(github)
    github.settle()
    failed = github.deliveries[-1]
    assert (failed.status_code, len(hooks.got)) == (503, 3)
    hooks.status = 202
    again = github.redeliver(failed)
    github.settle()
    assert (again.guid, again.status_code, again.redelivery) == (failed.guid, 202, True)
    assert hooks.got[-1][0]["X-GitHub-Delivery"] == failed.guid
    assert number == 1


def test_a_receiver_that_is_down_is_recorded(github: GitHubStandIn, app: AppCredentials) -> None:
    with Receiver() as closed:
        url = closed.url
    github.set_app_hook(app.app_id, url, SECRET)
    make_pull(github)
    github.settle()
    assert {one.status for one in github.deliveries} == {"failed to connect to host"}


def test_a_repository_hook_gets_the_events_it_chose(github: GitHubStandIn, hooks: Receiver) -> None:
    github.add_hook(REPO, hooks.url, SECRET, events=["issue_comment"])
    github.comment(REPO, make_pull(github), "hi", as_user="bob")
    github.settle()
    assert [headers["X-GitHub-Event"] for headers, _ in hooks.got] == ["issue_comment"]
    assert "installation" not in json.loads(hooks.got[0][1])


def test_only_the_owner_of_a_check_is_asked_to_run_it_again(
    github: GitHubStandIn, app: AppCredentials, bot: pygithub.Github, hooks: Receiver
) -> None:
    other = github.add_app("other", owner="bob", hook_url=hooks.url, hook_secret="other")
    github.install(other.app_id, "acme")
    sha = github.commit(REPO, "main", {"a": "b"}, "alice")
    bot.get_repo(REPO).create_check_run("sigbot/lint", sha)
    before = len(github.deliveries)
    github.rerequest_check(REPO, "sigbot/lint", sha, as_user="alice")
    (told,) = github.deliveries[before:]
    assert (told.event, told.action, told.payload["check_run"]["app"]["slug"]) == ("check_run", "rerequested", "sigbot")


def test_a_comparison_lists_a_page_of_its_commits_and_counts_all(github: GitHubStandIn) -> None:
    for number in range(3):
        github.commit(REPO, "topic", {"file": f"{number}"}, "alice")
    whole = call(github, "GET", f"/repos/{REPO}/compare/main...topic").json()
    first = call(github, "GET", f"/repos/{REPO}/compare/main...topic?per_page=1").json()
    second = call(github, "GET", f"/repos/{REPO}/compare/main...topic?per_page=1&page=2").json()
    assert [first["total_commits"], second["total_commits"]] == [3, 3]
    assert [first["commits"], second["commits"]] == [whole["commits"][:1], whole["commits"][1:2]]
