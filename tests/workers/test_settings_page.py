"""The page of settings lists what there is, in the words of the code."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from sig_workers.instances import AdvisoryServices
from sig_workers.settings import Instance, RegistryAccess, ReleaseMonitor, Settings, Timing, load_settings
from sig_workers.updatelimits import OwnerLimit, UpdateLimits
from tests.bots.test_docs import DOCS, indented, same_as_in


@pytest.mark.parametrize(
    ("block", "model"),
    [
        ("service", Settings), ("instance", Instance), ("registry", RegistryAccess), ("update_limits", UpdateLimits),
        ("owner", OwnerLimit), ("advisories", AdvisoryServices), ("anitya", ReleaseMonitor), ("timing", Timing),
    ],
)  # fmt: skip
def test_the_page_lists_every_setting(block: str, model: type[BaseModel]) -> None:
    assert same_as_in(DOCS / "settings.md", block, table(model)), "run this test with SIGBOT_RENEW_DOCS=1"


def table(model: type[BaseModel]) -> str:
    said = meanings(model)
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        rows.append(
            f"| `{field.alias or name}` | {'needed' if field.is_required() else shown(default)} | {said[name]} |"
        )
    return "\n".join(rows)


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """The docstring below each field, on one line."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(tree, ast.ClassDef)
    pairs = zip(tree.body, tree.body[1:], strict=False)
    return {
        field.target.id: " ".join(str(after.value.value).split())
        for field, after in pairs
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
    }  # fmt: skip


def shown(value: object) -> str:
    """A default as one would write it in the file; nothing for what is empty."""
    if value is PydanticUndefined or value is None or value in ("", ()) or isinstance(value, (Mapping, BaseModel)):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, timedelta):
        return f"`{span(value)}`"
    return f"`{value}`"


def span(length: timedelta) -> str:
    milliseconds = round(length.total_seconds() * 1000)
    units = {"m": 60_000, "s": 1000, "ms": 1}
    unit = next(unit for unit, size in units.items() if milliseconds % size == 0)
    return f"{milliseconds // units[unit]}{unit}"


def test_the_example_on_the_page_can_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGBOT_CONFIG", "")  # taken back after the test
    file = tmp_path / "sigbot.toml"
    (block,) = (block for block in indented("settings.md") if "[[instance]]" in block)
    file.write_text(block)
    assert [one.kind for one in load_settings(file).instances] == ["github", "pagure"]
