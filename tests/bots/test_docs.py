"""The pages for people say what the code does."""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
import textwrap
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from sig_bots.bot import Bot
from sig_bots.config import RepoConfig, parse_config
from sig_bots.context import Approvals, Context, JobBoard
from sig_bots.forge import Forge
from sig_bots.help import help_data, help_markdown
from sig_bots.roster import load_bots
from sig_bots.scaffold import new_bot
from sig_bots.tools import Builder, Inventory, Linter, Registry, Workspace
from sig_bots.upstreams import Upstreams

DOCS = Path(__file__).parents[2] / "docs"


def same_as_in(page: Path, block: str, wanted: str) -> bool:
    """Whether the page has these lines between its marks; puts them there when asked to by SIGBOT_RENEW_DOCS=1."""
    text = page.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- {block}: begin [^>]*-->\n)(.*?)(<!-- {block}: end -->)", re.DOTALL)
    if os.environ.get("SIGBOT_RENEW_DOCS") == "1":
        text = marks.sub(lambda match: f"{match[1]}{wanted}\n{match[3]}", text)
        page.write_text(text, encoding="utf-8")
    found = marks.search(text)
    return found is not None and found[2].strip() == wanted


def test_the_table_of_commands_is_that_of_the_bots() -> None:
    wanted = help_markdown(help_data(load_bots()))
    assert same_as_in(DOCS / "commands.md", "commands", wanted), "run this test with SIGBOT_RENEW_DOCS=1"


def test_all_that_a_handler_is_given_is_on_the_page_for_authors() -> None:
    wanted = "\n\n".join(reference(*part) for part in GIVEN)
    assert same_as_in(DOCS / "write-a-bot.md", "given", wanted), "run this test with SIGBOT_RENEW_DOCS=1"


GIVEN = [
    ("ctx", Context, {"emitted", "started", "failed"}),  # the runner's own record of the run
    ("ctx.forge", Forge, set()),
    ("ctx.services.workspace", Workspace, set()),
    ("ctx.services.registry", Registry, set()),
    ("ctx.services.upstreams", Upstreams, set()),
    ("ctx.services.builder", Builder, set()),
    ("ctx.services.linter", Linter, set()),
    ("ctx.services.inventory", Inventory, set()),
    ("ctx.services.approvals", Approvals, set()),
    ("ctx.services.jobs", JobBoard, set()),
]


def reference(name: str, kind: type, left_out: Collection[str]) -> str:
    """A table of the public fields, properties and functions of a class, with the first sentences of their docstrings."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    rows = [f"| `{name}` | |", "|---|---|"]
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else None
            call, said = node.target.id, text
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            call = node.name if node.decorator_list else f"{node.name}({parameters(node.args)})"
            said = ast.get_docstring(node)
        else:
            continue
        if call.partition("(")[0] not in left_out:
            assert isinstance(said, str), f"{kind.__name__}.{call} needs a docstring"
            first = inspect.cleandoc(said).split("\n\n")[0].replace("\n", " ")
            rows.append(f"| `.{call}` | {first} |")
    return "\n".join(rows)


def parameters(given: ast.arguments) -> str:
    """Names, and `=...` where one may be left out."""
    names = [one.arg for one in given.args if one.arg != "self"]
    names[len(names) - len(given.defaults) :] = [f"{one}=…" for one in names[len(names) - len(given.defaults) :]]
    if given.kwonlyargs:
        names.append("*")
    pairs = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return ", ".join([*names, *(one.arg if default is None else f"{one.arg}=…" for one, default in pairs)])


def test_the_code_on_the_page_for_authors_makes_a_bot() -> None:
    page = indented("write-a-bot.md")
    (start,) = (at for at, block in enumerate(page) if "NEW_COMMITS" in block)
    names: dict[str, Any] = {}
    for block in page[start : start + 3]:  # one after the other: react, take commands, take settings
        exec(block, names)  # what is on our own page
    bot: Bot = names["bot"]
    assert ([one.name for one in bot.handlers], [one.name for one in bot.schedules]) == (["check"], ["sweep"])
    assert [one.name for one in bot.commands] == ["inspect"]
    assert bot.config_model is names["Config"]


def test_the_test_on_the_page_for_authors_passes_with_a_new_bot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_bot("hello", tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "sigbot-hello")
    names: dict[str, Any] = {}
    (block,) = (block for block in indented("write-a-bot.md") if "def test_hello" in block)
    exec(block, names)  # what is on our own page
    names["test_hello"]()
    sys.modules.pop("sigbot_hello", None)


def indented_yaml(name: str) -> list[str]:
    return [block for block in indented(name) if not re.match(r"\[|\w+ = ", block)]  # the rest is sigbot.toml


def indented(name: str) -> list[str]:
    """The blocks of code on a page, lines between that are empty included."""
    text = (DOCS / name).read_text(encoding="utf-8")
    blocks = re.findall(r"(?:^    .*\n(?:\n+(?=    ))?)+", text, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in blocks]


@pytest.mark.parametrize("block", indented_yaml("configuration.md"))
def test_every_example_of_the_configuration_page_is_valid(block: str) -> None:
    data = block if block.startswith("version:") else f"version: 1\n{block}"
    assert isinstance(parse_config(data.encode(), load_bots()), RepoConfig)
