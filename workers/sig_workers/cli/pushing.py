"""Commit files and push them into a repository of the local forge, as a person with a clone would."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sig_bots.errors import SigbotError
from sig_workers.cli.options import fail

__all__ = ["push"]


def push(
    repository: Path, files: Mapping[str, tuple[bytes, int]], login: str, message: str, *, branch: str = "main",
    base: str = "",
) -> None:  # fmt: skip
    """Put files (content and mode by path) in one commit on top of `base`, and push it as `branch`; webhook included.

    Without a base it is the repository's first commit. Raises SigbotError with git's own words.
    """
    git = shutil.which("git") or fail("git is missing: install the package git")
    with tempfile.TemporaryDirectory(prefix="sigbot-") as name:
        root = Path(name).resolve()
        clone = Clone(git, root, login)
        clone.run("init", "--quiet", f"--initial-branch={branch}")
        if base:
            clone.run("fetch", "--quiet", str(repository), f"refs/heads/{base}")
            clone.run("reset", "--quiet", "--hard", "FETCH_HEAD")
        for path, (content, mode) in files.items():
            target = root / path
            if not target.resolve().is_relative_to(root) or ".git" in Path(path).parts:
                fail(f"{path} does not lie inside the repository")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(mode)
        clone.run("add", "--all")
        clone.run("commit", "--quiet", f"--message={message}")
        clone.run("push", "--quiet", str(repository), f"HEAD:refs/heads/{branch}")


class Clone:
    """Git in a folder, as a person of the local forge, untouched by the configuration of whoever runs this."""

    def __init__(self, git: str, root: Path, login: str) -> None:
        self._git = git
        self._root = root
        who = {"NAME": login, "EMAIL": f"{login}@localhost"}
        self._env = {
            "PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "SIGBOT_USER": login,
            **{f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in who.items()},
        }  # fmt: skip

    def run(self, *arguments: str) -> None:
        """One git command. Raises SigbotError."""
        done = subprocess.run(
            [self._git, *arguments], cwd=self._root, env=self._env, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            said = (done.stderr + done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
            raise SigbotError(f"git {arguments[0]} failed: {said[-1]}")
