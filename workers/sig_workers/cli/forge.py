"""`sigbot forge`: act on the local forge as a person. Bots see what comes of it as webhooks, like anybody's."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import click

from sig_bots.forge import Permission
from sig_workers.cli.claim import is_claimed
from sig_workers.cli.follow import wait_for_bots
from sig_workers.cli.options import DATA, fail, open_service
from sig_workers.cli.output import FORMAT, local_time, print_json, say, table
from sig_workers.cli.pulltext import as_data, checks_of, print_checks, print_comment, print_pull, print_waiting
from sig_workers.cli.pushing import push
from sig_workers.service import Service

__all__ = ["forge"]

AS = click.option("--as", "login", required=True, metavar="USER", help="Who does it.")
WAIT = click.option("--wait", default=30.0, show_default=True, help="Seconds to wait for the bots at most.")


@click.group()
def forge() -> None:
    """Act on the local forge as a person.

    REPO is owner/name, REPO#N a pull request. To push, clone the folder that `sigbot forge list` names.
    """


def target(text: str) -> tuple[str, int]:
    """`owner/name#3` as repository and number."""
    path, _, number = text.partition("#")
    if not number.isdecimal():
        fail(f"{text} is no pull request or issue; write owner/name#number, as in fleet/web#1")
    return path, int(number)


@forge.command("list")
@DATA
@FORMAT
def list_repositories(data: Path | None, form: str) -> None:
    """The repositories, and where to clone each from."""
    with open_service(data) as service:
        rows = [
            {
                "path": row.path, "owner": row.owner, "private": row.private, "default_branch": row.default_branch,
                "clone": str(service.local_forge.history(row.path).folder),
                "open": [pull.number for pull in service.local_forge.state.pulls(row.path)],
            }
            for row in service.local_forge.state.all()
        ]  # fmt: skip
    if form == "json":
        print_json(rows)
        return
    table(
        ["repository", "owner", "open", "clone from"],
        [(row["path"], row["owner"], " ".join(f"#{one}" for one in row["open"]), row["clone"]) for row in rows],
    )


@forge.command()
@click.argument("repo")
@AS
@click.option("--private", is_flag=True, help="Shown on no page.")
@DATA
def create(repo: str, login: str, private: bool, data: Path | None) -> None:
    """Make an empty repository, owned by USER; prints the folder to clone and push to."""
    with open_service(data) as service:
        history = service.local_forge.create(repo, login, private=private)
        say(str(history.folder))


@forge.command()
@click.argument("repo")
@click.argument("who")
@click.argument("right", metavar="RIGHT", type=click.Choice([one.name.lower() for one in Permission]))
@DATA
def grant(repo: str, who: str, right: str, data: Path | None) -> None:
    """Say what WHO may do in a repository: RIGHT is none, read, write or admin.

    Its owner may do everything, others read.
    """
    with open_service(data) as service:
        service.local_forge.state.grant(repo, who, Permission[right.upper()])


@forge.command()
@click.argument("repo")
@AS
@click.option("--branch", required=True, help="Branch with the change; made by --file when it is not there.")
@click.option("--base", help="Branch to merge into; by default the default branch.")
@click.option("--title", help="By default the subject of the branch's last commit.")
@click.option("--body", default="", help="What the pull request says.")
@click.option(
    "--file", "files", multiple=True, metavar="PATH=FILE", help="Put FILE at PATH in a commit on the branch first."
)
@DATA
@WAIT
def pr(
    repo: str, login: str, branch: str, base: str | None, title: str | None, body: str, files: Sequence[str],
    data: Path | None, wait: float,
) -> None:  # fmt: skip
    """Open a pull request from a branch that was pushed, or from files; then show what the bots say to it."""
    with open_service(data) as service:
        local = service.local_forge
        into = base or local.state.row(repo).default_branch
        history = local.history(repo)
        if files:
            known = history.branch_sha(branch) is not None
            push(
                history.folder, read_files(files), login, title or f"Change {', '.join(named(files))}",
                branch=branch, base=branch if known else into,
            )  # fmt: skip
        if title is None and (sha := history.branch_sha(branch)) is not None:
            title = history.git.local("log", "-1", "--format=%s", sha).decode("utf-8", "replace").strip()
        pull = local.open_pull(repo, login, branch=branch, base=into, title=title or branch, body=body)
        say(f"{repo}#{pull.number} is open: {pull.url}")
        answer(service, repo, pull.number, wait)


def named(files: Sequence[str]) -> list[str]:
    """The paths in `PATH=FILE` words."""
    return [word.partition("=")[0] for word in files]


def read_files(files: Sequence[str]) -> dict[str, tuple[bytes, int]]:
    """Content and mode by path, from `PATH=FILE` words."""
    found = {}
    for word in files:
        path, equals, source = word.partition("=")
        if not (path and equals and source):
            fail(f"--file {word}: write PATH=FILE, the path in the repository and the file to put there")
        try:
            mode = 0o755 if Path(source).stat().st_mode & stat.S_IXUSR else 0o644
            found[path] = (Path(source).read_bytes(), mode)
        except OSError as error:
            fail(f"--file {word}: {source} cannot be read: {error.strerror}")
    return found


@forge.command()
@click.argument("pull")
@click.argument("text")
@AS
@DATA
@WAIT
def comment(pull: str, text: str, login: str, data: Path | None, wait: float) -> None:
    """Write a comment on a pull request, `/sig help` for example, and show the answer."""
    path, number = target(pull)
    with open_service(data) as service:
        service.local_forge.pull(path, number)
        before = {one.id: one.body for one in service.local_forge.state.comments(path, number=number)}
        before[service.local_forge.comment(path, number, login, text)] = text
        if not settled(service, path, number, wait):
            return
        for one in service.local_forge.state.comments(path, number=number):
            if before.get(one.id) != one.body:
                print_comment(one.author.login, local_time(one.created), one.body)
        print_waiting(service, path, number)


@forge.command()
@click.argument("pull")
@AS
@DATA
@WAIT
def merge(pull: str, login: str, data: Path | None, wait: float) -> None:
    """Merge a pull request; USER needs write access. Then show what the bots did."""
    path, number = target(pull)
    with open_service(data) as service:
        newest = max((job.id for job in service.store.jobs(limit=1)), default=0)
        sha = service.local_forge.merge(path, number, login)
        say(f"{pull} is merged; {service.local_forge.state.row(path).default_branch} is at {sha[:12]}.")
        if settled(service, path, None, wait):
            from sig_workers.cli.follow import Follower

            Follower(service, service.settings.url, since=newest).poll()


@forge.command()
@click.argument("pull")
@AS
@DATA
@WAIT
def close(pull: str, login: str, data: Path | None, wait: float) -> None:
    """Close a pull request without merging it, or an issue; then wait for what the bots do about it."""
    path, number = target(pull)
    with open_service(data) as service:
        if any(one.number == number for _, one in service.local_forge.state.issues(path)):
            service.local_forge.set_issue_state(path, number, "closed")
        else:
            service.local_forge.close(path, number, login)
        say(f"{pull} is closed.")
        if settled(service, path, None, wait):
            print_waiting(service, path)


@forge.command()
@click.argument("pull")
@DATA
@WAIT
@FORMAT
def checks(pull: str, data: Path | None, wait: float, form: str) -> None:
    """The checks on a pull request's head. Exit status 1 when one failed."""
    path, number = target(pull)
    with open_service(data) as service:
        wait_for_bots(service, path, number, wait)
        head = service.local_forge.pull(path, number).head_sha
        found = checks_of(service, path, head)
        if form == "json":
            print_json(found)
        else:
            print_checks(service, path, head)
            print_waiting(service, path, number)
    if any(one["state"] in ("failure", "error") for one in found):
        raise click.exceptions.Exit(1)


