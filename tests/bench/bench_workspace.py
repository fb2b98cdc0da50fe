"""First contact with a repository and its repeat, beside git's own way of doing the same.

Input: a made repository of 3,000 files (48 MB) and 200 commits, served by `git http-backend` over HTTP on loopback. Compared,
in turn within each round, and checked for the same content:

- first contact: our fetch plus reading one file, against `clone --depth 1 --filter=blob:none --sparse`;
- repeat: a new commit fetched and a whole tree on disk, against `fetch` plus `worktree add` in a mirror;
- one-file look-up of a commit that is already there, against a full clone.
"""

from __future__ import annotations

import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sig_workers.clone_url import check_clone_url
from sig_workers.workspace import GitWorkspace
from tests.bench.rows import Result, alone, row
from tests.workers.git_server import GitServer, git, serve

FILES, FILE_BYTES, COMMITS = 3000, 16_000, 200


def timed[T](action: Callable[[], T]) -> tuple[float, T]:
    """Seconds it took, and what it gave."""
    started = time.perf_counter()
    result = action()
    return time.perf_counter() - started, result


def make_repository(folder: Path, server: GitServer) -> Path:
    """A person's clone of a repository of many files and commits."""
    bare = server.bare()
    stream = [b"blob\nmark :1\ndata 13\nFROM scratch\n\n"]
    noise = random.Random(7)
    for number in range(FILES):
        stream.append(f"blob\nmark :{number + 2}\ndata {FILE_BYTES}\n".encode() + noise.randbytes(FILE_BYTES) + b"\n")
    for commit in range(COMMITS):
        stream.append(
            f"commit refs/heads/main\ncommitter A <a@example.org> {1_700_000_000 + commit} +0000\ndata 1\nx\n".encode()
        )
        if commit == 0:
            stream.append(b"M 100644 :1 Containerfile\n")
            stream += [f"M 100644 :{n + 2} d{n % 60}/f{n}\n".encode() for n in range(FILES)]
        stream.append(f"M 100644 inline changing\ndata {len(str(commit))}\n{commit}\n".encode())
    git(bare, "fast-import", "--quiet", stdin=b"".join(stream))
    git(bare, "repack", "-adqb")
    git(folder, "clone", "-q", str(bare), "person")
    return folder / "person"


def one_round(folder: Path, server: GitServer, person: Path) -> dict[str, float]:
    """Seconds of each way, on fresh folders and one new commit."""
    url = f"{server.url}/demo.git"

    def workspace() -> GitWorkspace:
        return GitWorkspace(folder / "cache", "demo", lambda: check_clone_url(url, server.url, True, True))

    head = git(person, "rev-parse", "HEAD")
    full, _ = timed(lambda: git(folder, "clone", "-q", "--bare", url, "full.git"))
    theirs, _ = timed(
        lambda: git(folder, "clone", "-q", "--depth", "1", "--filter=blob:none", "--sparse", url, "sparse")
    )
    ours, found = timed(lambda: workspace().read(head, ["Containerfile"]))
    look_up, again = timed(lambda: workspace().read(head, ["Containerfile"]))
    assert found == again == {"Containerfile": (folder / "sparse" / "Containerfile").read_bytes()}

    git(folder, "clone", "-q", "--mirror", url, "mirror.git")
    with workspace().checkout(head):
        pass
    (person / "changing").write_text(str(time.time_ns()))
    git(person, "commit", "-qam", "new")
    git(person, "push", "-q", "origin", "HEAD:main")
    new = git(person, "rev-parse", "HEAD")

    def fetch_and_worktree() -> None:
        git(folder / "mirror.git", "fetch", "-q")
        git(folder / "mirror.git", "worktree", "add", "-q", "--detach", str(folder / "tree"), new)

    def checkout() -> int:
        with workspace().checkout(new) as tree:
            assert (tree.path / "changing").read_bytes() == (person / "changing").read_bytes()
            started = time.perf_counter()
            count = sum(1 for path in tree.path.rglob("*") if path.is_file())
            checkout.counting = time.perf_counter() - started  # type: ignore[attr-defined]
            removed = time.perf_counter()
        checkout.counting += time.perf_counter() - removed  # type: ignore[attr-defined]  # the peer removes nothing
        return count

    repeat_theirs, _ = timed(fetch_and_worktree)
    repeat_ours, count = timed(checkout)
    assert count == FILES + 2 == len(git(folder / "tree", "ls-files").splitlines())
    return {
        "full clone": full,
        "first contact, git": theirs,
        "first contact, ours": ours,
        "one-file look-up, ours": look_up,
        "fetch + worktree, git": repeat_theirs,
        "fetch + checkout, ours": repeat_ours - checkout.counting,  # type: ignore[attr-defined]
    }


def run(rounds: int = 5, quick: bool = False) -> Result:
    """Medians and raw seconds of all ways, and the ratios with their floors."""
    raw: list[dict[str, float]] = []
    # On tmpfs: beside thousands of files just deleted, a disk's file system takes seconds for the same work tree.
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        root = Path(name)
        (root / "srv").mkdir()
        with serve(root / "srv") as server:
            person = make_repository(root, server)
            for number in range(2 if quick else rounds):
                folder = root / f"round-{number}"
                folder.mkdir()
                raw.append(one_round(folder, server, person))
                shutil.rmtree(folder)

    figures = {f"{key}_s": statistics.median(one[key] for one in raw) for key in raw[0]}
    counts = {"files": FILES + 2, "commits": COMMITS}

    def compared(ours: str, theirs: str) -> list[float]:
        return [one[ours] / one[theirs] for one in raw]

    return {
        "rows": [
            row(
                "first contact with a repository", compared("first contact, ours", "first contact, git"),
                beside="git clone, depth 1, blob:none, sparse", floor=1.2, figures=figures, counts=counts,
            ),
            row(
                "repeat, whole tree", compared("fetch + checkout, ours", "fetch + worktree, git"),
                beside="git fetch and worktree in a mirror", floor=1.3, counts=counts,
            ),
            row(
                "one-file look-up, repeat", compared("one-file look-up, ours", "full clone"), beside="full clone",
                floor=0.02, counts=counts,
            ),
        ],
        "raw": raw,
    }  # fmt: skip


if __name__ == "__main__":
    alone(run, __doc__)
