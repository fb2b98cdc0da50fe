"""`sigbot up --example`: the example fleet becomes repositories of the local forge, and the bots are seen at work on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from sig_bots.errors import Transient
from sig_bots.refs import ImageRef
from sig_workers.cli.claim import Claimed, claimed, forget
from sig_workers.cli.follow import Follower
from sig_workers.cli.localregistry import LocalRegistry, registry_on
from sig_workers.cli.options import fail, find_data
from sig_workers.cli.output import busy, say
from sig_workers.cli.ports import own_port
from sig_workers.cli.pushing import push
from sig_workers.cli.running import Running, started, tell_missing
from sig_workers.registries.seed import publish

__all__ = ["run_example"]

PLACEHOLDER = "registry.example"
OWNER = "alice"
REPOSITORIES = ("base", "web", "tools", "multi")
PULL_REQUEST = "web-pull-request"
BASE = "fleet/base"
FIRST_LOOK_SECONDS = 180
MOST_FOLDERS = 20


@dataclass(frozen=True)
class Fleet:
    """The files of the example, with the address of the registry put in."""

    folder: Path
    registry: str

    def files(self, name: str) -> dict[str, tuple[bytes, int]]:
        """Path to content and mode of one of its folders."""
        found = {}
        root = self.folder / name
        for path in sorted(root.rglob("*")):
            if path.is_file():
                content = path.read_bytes().replace(PLACEHOLDER.encode(), self.registry.encode())
                found[str(path.relative_to(root))] = (content, path.stat().st_mode & 0o777)
        return found


def example_folder(given: Path) -> Path:
    """Where the example lies: as given, else beside the code of a checkout."""
    for folder in (given, Path(__file__).resolve().parents[3] / given):
        if (folder / "base" / "Containerfile").is_file():
            return folder
    return fail(f"there is no example fleet in {given}; it is part of the source: name its folder with --example=PATH")


def run_example(given: Path, data: Path, port: int, *, keep: bool) -> None:
    """Start everything with the example fleet, tell what the bots do, and serve until told to end."""
    folder = example_folder(given)
    with _claimed_folder(data, keep) as claimed_data, _service(claimed_data, port) as (service, registry):
        say(f"sigbot is ready: {service.url}/")
        follower = Follower(service.service, service.url)
        if keep and service.service.local_forge.state.find(f"fleet/{REPOSITORIES[0]}") is not None:
            say(f"Going on with the data in {claimed_data}.")
            follower.skip_known()
            settled = True
        else:
            _make_fleet(service, Fleet(folder, registry.host), registry, follower)
            settled = follower.until_quiet(FIRST_LOOK_SECONDS, service.check)
        follower.skip_heard()
        _closing_words(service, settled)
        service.serve(follower.turn)


@contextmanager
def _claimed_folder(data: Path, keep: bool) -> Iterator[Path]:
    """The data folder, emptied unless it is kept; the next free one beside it when another run is on it."""
    with ExitStack() as stack:
        for number in range(1, MOST_FOLDERS):
            candidate = data.absolute() if number == 1 else data.absolute().with_name(f"{data.name}-{number}")
            try:
                stack.enter_context(claimed(candidate))
            except Claimed:
                continue
            if not keep:
                forget(candidate)
            if number > 1:
                say(f"Another run is on {data}; the data of this one is in {candidate}.")
            yield candidate
            return
    fail(f"{MOST_FOLDERS - 1} runs have taken {data} and the folders beside it; end one of them")


@contextmanager
def _service(data: Path, port: int) -> Iterator[tuple[Running, LocalRegistry]]:
    """The service with the registry it is configured for; the registry ends after it."""
    port = own_port(port)
    with registry_on(data, port) as registry, started(data, port, registry.settings("local:*")) as service:
        service.watched.append(registry.check)
        tell_missing(service)
        yield service, registry


def _make_fleet(service: Running, fleet: Fleet, registry: LocalRegistry, follower: Follower) -> None:
    forge = service.service.local_forge
    say("Making the example fleet on the local forge: " + ", ".join(f"fleet/{name}" for name in REPOSITORIES))
    with busy("making the example fleet"):
        _seed(registry)
        for name in REPOSITORIES:
            history = forge.create(f"fleet/{name}", OWNER)
            push(history.folder, fleet.files(name), OWNER, f"Add {name}")
            follower.poll()
        path, branch = "fleet/web", "another-port"
        push(
            forge.history(path).folder,
            fleet.files(PULL_REQUEST),
            "bob",
            "Serve on another port",
            branch=branch,
            base="main",
        )
        forge.open_pull(path, "bob", branch=branch, base="main", title="Serve on another port")


def _seed(registry: LocalRegistry) -> None:
    """An older and a newer tag of the base, as somebody published them earlier."""
    if registry.pid is None:
        return
    for tag in ("1.0", "1.1"):
        image = ImageRef(registry=registry.host, repository=BASE, tag=tag)
        try:
            publish(image, {"etc/fleet-release": f"Example fleet {tag}\n".encode()}, [_platform()])
        except Transient as error:
            say(str(error), "yellow")


def _platform() -> str:
    machine = os.uname().machine
    return f"linux/{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(machine, machine) }"


def _closing_words(service: Running, settled: bool) -> None:
    if not settled:
        say("Not everything has come to an end yet; more lines follow as it does.", "yellow")
    pulls = [
        (path, pull)
        for path in (f"fleet/{name}" for name in REPOSITORIES)
        for pull in service.service.local_forge.state.pulls(path)
    ]
    click.echo()
    say("Look at:", "bold")
    say(f"  {service.url}/  what arrived, and what the bots did")
    for path, pull in pulls:
        say(f"  {pull.url}  {path}#{pull.number}: {pull.title}, by {pull.author.login}")
    say("Act on it from another terminal:", "bold")
    say(f"  {_command(service)} forge comment fleet/web#1 '/sig help' --as bob")
    if any(path == "fleet/tools" for path, _ in pulls):
        say(f"  {_command(service)} forge merge fleet/tools#1 --as {OWNER}")
    say("Ctrl-C ends it.")


def _command(service: Running) -> str:
    """How this very sigbot is called on this data from a terminal in the same folder."""
    program = str(Path(sys.executable).with_name("sigbot"))
    here = find_data() == service.service.settings.data
    return os.path.relpath(program) if here else f"SIGBOT_DATA={service.service.settings.data} {program}"
