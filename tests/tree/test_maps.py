"""Each README's table of modules names all that lies in the folder, so that nobody looks in vain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("package", ["bots/sig_bots", "workers/sig_workers", "webhooks/sig_webhooks"])
def test_the_readme_names_every_module_and_none_that_is_gone(package: str) -> None:
    folder = ROOT / package
    rows = [line for line in (folder.parent / "README.md").read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    named = {name.rstrip("/") for row in rows[2:] for name in re.findall(r"`(\w+/?)`", row.split("|")[1])}
    there = {one.stem if one.suffix == ".py" else one.name for one in folder.iterdir() if one.suffix in ("", ".py")}
    assert named == {name for name in there if not name.startswith("__")}
