"""Quay's push notifications and the events of a real distribution registry."""

import json
from typing import Any

import pytest

from sig_bots.errors import Unauthorized
from sig_bots.events import Ignored, ImagePushed, Rejected
from sig_bots.refs import Actor
from sig_bots.sources import quay, registry
from sig_bots.sources.kinds import PATH_SECRET_HEADER
from tests.bots.sources.bodies import quay_push
from tests.bots.sources.deliveries import recorded


def _quay(body: dict[str, Any]) -> Any:
    return quay.parse({}, json.dumps(body).encode())


def test_a_push_to_quay_names_the_image_and_its_tags() -> None:
    event = _quay(quay_push())
    assert (str(event.image), event.tags) == ("quay.io/images/base:42", ("42", "latest"))


def test_the_older_form_of_the_tags_is_read_too() -> None:
    assert _quay(quay_push(updated_tags={"42": "b750fe79"})).tags == ("42",)


@pytest.mark.parametrize("changes", [
    {"docker_url": "not an image"}, {"docker_url": None}, {"updated_tags": "latest"}, {"updated_tags": ["a b"]},
])  # fmt: skip
def test_a_push_that_names_no_image_is_rejected(changes: dict[str, Any]) -> None:
    assert isinstance(_quay(quay_push(**changes)), Rejected)


def test_other_quay_notifications_are_ignored() -> None:
    assert isinstance(_quay({"build_id": "296ec063", "docker_url": "quay.io/images/base"}), Ignored)
    assert isinstance(_quay(quay_push(updated_tags=[])), Ignored)


def test_quay_is_known_by_the_secret_of_the_path() -> None:
    quay.verify({"x-sigbot-path-secret": "s3cret"}, b"{}", [b"old", b"s3cret"])
    for headers in ({}, {PATH_SECRET_HEADER: ""}, {PATH_SECRET_HEADER: "s3cre"}):
        with pytest.raises(Unauthorized):
            quay.verify(headers, b"{}", [b"s3cret"])


def test_a_later_push_of_the_same_tag_is_another_delivery() -> None:
    at = [quay.delivery_id({}, b"{}", now=[moment].pop) for moment in (100.0, 104.0, 200.0)]
    assert at[0] == at[1] != at[2]


def _registry(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"events": list(entries)}).encode()


def _pushed(
    tag: str | None = "42", digest: str = "sha256:" + "1" * 64, repository: str = "images/base"
) -> dict[str, Any]:
    return {
        "id": f"{repository}-{tag}", "action": "push", "actor": {"name": "builder"},
        "target": {"repository": repository, "digest": digest, "tag": tag,
                   "url": "https://registry.example.org/v2/images/base/manifests/x"},
        "request": {"host": "registry.example.org", "useragent": "skopeo/1.9.3"},
    }  # fmt: skip


def test_of_a_real_registrys_notifications_only_tagged_pushes_are_events() -> None:
    outcomes = [registry.parse(one.headers, one.body) for one in recorded("registry")]
    events = [one for one in outcomes if isinstance(one, ImagePushed)]
    assert [event.tags for event in events] == [("42",), ("latest",), ("43",)]
    assert {event.image.name for event in events} == {"registry.example.org/images/base"}
    assert all(isinstance(one, ImagePushed | Ignored) for one in outcomes)
    assert len(outcomes) == 11


def test_a_real_registrys_token_is_accepted() -> None:
    for one in recorded("registry"):
        registry.verify(one.headers, one.body, [b"s3cret"])
        assert one.headers["Content-Type"] in registry.CONTENT_TYPES


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Bearer other", "Basic s3cret", "s3cret"])
def test_a_wrong_bearer_token_is_refused(value: str) -> None:
    with pytest.raises(Unauthorized):
        registry.verify({"Authorization": value}, b"{}", [b"s3cret"])


def test_several_pushes_in_one_delivery_are_several_events() -> None:
    body = _registry(_pushed("42"), _pushed("latest"), _pushed("42"), _pushed("7", repository="images/child"))
    events = registry.parse_all({}, body)
    assert isinstance(events, tuple)
    assert [(event.image.repository, event.tags) for event in events] == [
        ("images/base", ("42", "latest")), ("images/child", ("7",)),
    ]  # fmt: skip
    assert registry.parse({}, body) == events[0]


def test_the_pusher_and_the_digest_are_kept() -> None:
    event = registry.parse({}, _registry(_pushed()))
    assert isinstance(event, ImagePushed)
    assert (event.actor, event.image.digest) == (Actor(login="builder"), "sha256:" + "1" * 64)


def test_pulls_layers_and_untagged_parts_are_ignored() -> None:
    body = _registry(_pushed(tag=None), _pushed() | {"action": "pull"})
    assert registry.parse_all({}, body) == registry.parse({}, body)
    assert isinstance(registry.parse({}, body), Ignored)


@pytest.mark.parametrize("entry", [
    _pushed(repository="../etc"), _pushed(digest="sha256:1"), _pushed(tag="a b"), {"action": "push", "target": []},
    _pushed() | {"request": {"host": "bad host"}}, _pushed() | {"request": None, "target": {"tag": "1", "url": "http://["}},
])  # fmt: skip
def test_a_push_that_cannot_be_an_image_is_rejected(entry: dict[str, Any]) -> None:
    assert isinstance(registry.parse({}, _registry(entry)), Rejected)
    assert isinstance(registry.parse_all({}, _registry(entry)), Rejected)


def test_the_id_is_made_of_the_events_ids() -> None:
    first, second = _registry(_pushed("1")), _registry(_pushed("1"), _pushed("2"))
    assert registry.delivery_id({}, first) == "images/base-1"
    assert (
        registry.delivery_id({}, second) == registry.delivery_id({}, second + b" ") != registry.delivery_id({}, first)
    )
    assert registry.delivery_id({}, b"junk")
