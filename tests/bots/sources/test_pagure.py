"""Pagure: what a real one sent in the life of two pull requests."""

import json
from typing import Any

import pytest

from sig_bots.errors import Unauthorized
from sig_bots.events import Comment, Ignored, PullRequestChanged, Push, Rejected
from sig_bots.sources import pagure
from tests.bots.sources.deliveries import PAGURE_KEY, PAYLOADS, Delivery, hex256, recorded, resigned
from tests.bots.sources.deliveries import pagure as step

# Step and topic -> what it must become: kind, and the fields that matter.
_TABLE: dict[str, tuple[str, dict[str, Any]]] = {
    "push git.receive": ("push", {"ref": "refs/heads/main", "paths": ("Containerfile",), "paths_complete": True}),
    "tag git.tag.creation": ("push", {"ref": "refs/tags/v1", "before": "0" * 40, "deleted": False}),
    "branch git.receive": ("push", {"ref": "refs/heads/fix", "before": "0" * 40, "paths": ("Containerfile", "README.md")}),
    "pr-push git.receive": ("push", {"ref": "refs/heads/fix", "paths": ("Containerfile",)}),
    "pr-forcepush git.receive": ("push", {"ref": "refs/heads/fix", "paths_complete": True}),
    "merge git.receive": ("push", {"ref": "refs/heads/main", "actor.login": "bot"}),
    "branch-delete git.branch.deletion": ("push", {"ref": "refs/heads/fix", "deleted": True, "after": "0" * 40}),
    "pr-new pull-request.new": ("pull_request", {
        "action": "opened", "pull_request.number": 1, "pull_request.title": "Fix it", "pull_request.body": "Please look",
        "pull_request.from_fork": False, "pull_request.author.login": "alice", "actor.login": "alice",
        "pull_request.head_repo": "rpms/tools", "pull_request.head_branch": "fix", "pull_request.base_branch": "main",
    }),
    "pr-push pull-request.updated": ("pull_request", {"action": "updated", "actor.bot": True}),
    "pr-forcepush pull-request.updated": ("pull_request", {"action": "updated"}),
    "pr-edit pull-request.initial_comment.edited": (
        "pull_request", {"action": "edited", "pull_request.title": "Fix it now", "previous_body": None},
    ),
    "close pull-request.closed": ("pull_request", {"action": "closed", "pull_request.state": "closed"}),
    "reopen pull-request.reopened": ("pull_request", {"action": "reopened", "pull_request.state": "open"}),
    "label pull-request.tag.added": (
        "pull_request", {"action": "labelled", "label": "important", "pull_request.labels": ("important",)},
    ),
    "merge pull-request.closed": ("pull_request", {"action": "merged", "pull_request.state": "merged", "actor.login": "bot"}),
    "fork-pr pull-request.new": (
        "pull_request",
        {"action": "opened", "pull_request.from_fork": True, "pull_request.head_repo": "fork/bob/rpms/tools"},
    ),
    "fork-pr-push pull-request.updated": ("pull_request", {"action": "updated", "pull_request.from_fork": True}),
    "forkless-close pull-request.closed": (
        "pull_request", {"action": "closed", "pull_request.from_fork": True, "pull_request.head_repo": None},
    ),
    "comment pull-request.comment.added": ("comment", {
        "action": "created", "text": "/sig lint", "place": "pull_request", "number": 1, "comment_id": "1",
        "automatic": False, "actor.login": "alice",
    }),
    "comment-edit pull-request.comment.edited": (
        "comment", {"action": "edited", "text": "/sig lint fix", "previous_text": None, "comment_id": "1"},
    ),
    "inline pull-request.comment.added": ("comment", {"place": "review_comment", "text": "inline: /sig ok", "number": 2}),
    "fork-comment pull-request.comment.added": ("comment", {"text": "/sig rebuild", "actor.login": "bob"}),
    "forkless-comment pull-request.comment.added": ("comment", {"text": "where is the fork?", "automatic": False}),
    "issue-comment issue.comment.added": ("comment", {"place": "issue", "text": "/sig help", "number": 3}),
    "flag commit.flag.added": ("test_result", {"test": "sigbot/lint", "status": "passed", "number": None, "branches": ()}),
    "flag pull-request.flag.added": (
        "test_result",
        {"test": "sigbot/lint", "sha": "feefafe75d4136d709d6de38587b5186ab69920f", "number": 1, "branches": ("fix",)},
    ),
    "commit-flag commit.flag.added": (
        "test_result", {"test": "ci", "sha": "e34db500d072e005c75db61bd6fa42e33f8c293e", "status": "passed"},
    ),
    "issue issue.new": ("comment", {
        "action": "created", "place": "issue", "number": 3, "is_issue_text": True, "previous_text": None, "actor.login": "alice",
    }),
    **{f"{one} pull-request.comment.added": ("comment", {"automatic": True})
       for one in ("pr-push", "pr-forcepush", "close", "reopen", "merge", "fork-pr-push", "forkless-close")},
}  # fmt: skip
_IGNORED = {
    "setup project.edit", "branch git.branch.creation",
}  # fmt: skip


