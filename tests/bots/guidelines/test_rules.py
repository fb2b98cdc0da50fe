"""Every rule says what it is for, finds its bad example and nothing else, and leaves its good one alone."""

import re

import pytest

from sig_bots.guidelines.check import RULES, check, fix
from sig_bots.guidelines.model import Rule

BY_RULE = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


@BY_RULE
def test_the_bad_example_gives_exactly_this_finding_at_its_line(rule: Rule) -> None:
    data = rule.example(rule.bad)
    (found,) = check({"Containerfile": data})
    assert (found.rule, found.severity) == (rule.id, rule.severity)
    expected = data.split(rule.bad.encode())[0].count(b"\n") + 1
    assert found.line == (1 if rule.whole_file else expected)


@BY_RULE
def test_the_good_example_gives_none(rule: Rule) -> None:
    assert check({"Containerfile": rule.example(rule.good)}) == []


@BY_RULE
def test_a_rule_says_why_and_where_to_read_more(rule: Rule) -> None:
    assert re.fullmatch(r"SIG\d{3}", rule.id)
    assert rule.link.startswith("https://")
    assert len(rule.reason) > 40
    assert rule.reason.endswith(".")
    assert not rule.title.endswith(".")


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if check({"x": rule.example(rule.bad)})[0].fixable], ids=lambda r: r.id
)
def test_a_fix_makes_the_good_example_of_the_bad_one(rule: Rule) -> None:
    fixed = fix("Containerfile", rule.example(rule.bad))
    assert fixed.data == rule.example(rule.good)
    assert [one.rule for one in fixed.fixed] == [rule.id]
    assert fix("Containerfile", fixed.data).fixed == ()


def test_ids_are_unique_and_there_are_fixes() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES) >= 10
    fixable = [rule.id for rule in RULES if check({"x": rule.example(rule.bad)})[0].fixable]
    assert fixable == ["SIG003", "SIG006", "SIG007", "SIG011", "SIG012", "SIG014"]
