"""`sigbot run`: all enabled bots on a checkout or git URL. First what they would do, then it is done on the local forge."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from sig_bots.config import CONFIG_FILE, ConfigProblem, RepoConfig, default_config, parse_config
from sig_bots.events import NO_COMMIT, Tick, dump_event
from sig_bots.forge import CheckState
from sig_bots.refs import Repo
from sig_workers.cli.claim import claimed, is_claimed
from sig_workers.cli.follow import Follower
from sig_workers.cli.importing import OWNER, Imported, import_repository, where
from sig_workers.cli.localregistry import registry_on
from sig_workers.cli.options import default_data, fail
from sig_workers.cli.output import busy, say
from sig_workers.cli.ports import PORT, own_port
from sig_workers.cli.preview import Preview
from sig_workers.cli.running import Running, ending_politely, joined, started, tell_missing
from sig_workers.service import Service

__all__ = ["run"]

PUBLISHERS = f"local:{OWNER}/*"
"""Who may publish in the registry beside the local forge: the repositories the person brought in."""


@click.command()
@click.argument("repository", metavar="REPO_PATH|URL")
@click.option("--data", type=click.Path(path_type=Path), help="Folder for everything that is kept.")
@PORT
@click.option("--wait", default=900.0, show_default=True, help="Seconds to wait for the bots at most.")
@click.option("--serve", is_flag=True, help="Stay afterwards, so that the pages can be looked at.")
def run(repository: str, data: Path | None, port: int, wait: float, serve: bool) -> None:
    """Run all enabled bots on a checkout or a git URL.

    It is imported into the local forge and never pushed back. Without a .sigbot.yaml lint, update and rebuild are only
    previewed. Exit status 1 when a check fails or a bot does (not with --serve, which ends when you end it).
    """
    source = where(repository)
    folder = (data or default_data().with_name("sigbot-run")).absolute()
    with ending_politely(), _service(folder, port) as service:
        with busy(f"importing {repository}"):
            imported = import_repository(service.service, source)
        say(f"{imported.path} is on the local forge: {service.url}/forge/{imported.path}")
        follower = Follower(service.service, service.url, skipped=True)
        good = look_and_act(service, follower, imported, wait)
        if serve:
            follower.skip_heard()
            _closing_words(service, imported)
            service.serve(follower.turn)
    if not good and not serve:
        raise click.exceptions.Exit(1)


def _closing_words(service: Running, imported: Imported) -> None:
    folder, data = service.service.local_forge.history(imported.path).folder, service.service.settings.data
    say(f"\nLook at {service.url}/, or push and see what the bots say to it:", "bold")
    say(f"  git push {folder} HEAD:refs/heads/{imported.branch}")
    say("Open a pull request with what you have committed on a branch:", "bold")
    say(f"  git push {folder} HEAD:refs/heads/my-change")
    program = Path(sys.executable).with_name("sigbot")
    say(f"  {program} forge pr {imported.path} --as {OWNER} --branch my-change --data {data}")
    say("Ctrl-C ends it.")


@contextmanager
def _service(data: Path, port: int) -> Iterator[Running]:
    """The service that runs on the folder; where none does, one of our own with a registry, ended with the block."""
    if is_claimed(data):
        with joined(data) as other:
            yield other
        return
    with claimed(data):
        port = own_port(port)
        with registry_on(data, port) as registry, started(data, port, registry.settings(PUBLISHERS)) as service:
            service.watched.append(registry.check)
            tell_missing(service)
            yield service


def look_and_act(service: Running, follower: Follower, imported: Imported, wait: float) -> bool:
    """The preview, then the bots themselves; whether nothing failed and all came to an end."""
    doors = service.service
    row = doors.store.ensure_repository("local", doors.host("local").repository(imported.path).repo)
    workspace = doors.workspace(row)
    data = workspace.read(imported.head, [CONFIG_FILE]).get(CONFIG_FILE)
    config = configuration(doors, data)
    with busy("looking at the repository"):
        preview = Preview.of(doors, config, workspace, row.ref(), imported.head)
    preview.tell()
    tell_registry(doors, imported.path, config)
    if data is None:
        say(f"\nThere is no {CONFIG_FILE}, so update and rebuild stay a preview. This one would enable them:", "bold")
        say(preview.suggestion.rstrip())
    follower.skip_known()
    say("\nNow on the local forge:", "bold")
    start(doors, imported, config, row.ref())
    settled = follower.until_quiet(wait, service.check)
    if not settled:
        say(f"The bots are not done after {wait:g} s; {service.url}/ shows how far they are, --wait gives them longer.", "red")  # fmt: skip
    checks = doors.local_forge.state.checks(imported.path, imported.head)
    red = [check.name for check, _ in checks if check.state in (CheckState.FAILURE, CheckState.ERROR)]
    for name in red:
        say(f"The check {name} failed.", "red")
    for pull in doors.local_forge.state.pulls(imported.path):
        say(f"Pull request {imported.path}#{pull.number}: {pull.title}  {pull.url}")
    return settled and not red and not follower.failed


def tell_registry(service: Service, path: str, config: RepoConfig) -> None:
    """Where images of the repository are published, and which of its images are not, with what to do."""
    ours = [one.host for one in service.settings.registries if one.push_from]
    for spec in config.images:
        name = spec.ref.name
        if not ours or any(one.allows(name, "local", path) for one in service.settings.registries):
            continue
        say(
            f"{name} is not published from here: this run may push to {ours[0]} only. To see it built and published, "
            f"name it {ours[0]}/{spec.ref.repository} in {CONFIG_FILE}.", "yellow",
        )  # fmt: skip
    if ours and not config.images:
        say(f"A registry runs at {ours[0]}; an image that `images:` names {ours[0]}/NAME is published there.")


def configuration(service: Service, data: bytes | None) -> RepoConfig:
    """The repository's configuration; what is wrong with it ends the command."""
    if data is None:
        return default_config(service.bots)
    found = parse_config(data, service.bots)
    if isinstance(found, ConfigProblem):
        fail(f"{CONFIG_FILE}: {found}")
    return found


def start(service: Service, imported: Imported, config: RepoConfig, repo: Repo) -> None:
    """The webhook of a push; when nothing was pushed since the last run, the clock of the bots that have one."""
    if imported.before != imported.head:
        service.local_forge.after_push(
            imported.path, f"refs/heads/{imported.branch}", imported.before or NO_COMMIT, imported.head, "you"
        )
        return
    say(f"Nothing was committed to {imported.branch} since the last run; its checks stand. The bots look again.")
    for schedule in service.bots.schedules():
        if config.enabled(service.bots.bots[schedule.bot]):
            tick = Tick(source="clock", repo=repo, bot=schedule.bot, handler=schedule.name, scheduled=datetime.now(UTC))
            service.store.accept_own(f"run-{uuid.uuid4()}", dump_event(tick))
    service.wake_ups.wake({"receive"})
