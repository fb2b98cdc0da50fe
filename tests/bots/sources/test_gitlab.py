"""GitLab: both schemes of authentication, and its events by the documentation."""

import base64
import json
from typing import Any

import pytest

from sig_bots.errors import Unauthorized
from sig_bots.events import Ignored
from sig_bots.sources import gitlab
from tests.bots.sources.bodies import (
    SHA_B,
    ZEROS,
    gitlab_issue,
    gitlab_merge_request,
    gitlab_note,
    gitlab_pipeline,
    gitlab_push,
)
from tests.bots.sources.deliveries import NOW, SIGNING_SECRET, standard_webhook

_BODY = b'{"object_kind": "push"}'


def _verify(headers: dict[str, str], *secrets: bytes, body: bytes = _BODY, now: float = NOW) -> None:
    gitlab.verify(headers, body, secrets, now=lambda: now)


def _parse(body: dict[str, Any]) -> Any:
    return gitlab.parse({}, json.dumps(body).encode())


def test_the_published_vector_of_standard_webhooks_is_accepted() -> None:
    headers = {
        "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "Webhook-Timestamp": "1614265330",
        "Webhook-Signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    body = b'{"test": 2432232314}'
    _verify(headers, b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", body=body, now=1614265330)


@pytest.mark.parametrize("skew", [-600, -301, 301, 600])
def test_a_signature_from_another_time_is_refused(skew: int) -> None:
    with pytest.raises(Unauthorized, match="5 minutes"):
        _verify(standard_webhook(_BODY), SIGNING_SECRET, now=NOW + skew)


@pytest.mark.parametrize("skew", [-299, 0, 299])
def test_a_signature_within_five_minutes_is_accepted(skew: int) -> None:
    _verify(standard_webhook(_BODY), SIGNING_SECRET, now=NOW + skew)


def test_one_of_several_signatures_is_enough() -> None:
    other = b"whsec_" + base64.b64encode(b"o" * 32)
    headers = standard_webhook(_BODY)
    headers["webhook-signature"] = (
        standard_webhook(_BODY, secret=other)["webhook-signature"] + " " + headers["webhook-signature"]
    )
    _verify(headers, SIGNING_SECRET)


@pytest.mark.parametrize("changes", [
    {"webhook-signature": "v1,"}, {"webhook-signature": "v1"}, {"webhook-signature": ""}, {"webhook-id": "msg_2"},
    {"webhook-id": ""}, {"webhook-timestamp": ""}, {"webhook-timestamp": "soon"}, {"webhook-timestamp": "-1"},
    {"webhook-timestamp": "٣"}, {"webhook-timestamp": "9" * 5000}, {"webhook-signature": "v1a,AAAA"},
])  # fmt: skip
def test_a_damaged_signature_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(Unauthorized):
        _verify(standard_webhook(_BODY) | changes, SIGNING_SECRET)


def test_the_right_token_does_not_replace_a_missing_signature() -> None:
    with pytest.raises(Unauthorized, match="webhook-signature"):
        _verify({"X-Gitlab-Token": SIGNING_SECRET.decode()}, SIGNING_SECRET)


def test_an_unsigned_delivery_is_accepted_only_where_a_token_is_configured_too() -> None:
    _verify({"X-Gitlab-Token": "token"}, SIGNING_SECRET, b"token")
    with pytest.raises(Unauthorized):
        _verify({"X-Gitlab-Token": "other"}, SIGNING_SECRET, b"token")


def test_the_right_token_does_not_heal_a_wrong_signature() -> None:
    headers = standard_webhook(_BODY + b" ") | {"X-Gitlab-Token": "token"}
    with pytest.raises(Unauthorized):
        _verify(headers, SIGNING_SECRET, b"token")


def test_a_token_with_other_letters_is_compared_as_bytes() -> None:
    wire = "schlüssel".encode().decode("latin-1")
    _verify({"x-gitlab-token": wire}, "schlüssel".encode())


def test_a_signing_token_that_is_not_base64_accepts_nothing() -> None:
    with pytest.raises(Unauthorized):
        _verify(standard_webhook(_BODY), b"whsec_!!!")


def test_retries_have_the_same_id() -> None:
    assert gitlab.delivery_id({"idempotency-key": "abc", "webhook-id": "abc"}, b"") == "abc"
    assert gitlab.delivery_id({"Webhook-Id": "abc"}, b"") == "abc"


def test_an_old_server_without_id_is_told_apart_by_its_body() -> None:
    assert gitlab.delivery_id({}, b"a") == gitlab.delivery_id({}, b"a") != gitlab.delivery_id({}, b"b")


def test_a_push_never_claims_to_list_all_files() -> None:
    event = _parse(gitlab_push())
    assert (event.ref, event.after, event.actor.login, event.actor.id) == ("refs/heads/main", SHA_B, "alice", "4")
    assert (event.paths, event.paths_complete) == (("a", "Containerfile"), False)
    assert (event.repo.path, event.repo.forge_id, event.repo.default_branch) == ("images/base", "5", "main")


@pytest.mark.parametrize(("level", "private"), [(20, False), (10, True), (0, True), (None, None)])
def test_only_a_public_project_is_public(level: int | None, private: bool | None) -> None:
    assert _parse(gitlab_push(project={"visibility_level": level})).repo.private is private


def test_a_deleted_branch_is_a_push_to_nothing() -> None:
    event = _parse(gitlab_push(after=ZEROS, checkout_sha=None, commits=[]))
    assert event.deleted is True


def test_a_tag_is_a_push() -> None:
    assert _parse(gitlab_push(object_kind="tag_push", ref="refs/tags/v1")).branch is None


def _label(*names: str) -> list[dict[str, Any]]:
    return [{"id": 1, "title": name} for name in names]


@pytest.mark.parametrize(("action", "changes", "attributes", "expected", "label"), [
    ("open", {}, {}, "opened", None),
    ("close", {}, {"state": "closed"}, "closed", None),
    ("reopen", {}, {}, "reopened", None),
    ("merge", {}, {"state": "merged"}, "merged", None),
    ("update", {}, {"oldrev": "c" * 40}, "updated", None),
    ("update", {"labels": {"previous": _label("a"), "current": _label("a", "b")}}, {}, "labelled", "b"),
    ("update", {"labels": {"previous": _label("a"), "current": []}}, {}, "unlabelled", "a"),
    ("update", {"draft": {"previous": True, "current": False}, "title": {}}, {}, "ready", None),
    ("update", {"description": {"previous": "old", "current": "new"}}, {}, "edited", None),
])  # fmt: skip
def test_actions_on_merge_requests(
    action: str, changes: dict[str, Any], attributes: dict[str, Any], expected: str, label: str | None
) -> None:
    event = _parse(gitlab_merge_request(action, changes, **attributes))
    assert (event.action, event.label) == (expected, label)
    assert (event.pull_request.number, event.pull_request.head_sha, event.pull_request.head_repo) == (
        2,
        SHA_B,
        "alice/base",
    )
    assert (event.pull_request.from_fork, event.pull_request.author.login) == (True, "alice")


@pytest.mark.parametrize("action", ["approved", "approval", "unapproved", "update"])
def test_a_merge_request_that_changed_nothing_for_us_is_ignored(action: str) -> None:
    assert isinstance(_parse(gitlab_merge_request(action, {"updated_at": {}})), Ignored)


def test_an_edited_description_carries_the_text_before() -> None:
    assert _parse(gitlab_merge_request("update", {"description": {"previous": "old"}})).previous_body == "old"


def test_a_merge_request_whose_fork_was_deleted_counts_as_one_from_a_fork() -> None:
    event = _parse(gitlab_merge_request("open", source=None, source_project_id=None))
    assert (event.pull_request.head_repo, event.pull_request.from_fork) == (None, True)


def test_an_author_nobody_names_keeps_the_number_only() -> None:
    author = _parse(gitlab_merge_request("open", author_id=77)).pull_request.author
    assert (author.login, author.id) == ("", "77")


@pytest.mark.parametrize(("kind", "attributes", "place", "number"), [
    ("MergeRequest", {}, "pull_request", 2),
    ("MergeRequest", {"type": "DiffNote", "position": {"head_sha": SHA_B}}, "review_comment", 2),
    ("Issue", {}, "issue", 2),
    ("Commit", {"commit_id": SHA_B}, "commit", None),
])  # fmt: skip
def test_notes_are_comments(kind: str, attributes: dict[str, Any], place: str, number: int | None) -> None:
    event = _parse(gitlab_note(kind, **attributes))
    assert (event.place, event.number, event.text, event.comment_id) == (place, number, "/sig lint", "1244")
    assert event.commit == (SHA_B if attributes else None)


def test_a_note_of_gitlab_itself_is_automatic() -> None:
    assert _parse(gitlab_note(system=True)).automatic is True


def test_an_edited_note_has_no_known_former_text() -> None:
    event = _parse(gitlab_note(action="update"))
    assert (event.action, event.previous_text) == ("edited", None)


def test_confidential_notes_and_snippets_are_read_by_nobody() -> None:
    assert isinstance(_parse(gitlab_note("Issue", "confidential_note")), Ignored)
    assert isinstance(_parse(gitlab_note("Snippet")), Ignored)


@pytest.mark.parametrize(("said", "status"), [("success", "passed"), ("failed", "failed"), ("canceled", "error")])
def test_a_pipeline_that_ended_is_a_result(said: str, status: str) -> None:
    event = _parse(gitlab_pipeline(said))
    assert (event.status, event.sha, event.number, event.branches) == (status, SHA_B, 2, ("fix",))


def test_a_pipeline_of_a_branch_names_it_and_one_that_runs_is_no_result() -> None:
    event = _parse(gitlab_pipeline("success", merge_request=None))
    assert (event.number, event.branches) == (None, ("main",))
    assert isinstance(_parse(gitlab_pipeline("running")), Ignored)


def test_the_text_of_an_issue_comes_with_the_text_before() -> None:
    event = _parse(gitlab_issue())
    assert (event.action, event.text, event.previous_text, event.is_issue_text) == (
        "edited", "- [x] one", "- [ ] one", True,
    )  # fmt: skip
    assert _parse(gitlab_issue(action="open")).previous_text is None
    assert _parse(gitlab_issue(changes={"title": {"previous": "Old"}})).previous_text == "- [x] one"


def test_a_text_written_where_there_was_none_is_new() -> None:
    assert _parse(gitlab_issue(changes={"description": {"previous": None}})).previous_text == ""


@pytest.mark.parametrize("body", [
    gitlab_issue(action="close"), gitlab_issue(confidential=True), gitlab_issue("confidential_issue"),
])  # fmt: skip
def test_other_news_of_an_issue_and_confidential_ones_are_ignored(body: dict[str, Any]) -> None:
    assert isinstance(_parse(body), Ignored)
