"""A Containerfile as the rules look at it: its steps, its stages, the commands its RUNs run, and where all that stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from sig_bots.containerfile import Instruction, Problem, Reference, lex, problems, references
from sig_bots.guidelines.shell import Command, ShellWord, commands

__all__ = ["Document", "Script", "Stage", "Step"]

_NEWLINE = re.compile(rb"\n")
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_SHEBANG = re.compile(rb"#![^\n]*?(?:^|[/ ])([a-z]*sh)(?:[ \r]|\n|\Z)")
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction, or the one an ONBUILD holds, and the number of its stage (-1 above the first FROM)."""

    instruction: Instruction
    stage: int
    onbuild: bool = False

    @property
    def keyword(self) -> str:
        """Upper-case name of the instruction."""
        return self.instruction.keyword


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage: its FROM, its name (lower case, may be empty) and the earlier stage it is made FROM, None for an image."""

    index: int
    instruction: Instruction
    name: str
    parent: int | None


@dataclass(frozen=True, slots=True)
class Script:
    """What one RUN runs. `place` gives the offset in the file of an index in the commands' words.

    `editable` is False where a word of a command is not text of the file (the JSON form).
    """

    step: Step
    commands: tuple[Command, ...]
    place: Callable[[int], int]
    editable: bool = True


class Document:
    """One file. Everything is read when first asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def instructions(self) -> list[Instruction]:
        """All instructions."""
        return lex(self.data)

    @cached_property
    def problems(self) -> list[Problem]:
        """Why a builder would refuse the file."""
        return problems(self.data)

    @cached_property
    def references(self) -> list[Reference]:
        """The images of registries it uses."""
        return references(self.data)

    @cached_property
    def steps(self) -> list[Step]:
        """All instructions with their stage; behind an ONBUILD the instruction it holds."""
        found: list[Step] = []
        stage = -1
        for instruction in self.instructions:
            stage += instruction.keyword == "FROM"
            found.append(Step(instruction, stage))
            if (inner := instruction.inner) is not None:
                found.append(Step(inner, stage, onbuild=True))
        return found

    @cached_property
    def stages(self) -> list[Stage]:
        """The stages, in order."""
        found: list[Stage] = []
        names: dict[str, int] = {}
        uses = {reference.start for reference in self.references}
        for step in self.steps:
            if step.keyword != "FROM":
                continue
            words = step.instruction.words
            base = words[0].text if words else ""
            named = len(words) >= 3 and words[1].text.lower() == "as"
            image = any(word.start in uses for word in words[:1])
            parent = None if image else names.get(self._filled_in(base).strip("\"'").lower())
            stage = Stage(step.stage, step.instruction, words[2].text.lower() if named else "", parent)
            found.append(stage)
            if stage.name:
                names[stage.name] = stage.index
        return found

    @cached_property
    def final(self) -> frozenset[int]:
        """Numbers of the stages that make up the image: the last one and those it is made FROM."""
        chain: set[int] = set()
        number = len(self.stages) - 1 if self.stages else None
        while number is not None and number not in chain:
            chain.add(number)
            number = self.stages[number].parent
        return frozenset(chain)

    @cached_property
    def final_steps(self) -> list[Step]:
        """The steps that make up the image, in the order they take effect; ONBUILD's are for other images."""
        return [step for step in self.steps if step.stage in self.final and not step.onbuild]

    @cached_property
    def scripts(self) -> list[Script]:
        """What the RUNs run, here-documents that a shell runs included."""
        return [script for step in self.steps if step.keyword == "RUN" for script in _scripts(step, self.data)]

    @cached_property
    def _lines(self) -> list[int]:
        return [match.end() for match in _NEWLINE.finditer(self.data)]

    def line(self, offset: int) -> int:
        """The line of a byte, from 1."""
        return bisect_right(self._lines, offset) + 1

    def _filled_in(self, text: str) -> str:
        """Variables replaced by the defaults of the ARGs above the first FROM."""
        if "$" not in text:
            return text
        known: dict[str, str] = {}
        for step in self.steps:
            if step.stage >= 0:
                break
            if step.keyword == "ARG":
                for word in step.instruction.words:
                    name, _, value = word.text.partition("=")
                    known[name] = value.strip("\"'")
        return _VARIABLE.sub(lambda match: known.get(match[1] or match[2], match[0]), text)


def _scripts(step: Step, data: bytes) -> Iterator[Script]:
    instruction = step.instruction
    form = instruction.exec_form
    if form is not None:
        yield _from_json(step, form)
        return
    line, _ = instruction.logical
    first = _behind_flags(instruction)
    text = line.text[first : line.last].decode("latin-1")
    found = tuple(commands(text))
    yield Script(step, found, lambda index: line.offset(first + index))
    for heredoc in instruction.heredocs:
        body = data[heredoc.start : heredoc.end]
        if _is_run_by_a_shell(found, body):
            start = heredoc.start
            yield Script(step, tuple(commands(body.decode("latin-1"))), lambda index, start=start: start + index)  # type: ignore[misc]


def _behind_flags(instruction: Instruction) -> int:
    """Index in the logical line where the shell text begins."""
    line, start = instruction.logical
    flags = instruction.flags
    if not flags:
        return start
    low, high = start, line.last
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if line.offset(middle) < flags[-1].end else (low, middle)
    return low


def _is_run_by_a_shell(found: tuple[Command, ...], body: bytes) -> bool:
    """Whether a here-document is a script of the shell: the only thing in the RUN, or the input of a shell."""
    if not any(command.words for command in found):
        return not body.startswith(b"#!") or _SHEBANG.match(body) is not None
    return len(found) == 1 and found[0].name in _SHELLS and all(word.startswith("-") for word in found[0].arguments)


def _from_json(step: Step, form: tuple[str, ...]) -> Script:
    start = step.instruction.start
    if len(form) == 3 and form[0].rsplit("/", 1)[-1] in _SHELLS and re.fullmatch(r"-[a-z]*c", form[1]):
        return Script(step, tuple(commands(form[2])), lambda index: start, editable=False)
    command = Command(0, words=[ShellWord(text, 0, 0) for text in form])
    return Script(step, (command,) if form else (), lambda index: start, editable=False)
