"""What the Pagure adapter does when the network or the server misbehaves, and how little it asks."""

import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sig_bots.errors import ForgeError, NotFound, SigbotError, Transient, UserError
from sig_bots.forge import Permission
from sig_bots.refs import Actor
from sig_workers.forges.pagure import PagureConfig, PagureForge, PagureHost
from tests.workers.forges.wire import Answer, wire

TOKEN = "SECRETTOKEN0123"
USER = {"name": "alice", "fullname": "Alice"}
PR = {
    "id": 1, "title": "t", "initial_comment": None, "user": USER, "commit_stop": "a" * 40, "branch_from": "fix",
    "branch": "main", "status": "Open", "tags": [], "full_url": "http://p/demo/pull-request/1", "comments": [],
    "repo_from": {"url_path": "demo"},
}  # fmt: skip


def forge(url: str, **more: object) -> PagureForge:
    config = PagureConfig(name="p", url=url, account="bot", token=TOKEN, allow_http=True, **more)  # type: ignore[arg-type]
    return PagureHost(config).repository("demo")


def refusal(status: int, body: object = None, **headers: str) -> SigbotError:
    with wire(lambda method, path: Answer(body or {}, status, headers)) as server, pytest.raises(SigbotError) as caught:
        forge(server.url).pull_request(1)
    assert len(server.asked) == 1
    return caught.value


def test_a_busy_server_is_transient_with_the_wait_it_asks_for() -> None:
    error = refusal(503, **{"Retry-After": "7"})
    assert isinstance(error, Transient)
    assert error.retry_after == timedelta(seconds=7)
    assert (error.host or "").startswith("127.0.0.1:")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_failing_server_is_transient_and_asked_once(status: int) -> None:
    assert isinstance(refusal(status), Transient)


def test_a_missing_right_is_for_good_and_says_why() -> None:
    error = refusal(403, {"error": "You are not allowed", "error_code": "ENOTHIGHENOUGH"})
    assert isinstance(error, ForgeError)
    assert "You are not allowed" in str(error)


def test_a_refused_token_is_named_but_not_shown() -> None:
    error = refusal(401, {"error": "Invalid or expired token"})
    assert isinstance(error, ForgeError)
    assert "token of this instance" in str(error)
    assert TOKEN not in str(error) + repr(error)


def test_a_silent_server_is_transient_after_the_time_limit() -> None:
    begun = time.monotonic()
    with wire(lambda method, path: Answer(PR, delay=3)) as server, pytest.raises(Transient, match="in time"):
        forge(server.url, timeout=0.2).pull_request(1)
    assert time.monotonic() - begun < 5


def test_a_closed_port_is_transient_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        begun = time.monotonic()
        with pytest.raises(Transient, match="cannot be reached"):
            forge(f"http://127.0.0.1:{taken.getsockname()[1]}").pull_request(1)
    assert time.monotonic() - begun < 5


def test_a_write_is_never_sent_twice() -> None:
    def answer(method: str, path: str) -> Answer:
        return Answer(PR) if method == "GET" else Answer({}, 503)

    with wire(answer) as server, pytest.raises(Transient):
        forge(server.url).ensure_comment(1, "report", "text")
    assert server.calls == ["GET /api/0/demo/pull-request/1", "POST /api/0/demo/pull-request/1/comment"]


def test_a_redirected_write_is_refused_instead_of_lost() -> None:
    def answer(method: str, path: str) -> Answer:
        return Answer(PR) if method == "GET" else Answer({}, 302, {"Location": "/api/0/elsewhere"})

    with wire(answer) as server, pytest.raises(ForgeError, match="redirects"):
        forge(server.url).ensure_comment(1, "report", "text")
    assert not any("elsewhere" in call for call in server.calls)


def test_a_bot_check_in_front_of_the_files_is_no_file() -> None:
    page = Answer(b"<html>Are you human?</html>", headers={"Content-Type": "text/html; charset=utf-8"})
    with wire(lambda method, path: page) as server, pytest.raises(ForgeError, match="web page"):
        forge(server.url).read_file("Containerfile", "main")


