"""Help, from what the bots say about themselves: one data structure, rendered for a comment and for docs/commands.md."""

from __future__ import annotations

from sig_bots.arguments import argument_specs, nearest, usage
from sig_bots.bot import Bot, CommandSpec
from sig_bots.errors import UserError
from sig_bots.messages import unknown_topic
from sig_bots.refs import Value
from sig_bots.roster import Roster

__all__ = [
    "ArgumentHelp",
    "BotHelp",
    "CommandHelp",
    "HelpData",
    "help_data",
    "help_markdown",
    "topic_help",
]

_WHO = {
    "anyone": "anyone",
    "author": "the pull request's author, or write access",
    "write": "write access",
    "admin": "admin access",
}


class ArgumentHelp(Value):
    """One argument of a command."""

    name: str
    usage: str
    required: bool
    default: str = ""
    """As text; empty for none, for a list and for an unset yes/no."""
    choices: tuple[str, ...] = ()
    description: str = ""


class CommandHelp(Value):
    """One command."""

    name: str
    bot: str
    usage: str
    description: str
    who: str
    """Least right: anyone, author, write, admin. A repository may ask for more in `permissions:`."""
    who_text: str
    arguments: tuple[ArgumentHelp, ...] = ()
    examples: tuple[str, ...] = ()


class BotHelp(Value):
    """One bot: what makes it run, and what can be configured."""

    name: str
    summary: str
    origin: str
    always: bool
    default: bool
    commands: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    """Kinds of the events it reacts to."""
    schedules: tuple[str, ...] = ()
    """`every 6h: what it does`."""
    settings: tuple[str, ...] = ()
    """Keys of its section in `.sigbot.yaml`."""


class HelpData(Value):
    """Everything help is made of, sorted by name."""

    prefix: str
    commands: tuple[CommandHelp, ...]
    bots: tuple[BotHelp, ...]

    def command(self, name: str) -> CommandHelp | None:
        """One command by name."""
        return next((one for one in self.commands if one.name == name), None)

    def bot(self, name: str) -> BotHelp | None:
        """One bot by name."""
        return next((one for one in self.bots if one.name == name), None)


def help_data(roster: Roster, prefix: str = "/sig") -> HelpData:
    """The help of all installed bots."""
    return HelpData(
        prefix=prefix,
        commands=tuple(_command(roster.commands[name], prefix) for name in sorted(roster.commands)),
        bots=tuple(_bot(roster.bots[name], roster.origins[name]) for name in sorted(roster.bots)),
    )


def topic_help(data: HelpData, topic: str | None) -> HelpData:
    """The part about one command or one bot (with its commands); everything when `topic` is None.

    Raises UserError with the nearest name when there is no such topic.
    """
    if not topic:
        return data
    name = topic.removeprefix(data.prefix).strip().lower()
    if command := data.command(name):
        return HelpData(prefix=data.prefix, commands=(command,), bots=())
    if bot := data.bot(name):
        commands = tuple(one for one in data.commands if one.bot == name)
        return HelpData(prefix=data.prefix, commands=commands, bots=(bot,))
    known = [*(one.name for one in data.commands), *(one.name for one in data.bots)]
    raise UserError(unknown_topic(topic, nearest(name, known), prefix=data.prefix))


def help_markdown(data: HelpData, topic: str | None = None) -> str:
    """Help for a comment. Raises UserError on an unknown topic."""
    part = topic_help(data, topic)
    if not topic:
        rows = [f"| `{_cell(one.usage)}` | {_cell(one.description)} | {one.who} |" for one in part.commands]
        return "\n".join([
            "| command | what it does | who may |", "| --- | --- | --- |", *rows, "",
            f"One command per line, at the start of the line. `{data.prefix} help COMMAND` tells more.",
        ])  # fmt: skip
    blocks = [_bot_markdown(one) for one in part.bots] + [_command_markdown(one) for one in part.commands]
    return "\n\n".join(blocks)


def _command(spec: CommandSpec, prefix: str) -> CommandHelp:
    arguments = tuple(
        ArgumentHelp(
            name=one.option,
            usage=one.usage,
            required=one.required,
            default="" if one.required or one.many or one.default in (None, False, "") else str(one.default),
            choices=one.choices,
            description=one.description,
        )
        for one in argument_specs(spec.args)
    )
    return CommandHelp(
        name=spec.name,
        bot=spec.bot,
        usage=usage(spec.name, spec.args, prefix),
        description=spec.description,
        who=spec.who,
        who_text=_WHO[spec.who],
        arguments=arguments,
        examples=spec.examples,
    )


def _bot(bot: Bot, origin: str) -> BotHelp:
    events = sorted({str(one.event.model_fields["kind"].default) for one in bot.handlers})
    schedules = tuple(f"every {_period(one.period.total_seconds())}: {one.summary}" for one in bot.schedules)
    return BotHelp(
        name=bot.name,
        summary=bot.summary,
        origin=origin,
        always=bot.always,
        default=bot.default,
        commands=tuple(sorted(one.name for one in bot.commands)),
        events=tuple(events),
        schedules=schedules,
        settings=tuple(bot.config_model.model_fields),
    )


def _period(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"


def _when(bot: BotHelp) -> str:
    if bot.always:
        return "Runs in every enabled repository."
    section = f"Runs where `.sigbot.yaml` has a section `{bot.name}:`"
    return f"{section}, or where there is no such file." if bot.default else f"{section}."


def _bot_markdown(bot: BotHelp) -> str:
    lines = [f"**{bot.name}**: {bot.summary}", _when(bot), *(f"Runs {line}" for line in bot.schedules)]
    if bot.settings:
        lines.append("Settings: " + ", ".join(f"`{name}`" for name in bot.settings))
    return "  \n".join(lines)


def _command_markdown(command: CommandHelp) -> str:
    lines = [f"`{command.usage}`", "", command.description, "", f"Who may: {command.who_text}."]
    if command.arguments:
        lines += ["", *(f"- `{one.usage}`: {_argument_text(one)}" for one in command.arguments)]
    if command.examples:
        lines += ["", "Examples: " + ", ".join(f"`{example}`" for example in command.examples)]
    return "\n".join(lines)


def _argument_text(argument: ArgumentHelp) -> str:
    parts = [argument.description.rstrip(".") or argument.name]
    if argument.default:
        parts.append(f"default {argument.default}")
    if argument.required:
        parts.append("required")
    return ", ".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
