"""What is not installed: parts of sigbot come as extras, and a command that needs one says which."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec

from sig_bots.errors import UserError

__all__ = ["missing", "need"]

_LINE = re.compile(r"([\w.-]+)[^;]*;.*\bextra == .([\w-]+)")
_BROUGHT = {"kombu": "celery", "billiard": "celery", "werkzeug": "flask", "jinja2": "flask"}
"""Modules that come with one of ours and that we import ourselves."""


def need(*extras: str) -> None:
    """Raise UserError, which names the extras, unless all that the given ones bring is installed."""
    absent = {extra: module for module, extra in _modules() if extra in extras and find_spec(module) is None}
    if absent:
        raise UserError(_sentence(next(iter(absent.values())), sorted(absent)))


def missing(module: str) -> str | None:
    """Return the sentence about a module that could not be imported, or None when no extra brings it."""
    top = module.partition(".")[0]
    wanted = _BROUGHT.get(top, top)
    extras = sorted(extra for one, extra in _modules() if one == wanted)
    return _sentence(wanted, extras) if extras else None


def _sentence(module: str, extras: list[str]) -> str:
    several = "s" if len(extras) > 1 else ""
    return (
        f'this needs {module}, of the extra{several} {" and ".join(extras)}: pip install "sigbot[{",".join(extras)}]"'
    )


def _modules() -> list[tuple[str, str]]:
    """Module and the extra that brings it, from our own metadata (core metadata, Requires-Dist)."""
    try:
        lines = requires("sigbot") or []
    except PackageNotFoundError:  # a tree on PYTHONPATH: whoever did that knows
        return []
    found = [match.groups() for line in lines if (match := _LINE.match(line))]
    return [(package.replace("-", "_").lower(), extra) for package, extra in found if extra != "all"]
