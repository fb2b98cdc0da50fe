"""`sigbot update`: what the update bot would change, on a checkout and without a service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from sig_bots.advisoryreport import BaseAdvisories
from sig_bots.errors import Transient
from sig_bots.updateanswer import noun_of
from sig_bots.updateconfig import UpdateConfig
from sig_bots.updatemoves import Move, MovedReference, apply_moves
from sig_bots.updatescan import Scan
from sig_bots.updating import look_over
from sig_bots.versionmoves import MovedVersion
from sig_bots.versionscan import look_over_versions
from sig_bots.wording import counted
from sig_workers.cli.checkout import config_of, containerfiles_in
from sig_workers.cli.diffs import name_in_diff, unified
from sig_workers.cli.options import fail, read_settings
from sig_workers.cli.output import print_json, progress, say
from sig_workers.cli.security import ask_for_advisories, look_for_advisories, security_as_data, tell_security
from sig_workers.unreachable import NO_TLS, UNKNOWN_NAME

__all__ = ["update"]

_MOST_COMPARED = 50
"""Files up to which platforms are compared unasked: registries count manifests, some allow a hundred in six hours."""


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Write nothing.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "diff"]), default="text", show_default=True,
    help="How to print it; a diff can be fed to `git apply`.",
)  # fmt: skip
@click.option(
    "--platforms/--no-platforms", default=None,
    help=f"Leave a newer tag that lacks a platform of the one in use; two more requests for each tag in use. By default up to {_MOST_COMPARED} files.",
)  # fmt: skip
@click.option("--refresh", is_flag=True, help="Ask the registries anew what they told a few minutes ago.")
@click.option("--now", is_flag=True, help="Do not wait for the `cooldown` of .sigbot.yaml.")
@click.option("--security", is_flag=True, help="Also say which known advisories each new image fixes; reads packages.")
def update(
    paths: tuple[Path, ...], dry_run: bool, form: str, platforms: bool | None, refresh: bool, now: bool, security: bool
) -> None:
    """Move image references to the newest tag or digest, in files or in all Containerfiles of folders.

    Values that `update: versions:` of the folder's .sigbot.yaml names move too. The registries and the release monitor are
    asked; nothing else changes. Exit status 2 when one cannot be asked, after everything else was done.
    """
    root = next((path for path in paths or (Path(),) if path.is_dir()), Path())
    config = config_of(root)
    section = config.sections.get("update")
    wanted = section if isinstance(section, UpdateConfig) else UpdateConfig()
    files = containerfiles_in(paths, config.images)
    compared = len(files) <= _MOST_COMPARED if platforms is None else platforms
    services = ask_for_advisories(read_settings()) if security else None
    scan, earlier = look(files, wanted, root, platforms=compared, refresh=refresh, waits=not now)
    moves = [move for group in scan.moves.values() for move in group]
    changes, applied, refused = apply_moves(moves, files)
    known = look_for_advisories(services, applied, wanted, config.images) if services is not None else None
    if not dry_run:
        for path, data in changes.items():
            write(Path(path), data)
    tell(form, scan, files, changes, applied, refused, known, written=not dry_run)
    if form == "text":
        for sentence in notes(applied, compared=compared, asked=platforms is not None, earlier=earlier):
            say(sentence, "dim")
    if scan.unreachable:
        names = list(scan.unreachable)
        fail(
            f"{counted(len(names), noun_of(names))} could not be looked at: {', '.join(names)}; {remedy(scan.unreachable.values())}"
        )


def remedy(errors: Iterable[Exception]) -> str:
    """What helps where images could not be looked at, as the end of a sentence."""
    found = []
    for error in errors:
        if not isinstance(error, Transient):
            found.append("log in there")
        elif UNKNOWN_NAME in str(error):
            found.append("check the name of the host")
        else:
            found.append("set `insecure = true` for its host" if NO_TLS in str(error) else "try again later")
    return ", or ".join(dict.fromkeys(found))


def look(
    files: Mapping[str, bytes], config: UpdateConfig, root: Path, *, platforms: bool, refresh: bool, waits: bool
) -> tuple[Scan, timedelta | None]:
    """Ask the registries, and the release monitor if there are rules for versions. Raises what reading the settings does.

    `waits`: whether versions wait for the cooldown of `config`. Beside what was found: how old answers may be that came from an earlier run; None when there was none of those.
    """
    from sig_workers.registries.answerfile import FileAnswers, default_file
    from sig_workers.registries.factory import make_registry

    settings = read_settings()
    age = settings.timing.registry_age
    with (
        progress("asking the registries", len(files)) as seen,
        FileAnswers(default_file(), age, refresh=refresh) as answers,
    ):
        registry = make_registry(settings, answers, private_network=True)  # the checkout is the person's own
        now = datetime.now(UTC) if waits else None
        scan = look_over(registry, files, config, now=now, platforms=platforms, seen=seen)
        if config.versions:
            from sig_workers.anitya import AnityaClient

            monitor = AnityaClient(settings.anitya.url, private_network=True, cache=answers)
            look_over_versions(monitor, files, config, scan, root=str(root))
    return scan, age if answers.earlier else None


def notes(applied: list[Move], *, compared: bool, asked: bool, earlier: timedelta | None) -> Iterator[str]:
    """What to know about how the registries were asked."""
    if applied and not compared and not asked:
        yield "Whether the newer tags have all the platforms of those in use was not looked at; --platforms does."
    if earlier is not None:
        minutes = max(round(earlier.total_seconds() / 60), 1)
        yield f"Some answers are of the last {counted(minutes, 'minute')}; --refresh asks again."


def write(path: Path, data: bytes) -> None:
    """Put the new content in place of the old, in one step; behind a symbolic link, in place of what it points at."""
    path = path.resolve()
    fresh = path.with_name(f".{path.name}.sigbot")
    try:
        fresh.write_bytes(data)
        fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        fail(f"{path} cannot be written: {error.strerror}")


def tell(
    form: str, scan: Scan, files: Mapping[str, bytes], changes: Mapping[str, bytes], applied: list[Move],
    refused: list[str], known: list[BaseAdvisories] | None, *, written: bool,
) -> None:  # fmt: skip
    """Print the result in one of the three forms."""
    if form == "json":
        print_json(as_data(scan, applied, refused, known))
    elif form == "diff":
        for path, data in changes.items():
            click.echo(unified(name_in_diff(Path(path)), files[path], data), nl=False)
    else:
        for move in applied:
            where = move.place if isinstance(move, MovedReference) else f"{move.path}:{move.line}"
            say(f"{where}: {move.old} -> {move.new}", "green")
            say(f"    {move.reason}")
            for place in move.by_hand if isinstance(move, MovedVersion) else ():
                say(f"    to be changed by hand: {place}", "yellow")
        tell_security(known or ())
        for sentence in (*refused, *scan.kept, *scan.waiting):
            say(sentence)
        for name, error in scan.unreachable.items():
            say(f"{name} could not be looked at: {error}", "yellow")
        say(summary(applied, changes, len(scan.unreachable), written=written))


def summary(applied: list[Move], changes: Mapping[str, bytes], unknown: int, *, written: bool) -> str:
    """The last line for people; `unknown` images could not be looked at."""
    if not applied:
        return "Nothing newer among what could be looked at." if unknown else "Nothing newer."
    many = f"{counted(len(applied), 'reference')} in {counted(len(changes), 'file')}"
    return f"{many} {'changed' if written else 'would change'}."


def as_data(scan: Scan, applied: list[Move], refused: list[str], known: list[BaseAdvisories] | None) -> dict[str, Any]:
    """The result as JSON: see docs/cli.md."""
    return ({} if known is None else {"security": security_as_data(known)}) | {
        "moved": [moved(move) for move in applied],
        "kept": [*refused, *scan.kept, *scan.waiting],
        "unreachable": {name: str(error) for name, error in scan.unreachable.items()},
    }


def moved(move: Move) -> dict[str, Any]:
    """One move as JSON."""
    found: dict[str, Any] = {
        "file": move.path,
        "line": move.line,
        "from": str(move.old),
        "to": str(move.new),
        "reason": move.reason,
    }
    if isinstance(move, MovedVersion):
        more = {"from": move.old.tag, "to": move.new.tag, "project": move.new.name, "value": move.what}
        return {**found, **more, "by_hand": list(move.by_hand)}
    if move.edited:
        found |= {"line": move.edited[0], "used": move.line}
    return found
