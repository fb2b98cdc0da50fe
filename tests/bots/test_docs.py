"""The pages for people say what the code does."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sig_bots.config import RepoConfig, parse_config
from sig_bots.help import help_data, help_markdown
from sig_bots.roster import load_bots

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"(<!-- commands: begin [^>]*-->\n)(.*?)(<!-- commands: end -->)", re.DOTALL)


def test_the_table_of_commands_is_that_of_the_bots() -> None:
    page = DOCS / "commands.md"
    text = page.read_text(encoding="utf-8")
    wanted = help_markdown(help_data(load_bots()))
    if os.environ.get("SIGBOT_RENEW_DOCS") == "1":
        text = BLOCK.sub(lambda match: f"{match[1]}{wanted}\n{match[3]}", text)
        page.write_text(text, encoding="utf-8")
    found = BLOCK.search(text)
    assert found is not None
    assert found[2].strip() == wanted, "run this test with SIGBOT_RENEW_DOCS=1"


def indented_yaml(name: str) -> list[str]:
    text = (DOCS / name).read_text(encoding="utf-8")
    blocks = re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in blocks]


@pytest.mark.parametrize("block", indented_yaml("configuration.md"))
def test_every_example_of_the_configuration_page_is_valid(block: str) -> None:
    data = block if block.startswith("version:") else f"version: 1\n{block}"
    assert isinstance(parse_config(data.encode(), load_bots()), RepoConfig)
