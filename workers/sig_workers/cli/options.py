"""What all commands share: how they fail, and how they find the settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import click

from sig_workers.settings import Settings, load_settings

__all__ = ["default_data", "fail", "read_settings"]


def fail(message: str) -> NoReturn:
    """End with exit status 2 and one sentence on standard error."""
    raise click.ClickException(message)


def default_data() -> Path:
    """The data folder of `sigbot up` when none is named: $XDG_DATA_HOME/sigbot."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "sigbot"


def read_settings(data: Path | None = None) -> Settings:
    """The settings from $SIGBOT_CONFIG and the environment; without both, those of the last `sigbot up` on `data`.

    Raises SettingsError.
    """
    if "SIGBOT_CONFIG" not in os.environ:
        started = (data or default_data()) / "sigbot.toml"
        if started.is_file():
            return load_settings(started)
    return load_settings()
