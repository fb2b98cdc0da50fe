"""`sigbot config check` and `import`, `schema`, `bots` and `new-bot`: for who writes a configuration or a bot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sig_bots.config import CONFIG_FILE, ConfigProblem, parse_config
from sig_bots.roster import load_bots
from sig_workers.cli.checkout import read
from sig_workers.cli.options import fail
from sig_workers.cli.output import FORMAT, print_json, readable, say, table

__all__ = ["bots", "config", "new_bot", "schema"]


@click.group()
def config() -> None:
    """The configuration of a repository."""


@config.command()
@click.argument("path", default=CONFIG_FILE, type=click.Path(path_type=Path))
@FORMAT
def check(path: Path, form: str) -> None:
    """Check a .sigbot.yaml (or the one in a folder). Exit status 1 when it cannot be used."""
    file = path / CONFIG_FILE if path.is_dir() else path
    if not file.exists():
        fail(f"there is no {file}; without one a repository gets lint as a check")
    found = parse_config(read(file), load_bots())
    problems, more = (list(found.problems), found.more) if isinstance(found, ConfigProblem) else ([], 0)
    if form == "json":
        print_json({"file": str(file), "problems": [problem.model_dump() for problem in problems], "more": more})
    else:
        for problem in problems:
            say(f"{file}: {problem}")
        if more:
            say(f"… and {more} more; mend these and check again.")
        if not isinstance(found, ConfigProblem):
            enabled = [bot.name for bot in load_bots().bots.values() if found.enabled(bot) and not bot.always]
            say(f"{file} is good. Bots: {', '.join(enabled) or 'none'}. Images: {len(found.images)}.", "green")
    if problems:
        raise click.exceptions.Exit(1)


@config.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it there; by default it is printed."
)
@FORMAT
def import_(file: Path, output: Path | None, form: str) -> None:
    """Write the .sigbot.yaml that does what a Renovate or Dependabot configuration did, and list what it cannot do.

    FILE is renovate.json, renovate.json5, .renovaterc, package.json or dependabot.yml.
    """
    from sig_bots.migration.importer import migrate

    found = migrate(str(file), read(file), load_bots().bots["update"].config_model)
    if output is not None:
        try:
            with output.open("x", encoding="utf-8") as target:
                target.write(found.text)
        except FileExistsError:
            fail(f"{output} is there already; name another file and join the two by hand")
    if form == "json":
        losses = [loss.model_dump() for loss in found.losses]
        print_json({"file": str(file), "output": str(output) if output else None, "text": found.text, "losses": losses})
        return
    if output is None:
        click.echo(found.text, nl=False)
    else:
        say(f"{output} is written.", "green")
    for loss in found.losses:
        click.echo(readable(f"{file}: {loss}"), err=True)


@click.command()
def schema() -> None:
    """The JSON Schema of .sigbot.yaml, with all installed bots, for editors."""
    from sig_bots.configschema import json_schema

    print_json(json_schema(load_bots()))


@click.command()
@FORMAT
def bots(form: str) -> None:
    """The installed bots: what they react to, their commands, where they come from."""
    roster = load_bots()
    found: list[dict[str, Any]] = [
        {
            "name": bot.name, "summary": bot.summary, "origin": roster.origins[bot.name],
            "events": sorted({handler.event.model_fields["kind"].default for handler in bot.handlers}),
            "commands": [command.name for command in bot.commands],
            "schedules": {schedule.name: schedule.period.total_seconds() for schedule in bot.schedules},
            "without_section": bot.always or bot.default,
        }
        for bot in roster.bots.values()
    ]  # fmt: skip
    if form == "json":
        print_json(found)
        return
    rows = [
        (one["name"], one["summary"], " ".join(one["events"]), " ".join(f"/sig {name}" for name in one["commands"]), one["origin"])
        for one in found
    ]  # fmt: skip
    table(["bot", "what it does", "reacts to", "commands", "from"], rows)


@click.command("new-bot")
@click.argument("name")
@click.argument("folder", default=".", type=click.Path(path_type=Path, exists=True, file_okay=False))
def new_bot(name: str, folder: Path) -> None:
    """Write a plugin of one's own, with a test that passes, into FOLDER/sigbot-NAME."""
    from sig_bots.scaffold import new_bot as write

    for path in write(name, folder):
        say(str(path))
    say(f"Next: cd {folder / f'sigbot-{name}'} && pip install -e . && python -m pytest")
