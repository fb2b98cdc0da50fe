"""The rules as Markdown, for the documentation: made from the rules' own data, so that it cannot be out of date."""

from __future__ import annotations

from collections.abc import Iterable

from sig_bots.guidelines.check import RULES, LintedFile
from sig_bots.guidelines.model import Rule

__all__ = ["rules_page"]


def rules_page(rules: Iterable[Rule] = RULES) -> str:
    """A table of all rules, then a section for each."""
    known = list(rules)
    rows = [
        f"| [{rule.id}](#{rule.id.lower()}) | {rule.severity} | {rule.title} | {'yes' if _fixable(rule) else ''} |"
        for rule in known
    ]
    table = ["| rule | severity | what is wrong | fix |", "|---|---|---|---|", *rows]
    return "\n".join(table) + "\n\n" + "\n".join(_section(rule) for rule in known)


def _fixable(rule: Rule) -> bool:
    return any(hit.edits for _, hit in LintedFile("example", rule.example(rule.bad)).hits())


def _section(rule: Rule) -> str:
    others = []
    if rule.hadolint:
        others.append(f"hadolint: {', '.join(f'`{name}`' for name in rule.hadolint)}")
    if rule.colin:
        others.append(f"colin: {', '.join(f'`{name}`' for name in rule.colin)}")
    same = f" The same matter elsewhere: {'; '.join(others)}." if others else ""
    return (
        f"### {rule.id}\n\n{rule.title} ({rule.severity}). {rule.reason} [More]({rule.link}).{same}\n\n"
        f"Wrong:\n\n{_indented(rule.bad)}\n\nRight:\n\n{_indented(rule.good)}\n"
    )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.split("\n"))
