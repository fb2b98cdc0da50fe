"""`sigbot doctor`: what this machine and the service have and lack, one line each, with the remedy. It changes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from sig_bots.errors import SigbotError
from sig_workers.cli.options import DATA, read_settings
from sig_workers.cli.output import FORMAT, print_json, say
from sig_workers.settings import Settings
from sig_workers.unreachable import why_unreachable

__all__ = ["doctor"]


class Finding(NamedTuple):
    """One thing looked at. `remedy` is empty when it is good."""

    what: str
    state: str
    remedy: str = ""


@click.command()
@DATA
@FORMAT
def doctor(data: Path | None, form: str) -> None:
    """Look at the machine and the service: what works, what does not, what to do. Exit status 1 when something is amiss."""
    found = [*machine(), *service(data)]
    if form == "json":
        print_json([{"what": one.what, "ok": not one.remedy, "state": one.state, "remedy": one.remedy} for one in found])  # fmt: skip
    else:
        for one in found:
            say(f"{'ok  ' if not one.remedy else 'warn'}  {one.what}: {one.state}" + (f"; {one.remedy}" if one.remedy else ""), "" if not one.remedy else "yellow")  # fmt: skip
    if any(one.remedy for one in found):
        raise click.exceptions.Exit(1)


def machine() -> Iterator[Finding]:
    """The programs."""
    from sig_workers.builders.fence import why_not

    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", version, "" if sys.version_info >= (3, 12) else "install Python 3.12 or newer")
    yield program("git", "install the package git: nothing works without it")
    buildah = program("buildah", "install the package buildah to build images")
    yield buildah
    if not buildah.remedy:
        reason = why_not("buildah")
        yield Finding(
            "fence around builds (unshare)", reason or "works",
            "pull requests of strangers are not built here; allow user namespaces or run as root" if reason else "",
        )  # fmt: skip
    yield hadolint()
    yield program("docker-registry", "install the package docker-registry for `sigbot up --example`", version=False)


def program(name: str, remedy: str, *, version: bool = True) -> Finding:
    """A program on PATH, with the first line of its `--version`."""
    found = shutil.which(name)
    if found is None:
        return Finding(name, "missing", remedy)
    if not version:
        return Finding(name, found)
    try:
        done = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(name, f"does not run: {error}", remedy)
    return Finding(name, (done.stdout.strip().splitlines() or [found])[0])


def hadolint() -> Finding:
    """The lint engine, run on a file."""
    from sig_workers.hadolint import Hadolint

    try:
        Hadolint().lint({"Containerfile": b"FROM scratch\n"})
    except SigbotError as error:
        return Finding("hadolint", "does not run", str(error))
    return Finding("hadolint", "works")


def service(data: Path | None) -> Iterator[Finding]:
    """The settings, and whether what they name can be reached."""
    try:
        settings = read_settings(data)
    except (SigbotError, click.ClickException) as error:
        yield Finding("settings", "cannot be used", error.format_message() if isinstance(error, click.ClickException) else str(error))  # fmt: skip
        return
    where = os.environ.get("SIGBOT_CONFIG")
    yield Finding("settings", where or "none; the defaults and the environment", "" if where else "`sigbot up` makes some for this machine")  # fmt: skip
    yield guarded("bots", lambda: bots(), "remove or repair the plugin")
    yield guarded("store", lambda: store(settings), "start the database, or correct `store`; `sigbot migrate` brings it to the newest form")  # fmt: skip
    yield guarded("broker", lambda: broker(settings), "start it, or correct `broker`; until then jobs start at the next sweep")  # fmt: skip
    for access in settings.registries:
        host = access.mirror or access.host
        yield guarded(f"registry {access.host}", lambda host=host, access=access: registry(host.partition("/")[0], access.insecure, access.ca_file), "start it, or correct `[[registry]]`")  # type: ignore[misc]  # fmt: skip


def guarded(what: str, look: Callable[[], str], remedy: str) -> Finding:
    """What a look gave, or how it failed."""
    try:
        return Finding(what, look())
    except Exception as error:
        own = isinstance(error, SigbotError | ValueError | FileNotFoundError | PermissionError)
        said = (str(error).strip().splitlines() or [""])[0][:200] if own else ""
        return Finding(what, said or why_unreachable(error), remedy)


def bots() -> str:
    """Load them all. Raises PluginError."""
    from sig_bots.roster import load_bots

    return ", ".join(load_bots().bots)


def store(settings: Settings) -> str:
    """Open it and compare its form with ours. Raises what is wrong."""
    from sig_workers.store.store import Store

    path = settings.store_url.removeprefix("sqlite:///")
    if path != settings.store_url and not Path(path).is_file():
        raise FileNotFoundError(f"there is no {path} yet")
    opened = Store.open(settings.store_url)
    try:
        if not opened.at_head():
            raise ValueError(f"reachable, but its form ({opened.revision() or 'none'}) is old")
        return f"reachable, form {opened.revision()}"
    finally:
        opened.close()


def broker(settings: Settings) -> str:
    """Connect. Raises what kombu raises."""
    if settings.broker == "filesystem":
        there = next(folder for folder in (settings.data, *settings.data.absolute().parents) if folder.is_dir())
        if not os.access(there, os.W_OK):
            raise PermissionError(f"{there} cannot be written to")
        return f"files in {settings.data}"
    from sig_workers.queue import make_app

    with make_app(settings).connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=5)
    return "reachable"


def registry(host: str, insecure: bool, ca_file: Path | None) -> str:
    """Ask for the root of its API: 200 or 401 is an answer. Raises what httpx raises, UserError for a bad `ca_file`."""
    import httpx

    from sig_workers.registries.connections import trust

    answer = httpx.get(f"{'http' if insecure else 'https'}://{host}/v2/", timeout=5, verify=trust(ca_file))
    if answer.status_code not in (200, 401):
        raise ValueError(f"answers {answer.status_code} {answer.reason_phrase}")
    return "answers"
