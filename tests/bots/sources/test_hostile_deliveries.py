"""Unsigned, forged, stale and broken deliveries: what each must end in, for every source."""

import json
from collections.abc import Mapping

import pytest

from sig_bots.errors import Unauthorized
from sig_bots.events import Ignored, Rejected
from sig_bots.sources import forgejo, github, gitlab, local, pagure, quay, registry
from sig_bots.sources.kinds import KINDS, PATH_SECRET_HEADER
from sig_bots.sources.lookup import source
from sig_bots.sources.payload import json_object
from tests.bots.sources.bodies import forgejo_push
from tests.bots.sources.deliveries import PAGURE_KEY, SECRET, github_example, hex256, standard_webhook
from tests.bots.sources.deliveries import pagure as pagure_step

_HEX_HEADERS = [
    (github, "X-Hub-Signature-256", "sha256="), (forgejo, "X-Forgejo-Signature", ""),
    (pagure, "X-Pagure-Signature-256", ""), (local, "X-Sigbot-Signature-256", "sha256="),
]  # fmt: skip
_TOKEN_HEADERS = [
    (gitlab, "X-Gitlab-Token", ""), (quay, PATH_SECRET_HEADER, ""), (registry, "Authorization", "Bearer "),
]  # fmt: skip
_BODY = b'{"topic": "x", "zen": "y"}'
_RIGHT = hex256(SECRET, _BODY)


@pytest.mark.parametrize(("module", "name", "prefix"), _HEX_HEADERS)
@pytest.mark.parametrize("value", [
    "", "sha256=", "=", "sha256", _RIGHT[:-1], _RIGHT + "0", _RIGHT.upper(), " " + _RIGHT, _RIGHT + "\n", "z" * 64,
    "0" * 64, "é" * 32, "\udc80", "sha256=sha256=" + _RIGHT, "sha1=" + _RIGHT, "sha512=" + _RIGHT, _RIGHT + ",",
])  # fmt: skip
def test_a_damaged_signature_is_refused(module, name, prefix, value) -> None:  # type: ignore[no-untyped-def]
    for form in {value, prefix + value}:
        with pytest.raises(Unauthorized):
            module.verify({name: form}, _BODY, [SECRET])


@pytest.mark.parametrize(("module", "name", "prefix"), [*_HEX_HEADERS, *_TOKEN_HEADERS])
def test_no_signature_at_all_is_refused(module, name, prefix) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Unauthorized):
        module.verify({}, _BODY, [SECRET])


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("secrets", [[], [b""], [b"", b""]])
def test_a_hook_without_a_secret_accepts_nothing(name: str, secrets: list[bytes]) -> None:
    headers = {
        "X-Hub-Signature-256": "sha256=" + hex256(b"", _BODY), "X-Gitlab-Token": "", "Authorization": "Bearer ",
        "X-Forgejo-Signature": hex256(b"", _BODY), "X-Pagure-Signature-256": hex256(b"", _BODY),
        "X-Sigbot-Signature-256": "sha256=" + hex256(b"", _BODY), "X-Sigbot-Path-Secret": "",
        **standard_webhook(_BODY),
    }  # fmt: skip
    with pytest.raises(Unauthorized, match="no secret"):
        source(name).verify(headers, _BODY, secrets)


def test_the_old_sha1_signature_alone_is_refused() -> None:
    one = pagure_step("push git.receive")
    with pytest.raises(Unauthorized):
        pagure.verify(
            {key: value for key, value in one.headers.items() if not key.endswith("-256")}, one.body, [PAGURE_KEY]
        )
    with pytest.raises(Unauthorized):
        github.verify({"X-Hub-Signature": "sha1=" + "0" * 40}, _BODY, [SECRET])


@pytest.mark.parametrize(("module", "name", "prefix"), _HEX_HEADERS)
def test_the_same_json_written_differently_is_refused(module, name, prefix) -> None:  # type: ignore[no-untyped-def]
    signed = {name: prefix + _RIGHT}
    for other in (json.dumps(json.loads(_BODY), sort_keys=True, indent=1).encode(), _BODY + b"\n", _BODY[::-1]):
        with pytest.raises(Unauthorized):
            module.verify(signed, other, [SECRET])


def _with_key(name: str, key: bytes) -> tuple[Mapping[str, str], bytes]:
    """A delivery to this source, made with that secret."""
    if name == "pagure":
        one = pagure_step("push git.receive")
        return {**one.headers, "X-Pagure-Signature-256": hex256(key, one.body)}, one.body
    return {
        "X-Hub-Signature-256": "sha256=" + hex256(key, _BODY), "X-Forgejo-Signature": hex256(key, _BODY),
        "X-Sigbot-Signature-256": "sha256=" + hex256(key, _BODY), "X-Gitlab-Token": key.decode(),
        "X-Sigbot-Path-Secret": key.decode(), "Authorization": f"Bearer {key.decode()}",
    }, _BODY  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_during_a_rotation_both_secrets_work_and_after_it_only_the_new_one(name: str) -> None:
    for key in (b"old", b"new"):
        source(name).verify(*_with_key(name, key), [b"new", b"old"])
    with pytest.raises(Unauthorized):
        source(name).verify(*_with_key(name, b"old"), [b"new"])


