"""`pip install sigbot` alone: the kernel and what needs no service; for the rest one sentence that names the extra."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.installing import ROOT, Environment
from tests.servers.process import free_port

pytestmark = pytest.mark.server

LOADED = """
import sys, sig_bots, sig_bots.testing
from sig_bots.roster import load_bots
load_bots()
print(" ".join(sorted({"flask", "celery", "kombu", "redis", "sqlalchemy", "ogr"} & set(sys.modules))) or "none")
"""


def test_the_kernel_the_bots_and_their_test_bench_need_no_extra(bare: Environment, tmp_path: Path) -> None:
    done = bare.run("python", "-c", LOADED, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("none\n", "")
    assert not [name for name in ("flask", "celery", "sqlalchemy", "ogr") if (bare.packages / name).exists()]


@pytest.mark.parametrize("words", [["bots"], ["schema"], ["graph", "fleet"], ["refs", "fleet"], ["doctor"]])
def test_what_needs_no_service_works_without_extras(bare: Environment, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "fleet").symlink_to(ROOT / "examples/fleet/web")
    done = bare.run("sigbot", *words, cwd=tmp_path, XDG_DATA_HOME=str(tmp_path))
    assert (done.returncode in (0, 1), done.stderr) == (True, "")
    assert done.stdout


def test_registries_are_asked_without_extras(bare: Environment, tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_text(f"FROM 127.0.0.1:{free_port()}/a/b:1\n")
    done = bare.run("sigbot", "update", cwd=tmp_path, XDG_DATA_HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
    assert "is not reachable" in done.stdout
    assert done.stderr.startswith("sigbot: 1 image could not be looked at")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["up"], 'of the extras web and worker: pip install "sigbot[web,worker]"'),
        (["serve"], 'of the extra web: pip install "sigbot[web]"'),
        (["worker"], 'of the extra worker: pip install "sigbot[worker]"'),
        (["beat"], 'of the extra worker: pip install "sigbot[worker]"'),
        (["run", "."], 'of the extras web and worker: pip install "sigbot[web,worker]"'),
        (["migrate"], 'of the extras web and worker: pip install "sigbot[web,worker]"'),
        (["jobs"], 'of the extras web and worker: pip install "sigbot[web,worker]"'),
        (["forge", "list"], 'of the extras web and worker: pip install "sigbot[web,worker]"'),
    ],
)
def test_a_command_names_the_extra_it_needs(bare: Environment, words: list[str], said: str, tmp_path: Path) -> None:
    done = bare.run("sigbot", *words, cwd=tmp_path, XDG_DATA_HOME=str(tmp_path / "home"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sigbot: this needs ")
    assert done.stderr.endswith(f", {said}\n")
    assert not (tmp_path / "home").exists()
