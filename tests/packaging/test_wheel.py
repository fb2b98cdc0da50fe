"""What is in the files of a release."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

from tests.packaging.installing import ROOT, build

PACKAGES = {"sig_bots": "bots", "sig_workers": "workers", "sig_webhooks": "webhooks"}


def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    ours = {
        str(file.relative_to(ROOT / folder))
        for package, folder in PACKAGES.items()
        for file in (ROOT / folder / package).rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
    assert {name for name in names(wheel) if ".dist-info/" not in name} == ours
    for needed in (
        "sig_webhooks/templates/base.html", "sig_webhooks/static/style.css", "sig_workers/store/migrations/env.py",
        *(f"{package}/py.typed" for package in PACKAGES),
    ):  # fmt: skip
        assert needed in ours


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    files = zipfile.ZipFile(wheel)
    (info,) = {name.partition("/")[0] for name in names(wheel) if ".dist-info/" in name}
    assert b"sigbot = sig_workers.cli.main:main" in files.read(f"{info}/entry_points.txt")
    metadata = files.read(f"{info}/METADATA").decode()
    assert {"License-Expression: MIT", "Requires-Python: >=3.12"} <= set(metadata.splitlines())
    assert f"{info}/licenses/LICENSE" in names(wheel)


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    sdist = build("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "tree", filter="data")
    (tree,) = (tmp_path / "tree").iterdir()
    assert not {".venv", ".cache", ".data", ".git"} & {path.name for path in tree.iterdir()}
    assert names(build("wheel", tree, tmp_path / "again")) == names(wheel)
