"""Secrets in every form they may be written in, and who may publish where."""

from __future__ import annotations

import base64

import pytest

from sig_workers.observe import Redactor
from sig_workers.settings import RegistryAccess, Settings

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabcdefghijklmnop\n-----END RSA PRIVATE KEY-----\n"


def test_each_line_of_a_private_key_is_a_secret() -> None:
    redact = Redactor([KEY])
    for line in ("MIIEowIBAAKCAQEA", "key: abcdefghijklmnop"):
        assert line.split()[-1] not in redact(line)
    assert redact("-----END RSA PRIVATE KEY----- and plain words") == "-----END RSA PRIVATE KEY----- and plain words"


@pytest.mark.parametrize(
    "said",
    [
        "bad Bearer eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjE3OTU0.0E6PT6Wcjp3jJ and so on",
        "expired: eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjE3OTU0 and so on",
        "bad bearer 0123456789abcdef~+/= and so on",
        "Basic Ym90OmNhbmFyeTc3Nzc= and so on",
    ],
)
def test_what_a_server_repeats_of_a_request_is_no_secret_any_more(said: str) -> None:
    redacted = Redactor()(said)
    assert not any(one in redacted for one in ("eyJ", "0E6PT6", "0123456789", "Ym90"))
    assert redacted.endswith(" and so on")


def test_words_about_tokens_stay() -> None:
    said = "the bearer of this, a basic authentication, basic characteristic: see page"
    assert Redactor()(said) == said


def test_passwords_are_secrets_in_every_form_they_are_sent_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGBOT_CONFIG", raising=False)
    settings = Settings(
        store="postgresql+psycopg://u:db%40pass@h/d",
        broker="redis://:br%2Foker@h/0",
        registry=[{"host": "r.example", "username": "bot", "password": "canary77"}],
    )
    redact = Redactor(settings.secret_values())
    basic = base64.b64encode(b"bot:canary77").decode()
    said = redact(f"db@pass db%40pass br/oker br%2Foker canary77 {basic}")
    for secret in ("db@pass", "db%40pass", "br/oker", "br%2Foker", "canary77", basic):
        assert secret not in said


@pytest.mark.parametrize("prefix", ["sig", "/sig/", "sig/"])
def test_a_prefix_is_whole_parts_of_a_name(prefix: str) -> None:
    access = RegistryAccess(host="r.example", prefix=prefix, push_from=("local:*",))
    assert access.allows("r.example/sig/app", "local", "a/b")
    assert access.allows("r.example/sig", "local", "a/b")
    for other in ("r.example/sigma/app", "r.example/sig-evil", "r.example/other/sig/app", "r.example.evil/sig/app"):
        assert not access.allows(other, "local", "a/b")


def test_without_a_prefix_a_host_is_a_whole_host() -> None:
    access = RegistryAccess(host="r.example", push_from=("local:a/*",))
    assert access.allows("r.example/x", "local", "a/b")
    assert not access.allows("r.example:5000/x", "local", "a/b")
    assert not access.allows("r.example/x", "local", "ab/c")
