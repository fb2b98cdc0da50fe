"""The documentation of lint says what the rules say."""

import os
import re
from pathlib import Path

from sig_bots.config import RepoConfig, parse_config
from sig_bots.guidelines.check import RULES
from sig_bots.guidelines.page import rules_page
from sig_bots.roster import load_bots

PAGE = Path(__file__).parents[3] / "docs" / "lint.md"
BLOCK = re.compile(r"(<!-- rules: begin [^>]*-->\n)(.*?)(<!-- rules: end -->)", re.DOTALL)


def test_the_rules_on_the_page_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    wanted = rules_page()
    if os.environ.get("SIGBOT_RENEW_DOCS") == "1":
        text = BLOCK.sub(lambda match: f"{match[1]}\n{wanted}\n{match[3]}", text)
        PAGE.write_text(text, encoding="utf-8")
    found = BLOCK.search(text)
    assert found is not None
    assert found[2].strip() == wanted.strip(), "run this test with SIGBOT_RENEW_DOCS=1"


def test_each_rule_has_its_own_heading_to_link_to() -> None:
    headings = re.findall(r"^### (SIG\d+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [rule.id for rule in RULES]


def test_the_configuration_on_the_page_is_valid() -> None:
    text = PAGE.read_text(encoding="utf-8")
    section = re.search(r"^    lint:\n(?:      .*\n)+", text, re.MULTILINE)
    assert section is not None
    assert isinstance(
        parse_config(b"version: 1\n" + re.sub(r"(?m)^    ", "", section[0]).encode(), load_bots()), RepoConfig
    )
