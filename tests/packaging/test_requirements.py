"""The pinned requirements belong to this pyproject.toml."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.installing import ROOT


@pytest.mark.parametrize("file", ["run.txt", "dev.txt"])
def test_everything_that_we_name_is_pinned_in_a_version_we_allow(file: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    lines = re.findall(r"^[a-z0-9][^\\\n]*", (ROOT / "requirements" / file).read_text(), re.MULTILINE)
    here = [one for one in map(Requirement, lines) if one.marker is None or one.marker.evaluate()]
    pinned = {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in here}
    asked = [one for one in map(Requirement, wanted) if one.name != "sigbot"]
    assert [str(one) for one in asked if not one.specifier.contains(pinned.get(canonicalize_name(one.name), "0"))] == []
