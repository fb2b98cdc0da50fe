"""The `sigbot` command. Each command's module is loaded when the command is used, so that `sigbot --help` is quick."""

from __future__ import annotations

import importlib
import sys

import click

from sig_bots.errors import SigbotError

__all__ = ["main"]

COMMANDS = {
    "up": "sig_workers.cli.up:up",
    "serve": "sig_workers.cli.roles:serve",
    "worker": "sig_workers.cli.roles:worker",
    "beat": "sig_workers.cli.roles:beat",
    "migrate": "sig_workers.cli.roles:migrate",
    "hooks": "sig_workers.cli.roles:hooks",
    "forge": "sig_workers.cli.forge:forge",
    "lint": "sig_workers.cli.lint:lint",
}


class Lazy(click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, name = place.split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="sigbot")
def cli() -> None:
    """Bots that lint, build, update and rebuild a SIG's container images."""


def main() -> None:
    """Entry point: errors of ours are one sentence and exit status 2, never a traceback."""
    try:
        sys.exit(cli.main(standalone_mode=False) or 0)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except SigbotError as error:
        click.echo(f"sigbot: {error}", err=True)
        sys.exit(2)
