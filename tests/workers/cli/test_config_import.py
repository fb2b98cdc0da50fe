"""`sigbot config import`: the file of another tool in, ours and what was lost out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.workers.cli.conftest import Sigbot

TEXT = "version: 1\nlint: {}\nupdate:\n  labels:\n    - images\n"
LOST = "renovate.json: line 3: milestone: sigbot sets no milestone; use a label."


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "renovate.json"
    file.write_text('{\n "labels": ["images"],\n "milestone": 7\n}\n')
    return file


@pytest.mark.usefixtures("source")
def test_the_file_goes_to_output_and_the_losses_beside_it(sigbot: Sigbot) -> None:
    said = sigbot("config", "import", "renovate.json")
    assert (said.code, said.out, said.err) == (0, TEXT, f"{LOST}\n")


@pytest.mark.usefixtures("source")
def test_it_is_written_and_passes_the_check(sigbot: Sigbot, tmp_path: Path) -> None:
    said = sigbot("config", "import", "renovate.json", "--output", ".sigbot.yaml")
    assert (said.code, said.out, said.err) == (0, ".sigbot.yaml is written.\n", f"{LOST}\n")
    assert (tmp_path / ".sigbot.yaml").read_text() == TEXT
    assert sigbot("config", "check").code == 0


@pytest.mark.usefixtures("source")
def test_a_file_that_is_there_is_never_written_over(sigbot: Sigbot, tmp_path: Path) -> None:
    (tmp_path / ".sigbot.yaml").write_text("version: 1\n")
    said = sigbot("config", "import", "renovate.json", "--output", ".sigbot.yaml")
    assert said.code == 2
    assert said.err == "sigbot: .sigbot.yaml is there already; name another file and join the two by hand\n"
    assert (tmp_path / ".sigbot.yaml").read_text() == "version: 1\n"


@pytest.mark.usefixtures("source")
def test_json_holds_text_and_losses(sigbot: Sigbot) -> None:
    found = json.loads(sigbot("config", "import", "renovate.json", "--format", "json").out)
    assert list(found) == ["file", "output", "text", "losses"]
    assert found["text"] == TEXT
    assert found["losses"] == [{"key": "milestone", "line": 3, "message": "sigbot sets no milestone; use a label."}]


def test_a_file_of_no_known_tool_is_refused_in_a_sentence(sigbot: Sigbot, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{}")
    said = sigbot("config", "import", "package.json")
    assert said.code == 2
    assert said.err.startswith("sigbot: package.json has no section `renovate`. What can be imported: renovate.json, ")
