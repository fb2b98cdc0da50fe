"""The GitHub adapter's traps: no hidden waiting, no foreign error, each effect once. The verbs themselves: tests/contract."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from sig_bots.errors import ForgeError, NotFound, Obsolete, SigbotError, Transient, Unsupported, UserError
from sig_bots.forge import Annotation, CheckState, Forge, Permission
from sig_bots.refs import Actor
from sig_workers.forges.github import GitHubConfig, GitHubHost
from tests.standins.github.server import GitHubStandIn

REPO = "acme/demo"
RESET = "x-ratelimit-reset"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    """A forge with a repository, an App on it, a robot with a token, and two people."""
    with GitHubStandIn(tmp_path) as server:
        server.add_user("acme", kind="Organization")
        for login in ("alice", "bob", "robot"):
            server.add_user(login)
        server.add_repo(REPO, files={"Containerfile": "FROM a\n", "big.bin": b"\0" * 1_200_000})
        server.set_permission(REPO, "alice", "write")
        server.set_permission(REPO, "robot", "write")
        server.commit(REPO, "topic", {"Containerfile": "FROM b\n"}, "alice")
        server.open_pull(REPO, "topic", as_user="alice")
        yield server


def app_host(github: GitHubStandIn, **more: Any) -> GitHubHost:
    app = github.add_app("sigbot", owner="alice")
    github.install(app.app_id, "acme")
    return GitHubHost(
        GitHubConfig(
            name="gh", url=github.url, app_id=str(app.app_id), private_key=app.private_key, allow_http=True, **more
        )
    )


def token_host(github: GitHubStandIn, **more: Any) -> GitHubHost:
    token = more.pop("token", "ghp_robot")
    return GitHubHost(GitHubConfig(name="gh", url=github.url, token=token, allow_http=True, **more))


@pytest.fixture
def app(github: GitHubStandIn) -> Forge:
    return app_host(github).repository(REPO)


@pytest.fixture
def robot(github: GitHubStandIn) -> Forge:
    return token_host(github).repository(REPO)


def refusal(call: Callable[[], object]) -> tuple[SigbotError, float]:
    """The error of a call and the seconds it took."""
    started = time.monotonic()
    with pytest.raises(SigbotError) as caught:
        call()
    return caught.value, time.monotonic() - started


# ---------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://github.com/", "https://api.github.com"),
        ("https://github.com.evil.example", "https://github.com.evil.example/api/v3"),
        ("https://git.example:8443", "https://git.example:8443/api/v3"),
    ],
)
def test_the_api_follows_from_exactly_the_configured_host(url: str, api: str) -> None:
    assert GitHubConfig(name="gh", url=url, token="x").api_url == api


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "either token"),
        ({"token": "t", "app_id": "1", "private_key": "k"}, "either token"),
        ({"app_id": "1"}, "either token"),
        ({"token": "t", "url": "http://github.example"}, "allow_http"),
        ({"token": "t", "url": "https://me:secret@github.example"}, "https://github.example"),
        ({"token": "t", "api_url": "ftp://x"}, "api_url"),
    ],
)
def test_a_configuration_that_cannot_work_says_what_to_write(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        GitHubConfig(name="gh", **given)
    assert "secret" not in str(caught.value)


def test_secrets_stay_out_of_the_printed_configuration() -> None:
    shown = repr(GitHubConfig(name="gh", app_id="1", private_key="-----BEGIN")) + repr(
        GitHubConfig(name="gh", token="ghp_x")
    )
    assert "BEGIN" not in shown
    assert "ghp_x" not in shown


def test_a_broken_private_key_is_named_without_showing_it() -> None:
    host = GitHubHost(GitHubConfig(name="gh", app_id="1", private_key="no key at all"))
    with pytest.raises(ForgeError, match=r"private_key is not an RSA key") as caught:
        host.git_credentials(REPO)
    assert "no key at all" not in str(caught.value)


@pytest.mark.parametrize("path", ["demo", "a/b/c", "../x", "a/..", "a b/c", ""])
def test_a_path_github_cannot_have_is_refused_before_any_call(path: str) -> None:
    with pytest.raises(ForgeError, match="owner/name"):
        GitHubHost(GitHubConfig(name="gh", token="x")).repository(path)


def test_the_libraries_are_imported_on_the_first_call_only() -> None:
    code = (
        "import sys, sig_workers.forges.github as g; h = g.GitHubHost(g.GitHubConfig(name='gh', token='x'));"
        "h.repository('a/b'); print([m for m in ('ogr', 'github', 'requests') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---------------------------------------------------------------- no hidden waiting, no foreign error


@pytest.mark.parametrize("kind", ["app", "robot"])
@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_in_trouble_is_transient_at_once(
    github: GitHubStandIn, request: pytest.FixtureRequest, kind: str, status: int
) -> None:
    forge: Forge = request.getfixturevalue(kind)
    forge.pull_request(1)
    github.fail(count=5, status=status, body=b"<html>sorry</html>")
    error, seconds = refusal(lambda: forge.pull_request(1))
    assert isinstance(error, Transient)
    assert error.host == github.url.removeprefix("http://")
    assert seconds < 1
    assert github.faults.left == 4


def test_a_primary_rate_limit_waits_until_its_reset(github: GitHubStandIn, robot: Forge) -> None:
    robot.pull_request(1)
    github.limits.remaining, github.limits.reset = 0, int(time.time()) + 1800
    error, seconds = refusal(lambda: robot.ensure_comment(1, "report", "text"))
    assert isinstance(error, Transient)
    assert error.retry_after is not None
    assert timedelta(minutes=29) < error.retry_after <= timedelta(minutes=30)
    assert seconds < 1


@pytest.mark.parametrize(
    ("wait", "low", "high"),
    [
        (lambda: "37", 37, 37),
        (lambda: format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True), 3300, 3600),
    ],
    ids=["seconds", "date"],
)
def test_a_secondary_rate_limit_honours_retry_after(
    github: GitHubStandIn, robot: Forge, wait: Callable[[], str], low: int, high: int
) -> None:
    body = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
    robot.pull_request(1)
    github.fail(status=403, headers={"Retry-After": wait()}, body=body)
    error, seconds = refusal(lambda: robot.ensure_comment(1, "report", "text"))
    assert isinstance(error, Transient)
    assert error.retry_after is not None
    assert low <= error.retry_after.total_seconds() <= high
    assert seconds < 1


def test_a_secondary_rate_limit_without_a_time_waits_a_minute(github: GitHubStandIn, robot: Forge) -> None:
    github.fail(status=403, body={"message": "You have exceeded a secondary rate limit."})
    error, _ = refusal(lambda: robot.pull_request(1))
    assert isinstance(error, Transient)
    assert error.retry_after == timedelta(minutes=1)


def test_a_plain_403_is_final_and_says_githubs_words(github: GitHubStandIn) -> None:
    forge = token_host(github, token="ghp_bob").repository(REPO)
    error, seconds = refusal(lambda: forge.set_check(sha_of(github), "sigbot/x", CheckState.SUCCESS, summary="s"))
    assert isinstance(error, ForgeError)
    assert "Must have push access" in str(error)
    assert seconds < 1


def test_a_server_that_does_not_answer_is_given_up_in_time(github: GitHubStandIn) -> None:
    forge = token_host(github, timeout=0.5).repository(REPO)
    forge.pull_request(1)
    github.fail(delay=3)
    error, seconds = refusal(lambda: forge.pull_request(1))
    assert isinstance(error, Transient)
    assert "in time" in str(error)
    assert seconds < 2


def test_a_server_that_is_down_is_transient_at_once(tmp_path: Path) -> None:
    with GitHubStandIn(tmp_path) as gone:
        url = gone.url
    forge = GitHubHost(GitHubConfig(name="gh", url=url, token="x", allow_http=True)).repository(REPO)
    error, _ = refusal(lambda: forge.pull_request(1))
    error, seconds = refusal(lambda: forge.pull_request(1))
    assert isinstance(error, Transient)
    assert seconds < 1


@pytest.mark.parametrize(
    "how", [{"truncate": True}, {"cut": True}, {"status": 200, "body": b"<html>maintenance</html>"}]
)
def test_a_broken_answer_is_transient(github: GitHubStandIn, robot: Forge, how: dict[str, Any]) -> None:
    github.fail(**how)
    error, _ = refusal(lambda: robot.pull_request(1))
    assert isinstance(error, Transient)


def test_a_bad_token_is_an_error_to_act_on_without_the_token(github: GitHubStandIn) -> None:
    error, _ = refusal(lambda: token_host(github, token="ghp_stolen").repository(REPO).pull_request(1))
    assert isinstance(error, ForgeError)
    assert "Check that the token" in str(error)
    assert "ghp_stolen" not in str(error)


def test_a_redirect_to_another_server_is_refused(github: GitHubStandIn, robot: Forge) -> None:
    github.fail("POST", status=307, headers={"Location": "https://evil.example/api/v3/repositories/1"}, body={})
    error, _ = refusal(lambda: robot.ensure_comment(1, "report", "text"))
    assert "another server" in str(error)
    assert github.effects["comments.created"] == 0


@pytest.mark.parametrize("kind", ["app", "robot"])
def test_a_renamed_repository_is_read_and_written_under_its_old_name(
    github: GitHubStandIn, request: pytest.FixtureRequest, kind: str
) -> None:
    forge: Forge = request.getfixturevalue(kind)
    github.rename_repo(REPO, "renamed")
    assert forge.ensure_comment(1, "report", "text")
    assert forge.repo.path == "acme/renamed"
    assert github.effects["comments.created"] == 1


# ---------------------------------------------------------------- the App


def test_one_token_serves_an_installation_and_its_git(github: GitHubStandIn) -> None:
    github.add_repo("acme/other", files={"a": "b"})
    host = app_host(github)
    for path in (REPO, "acme/other", REPO):
        assert host.repository(path).branch_sha("main")
    assert host.git_credentials(REPO) == host.git_credentials("acme/other")
    assert github.effects["tokens.created"] == 1


def test_a_token_near_its_end_is_renewed(github: GitHubStandIn) -> None:
    github.token_lifetime(timedelta(minutes=4))
    host = app_host(github)
    first = host.git_credentials(REPO)
    assert host.git_credentials(REPO) != first
    assert github.effects["tokens.created"] == 2


def test_a_forge_outlives_its_token(github: GitHubStandIn, app: Forge) -> None:
    app.pull_request(1)
    github.world.tokens = {value: one for value, one in github.world.tokens.items() if not one.installation}
    app.ensure_comment(1, "report", "text")
    assert github.effects["comments.created"] == 1
    assert github.effects["tokens.created"] == 2


def test_permissions_are_asked_for_by_name(github: GitHubStandIn, app: Forge) -> None:
    app.pull_request(1)
    granted = next(one for one in github.world.tokens.values() if one.installation)
    assert granted.permissions["checks"] == "write"
    assert "administration" not in granted.permissions


def test_a_permission_the_app_lacks_is_named(github: GitHubStandIn) -> None:
    app = github.add_app("small", owner="alice", permissions={"metadata": "read", "contents": "write"})
    github.install(app.app_id, "acme")
    config = GitHubConfig(
        name="gh", url=github.url, app_id=str(app.app_id), private_key=app.private_key, allow_http=True
    )
    with pytest.raises(ForgeError, match=r"checks \(write\)"):
        GitHubHost(config).repository(REPO).pull_request(1)


def test_an_app_that_is_not_installed_says_so(github: GitHubStandIn) -> None:
    github.add_repo("bob/private", private=True)
    with pytest.raises(NotFound, match="install the App"):
        app_host(github).repository("bob/private").pull_request(1)


def test_an_app_installed_anew_is_found_again(github: GitHubStandIn) -> None:
    host = app_host(github)
    host.repository(REPO).pull_request(1)
    old = github.world.installations.popitem()[1]
    github.world.tokens = {value: one for value, one in github.world.tokens.items() if not one.installation}
    github.install(old.app.id, "acme")
    with pytest.raises(NotFound):
        host.repository(REPO).pull_request(1)
    assert host.repository(REPO).pull_request(1).number == 1


def test_our_account_is_asked_once_and_not_when_it_is_configured(github: GitHubStandIn) -> None:
    host = app_host(github, account="sigbot")
    assert [host.repository(REPO).account.login for _ in range(2)] == ["sigbot[bot]"] * 2
    assert [line for line, _ in github.log].count("GET /app") == 1
    named = token_host(github, account="robot", account_id="7").repository(REPO)
    assert (named.account.login, named.account.id) == ("robot", "7")
    assert "GET /user" not in [line for line, _ in github.log]


def test_repositories_are_those_of_the_installations_narrowed_by_globs(github: GitHubStandIn) -> None:
    github.add_repo("acme/secret", private=True)
    github.add_repo("acme/old").archived = True
    github.add_repo("bob/elsewhere")
    found = {repo.path: repo.private for repo in app_host(github).repositories()}
    assert found == {REPO: False, "acme/secret": True}
    assert [repo.path for repo in app_host(github, repositories=("acme/d*",)).repositories()] == [REPO]


def test_a_token_lists_what_its_globs_name(github: GitHubStandIn) -> None:
    github.add_repo("bob/tool")
    github.add_repo("bob/thing")
    found = token_host(github, repositories=("acme/*", "bob/tool", "bob/x*")).repositories()
    assert sorted(repo.path for repo in found) == [REPO, "bob/tool"]


def test_a_glob_over_all_owners_is_refused(github: GitHubStandIn) -> None:
    with pytest.raises(ForgeError, match="names no owner"):
        token_host(github, repositories=("*/demo",)).repositories()


def test_a_long_listing_is_read_to_its_end(github: GitHubStandIn, robot: Forge) -> None:
    for number in range(120):
        github.comment(REPO, 1, f"note {number}", as_user="alice")
    assert [one.body for one in robot.comments(1)] == [f"note {number}" for number in range(120)]


# ---------------------------------------------------------------- permission


def test_permission_is_that_of_the_id_not_of_the_name(github: GitHubStandIn, robot: Forge) -> None:
    alice = github.user("alice")
    github.rename_user("alice", "alice-b")
    impostor = github.add_user("alice", token="ghp_impostor")
    assert robot.permission(Actor(login="alice", id=str(alice.id))) == Permission.WRITE
    assert robot.permission(Actor(login="alice", id=str(impostor.id))) == Permission.READ


@pytest.mark.parametrize(
    ("role", "right"),
    [("read", "READ"), ("triage", "READ"), ("write", "WRITE"), ("maintain", "WRITE"), ("admin", "ADMIN")],
)
def test_every_role_maps_to_a_permission(github: GitHubStandIn, robot: Forge, role: str, right: str) -> None:
    github.set_permission(REPO, "bob", role)
    assert robot.permission(Actor(login="bob")) == Permission[right]


def test_permission_is_asked_each_time(github: GitHubStandIn, robot: Forge) -> None:
    assert robot.permission(Actor(login="alice")) == Permission.WRITE
    github.set_permission(REPO, "alice", "read")
    assert robot.permission(Actor(login="alice")) == Permission.READ


# ---------------------------------------------------------------- files and changes


def test_a_file_above_a_megabyte_is_read_whole(robot: Forge) -> None:
    assert robot.read_file("big.bin") == b"\0" * 1_200_000


def test_a_missing_repository_is_not_a_missing_file(github: GitHubStandIn) -> None:
    with pytest.raises(NotFound):
        token_host(github).repository("acme/none").read_file(".sigbot.yaml")


def test_lines_of_a_binary_or_cut_patch_are_unknown(github: GitHubStandIn, robot: Forge) -> None:
    github.commit(REPO, "bin", {"logo.png": b"\x89PNG\0\0", "a.txt": "1\n2\n"}, "alice")
    number = github.open_pull(REPO, "bin", as_user="alice")
    lines = {one.path: one.lines for one in robot.changed_files(number)}
    assert lines == {"logo.png": None, "a.txt": frozenset({1, 2})}


# ---------------------------------------------------------------- each effect once


@pytest.mark.parametrize("fault", [{"status": 502}, {"cut": True}])
def test_a_comment_whose_answer_was_lost_is_found_again(
    github: GitHubStandIn, app: Forge, fault: dict[str, Any]
) -> None:
    github.fail("POST .*/comments", after=True, **fault)
    with pytest.raises(Transient):
        app.ensure_comment(1, "report", "text")
    app.ensure_comment(1, "report", "text")
    assert github.effects["comments.created"] == 1


def test_a_pull_request_whose_answer_was_lost_is_found_again(github: GitHubStandIn, app: Forge) -> None:
    github.commit(REPO, "sigbot/update/all", {"a": "b"}, "alice")
    github.fail("POST .*/pulls", after=True, status=502)
    with pytest.raises(Transient):
        app.ensure_pr("sigbot/update/all", base="main", title="t", body="b")
    app.ensure_pr("sigbot/update/all", base="main", title="t", body="b")
    assert github.effects["pulls.created"] == 2  # the fixture's and ours


def test_a_pull_request_opened_in_the_same_moment_is_taken(github: GitHubStandIn, app: Forge) -> None:
    github.commit(REPO, "sigbot/update/all", {"a": "b"}, "alice")
    first = app.ensure_pr("sigbot/update/all", base="main", title="t", body="b")
    github.fail("GET .*/pulls", status=200, body=[])
    assert app.ensure_pr("sigbot/update/all", base="main", title="t", body="b").number == first.number


def test_a_branch_in_our_fork_is_proposed_from_there(github: GitHubStandIn) -> None:
    github.set_permission(REPO, "robot", "read")
    forge = token_host(github).repository(REPO)
    fork = forge.ensure_fork()
    github.commit(fork, "sigbot/update/all", {"a": "b"}, "robot")
    first = forge.ensure_pr("sigbot/update/all", base="main", title="t", body="b")
    assert (first.from_fork, first.head_repo) == (True, fork)
    assert forge.ensure_pr("sigbot/update/all", base="main", title="t", body="b").number == first.number


def test_a_strangers_branch_of_the_same_name_is_not_taken_for_ours(github: GitHubStandIn, app: Forge) -> None:
    fork = github.fork(REPO, "bob")
    github.commit(fork, "sigbot/update/all", {"evil": "x"}, "bob")
    theirs = github.open_pull(REPO, "bob:sigbot/update/all", as_user="bob")
    github.commit(REPO, "sigbot/update/all", {"a": "b"}, "alice")
    assert app.ensure_pr("sigbot/update/all", base="main", title="t", body="b").number != theirs


def test_a_reviewer_github_refuses_stops_nothing(
    github: GitHubStandIn, app: Forge, caplog: pytest.LogCaptureFixture
) -> None:
    github.commit(REPO, "sigbot/update/all", {"a": "b"}, "alice")
    made = app.ensure_pr("sigbot/update/all", base="main", title="t", body="b", reviewers=["bob", "alice"])
    asked = github.issue(REPO, made.number).pull
    assert asked is not None
    assert [who.login for who in asked.reviewers] == ["alice"]
    assert "reviewer bob not set" in caplog.text


def test_a_merge_whose_answer_was_lost_is_not_done_twice(github: GitHubStandIn, app: Forge) -> None:
    sha = sha_of(github)
    github.fail("PUT .*/merge", after=True, status=502)
    with pytest.raises(Transient):
        app.merge(1, sha)
    app.merge(1, sha)
    assert github.effects["pulls.merged"] == 1


def test_a_push_just_before_the_merge_stops_it(github: GitHubStandIn, app: Forge) -> None:
    old = github.page_of(REPO, 1)
    github.commit(REPO, "topic", {"more": "x"}, "alice")
    github.fail("GET .*/pulls/1", status=200, body=old)  # what was read a moment ago
    with pytest.raises(Obsolete):
        app.merge(1, old["head"]["sha"])
    assert github.effects["pulls.merged"] == 0


def test_merge_uses_a_way_the_repository_allows(github: GitHubStandIn, app: Forge) -> None:
    github.repo(REPO).merge_methods = ("squash",)
    app.merge(1, sha_of(github))
    assert github.effects["pulls.merged"] == 1


# ---------------------------------------------------------------- checks


def sha_of(github: GitHubStandIn) -> str:
    sha = github.repo(REPO).git.resolve("topic")
    assert sha is not None
    return sha


def notes(count: int) -> list[Annotation]:
    return [Annotation(path="Containerfile", line=line, message=f"remark {line}") for line in range(1, count + 1)]


def test_annotations_beyond_fifty_go_in_batches(github: GitHubStandIn, app: Forge) -> None:
    sha = sha_of(github)
    app.set_check(sha, "sigbot/lint", CheckState.FAILURE, summary="120 findings", annotations=notes(120))
    (run,) = github.checks(REPO, sha)
    assert [note["start_line"] for note in run.annotations] == list(range(1, 121))


def test_a_check_cut_off_between_batches_is_completed(github: GitHubStandIn, app: Forge) -> None:
    sha = sha_of(github)
    github.fail("PATCH .*/check-runs", status=502)
    with pytest.raises(Transient):
        app.set_check(sha, "sigbot/lint", CheckState.FAILURE, summary="s", annotations=notes(120))
    app.set_check(sha, "sigbot/lint", CheckState.FAILURE, summary="s", annotations=notes(120))
    (run,) = github.checks(REPO, sha)
    assert len(run.annotations) == 120


def test_other_annotations_replace_the_check_instead_of_piling_up(github: GitHubStandIn, app: Forge) -> None:
    sha = sha_of(github)
    app.set_check(sha, "sigbot/lint", CheckState.FAILURE, summary="2", annotations=notes(2))
    app.set_check(sha, "sigbot/lint", CheckState.SUCCESS, summary="fine")
    assert github.checks(REPO, sha)[-1].annotations == []
    assert [(one.state, one.annotations) for one in app.checks(sha)] == [(CheckState.SUCCESS, ())]


def test_the_same_check_again_writes_nothing(github: GitHubStandIn, app: Forge) -> None:
    sha = sha_of(github)
    for _ in range(3):
        app.set_check(sha, "sigbot/lint", CheckState.FAILURE, summary="2", text="why", annotations=notes(2))
    assert (github.effects["checks.created"], github.effects["checks.updated"]) == (1, 0)


def test_the_same_status_again_writes_nothing(github: GitHubStandIn, robot: Forge) -> None:
    for _ in range(3):
        robot.set_check(sha_of(github), "sigbot/lint", CheckState.FAILURE, summary="2", url="https://x.example/1")
    assert github.effects["statuses.created"] == 1


def test_a_long_summary_is_cut_to_what_a_status_holds(github: GitHubStandIn, robot: Forge) -> None:
    robot.set_check(sha_of(github), "sigbot/lint", CheckState.FAILURE, summary="word " * 100)
    (seen,) = robot.checks(sha_of(github))
    assert len(seen.summary) == 140
    assert seen.summary.endswith("…")


def test_a_check_that_only_bears_our_name_is_left_out(github: GitHubStandIn, app: Forge) -> None:
    sha = sha_of(github)
    token_host(github, token="ghp_alice").repository(REPO).set_check(
        sha, "sigbot/build", CheckState.SUCCESS, summary="trust me"
    )
    token_host(github, token="ghp_alice").repository(REPO).set_check(sha, "ci", CheckState.SUCCESS, summary="green")
    assert [one.name for one in app.checks(sha)] == ["ci"]


def test_a_check_on_an_unknown_commit_is_not_found(app: Forge) -> None:
    with pytest.raises(NotFound):
        app.set_check("0" * 40, "sigbot/lint", CheckState.SUCCESS, summary="s")


# ---------------------------------------------------------------- comments


def test_a_text_longer_than_github_takes_is_cut(github: GitHubStandIn, app: Forge) -> None:
    for _ in range(2):
        app.ensure_comment(1, "report", "x" * 70_000)
    (made,) = github.issue(REPO, 1).comments
    assert "GitHub takes no longer text" in made.body
    assert (github.effects["comments.created"], github.effects["comments.edited"]) == (1, 0)


def test_where_issues_are_switched_off_it_says_so(github: GitHubStandIn, app: Forge) -> None:
    github.fail("GET .*/issues.*", status=410, body={"message": "Issues has been disabled in this repository"})
    with pytest.raises(Unsupported, match="issues switched off"):
        app.find_issue("board")
    github.fail("POST .*/issues", status=410, body={"message": "Issues are disabled for this repo"})
    with pytest.raises(Unsupported, match="issues switched off"):
        app.ensure_issue("board", "Updates", "text")


def test_our_issue_is_found_among_many_pull_requests_of_ours(github: GitHubStandIn, app: Forge) -> None:
    made = app.ensure_issue("board", "Updates", "text")
    github.close(REPO, made.number, as_user="alice")
    for number in range(3):
        github.commit(REPO, f"ours-{number}", {f"file-{number}": "x"}, "alice")
        app.ensure_pr(f"ours-{number}", base="main", title="t", body="b")
    found = app.find_issue("board")
    assert found is not None
    assert (found.number, found.state) == (made.number, "closed")


def test_a_comment_deleted_under_us_is_written_anew(github: GitHubStandIn, app: Forge) -> None:
    made = app.ensure_comment(1, "report", "one")
    github.fail(f"PATCH .*/comments/{made}", status=404, body={"message": "Not Found"})
    assert app.ensure_comment(1, "report", "two") != made


def test_comments_since_reads_times_of_any_zone(github: GitHubStandIn, app: Forge) -> None:
    github.comment(REPO, 1, "hello", as_user="bob")
    created = app.comments(1)[0].created
    assert [one.body for one in app.comments_since(created.astimezone())] == ["hello"]


def test_a_commit_comment_takes_a_reaction_too(github: GitHubStandIn, app: Forge) -> None:
    made = github.comment_commit(REPO, sha_of(github), "/sig lint", as_user="alice")
    app.react(1, str(made.id), "eyes")
    assert [one.content for one in made.reactions] == ["eyes"]


def test_a_comment_that_is_none_takes_no_reaction(app: Forge) -> None:
    with pytest.raises(Unsupported):
        app.react(1, "review/../5", "eyes")
    with pytest.raises(NotFound):
        app.react(1, "999999", "eyes")


# ---------------------------------------------------------------- what a branch requires


@pytest.mark.parametrize("way", ["app", "robot"])
def test_checks_are_required_by_protection_and_by_rulesets(
    github: GitHubStandIn, request: pytest.FixtureRequest, way: str
) -> None:
    forge: Forge = request.getfixturevalue(way)
    github.require(REPO, "ci/build", "shared")
    github.require(REPO, "shared", "ci/rules", ruleset=True)
    assert forge.required_checks("main") == ["ci/build", "ci/rules", "shared"]
    assert forge.required_checks("topic") == []


def test_a_required_check_that_is_missing_is_github_s_refusal_too(github: GitHubStandIn, app: Forge) -> None:
    github.require(REPO, "ci", ruleset=True)
    sha = app.pull_request(1).head_sha
    with pytest.raises(ForgeError, match='Required status check "ci" is expected'):
        app.merge(1, sha)
    github.status(REPO, sha, "ci", "success", as_user="alice")
    app.merge(1, sha)
    assert app.pull_request(1).state == "merged"


@pytest.mark.parametrize("status", [404, 403])
def test_where_there_are_no_rulesets_the_protection_alone_counts(
    github: GitHubStandIn, app: Forge, status: int
) -> None:
    """Enterprise servers of old have no such address; for some plans GitHub refuses it."""
    github.require(REPO, "ci")
    github.fail(r"GET .*/rules/branches/main", status=status, body={"message": "no"})
    assert app.required_checks("main") == ["ci"]