@forge.command()
@click.argument("pull")
@DATA
@WAIT
@FORMAT
def show(pull: str, data: Path | None, wait: float, form: str) -> None:
    """A pull request with its checks and comments, once the bots have nothing left to do on it."""
    path, number = target(pull)
    with open_service(data) as service:
        service.local_forge.pull(path, number)  # there is nothing to wait for when there is none
        wait_for_bots(service, path, number, wait)
        if form == "json":
            print_json(as_data(service, path, number))
        else:
            print_pull(service, path, service.local_forge.pull(path, number))


def settled(service: Service, path: str, number: int | None, wait: float) -> bool:
    """Wait for the bots, and say so when they were not seen to finish."""
    if wait <= 0:
        return False
    if not is_claimed(service.settings.data):
        say(f"No service runs on {service.settings.data}, so nobody answers until one does.", "yellow")
        return False
    if not wait_for_bots(service, path, number, wait):
        say(f"The bots are not done after {wait:g} s; {service.settings.url}/ shows how far they are.", "yellow")
    return True


def answer(service: Service, path: str, number: int, wait: float) -> None:
    """What the bots say to a pull request."""
    if settled(service, path, number, wait):
        print_checks(service, path, service.local_forge.pull(path, number).head_sha)
        print_waiting(service, path, number)
        for one in service.local_forge.state.comments(path, number=number):
            print_comment(one.author.login, local_time(one.created), one.body)
