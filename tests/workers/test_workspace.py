import multiprocessing
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sig_bots.errors import ForgeError, NotFound, Obsolete, SigbotError, Transient, UserError
from sig_bots.tools import Checkout, Workspace
from sig_workers.clone_url import check_clone_url, local_clone_url
from sig_workers.git import GitCredentials
from sig_workers.tree import TreeLimits, check_path
from sig_workers.workspace import GitWorkspace
from tests.workers.git_server import GitServer, git, serve


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    (tmp_path / "srv").mkdir()
    with serve(tmp_path / "srv") as running:
        running.bare()
        yield running


@pytest.fixture
def work(server: GitServer, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "-q", str(server.root / "demo.git"), "person")
    git(tmp_path / "person", "checkout", "-q", "-b", "main")
    return tmp_path / "person"


def push(work: Path, files: dict[str, str], branch: str = "main") -> str:
    for name, text in files.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text)
    git(work, "add", "-A", "-f")
    git(work, "commit", "-qm", "change", "--allow-empty")
    git(work, "push", "-qf", "origin", f"HEAD:refs/heads/{branch}")
    return git(work, "rev-parse", "HEAD")


def push_tree(work: Path, rows: str, branch: str = "main") -> str:
    """Push a commit with a tree that no honest client would make."""
    tree = git(work, "mktree", "--missing", stdin=rows.encode())
    sha = git(work, "commit-tree", tree, "-m", "hostile")
    git(work, "push", "-qf", "origin", f"{sha}:refs/heads/{branch}")
    return sha


def blob(work: Path, content: bytes) -> str:
    return git(work, "hash-object", "-w", "--stdin", stdin=content)


def workspace(server: GitServer, tmp_path: Path, password: str | None = None, **options: object) -> GitWorkspace:
    return GitWorkspace(
        tmp_path / "cache", "demo", lambda: check_clone_url(f"{server.url}/demo.git", server.url, True, True),
        lambda: GitCredentials("bot", password) if password else None, **options,  # type: ignore[arg-type]
    )  # fmt: skip


def test_it_is_the_workspace_of_the_contract(server: GitServer, work: Path, tmp_path: Path) -> None:
    sha = push(work, {"a": "1"})
    ws = workspace(server, tmp_path)
    assert isinstance(ws, Workspace)
    with ws.checkout(sha) as tree:
        assert isinstance(tree, Checkout)


def test_a_few_files_are_read_without_a_checkout(server: GitServer, work: Path, tmp_path: Path) -> None:
    sha = push(work, {"Containerfile": "FROM scratch\n", "deep/er/x": "2", "größe": "3"})
    ws = workspace(server, tmp_path)
    assert ws.read(sha, ["Containerfile", "größe", "absent", "deep", "../x", ""]) == {
        "Containerfile": b"FROM scratch\n",
        "größe": b"3",
    }
    assert not (tmp_path / "cache" / "work").exists()
    assert ws.files(sha) == ["Containerfile", "deep/er/x", "größe"]


def test_many_paths_are_read_in_one_go(server: GitServer, work: Path, tmp_path: Path) -> None:
    sha = push(work, {f"d{n}/Containerfile": str(n) for n in range(120)})
    found = workspace(server, tmp_path).read(sha, [f"d{n}/Containerfile" for n in range(200)])
    assert len(found) == 120
    assert found["d7/Containerfile"] == b"7"


def test_a_commit_is_fetched_once(server: GitServer, work: Path, tmp_path: Path) -> None:
    sha = push(work, {"a": "1", "b": "2"})
    workspace(server, tmp_path).read(sha, ["a", "b"])
    before = len(server.requests)
    again = workspace(server, tmp_path)
    assert again.read(sha, ["a"]) == {"a": b"1"}
    with again.checkout(sha) as tree:
        assert tree.files() == ["a", "b"]
    assert len(server.requests) == before


def test_history_and_unread_files_are_not_fetched(server: GitServer, work: Path, tmp_path: Path) -> None:
    first = push(work, {"big": "x" * 100_000})
    second = push(work, {"small": "y"})
    workspace(server, tmp_path).read(second, ["small"])
    bare = next((tmp_path / "cache" / "git").glob("*.git"))
    have = git(tmp_path, f"--git-dir={bare}", "cat-file", "--batch-all-objects", "--batch-check")
    assert first not in have
    assert have.count(" blob ") == 1


