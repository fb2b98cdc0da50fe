"""What all commands share: how they fail, and how they find the settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from sig_workers.cli.claim import is_claimed
from sig_workers.settings import Settings, load_settings

if TYPE_CHECKING:
    from sig_workers.service import Service

__all__ = ["DATA", "default_data", "fail", "find_data", "open_service", "read_settings"]


def fail(message: str) -> NoReturn:
    """End with exit status 2 and one sentence on standard error."""
    raise click.ClickException(message)


def default_data() -> Path:
    """The data folder of `sigbot up` when none is named: $XDG_DATA_HOME/sigbot."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "sigbot"


def find_data() -> Path:
    """The data folder a command acts on: $SIGBOT_DATA; else that of `make run` in this clone, or of `sigbot up`.

    A folder that a service runs on comes before one that is only there.
    """
    if named := os.environ.get("SIGBOT_DATA"):
        return Path(named).absolute()
    here = Path.cwd() / ".data"
    known = [here / "run", here / "own", default_data(), default_data().with_name("sigbot-example")]
    there = [folder for folder in known if (folder / "sigbot.toml").is_file()]
    return next((folder for folder in there if is_claimed(folder)), there[0] if there else default_data())


def read_settings(data: Path | None = None) -> Settings:
    """The settings from $SIGBOT_CONFIG and the environment; without both, those of the service on `data`.

    Raises SettingsError.
    """
    if data is not None or "SIGBOT_CONFIG" not in os.environ:
        started = (data or find_data()) / "sigbot.toml"
        if started.is_file():
            return load_settings(started.absolute())
        if data is not None:
            fail(f"{data} is no data folder of sigbot (yet): `sigbot up --data {data}` makes one")
    return load_settings()


DATA = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False),
    help="Data folder of the service; by default that of `make run` here, or of `sigbot up`.",
)  # fmt: skip


@contextmanager
def open_service(data: Path | None) -> Iterator[Service]:
    """The doors of the configured service, to look at its store and to act on it. Raises SettingsError, StoreDown."""
    from sqlalchemy import make_url

    from sig_workers.observe import configure_logging
    from sig_workers.service import Service

    service = Service(read_settings(data))
    configure_logging(service.redact, level="ERROR")
    address = make_url(service.settings.store_url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        fail(f"there is no store at {address.database}: start the service with `sigbot up`, or `sigbot migrate`")
    try:
        yield service
    finally:
        service.wake_ups.stop()
        service.store.close()
