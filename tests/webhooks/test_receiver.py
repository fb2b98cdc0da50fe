"""The contract of `POST /hooks/<instance>`, with Flask's client over a real store."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.test import TestResponse

from sig_webhooks.app import endpoints
from sig_webhooks.body import BodyReader
from sig_workers.settings import Settings, SettingsError
from sig_workers.store.rows import DeliveryRow
from sig_workers.store.store import Store
from tests.webhooks import senders
from tests.webhooks.senders import SECRETS, SENDERS, Hook, github, quay


def post(client: FlaskClient, hook: Hook) -> TestResponse:
    return client.post(hook.path, data=hook.body, headers=dict(hook.headers))


def stored(store: Store) -> list[DeliveryRow]:
    return store.recent_deliveries(100, public_only=False)


@pytest.mark.parametrize("sender", SENDERS.values(), ids=SENDERS)
def test_a_delivery_is_accepted_and_kept(client: FlaskClient, store: Store, sender: Callable[..., Hook]) -> None:
    hook = sender()
    assert post(client, hook).status_code == 202
    (row,) = stored(store)
    assert (row.instance, row.state, row.body) == (hook.path.split("/")[2], "received", hook.body)


def test_the_same_delivery_again_is_a_duplicate(client: FlaskClient, store: Store) -> None:
    assert [post(client, github()).status_code for _ in range(3)] == [202, 200, 200]
    assert len(stored(store)) == 1


@pytest.mark.parametrize("state", ["failed", "dead"])
def test_a_redelivery_of_what_failed_is_queued_again(client: FlaskClient, store: Store, state: str) -> None:
    post(client, github())
    (row,) = store.claim_deliveries("worker", 1, timedelta(seconds=30))
    assert store.fail_delivery(row.id, row.attempt, "x", timedelta(hours=1) if state == "failed" else None) == state
    again = post(client, github())
    assert (again.status_code, again.json["status"]) == (200, "requeued")  # type: ignore[index]
    assert [one.state for one in stored(store)] == ["received"]


def test_the_same_id_with_another_body_changes_nothing(client: FlaskClient, store: Store) -> None:
    post(client, github(b'{"a": 1}'))
    answer = post(client, github(b'{"a": 2}'))
    assert (answer.status_code, answer.json) == (200, {"status": "conflict"})
    assert [one.body for one in stored(store)] == [b'{"a": 1}']


@pytest.mark.parametrize("body", [
    b"", b"[]", b"[" * 100_000, b'{"a":' * 100_000, b'{"a": NaN}', b'{"a": 1, "a": 2}', b'{"a": ' + b"1" * 5000 + b"}", b"\xff\xfe",
    b'"text"', b"null", b"{", b'{"a": 1}x', b"\x00",
])  # fmt: skip
def test_a_signed_body_that_is_no_object_is_kept_and_says_why(client: FlaskClient, store: Store, body: bytes) -> None:
    answer = post(client, github(body))
    assert answer.status_code == 400
    (row,) = stored(store)
    assert (row.state, row.reason) == ("invalid", answer.json["message"])  # type: ignore[index]
    page = client.get(f"/deliveries/{row.id}")
    assert row.reason in page.text.replace("&#39;", "'")
    assert row.reason in client.get("/").text.replace("&#39;", "'")


def test_a_delivery_without_an_id_is_kept_and_says_why(client: FlaskClient, store: Store) -> None:
    answer = post(client, github().with_headers(x_github_delivery=None))
    assert answer.status_code == 400
    assert [(one.state, one.reason) for one in stored(store)] == [("invalid", "The delivery has no id.")]


def test_an_unknown_name_is_not_found(client: FlaskClient) -> None:
    for path in (
        "/hooks/nobody",
        "/hooks/",
        "/hooks",
        "/hooks/github/",
        "/hooks/github/x",
        "/hooks/quay/a/b",
        "/hooks/GITHUB",
    ):
        answer = client.post(path, data=b"{}", content_type="application/json")
        assert (answer.status_code, answer.json["status"]) == (404, "error"), path  # type: ignore[index]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
def test_only_post_is_allowed(client: FlaskClient, method: str) -> None:
    answer = client.open("/hooks/github", method=method)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert method == "HEAD" or answer.json["status"] == "error"  # type: ignore[index]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonx"]
)
def test_another_content_type_is_refused(client: FlaskClient, store: Store, kind: str) -> None:
    assert post(client, github().with_headers(content_type=kind)).status_code == 415
    assert stored(store) == []


def test_an_encoded_body_is_refused(client: FlaskClient) -> None:
    for encoding in ("gzip", "br", "identity", ""):
        assert post(client, github().with_headers(content_encoding=encoding)).status_code == 415
    for encoding in ("gzip, chunked", "deflate"):
        assert post(client, github().with_headers(transfer_encoding=encoding)).status_code == 415


def test_parameters_and_case_of_the_content_type_do_not_matter(client: FlaskClient) -> None:
    assert post(client, github().with_headers(content_type="Application/JSON; charset=utf-8")).status_code == 202


def test_a_registrys_own_content_type_is_for_registries(client: FlaskClient) -> None:
    kind = "application/vnd.docker.distribution.events.v1+json"
    assert post(client, senders.registry()).status_code == 202
    assert post(client, github().with_headers(content_type=kind)).status_code == 415


def test_a_body_above_the_limit_is_refused(client: FlaskClient, store: Store) -> None:
    fits, large = (replace(github(b'{"a": "' + b"x" * size + b'"}'), path="/hooks/small") for size in (991, 992))
    assert (len(fits.body), len(large.body)) == (1000, 1001)
    assert [post(client, one).status_code for one in (large, fits)] == [413, 202]
    assert len(stored(store)) == 1


def test_a_body_that_never_ends_is_read_up_to_the_limit_only() -> None:
    body = _Endless()
    with pytest.raises(RequestEntityTooLarge):
        BodyReader().read({"wsgi.input": body}, 5 * 2**20)
    assert body.given <= 6 * 2**20


class _Endless:
    """A body without a length that never ends; it counts what is read of it."""

    given = 0

    def read(self, size: int) -> bytes:
        self.given += size
        return b"x" * size


@pytest.mark.parametrize("length", ["x", "-1", "1e3", "²", "+5", " 5"])
def test_a_length_that_is_no_number_is_refused(client: FlaskClient, length: str) -> None:
    hook = github()
    answer = client.post(
        hook.path, data=hook.body, headers=dict(hook.headers), environ_overrides={"CONTENT_LENGTH": length}
    )
    assert answer.status_code == 400


def test_no_row_keeps_a_secret_or_a_signature(client: FlaskClient, store: Store) -> None:
    for sender in SENDERS.values():
        hook = sender().with_headers(cookie="c=1", x_api_key="k", x_unknown="u", x_forwarded_for="192.0.2.1")
        assert post(client, hook).status_code == 202
    names = {name for row in stored(store) for name in row.headers}
    assert names >= {"content-type", "user-agent", "x-github-event", "x-gitlab-event", "x-pagure-project", "webhook-id"}
    assert not [name for name in names if any(word in name for word in ("sign", "token", "auth", "cookie", "key", "secret"))
                and name != "idempotency-key"]  # fmt: skip
    assert not names & {"x-unknown", "x-forwarded-for"}
    kept = json.dumps([dict(row.headers) for row in stored(store)])
    assert not [secret for secret in SECRETS if secret.decode() in kept]


def test_the_header_that_stands_for_the_paths_secret_cannot_be_sent(client: FlaskClient) -> None:
    forged = Hook("/hooks/quay", {**quay().headers, "X-Sigbot-Path-Secret": senders.PATH_SECRET.decode()}, quay().body)
    assert post(client, forged).status_code == 401


def test_doubled_slashes_are_not_redirected_with_the_secret(client: FlaskClient) -> None:
    answer = client.post(f"//hooks//quay//{senders.PATH_SECRET.decode()}", data=b"{}", content_type="application/json")
    assert answer.status_code == 404
    assert "Location" not in answer.headers


CANARY = "CANARY-7f3a"


@pytest.mark.parametrize(("method", "path"), [
    ("POST", f"/hooks/{CANARY}"), ("POST", f"/hooks/github/{CANARY}"), ("GET", f"/hooks/github?{CANARY}"),
    ("POST", f"/hooks/quay/{CANARY}"), ("POST", f"/hooks/github?{CANARY}"), ("GET", f"/{CANARY}"), ("GET", f"/forge/{CANARY}/x"),
])  # fmt: skip
def test_no_answer_repeats_what_was_sent(client: FlaskClient, method: str, path: str) -> None:
    headers = {"X-Hub-Signature-256": CANARY, "X-GitHub-Delivery": CANARY, "Authorization": CANARY}
    answer = client.open(
        path, method=method, headers=headers, data=f'{{"{CANARY}"'.encode(), content_type="application/json"
    )
    assert answer.status_code >= 400
    assert CANARY not in answer.text + str(answer.headers)


def test_a_reason_never_quotes_the_body(client: FlaskClient) -> None:
    for body in (
        f'{{"{CANARY}": {CANARY}}}',
        f'{{"{CANARY}": 1, "{CANARY}": 2}}',
        f'"{CANARY}"',
        f'{{"a": "\\{CANARY}"}}',
    ):
        answer = post(client, github(body.encode(), ident=body))
        assert answer.status_code == 400
        assert CANARY not in answer.text


def test_an_instance_without_a_secret_refuses_to_start(settings: Settings, store: Store) -> None:
    for name in ("github", "forgejo", "gitlab", "quay", "registry", "local"):
        for secrets in ([], [""]):
            bare = [{"name": name, "kind": name, "url": "https://x.example.org", "hook_secrets": secrets}]
            with pytest.raises(SettingsError, match=f"instance {name} has no webhook secret; set hook_secrets"):
                endpoints(Settings(instance=bare), store)


def test_accepting_wakes_a_worker(app: Flask, client: FlaskClient, settings: Settings) -> None:
    post(client, github())
    app.extensions["sigbot"]["wake_ups"].stop()
    assert len(list((settings.data / "broker" / "messages").iterdir())) == 1


def test_a_duplicate_wakes_nobody(app: Flask, client: FlaskClient, settings: Settings, store: Store) -> None:
    hook = github()
    store.accept(instance="github", source="github", delivery_id="guid-1", headers={}, body=hook.body)
    assert post(client, hook).status_code == 200
    app.extensions["sigbot"]["wake_ups"].stop()
    assert not (settings.data / "broker").exists()