def test_a_checkout_has_the_bytes_and_modes_of_the_commit_and_goes_away(
    server: GitServer, work: Path, tmp_path: Path
) -> None:
    (work / "run.sh").write_bytes(b"#!/bin/sh\r\n$Id$\n")
    (work / "run.sh").chmod(0o755)
    push(work, {"same": "1", "x/same": "1"})
    (work / ".gitattributes").write_text("* text eol=lf ident\nrun.sh filter=lfs working-tree-encoding=UTF-16\n")
    git(work, "add", ".gitattributes")
    git(work, "commit", "-qm", "attributes")
    git(work, "push", "-q", "origin", "main")
    sha = git(work, "rev-parse", "HEAD")
    with workspace(server, tmp_path).checkout(sha) as tree:
        assert (tree.path / "run.sh").read_bytes() == b"#!/bin/sh\r\n$Id$\n"
        assert os.access(tree.path / "run.sh", os.X_OK)
        assert not os.access(tree.path / "same", os.X_OK)
        assert (tree.path / "x/same").read_text() == "1"
        assert not (tree.path / ".git").exists()
        assert tree.sha == sha
    assert not tree.path.exists()


def test_large_files_arrive_whole(server: GitServer, work: Path, tmp_path: Path) -> None:
    text = "0123456789abcdef" * 300_000
    sha = push(work, {"a": text, "b/copy": text})
    with workspace(server, tmp_path).checkout(sha) as tree:
        assert (tree.path / "a").read_text() == text == (tree.path / "b/copy").read_text()


def test_a_pushed_commit_is_deterministic_and_pushing_twice_is_one_effect(
    server: GitServer, work: Path, tmp_path: Path
) -> None:
    (work / "run.sh").write_text("old")
    (work / "run.sh").chmod(0o755)
    parent = push(work, {"keep": "kept", "deep/a": "1"})
    shas = set()
    for cache in ("one", "two"):
        ws = workspace(server, tmp_path / cache)
        shas.add(
            ws.commit(
                branch="sigbot/update/x",
                parent=parent,
                changes={"run.sh": b"new", "deep/b": b"2"},
                message="Update x",
                expected=None,
            )
        )
    bare = server.root / "demo.git"
    assert {git(bare, "rev-parse", "sigbot/update/x")} == shas
    assert (
        git(bare, "log", "--format=%an <%ae> %cn %at=%ct|%s|%P", "-1", *shas)
        == f"sigbot <sigbot@localhost> sigbot 1700000000=1700000000|Update x|{parent}"
    )
    assert git(bare, "diff", "--raw", "--no-abbrev", parent, *shas).count("\n") == 1
    assert "100755 100755" in git(bare, "diff", "--raw", parent, *shas)


def test_a_branch_that_moved_is_never_overwritten(server: GitServer, work: Path, tmp_path: Path) -> None:
    parent = push(work, {"a": "1"})
    human = push(work, {"a": "human"}, branch="sigbot/update/x")
    ws = workspace(server, tmp_path)
    for expected in (None, parent):
        with pytest.raises(Obsolete, match="moved"):
            ws.commit(branch="sigbot/update/x", parent=parent, changes={"a": b"bot"}, message="m", expected=expected)
    assert git(server.root / "demo.git", "rev-parse", "sigbot/update/x") == human
    new = ws.commit(branch="sigbot/update/x", parent=parent, changes={"a": b"bot"}, message="m", expected=human)
    assert git(server.root / "demo.git", "rev-parse", "sigbot/update/x") == new


def test_a_deleted_branch_is_obsolete_too(server: GitServer, work: Path, tmp_path: Path) -> None:
    parent = push(work, {"a": "1"})
    with pytest.raises(Obsolete):
        workspace(server, tmp_path).commit(branch="b", parent=parent, changes={"a": b"2"}, message="m", expected=parent)


def test_a_hook_that_declines_is_named(server: GitServer, work: Path, tmp_path: Path) -> None:
    parent = push(work, {"a": "1"})
    hook = server.root / "demo.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho this branch is protected >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(ForgeError, match="refused the push: this branch is protected"):
        workspace(server, tmp_path).commit(branch="b", parent=parent, changes={"a": b"2"}, message="m", expected=None)


