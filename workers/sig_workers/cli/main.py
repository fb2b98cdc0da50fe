"""The `sigbot` command. Each command's module is loaded when the command is used, so that `sigbot --help` is quick."""

from __future__ import annotations

import importlib
import os
import sys
from typing import NoReturn

import click

from sig_bots.errors import SigbotError
from sig_workers.cli.extras import missing
from sig_workers.observe import Redactor

__all__ = ["main"]

COMMANDS = {
    "up": "sig_workers.cli.up:up",
    "serve": "sig_workers.cli.roles:serve",
    "worker": "sig_workers.cli.roles:worker",
    "beat": "sig_workers.cli.roles:beat",
    "migrate": "sig_workers.cli.roles:migrate",
    "hooks": "sig_workers.cli.roles:hooks",
    "forge": "sig_workers.cli.forgeissues:forge",
    "run": "sig_workers.cli.run:run",
    "refs": "sig_workers.cli.references:refs",
    "tags": "sig_workers.cli.references:tags",
    "update": "sig_workers.cli.update:update",
    "packages": "sig_workers.cli.packages:packages",
    "graph": "sig_workers.cli.graph:graph",
    "plan": "sig_workers.cli.graph:plan",
    "event": "sig_workers.cli.events:event",
    "send": "sig_workers.cli.events:send",
    "jobs": "sig_workers.cli.jobs:jobs",
    "dead": "sig_workers.cli.deliveries:dead",
    "deliveries": "sig_workers.cli.deliveries:deliveries",
    "replay": "sig_workers.cli.deliveries:replay",
    "config": "sig_workers.cli.authoring:config",
    "schema": "sig_workers.cli.authoring:schema",
    "bots": "sig_workers.cli.authoring:bots",
    "new-bot": "sig_workers.cli.authoring:new_bot",
    "doctor": "sig_workers.cli.doctor:doctor",
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
    """Entry point: errors of ours are one sentence and exit status 2, never a traceback.

    An error nobody foresaw is one sentence too; SIGBOT_DEBUG=1 shows where it came from.
    """
    try:
        sys.exit(cli.main(prog_name="sigbot", standalone_mode=False) or 0)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.UsageError as error:
        _end(_misused(error))
    except click.ClickException as error:
        _end(error.format_message())
    except SigbotError as error:
        _end(str(error))
    except BrokenPipeError:
        # Whoever read our output has seen enough; what is still buffered must not raise at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and (sentence := missing(error.name or "")):
            _end(sentence)
        if os.environ.get("SIGBOT_DEBUG") == "1":
            raise
        if isinstance(error, OSError) and error.filename and error.strerror:
            _end(f"{os.fsdecode(error.filename)} cannot be used: {error.strerror.lower()}")
        text = " ".join(str(error).split())[:300]
        _end(f"an error that should not be ({type(error).__name__}: {text}); SIGBOT_DEBUG=1 shows where it comes from")


def _misused(error: click.UsageError) -> str:
    """Words that are no command of ours, as one sentence that names the help."""
    said = " ".join(error.format_message().split()).rstrip(".")
    command = error.ctx.command_path if error.ctx else "sigbot"
    return f"{said[:1].lower()}{said[1:]}; `{command} --help` says what can be written"


def _end(sentence: str) -> NoReturn:
    click.echo(f"sigbot: {Redactor()(sentence)}", err=True)
    sys.exit(2)
