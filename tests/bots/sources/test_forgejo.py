"""Forgejo and Gitea, by their documentation."""

import json
from typing import Any

import pytest

from sig_bots.errors import Unauthorized
from sig_bots.events import Ignored, Rejected
from sig_bots.sources import forgejo
from tests.bots.sources.bodies import SHA_A, SHA_B, ZEROS, forgejo_comment, forgejo_issue, forgejo_pull, forgejo_push
from tests.bots.sources.deliveries import SECRET, hex256


def _parse(event: str, body: dict[str, Any], header: str = "X-Forgejo-Event") -> Any:
    return forgejo.parse({header: event}, json.dumps(body).encode())


def test_the_signature_is_bare_hexadecimal() -> None:
    body = json.dumps(forgejo_push()).encode()
    forgejo.verify({"x-forgejo-signature": hex256(SECRET, body)}, body, [SECRET])
    forgejo.verify({"X-Gitea-Signature": hex256(SECRET, body)}, body, [SECRET])


def test_a_wrong_forgejo_signature_is_not_rescued_by_a_right_gitea_one() -> None:
    headers = {"X-Forgejo-Signature": hex256(b"other", b"{}"), "X-Gitea-Signature": hex256(SECRET, b"{}")}
    with pytest.raises(Unauthorized):
        forgejo.verify(headers, b"{}", [SECRET])


def test_a_webhook_without_secret_is_refused() -> None:
    with pytest.raises(Unauthorized, match="set a secret"):
        forgejo.verify({"X-Forgejo-Signature": "", "X-Hub-Signature-256": "sha256="}, b"{}", [SECRET])


def test_the_delivery_id_is_read_from_either_header() -> None:
    assert forgejo.delivery_id({"X-FORGEJO-DELIVERY": "f6266f16"}, b"") == "f6266f16"
    assert forgejo.delivery_id({"X-Gitea-Delivery": "f6266f16"}, b"") == "f6266f16"


def test_a_push_never_claims_to_list_all_files() -> None:
    event = _parse("push", forgejo_push())
    assert (event.ref, event.before, event.after, event.actor.login) == ("refs/heads/main", SHA_A, SHA_B, "alice")
    assert (event.paths, event.paths_complete) == (("Containerfile",), False)
    assert (event.repo.path, event.repo.forge_id, event.repo.private, event.repo.default_branch) == (
        "images/base", "681", False, "main",
    )  # fmt: skip


def test_an_internal_repository_counts_as_private() -> None:
    assert _parse("push", forgejo_push(repository={"internal": True})).repo.private is True


def test_a_deleted_branch_or_tag_is_a_push_to_nothing() -> None:
    body = {**forgejo_push(), "ref": "old", "ref_type": "tag", "pusher_type": "user"}
    event = _parse("delete", body)
    assert (event.ref, event.after, event.deleted) == ("refs/tags/old", ZEROS, True)


@pytest.mark.parametrize(("action", "changes", "expected"), [
    ("opened", {}, "opened"),
    ("synchronized", {}, "updated"),
    ("reopened", {}, "reopened"),
    ("closed", {"pull_request": {"state": "closed"}}, "closed"),
    ("closed", {"pull_request": {"state": "closed", "merged": True}}, "merged"),
    ("label_updated", {}, "labelled"),
    ("label_updated", {"label": {"name": "x"}, "pull_request": {"labels": [{"name": "x"}]}}, "labelled"),
    ("label_updated", {"label": {"name": "x"}}, "unlabelled"),
    ("label_cleared", {}, "unlabelled"),
    ("edited", {"changes": {"body": {"from": "old"}}}, "edited"),
])  # fmt: skip
def test_actions_on_pull_requests(action: str, changes: dict[str, Any], expected: str) -> None:
    event = _parse("pull_request", forgejo_pull(action, **changes))
    assert event.action == expected
    assert (event.pull_request.number, event.pull_request.head_sha, event.pull_request.from_fork) == (2, SHA_B, True)


@pytest.mark.parametrize("action", ["assigned", "milestoned", "review_requested", "something_new"])
def test_other_actions_are_ignored_by_name(action: str) -> None:
    outcome = _parse("pull_request", forgejo_pull(action))
    assert isinstance(outcome, Ignored)
    assert action in outcome.reason


def test_comments_on_pull_requests_come_as_issue_comments() -> None:
    event = _parse("issue_comment", forgejo_comment())
    assert (event.place, event.number, event.text, event.comment_id) == ("pull_request", 2, "/sig lint", "3146")
    body = forgejo_comment(is_pull=False, issue={"pull_request": None})
    assert _parse("issue_comment", body).place == "issue"


def test_an_edited_comment_carries_its_former_text() -> None:
    event = _parse("issue_comment", forgejo_comment("edited", changes={"body": {"from": "/sig"}}))
    assert (event.action, event.previous_text) == ("edited", "/sig")


@pytest.mark.parametrize("name", ["pull_request_approved", "pull_request_rejected", "pull_request_comment"])
def test_reviews_are_comments(name: str) -> None:
    body = forgejo_pull("reviewed", review={"type": f"{name}", "content": "/sig ok"}, commit_id=SHA_A)
    event = _parse(name, body, header="X-Gitea-Event")
    assert (event.place, event.text, event.number, event.commit) == ("review", "/sig ok", 2, SHA_A)


def test_a_deleted_head_repository_counts_as_a_fork() -> None:
    event = _parse("pull_request", forgejo_pull("opened", pull_request={"head": {"repo": None}}))
    assert (event.pull_request.head_repo, event.pull_request.from_fork) == (None, True)


def test_a_delivery_without_event_header_is_rejected() -> None:
    outcome = forgejo.parse({"X-GitHub-Event": "push"}, json.dumps(forgejo_push()).encode())
    assert isinstance(outcome, Rejected)
    assert "X-Forgejo-Event" in outcome.reason


def test_the_text_of_an_issue_comes_with_the_text_before() -> None:
    event = _parse("issues", forgejo_issue())
    assert (event.action, event.text, event.previous_text, event.is_issue_text) == (
        "edited", "- [x] one", "- [ ] one", True,
    )  # fmt: skip
    assert _parse("issues", forgejo_issue("opened")).previous_text is None
    assert isinstance(_parse("issues", forgejo_issue("closed")), Ignored)


def test_an_edited_title_leaves_the_text_as_it_was() -> None:
    body = forgejo_issue() | {"changes": {"title": {"from": "Old"}}}
    assert _parse("issues", body).previous_text == "- [x] one"
