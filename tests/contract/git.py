"""git as a person uses it: clone, commit, push. For worlds whose forge speaks git over http or a path."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

_ENV = {
    "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0", "HOME": "/nonexistent",
}  # fmt: skip


def run_git(*args: str, cwd: Path | None = None) -> str:
    """Run git with an environment of our own; its output. Fails the test with git's own words."""
    done = subprocess.run(["git", *args], cwd=cwd, env=_ENV, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"git {args[0]}: {done.stderr}"
    return done.stdout.strip()


def seed(url: str, who: str, files: Mapping[str, str | bytes | None]) -> str:
    """One commit with `files` as the whole of `main`, whatever was there; the commit."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        run_git("init", "-q", "-b", "main", ".", cwd=tree)
        _write(tree, files)
        _commit(tree, who, "Start")
        run_git("push", "-q", "--force", url, "HEAD:refs/heads/main", cwd=tree)
        return run_git("rev-parse", "HEAD", cwd=tree)


def _write(tree: Path, files: Mapping[str, str | bytes | None]) -> None:
    for name, content in files.items():
        path = tree / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def _commit(tree: Path, who: str, message: str) -> None:
    run_git("add", "-A", cwd=tree)
    run_git("-c", f"user.name={who}", "-c", f"user.email={who}@example.org", "commit", "-q", "-m", message, cwd=tree)


def commit_and_push(
    url: str,
    who: str,
    branch: str,
    files: Mapping[str, str | bytes | None],
    *,
    start: str = "main",
    force: bool = False,
) -> str:
    """Commit `files` to `branch` (made from `start` when missing, or when `force`) and push to `url`; the new commit."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        run_git("clone", "-q", url, ".", cwd=tree)
        known = run_git("branch", "-r", "--format=%(refname:short)", cwd=tree).split()
        if f"origin/{branch}" in known and not force:
            run_git("checkout", "-q", "-B", branch, f"origin/{branch}", cwd=tree)
        elif known:
            run_git("checkout", "-q", "-B", branch, f"origin/{start}", cwd=tree)
        else:
            run_git("checkout", "-q", "--orphan", branch, cwd=tree)
        _write(tree, files)
        _commit(tree, who, f"Change {', '.join(files)}")
        run_git("push", "-q", *(["--force"] if force else []), "origin", f"HEAD:refs/heads/{branch}", cwd=tree)
        return run_git("rev-parse", "HEAD", cwd=tree)
