"""Recorded deliveries, and signing as each sender signs."""

import base64
import functools
import hashlib
import hmac
import json
import lzma
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAYLOADS = Path(__file__).parents[2] / "payloads"
SECRET = b"It's a Secret to Everybody"
PAGURE_KEY = b"pagure-project-key"
SIGNING_SECRET = b"whsec_" + base64.b64encode(b"k" * 32)
NOW = 1_700_000_000


@dataclass(frozen=True)
class Delivery:
    name: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def changed(self, data: Any) -> "Delivery":
        return Delivery(self.name, self.headers, json.dumps(data).encode())


@functools.cache
def github_examples() -> tuple[tuple[str, str, Any], ...]:
    """(folder, event, payload) of every example."""
    file = PAYLOADS / "github" / "octokit-webhooks-examples-7.6.1.json.xz"
    folders = json.loads(lzma.decompress(file.read_bytes()))
    return tuple(
        (folder, group["name"], payload)
        for folder, groups in folders.items()
        for group in groups
        for payload in group["examples"]
    )


def github_example(event: str, action: str | None = None) -> Delivery:
    """The first example of an event and action."""
    payload = next(p for _, name, p in github_examples() if name == event and p.get("action") == action)
    return github(event, payload)


def github(event: str, payload: Any) -> Delivery:
    body = json.dumps(payload).encode()
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-Hub-Signature-256": "sha256=" + hex256(SECRET, body),
    }
    return Delivery(f"{event} {payload.get('action')}", headers, body)


def recorded(source: str) -> Iterator[Delivery]:
    for line in (PAYLOADS / source / "deliveries.jsonl").read_text().splitlines():
        entry = json.loads(line)
        name = f"{entry.get('step', '')} {json.loads(entry['body']).get('topic', '')}".strip()
        yield Delivery(name, entry["headers"], entry["body"].encode())


def pagure(name: str) -> Delivery:
    """The recorded delivery of that step and topic."""
    return next(one for one in recorded("pagure") if one.name == name)


def resigned(delivery: Delivery, data: Any, key: bytes = PAGURE_KEY) -> Delivery:
    """A Pagure delivery with another body, signed like Pagure does."""
    body = json.dumps(data, sort_keys=True).encode()
    return Delivery(delivery.name, {**delivery.headers, "X-Pagure-Signature-256": hex256(key, body)}, body)


def hex256(secret: bytes, body: bytes) -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def standard_webhook(
    body: bytes, *, secret: bytes = SIGNING_SECRET, at: int = NOW, ident: str = "msg_1"
) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix(b"whsec_"))
    digest = hmac.digest(key, f"{ident}.{at}.".encode() + body, "sha256")
    return {
        "webhook-id": ident,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
