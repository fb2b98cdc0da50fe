"""event and send: every source's payloads, parsed, and signed as their senders sign."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sig_bots.errors import Unauthorized
from sig_bots.sources.kinds import KINDS, PATH_SECRET_HEADER
from sig_bots.sources.lookup import source
from sig_workers.cli.signing import signed
from tests.workers.cli.conftest import Sigbot

PUSH = {
    "repo": {"path": "fleet/web", "id": "1", "private": False, "default_branch": "main"},
    "actor": {"login": "alice", "id": "local:alice"},
    "ref": "refs/heads/main", "before": "0" * 40, "after": "a" * 40, "paths": ["Containerfile"],
}  # fmt: skip
PAGURE = json.dumps({"msg": {"project_fullname": "rpms/demo", "pagure_instance": "https://pagure.example"}}).encode()
SECRETS = {"gitlab-signing": b"whsec_c2VjcmV0IGtleSBvZiBhIGhvb2s="}


@pytest.mark.parametrize("kind", [*KINDS, "gitlab-signing"])
def test_a_signed_payload_passes_its_sources_check_and_only_with_the_secret(kind: str) -> None:
    name, body = kind.removesuffix("-signing"), PAGURE if kind == "pagure" else b'{"a": 1}'
    secret = SECRETS.get(kind, b"hunter2hunter2")
    headers, end = signed(name, {}, body, secret)
    if end:
        headers[PATH_SECRET_HEADER] = end.removeprefix("/")
    source(name).verify(headers, body, [b"another", secret])
    with pytest.raises(Unauthorized):
        source(name).verify(headers, body, [b"another"])


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS.values() if kind.event_header])
def test_a_delivery_gets_an_id_unless_one_is_given(kind: str) -> None:
    first, _ = signed(kind, {}, b"{}", b"secret")
    second, _ = signed(kind, {}, b"{}", b"secret")
    assert source(kind).delivery_id(first, b"{}") != source(kind).delivery_id(second, b"{}")


def test_an_event_is_planned_with_the_given_configuration(sigbot: Sigbot, tmp_path: Path) -> None:
    (tmp_path / "push.json").write_text(json.dumps(PUSH))
    (tmp_path / "config.yaml").write_text("version: 1\nupdate: {}\n")
    words = ["event", "push.json", "--source", "local", "--header", "X-Sigbot-Event: push"]
    said = sigbot(*words, "--config", "config.yaml")
    assert said.code == 0
    (planned,) = json.loads(said.out)["events"]
    assert planned["event"]["kind"] == "push"
    assert [(job["bot"], job["handler"]) for job in planned["jobs"]] == [("update", "after_push")]
    assert planned["verdicts"]["lint"] == "not enabled in this repository's .sigbot.yaml"
    default = json.loads(sigbot(*words).out)["events"][0]
    assert [job["bot"] for job in default["jobs"]] == ["lint"]


def test_an_ignored_payload_is_a_finding_with_the_reason(sigbot: Sigbot) -> None:
    said = sigbot("event", "-", "--source", "github", "--header", "X-GitHub-Event: ping", stdin='{"zen": "x"}')
    assert said.code == 1
    assert json.loads(said.out)["result"] in ("ignored", "rejected")
    assert json.loads(said.out)["reason"]


def test_what_is_no_json_is_rejected(sigbot: Sigbot) -> None:
    said = sigbot("event", "-", "--source", "github", "--header", "X-GitHub-Event: push", stdin="{")
    assert (said.code, json.loads(said.out)["result"]) == (1, "rejected")
