"""A lint report for people, for programs (JSON), for code scanning (SARIF 2.1.0) and for CI (JUnit XML)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as Xml

from rich.console import Console
from rich.text import Text

from sig_bots.guidelines.check import RULES
from sig_bots.lintreport import SEVERITIES, Threshold
from sig_bots.tools import Finding
from sig_bots.wording import counted

__all__ = ["Shown", "as_junit", "as_sarif", "as_value", "write_text"]

_COLOURS = {"error": "bold red", "warning": "yellow", "info": "cyan", "style": "dim"}
_LEVELS: Mapping[str, str] = {"error": "error", "warning": "warning", "info": "note", "style": "note"}
_SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Shown:
    """A report as it is printed. `marks` are the findings' fingerprints, `counted` those at or above the threshold."""

    findings: tuple[Finding, ...]
    marks: tuple[str, ...]
    files: tuple[str, ...]
    threshold: Threshold
    counted: tuple[Finding, ...]
    fixed: tuple[Finding, ...] = ()
    known: int = 0
    """Findings of the baseline, which are not listed."""
    notes: tuple[str, ...] = ()


# ---------------------------------------------------------------- people


def write_text(shown: Shown, output: Console) -> None:
    """Grouped and coloured on a terminal; elsewhere one line per finding, `path:line:column: severity: what [rule]`."""
    for finding in shown.fixed:
        output.print(
            Text(
                f"fixed {_one_line(finding.path)}:{finding.line}: {finding.rule} {_one_line(finding.message)}", "green"
            )
        )
    if output.is_terminal:
        _grouped(shown, output)
    else:
        for one in shown.findings:
            column = f":{one.column}" if one.column else ""
            output.print(
                Text(
                    f"{_one_line(one.path)}:{one.line}{column}: {one.severity}: {_one_line(one.message)} [{_rules(one)}]"
                )
            )
    output.print(Text(_conclusion(shown), "" if shown.counted else "green"))


def _grouped(shown: Shown, output: Console) -> None:
    for path, group in groupby(shown.findings, key=lambda one: one.path):
        output.print(Text(_one_line(path), "bold underline"))
        for one in group:
            line = Text(f"{one.line:>5}  ")
            line.append(f"{one.severity:<8}", _COLOURS[one.severity])
            line.append(f"{one.rule:<8}", f"link {one.url}" if one.url.startswith("https://") else "")
            line.append(_one_line(one.message))
            if one.raised_by:
                line.append(f"  ({one.severity} by {one.raised_by})", "dim")
            if one.fixable:
                line.append("  (--fix)", "dim")
            output.print(line)
        output.print()


def _conclusion(shown: Shown) -> str:
    files = counted(len(shown.files), "file")
    counts = Counter(one.severity for one in shown.findings)
    uncounted = ("info", "style")
    parts = [
        counted(counts[severity], severity, severity if severity in uncounted else "")
        for severity in SEVERITIES
        if counts[severity]
    ]
    text = f"{', '.join(parts)} in {files}" if parts else f"nothing found in {files}"
    if shown.findings and not shown.counted:
        text += f", none as severe as {shown.threshold}"
    if fixable := sum(one.fixable for one in shown.findings):
        text += f"; --fix mends {fixable}"
    if shown.known:
        text += f"; {shown.known} in the baseline"
    return f"{text}."


def _rules(one: Finding) -> str:
    """The rule, and the other engine's where that made the finding more severe."""
    return f"{one.rule}, {one.raised_by}" if one.raised_by else one.rule


