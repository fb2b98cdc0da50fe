"""Reading diffs, against git itself."""

import difflib
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sig_workers.forges.diffs import lines_between, new_lines, read_diff

LINES = st.lists(
    st.sampled_from(["a", "b", "c", "-- x", "++ y", "@@ -1 +1 @@", "diff --git a/x b/x", "\\ No", ""]), max_size=12
)


def git_diff(folder: Path, before: dict[str, str], after: dict[str, str]) -> str:
    """What git says about the change from one tree to the other."""

    def git(*args: str) -> str:
        done = subprocess.run(["git", *args], cwd=folder, capture_output=True, check=True)
        return done.stdout.decode()

    git("init", "-q", ".")
    for tree in (before, after):
        for path in folder.iterdir():
            if path.name != ".git":
                path.unlink()
        for name, text in tree.items():
            (folder / name).write_text(text)
        git("add", "-A")
        git("commit", "-q", "--allow-empty", "-m", "x")
    return git("diff", "-M", "HEAD~1", "HEAD")


def test_a_diff_of_every_kind_of_change(tmp_path: Path) -> None:
    text = "".join(f"{number}\n" for number in range(30))
    before = {"old name": text, "gone": "x\n", "edited": text, "ü.txt": "x"}
    after = {
        "new name": text + "more\n",
        "edited": "0\nnew\n" + text[2:].replace("20\n", ""),
        "ü.txt": "x\ny",
        "tab\there": "1\n",
        "empty": "",
    }
    changed = read_diff(git_diff(tmp_path, before, after))
    assert {file.path: file.old_path for file in changed if file.old_path} == {"new name": "old name"}
    found = {file.path: (file.status, file.lines) for file in changed}
    assert found == {
        "new name": ("renamed", frozenset({31})),
        "gone": ("removed", frozenset()),
        "edited": ("modified", frozenset({2})),
        "ü.txt": ("modified", frozenset({1, 2})),
        "tab\there": ("added", frozenset({1})),
        "empty": ("added", frozenset()),
    }  # fmt: skip


def test_a_binary_file_has_no_line_numbers() -> None:
    text = "diff --git a/a b/x b/a b/x\nnew file mode 100644\nindex 0..1\nBinary files /dev/null and b/a b/x differ\n"
    assert [(one.path, one.status, one.lines) for one in read_diff(text)] == [("a b/x", "added", None)]


@given(LINES, LINES)
def test_the_new_lines_are_those_a_diff_adds(old: list[str], new: list[str]) -> None:
    hunks = "\n".join(line.rstrip("\n") for line in list(difflib.unified_diff(old, new, lineterm=""))[2:])
    steps = difflib.SequenceMatcher(None, old, new).get_opcodes()
    added = {number + 1 for kind, _, _, start, end in steps if kind != "equal" for number in range(start, end)}
    assert new_lines(hunks) == added


@given(
    st.lists(
        st.sampled_from(
            ["diff --git a/x b/x", "@@ -1,2 +3 @@", "+", "-", " ", "+++ b/y", "--- a/x", "rename to z", "\\"]
        )
        | st.text(max_size=8)
    )
)
def test_no_text_breaks_the_reader(lines: list[str]) -> None:
    assert all(file.path for file in read_diff("\n".join(lines)))


def test_two_texts_too_long_to_compare_in_time_have_no_known_lines() -> None:
    assert lines_between(b"1\n2\n", b"0\n1\n3\n") == frozenset({1, 3})
    assert lines_between(b"x\n" * 3000, b"x\n" * 3001) is None
