"""What one can read at a sitting: modules and functions stay short. Who is longer stands here by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULE_LINES = 320
FUNCTION_LINES = 45

LONG_MODULES: set[str] = set()
LONG_FUNCTIONS = {
    "building.build_image",  # one build from start to outcome, with what ends it in each step
}


def modules() -> Iterator[Path]:
    for folder in ("bots", "workers", "webhooks"):
        yield from (path for path in (ROOT / folder).rglob("*.py") if path.parent.name != "versions")  # migrations


def length(node: ast.FunctionDef) -> int:
    """Lines of a function without those of the functions inside it, which count for themselves."""
    inside = [one for one in ast.walk(node) if isinstance(one, ast.FunctionDef) and one is not node]
    return len(lines_of(node) - set[int]().union(*map(lines_of, inside)))


def lines_of(node: ast.FunctionDef) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            yield f"{path.stem}.{node.name}", length(node)


def test_modules_are_short() -> None:
    lines = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n") for path in modules()}
    assert {name for name, count in lines.items() if count > MODULE_LINES} == LONG_MODULES


def test_functions_are_short() -> None:
    lines = dict(one for path in modules() for one in functions(path))
    assert {name for name, count in lines.items() if count > FUNCTION_LINES} == LONG_FUNCTIONS
