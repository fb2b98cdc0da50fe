"""Bring somebody's repository onto the local forge. It is only read: nothing is ever pushed back."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sig_workers.cli.options import fail
from sig_workers.observe import Redactor
from sig_workers.service import Service

__all__ = ["OWNER", "Imported", "import_repository", "where"]

OWNER = "you"
_URL = re.compile(r"(?:https?|ssh|git)://[^\s]+|[\w.-]+@[\w.-]+:[^\s]+")


@dataclass(frozen=True)
class Imported:
    """A repository on the local forge, and what its default branch was before and is now."""

    path: str
    branch: str
    before: str | None
    head: str


def import_repository(service: Service, source: str) -> Imported:
    """Take all branches and tags of `source` (see `where`) over. Ends the command with a sentence when that fails.

    git runs with the person's own configuration, since the person typed the address: keys and helpers work.
    """
    branch = default_branch(source)
    name = re.sub(r"[^a-z0-9._-]+", "-", Path(source.rstrip("/").removesuffix(".git").split(":")[-1]).name.lower())
    path = f"{OWNER}/{name.strip('.-') or 'repository'}"
    history = service.local_forge.create(path, OWNER, default_branch=branch)
    before = history.branch_sha(branch)
    git(
        "--git-dir", str(history.folder), "-c", "core.hooksPath=/dev/null", "fetch", "--quiet", "--no-write-fetch-head",
        "--update-head-ok", "--recurse-submodules=no", "--", source, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*",
    )  # fmt: skip
    head = history.branch_sha(branch)
    if head is None:
        fail(f"{source} has no commit on {branch}")
    return Imported(path, branch, before, head)


def where(given: str) -> str:
    """The address git is given: an absolute path of a repository, or a URL over https, http, ssh or git."""
    if _URL.fullmatch(given):
        return given
    folder = Path(given).expanduser()
    if not folder.is_dir():
        fail(f"{given} is neither a folder nor an address that git can clone over https or ssh")
    top = subprocess.run(
        [_git(), "-C", str(folder), "rev-parse", "--git-dir"], capture_output=True, text=True, check=False, env=_env()
    )
    if top.returncode != 0:
        fail(f"{given}: {_last(top.stderr)}")
    return str(folder.resolve())


def default_branch(source: str) -> str:
    """The branch HEAD points at over there; the one checked out, for a checkout."""
    answer = git("ls-remote", "--symref", "--", source, "HEAD")
    match = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", answer, re.MULTILINE)
    if match:
        return match[1]
    if not answer.strip():
        fail(f"{source} has no commit yet")
    return fail(f"{source} has no branch checked out; check one out, so that it is known which one to look at")


def git(*arguments: str) -> str:
    """Output of a git command; ends the command with git's own last line when it fails."""
    done = subprocess.run([_git(), *arguments], env=_env(), capture_output=True, text=True, check=False, errors="replace")  # fmt: skip
    if done.returncode != 0:
        fail(f"git {_last(done.stderr) or 'failed'}")
    return done.stdout


def _git() -> str:
    return shutil.which("git") or fail("git is missing: install the package git")


def _env() -> dict[str, str]:
    """The person's environment, but nothing is asked for, and git follows no other kind of address."""
    return {
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes", **os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file:https:http:ssh:git",
    }  # fmt: skip


def _last(text: str) -> str:
    """The line that says what went wrong, without passwords."""
    lines = [line.strip() for line in text.splitlines() if line.startswith(("fatal:", "error:"))]
    line = lines[0] if lines else (text.strip().splitlines() or [""])[-1]
    return Redactor()(re.sub(r"^(?:fatal|error): ", "", line))