def _one_line(text: str) -> str:
    """Nothing in a file or its name may move the cursor or colour the terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)


# ---------------------------------------------------------------- programs


def as_value(shown: Shown) -> dict[str, Any]:
    """The JSON form; keys are only ever added."""
    counts = Counter(one.severity for one in shown.findings)
    return {
        "version": 1,
        "files": len(shown.files),
        "threshold": shown.threshold,
        "counts": {severity: counts[severity] for severity in SEVERITIES},
        "findings": [
            {**_row(one), "fingerprint": mark} for one, mark in zip(shown.findings, shown.marks, strict=True)
        ],
        "fixed": [_row(one) for one in shown.fixed],
        "baseline": shown.known,
        "notes": list(shown.notes),
    }  # fmt: skip


def _row(one: Finding) -> dict[str, Any]:
    return {
        "path": one.path, "line": one.line, "end_line": one.end_line or one.line, "column": one.column,
        "severity": one.severity, "rule": one.rule, "message": one.message, "url": one.url, "engine": one.engine,
        "raised_by": one.raised_by, "fixable": one.fixable,
    }  # fmt: skip


def as_sarif(shown: Shown) -> dict[str, Any]:
    """SARIF 2.1.0 (OASIS), as code scanning services read it: one run, one result per finding."""
    titles = {rule.id: rule for rule in RULES}
    ids = sorted({one.rule for one in shown.findings})
    links = {one.rule: one.url for one in shown.findings}
    rules: list[dict[str, Any]] = []
    for name in ids:
        rule = titles.get(name)
        described: dict[str, Any] = {"id": name}
        if links[name]:
            described["helpUri"] = links[name]
        if rule is not None:
            described |= {"shortDescription": {"text": rule.title}, "fullDescription": {"text": rule.reason}}
        rules.append(described)
    notifications = [{"level": "warning", "message": {"text": note}} for note in shown.notes]
    return {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "sigbot", "version": version("sigbot"), "rules": rules}},
                "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notifications}],
                "columnKind": "unicodeCodePoints",
                "results": [
                    _result(one, mark, ids) for one, mark in zip(shown.findings, shown.marks, strict=True)
                ],
            }
        ],
    }  # fmt: skip


def _result(one: Finding, mark: str, ids: list[str]) -> dict[str, Any]:
    region: dict[str, int] = {"startLine": one.line, "endLine": max(one.end_line or one.line, one.line)}
    if one.column:
        region["startColumn"] = one.column
    path = quote(one.path.encode("utf-8", "surrogateescape"))
    uri = f"file://{path}" if PurePosixPath(one.path).is_absolute() else path
    return {
        "ruleId": one.rule,
        "ruleIndex": ids.index(one.rule),
        "level": _LEVELS[one.severity],
        "message": {"text": one.message},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}],
        "partialFingerprints": {"sigbot/v1": mark},
    }


def as_junit(shown: Shown) -> str:
    """JUnit XML: a suite per file, a failed test per finding that counts, a skipped one per other finding."""
    suites = Xml.Element("testsuites", name="sigbot lint")
    by_path: dict[str, list[Finding]] = {path: [] for path in shown.files}
    for finding in shown.findings:
        by_path.setdefault(finding.path, []).append(finding)
    counting = set(shown.counted)
    total = 0
    for path, findings in by_path.items():
        failed = sum(one in counting for one in findings)
        total += failed
        suite = Xml.SubElement(
            suites, "testsuite", name=_xml(path), tests=str(max(len(findings), 1)), failures=str(failed), errors="0",
            skipped=str(len(findings) - failed),
        )  # fmt: skip
        for one in findings:
            case = Xml.SubElement(suite, "testcase", classname=_xml(path), name=_xml(f"{one.rule} line {one.line}"))
            message = _xml(f"{one.severity}: {one.message}")
            if one in counting:
                place = Xml.SubElement(case, "failure", message=message, type=one.rule)
                place.text = _xml(f"{one.path}:{one.line}: {one.message}\n{one.url}")
            else:
                Xml.SubElement(case, "skipped", message=message)
        if not findings:
            Xml.SubElement(suite, "testcase", classname=_xml(path), name="lint")
    suites.set("tests", str(sum(max(len(group), 1) for group in by_path.values())))
    suites.set("failures", str(total))
    Xml.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(suites, encoding="unicode")


def _xml(text: str) -> str:
    return _NOT_IN_XML.sub("�", text)
