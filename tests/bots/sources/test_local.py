"""The local forge's own form, and the look-up of sources."""

import json
from typing import Any

import pytest

from sig_bots.errors import Unauthorized, UserError
from sig_bots.events import Ignored, ImagePushed, Push, Rejected
from sig_bots.sources import local
from sig_bots.sources.kinds import KINDS, Kind
from sig_bots.sources.lookup import events_of, source
from tests.bots.sources.bodies import SHA_B, ZEROS, local_check, local_comment, local_pull, local_push
from tests.bots.sources.deliveries import SECRET, recorded


def _parse(event: str, body: dict[str, Any]) -> Any:
    raw = json.dumps(body).encode()
    headers = local.sign(raw, SECRET, event, "d-1")
    local.verify(headers, raw, [SECRET])
    assert local.delivery_id(headers, raw) == "d-1"
    return local.parse(headers, raw)


def test_a_push_tells_all_its_files() -> None:
    event = _parse("push", local_push())
    assert (event.branch, event.after, event.paths, event.paths_complete) == ("main", SHA_B, ("Containerfile",), True)
    assert (event.repo.path, event.repo.forge_id, event.repo.private, event.actor.id) == (
        "images/base",
        "7",
        False,
        "3",
    )


def test_a_push_that_does_not_know_its_files_says_so() -> None:
    assert _parse("push", local_push(paths=None)).paths_complete is False
    assert _parse("push", local_push(paths=[])).paths_complete is True


def test_a_deleted_branch_is_a_push_to_nothing() -> None:
    assert _parse("push", local_push(after=ZEROS)).deleted is True


@pytest.mark.parametrize(
    "action", ["opened", "updated", "reopened", "closed", "merged", "labelled", "unlabelled", "edited", "ready"]
)
def test_every_action_on_a_pull_request_is_understood(action: str) -> None:
    event = _parse("pull_request", local_pull(action, label="update", previous_body="old"))
    assert (event.action, event.label, event.previous_body) == (action, "update", "old")
    assert (event.pull_request.head_repo, event.pull_request.from_fork, event.pull_request.labels) == (
        "bob/base", True, ("update",),
    )  # fmt: skip


def test_a_comment_is_understood() -> None:
    event = _parse("comment", local_comment("edited", comment={"previous_text": "/sig"}))
    assert (event.action, event.place, event.number, event.text, event.previous_text, event.comment_id) == (
        "edited", "pull_request", 2, "/sig lint", "/sig", "11",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "status"), [("success", "passed"), ("neutral", "passed"), ("failure", "failed"), ("cancelled", "error")]
)
def test_a_check_that_ended_is_a_result(state: str, status: str) -> None:
    event = _parse("check", local_check(state))
    assert (event.test, event.sha, event.status, event.branches) == ("ci", SHA_B, status, ("fix",))


def test_a_check_that_goes_on_is_no_result() -> None:
    assert isinstance(_parse("check", local_check("running")), Ignored)


def test_an_unknown_action_or_state_is_rejected_naming_the_field() -> None:
    outcome = _parse("pull_request", local_pull("exploded"))
    assert isinstance(outcome, Rejected)
    assert "action" in outcome.reason
    assert "exploded" not in outcome.reason


def test_a_ping_is_ignored_and_a_delivery_without_event_rejected() -> None:
    assert isinstance(_parse("ping", {}), Ignored)
    assert isinstance(local.parse({}, b"{}"), Rejected)


def test_a_changed_body_is_refused() -> None:
    headers = local.sign(b"{}", SECRET, "push", "d-1")
    with pytest.raises(Unauthorized):
        local.verify(headers, b"{ }", [SECRET])


@pytest.mark.parametrize("name", KINDS)
def test_every_source_offers_the_same(name: str) -> None:
    module = source(name)
    assert module.MAX_BODY >= 2**20
    assert "application/json" in module.CONTENT_TYPES
    assert isinstance(module.parse({}, b"[]"), Rejected)
    assert isinstance(module.parse_all({}, b"[]"), Rejected)
    assert module.project({}) is None


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_what_a_source_proves_it_believes(kind: Kind) -> None:
    body = b'{"msg": {"project_fullname": "rpms/demo", "pagure_instance": "pagure.example"}}'
    headers = {name: "x-1" for name in (kind.event_header, kind.id_header) if name}
    module = source(kind.name)
    proved = {**headers, **module.proof(headers, body, b"s3cret")}
    module.verify(proved, body, [b"s3cret"])
    with pytest.raises(Unauthorized):
        module.verify(proved, body, [b"other"])


def test_an_unknown_source_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="github, pagure"):
        source("lookup")


def test_the_events_of_a_delivery_come_as_a_tuple_whatever_the_source() -> None:
    one = next(d for d in recorded("registry") if b'"42"' in d.body)
    (pushed,) = events_of("registry", one.headers, one.body)
    assert isinstance(pushed, ImagePushed)
    raw = json.dumps(local_push()).encode()
    (push,) = events_of("local", local.sign(raw, SECRET, "push", "d"), raw)
    assert isinstance(push, Push)
    assert isinstance(events_of("registry", {}, b'{"events": []}'), Ignored)
