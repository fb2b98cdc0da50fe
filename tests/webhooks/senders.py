"""A delivery of each kind of sender, signed as that sender signs, and the instances it goes to."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sig_bots.sources import local
from tests.bots.sources.deliveries import PAGURE_KEY, SIGNING_SECRET, hex256, recorded, standard_webhook

SECRET = b"a secret of this hook"
OLD_SECRET = b"the secret of last year"
PATH_SECRET = b"path-secret-0123456789"
GITLAB_TOKEN = b"gitlab-token-0123456789"
BEARER = b"registry-bearer-0123456789"
PROJECT = "rpms/tools"
SECRETS = (SECRET, OLD_SECRET, PATH_SECRET, GITLAB_TOKEN, BEARER, SIGNING_SECRET, PAGURE_KEY)


@dataclass(frozen=True)
class Hook:
    """A request to a hook."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def with_headers(self, **headers: str | None) -> "Hook":
        """Header names with `_` for `-`; None takes one away."""
        given = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in given}
        return replace(self, headers={**kept, **{name: value for name, value in given.items() if value is not None}})

    def with_body(self, body: bytes) -> "Hook":
        return replace(self, body=body)


def github(body: bytes = b'{"zen": "x"}', secret: bytes = SECRET, ident: str = "guid-1", event: str = "ping") -> Hook:
    headers = {
        "Content-Type": "application/json", "X-GitHub-Event": event, "X-GitHub-Delivery": ident,
        "X-Hub-Signature-256": "sha256=" + hex256(secret, body), "User-Agent": "GitHub-Hookshot/1",
    }  # fmt: skip
    return Hook("/hooks/github", headers, body)


def forgejo(body: bytes = b'{"zen": "x"}', secret: bytes = SECRET) -> Hook:
    headers = {
        "Content-Type": "application/json", "X-Forgejo-Event": "push", "X-Forgejo-Delivery": "uuid-1",
        "X-Forgejo-Signature": hex256(secret, body), "X-GitHub-Event": "push", "X-GitHub-Delivery": "uuid-1",
        "X-Hub-Signature-256": "sha256=" + hex256(secret, body),
    }  # fmt: skip
    return Hook("/hooks/forgejo", headers, body)


def pagure(body: bytes | None = None, secret: bytes = PAGURE_KEY) -> Hook:
    one = next(one for one in recorded("pagure") if one.name == "push git.receive")
    body = one.body if body is None else body
    headers = {**one.headers, "X-Pagure-Signature-256": hex256(secret, body), "Content-Type": "application/json"}
    return Hook("/hooks/pagure", headers, body)


def gitlab(body: bytes = b'{"object_kind": "x"}', secret: bytes = GITLAB_TOKEN) -> Hook:
    headers = {
        "Content-Type": "application/json", "X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": secret.decode(),
        "Idempotency-Key": "key-1",
    }  # fmt: skip
    return Hook("/hooks/gitlab", headers, body)


def gitlab_signed(
    body: bytes = b'{"object_kind": "x"}', secret: bytes = SIGNING_SECRET, at: float | None = None
) -> Hook:
    signed = standard_webhook(body, secret=secret, at=int(time.time() if at is None else at))
    return Hook("/hooks/gitlab-signed", {"Content-Type": "application/json", "X-Gitlab-Event": "x", **signed}, body)


def quay(body: bytes = b'{"name": "x"}', secret: bytes = PATH_SECRET) -> Hook:
    return Hook(f"/hooks/quay/{secret.decode()}", {"Content-Type": "application/json"}, body)


def registry(body: bytes = b'{"events": []}', secret: bytes = BEARER) -> Hook:
    kind = "application/vnd.docker.distribution.events.v1+json"
    return Hook("/hooks/registry", {"Content-Type": kind, "Authorization": f"Bearer {secret.decode()}"}, body)


def here(body: bytes = b'{"zen": "x"}', secret: bytes = SECRET) -> Hook:
    return Hook("/hooks/here", local.sign(body, secret, "ping", "local-1"), body)


SENDERS: Mapping[str, Callable[..., Hook]] = {
    "github": github, "forgejo": forgejo, "pagure": pagure, "gitlab": gitlab, "gitlab-signed": gitlab_signed,
    "quay": quay, "registry": registry, "here": here,
}  # fmt: skip
HMAC_SENDERS = {name: SENDERS[name] for name in ("github", "forgejo", "pagure", "here")}
SIGNATURES = {
    "github": "X-Hub-Signature-256", "forgejo": "X-Forgejo-Signature", "pagure": "X-Pagure-Signature-256",
    "here": "X-Sigbot-Signature-256", "gitlab": "X-Gitlab-Token", "gitlab-signed": "webhook-signature",
    "registry": "Authorization",
}  # fmt: skip


def instances() -> list[dict[str, Any]]:
    """As they stand in sigbot.toml."""
    secrets = {
        "github": [SECRET, OLD_SECRET], "forgejo": [SECRET], "pagure": [], "gitlab": [GITLAB_TOKEN],
        "gitlab-signed": [SIGNING_SECRET], "quay": [PATH_SECRET], "registry": [BEARER], "here": [SECRET],
    }  # fmt: skip
    secrets["small"] = [SECRET]
    kinds = {"gitlab-signed": "gitlab", "here": "local", "small": "github"}
    return [
        {
            "name": name, "kind": kinds.get(name, name), "url": f"https://{name}.example.org",
            "hook_secrets": [secret.decode() for secret in active], "repositories": ["*"], **({"max_body": 1000} if name == "small" else {}),
        }
        for name, active in secrets.items()
    ]  # fmt: skip


def reworded(body: bytes) -> bytes:
    """The same JSON, written differently."""
    return json.dumps(json.loads(body), indent=3, sort_keys=True).encode()