def _at(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = getattr(value, key)
    return value


def _parse(one: Delivery) -> Any:
    return pagure.parse(one.headers, one.body)


def test_the_table_speaks_of_every_recorded_delivery() -> None:
    assert {one.name for one in recorded("pagure")} == set(_TABLE) | _IGNORED


@pytest.mark.parametrize("name", list(_TABLE))
def test_what_a_real_pagure_sent_gives_the_event_of_the_table(name: str) -> None:
    kind, fields = _TABLE[name]
    event = _parse(step(name))
    assert event.kind == kind
    assert {field: _at(event, field) for field in fields} == fields
    assert (event.repo.path, event.repo.forge_id, event.repo.private) == ("rpms/tools", "3", False)


@pytest.mark.parametrize("name", sorted(_IGNORED))
def test_what_no_bot_needs_is_ignored_with_the_topic(name: str) -> None:
    outcome = _parse(step(name))
    assert isinstance(outcome, Ignored)
    assert name.split()[1] in outcome.reason


def test_a_signature_a_real_pagure_made_is_accepted() -> None:
    real = json.loads((PAYLOADS / "pagure" / "signed-by-pagure.json").read_text())
    pagure.verify(real["headers"], real["body"].encode(), [real["key"].encode()])
    with pytest.raises(Unauthorized):
        pagure.verify(real["headers"], real["body"].encode() + b" ", [real["key"].encode()])


def test_the_key_is_chosen_by_the_header_in_the_form_of_a_repository_path() -> None:
    assert pagure.project({"x-pagure-project": "forks/bob/rpms/tools"}) == "fork/bob/rpms/tools"
    assert pagure.project(step("push git.receive").headers) == "rpms/tools"
    assert pagure.project({}) is None
    assert pagure.project({"X-Pagure-Project": "../../etc/passwd"}) is None


@pytest.mark.parametrize(("header", "value"), [
    ("X-Pagure-project", "rpms/other"), ("X-Pagure", "https://evil.example.org/"), ("X-Pagure-project", ""),
])  # fmt: skip
def test_a_header_that_contradicts_the_signed_body_is_refused(header: str, value: str) -> None:
    one = step("push git.receive")
    with pytest.raises(Unauthorized, match=header.title()):
        pagure.verify({**one.headers, header: value}, one.body, [PAGURE_KEY])


def test_a_body_without_project_is_refused() -> None:
    lacking = resigned(step("push git.receive"), {"topic": "git.receive", "msg": None})
    with pytest.raises(Unauthorized):
        pagure.verify(lacking.headers, lacking.body, [PAGURE_KEY])


@pytest.mark.parametrize("name", ["push git.receive", "pr-new pull-request.new", "issue-comment issue.comment.added"])
def test_the_key_of_one_project_cannot_speak_for_another(name: str) -> None:
    one = step(name)
    data = one.json
    data["msg"]["project_fullname"] = "forks/mallory/rpms/tools"
    forged = resigned(one, data)
    headers = {**forged.headers, "X-Pagure-project": "forks/mallory/rpms/tools"}
    pagure.verify(headers, forged.body, [PAGURE_KEY])
    assert isinstance(pagure.parse(headers, forged.body), Rejected)


def test_of_two_people_writing_at_once_nobody_gets_the_others_words() -> None:
    one = step("inline pull-request.comment.added")
    data = one.json
    bobs = next(
        c for c in data["msg"]["pullrequest"]["comments"] if c["user"]["name"] == "bob" and not c["notification"]
    )
    data["msg"]["pullrequest"]["comments"].append(bobs | {"id": 99, "comment": "/sig rebuild"})
    event = _parse(one.changed(data))
    assert (event.actor.login, event.text) == ("alice", "inline: /sig ok")


def test_a_rename_in_a_push_makes_the_file_list_partial() -> None:
    one = step("push git.receive")
    data = one.json
    data["msg"]["changed_files"] = {"old": "R100", "M": "new", "Containerfile": "M"}
    event = _parse(one.changed(data))
    assert isinstance(event, Push)
    assert (event.paths, event.paths_complete) == (("Containerfile",), False)


def test_a_comment_on_a_private_issue_is_read_by_nobody() -> None:
    one = step("issue-comment issue.comment.added")
    data = one.json
    data["msg"]["issue"]["private"] = True
    assert isinstance(_parse(one.changed(data)), Ignored)


def edited_issue(**changes: Any) -> Any:
    """As Pagure 5.14 makes it: the whole issue as it is now, and which fields changed; not what they were."""
    one = step("issue issue.new")
    data = one.json
    data["topic"] = "issue.edit"
    data["msg"] |= {"fields": ["content"], "issue": data["msg"]["issue"] | {"content": "- [x] one"}} | changes
    return _parse(one.changed(data))


def test_an_edited_issue_text_comes_without_the_text_before() -> None:
    event = edited_issue()
    assert isinstance(event, Comment)
    assert (event.action, event.text, event.previous_text, event.is_issue_text) == ("edited", "- [x] one", None, True)


def test_an_issue_whose_text_stays_is_not_looked_at() -> None:
    assert isinstance(edited_issue(fields=["status", "close_status"]), Ignored)


def test_a_private_issues_text_is_read_by_nobody() -> None:
    one = step("issue issue.new")
    data = one.json
    data["msg"]["issue"]["private"] = True
    assert isinstance(_parse(one.changed(data)), Ignored)


def test_a_pull_request_from_another_server_is_from_a_fork() -> None:
    one = step("pr-new pull-request.new")
    data = one.json
    data["msg"]["pullrequest"] |= {"repo_from": None, "remote_git": "https://git.example.org/x.git", "user": None}
    event = _parse(one.changed(data))
    assert isinstance(event, PullRequestChanged)
    assert (event.pull_request.from_fork, event.pull_request.author.login) == (True, "ghost")


def test_the_topic_of_the_signed_body_counts_not_the_header() -> None:
    one = step("comment pull-request.comment.added")
    assert isinstance(pagure.parse({**one.headers, "X-Pagure-Topic": "git.receive"}, one.body), Comment)


def test_the_delivery_id_is_the_message_id_of_the_body() -> None:
    one = step("push git.receive")
    assert pagure.delivery_id({}, one.body) == one.json["msg_id"]
    assert pagure.delivery_id({}, b"[]") is None


def test_a_signed_body_that_is_no_object_passes_the_signature_and_is_rejected() -> None:
    headers = {"X-Pagure-Signature-256": hex256(PAGURE_KEY, b"[1]"), "X-Pagure-Project": "rpms/tools"}
    pagure.verify(headers, b"[1]", [PAGURE_KEY])
    assert isinstance(pagure.parse(headers, b"[1]"), Rejected)


@pytest.mark.parametrize(("said", "status"), [("failure", "failed"), ("error", "error"), ("canceled", "error")])
def test_a_flag_tells_how_it_ended(said: str, status: str) -> None:
    one = step("commit-flag commit.flag.added")
    data = one.json
    data["msg"]["flag"]["status"] = said
    assert _parse(one.changed(data)).status == status


def test_a_flag_that_is_pending_is_no_result() -> None:
    one = step("commit-flag commit.flag.added")
    data = one.json
    data["msg"]["flag"]["status"] = "pending"
    assert isinstance(_parse(one.changed(data)), Ignored)
