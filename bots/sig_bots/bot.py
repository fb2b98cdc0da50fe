"""What a bot is: a name, handlers for events and commands, schedules and a configuration section.

A bot is one module with one `Bot` object; the decorators below only write down what the functions are for. Nothing
happens at import but that.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict

from sig_bots.events import EventBase, Tick
from sig_bots.queues import Queue

if TYPE_CHECKING:
    from sig_bots.context import Context

__all__ = [
    "API_VERSION", "Arguments", "Bot", "BotConfig", "BotDefinitionError", "CommandSpec", "Handler", "NoArgs", "NoConfig",
    "ScheduleSpec", "Who",
]  # fmt: skip

API_VERSION = 1
"""Version of the plugin interface; a bot that requires another one is refused at start."""

type Who = Literal["anyone", "author", "write", "admin"]
"""Least right a command needs; `author` is the pull request's author or anybody with write."""

type Function[T] = Callable[[Context, T], None]

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_PERIOD = re.compile(r"(\d{1,4})([smhd])")


class BotDefinitionError(ValueError):
    """A bot is written wrongly; says which bot, what, and what to write instead."""


class Arguments(BaseModel):
    """Base of command arguments: frozen, closed. Field order is the order of positional arguments.

    The text below a field is its description in help.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class NoArgs(Arguments):
    """A command without arguments."""


class BotConfig(BaseModel):
    """Base of a bot's section in `.sigbot.yaml`: frozen, unknown keys refused.

    A field marked `Field(json_schema_extra={"privileged": True})` is taken from the default branch only. The text
    below a field is its description in the JSON Schema.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class NoConfig(BotConfig):
    """Section of a bot that has nothing to configure."""


@dataclass(frozen=True, slots=True)
class Handler:
    """One function of a bot, and the events it is for."""

    bot: str
    name: str
    event: type[EventBase]
    function: Callable[[Any, Any], None]
    queue: Queue
    summary: str
    when: Callable[[Any], bool] | None = None
    where: Callable[[Any], bool] | None = None

    def wants(self, event: EventBase, config: BaseModel) -> bool:
        """Whether it runs for the event in a repository with this section. Raises what the bot's conditions raise."""
        return (self.when is None or bool(self.when(event))) and (self.where is None or bool(self.where(config)))


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One chat command of a bot. The description is the function's docstring, the usage follows from `args`."""

    bot: str
    name: str
    function: Callable[[Any, Any], None]
    args: type[BaseModel]
    who: Who
    queue: Queue
    description: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """One thing a bot does from time to time, in every repository that has its section."""

    bot: str
    name: str
    function: Callable[[Any, Any], None]
    period: timedelta
    queue: Queue
    summary: str


@dataclass
class Bot:
    """A bot. `name` is its section in `.sigbot.yaml`, its part of check names and of log lines.

    `default` says whether the bot runs in an enabled repository that has no configuration file (only `lint` does).
    """

    name: str
    requires_api: int = API_VERSION
    default: bool = False
    always: bool = False
    """Whether it runs without a section of its own, as `ping` and `help` do."""
    handlers: list[Handler] = field(default_factory=list)
    commands: list[CommandSpec] = field(default_factory=list)
    schedules: list[ScheduleSpec] = field(default_factory=list)
    internals: list[Handler] = field(default_factory=list)
    """Handlers that no event reaches by itself; the planner names them (answers to faulty commands)."""
    config_model: type[BaseModel] = NoConfig
    summary: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BotDefinitionError(f"bot name {self.name!r}: use lower-case letters, digits and -, at most 31")
        if not self.summary:
            frame = inspect.currentframe()
            caller = frame.f_back.f_back if frame and frame.f_back else None  # past the generated __init__
            document = str(caller.f_globals.get("__doc__") or "") if caller else ""
            self.summary = document.strip().split("\n")[0]

    def on[E: EventBase](
        self, event: type[E], *, queue: Queue = "interactive", when: Callable[[E], bool] | None = None,
        where: Callable[[Any], bool] | None = None,
    ) -> Callable[[Function[E]], Function[E]]:  # fmt: skip
        """Run the function for each event of the type for which `when` answers true, in each repository for whose section `where` does.

        Both must be pure.
        """

        def register(function: Function[E]) -> Function[E]:
            summary = _summary(function, self.name)
            self.handlers.append(Handler(self.name, function.__name__, event, function, queue, summary, when, where))
            return function

        return register

    def internal(self, *, queue: Queue = "interactive") -> Callable[[Function[EventBase]], Function[EventBase]]:
        """For the service's own bot: a handler the planner names itself. It finds what it needs in `ctx.args`."""

        def register(function: Function[EventBase]) -> Function[EventBase]:
            summary = _summary(function, self.name)
            self.internals.append(Handler(self.name, function.__name__, EventBase, function, queue, summary))
            return function

        return register

    def command[A: BaseModel](
        self, name: str, *, who: Who = "anyone", queue: Queue = "interactive", examples: tuple[str, ...] = ()
    ) -> Callable[[Function[A]], Function[A]]:
        """Run the function for `/sig NAME ...`. The type of its second parameter is the model of its arguments."""
        if not _NAME.fullmatch(name):
            raise BotDefinitionError(f"bot {self.name}: command name {name!r}: use lower-case letters, digits and -")

        def register(function: Function[A]) -> Function[A]:
            spec = CommandSpec(
                self.name, name, function, _args_model(function, self.name), who, queue,
                _summary(function, self.name), examples,
            )  # fmt: skip
            self.commands.append(spec)
            return function

        return register

    def every(self, period: str, *, queue: Queue = "bulk") -> Callable[[Function[Tick]], Function[Tick]]:
        """Run the function once per period (`30m`, `6h`, `1d`) in each repository where the bot is enabled."""
        match = _PERIOD.fullmatch(period)
        if match is None:
            raise BotDefinitionError(f"bot {self.name}: period {period!r}: write a number and s, m, h or d, as in 6h")
        unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[match[2]]
        length = timedelta(**{unit: int(match[1])})

        def register(function: Function[Tick]) -> Function[Tick]:
            spec = ScheduleSpec(self.name, function.__name__, function, length, queue, _summary(function, self.name))
            self.schedules.append(spec)
            return function

        return register

    def config[M: BaseModel](self, model: type[M]) -> type[M]:
        """Class decorator: the model of the bot's section. Refuses a model that lets unknown keys pass."""
        if model.model_config.get("extra") != "forbid":
            raise BotDefinitionError(
                f"bot {self.name}: config {model.__name__} must be closed; derive it from BotConfig"
            )
        self.config_model = model
        return model


def _summary(function: Callable[..., object], bot: str) -> str:
    text = (function.__doc__ or "").strip().split("\n")[0]
    if not text:
        raise BotDefinitionError(f"bot {bot}: {function.__name__} needs a docstring; its first line is shown in help")
    return text


def _args_model(function: Callable[..., object], bot: str) -> type[BaseModel]:
    from sig_bots.context import Context

    parameters = list(inspect.signature(function).parameters)
    if len(parameters) != 2:
        raise BotDefinitionError(f"bot {bot}: {function.__name__} must take (ctx, args)")
    hints = get_type_hints(function, localns={"Context": Context})
    model = hints.get(parameters[1])
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise BotDefinitionError(f"bot {bot}: {function.__name__}: annotate {parameters[1]} with a pydantic model")
    return model