def test_the_token_goes_through_the_helper_and_nowhere_else(server: GitServer, work: Path, tmp_path: Path) -> None:
    sha = push(work, {"a": "1"})
    server.password = "canary-4711"
    shim = tmp_path / "bin"
    shim.mkdir()
    (shim / "git").write_text(f'#!/bin/sh\n{{ echo "$@"; env; }} >> {tmp_path}/seen\nexec {shutil.which("git")} "$@"\n')
    (shim / "git").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{shim}:{os.environ['PATH']}")
        ws = workspace(server, tmp_path, "canary-4711")
        assert ws.read(sha, ["a"]) == {"a": b"1"}
        ws.commit(branch="b", parent=sha, changes={"a": b"2"}, message="m", expected=None)
    assert "canary" not in (tmp_path / "seen").read_text()
    on_disk = subprocess.run(["grep", "-r", "canary-4711", str(tmp_path / "cache")], capture_output=True, check=False)
    assert on_disk.stdout == b""


def test_the_token_is_not_sent_to_another_origin(server: GitServer, work: Path, tmp_path: Path) -> None:
    sha = push(work, {"a": "1"})
    with serve(server.root) as other:
        other.password = "canary"
        server.redirect = other.url
        with pytest.raises(ForgeError, match="redirects to another address"):
            workspace(server, tmp_path, "canary").files(sha)
        assert other.requests == []


def test_refused_credentials_and_missing_repositories_are_sentences(
    server: GitServer, work: Path, tmp_path: Path
) -> None:
    sha = push(work, {"a": "1"})
    server.password = "right"
    with pytest.raises(ForgeError, match=r"^127\.0\.0\.1:\d+ refused our credentials for this repository\.$"):
        workspace(server, tmp_path, "wrong-canary").files(sha)
    server.password = None
    gone = GitWorkspace(tmp_path, "gone", check_clone_url(f"{server.url}/gone.git", server.url, True, True))
    with pytest.raises(NotFound, match="no such repository"):
        gone.files(sha)


def test_a_commit_that_is_not_there_is_not_found(server: GitServer, work: Path, tmp_path: Path) -> None:
    push(work, {"a": "1"})
    for sha in ("1" * 40, "0" * 40, blob(work, b"1\n"), "main", "--upload-pack=touch /tmp/x"):
        with pytest.raises(NotFound):
            workspace(server, tmp_path).files(sha)


def test_a_server_that_is_down_is_transient(tmp_path: Path) -> None:
    ws = GitWorkspace(tmp_path, "x", check_clone_url("http://127.0.0.1:1/x.git", "http://127.0.0.1:1", True, True))
    with pytest.raises(Transient, match=r"127\.0\.0\.1:1 is not reachable") as caught:
        ws.files("1" * 40)
    assert caught.value.host == "127.0.0.1:1"


def test_links_are_neither_followed_nor_made(server: GitServer, work: Path, tmp_path: Path) -> None:
    (work / "passwd").symlink_to("/etc/passwd")
    (work / "up").symlink_to("..")
    sha = push(work, {"real": "1"})
    ws = workspace(server, tmp_path)
    assert ws.read(sha, ["passwd", "up/x", "real"]) == {"real": b"1"}
    with ws.checkout(sha) as tree:
        assert [each.name for each in tree.path.iterdir()] == ["real"]
    with pytest.raises(UserError, match="passwd is a link"):
        ws.commit(branch="b", parent=sha, changes={"passwd": b"x"}, message="m", expected=None)


def test_submodules_and_lfs_pointers_are_never_followed(server: GitServer, work: Path, tmp_path: Path) -> None:
    (work / ".gitmodules").write_text('[submodule "m"]\n\tpath = m\n\turl = http://169.254.169.254/x\n')
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{'a' * 40},m")
    git(work, "add", ".gitmodules")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 9999999999999\n"
    (work / "big.bin").write_text(pointer)
    (work / ".gitattributes").write_text("*.bin filter=lfs\n")
    git(work, "add", "big.bin", ".gitattributes")
    git(work, "commit", "-qm", "x")
    git(work, "push", "-q", "origin", "main")
    sha = git(work, "rev-parse", "HEAD")
    with workspace(server, tmp_path).checkout(sha) as tree:
        assert (tree.path / "big.bin").read_text() == pointer
        assert not (tree.path / "m").exists()