def test_an_answer_that_is_not_json_is_one_sentence() -> None:
    with wire(lambda method, path: Answer(b"hello")) as server, pytest.raises(ForgeError, match="check the url"):
        forge(server.url).pull_request(1)


def test_json_without_the_fields_we_need_is_one_sentence() -> None:
    with (
        wire(lambda method, path: Answer({"id": 1})) as server,
        pytest.raises(ForgeError, match="cannot be understood"),
    ):
        forge(server.url).pull_request(1)


def test_times_with_a_fraction_are_times() -> None:
    comment = {"id": 5, "comment": "x", "user": USER, "date_created": "1795445705.897337", "edited_on": None}
    with wire(lambda method, path: Answer({**PR, "comments": [comment]})) as server:
        found = forge(server.url).comments(1)[0]
    assert found.created == datetime(2026, 11, 23, 14, 55, 5, 897337, tzinfo=UTC)


def test_reading_a_pull_request_is_one_request_and_never_asks_who_we_are() -> None:
    with wire(lambda method, path: Answer(PR)) as server:
        ours = forge(server.url)
        ours.pull_request(1)
        ours.comments(1)
    assert server.calls == ["GET /api/0/demo/pull-request/1"] * 2
    assert {header for _, _, header in server.asked} == {f"token {TOKEN}"}


def test_the_visibility_is_asked_without_our_token() -> None:
    def answer(method: str, path: str) -> Answer:
        if "branches" in path:
            return Answer({"branches": {}, "default": {"rawhide": "a" * 40}})
        return Answer({"id": 7})

    with wire(answer) as server:
        repo = forge(server.url).repo
    assert (repo.private, repo.default_branch, repo.forge_id) == (False, "rawhide", "7")
    assert [header for _, _, header in server.asked].count(None) == 1


def test_a_project_only_we_can_see_is_private() -> None:
    def answer(method: str, path: str) -> Answer:
        anonymous = server.asked[-1][2] is None
        return Answer({"error": "Project not found"}, 404) if anonymous else Answer({"id": 7, "default": {}})

    with wire(answer) as server:
        assert forge(server.url).repo.private is True


def test_a_failing_look_at_the_visibility_is_no_verdict() -> None:
    def answer(method: str, path: str) -> Answer:
        return Answer({}, 503) if server.asked[-1][2] is None else Answer({"id": 7, "default": {}})

    with wire(answer) as server, pytest.raises(Transient):
        _ = forge(server.url).repo


def test_members_of_a_group_have_the_groups_right() -> None:
    project = {
        "id": 1,
        "access_users": {"owner": ["admin"], "collaborator": ["carol"]},
        "access_groups": {"commit": ["sig"]},
    }

    def answer(method: str, path: str) -> Answer:
        return (
            Answer({"members": ["dave"]}) if path.startswith("/api/0/group/sig") else Answer({**project, "default": {}})
        )

    with wire(answer) as server:
        ours = forge(server.url)
        found = [ours.permission(Actor(login=name)) for name in ("admin", "carol", "dave", "erin")]
    assert found == [Permission.ADMIN, Permission.READ, Permission.WRITE, Permission.READ]


def test_a_page_after_page_listing_is_read_to_its_end() -> None:
    def answer(method: str, path: str) -> Answer:
        page = 2 if "page=2" in path else 1
        more = {"next": "x"} if page == 1 else {"next": None}
        return Answer({"requests": [{**PR, "id": page}], "pagination": more})

    with wire(answer) as server:
        assert [one.number for one in forge(server.url).find_prs()] == [2, 1]


def test_an_entry_of_netrc_does_not_replace_our_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login eve password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with wire(lambda method, path: Answer(PR)) as server:
        forge(server.url).pull_request(1)
    assert server.asked[0][2] == f"token {TOKEN}"


@pytest.mark.parametrize("path", ["", "a/b/c", "fork/alice", "demo/", "../demo", "fork/a/b/c/d"])
def test_a_path_pagure_cannot_have_is_refused(path: str) -> None:
    with wire(lambda method, path: Answer(PR)) as server, pytest.raises(ForgeError):
        PagureHost(forge(server.url)._config).repository(path).pull_request(1)
    assert not any(".." in call for call in server.calls)


