"""The git side of the local forge: bare repositories in one folder, opened by path only, never from a URL in an event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sig_bots.errors import NotFound, Obsolete, SigbotError, UserError
from sig_bots.forge import ChangedFile
from sig_workers.clone_url import CloneUrl
from sig_workers.git import GitCredentials, GitRunner, check_branch, check_sha

__all__ = ["History", "check_path"]

_PATH = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}(?:/[a-z0-9][a-z0-9._-]{0,99}){1,3}", re.IGNORECASE)
_HUNK = re.compile(rb"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")
_STATUS: Mapping[str, Literal["added", "modified", "removed", "renamed"]] = {
    "A": "added",
    "D": "removed",
    "R": "renamed",
}


def check_path(path: str) -> str:
    """The repository path `owner/name`. Raises UserError when it is none, or would leave the folder."""
    if not _PATH.fullmatch(path) or ".." in path or path.endswith(".git"):
        raise UserError(f"{path[:80]!r} is not a repository of the local forge; write owner/name.")
    return path


@dataclass(frozen=True)
class History:
    """One bare repository."""

    root: Path
    path: str

    @property
    def folder(self) -> Path:
        """Where the bare repository lies."""
        return self.root / f"{check_path(self.path)}.git"

    @property
    def git(self) -> GitRunner:
        """Git on the bare repository."""
        return GitRunner(self.folder)

    def create(self, default_branch: str, hooks: Mapping[str, str]) -> None:
        """Make the repository, or bring its hooks (name to script) up to date when it is there."""
        if not self.folder.is_dir():
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self.git.local(
                "init", "--quiet", "--bare", f"--initial-branch={check_branch(default_branch)}", str(self.folder)
            )
        for name, value in (("receive.advertisePushOptions", "true"), ("uploadpack.allowAnySHA1InWant", "true"),
                            ("uploadpack.allowFilter", "true"), ("core.hooksPath", str(self.folder / "hooks"))):  # fmt: skip
            self.git.local("config", name, value)
        (self.folder / "hooks").mkdir(exist_ok=True)
        for name, text in hooks.items():
            script = self.folder / "hooks" / name
            script.write_text(text)
            script.chmod(0o755)

    def fetch_from(self, source: CloneUrl, credentials: GitCredentials | None = None) -> None:
        """Take all branches and tags of another repository over, whole: an import, or a fork's start."""
        refspecs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        self.git.remote(
            source, credentials, "fetch", "--quiet", "--no-filter", "--no-write-fetch-head", "--update-head-ok",
            "origin", *refspecs,
        )  # fmt: skip

    def branch_sha(self, branch: str) -> str | None:
        """Commit of a branch, None when there is none."""
        try:
            output = self.git.local(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"refs/heads/{check_branch(branch)}"
            )
        except SigbotError:
            return None
        return output.decode().strip()

    def branches_at(self, sha: str) -> list[str]:
        """Names of the branches that point at the commit."""
        found = self.git.local(
            "for-each-ref", "--format=%(refname:lstrip=2)", f"--points-at={check_sha(sha)}", "refs/heads"
        )
        return found.decode("utf-8", "replace").split()

    def resolve(self, ref: str) -> str:
        """The commit a branch, tag or sha means. Raises NotFound."""
        for name in (f"refs/heads/{ref}", f"refs/tags/{ref}", ref):
            try:
                output = self.git.local("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            except SigbotError:
                continue
            return output.decode().strip()
        raise NotFound(f"{self.path} has no commit, branch or tag {ref[:80]!r}")

    def holds(self, ref: str, sha: str) -> bool:
        """Whether a ref (`refs/heads/x`) points at the commit or at one made from it; for 0…0, whether there is no such ref."""
        try:
            now = self.git.local("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
            return bool(sha.strip("0")) and self.merge_base(now.decode().strip(), sha) == sha
        except SigbotError:
            return not sha.strip("0")

    def read(self, path: str, sha: str) -> bytes | None:
        """A file of a commit; None when it is not there or not a plain file."""
        listing = self.git.local("ls-tree", "-z", check_sha(sha), "--", path)
        entry = listing.split(b"\0")[0]
        if not entry.startswith((b"100644 blob", b"100755 blob")):
            return None
        return self.git.local("cat-file", "blob", entry.split()[2].decode())

    def files(self, sha: str, limit: int = 1000) -> list[str]:
        """Paths of a commit's files, at most `limit`."""
        output = self.git.local("ls-tree", "-r", "-z", "--name-only", check_sha(sha))
        return [one.decode("utf-8", "replace") for one in output.split(b"\0") if one][:limit]

    def committer(self, sha: str) -> str:
        """Name of who committed."""
        return self.git.local("log", "-1", "--format=%cn", check_sha(sha)).decode("utf-8", "replace").strip()

    def changed_paths(self, before: str, after: str, limit: int = 3000) -> tuple[tuple[str, ...], bool]:
        """Files that differ between two commits, and whether that is all of them."""
        output = self.git.local(
            "diff-tree", "-r", "-z", "--name-only", "--no-renames", check_sha(before), check_sha(after)
        )
        paths = [one.decode("utf-8", "replace") for one in output.split(b"\0") if one]
        return tuple(paths[:limit]), len(paths) <= limit

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor, None when there is none."""
        try:
            return self.git.local("merge-base", check_sha(one), check_sha(other)).decode().strip()
        except SigbotError:
            return None

    def merged_onto(self, branch: str, head: str) -> str | None:
        """The commit that `head` was merged onto in the branch's last 1,000 merges, None when it is in none of them."""
        tip = self.resolve(branch)
        merges = self.git.local("rev-list", "--first-parent", "--merges", "--parents", "--max-count=1000", tip, "--")
        parents = (line.split()[1:] for line in merges.decode().splitlines())
        return next((base for base, *others in parents if head in others), None)

    def diff(self, base: str, head: str) -> bytes:
        """The change a pull request makes, as a unified diff."""
        start = self.merge_base(base, head) or base
        return self.git.local("diff", "--no-ext-diff", "--no-textconv", "--no-color", start, check_sha(head))

    def changed_files(self, base: str, head: str) -> tuple[ChangedFile, ...]:
        """Files of the change with the added lines of each."""
        start = self.merge_base(base, head) or base
        listed = self.git.local("diff", "--name-status", "-z", "--find-renames", start, check_sha(head))
        words = iter(listed.decode("utf-8", "replace").split("\0")[:-1])
        lines = _added_lines(
            self.git.local(
                "diff", "-U0", "--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", start, head
            )
        )  # fmt: skip
        files = []
        for letter in words:
            status = _STATUS.get(letter[0], "modified")
            old = next(words) if status == "renamed" else None
            name = next(words)
            files.append(ChangedFile(path=name, old_path=old, status=status, lines=lines.get(name, frozenset())))
        return tuple(files)

    def merge(self, base_branch: str, head: str, message: str, login: str) -> str:
        """Merge a commit into a branch; returns the merge commit. Raises Obsolete when it conflicts or moved."""
        base = self.branch_sha(base_branch)
        if base is None:
            raise NotFound(f"{self.path} has no branch {base_branch}")
        if self.merge_base(base, head) == head:
            return base
        try:
            tree = self.git.local("merge-tree", "--write-tree", base, check_sha(head)).split()[0].decode()
        except SigbotError as error:
            raise Obsolete(f"the pull request conflicts with {base_branch}; update its branch first") from error
        who = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in
               (("NAME", login), ("EMAIL", f"{login}@localhost"))}  # fmt: skip
        arguments = ("commit-tree", "-p", base, "-p", head, "-F", "-", tree)
        merged = self.git.local(*arguments, stdin=message.encode(), env=who).decode().strip()
        self.git.local("update-ref", f"refs/heads/{check_branch(base_branch)}", merged, base)
        return merged


def _added_lines(diff: bytes) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    path = ""
    for line in diff.split(b"\n"):
        if line.startswith(b"+++ "):
            path = _unquote(line[4:])
        elif (match := _HUNK.match(line)) is not None:
            start, count = int(match[1]), int(match[2] or b"1")
            found.setdefault(path, set()).update(range(start, start + count))
    return {name: frozenset(numbers) for name, numbers in found.items()}


def _unquote(name: bytes) -> str:
    """The path of a `+++` line: git ends one with spaces by a tab, and quotes unusual ones like a C string."""
    name = name.rstrip(b"\t")
    if name.startswith(b'"') and name.endswith(b'"'):
        name = name[1:-1].decode("unicode_escape", "replace").encode("latin-1", "replace")
    return name.decode("utf-8", "replace").removeprefix("b/")
