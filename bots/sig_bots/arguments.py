"""Arguments of a chat command: words -> values of its pydantic model, and the usage line that says how to write them.

    WORD            fills the next field, in field order; a list field takes all words that are left
    --name VALUE    --name=VALUE    name=VALUE    set one field by name; a list field may be set several times
    --flag          --no-flag       set a yes/no field

Names are written in full, `_` and `-` are the same. Unquoted commas separate the entries of a list.
"""

from __future__ import annotations

import enum
import re
import types
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeAliasType, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sig_bots.messages import code

__all__ = [
    "ArgumentError",
    "ArgumentSpec",
    "Word",
    "argument_specs",
    "bind",
    "explain",
    "nearest",
    "split_words",
    "usage",
]

_LISTS = (list, tuple, set, frozenset)
_INPUT = re.compile(r"^(?:Input|String|List|Tuple|Value) should ")
_SENTENCES = {
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be yes or no",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    **dict.fromkeys(
        ("date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), "must be a day (2026-10-20)"
    ),
}  # where pydantic's own words speak of parsing
_NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)=(.*)", re.DOTALL)


class ArgumentError(ValueError):
    """The words do not fit the command; the text names the bad argument, in one sentence."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command line; `quoted` when any of it stood in quotes."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class ArgumentSpec:
    """One field of a command's model, as people write it."""

    name: str
    option: str
    """The name with hyphens, as in `--dry-run`."""
    required: bool
    flag: bool
    many: bool
    choices: tuple[str, ...]
    default: object
    description: str

    @property
    def usage(self) -> str:
        """How the argument is written: `SHA`, `[--force]`, `[IMAGE...]`, `[fix]`."""
        if self.flag:
            return f"[--{self.option}]"
        text = "|".join(self.choices) if self.choices else self.option.upper() + ("..." if self.many else "")
        return text if self.required else f"[{text}]"


def split_words(text: str) -> list[Word]:
    """Split like a shell: blanks separate, single and double quotes and the backslash protect.

    A single quote inside a word is an apostrophe (`it's`). Raises ArgumentError on a quote that is not closed.
    """
    words: list[Word] = []
    piece: list[str] = []
    quote, quoted, started, position = "", False, False, 0
    while position < len(text):
        char = text[position]
        position += 1
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"' and text[position : position + 1] in ('"', "\\"):
                piece.append(text[position])
                position += 1
            else:
                piece.append(char)
        elif char.isspace():
            if started:
                words.append(Word("".join(piece), quoted))
            piece, quoted, started = [], False, False
        elif char == '"' or (char == "'" and (not started or piece[-1:] == ["="])):
            quote, quoted, started = char, True, True
        elif char == "\\" and position < len(text):
            piece.append(text[position])
            position, started = position + 1, True
        else:
            piece.append(char)
            started = True
    if quote:
        raise ArgumentError(f"the quote {code(quote + ''.join(piece))} is not closed")
    if started:
        words.append(Word("".join(piece), quoted))
    return words


def argument_specs(model: type[BaseModel]) -> tuple[ArgumentSpec, ...]:
    """The arguments of a command's model, in the order in which words fill them."""
    specs = []
    for name, field in model.model_fields.items():
        kind = _unwrap(field.annotation)
        origin = get_origin(kind) or kind
        many = origin in _LISTS
        inner = _unwrap(get_args(kind)[0]) if many and get_args(kind) else kind
        specs.append(
            ArgumentSpec(
                name=name,
                option=name.replace("_", "-"),
                required=field.is_required(),
                flag=kind is bool,
                many=many,
                choices=_choices(inner),
                default=None if field.is_required() else field.get_default(call_default_factory=False),
                description=field.description or "",
            )
        )
    return tuple(specs)


def usage(name: str, model: type[BaseModel], prefix: str = "/sig") -> str:
    """The one-line form of a command: `/sig ok SHA`, `/sig build [IMAGE...] [--force]`."""
    return " ".join([prefix, name, *(spec.usage for spec in argument_specs(model))])


def bind(words: Sequence[Word], model: type[BaseModel]) -> BaseModel:
    """The model's instance for these words. Raises ArgumentError naming the argument that is wrong."""
    specs = argument_specs(model)
    by_name = {spec.option: spec for spec in specs}
    values: dict[str, Any] = {}
    rest: list[Word] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word.text.startswith("--") and not word.quoted and word.text != "--":
            _take_option(word, queue, by_name, values)
        elif (named := _NAMED.fullmatch(word.text)) and (spec := by_name.get(_option(named[1]))):
            _put(values, spec, named[2], word.quoted)
        elif word.text != "--" or word.quoted:
            rest.append(word)
    _take_positional(rest, specs, values)
    if missing := [spec for spec in specs if spec.required and spec.name not in values]:
        raise ArgumentError(f"{code(missing[0].option.upper())} is missing")
    return _validate(values, model, by_name)


