"""Containerfiles -> findings of our own rules, and files mended by those rules that can. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from sig_bots.containerfile import problems
from sig_bots.guidelines import base_images, building, labels, packages, running
from sig_bots.guidelines.document import Document
from sig_bots.guidelines.ignores import Ignores, read_ignores
from sig_bots.guidelines.model import Edit, Hit, Rule
from sig_bots.tools import Finding

__all__ = ["PARSE", "RULES", "RULES_BY_NAME", "Fixed", "LintedFile", "check", "fix"]

SIZE_LIMIT = 1 << 20
"""Bytes; a larger file is not read."""
MOST_HITS = 500
"""Findings of one rule in one file; nobody reads more."""
_PASSES = 4
"""One fix can make room for the next one (a qualified name, then the line it stands in)."""


def does_not_parse(document: Document) -> Iterator[Hit]:
    """Whatever makes a builder refuse the file."""
    for problem in document.problems[:20]:
        yield Hit(problem.line, problem.line, f"this does not parse: {problem.message}")


PARSE = Rule(
    id="SIG000", severity="error", title="The file does not parse",
    reason="No builder accepts the file, so nothing else in it is looked at.",
    link="https://docs.docker.com/reference/dockerfile/", bad="RUM true", good="RUN true", check=does_not_parse,
)  # fmt: skip

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (PARSE, *base_images.RULES, *labels.RULES, *running.RULES, *packages.RULES, *building.RULES),
        key=lambda rule: rule.id,
    )
)
"""All rules, by id."""

RULES_BY_NAME: Mapping[str, tuple[Rule, ...]] = {
    name: tuple(rule for rule in RULES if name in (rule.id, *rule.hadolint))
    for rule in RULES
    for name in (rule.id, *rule.hadolint)
}
"""Our ids and hadolint's ids of the same matters -> our rules."""


class LintedFile:
    """One file, read once: its instructions, its ignore comments, and what the rules say."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.too_large = len(data) > SIZE_LIMIT
        self.document = Document(b"" if self.too_large else data)
        self.ignores: Ignores = read_ignores(self.document.data, self.document.instructions)
        self._starts = [instruction.line for instruction in self.document.instructions]

    @property
    def parses(self) -> bool:
        """Whether a builder would accept it."""
        return not self.too_large and not self.document.problems

    def span(self, line: int) -> tuple[int, int]:
        """First and last line of the instruction that holds the line; the line itself between instructions."""
        index = bisect_right(self._starts, line) - 1
        if index < 0:
            return line, line
        instruction = self.document.instructions[index]
        end = instruction.end_line
        return (instruction.line, end) if line <= end else (line, line)

    def in_image(self, line: int) -> bool:
        """Whether the instruction that starts on the line is part of the image, not of a stage that is only copied from."""
        return line not in self._beside

    @cached_property
    def _beside(self) -> frozenset[int]:
        document = self.document
        return frozenset(step.instruction.line for step in document.steps if step.stage not in document.final)

    def hits(self, ignore: Collection[str] = ()) -> Iterator[tuple[Rule, Hit]]:
        """What the rules say, but for what comments or `ignore` (ids, also hadolint's) silence."""
        if self.too_large:
            yield PARSE, Hit(1, 1, "this does not parse: it is larger than 1 MiB")
            return
        for rule in (PARSE,) if self.document.problems else RULES:
            names = (rule.id, *rule.hadolint)
            if rule is not PARSE and not set(names).isdisjoint(ignore):
                continue
            for hit in islice(rule.check(self.document), MOST_HITS):
                if rule is PARSE or not self.ignores.silences(names, self.span(hit.line)[0]):
                    yield rule, hit

    def findings(self, ignore: Collection[str] = ()) -> list[Finding]:
        """The same as findings, in the order of the lines."""
        found = [_finding(self.path, rule, hit) for rule, hit in self.hits(ignore)]
        return sorted(found, key=lambda one: (one.line, one.rule))


def check(files: Mapping[str, bytes], *, ignore: Collection[str] = ()) -> list[Finding]:
    """Findings of our own rules for path -> content, by path, line and rule.

    `ignore` holds ids of rules, ours or hadolint's for the same matter. A file that does not parse gives only that.
    Any bytes give a list.
    """
    return [finding for path in sorted(files) for finding in LintedFile(path, files[path]).findings(ignore)]


@dataclass(frozen=True)
class Fixed:
    """A mended file and what was mended in it (with the lines of the file before)."""

    data: bytes
    fixed: tuple[Finding, ...] = ()


def fix(path: str, data: bytes, *, ignore: Collection[str] = ()) -> Fixed:
    """Mend what can be mended by rule: text in, text out. A change after which the file would not parse is not made.

    Silenced findings are left alone. The same file again is not changed any more.
    """
    done: list[Finding] = []
    for _ in range(_PASSES):
        file = LintedFile(path, data)
        if not file.parses:
            break
        taken: list[Edit] = []
        mended: list[Finding] = []
        for rule, hit in file.hits(ignore):
            if hit.edits and not any(_overlap(edit, other) for edit in hit.edits for other in taken):
                taken.extend(hit.edits)
                mended.append(_finding(path, rule, hit))
        after = _applied(data, taken)
        if after == data or problems(after):
            break
        data = after
        done.extend(mended)
    return Fixed(data, tuple(done))


def _applied(data: bytes, edits: list[Edit]) -> bytes:
    for edit in sorted(edits, reverse=True):
        data = data[: edit.start] + edit.text + data[edit.end :]
    return data


def _overlap(one: Edit, other: Edit) -> bool:
    return one.start == other.start or (one.start < other.end and other.start < one.end)


def _finding(path: str, rule: Rule, hit: Hit) -> Finding:
    return Finding(
        rule=rule.id, path=path, line=hit.line, end_line=hit.end_line, severity=rule.severity, message=hit.message,
        url=rule.link, fixable=bool(hit.edits),
    )  # fmt: skip
