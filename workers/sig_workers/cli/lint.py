"""`sigbot lint`: the lint bot's eyes on files and folders here. No server, no configuration needed."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import batched
from pathlib import Path

import click

from sig_bots.errors import UserError
from sig_bots.guidelines.check import LintedFile, fix
from sig_bots.lintreport import SEVERITIES, LintReport, Threshold, at_least, fingerprints, lint_files
from sig_bots.plugins.lint import LintConfig, chosen
from sig_bots.tools import Finding, Linter
from sig_bots.wording import counted
from sig_workers.cli.lintformats import Shown, as_junit, as_sarif, as_value, write_text
from sig_workers.cli.output import console, print_json, progress

__all__ = ["lint"]

_NEVER = frozenset({"node_modules", "__pycache__"})
_AT_ONCE = 200
"""Files handed to one process of hadolint: many, for its start costs, and not so many that nothing moves for minutes."""


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "sarif", "junit"]), default="text", show_default=True,
    help="How to print it.",
)  # fmt: skip
@click.option("--fix", "mend", is_flag=True, help="Mend in place what can be mended by rule, then lint.")
@click.option(
    "--baseline", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="Findings written there do not count. Without that file, it is made from what is found now.",
)  # fmt: skip
@click.option("--threshold", type=click.Choice(SEVERITIES), help="Least severity that counts; warning by default.")
@click.pass_context
def lint(
    context: click.Context, paths: Sequence[Path], form: str, mend: bool, baseline: Path | None, threshold: Threshold | None
) -> None:  # fmt: skip
    """Lint Containerfiles with hadolint and the Fedora container guidelines.

    PATH is a file, or a folder that is searched for Containerfiles; this folder by default. A .sigbot.yaml in the folder
    gives threshold, ignored rules and globs. Ends with 1 when a finding counts, with 2 on wrong use.
    """
    from sig_workers.hadolint import Hadolint

    roots = list(paths) or [Path()]
    config = _config(roots)
    files = {_shown(path): _read(path) for root in roots for path in _containerfiles(root, config)}
    if not files:
        raise UserError(f"there is no Containerfile in {_shown(roots[0])}; name the file")
    fixed = _mend(files, config.ignore) if mend else []
    report = _linted(files, Hadolint(), config.ignore)
    marks = fingerprints(report, lambda path: _relative(path, baseline) if baseline else path)
    known = _known(baseline, report, marks) if baseline else frozenset()
    left = [(finding, mark) for finding, mark in zip(report.findings, marks, strict=True) if mark not in known]
    least = threshold or config.threshold
    counting = at_least([finding for finding, _ in left], least)
    shown = Shown(
        tuple(finding for finding, _ in left), tuple(mark for _, mark in left), tuple(files), least, tuple(counting),
        tuple(fixed), len(report.findings) - len(left), report.notes,
    )  # fmt: skip
    _print(shown, form)
    context.exit(1 if counting else 0)


def _linted(files: Mapping[str, bytes], linter: Linter, ignore: Collection[str]) -> LintReport:
    """The report on all files, made some hundred files at a time, as a bar on a terminal shows."""
    findings: list[Finding] = []
    linted: dict[str, LintedFile] = {}
    notes: dict[str, None] = {}
    with progress("linting", len(files)) as seen:
        for some in batched(sorted(files), _AT_ONCE):
            report = lint_files({path: files[path] for path in some}, linter, ignore)
            findings += report.findings
            linted |= report.files
            notes |= dict.fromkeys(report.notes)
            seen(len(linted))
    return LintReport(tuple(findings), linted, tuple(notes))


def _print(shown: Shown, form: str) -> None:
    if form == "text":
        write_text(shown, console())
    elif form == "junit":
        click.echo(as_junit(shown))
    else:
        print_json(as_sarif(shown) if form == "sarif" else as_value(shown))
    for note in shown.notes:
        click.echo(f"sigbot: {note}", err=True)


# ---------------------------------------------------------------- which files


def _containerfiles(root: Path, config: LintConfig) -> Iterator[Path]:
    """The root itself when it is a file, whatever its name; else what the bot would lint below it."""
    if not root.is_dir():
        yield root
        return
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _NEVER)
        found += [Path(folder, name).relative_to(root).as_posix() for name in sorted(names)]
    for name in chosen(found, config):
        if (root / name).is_file() and not (root / name).is_symlink():
            yield root / name


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise UserError(f"{_shown(path)} is not a regular file")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{_shown(path)} cannot be read: {error.strerror}") from None


def _shown(path: Path) -> str:
    """The path as people name it: relative to this folder when below it."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100  (resolve() would follow links)
    return (absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute).as_posix()


def _config(roots: Sequence[Path]) -> LintConfig:
    """The lint section of the first folder's `.sigbot.yaml`; defaults without one."""
    from sig_bots.config import CONFIG_FILE, ConfigProblem, parse_config
    from sig_bots.roster import load_bots

    folder = next((root for root in roots if root.is_dir()), Path())
    file = folder / CONFIG_FILE
    if not file.is_file():
        return LintConfig()
    bots = load_bots()
    found = parse_config(_read(file), bots)
    if isinstance(found, ConfigProblem):
        raise UserError(f"{_shown(file)}: {found}")
    section = found.section(bots.bots["lint"])
    return section if isinstance(section, LintConfig) else LintConfig()


# ---------------------------------------------------------------- --fix and --baseline


def _mend(files: dict[str, bytes], ignore: Collection[str]) -> list[Finding]:
    """Mend the files on disk and in `files`."""
    mended: list[Finding] = []
    for path, data in files.items():
        result = fix(path, data, ignore=ignore)
        if result.data == data:
            continue
        try:
            Path(path).write_bytes(result.data)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}") from None
        files[path] = result.data
        mended += result.fixed
    return mended


def _known(baseline: Path, report: LintReport, marks: Sequence[str]) -> frozenset[str]:
    """The findings of the baseline; makes it when there is none."""
    if not baseline.exists():
        rows = [
            {"path": _relative(finding.path, baseline), "rule": finding.rule, "fingerprint": mark}
            for finding, mark in zip(report.findings, marks, strict=True)
        ]
        try:
            baseline.write_text(json.dumps({"version": 1, "findings": rows}, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise UserError(f"{baseline} cannot be written: {error.strerror}") from None
        click.echo(
            f"sigbot: wrote {counted(len(rows), 'finding')} to {baseline}; what is written there does not count from now on.",
            err=True,
        )
        return frozenset(marks)
    try:
        rows = json.loads(_read(baseline))["findings"]
        return frozenset(str(row["fingerprint"]) for row in rows)
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{baseline} is not a baseline of sigbot lint; delete it to have it made again") from None


def _relative(path: str, baseline: Path) -> str:
    """A path as the baseline names it: from the folder the baseline is in, so that it holds wherever lint is started."""
    return Path(os.path.relpath(path, baseline.parent)).as_posix()
