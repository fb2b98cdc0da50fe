"""The documentation of lint says what the rules say."""

import re

from sig_bots.config import RepoConfig, parse_config
from sig_bots.guidelines.check import RULES
from sig_bots.guidelines.page import rules_page
from sig_bots.roster import load_bots
from tests.bots.test_docs import DOCS, same_as_in

PAGE = DOCS / "lint.md"


def test_the_rules_on_the_page_are_those_of_the_code() -> None:
    assert same_as_in(PAGE, "rules", rules_page().strip()), "run this test with SIGBOT_RENEW_DOCS=1"


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