def test_hooks_in_the_cache_and_in_the_repository_do_not_run(server: GitServer, work: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    ws = workspace(server, tmp_path)
    parent = push(
        work, {"hooks/post-checkout": f"#!/bin/sh\ntouch {marker}\n", "hooks/pre-push": f"#!/bin/sh\ntouch {marker}\n"}
    )
    ws.files(parent)
    hooks = next((tmp_path / "cache" / "git").glob("*.git")) / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction", "post-checkout", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (hooks / name).chmod(0o755)
    with ws.checkout(parent):
        ws.commit(branch="b", parent=parent, changes={"a": b"1"}, message="m", expected=None)
    assert not marker.exists()


@pytest.mark.parametrize("name", [".git", ".GIT", "..", ".", "git~1", ".git\u200c"])
def test_trees_that_leave_the_tree_are_refused(server: GitServer, work: Path, tmp_path: Path, name: str) -> None:
    push(work, {"a": "1"})
    inner = git(work, "mktree", stdin=f"100644 blob {blob(work, b'evil')}\tx\n".encode())
    sha = push_tree(work, f"040000 tree {inner}\t{name}\n")
    with pytest.raises((UserError, ForgeError)), workspace(server, tmp_path).checkout(sha):
        pytest.fail("it was checked out")
    assert list((tmp_path / "cache" / "work").iterdir()) == []


def test_a_name_that_is_file_and_folder_at_once_is_refused(server: GitServer, work: Path, tmp_path: Path) -> None:
    push(work, {"a": "1"})
    oid = blob(work, b"x")
    inner = git(work, "mktree", stdin=f"100644 blob {oid}\tb\n".encode())
    raw = b"100644 a\0" + bytes.fromhex(oid) + b"40000 a\0" + bytes.fromhex(inner)
    tree = git(work, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)
    sha = git(work, "commit-tree", tree, "-m", "x")
    git(work, "push", "-qf", "origin", f"{sha}:refs/heads/main")
    with pytest.raises(SigbotError), workspace(server, tmp_path).checkout(sha):
        pytest.fail("it was checked out")


def test_paths_that_differ_in_case_only_stay_two_files(server: GitServer, work: Path, tmp_path: Path) -> None:
    sha = push(work, {"README": "upper", "readme": "lower"})
    with workspace(server, tmp_path).checkout(sha) as tree:
        assert (tree.path / "README").read_text() == "upper"
        assert (tree.path / "readme").read_text() == "lower"


def test_quotas_stop_a_repository_that_is_too_large(server: GitServer, work: Path, tmp_path: Path) -> None:
    sha = push(work, {f"d/{n}": f"{n}" * 10 for n in range(40)} | {"zeros": "\0" * 3_000_000})
    with pytest.raises(UserError, match="more than 10 files"):
        workspace(server, tmp_path, limits=TreeLimits(files=10)).files(sha)
    with pytest.raises(UserError, match="zeros and the files read with it have more than 1 MiB"):
        workspace(server, tmp_path, limits=TreeLimits(read_bytes=1 << 20)).read(sha, ["zeros"])
    bomb = TreeLimits(bytes=2 << 20)
    with (
        pytest.raises(UserError, match="more than 2 MiB together"),
        workspace(server, tmp_path, limits=bomb).checkout(sha),
    ):
        pytest.fail("it was checked out")
    assert list((tmp_path / "cache" / "work").iterdir()) == []


def test_a_pack_over_the_limit_is_not_stored(server: GitServer, work: Path, tmp_path: Path) -> None:
    (work / "noise").write_bytes(os.urandom(3_000_000))
    sha = push(work, {})
    with (
        pytest.raises(UserError, match="larger than the limit of 1 MiB"),
        workspace(server, tmp_path, limits=TreeLimits(bytes=1 << 20)).checkout(sha),
    ):
        pytest.fail("it was checked out")


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../b", ".git/config", "a/.Git/x", "", "a//b", "a\\b", "a\0b", "git~1/x"]
)
def test_a_commit_writes_only_inside_the_tree(server: GitServer, work: Path, tmp_path: Path, path: str) -> None:
    parent = push(work, {"a": "1"})
    with pytest.raises(UserError, match="not a path inside"):
        workspace(server, tmp_path).commit(branch="b", parent=parent, changes={path: b"x"}, message="m", expected=None)
    assert git(server.root / "demo.git", "branch", "--list", "b") == ""


def test_ordinary_paths_pass() -> None:
    for path in ("Containerfile", ".gitignore", ".github/x", "a b/ü", "git", "--flag", ":(glob)x", "a\nb"):
        assert check_path(path) == path


