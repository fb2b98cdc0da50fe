"""Find the bots: the modules of `sig_bots.plugins` and the entry points of group `sigbot.bots`. Refuse clashes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, entry_points, version
from types import ModuleType

from sig_bots.bot import API_VERSION, Bot, CommandSpec, Handler, ScheduleSpec
from sig_bots.errors import SigbotError

__all__ = ["BUILT_IN", "ENTRY_POINT_GROUP", "RESERVED_NAMES", "PluginError", "Roster", "command_of", "load_bots"]

ENTRY_POINT_GROUP = "sigbot.bots"
BUILT_IN = "sigbot"
"""Name of the service's own bot (`sig_bots.builtin`), part of every roster."""

RESERVED_NAMES = frozenset({"version", "images", "permissions", "enabled", "config"})
"""Keys of `.sigbot.yaml` and a check of our own; no bot may be named so."""


class PluginError(SigbotError):
    """The bots cannot work together, or one cannot be loaded: one sentence naming it. The service does not start."""


@dataclass(eq=False)
class Roster:
    """All bots, by name; commands, by name."""

    bots: dict[str, Bot] = field(default_factory=dict)
    commands: dict[str, CommandSpec] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    """Bot name -> where it came from (module, or distribution and version)."""
    versions: dict[str, str] = field(default_factory=dict)
    """Bot name -> version of the distribution it came from; not for a bot that was given as an object."""

    @classmethod
    def of(cls, bots: Iterable[Bot]) -> Roster:
        """A roster of these bots and the built-in one. Raises PluginError."""
        roster = cls()
        roster.add(_built_in(), "sigbot itself", _own_version())
        for bot in bots:
            roster.add(bot, "given")
        return roster

    def add(self, bot: Bot, origin: str, version: str = "") -> None:
        """Add a bot. Raises PluginError on a duplicate name or command, or on an interface we do not have."""
        if bot.requires_api != API_VERSION:
            raise PluginError(
                f"bot {bot.name} ({origin}) requires plugin interface {bot.requires_api}, this sigbot has {API_VERSION}; "
                f"install a version of one that fits the other"
            )
        if bot.name in self.bots:
            raise PluginError(
                f"two bots are named {bot.name}: {self.origins[bot.name]} and {origin}; rename or remove one"
            )
        if bot.name in RESERVED_NAMES:
            raise PluginError(f"bot {bot.name} ({origin}) has the name of a key of .sigbot.yaml; rename it")
        named: list[Handler | ScheduleSpec] = [*bot.handlers, *bot.schedules, *bot.internals]
        names = [one.name for one in named]
        if len(names) != len(set(names)):
            raise PluginError(f"bot {bot.name} ({origin}) has two handlers of one name; rename one function")
        if (bot.default or bot.always) and any(one.is_required() for one in bot.config_model.model_fields.values()):
            raise PluginError(
                f"bot {bot.name} ({origin}) runs without a section in .sigbot.yaml, so each setting needs a default"
            )
        self._add_commands(bot, origin)
        self.bots[bot.name] = bot
        self.origins[bot.name] = origin
        if version:
            self.versions[bot.name] = version

    def _add_commands(self, bot: Bot, origin: str) -> None:
        found: dict[str, CommandSpec] = {}
        for spec in bot.commands:
            other = self.commands.get(spec.name) or found.get(spec.name)
            if other is not None:
                raise PluginError(
                    f"command {spec.name} of bot {bot.name} ({origin}) already belongs to bot {other.bot}; rename it"
                )
            found[spec.name] = spec
        self.commands.update(found)

    def handlers(self) -> Iterator[Handler]:
        """All event handlers of all bots."""
        for bot in self.bots.values():
            yield from bot.handlers

    def schedules(self) -> Iterator[ScheduleSpec]:
        """All schedules of all bots."""
        for bot in self.bots.values():
            yield from bot.schedules

    def handler(self, bot: str, name: str) -> Handler | CommandSpec | ScheduleSpec | None:
        """The handler, schedule, or command (`command:NAME`) a job row names; None when no longer installed."""
        known = self.bots.get(bot)
        if known is None:
            return None
        if name.startswith("command:"):
            spec = self.commands.get(name.removeprefix("command:"))
            return spec if spec and spec.bot == bot else None
        named: list[Handler | ScheduleSpec] = [*known.handlers, *known.schedules, *known.internals]
        return next((one for one in named if one.name == name), None)


def command_of(handler: str) -> str:
    """The command a job's handler names (`command:NAME`), empty for a handler or schedule."""
    return handler.removeprefix("command:") if handler.startswith("command:") else ""


def load_bots() -> Roster:
    """All installed bots. Raises PluginError naming the plugin that cannot be loaded."""
    import sig_bots.plugins as package

    roster = Roster.of(())
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        if bot := _bot_in(module):
            roster.add(bot, module.__name__, _own_version())
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda one: one.name):
        origin = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
        try:
            loaded = point.load()
        except Exception as error:  # a plugin is foreign code: whatever it raises, the operator needs its name
            raise PluginError(
                f"bot {point.name} of {origin} cannot be loaded: {type(error).__name__}: {error}"
            ) from error
        bot = _bot_in(loaded) if isinstance(loaded, ModuleType) else loaded
        if not isinstance(bot, Bot):
            raise PluginError(
                f"entry point {point.name} of {origin} must name a module with `bot = Bot(...)`, or the Bot"
            )
        roster.add(bot, origin, point.dist.version if point.dist else "")
    return roster


@cache
def _own_version() -> str:
    try:
        return version("sigbot")
    except PackageNotFoundError:  # run from its sources, installed nowhere
        return ""


def _built_in() -> Bot:
    from sig_bots.builtin import bot  # the built-in bot describes the others, so it imports this module

    return bot


def _bot_in(module: ModuleType) -> Bot | None:
    bot = getattr(module, "bot", None)
    return bot if isinstance(bot, Bot) else None
