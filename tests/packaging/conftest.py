"""What was built and installed, once per run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.installing import ROOT, Environment, build, once


def _built(place: Path, project: Path) -> Path:
    """The project's wheel, built once."""

    def make(folder: Path) -> None:
        build("wheel", project, folder / "dist")

    (file,) = (once(place, make) / "dist").iterdir()
    return file


@pytest.fixture(scope="session")
def wheel(run_folder: Path) -> Path:
    """Our wheel."""
    return _built(run_folder / "wheel", ROOT)


@pytest.fixture(scope="session")
def plugin_wheel(run_folder: Path) -> Path:
    """The example plugin's wheel."""
    return _built(run_folder / "plugin", ROOT / "examples/plugin")


def _environment(place: Path, make: Callable[[Environment], None]) -> Environment:
    def fill(folder: Path) -> None:
        environment = Environment(folder / "venv")
        environment.create()
        make(environment)

    return Environment(once(place, fill) / "venv")


@pytest.fixture(scope="session")
def installed(run_folder: Path, wheel: Path, plugin_wheel: Path) -> Environment:
    """All of sigbot and the example plugin, both from their wheels, and pytest."""

    def make(environment: Environment) -> None:
        environment.install_locked("sigbot[all]", "pytest")
        environment.install(f"{wheel}[all]", plugin_wheel)

    return _environment(run_folder / "installed", make)


@pytest.fixture(scope="session")
def bare(run_folder: Path, wheel: Path) -> Environment:
    """`pip install sigbot`, without an extra."""

    def make(environment: Environment) -> None:
        environment.install_locked("sigbot")
        environment.install(wheel)

    return _environment(run_folder / "bare", make)
