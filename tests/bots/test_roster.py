"""Bots that cannot work together refuse to start, with a sentence; what is installed is found."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from sig_bots import Bot, BotConfig, Context, NoArgs, Push
from sig_bots.roster import BUILT_IN, PluginError, Roster, load_bots


def bot_with_command(bot_name: str, command: str) -> Bot:
    bot = Bot(bot_name)

    @bot.command(command)
    def answer(ctx: Context, args: NoArgs) -> None:
        """Answer."""

    return bot


def test_a_second_bot_of_the_same_name_is_refused() -> None:
    roster = Roster()
    roster.add(Bot("lint"), "first 1.0")
    with pytest.raises(PluginError, match=r"two bots are named lint: first 1\.0 and second 2\.0; rename or remove one"):
        roster.add(Bot("lint"), "second 2.0")


def test_a_command_belongs_to_one_bot() -> None:
    with pytest.raises(PluginError, match=r"command go of bot b .* already belongs to bot a; rename it"):
        Roster.of([bot_with_command("a", "go"), bot_with_command("b", "go")])


@pytest.mark.parametrize("command", ["help", "status", "cancel"])
def test_built_in_commands_are_taken(command: str) -> None:
    with pytest.raises(PluginError, match=f"command {command} of bot mine .* already belongs to bot sigbot"):
        Roster.of([bot_with_command("mine", command)])


def test_a_refused_bot_leaves_nothing_behind() -> None:
    roster = Roster.of([bot_with_command("a", "go")])
    bot = bot_with_command("b", "fresh")
    bot.commands += bot_with_command("b", "go").commands
    with pytest.raises(PluginError):
        roster.add(bot, "test")
    assert "fresh" not in roster.commands
    assert "b" not in roster.bots


def test_one_bot_may_not_have_a_command_twice() -> None:
    bot = bot_with_command("a", "go")
    bot.commands *= 2
    with pytest.raises(PluginError, match="command go of bot a"):
        Roster.of([bot])


def test_another_plugin_interface_is_refused() -> None:
    with pytest.raises(PluginError, match="requires plugin interface 99, this sigbot has 1"):
        Roster.of([Bot("new", requires_api=99)])


@pytest.mark.parametrize("name", ["images", "permissions", "version", "config"])
def test_keys_of_the_configuration_file_are_no_names_for_bots(name: str) -> None:
    with pytest.raises(PluginError, match="name of a key of"):
        Roster.of([Bot(name)])


def test_a_bot_without_section_needs_defaults_for_all_settings() -> None:
    bot = Bot("eager", always=True)

    @bot.config
    class Config(BotConfig):
        needed: str

    with pytest.raises(PluginError, match="each setting needs a default"):
        Roster.of([bot])


def test_two_handlers_of_one_name_are_refused() -> None:
    bot = Bot("twice")

    def once(ctx: Context, event: Push) -> None:
        """Do."""

    bot.on(Push)(once)
    bot.on(Push)(once)
    with pytest.raises(PluginError, match="two handlers of one name"):
        Roster.of([bot])


def test_a_job_row_finds_its_function_again() -> None:
    roster = Roster.of([bot_with_command("a", "go")])
    found = roster.handler("a", "command:go")
    assert found is not None
    assert found.name == "go"
    assert roster.handler(BUILT_IN, "command_errors") is not None
    assert roster.handler("a", "command:help") is None
    assert roster.handler("a", "gone") is None
    assert roster.handler("gone", "command:go") is None


def install(folder: Path, source: str) -> None:
    """A distribution `sigbot-odd` 2.0 whose entry point names the module `odd_bot`."""
    info = folder / "sigbot_odd-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sigbot-odd\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[sigbot.bots]\nodd = odd_bot\n")
    (folder / "odd_bot.py").write_text(source)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0", "bot odd of sigbot-odd 2.0 cannot be loaded: ZeroDivisionError"),
        ("import no_such_module", "bot odd of sigbot-odd 2.0 cannot be loaded: ModuleNotFoundError"),
        ("x = 1", "entry point odd of sigbot-odd 2.0 must name a module with `bot = Bot(...)`, or the Bot"),
        (
            "from sig_bots import Bot\nbot = Bot('ping')",
            "two bots are named ping: sig_bots.plugins.ping and sigbot-odd 2.0",
        ),
    ],
)
def test_a_plugin_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    install(tmp_path, source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "odd_bot", raising=False)
    with pytest.raises(PluginError, match=re.escape(said)):
        load_bots()
    sys.modules.pop("odd_bot", None)


def test_each_bot_has_the_version_of_its_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "from sig_bots import Bot\nbot = Bot('odd', summary='Odd.')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "odd_bot", raising=False)
    versions = load_bots().versions
    sys.modules.pop("odd_bot", None)
    assert (versions["odd"], versions["lint"], versions[BUILT_IN]) == ("2.0", version("sigbot"), version("sigbot"))


def test_a_bot_that_is_given_has_no_version() -> None:
    assert "a" not in Roster.of([Bot("a")]).versions
