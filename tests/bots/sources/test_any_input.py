"""Whatever arrives, a parser answers with an event, `Ignored` or `Rejected`, and a check only ever raises `Unauthorized`."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.errors import Unauthorized
from sig_bots.events import EventBase, Ignored, Rejected, dump_event, load_event
from sig_bots.sources import local, pagure
from sig_bots.sources.kinds import KINDS
from sig_bots.sources.lookup import events_of, source
from tests.bots.sources import bodies
from tests.bots.sources.deliveries import github_example, recorded
from tests.bots.sources.deliveries import pagure as pagure_step

_NAMES = st.sampled_from([
    "X-GitHub-Event", "x-hub-signature-256", "X-Forgejo-Event", "X-FORGEJO-SIGNATURE", "X-Gitea-Event", "X-Gitlab-Token",
    "webhook-id", "webhook-timestamp", "webhook-signature", "X-Pagure-Project", "X-Pagure", "X-Pagure-Signature-256",
    "X-Sigbot-Event", "X-Sigbot-Path-Secret", "X-Sigbot-Signature-256", "Authorization", "Idempotency-Key",
])  # fmt: skip
_VALUES = st.text() | st.sampled_from(
    ["push", "pull_request", "comment", "issue_comment", "ping", "sha256=", "Bearer x"]
)
_HEADERS = st.dictionaries(_NAMES | st.text(), _VALUES, max_size=6)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


def _check(name: str, headers: Mapping[str, str], body: bytes) -> None:
    outcome = source(name).parse(headers, body)
    assert isinstance(outcome, EventBase | Ignored | Rejected)
    if isinstance(outcome, EventBase):
        assert load_event(dump_event(outcome)) == outcome
        assert "\x00" not in dump_event(outcome)
    else:
        assert outcome.reason.endswith(".")
    delivery = source(name).delivery_id(headers, body)
    assert delivery is None or (0 < len(delivery) <= 200 and delivery.isascii())
    assert isinstance(events_of(name, headers, body), tuple | Ignored | Rejected)


@pytest.mark.parametrize("name", KINDS)
@given(headers=_HEADERS, body=st.binary() | _JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_and_headers_give_an_answer(name: str, headers: dict[str, str], body: bytes) -> None:
    _check(name, headers, body)


@pytest.mark.parametrize("name", KINDS)
@given(headers=_HEADERS, body=st.binary(max_size=50), secrets=st.lists(st.binary(max_size=40), max_size=3))
def test_no_made_up_delivery_passes_the_check(
    name: str, headers: dict[str, str], body: bytes, secrets: list[bytes]
) -> None:
    with pytest.raises(Unauthorized):
        source(name).verify(headers, body, [b"a secret nobody guesses", *secrets] if secrets else [])


def _seeds() -> Iterator[tuple[str, dict[str, str], Any]]:
    for event, action in (
        ("push", None), ("pull_request", "labeled"), ("issue_comment", "edited"), ("pull_request_review", "submitted"),
        ("pull_request_review_comment", "created"), ("commit_comment", "created"), ("check_run", "rerequested"),
        ("check_suite", "rerequested"), ("issues", "edited"),
    ):  # fmt: skip
        yield "github", {"X-GitHub-Event": event}, github_example(event, action).json
    for step in (
        "push git.receive", "tag git.tag.creation", "fork-pr pull-request.new", "label pull-request.tag.added",
        "inline pull-request.comment.added", "comment-edit pull-request.comment.edited", "issue-comment issue.comment.added",
        "issue issue.new",
    ):  # fmt: skip
        yield "pagure", {}, pagure_step(step).json
    for event, body in (
        ("push", bodies.forgejo_push()), ("pull_request", bodies.forgejo_pull("label_updated", label={"name": "x"})),
        ("issue_comment", bodies.forgejo_comment()), ("delete", bodies.forgejo_push(ref_type="tag")),
        ("issues", bodies.forgejo_issue()), ("pull_request_approved", bodies.forgejo_pull("reviewed", review={"content": "x"})),
    ):  # fmt: skip
        yield "forgejo", {"X-Forgejo-Event": event}, body
    labels = {"labels": {"previous": [{"title": "a"}], "current": [{"title": "b"}]}}
    for body in (
        bodies.gitlab_push(), bodies.gitlab_merge_request("update", labels), bodies.gitlab_note(),
        bodies.gitlab_note("Commit", commit_id=bodies.SHA_B), bodies.gitlab_issue(),
    ):  # fmt: skip
        yield "gitlab", {}, body
    yield "quay", {}, bodies.quay_push()
    yield "registry", {}, next(one.json for one in recorded("registry") if b'"42"' in one.body)
    for event, body in (
        ("push", bodies.local_push()), ("pull_request", bodies.local_pull("labelled", label="x")),
        ("comment", bodies.local_comment()),
    ):  # fmt: skip
        yield "local", {"X-Sigbot-Event": event}, body


def _places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from _places(value, (*path, key))


_NASTY: tuple[Any, ...] = (
    None, True, 0, -1, 10**400, 1.5, 1e308, "", "\x00", "\ud800", "../..", "x" * 3000, "--upload-pack=x", [], {}, [None],
    [[]], [{}], ["x"], {"x": None},
)  # fmt: skip
_SEEDS = list(_seeds())


def _replaced(seed: Any, path: tuple[Any, ...], value: Any) -> Any:
    data = copy.deepcopy(seed)
    node = data
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return data


@pytest.mark.parametrize("index", range(len(_SEEDS)))
def test_a_real_delivery_with_any_one_field_broken_gives_an_answer(index: int) -> None:
    name, headers, seed = _SEEDS[index]
    assert isinstance(source(name).parse(headers, json.dumps(seed).encode()), EventBase)
    broken = copy.deepcopy(seed)
    # What no reader comes near is left alone: deep objects and addresses.
    read = [path for path in _places(seed) if len(path) <= 4 and not str(path[-1]).endswith("_url")]
    for number, path in enumerate(read):
        node = broken
        for key in path[:-1]:
            node = node[key]
        kept = copy.deepcopy(node[path[-1]])
        # Every value at the places near the top, where fields are read; one in turn further down.
        for value in _NASTY if len(path) <= 2 else (_NASTY[number % len(_NASTY)],):
            node[path[-1]] = value
            body = json.dumps(broken).encode()
            assert isinstance(source(name).parse(headers, body), EventBase | Ignored | Rejected)
        node[path[-1]] = kept
    assert broken == seed


@pytest.mark.parametrize("index", range(len(_SEEDS)))
def test_a_real_delivery_lacking_any_one_field_gives_an_answer(index: int) -> None:
    name, headers, seed = _SEEDS[index]
    for path in [path for path in _places(seed) if len(path) <= 3 and isinstance(path[-1], str)]:
        data = copy.deepcopy(seed)
        node = data
        for key in path[:-1]:
            node = node[key]
        del node[path[-1]]
        outcome = source(name).parse(headers, json.dumps(data).encode())
        assert isinstance(outcome, EventBase | Ignored | Rejected)


@given(data=st.data(), index=st.integers(0, len(_SEEDS) - 1))
def test_a_real_delivery_with_any_fields_replaced_gives_an_answer(data: st.DataObject, index: int) -> None:
    name, headers, seed = _SEEDS[index]
    changed = seed
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(_places(changed)) or [("x",)]))
        changed = _replaced(changed, path, data.draw(_JSON))
    _check(name, headers, json.dumps(changed).encode())


@given(body=st.binary(max_size=80), secret=st.binary(min_size=1, max_size=40))
def test_whatever_is_signed_passes_the_check(body: bytes, secret: bytes) -> None:
    local.verify(local.sign(body, secret, "push", "d-1"), body, [b"other", secret])


@given(name=st.text())
def test_the_project_of_a_pagure_delivery_is_a_safe_path_or_nothing(name: str) -> None:
    found = pagure.project({"X-Pagure-Project": name})
    assert found is None or (".." not in found.split("/") and not found.startswith(("/", "-")))