def test_a_path_in_a_file_name_cannot_leave_the_project() -> None:
    with wire(lambda method, path: Answer(b"secret")) as server:
        assert forge(server.url).read_file("../../../other/raw/main/f/secret", "main") is None
    assert not server.asked


def test_plain_http_must_be_allowed() -> None:
    with pytest.raises(UserError, match="allow_http"):
        PagureConfig(name="p", url="http://pagure.example", account="bot", token=TOKEN)


def test_the_configuration_does_not_print_its_token() -> None:
    config = PagureConfig(
        name="p", url="https://pagure.example/", account="bot", token=TOKEN, project_tokens={"a": TOKEN}
    )
    assert TOKEN not in repr(config)
    assert config.url == "https://pagure.example"


def test_forks_are_cloned_from_where_pagure_keeps_them() -> None:
    host = PagureHost(PagureConfig(name="p", url="https://pagure.example", account="bot", token=TOKEN))
    assert host.repository("fork/alice/rpms/demo").clone_url() == "https://pagure.example/forks/alice/rpms/demo.git"
    assert host.repository("rpms/demo").clone_url() == "https://pagure.example/rpms/demo.git"


def test_ogr_is_not_loaded_before_the_first_call() -> None:
    program = (
        "import sys\n"
        "from sig_workers.forges.pagure import PagureConfig, PagureHost\n"
        "host = PagureHost(PagureConfig(name='p', url='https://pagure.example', account='b', token='t'))\n"
        "host.repository('demo').clone_url()\n"
        "print([name for name in ('ogr', 'requests', 'github') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_an_issue_tracker_that_is_off_is_unsupported_not_missing() -> None:
    with (
        wire(lambda method, path: Answer({"error": "No issue tracker"}, 404)) as server,
        pytest.raises(ForgeError) as caught,
    ):
        forge(server.url).ensure_issue("dashboard", "t", "b")
    assert not isinstance(caught.value, NotFound)


STEPS = b"""diff --git a/a b/a
--- a/a
+++ b/a
@@ -1 +1,2 @@
 1
+2
diff --git a/sub b/sub
--- a/sub
+++ b/sub
@@ -1 +1 @@
-Subproject commit 1
+Subproject commit 2
diff --git a/a b/a
--- a/a
+++ b/a
@@ -1,2 +1,3 @@
+0
 1
 2
"""


def test_a_pull_request_whose_stats_pagure_cannot_make_still_tells_its_files() -> None:
    """It answers 500 for ever where a submodule changes. What several commits did to a file has no known lines then."""
    with wire(lambda method, path: Answer({}, 500) if "diffstats" in path else Answer(STEPS)) as server:
        found = {file.path: file.lines for file in forge(server.url).changed_files(1)}
    assert found == {"a": None, "sub": frozenset({1})}


def test_of_a_private_project_the_lines_of_new_files_are_known() -> None:
    stats = {
        "new": {"status": "A", "lines_added": 2, "old_path": "new"},
        "moved": {"status": "R", "lines_added": 0, "old_path": "before"},
        "edited": {"status": "M", "lines_added": 1, "old_path": "edited"},
    }
    with wire(lambda method, path: Answer(stats) if "diffstats" in path else Answer({}, 404)) as server:
        found = {file.path: (file.old_path, file.lines) for file in forge(server.url).changed_files(1)}
    assert found == {"new": (None, frozenset({1, 2})), "moved": ("before", frozenset()), "edited": (None, None)}


def test_stats_that_fail_where_nothing_else_is_seen_are_tried_again() -> None:
    with (
        wire(lambda method, path: Answer({}, 500 if "diffstats" in path else 404)) as server,
        pytest.raises(Transient),
    ):
        forge(server.url).changed_files(1)


@pytest.mark.parametrize(("first", "parents"), [(None, ["b" * 40]), ("c" * 40, [])])
def test_a_pull_request_without_a_beginning_has_no_merge_base(first: str | None, parents: list[str]) -> None:
    raw = {**PR, "commit_start": first}
    with (
        wire(lambda method, path: Answer({"parent_ids": parents} if "/info" in path else raw)) as server,
        pytest.raises(NotFound, match="demo#1"),
    ):
        forge(server.url).merge_base(1)
