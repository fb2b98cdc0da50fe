"""What an idle worker has loaded: libraries of forges, buses and web pages only come with the job that needs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_IDLE = """
import os, sys
from celery.signals import worker_ready

@worker_ready.connect
def tell(**_):
    os.write(1, " ".join(sys.modules).encode())  # Celery has sys.stdout
    os._exit(0)

sys.argv[1:] = ["worker", "--pool", "solo"]
from sig_workers.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the modules of `sigbot worker` at the moment it takes work."""
    env = {**os.environ, "SIGBOT_DATA": str(tmp_path_factory.mktemp("data")), "SIGBOT_BROKER": "filesystem"}
    env.pop("SIGBOT_CONFIG", None)
    done = subprocess.run(
        [sys.executable, "-c", _IDLE], env=env, cwd=Path("/"), capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split())


def test_an_idle_worker_is_a_worker_with_its_bots(loaded: set[str]) -> None:
    assert {"celery", "sig_workers.tasks", "sig_bots.plugins.lint"} <= loaded


@pytest.mark.parametrize(
    "name", ["ogr", "github", "gitlab", "fedora_messaging", "twisted", "flask", "alembic", "requests"]
)
def test_an_idle_worker_has_not_loaded(name: str, loaded: set[str]) -> None:
    assert name not in loaded


def test_an_idle_worker_has_loaded_no_database_it_does_not_use(loaded: set[str]) -> None:
    foreign = ("mysql", "mssql", "oracle")
    assert not [
        module for module in loaded if module.startswith(tuple(f"sqlalchemy.dialects.{name}" for name in foreign))
    ]
    assert "psycopg" not in loaded


_COMMANDS = """
import sys
from sig_workers.advisories.factory import make_advisories
from sig_workers.cli import authoring, doctor, graph, lint, packages, references, update
from sig_workers.registries.answerfile import FileAnswers
from sig_workers.registries.factory import make_registry
print(" ".join(sys.modules))
"""


@pytest.mark.parametrize("name", ["sqlalchemy", "celery", "flask", "redis", "ogr"])
def test_the_commands_on_a_checkout_have_not_loaded(name: str) -> None:
    """They work where no extra is installed, and start in a third of a second."""
    done = subprocess.run([sys.executable, "-c", _COMMANDS], capture_output=True, text=True, timeout=60, check=True)
    assert name not in done.stdout.split()
