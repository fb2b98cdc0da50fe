"""Containerfile bytes -> the images it uses, with the bytes that say so. Stages and ARGs as the builders scope them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sig_bots.containerfile.lexer import Instruction, lex_for_images
from sig_bots.containerfile.model import Kind, Reference
from sig_bots.containerfile.places import place_of, without_shared
from sig_bots.containerfile.text import Flag, decode
from sig_bots.containerfile.variables import Piece, Scope, Variable, expand, name_and_value
from sig_bots.refs import IMAGE_REFERENCE

__all__ = ["references"]

_MOUNT_FIELD = re.compile(rb'(?:"((?:[^"]|"")*)"|([^,]*))(?:,|\Z)')
# The common forms, without flags, quotes and continuations, which need no word splitting.
_SIMPLE_FROM = re.compile(
    rb"""[A-Za-z]+[ \t]+(?!--)([^\s'"\\`\x80-\xff]+)(?:[ \t]+[Aa][Ss][ \t]+([^\s\\`]+))?[ \t\r]*"""
)
_SIMPLE_ARG = re.compile(rb"""[A-Za-z]+[ \t]+([A-Za-z_][A-Za-z0-9_]*)=([^\s$'"\\`\x80-\xff]*)[ \t\r]*""")
_MOST_STAGES = 256
"""Stages that are compared with a name that depends on the platform; no real file has as many."""
_KIND = Reference._fields.index("kind")
_STAGE_FLAG = re.compile(rb"[A-Za-z]+[ \t]+--from=([A-Za-z0-9][A-Za-z0-9._-]*)[ \t]")
_FROM_KEY = re.compile(rb"\s*from=", re.IGNORECASE)


@dataclass(slots=True)
class _Stage:
    index: int
    name: str | None
    parents: list[int] = field(default_factory=list)
    """Earlier stages it may be made FROM: one, or several when the name depends on the platform."""
    reference: int | None = None

    @property
    def label(self) -> str:
        return self.name or str(self.index)


class _Reader:
    def __init__(self, instructions: list[Instruction], data: bytes, args: Mapping[str, str]) -> None:
        self.instructions = instructions
        self.data = data
        self.given = {name: Variable(name, 0, (Piece(value, 0, 0, name, exact=False),)) for name, value in args.items()}
        self.scope: dict[str, Variable] = dict(self.given)
        self.stages: list[_Stage] = []
        self.names: dict[str, int] = {}
        self.stage_scope: dict[str, Variable] = {}
        self.stage_args: list[Instruction] = []
        """ARGs of the current stage that are not in `stage_scope` yet; few files need them."""
        self.found: list[Reference] = []
        self.from_flags: list[int] = []
        """Indexes of references in `--from=` and `from=`; stages they may name can come later in the file."""
        self.counted = 0, 1
        """A place in the file and its line."""

    def read(self) -> list[Reference]:
        for instruction in self.instructions:
            keyword = instruction.keyword
            if keyword == "FROM":
                self._from(instruction)
            elif keyword == "ARG":
                if self.stages:
                    self.stage_args.append(instruction)
                else:
                    self._declare(instruction, self.scope)
            elif keyword == "COPY" or keyword == "RUN" or keyword == "ONBUILD":
                self._flagged(instruction)
        base = self._base()
        stages = {index for index in self.from_flags if self._is_stage(self.found[index].resolved)}
        kept = [
            Reference._make((*use[:_KIND], "base", *use[_KIND + 1 :])) if index in base else use
            for index, use in enumerate(self.found)
            if index not in stages
        ]
        return without_shared(kept)

    def _declare(self, instruction: Instruction, scope: dict[str, Variable]) -> None:
        simple = _SIMPLE_ARG.fullmatch(self.data, instruction.start, instruction.body_end)
        if simple and (name := decode(simple[1])) not in scope:
            piece = Piece(decode(simple[2]), *simple.span(2), name)
            scope[name] = Variable(name, instruction.line, (piece,))
            return
        for word in instruction.words:
            name, raw, place = name_and_value(word)
            if name in self.given:
                continue
            known = scope.get(name)
            defaults = known.defaults if known and known.pieces is not None else 0
            pieces = None
            if raw is not None:
                found = expand(raw, place, scope, instruction.escape, {})
                pieces = tuple(piece._replace(arg=name) if piece.arg is None else piece for piece in found)
                defaults += 1
            scope[name] = Variable(name, instruction.line, pieces, max(defaults, 1))

    @cached_property
    def hidden(self) -> dict[str, int]:
        """ARGs declared inside a stage, which no FROM can see, with their line."""
        hidden: dict[str, int] = {}
        inside = False
        for instruction in self.instructions:
            inside = inside or instruction.keyword == "FROM"
            if inside and instruction.keyword == "ARG":
                for word in instruction.words:
                    hidden.setdefault(name_and_value(word)[0], instruction.line)
        return hidden

    def _from(self, instruction: Instruction) -> None:
        simple = _SIMPLE_FROM.fullmatch(self.data, instruction.start, instruction.body_end)
        platform = None
        place: int | None
        if simple:
            raw, alias = simple[1], simple[2]
            start, end = simple.span(1)
            place = start
        else:
            words = instruction.words
            if not words:
                self._close(_Stage(len(self.stages), None))
                return
            raw = words[0].text.encode("utf-8", "surrogateescape")
            named = len(words) >= 3 and words[1].text.lower() == "as"
            alias = words[2].text.encode("utf-8", "surrogateescape") if named else None
            start, end = words[0].start, words[0].end
            place = start if words[0].contiguous else None
            platform = instruction.flag("platform")
        stage = _Stage(len(self.stages), decode(alias).lower() if alias else None)
        hidden = self.hidden if b"$" in raw and self._unseen(raw) else {}
        pieces = expand(raw, place, self.scope, instruction.escape, hidden)
        stage.parents = self._stages_named(pieces)
        if not stage.parents and not _is_scratch(pieces):
            stage.reference = len(self.found)
            self._add(instruction, "FROM", (start, end), decode(raw), pieces, stage.label, "builder", platform)
        self._close(stage)

    def _close(self, stage: _Stage) -> None:
        self.stages.append(stage)
        self.stage_args.clear()
        self.stage_scope = dict(self.given)
        if stage.name:
            # A name given twice is an error; builders that accept it take the latest.
            self.names[stage.name] = stage.index

    def _unseen(self, raw: bytes) -> bool:
        return any(decode(name) not in self.scope for name in re.findall(rb"\$\{?([A-Za-z_][A-Za-z0-9_]*)", raw))

    def _stages_named(self, pieces: tuple[Piece, ...]) -> list[int]:
        if not self.names:
            return []
        if len(pieces) == 1 and not pieces[0].problem:
            index = self.names.get(pieces[0].text.lower())
            return [] if index is None else [index]
        if all(not piece.problem for piece in pieces):
            index = self.names.get("".join(piece.text for piece in pieces).lower())
            return [] if index is None else [index]
        if not any(piece.text for piece in pieces) or len(self.names) > _MOST_STAGES:
            return []
        literals = "".join("\0" if piece.problem else piece.text.lower() for piece in pieces).split("\0")
        return [index for name, index in self.names.items() if _fits(literals, name)]

    def _flagged(self, instruction: Instruction) -> None:
        keyword = instruction.keyword
        if keyword == "COPY":
            simple = _STAGE_FLAG.match(self.data, instruction.start, instruction.body_end)
            if simple and (simple[1].isdigit() or decode(simple[1]).lower() in self.names):
                return
        if not instruction.may_have_source and keyword != "ONBUILD":
            return
        inner = instruction.inner if keyword == "ONBUILD" else instruction
        if inner is None:
            return
        for flag in inner.flags:
            if inner.keyword == "COPY" and flag.name == "from" and flag.value is not None:
                self._from_flag(inner, flag, 0, len(flag.raw_value), "copy", onbuild=inner is not instruction)
            elif inner.keyword == "RUN" and flag.name == "mount":
                for first, last in _mount_sources(flag.raw_value):
                    self._from_flag(inner, flag, first, last, "mount", onbuild=inner is not instruction)

    def _from_flag(
        self, instruction: Instruction, flag: Flag, first: int, last: int, kind: Kind, *, onbuild: bool
    ) -> None:
        raw = flag.raw_value[first:last]
        if not raw or raw.isdigit() or not self.stages or decode(raw).lower() in self.names:
            return
        start, end, contiguous = flag.span(first, last)
        variable = b"$" in raw
        scope: Scope = self._stage_scope() if variable else {}
        pieces = (
            expand(raw, None, scope, instruction.escape, {})
            if variable
            else (Piece(decode(raw), start, end, exact=contiguous),)
        )
        if _is_scratch(pieces):
            return
        self.from_flags.append(len(self.found))
        refused = (
            "a variable here is refused by Docker; write FROM ... AS a stage and name the stage" if variable else ""
        )
        self._add(instruction, instruction.keyword, (start, end), decode(raw), pieces, self.stages[-1].label, kind, refused=refused, onbuild=onbuild)  # fmt: skip

    def _stage_scope(self) -> Scope:
        """ARGs that an instruction in the current stage sees: those declared above it there (Podman expands them)."""
        for instruction in self.stage_args:
            self._declare(instruction, self.stage_scope)
            for word in instruction.words:
                name = name_and_value(word)[0]
                if self.stage_scope[name].pieces is None and name in self.scope:
                    self.stage_scope[name] = self.scope[name]
        self.stage_args.clear()
        return self.stage_scope

    def _is_stage(self, resolved: str | None) -> bool:
        return resolved is not None and (resolved.lower() in self.names or resolved.isdigit())

    def _add(
        self, instruction: Instruction, keyword: str, span: tuple[int, int], text: str, pieces: tuple[Piece, ...],
        stage: str, kind: Kind, platform: str | None = None, refused: str = "", onbuild: bool = False,
    ) -> None:  # fmt: skip
        if len(pieces) == 1:
            problem = pieces[0].problem
            resolved = None if problem else pieces[0].text
        else:
            problem = next((piece.problem for piece in pieces if piece.problem), "")
            resolved = None if problem else "".join([piece.text for piece in pieces])
        match = IMAGE_REFERENCE.fullmatch(resolved) if resolved is not None and len(resolved) <= 512 else None
        tag, digest = (match["tag"], match["digest"]) if match else (None, None)
        if not problem and match is None:
            problem = (
                f"{resolved[:80]!r} is not an image reference; write registry/path:tag"
                if resolved
                else "with the defaults of this file it is empty"
            )
        place = span
        args: tuple[str, ...] = ()
        if match:
            place, args, problem = place_of(pieces, match.end("name"), span)
        self.found.append(
            Reference(
                keyword, span[0], span[1], place[0], place[1], not (problem or refused), refused or problem,
                self._line_of(instruction, span[0]), text, stage, resolved, kind, tag,
                digest, platform, onbuild, args, pieces,
            )
        )  # fmt: skip

    def _line_of(self, instruction: Instruction, offset: int) -> int:
        """The line of a place in the instruction; places come in order, so what was counted is not counted again."""
        counted, line = self.counted
        if not instruction.start <= counted <= offset:
            counted, line = instruction.start, instruction.line
        line += self.data.count(b"\n", counted, offset)
        self.counted = offset, line
        return line

    def _base(self) -> set[int]:
        """Indexes of the references that the last stage is made FROM, through other stages."""
        base: set[int] = set()
        seen: set[int] = set()
        todo = [self.stages[-1].index] if self.stages else []
        while todo:
            stage = self.stages[todo.pop()]
            if stage.index in seen:
                continue
            seen.add(stage.index)
            todo.extend(stage.parents)
            if stage.reference is not None:
                base.add(stage.reference)
        return base


def _fits(literals: list[str], name: str) -> bool:
    """Whether a name is these literals with anything between them."""
    first, *middle, last = literals
    if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
        return False
    position, end = len(first), len(name) - len(last)
    for literal in middle:
        found = name.find(literal, position, end)
        if found < 0:
            return False
        position = found + len(literal)
    return True


def _is_scratch(pieces: tuple[Piece, ...]) -> bool:
    if len(pieces) == 1:
        return pieces[0].text == "scratch"
    return not any(piece.problem for piece in pieces) and "".join(piece.text for piece in pieces) == "scratch"


def _mount_sources(value: bytes) -> list[tuple[int, int]]:
    """Spans of the values of `from=` in the comma-separated fields of a `--mount`."""
    spans = []
    position = 0
    while position < len(value):
        match = _MOUNT_FIELD.match(value, position)
        if match is None:
            break
        group = 1 if match[1] is not None else 2
        key = _FROM_KEY.match(match[group])
        if key:
            spans.append((match.start(group) + key.end(), match.end(group)))
        position = max(match.end(), position + 1)
    return spans


def references(data: bytes, args: Mapping[str, str] | None = None) -> list[Reference]:
    """All uses of images in a Containerfile, in the order of the file. Any bytes give a list.

    `args` are build arguments (`TARGETARCH`, say) that take the place of defaults; what they feed is not editable.
    Scoping follows the Dockerfile reference: FROM sees only ARGs above the first FROM and the platform ARGs; FROM
    sees stages above it, `--from` all stages; stage names are compared in lower case.
    """
    return _Reader(lex_for_images(data), data, args or {}).read()
