"""`sigbot packages`: what is installed in an image, or how that differs from another image, read from the layers."""

from __future__ import annotations

from typing import Any

import click

from sig_bots.advisories import AdvisoryDifference
from sig_bots.advisoryreport import plain_lines
from sig_bots.containerfile.shortnames import resolve
from sig_bots.errors import NotFound
from sig_bots.packages import PackageDifference, PackageList, difference
from sig_bots.refs import ImageRef, Platform
from sig_bots.wording import counted
from sig_workers.cli.options import fail, read_settings
from sig_workers.cli.output import FORMAT, busy, print_json, say, table
from sig_workers.cli.security import ask_for_advisories

__all__ = ["packages"]

_KINDS = ("downgraded", "removed", "upgraded", "added")


@click.command()
@click.argument("image")
@click.option("--platform", help="Of an image for several platforms, this one (linux/arm64); by default the first.")
@click.option("--against", metavar="OTHER", help="Say what changes from IMAGE to OTHER.")
@click.option("--security", is_flag=True, help="With --against: also ask which known advisories that fixes or brings.")
@FORMAT
def packages(image: str, platform: str | None, against: str | None, security: bool, form: str) -> None:
    """What is installed in IMAGE: its rpm, dpkg or apk packages, read from its layers in the registry.

    Nothing is run or unpacked, and only the layers needed are fetched.
    """
    from sig_workers.registries.factory import make_registry

    if security and not against:
        raise click.UsageError("--security compares two images; name the other one with --against")
    try:
        names = [resolve(ImageRef.parse(text)) for text in (image, against) if text]
        wanted = Platform.parse(platform) if platform else None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    settings = read_settings()
    services = ask_for_advisories(settings) if security else None
    registry = make_registry(settings, private_network=True)  # the person named the image
    found = []
    for name in names:
        with busy(f"reading {name}"):
            listed = registry.packages(name, wanted, seconds=600)
        if listed is None:
            raise NotFound(f"{name} has no package database.")
        found.append(listed)
    if against is None:
        tell(found[0], form)
        return
    try:
        changed = difference(*found)
    except ValueError as error:
        fail(f"{names[0]} and {names[1]}: {error}")
    known = None
    if services is not None:
        with busy("asking for advisories"):
            known = services.between(names[0], names[1], found[0], found[1])
    tell_difference(changed, form, known)


def tell(listed: PackageList, form: str) -> None:
    """Print one list."""
    if form == "json":
        print_json(listed.model_dump(mode="json"))
        return
    table(["package", "version", "architecture"], [(one.name, one.evr, one.architecture) for one in listed.packages])
    click.echo(f"{counted(len(listed.packages), 'package')} ({listed.kind})", err=True)


def tell_difference(changed: PackageDifference, form: str, known: AdvisoryDifference | None = None) -> None:
    """Print what changed, and with `known` what that means for security."""
    if form == "json":
        more = {"security": known.model_dump(mode="json")} if known is not None else {}
        print_json(changed.model_dump(mode="json") | more)
        return
    rows: list[Any] = [
        (kind, one.name, one.old, one.new, one.architecture) for kind in _KINDS for one in getattr(changed, kind)
    ]
    if rows:
        table(["", "package", "from", "to", "architecture"], rows)
    else:
        say("The same packages in the same versions.")
    for line in plain_lines(known) if known is not None else ():
        say(line)