def test_path_magic_is_taken_literally(server: GitServer, work: Path, tmp_path: Path) -> None:
    sha = push(work, {":(glob)**": "1", "*": "2", "other": "3", "--help": "4"})
    found = workspace(server, tmp_path).read(sha, [":(glob)**", "*", "--help"])
    assert found == {":(glob)**": b"1", "*": b"2", "--help": b"4"}


def test_a_damaged_cache_is_replaced_and_a_grown_one_starts_anew(server: GitServer, work: Path, tmp_path: Path) -> None:
    ws = workspace(server, tmp_path, keep_packs=3)
    for n in range(6):
        sha = push(work, {"a": str(n)})
        assert ws.read(sha, ["a"]) == {"a": str(n).encode()}
    bare = next((tmp_path / "cache" / "git").glob("*.git"))
    assert len(list((bare / "objects/pack").glob("*.pack"))) <= 5
    (bare / "HEAD").unlink()
    sha = push(work, {"a": "last"})
    assert ws.read(sha, ["a"]) == {"a": b"last"}


@pytest.mark.parametrize("lock", ["shallow.lock", "refs/sigbot/keep/{sha}.lock"])
def test_the_locks_of_a_git_that_was_killed_stop_nobody(
    server: GitServer, work: Path, tmp_path: Path, lock: str
) -> None:
    with workspace(server, tmp_path).checkout(push(work, {"a": "1\n"})):
        pass
    (cache,) = (tmp_path / "cache" / "git").glob("*.git")
    sha = push(work, {"a": "2\n"})
    (cache / lock.format(sha=sha)).touch()
    assert workspace(server, tmp_path).read(sha, ["a"]) == {"a": b"2\n"}


def test_the_trees_of_workers_that_were_killed_go_away(server: GitServer, work: Path, tmp_path: Path) -> None:
    sha = push(work, {"a": "1\n"})
    with workspace(server, tmp_path).checkout(sha) as abandoned, workspace(server, tmp_path).checkout(sha) as running:
        os.utime(abandoned.path, (0, 0))
        with workspace(server, tmp_path).checkout(sha):
            assert not abandoned.path.exists()
            assert running.path.exists()


def _read(url: str, folder: Path, sha: str, answers: "multiprocessing.Queue[object]") -> None:
    ws = GitWorkspace(folder, "demo", check_clone_url(f"{url}/demo.git", url, True, True))
    answers.put(ws.read(sha, ["a"]))


def test_processes_at_once_fetch_once(server: GitServer, work: Path, tmp_path: Path) -> None:
    sha = push(work, {"a": "1"})
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[object] = context.Queue()
    running = [context.Process(target=_read, args=(server.url, tmp_path / "c", sha, answers)) for _ in range(4)]
    for each in running:
        each.start()
    assert [answers.get(timeout=60) for _ in running] == [{"a": b"1"}] * 4
    for each in running:
        each.join()
    assert server.count("git-upload-pack") == 2  # the commit with its trees, the one file


def test_the_local_forge_is_opened_by_path_and_its_hook_runs(server: GitServer, work: Path, tmp_path: Path) -> None:
    parent = push(work, {"a": "1"})
    bare = server.root / "demo.git"
    (bare / "hooks/post-receive").write_text(f"#!/bin/sh\ncat > {tmp_path}/hooked\n")
    (bare / "hooks/post-receive").chmod(0o755)
    ws = GitWorkspace(tmp_path / "cache", "local", local_clone_url(bare, server.root))
    assert ws.read(parent, ["a"]) == {"a": b"1"}
    new = ws.commit(branch="b", parent=parent, changes={"a": b"2"}, message="m", expected=None)
    assert new in (tmp_path / "hooked").read_text()


def test_a_server_without_fetch_by_commit_is_read_through_its_branches(
    server: GitServer, work: Path, tmp_path: Path
) -> None:
    old = push(work, {"a": "old"})
    new = push(work, {"a": "new"})
    git(server.root / "demo.git", "config", "uploadpack.allowAnySHA1InWant", "false")
    server.protocol_0 = True
    ws = workspace(server, tmp_path)
    assert ws.read(new, ["a"]) == {"a": b"new"}
    assert ws.read(old, ["a"]) == {"a": b"old"}
    with pytest.raises(NotFound, match="does not have the wanted commit"):
        ws.files("1" * 40)
