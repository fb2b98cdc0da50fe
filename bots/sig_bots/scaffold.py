"""`sigbot new-bot NAME`: a plugin of one's own, with a test that passes, from nothing."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

from sig_bots.errors import UserError
from sig_bots.roster import BUILT_IN, ENTRY_POINT_GROUP, RESERVED_NAMES, Roster

__all__ = ["new_bot"]

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")

_PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "sigbot-{name}"
version = "0.1.0"
description = "The bot {name} for sigbot"
requires-python = ">=3.12"
dependencies = ["sigbot"]

# This line is how sigbot finds the bot.
[project.entry-points."{group}"]
{name} = "{module}:bot"

[tool.hatch.build.targets.wheel]
only-include = ["{module}.py"]

[tool.pytest.ini_options]
pythonpath = ["."]
"""

_MODULE = '''\
"""Thank people for pull requests, and say hello when asked."""

from sig_bots import Arguments, Bot, BotConfig, Context, PullRequestChanged

bot = Bot("{name}")


@bot.config
class Config(BotConfig):
    """The section `{name}:` in `.sigbot.yaml`."""

    greeting: str = "Hello"


class HelloArgs(Arguments):
    """`/sig {name} [WHO]`"""

    who: str | None = None


@bot.on(PullRequestChanged, when=lambda event: event.action == "opened")
def thank(ctx: Context, event: PullRequestChanged) -> None:
    """Thank for a new pull request."""
    ctx.comment("thanks", f"Thank you, {{event.pull_request.author.login}}.")


@bot.command("{name}", examples=("/sig {name}", "/sig {name} world"))
def hello(ctx: Context, args: HelloArgs) -> None:
    """Say hello."""
    who = args.who or (ctx.actor.login if ctx.actor else "you")
    ctx.reply(f"{{ctx.config_as(Config).greeting}}, {{who}}.")
'''

_TEST = '''\
"""The bot {name}, from what people do to what they read."""

from sig_bots.testing import SigHarness

from {module} import bot


def test_a_new_pull_request_is_thanked_for() -> None:
    sig = SigHarness(bots=[bot])
    sig.open_pr({{"Containerfile": "FROM scratch\\n"}}, by="bob")
    assert sig.replies() == ["Thank you, bob."]


def test_the_greeting_is_configured() -> None:
    sig = SigHarness(bots=[bot], config="version: 1\\n{name}: {{greeting: Servus}}\\n")
    number = sig.open_pr({{"Containerfile": "FROM scratch\\n"}})
    sig.comment("/sig {name} world", on=number)
    assert sig.replies() == ["Thank you, alice.", "Servus, world."]


def test_a_wrong_command_is_explained() -> None:
    sig = SigHarness(bots=[bot])
    number = sig.open_pr({{"Containerfile": "FROM scratch\\n"}})
    sig.comment("/sig {name} two words", on=number)
    assert "`words` is one word too many" in sig.replies()[-1]
'''

_README = """\
# The bot {name}

A plugin for sigbot: one file, `{module}.py`, found through the entry point in `pyproject.toml`.

    pip install -e .
    python -m pytest
    sigbot bots            # lists {name}

In a repository it is switched on by a line in `.sigbot.yaml`:

    version: 1
    {name}: {{}}
"""


def new_bot(name: str, directory: Path) -> list[Path]:
    """Write the project `sigbot-NAME` into `directory`; returns the files written.

    Raises UserError when the name cannot be a bot's or is taken by one of ours, or when the folder exists already.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r} cannot name a bot: use lower-case letters, digits and -, at most 31, a letter first."
        )
    if name in _taken():
        raise UserError(f"The name {name} belongs to sigbot itself; choose another one.")
    root = directory / f"sigbot-{name}"
    if root.exists():
        raise UserError(f"{root} exists already; remove it or choose another name.")
    module = f"sigbot_{name.replace('-', '_')}"
    texts = {
        "pyproject.toml": _PYPROJECT,
        f"{module}.py": _MODULE,
        f"tests/test_{name.replace('-', '_')}.py": _TEST,
        "README.md": _README,
    }
    written = []
    for path, text in texts.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.format(name=name, module=module, group=ENTRY_POINT_GROUP), encoding="utf-8")
        written.append(target)
    return written


def _taken() -> set[str]:
    import sig_bots.plugins as package

    shipped = {module.name.replace("_", "-") for module in pkgutil.iter_modules(package.__path__)}
    return {BUILT_IN, *RESERVED_NAMES, *shipped, *Roster.of(()).commands}
