"""Who is let in: the hostile deliveries of every sender, answered 401 over HTTP and never kept."""

import json
import time
from contextlib import closing

import pytest
from flask.testing import FlaskClient

from sig_webhooks.app import create_app
from sig_workers.settings import Settings
from sig_workers.store.store import Store
from tests.bots.sources.deliveries import PAGURE_KEY, SIGNING_SECRET, hex256
from tests.webhooks import senders
from tests.webhooks.senders import HMAC_SENDERS, OLD_SECRET, SECRET, SENDERS, SIGNATURES, Hook, github, pagure
from tests.webhooks.test_receiver import post, stored


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    return sqlite_url


def refused(client: FlaskClient, store: Store, *hooks: Hook) -> None:
    for hook in hooks:
        answer = post(client, hook)
        assert (answer.status_code, answer.json) == (
            401, {"status": "error", "message": "The delivery is not signed with a secret of this hook."},
        ), hook  # fmt: skip
    assert stored(store) == []


@pytest.mark.parametrize(("sender", "header"), SIGNATURES.items())
def test_an_unsigned_delivery_is_refused(client: FlaskClient, store: Store, sender: str, header: str) -> None:
    refused(client, store, SENDERS[sender]().with_headers(**{header.replace("-", "_"): None}))


@pytest.mark.parametrize(
    "value",
    ["", "sha256=", "sha256", "=", "z" * 64, "sha256=" + "z" * 64, "é" * 32, "sha256=é", "0" * 64, "Bearer", "v1,"],
)
@pytest.mark.parametrize(("sender", "header"), SIGNATURES.items())
def test_a_damaged_signature_is_refused(
    client: FlaskClient, store: Store, sender: str, header: str, value: str
) -> None:
    refused(client, store, SENDERS[sender]().with_headers(**{header.replace("-", "_"): value}))


@pytest.mark.parametrize("name", HMAC_SENDERS)
def test_sha1_and_another_key_are_refused(client: FlaskClient, store: Store, name: str) -> None:
    hook = HMAC_SENDERS[name](secret=b"somebody else's")
    old = {"X_Hub_Signature": "sha1=" + "0" * 40, "X_Pagure_Signature": "0" * 40}
    refused(client, store, hook, hook.with_headers(**old))


@pytest.mark.parametrize("name", ["github", "forgejo", "here", "pagure", "gitlab-signed"])
def test_the_same_json_written_differently_is_refused(client: FlaskClient, store: Store, name: str) -> None:
    hook = SENDERS[name]()
    refused(client, store, hook.with_body(senders.reworded(hook.body)), hook.with_body(hook.body + b" "))


@pytest.mark.parametrize("name", ["gitlab", "quay", "registry"])
def test_another_token_is_refused(client: FlaskClient, store: Store, name: str) -> None:
    refused(client, store, *(SENDERS[name](secret=secret) for secret in (b"somebody-elses", SECRET, b"x")))


def test_quay_without_the_secret_in_the_path_is_refused(client: FlaskClient, store: Store) -> None:
    refused(client, store, Hook("/hooks/quay", senders.quay().headers, senders.quay().body))


def test_both_secrets_are_good_while_one_is_being_replaced(
    client: FlaskClient, settings: Settings, store: Store
) -> None:
    assert [post(client, github(secret=one, ident=str(one))).status_code for one in (SECRET, OLD_SECRET)] == [202, 202]
    given = [{**one, "hook_secrets": [SECRET.decode()]} for one in senders.instances() if one["name"] == "github"]
    later = create_app(Settings(data=settings.data, store=settings.store, instance=given))
    with closing(later.extensions["sigbot"]["store"]):
        answers = [
            post(later.test_client(), github(secret=one, ident=str(one) + "x")).status_code
            for one in (SECRET, OLD_SECRET)
        ]
    assert answers == [202, 401]


def test_a_ping_must_be_signed_too(client: FlaskClient, store: Store) -> None:
    refused(client, store, github(event="ping", secret=b"x"), HMAC_SENDERS["here"](secret=b"x"))


def test_the_path_says_who_sent_it(client: FlaskClient, store: Store) -> None:
    """A Forgejo delivery looks like GitHub's; what it is kept as depends on the hook alone."""
    hook = senders.forgejo(secret=OLD_SECRET)
    refused(client, store, hook)
    assert post(client, Hook("/hooks/github", hook.headers, hook.body)).status_code == 202
    assert [(one.instance, one.source) for one in stored(store)] == [("github", "github")]


def test_pagures_header_must_name_the_project_of_the_body(client: FlaskClient, store: Store) -> None:
    """Each project's owners know its key: with it they must not speak for another project."""
    store.put_hook_keys("pagure", {"rpms/mine": b"my own key"})
    body = pagure().body
    mine = pagure(body, secret=b"my own key").with_headers(x_pagure_project="rpms/mine")
    other = pagure().with_headers(x_pagure_project="rpms/other")
    refused(
        client,
        store,
        mine,
        other,
        pagure().with_headers(x_pagure="https://other.example.org/"),
        pagure(secret=b"my own key"),
    )


def test_a_pagure_fork_has_a_key_of_its_own(client: FlaskClient, store: Store) -> None:
    data = json.loads(pagure().body)
    data["msg"]["project_fullname"] = data["msg"]["repo"]["fullname"] = "forks/bob/rpms/tools"
    body = json.dumps(data, sort_keys=True).encode()
    fork = pagure(body, secret=b"bob's").with_headers(x_pagure_project="forks/bob/rpms/tools")
    refused(client, store, fork, fork.with_headers(x_pagure_signature_256=hex256(PAGURE_KEY, body)))
    store.put_hook_keys("pagure", {"fork/bob/rpms/tools": b"bob's"})
    assert post(client, fork).status_code == 202


def test_a_signing_token_wants_a_signature(client: FlaskClient, store: Store) -> None:
    token = senders.gitlab(secret=SIGNING_SECRET)
    refused(client, store, Hook("/hooks/gitlab-signed", token.headers, token.body))


@pytest.mark.parametrize("seconds", [-600, 600])
def test_a_signature_from_another_time_is_refused(client: FlaskClient, store: Store, seconds: int) -> None:
    refused(client, store, senders.gitlab_signed(at=time.time() + seconds))


KEYS = {
    "github": OLD_SECRET, "forgejo": SECRET, "pagure": PAGURE_KEY, "gitlab": senders.GITLAB_TOKEN, "quay": senders.PATH_SECRET,
    "registry": senders.BEARER, "here": SECRET,
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_a_secret_of_one_hook_opens_no_other(client: FlaskClient, store: Store, name: str) -> None:
    active = {SECRET, OLD_SECRET} if name == "github" else {KEYS[name]}
    refused(client, store, *(SENDERS[name](secret=other) for other in KEYS.values() if other not in active))
