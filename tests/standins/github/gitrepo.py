"""A bare git repository on disk, with the few operations a forge needs. Commits are made without a working tree."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ENV = {
    "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
}  # fmt: skip
ZERO = "0" * 40


class Conflict(Exception):
    """Two branches cannot be merged without a person."""


@dataclass(frozen=True)
class FileDiff:
    """One file of a difference; `patch` starts at the first `@@` and is None for binary files."""

    path: str
    status: str
    previous: str | None
    blob: str
    additions: int
    deletions: int
    patch: str | None


@dataclass(frozen=True)
class CommitInfo:
    """A commit as `git cat-file` tells it. Dates are ISO 8601 in UTC."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: tuple[str, str, str]
    committer: tuple[str, str, str]
    message: str


class GitRepo:
    """One bare repository."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(
        self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None, check: bool = True
    ) -> str:
        """Run git here; its output without the last line end. Raises RuntimeError with git's own words."""
        return self.raw(*args, stdin=stdin, env=env, check=check).decode(errors="replace").removesuffix("\n")

    def raw(
        self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None, check: bool = True
    ) -> bytes:
        """The same as bytes."""
        done = subprocess.run(
            ["git", "-C", str(self.path), *args], input=stdin, capture_output=True, env={**ENV, **(env or {})},
            check=False, timeout=60,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise RuntimeError(f"git {args[0]}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout if done.returncode == 0 else b""

    def create(self, branch: str) -> None:
        """Make the empty repository, as `git init --bare` would."""
        for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            (self.path / folder).mkdir(parents=True)
        (self.path / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
        (self.path / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
        self._configure()

    def copy_of(self, other: GitRepo) -> None:
        """Make it as a fork of another."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        other.run("clone", "-q", "--bare", str(other.path), str(self.path))
        self._configure()

    def _configure(self) -> None:
        options = {
            "http.receivepack": "true", "uploadpack.allowFilter": "true", "uploadpack.allowAnySHA1InWant": "true",
            "core.hooksPath": "/dev/null", "gc.auto": "0", "receive.autogc": "false",
        }  # fmt: skip
        with (self.path / "config").open("a") as file:
            for key, value in options.items():
                section, _, name = key.partition(".")
                file.write(f"[{section}]\n\t{name} = {value}\n")

    def refs(self) -> dict[str, str]:
        """Every ref and where it points, read as git keeps them: packed in one file, or one file each, which counts more."""
        found = {}
        packed = self.path / "packed-refs"
        for line in packed.read_text().splitlines() if packed.exists() else ():
            if line[0] not in "#^":
                sha, _, name = line.partition(" ")
                found[name] = sha
        for folder, _, names in os.walk(self.path / "refs"):
            for name in names:
                file = Path(folder) / name
                if name.endswith(".lock"):
                    continue
                with suppress(FileNotFoundError):  # deleted by a push in this moment
                    found[file.relative_to(self.path).as_posix()] = file.read_text().strip()
        return found

    def branches(self) -> dict[str, str]:
        """Every branch and its commit."""
        return {
            name.removeprefix("refs/heads/"): sha for name, sha in self.refs().items() if name.startswith("refs/heads/")
        }

    def resolve(self, ref: str) -> str | None:
        """The commit behind a branch, tag, full ref or commit id; None when there is none."""
        if not ref or ref.startswith("-"):
            return None
        if sha := self.branches().get(ref):
            return sha
        for name in (f"refs/tags/{ref}", ref) if not re.fullmatch(r"[0-9a-f]{40}", ref) else (ref,):
            if found := self.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", check=False):
                return found
        return None

    def commit(self, sha: str) -> CommitInfo:
        """What a commit says."""
        fields = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
        out = self.run("show", "-s", f"--format={fields}", sha, env={"TZ": "UTC"}).split("\0")
        return CommitInfo(
            out[0],
            out[1],
            tuple(out[2].split()),
            (out[3], out[4], out[5]),
            (out[6], out[7], out[8]),
            out[9].rstrip("\n"),
        )

    def log(self, ref: str, *, exclude: str | None = None, limit: int = 1000) -> list[str]:
        """Commits reachable from `ref` and not from `exclude`, newest first."""
        args = [ref, *([f"^{exclude}"] if exclude else [])]
        return self.run("rev-list", f"--max-count={limit}", *args).split()

    def entry(self, sha: str, path: str) -> tuple[str, str, str] | None:
        """Mode, type and object id of a path in a commit; the root tree for an empty path."""
        if not path.strip("/"):
            return ("040000", "tree", self.run("rev-parse", f"{sha}^{{tree}}"))
        out = self.run("ls-tree", "-z", sha, "--", path.strip("/"), check=False).rstrip("\0")
        return _entry(out)[:3] if out else None

    def listing(self, tree: str) -> list[tuple[str, str, str, str]]:
        """The entries of a tree: mode, type, object id, name."""
        return [_entry(line) for line in self.run("ls-tree", "-z", tree).split("\0") if line]

    def blob(self, blob: str) -> bytes:
        """The bytes of an object."""
        return self.raw("cat-file", "blob", blob)

    def has_object(self, name: str) -> bool:
        """Whether an object is here."""
        return bool(re.fullmatch(r"[0-9a-f]{40}", name)) and bool(self.run("cat-file", "-t", name, check=False))

    def commit_files(
        self, branch: str, files: Mapping[str, str | bytes | None], message: str, who: str, *, parent: str | None
    ) -> str:
        """Put a commit with `files` (None removes) on top of `parent` and point `branch` at it."""
        now = int(time.time())
        person = f"{who} <{who}@example.org> {now} +0000".encode()
        text = message.encode()
        stream = [b"commit refs/heads/%s\nmark :1\n" % branch.encode(), b"committer %s\n" % person]
        stream.append(b"data %d\n%s\n" % (len(text), text))
        if parent:
            stream.append(b"from %s\n" % parent.encode())
        for path, content in files.items():
            name = '"' + re.sub(r'(["\\\\])', r"\\\1", path).replace("\n", "\\n") + '"'
            if content is None:
                stream.append(b"D %s\n" % name.encode())
                continue
            data = content.encode() if isinstance(content, str) else content
            stream.append(b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(data), data))
        self.run("fast-import", "--quiet", "--force", stdin=b"".join(stream))
        return self.branches()[branch]

    def set_ref(self, ref: str, sha: str | None) -> None:
        """Point a ref at a commit, or delete it (None)."""
        self.run("update-ref", *([ref, sha] if sha else ["-d", ref]))

    def fetch(self, other: GitRepo, sha: str, ref: str) -> None:
        """Bring a commit of another repository here, under `ref`."""
        self.run("fetch", "-q", "--no-tags", str(other.path), f"+{sha}:{ref}")

    def merge_base(self, one: str, two: str) -> str | None:
        """The common ancestor of two commits."""
        return self.run("merge-base", one, two, check=False) or None

    def diff(self, base: str, head: str) -> list[FileDiff]:
        """What changed between two commits, file by file, renames found."""
        names = self.run("diff", "-M", "--name-status", "-z", base, head).split("\0")[:-1]
        text = self.run("diff", "-M", "--no-color", "--no-ext-diff", "--src-prefix=a/", "--dst-prefix=b/", base, head)
        parts = re.split(r"^diff --git .*\n", text + "\n" if text else "", flags=re.M)[1:]
        out = []
        for part in parts:
            letter, path = names.pop(0), names.pop(0)
            previous = None
            if letter[0] in "RC":
                previous, path = path, names.pop(0)
            out.append(self._file(letter[0], path, previous, part, head if letter != "D" else base))
        return out

    def _file(self, letter: str, path: str, previous: str | None, part: str, side: str) -> FileDiff:
        found = re.search(r"^@@", part, flags=re.M)
        patch = part[found.start() :].rstrip("\n") if found else None
        lines = patch.splitlines() if patch else []
        status = {"A": "added", "D": "removed", "R": "renamed", "C": "copied", "T": "changed"}.get(letter, "modified")
        entry = self.entry(side, path)
        return FileDiff(
            path, status, previous, entry[2] if entry else ZERO, sum(line.startswith("+") for line in lines),
            sum(line.startswith("-") for line in lines), patch,
        )  # fmt: skip

    def mergeable(self, base: str, head: str) -> str | None:
        """The tree of the merge of two commits, None when they conflict."""
        out = self.run("merge-tree", "--write-tree", base, head, check=False)
        return out.splitlines()[0] if out else None

    def merge(self, base_ref: str, head: str, message: str, who: str, *, squash: bool) -> str:
        """Merge a commit into a branch; the new commit. Raises Conflict."""
        base = self.resolve(base_ref)
        tree = self.mergeable(base or "", head)
        if base is None or tree is None:
            raise Conflict(base_ref)
        env = {
            "GIT_AUTHOR_NAME": who, "GIT_AUTHOR_EMAIL": f"{who}@example.org",
            "GIT_COMMITTER_NAME": who, "GIT_COMMITTER_EMAIL": f"{who}@example.org",
        }  # fmt: skip
        parents = ["-p", base] if squash else ["-p", base, "-p", head]
        sha = self.run("commit-tree", tree, *parents, "-F", "-", stdin=message.encode(), env=env)
        self.set_ref(f"refs/heads/{base_ref}", sha)
        return sha


def _entry(line: str) -> tuple[str, str, str, str]:
    head, _, name = line.partition("\t")
    mode, kind, sha = head.split(" ")
    return mode, kind, sha, name
