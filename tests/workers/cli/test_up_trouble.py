"""`sigbot up` on folders that cannot be used, and its supervisor with processes that keep dying."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sig_workers.cli.claim import claimed
from sig_workers.cli.supervisor import AT_ONCE, Supervisor
from tests.workers.cli.conftest import Sigbot


def test_a_file_cannot_be_the_data_folder(sigbot: Sigbot, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in ("file", "file/below"):
        said = sigbot("up", "--data", tmp_path / folder)
        assert (said.code, said.out) == (2, "")
        assert "cannot be the data folder" in said.err


def test_a_new_data_folder_is_its_owners_alone(tmp_path: Path) -> None:
    with claimed(tmp_path / "parent" / "data"):
        assert (tmp_path / "parent" / "data").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 1}'])
def test_a_damaged_hook_file_is_a_sentence_that_says_what_to_do(sigbot: Sigbot, tmp_path: Path, text: str) -> None:
    (tmp_path / "local-forge.json").write_text(text)
    said = sigbot("up", "--data", tmp_path)
    assert said.code == 2
    assert "local-forge.json is damaged; delete it" in said.err


def test_a_process_that_keeps_dying_is_started_less_often_and_never_given_up(tmp_path: Path) -> None:
    mended = tmp_path / "mended"
    program = f"import os, time; time.sleep(60 if os.path.exists({str(mended)!r}) else 0); raise SystemExit(3)"
    supervisor = Supervisor(tmp_path / "logs", {})
    supervisor.start("web", [sys.executable, "-S", "-c", program])
    child = supervisor.children["web"]
    try:
        said: list[str] = []

        def waits() -> bool:
            said.extend(supervisor.check())
            return child.again is not None

        _until(waits)
        assert (len(said), child.restarts) == (AT_ONCE + 1, AT_ONCE + 1)
        assert said[0] == "web ended with 3 and is started again"
        assert said[-1].startswith("web ended with 3 and is started again in 2 s; see ")
        mended.touch()
        _until(lambda: supervisor.check() == [] and child.again is None)
        time.sleep(0.2)
        assert child.process.poll() is None
    finally:
        supervisor.stop()


def _until(look: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not look():
        assert time.monotonic() < end
        time.sleep(0.02)