def explain(error: ErrorDetails, given: str = "") -> str:
    """One error of pydantic as the rest of a sentence: `must be a whole number, not ...`; `given` is quoted already."""
    own = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if own != error["msg"]:
        return own  # a validator's own sentence says it all
    what = _SENTENCES.get(error["type"]) or _INPUT.sub("must ", error["msg"])
    return f"{what}, not {given}" if given else what


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name most like this one, None when none is close."""
    found = get_close_matches(name[:40].lower(), known, n=1, cutoff=0.6)
    return found[0] if found else None


def _option(text: str) -> str:
    return text.replace("_", "-").lower()


def _take_option(word: Word, queue: list[Word], by_name: dict[str, ArgumentSpec], values: dict[str, Any]) -> None:
    text, equals, value = word.text[2:].partition("=")
    name = _option(text)
    spec = by_name.get(name)
    if spec is None and (negated := by_name.get(name.removeprefix("no-"))) and negated.flag and not equals:
        _put(values, negated, "false", False)
        return
    if spec is None:
        near = nearest(name, list(by_name))
        hint = f"; did you mean {code('--' + near)}?" if near else ""
        raise ArgumentError(f"there is no argument {code('--' + text)}{hint}")
    if spec.flag:
        _put(values, spec, value if equals else "true", False)
    elif equals:
        _put(values, spec, value, word.quoted)
    elif queue and (queue[0].quoted or not queue[0].text.startswith("--")):
        taken = queue.pop(0)
        _put(values, spec, taken.text, taken.quoted)
    else:
        raise ArgumentError(f"{code('--' + spec.option)} needs a value")


def _take_positional(rest: list[Word], specs: Sequence[ArgumentSpec], values: dict[str, Any]) -> None:
    for spec in specs:
        if not rest:
            return
        if spec.name in values or spec.flag:
            continue
        taken = rest[:] if spec.many else rest[:1]
        del rest[: len(taken)]
        for word in taken:
            _put(values, spec, word.text, word.quoted)
    if rest:
        hint = (
            "; put quotes around a text of several words"
            if any(not (one.many or one.flag or one.choices) for one in specs)
            else ""
        )
        raise ArgumentError(f"{code(rest[0].text)} is one word too many{hint}")


def _put(values: dict[str, Any], spec: ArgumentSpec, text: str, quoted: bool) -> None:
    if spec.many:
        parts = [text] if quoted else [part for part in text.split(",") if part]
        values.setdefault(spec.name, []).extend(parts)
    elif spec.name in values:
        raise ArgumentError(f"{code(spec.option)} is given twice")
    else:
        values[spec.name] = text


def _validate(values: dict[str, Any], model: type[BaseModel], by_name: dict[str, ArgumentSpec]) -> BaseModel:
    try:
        return model.model_validate(values, strict=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        spec = by_name.get(_option(name))
        given = first["input"] if isinstance(first["input"], str) else values.get(name, "")
        if spec and spec.choices:
            wanted = "must be " + " or ".join(code(choice) for choice in spec.choices)
            near = nearest(str(given), spec.choices)
            raise ArgumentError(
                f"{code(spec.option)} {wanted}, not {code(str(given))}"
                + (f"; did you mean {code(near)}?" if near else "")
            ) from None
        what = explain(first, code(str(given)) if given else "")
        where = f"{code(_option(name))} " if name and what.startswith("must ") else f"{code(_option(name))}: "
        raise ArgumentError((where if name else "") + what) from None
    except Exception as error:  # a plugin's validator is foreign code: a comment must never end in a traceback
        raise ArgumentError(f"the arguments cannot be checked ({type(error).__name__} in the bot)") from error


def _unwrap(annotation: Any) -> Any:
    """The type itself, without Annotated, aliases and `| None`."""
    if isinstance(annotation, TypeAliasType):
        return _unwrap(annotation.__value__)
    origin = get_origin(annotation)
    if origin is Annotated:
        return _unwrap(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        real = [one for one in get_args(annotation) if one is not type(None)]
        return _unwrap(real[0]) if len(real) == 1 else annotation
    return annotation


def _choices(kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        return tuple(str(one) for one in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return tuple(str(one.value) for one in kind)
    return ()
