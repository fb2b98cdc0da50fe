"""What lint tells people on a pull request: the check's line and text, the living comment, the remarks beside the lines.

Whatever comes from a file (paths, names in messages) is shown as code or made harmless: it can neither notify anybody
nor start Markdown.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sig_bots.forge import Annotation
from sig_bots.lintreport import SEVERITIES, touched
from sig_bots.messages import cell, code
from sig_bots.tools import Finding
from sig_bots.wording import as_markdown, counted, plain_line

__all__ = [
    "Verdict", "comment", "comment_state", "fixed_comment", "prose", "remarks", "reply", "summary", "table", "worst_first",
]  # fmt: skip

_ROWS = 20
_MOST_REMARKS = 500
_LEVELS: Mapping[str, Literal["notice", "warning", "failure"]] = {
    "error": "failure",
    "warning": "warning",
    "info": "notice",
    "style": "notice",
}


@dataclass(frozen=True)
class Verdict:
    """What counts for a pull request or a commit."""

    findings: tuple[Finding, ...]
    """Findings that count: severe enough and, on a pull request, in its lines."""
    files: int
    """How many files were looked at."""
    older: int = 0
    """Findings as severe in lines the pull request leaves alone."""
    notes: tuple[str, ...] = ()
    whole: bool = False
    """All lines count (a commit of the default branch), not those of a pull request."""


def summary(verdict: Verdict) -> str:
    """One plain line for the check: how many, and the most severe of them (the first of several as severe)."""
    if not verdict.findings:
        text = "no Containerfile changed" if not verdict.files else f"nothing found in {_files(verdict.files)}"
        if verdict.files == 0 and verdict.whole:
            text = "there is no Containerfile"
    else:
        worst = worst_first(verdict.findings)[0]
        place = f"{worst.path}:{worst.line}: {worst.rule} {worst.message}"
        others = len(verdict.findings) - 1
        text = place if not others else f"{_counts(verdict.findings)}; the worst: {place}"
    if verdict.older:
        text += f" ({verdict.older} in lines this pull request leaves alone)"
    whole = text if text.endswith("...") else text.rstrip(".")
    return ". ".join(_plain(part) for part in (whole, *verdict.notes))


def table(verdict: Verdict, rows: int = _ROWS) -> str:
    """The findings as Markdown, most severe first; empty when there are none."""
    if not verdict.findings:
        return ""
    ordered = worst_first(verdict.findings)
    lines = ["| where | | what |", "|---|---|---|"]
    for one in ordered[:rows]:
        rule = f"[{one.rule}]({one.url})" if one.url else one.rule
        by = f", as {one.raised_by} says" if one.raised_by else ""
        lines.append(f"| {cell(f'{one.path}:{one.line}', 80)} | {one.severity} {rule}{by} | {prose(one.message)} |")
    if len(ordered) > rows:
        lines.append(f"\n{len(ordered) - rows} more are not shown here; `sigbot lint` lists them all.")
    return "\n".join(lines)


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Most severe first; findings as severe stay in their order."""
    return sorted(findings, key=lambda one: SEVERITIES.index(one.severity))


def comment(verdict: Verdict) -> str:
    """The living comment while there is something to mend."""
    fixable = sum(one.fixable for one in verdict.findings)
    where = "in the lines this pull request changes" if not verdict.whole else "in this commit"
    parts = [f"**Lint found {_counts(verdict.findings)} {where}.**", table(verdict)]
    if fixable:
        which = "all" if fixable == len(verdict.findings) else str(fixable)
        parts.append(f"`sigbot lint --fix` mends {'it' if len(verdict.findings) == 1 else f'{which} of them'}.")
    rule = worst_first(verdict.findings)[0].rule
    parts.append(f"To keep one as it is, write `# sigbot ignore={rule}` and the reason above the instruction.")
    if verdict.older:
        parts.append(f"Not counted: {counted(verdict.older, 'finding')} in lines that stay as they were.")
    parts += [prose(note) for note in verdict.notes]
    return "\n\n".join([*parts[:2], " ".join(parts[2:])])


def fixed_comment() -> str:
    """The living comment once nothing is left."""
    return "**Lint: all fixed.** Nothing is left of what was found here."


def reply(verdict: Verdict, *, table_elsewhere: bool) -> str:
    """Answer to `/sig lint`. The findings themselves follow unless the living comment has them."""
    if not verdict.findings:
        return f"Lint: {prose(summary(verdict))}"
    counts = f"Lint found {_counts(verdict.findings)} in {_files(verdict.files)}"
    notes = " ".join(prose(note) for note in verdict.notes)
    if table_elsewhere:
        return f"{counts}; they are listed in the comment of this pull request about lint. {notes}".strip()
    return f"{counts}. {notes}".strip() + f"\n\n{table(verdict)}"


def remarks(findings: Sequence[Finding], lines: Mapping[str, Collection[int] | None]) -> list[Annotation]:
    """Remarks for the diff, each on a line that changed. `lines`: path -> changed lines, None where unknown."""
    return [
        Annotation(
            path=one.path, line=touched(one, lines.get(one.path)) or one.line, level=_LEVELS[one.severity],
            title=one.rule, message=f"{plain_line(one.message)}. {one.url}".removesuffix(". "),
        )
        for one in findings[:_MOST_REMARKS]
    ]  # fmt: skip


def comment_state(verdict: Verdict) -> str:
    """Changes when other findings are there, not when they only moved up or down in the file."""
    rows = sorted(f"{one.path}\0{one.rule}\0{one.message}" for one in verdict.findings)
    return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def prose(text: str) -> str:
    """A message as Markdown: what stands in backticks becomes code, the rest is plain text whatever it holds."""
    parts = " ".join(text.split()).split("`")
    if len(parts) % 2 == 0:  # an odd backtick opens nothing
        parts = ["'".join(parts)]
    return "".join(code(part, 160) if index % 2 else as_markdown(part) for index, part in enumerate(parts))


def _plain(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in plain_line(text))
    short = printable if len(printable) <= 250 else f"{printable[:249]}…"
    return short.replace("@", "@\u200b").replace("<", "‹")


def _counts(findings: Sequence[Finding]) -> str:
    number = Counter(one.severity for one in findings)
    words = {
        "error": ("error",), "warning": ("warning",), "info": ("remark",), "style": ("matter of style", "matters of style"),
    }  # fmt: skip
    parts = [counted(number[severity], *words[severity]) for severity in SEVERITIES if number[severity]]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _files(number: int) -> str:
    return counted(number, "file")
