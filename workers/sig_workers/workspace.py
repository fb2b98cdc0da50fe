"""Git for one repository: a cached bare partial clone, files read without checking out, commits built without one.

No git command ever writes a work tree: a checkout is written by us from git's object stream, as plain files in a fresh
folder. So nothing in a repository (links, filters, attributes, hooks, submodules, LFS pointers) is ever interpreted.
The cache is disposable: when it is damaged or has grown it is deleted and fetched again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sig_bots.errors import NotFound, SigbotError, Transient, UserError
from sig_workers.clone_url import CloneUrl
from sig_workers.git import GitCredentials, GitRunner, check_branch, check_sha
from sig_workers.tree import Entry, TreeLimits, check_path, plain_files, read_blobs, write_tree

__all__ = ["GitCheckout", "GitWorkspace"]

_KEEP = "refs/sigbot/keep"
_ABANDONED = 24 * 3600
"""Seconds after which a tree belongs to nobody; no job runs that long."""
_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
_UNADVERTISED = re.compile(r"does not have the wanted commit")
_ALL_REFS = (
    "+refs/heads/*:refs/sigbot/heads/*",
    "+refs/pull/*/head:refs/sigbot/pull/*",
    "+refs/merge-requests/*/head:refs/sigbot/merge-requests/*",
)


@dataclass(frozen=True)
class GitCheckout:
    """Files of one commit on disk. Links and submodules are left out."""

    path: Path
    sha: str
    entries: tuple[Entry, ...]

    def files(self) -> Sequence[str]:
        """Paths of all regular files, relative to `path`."""
        return [entry.path for entry in self.entries]


class GitWorkspace:
    """The Workspace of one repository. Safe for several threads and processes on the same cache folder."""

    def __init__(
        self,
        cache_dir: Path,
        repo_key: str,
        remote: CloneUrl | Callable[[], CloneUrl],
        credentials: Callable[[], GitCredentials | None] | GitCredentials | None = None,
        *,
        author: str = "sigbot <sigbot@localhost>",
        time_limit: float = 300.0,
        limits: TreeLimits | None = None,
        keep_packs: int = 60,
    ) -> None:
        """`repo_key` names the repository in the cache (instance and the forge's own id, say).

        `remote` and `credentials` may be functions, which are asked only when the network is really needed. `time_limit` in seconds for each
        git command and for waiting for another process. With more than `keep_packs` packs the cache starts anew.
        """
        name = hashlib.sha256(repo_key.encode()).hexdigest()[:32]
        self._dir = cache_dir / "git" / f"{name}.git"
        self._work = cache_dir / "work"
        self._remote = remote
        self._credentials = credentials
        self._author = author
        self._time_limit = time_limit
        self._limits = limits or TreeLimits()
        self._keep_packs = keep_packs
        self._git = GitRunner(self._dir, time_limit=time_limit, file_limit=self._limits.bytes)

    # ------------------------------------------------------------ reading

    def read(self, sha: str, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Some files of a commit without checking out; missing ones, links and folders are left out.

        Raises NotFound (no such commit), Transient, UserError (more than the size limit).
        """
        wanted = [path for path in dict.fromkeys(paths) if _readable(path)]
        if not wanted:
            return {}
        with self._having(sha):
            entries = plain_files(self._git, sha, self._limits, wanted)
            contents = self._blobs(entries)
        return {entry.path: contents[entry.oid] for entry in entries}

    def files(self, sha: str) -> Sequence[str]:
        """Paths of all regular files of a commit, without checking out. Raises NotFound, Transient, UserError."""
        with self._having(sha):
            return [entry.path for entry in plain_files(self._git, sha, self._limits)]

    @contextlib.contextmanager
    def checkout(self, sha: str) -> Iterator[GitCheckout]:
        """All regular files of the commit in a fresh folder, which is deleted when the block ends.

        Raises NotFound, Transient, UserError (more files or bytes than the limits, or a path that leaves the tree).
        """
        self._work.mkdir(parents=True, exist_ok=True)
        self._forget_abandoned()
        folder = Path(tempfile.mkdtemp(prefix="tree-", dir=self._work))
        try:
            with self._having(sha, whole=True):
                entries = plain_files(self._git, sha, self._limits)
                missing = write_tree(self._git, entries, folder, self._limits)
                if missing:
                    self._fetch_blobs(missing)
                    late = [entry for entry in entries if entry.oid in missing]
                    if write_tree(self._git, late, folder, self._limits):
                        raise Transient("The git server left out files of the commit.")
            yield GitCheckout(folder, sha, tuple(entries))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _forget_abandoned(self) -> None:
        """Delete the trees of workers that were killed."""
        oldest = time.time() - _ABANDONED
        for tree in self._work.glob("tree-*"):
            with contextlib.suppress(FileNotFoundError):
                if tree.stat().st_mtime < oldest:
                    shutil.rmtree(tree, ignore_errors=True)

    def _blobs(self, entries: Sequence[Entry]) -> dict[str, bytes]:
        contents, missing = read_blobs(self._git, entries, self._limits)
        if missing:
            self._fetch_blobs(missing)
            more, missing = read_blobs(self._git, [entry for entry in entries if entry.oid in missing], self._limits)
            if missing:
                raise Transient("The git server left out files of the commit.")
            contents.update(more)
        return contents

    # ------------------------------------------------------------ writing

    def commit(
        self,
        *,
        branch: str,
        parent: str,
        changes: Mapping[str, bytes],
        message: str,
        expected: str | None,
        before_push: Callable[[str], None] = lambda sha: None,
    ) -> str:
        """Push `branch` = `parent` + one commit with these files; returns its sha.

        The commit depends on the arguments alone (author and date too: the date is the parent's), so the same call
        again finds its own commit there and is no second effect. `expected` is the sha the remote branch must have,
        None: it must not exist. Raises Obsolete when the branch is elsewhere, UserError for a bad branch or path,
        NotFound, ForgeError, Transient.
        """
        check_branch(branch)
        if expected is not None:
            check_sha(expected)
        if not changes:
            raise UserError("There is nothing to commit.")
        for path in changes:
            check_path(path)
        with self._having(parent):
            sha = self._build(parent, changes, message)
            before_push(sha)
            self._network(
                "push", "--porcelain", "--no-verify", "--no-thin", "--no-signed",
                f"--force-with-lease=refs/heads/{branch}:{expected or ''}",
                "--end-of-options", "origin", f"{sha}:refs/heads/{branch}",
            )  # fmt: skip
            with contextlib.suppress(SigbotError):  # it is pushed; without the mark it is fetched when it is needed
                self._git.local("update-ref", f"{_KEEP}/{sha}", sha)
        return sha

    def _build(self, parent: str, changes: Mapping[str, bytes], message: str) -> str:
        before = {
            entry.path: entry for entry in plain_files(self._git, parent, self._limits, tuple(changes), all_kinds=True)
        }
        rows = bytearray()
        for path in sorted(changes):
            old = before.get(path)
            if old is not None and not old.regular:
                raise UserError(f"{path} is a link or a submodule, it is not overwritten.")
            oid = self._git.local("hash-object", "-w", "--stdin", "--no-filters", stdin=changes[path]).decode().strip()
            rows += f"{old.mode if old else '100644'} {oid}\t{path}\0".encode()
        with tempfile.TemporaryDirectory(prefix="index-", dir=self._dir) as folder:
            env = {"GIT_INDEX_FILE": f"{folder}/index"}
            self._git.local("read-tree", "--end-of-options", parent, env=env)
            self._git.local("update-index", "--add", "-z", "--index-info", stdin=bytes(rows), env=env)
            # The index names files we never fetched; their content is the server's, unchanged.
            tree = self._git.local("write-tree", "--missing-ok", env=env).decode().strip()
        name, _, address = self._author.partition(" <")
        date = self._git.local("show", "-s", "--format=%ct", "--end-of-options", parent).decode().strip()
        who = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", name), ("EMAIL", address.rstrip(">")), ("DATE", f"@{date} +0000"))
        }
        text = message.rstrip() + "\n"
        return (
            self._git.local("commit-tree", tree, "-p", parent, "-F", "-", stdin=text.encode(), env=who).decode().strip()
        )

    # ------------------------------------------------------------ cache

    @contextlib.contextmanager
    def _having(self, sha: str, *, whole: bool = False) -> Iterator[None]:
        """Hold the repository's lock with the commit and its trees present; at most one fetch.

        With `whole` that fetch brings the files too that are new since the commits we have.
        """
        check_sha(sha)
        with self._locked():
            if not (self._dir / _KEEP / sha).exists():
                which = "--no-filter" if whole else "--filter=blob:none"
                self._prepare()
                try:
                    self._fetch(sha, which)
                except SigbotError:
                    # A git that was killed leaves its lock files behind, and every later one fails on them.
                    if not any(self._dir.rglob("*.lock")):
                        raise
                    shutil.rmtree(self._dir)
                    self._prepare()
                    self._fetch(sha, which)
            yield

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._dir.parent.mkdir(parents=True, exist_ok=True)
        lock = self._dir.with_suffix(".lock")
        deadline = time.monotonic() + self._time_limit
        with lock.open("a") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise Transient("Another process is still busy with this repository.") from None
                    time.sleep(0.01)
            yield

    def _prepare(self) -> None:
        packs = self._dir / "objects" / "pack"
        if packs.is_dir() and sum(entry.name.endswith(".pack") for entry in os.scandir(packs)) > self._keep_packs:
            shutil.rmtree(self._dir)
        if not (self._dir / "HEAD").exists():
            shutil.rmtree(self._dir, ignore_errors=True)
            packs.mkdir(parents=True)
            (self._dir / "refs").mkdir()
            (self._dir / "config").write_text(_CONFIG)
            (self._dir / "HEAD").write_text("ref: refs/heads/none\n")

    def _fetch(self, sha: str, which: str) -> None:
        try:
            self._network(*_fetch_arguments(which, "--depth=1"), "origin", f"+{sha}:{_KEEP}/{sha}")
        except NotFound as error:
            if not _UNADVERTISED.search(str(error)):
                raise
            self._fetch_everything()
            try:
                self._git.local("update-ref", f"{_KEEP}/{sha}", sha)
            except SigbotError:
                raise error from None

    def _fetch_blobs(self, oids: Iterable[str]) -> None:
        rows = "".join(f"{oid}\n" for oid in sorted(oids))
        try:
            self._network(
                *_fetch_arguments("--filter=blob:none", "--stdin"), "origin", stdin=rows.encode(), negotiate=False
            )
        except NotFound as error:
            if not _UNADVERTISED.search(str(error)):
                raise
            self._fetch_everything()

    def _fetch_everything(self) -> None:
        """For a server that hands out branch tips only (protocol 0): a plain clone of those and all behind them."""
        shutil.rmtree(self._dir, ignore_errors=True)
        self._prepare()
        self._network(*_fetch_arguments("--no-filter"), "origin", *_ALL_REFS)

    def _network(self, *arguments: str, stdin: bytes = b"", negotiate: bool = True) -> None:
        url = self._remote() if callable(self._remote) else self._remote
        settings = {} if negotiate else {"fetch.negotiationAlgorithm": "noop"}
        credentials = self._credentials() if callable(self._credentials) else self._credentials
        self._git.remote(url, credentials, *arguments, stdin=stdin, settings=settings)


def _fetch_arguments(*options: str) -> list[str]:
    return [
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance",
        "--no-recurse-submodules", *options, "--end-of-options",
    ]  # fmt: skip


def _readable(path: str) -> bool:
    try:
        check_path(path)
    except UserError:
        return False
    return True
