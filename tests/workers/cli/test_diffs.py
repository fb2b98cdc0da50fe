"""What `sigbot update --format diff` prints is what `git apply` takes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sig_bots.containerfile import edit_all
from sig_workers.cli.diffs import name_in_diff, unified
from sig_workers.cli.update import write

FILES = [
    b"FROM a:1\n", b"FROM a:1", b"\xef\xbb\xbfFROM a:1\r\nRUN x\r\n", b"# \x0c\x0b \x85 \xc2\x85 \xe2\x80\xa8\nRUN x\rRUN y\nFROM a:1\n",
    b"LABEL a=\xff\xfe\nFROM a:1 AS b\n" + b"RUN x\n" * 20 + b"FROM a:1", b"ARG V=1\n\n\nFROM a:$V\n\n",
]  # fmt: skip


def applied(folder: Path, patch: bytes) -> None:
    subprocess.run(["git", "apply", "-"], input=patch, cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("name", ["Containerfile", "a b/Containerfile", "größe/x.Containerfile", 'q"\\t/Containerfile'])
@pytest.mark.parametrize("data", FILES)
def test_git_applies_the_diff_and_has_the_same_bytes(tmp_path: Path, name: str, data: bytes) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)
    after = edit_all(data, {"a:1": "a:2"})
    applied(tmp_path, unified(name, data, after))
    assert file.read_bytes() == after


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from([b"a\n", b"b", b"\r\n", b"\x0c", b"\n", b"\xff", b"\xe2\x80\xa8"]), max_size=12).map(
        b"".join
    ),
    st.integers(0, 12),
)
def test_any_change_of_any_bytes_applies(tmp_path_factory: pytest.TempPathFactory, data: bytes, place: int) -> None:
    folder = tmp_path_factory.mktemp("diff")
    before = b"first\n" + data
    (folder / "f").write_bytes(before)
    after = before[:place] + b"new" + before[place:]
    applied(folder, unified("f", before, after))
    assert (folder / "f").read_bytes() == after


def test_no_change_is_no_diff() -> None:
    assert unified("f", b"a\n", b"a\n") == b""


def test_a_file_elsewhere_is_named_from_the_root_of_its_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "repo" / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "repo" / "sub")
    assert name_in_diff(Path("Containerfile")) == "Containerfile"
    assert name_in_diff(tmp_path / "repo" / "sub" / "x" / "Containerfile") == "x/Containerfile"
    assert name_in_diff(Path("../other/Containerfile")) == "other/Containerfile"


def test_a_file_behind_a_link_is_changed_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
