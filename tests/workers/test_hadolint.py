import time
from pathlib import Path

import pytest

from sig_bots.errors import Transient, UserError
from sig_bots.tools import Linter
from sig_workers.hadolint import Hadolint

GOOD = b'FROM registry.example/base:1\nLABEL a="b"\nUSER 1000\n'


def script(folder: Path, text: str) -> str:
    file = folder / "hadolint"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


def test_findings_carry_path_line_rule_and_link() -> None:
    found = Hadolint().lint({"a/Containerfile": GOOD, "b/Containerfile": b"FROM x\nRUN sudo ls\n"})
    assert isinstance(Hadolint(), Linter)
    assert {(each.path, each.line, each.rule, each.severity) for each in found} >= {
        ("b/Containerfile", 1, "DL3006", "warning"),
        ("b/Containerfile", 2, "DL3004", "error"),
    }
    assert not [each for each in found if each.path.startswith("a/")]
    assert found[0].url.startswith("https://")
    assert {each.engine for each in found} == {"hadolint"}


def test_shell_faults_are_found_and_linked() -> None:
    found = Hadolint().lint({"Containerfile": b"FROM x:1\nRUN echo $a\n"})
    assert [(each.rule, each.url) for each in found] == [("SC2086", "https://www.shellcheck.net/wiki/SC2086")]


def test_hostile_names_are_only_names() -> None:
    names = [
        "--config=/etc/passwd",
        "-",
        "a\nb",
        "../../../etc/passwd",
        "/etc/passwd",
        "\u202ex",
        "config.yaml",
        "x" * 5000,
    ]
    found = Hadolint().lint(dict.fromkeys(names, b"FROM x\n"))
    assert sorted(each.path for each in found) == sorted(names)


def test_a_configuration_in_the_pull_request_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {".hadolint.yaml": b"ignored: [DL3006]\nfailure-threshold: none\n", "Containerfile": b"FROM x\n"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HADOLINT_IGNORE", "DL3006")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert [each.rule for each in Hadolint().lint({"Containerfile": files["Containerfile"]})] == ["DL3006"]


def test_what_hadolint_cannot_parse_is_no_fault_of_the_author() -> None:
    heredoc = b"FROM x:1\nRUN <<-EOF\n\techo\n\tEOF\nRUN <<\n"
    found = Hadolint().lint({"heredoc": heredoc, "empty": b"", "bytes": b"\xff\xfe\x00FROM", "good": GOOD})
    assert {each.rule for each in found} <= {"DL1000"}
    assert {each.path for each in found} >= {"heredoc", "bytes"}
    assert {each.severity for each in found} == {"info"}
    assert "cannot parse" in found[0].message


def test_no_files_need_no_hadolint() -> None:
    assert Hadolint("/nonexistent").lint({}) == []
    assert Hadolint("/nonexistent").lint({"huge": b"#" * (2 << 20)}) == []


def test_many_files_are_one_process(tmp_path: Path) -> None:
    counting = script(tmp_path, f'echo run >> {tmp_path}/count; echo "[]"')
    assert Hadolint(counting).lint({str(n): GOOD for n in range(300)}) == []
    assert (tmp_path / "count").read_text() == "run\n"


def test_it_sees_no_variable_of_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGBOT_SECRET", "canary")
    Hadolint(script(tmp_path, f"/usr/bin/env > {tmp_path}/env; echo '[]'")).lint({"x": GOOD})
    assert "canary" not in (tmp_path / "env").read_text()


def test_a_missing_hadolint_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"install the extra sigbot\[lint\]"):
        Hadolint(str(tmp_path / "absent")).lint({"x": GOOD})


@pytest.mark.parametrize("text", ["exit 3", "echo nonsense", "kill -9 $$", "echo '{}'"])
def test_a_crash_may_be_tried_again(tmp_path: Path, text: str) -> None:
    with pytest.raises(Transient, match="hadolint crashed"):
        Hadolint(script(tmp_path, text)).lint({"x": GOOD})


def test_a_file_that_makes_hadolint_crash_costs_only_its_own_findings() -> None:
    files = {f"{number}/Containerfile": b"FROM x:1\nRUN sudo ls\n" for number in range(5)}
    found = Hadolint().lint({**files, "2/Containerfile": b"FROM x:1\nWORKDIR x\n"})
    assert sorted(each.path[0] for each in found if each.rule == "DL3004") == ["0", "1", "3", "4"]
    (crash,) = [each for each in found if each.path.startswith("2/")]
    assert (crash.severity, crash.rule, crash.line) == ("info", "DL1000", 1)


def test_a_hang_ends_at_the_time_limit(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(Transient, match="did not end within 0 s"):
        Hadolint(script(tmp_path, "/bin/sleep 60"), time_limit=0.3).lint({"x": GOOD})
    assert time.monotonic() - started < 5
