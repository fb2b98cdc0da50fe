"""`sigbot up`: everything in one command, on loopback only. SQLite, file broker, local forge; no server needed."""

from __future__ import annotations

from pathlib import Path

import click

from sig_workers.cli.extras import need
from sig_workers.cli.options import default_data
from sig_workers.cli.ports import PORT
from sig_workers.cli.running import Running, ending_politely, running

__all__ = ["Running", "running", "up"]


@click.command()
@PORT
@click.option("--data", type=click.Path(path_type=Path), help="Folder for everything that is kept.")
@click.option(
    "--example", type=click.Path(path_type=Path), is_flag=False, flag_value="examples/fleet",
    help="Show the bots at work on an example fleet, on fresh data.",
)  # fmt: skip
@click.option("--keep", is_flag=True, help="With --example: go on with the data of last time.")
def up(port: int, data: Path | None, example: Path | None, keep: bool) -> None:
    """Start everything in one command, on this machine only."""
    need("web", "worker")
    with ending_politely():
        if example is not None:
            from sig_workers.cli.example import run_example

            run_example(example, data or default_data().with_name("sigbot-example"), port, keep=keep)
            return
        with running(data or default_data(), port) as started:
            click.echo(f"sigbot is ready: {started.url}/")
            started.serve()