@pytest.mark.parametrize("name", KINDS)
def test_header_names_count_in_any_case(name: str) -> None:
    headers, body = _with_key(name, b"key")
    for change in (str.lower, str.upper, str.title):
        source(name).verify({change(key): value for key, value in headers.items()}, body, [b"key"])


def test_a_ping_with_a_bad_signature_is_refused_like_everything_else() -> None:
    with pytest.raises(Unauthorized):
        github.verify({"X-GitHub-Event": "ping", "X-Hub-Signature-256": "sha256=" + "0" * 64}, _BODY, [SECRET])


def test_a_signed_ping_is_ignored() -> None:
    one = github_example("ping")
    github.verify(one.headers, one.body, [SECRET])
    assert isinstance(github.parse(one.headers, one.body), Ignored)


def test_a_forgejo_delivery_at_githubs_address_needs_githubs_secret() -> None:
    body = json.dumps(forgejo_push()).encode()
    headers = {"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + hex256(b"forgejo's", body)}
    with pytest.raises(Unauthorized):
        github.verify(headers, body, [SECRET])


_NO_OBJECT = [
    b"", b" ", b"null", b"[]", b'"text"', b"1", b"{", b"{} {}", b"{'a': 1}", b"\xff\xfe{\x00}\x00", b'{"a": "\xff"}',
    b"\xef\xbb\xbf{}", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1, "a": 2}', b'{"a": {"b": 1, "b": 1}}',
    b'{"a": ' + b"9" * 5000 + b"}", b"[" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", b'{"a": "\x00"}', b"action=opened", b'{"a": 1,}', b'{"a": 01}',
]  # fmt: skip


@pytest.mark.parametrize("body", _NO_OBJECT, ids=range(len(_NO_OBJECT)))
def test_a_body_that_is_no_sound_json_object_is_rejected_by_every_source_in_one_sentence(body: bytes) -> None:
    outcome = json_object(body)
    assert isinstance(outcome, Rejected)
    assert outcome.reason.endswith(".")
    assert len(outcome.reason) < 120
    assert {source(name).parse({}, body) == outcome for name in KINDS} == {True}


def test_characters_nobody_can_store_are_replaced() -> None:
    body = rb'{"a": ["x\u0000y", {"b\u0000": "\ud800 \ud83d\ude00"}]}'
    assert json_object(body) == {"a": ["x�y", {"b�": "� 😀"}]}


@pytest.mark.parametrize("event", ["push", "pull_request", "issue_comment", "check_run", "commit_comment"])
def test_a_missing_or_null_repository_is_rejected_naming_it(event: str) -> None:
    one = github_example(
        event, {"push": None, "pull_request": "opened", "check_run": "rerequested"}.get(event, "created")
    )
    for data in (one.json | {"repository": None}, {k: v for k, v in one.json.items() if k != "repository"}):
        outcome = github.parse(one.headers, one.changed(data).body)
        assert isinstance(outcome, Rejected)
        assert "repository" in outcome.reason


def test_unknown_events_and_actions_are_ignored_with_their_name() -> None:
    for headers, body, word in (
        ({"X-GitHub-Event": "sonic_boom"}, b"{}", "sonic_boom"),
        ({"X-GitHub-Event": "pull_request"}, b'{"action": "teleported"}', "teleported"),
    ):
        outcome = github.parse(headers, body)
        assert isinstance(outcome, Ignored)
        assert word in outcome.reason


def test_nothing_hostile_is_quoted_in_a_reason() -> None:
    for name in ("<script>alert(1)</script>", "x" * 5000, "a\nb"):
        outcome = github.parse({"X-GitHub-Event": name}, b"{}")
        assert isinstance(outcome, Ignored)
        assert name not in outcome.reason


@pytest.mark.parametrize("ref", [
    "refs/heads/a b", "refs/heads/a\nb", "refs/heads/../../x", "refs/heads/a@{1}", "refs/heads/\x1b[31m", "", "r" * 4096,
    "refs/heads/a~1", "refs/heads/a:b", "refs/heads//x", None, 7,
])  # fmt: skip
def test_a_ref_git_would_not_take_is_rejected(ref: object) -> None:
    one = github_example("push")
    assert isinstance(github.parse(one.headers, one.changed(one.json | {"ref": ref}).body), Rejected)


@pytest.mark.parametrize("sha", ["--upload-pack=x", "HEAD", "", None, "a" * 65, "a\n", 0, "٣" * 40])
def test_a_commit_that_is_not_hexadecimal_is_rejected(sha: object) -> None:
    one = github_example("push")
    assert isinstance(github.parse(one.headers, one.changed(one.json | {"after": sha}).body), Rejected)


@pytest.mark.parametrize(
    "path", ["../x", "a/../b", "-x/y", "a//b", "/a", "a/", "a b/c", "a/\u202eb", "", None, "a/.", "x" * 513]
)
def test_a_repository_path_that_could_leave_its_place_is_rejected(path: object) -> None:
    one = github_example("push")
    data = one.json | {"repository": one.json["repository"] | {"full_name": path}}
    assert isinstance(github.parse(one.headers, one.changed(data).body), Rejected)


@pytest.mark.parametrize("number", [0, -1, 2**31, 10**400, True, 1.5, "2", None])
def test_a_number_no_database_takes_is_rejected(number: object) -> None:
    one = github_example("issue_comment", "created")
    data = one.json | {"issue": one.json["issue"] | {"number": number}}
    assert isinstance(github.parse(one.headers, one.changed(data).body), Rejected)
