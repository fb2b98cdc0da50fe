"""`--security` of `sigbot update` and `sigbot packages`: who is asked for advisories, and how they are printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sig_bots.advisories import Advisories
from sig_bots.advisoryreport import BaseAdvisories, plain_lines
from sig_bots.imagespec import ImageSpec
from sig_bots.updateconfig import UpdateConfig
from sig_bots.updatemoves import Move
from sig_bots.updatesecurity import BaseNews
from sig_workers.cli.options import fail, read_settings
from sig_workers.cli.output import busy, say
from sig_workers.settings import Settings

__all__ = ["ask_for_advisories", "look_for_advisories", "security_as_data", "tell_security"]


def ask_for_advisories(settings: Settings) -> Advisories:
    """The advisory services of the settings, for one run of a command. Ends the command when there are none."""
    from sig_workers.advisories.answers import MemoryAnswers
    from sig_workers.advisories.factory import make_advisories

    if not settings.advisories.osv and not settings.advisories.bodhi:
        fail(
            "nobody is asked for advisories here; name a service under [advisories] in sigbot.toml, or set "
            "SIGBOT_ADVISORIES__OSV"
        )
    return make_advisories(settings, MemoryAnswers())


def look_for_advisories(
    services: Advisories, moves: Sequence[Move], config: UpdateConfig, images: Sequence[ImageSpec]
) -> list[BaseAdvisories]:
    """Read the packages of the images that move, and ask which advisories that fixes."""
    from sig_workers.registries.answerfile import FileAnswers, default_file
    from sig_workers.registries.factory import make_registry

    settings = read_settings()
    with (
        busy("reading packages and asking for advisories"),
        FileAnswers(default_file(), settings.timing.registry_age) as answers,
    ):
        registry = make_registry(settings, answers, private_network=True)
        return BaseNews(registry, services, config.model_copy(update={"packages": True}), images).known(moves)


def tell_security(known: Sequence[BaseAdvisories]) -> None:
    """Print it for people."""
    for one in known:
        say(f"{one.old} -> {one.new}{f' for {one.platform}' if one.platform else ''}:")
        for line in plain_lines(one.difference):
            say(f"    {line}")


def security_as_data(known: Sequence[BaseAdvisories]) -> list[dict[str, Any]]:
    """It as JSON: see docs/cli.md."""
    return [
        {"from": str(one.old), "to": str(one.new), "platform": one.platform, **one.difference.model_dump(mode="json")}
        for one in known
    ]
