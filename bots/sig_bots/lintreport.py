"""One report from two engines: hadolint's findings and our own, each matter once, silenced ones gone, in a steady order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sig_bots.errors import UserError
from sig_bots.guidelines.check import PARSE, RULES_BY_NAME, LintedFile
from sig_bots.tools import Finding, Linter

__all__ = [
    "DEMOTED", "SEVERITIES", "LintReport", "Threshold", "at_least", "fingerprints", "is_whole_file", "lint_files",
    "merged", "touched",
]  # fmt: skip

type Threshold = Literal["error", "warning", "info", "style"]

SEVERITIES: tuple[Threshold, ...] = ("error", "warning", "info", "style")
"""Most severe first."""

DEMOTED: Mapping[str, Threshold] = {"DL3041": "style", "DL3033": "style"}
"""hadolint asks to write the version of each package; Fedora's repositories keep only the newest build of a package,
so such a Containerfile stops to build with the next update. Shown as style, which fails nothing by default."""


@dataclass(frozen=True)
class LintReport:
    """What both engines found in some files."""

    findings: tuple[Finding, ...]
    """By path, line and rule."""
    files: Mapping[str, LintedFile] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """Sentences about the run itself: an engine that is missing."""


def lint_files(files: Mapping[str, bytes], linter: Linter | None, ignore: Collection[str] = ()) -> LintReport:
    """Lint path -> content. Without an engine, or when it says why it cannot run, our own rules are the report.

    Raises what the engine raises besides UserError (Transient: try again).
    """
    linted = {path: LintedFile(path, files[path]) for path in sorted(files)}
    notes: list[str] = []
    found: Sequence[Finding] = ()
    try:
        found = linter.lint({path: one.data for path, one in linted.items() if one.parses}) if linter else ()
    except UserError as error:
        notes.append(f"Only sigbot's own rules were checked: {error}")
    return LintReport(tuple(merged(linted, found, ignore)), linted, tuple(notes))


def merged(files: Mapping[str, LintedFile], engine: Iterable[Finding], ignore: Collection[str] = ()) -> list[Finding]:
    """Our findings in the files and the engine's, sorted.

    A matter that both found in one instruction stays once: as ours, which knows the line in it and perhaps a fix, with
    the more severe of the two severities; `raised_by` names the engine and rule when that is not ours. An id silences its matter whichever engine sees it.
    """
    ours = [finding for file in files.values() for finding in file.findings(ignore)]
    twins: dict[tuple[str, str, int], int] = {}
    """(path, rule, first line of the instruction) -> its place in `ours`."""
    for index, finding in enumerate(ours):
        twins.setdefault((finding.path, finding.rule, files[finding.path].span(finding.line)[0]), index)
    theirs: list[Finding] = []
    for finding in engine:
        file = files.get(finding.path)
        if file is None or not file.parses:
            continue
        rules = RULES_BY_NAME.get(finding.rule, ())
        same = [rule.id for rule in rules]
        start, end = file.span(finding.line)
        if any(rule.image_only for rule in rules) and not file.in_image(start):
            continue
        names = {finding.rule, *same}
        if not names.isdisjoint(ignore) or file.ignores.silences(names, start):
            continue
        severity = DEMOTED.get(finding.rule, finding.severity)
        twin = next((twins[key] for rule in same if (key := (finding.path, rule, start)) in twins), None)
        if twin is None:
            theirs.append(finding.model_copy(update={"severity": severity, "end_line": max(end, finding.line)}))
        elif SEVERITIES.index(severity) < SEVERITIES.index(ours[twin].severity):
            update = {"severity": severity, "raised_by": f"{finding.engine} {finding.rule}"}
            ours[twin] = ours[twin].model_copy(update=update)
    return sorted([*ours, *theirs], key=lambda one: (one.path, one.line, one.column or 0, one.rule, one.message))


def at_least(findings: Iterable[Finding], threshold: Threshold) -> list[Finding]:
    """The findings that are as severe as the threshold, or more."""
    counted = SEVERITIES[: SEVERITIES.index(threshold) + 1]
    return [finding for finding in findings if finding.severity in counted]


def touched(finding: Finding, lines: Collection[int] | None) -> int | None:
    """The first line of the finding that is among `lines` (its own line when they are unknown), None when none is.

    A file that does not parse concerns whoever changes it.
    """
    if lines is None or finding.line in lines or finding.rule == PARSE.id:
        return finding.line
    return next((line for line in range(finding.line, (finding.end_line or finding.line) + 1) if line in lines), None)


def is_whole_file(finding: Finding) -> bool:
    """Whether it is about something the file lacks, so that no line of it is to blame."""
    return any(rule.whole_file for rule in RULES_BY_NAME.get(finding.rule, ()) if rule.id == finding.rule)


def fingerprints(report: LintReport, named: Callable[[str], str] = str) -> list[str]:
    """A short name per finding that survives changes elsewhere in the file: path, rule and text of its instruction.

    `named` gives the path as it counts (relative to a fixed folder, say). The same finding twice (two equal
    instructions) gets two names.
    """
    names: list[str] = []
    seen: dict[str, int] = {}
    for finding in report.findings:
        file = report.files.get(finding.path)
        text = b""
        if file is not None and not is_whole_file(finding):
            start, end = file.span(finding.line)
            text = b"".join(b" ".join(line.split()) for line in file.data.split(b"\n")[start - 1 : end])
        key = hashlib.sha256(
            f"{named(finding.path)}\0{finding.rule}\0".encode("utf-8", "surrogateescape") + text
        ).hexdigest()[:20]
        seen[key] = seen.get(key, 0) + 1
        names.append(key if seen[key] == 1 else f"{key}-{seen[key]}")
    return names
