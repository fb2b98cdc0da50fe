"""`sigbot lint` on files of this machine, with the real hadolint."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from xml.etree import ElementTree

import pytest

from sig_bots.guidelines.model import BODY
from sig_workers.cli.main import main

GOOD = BODY.replace("{example}", "EXPOSE 8080")
BAD = BODY.replace("{example}", "ADD a /a\nRUN echo $a")


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class Sigbot(Protocol):
    def __call__(self, folder: Path, *arguments: str) -> Done: ...


@pytest.fixture
def sigbot(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sigbot:
    """`sigbot lint` in this process, which is quicker to start."""

    def run(folder: Path, *arguments: str) -> Done:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["sigbot", "lint", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return Done(int(end.value.code or 0), *capsys.readouterr())

    return run


def data(sigbot: Sigbot, folder: Path, *arguments: str) -> Any:
    return json.loads(sigbot(folder, "--format", "json", *arguments).stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "web").mkdir()
    (tmp_path / "Containerfile").write_text(BAD)
    (tmp_path / "web" / "app.Dockerfile").write_text(GOOD)
    (tmp_path / "README.md").write_text("FROM x\n")
    return tmp_path


def test_findings_of_both_engines_end_with_1(folder: Path, sigbot: Sigbot) -> None:
    done = sigbot(folder)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "Containerfile:4: error: ADD of `a` only copies; write COPY [SIG014, hadolint DL3020]"
    assert lines[1].startswith("Containerfile:5:1: info: ")
    assert lines[1].endswith("[SC2086]")
    assert lines[-1] == "1 error, 1 info in 2 files; --fix mends 1."
    assert done.stderr == ""


def test_clean_files_end_with_0(folder: Path, sigbot: Sigbot) -> None:
    done = sigbot(folder, "web")
    assert (done.returncode, done.stdout) == (0, "nothing found in 1 file.\n")


def test_a_file_is_linted_whatever_its_name(folder: Path, sigbot: Sigbot) -> None:
    (folder / "recipe").write_text(BAD)
    assert {one["path"] for one in data(sigbot, folder, "recipe", "web")["findings"]} == {"recipe"}


def test_the_threshold_decides_the_exit_status(folder: Path, sigbot: Sigbot) -> None:
    (folder / "Containerfile").write_text(GOOD + "RUN echo $a\n")
    assert sigbot(folder).returncode == 0
    assert sigbot(folder, "--threshold", "info").returncode == 1
    assert "none as severe as warning" in sigbot(folder).stdout


@pytest.mark.parametrize(
    "arguments", [["absent"], ["--format", "pdf"], ["--threshold", "bad"], ["empty"], ["--baseline", "README.md"]]
)
def test_wrong_use_ends_with_2_and_one_sentence(folder: Path, arguments: list[str], sigbot: Sigbot) -> None:
    (folder / "empty").mkdir()
    done = sigbot(folder, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "rror: " in done.stderr or done.stderr.startswith("sigbot: ")
    assert "Traceback" not in done.stderr


def test_json_holds_everything_about_a_finding(folder: Path, sigbot: Sigbot) -> None:
    found = data(sigbot, folder)
    first = found["findings"][0]
    assert found["version"] == 1
    assert found["counts"] == {"error": 1, "warning": 0, "info": 1, "style": 0}
    assert {key: first[key] for key in ("path", "line", "end_line", "rule", "severity", "engine", "fixable")} == {
        "path": "Containerfile", "line": 4, "end_line": 4, "rule": "SIG014", "severity": "error", "engine": "sigbot", "fixable": True,
    }  # fmt: skip
    assert first["url"].startswith("https://")
    assert len({one["fingerprint"] for one in found["findings"]}) == 2


def test_sarif_is_what_code_scanning_reads(folder: Path, sigbot: Sigbot) -> None:
    (folder / "a b#c.Dockerfile").write_text(BAD)
    sarif = json.loads(sigbot(folder, "--format", "sarif").stdout)
    (run,) = sarif["runs"]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert sarif["version"] == "2.1.0"
    assert {one["ruleId"]: one["level"] for one in run["results"]} == {"SIG014": "error", "SC2086": "note"}
    for one in run["results"]:
        assert ids[one["ruleIndex"]] == one["ruleId"]
        assert one["locations"][0]["physicalLocation"]["region"]["startLine"] in (4, 5)
    places = {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in run["results"]}
    assert places == {"Containerfile", "a%20b%23c.Dockerfile"}


def test_junit_has_a_suite_per_file_and_fails_what_counts(folder: Path, sigbot: Sigbot) -> None:
    (folder / "web" / "Dockerfile").write_bytes(GOOD.encode() + b"ADD \x01a<b> /\n")
    suites = ElementTree.fromstring(sigbot(folder, "--format", "junit").stdout.encode())
    by_name = {suite.attrib["name"]: suite for suite in suites}
    assert (suites.attrib["tests"], suites.attrib["failures"]) == ("4", "2")
    assert by_name["Containerfile"].attrib["skipped"] == "1"
    assert [case.find("failure") is None for case in by_name["web/app.Dockerfile"]] == [True]
    assert "a<b>" in by_name["web/Dockerfile"].findall("testcase/failure")[0].attrib["message"]


def test_fix_mends_on_disk_and_reports_what_is_left(folder: Path, sigbot: Sigbot) -> None:
    (folder / "Containerfile").chmod(0o600)
    done = sigbot(folder, "--fix")
    assert (folder / "Containerfile").read_text() == BAD.replace("ADD a", "COPY a")
    assert (folder / "Containerfile").stat().st_mode & 0o777 == 0o600
    assert (folder / "web" / "app.Dockerfile").read_text() == GOOD
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "fixed Containerfile:4: SIG014 ADD of `a` only copies; write COPY"


def test_a_baseline_is_made_once_and_counts_only_what_is_new(folder: Path, sigbot: Sigbot) -> None:
    made = sigbot(folder, "--baseline", "known.json")
    assert made.returncode == 0
    assert "wrote 2 findings to known.json" in made.stderr
    (folder / "Containerfile").write_text("# a line above\n" + BAD + "ADD b /b\n")
    later = sigbot(folder, "--baseline", "known.json")
    assert later.returncode == 1
    assert later.stdout.splitlines()[0].startswith("Containerfile:9: error: ADD of `b`")
    assert later.stdout.splitlines()[-1] == "1 error in 2 files; --fix mends 1; 2 in the baseline."


def test_a_baseline_holds_from_any_folder(folder: Path, sigbot: Sigbot) -> None:
    sigbot(folder, "--baseline", "known.json")
    assert sigbot(folder / "web", "..", "--baseline", "../known.json").returncode == 0
    assert sigbot(Path("/"), str(folder), "--baseline", str(folder / "known.json")).returncode == 0


def test_the_repositorys_configuration_is_followed(folder: Path, sigbot: Sigbot) -> None:
    (folder / ".sigbot.yaml").write_text("version: 1\nlint: {ignore: [DL3020], threshold: info}\n")
    done = sigbot(folder)
    assert done.returncode == 1
    assert "SIG014" not in done.stdout
    assert sigbot(folder, "--threshold", "warning").returncode == 0


def test_a_broken_configuration_is_told_with_its_line(folder: Path, sigbot: Sigbot) -> None:
    (folder / ".sigbot.yaml").write_text("version: 1\nlint: {treshold: info}\n")
    done = sigbot(folder)
    assert done.returncode == 2
    assert "line 2" in done.stderr
    assert "`threshold`" in done.stderr


def test_hidden_folders_and_links_are_passed_over(folder: Path, sigbot: Sigbot) -> None:
    (folder / ".cache").mkdir()
    (folder / ".cache" / "Containerfile").write_text(BAD)
    (folder / "web" / "Containerfile").symlink_to("/etc/passwd")
    assert data(sigbot, folder)["files"] == 2


def test_a_file_that_does_not_parse_is_one_sentence(folder: Path, sigbot: Sigbot) -> None:
    (folder / "Containerfile").write_text("FROM a.example/b:1\nRUM x\n")
    done = sigbot(folder)
    assert done.returncode == 1
    assert (
        done.stdout.splitlines()[0] == "Containerfile:2: error: this does not parse: unknown instruction 'RUM' [SIG000]"
    )
    assert len(done.stdout.splitlines()) == 2


def test_files_cannot_colour_the_terminal(folder: Path, sigbot: Sigbot) -> None:
    (folder / "x\x1b[31m.Dockerfile").write_text(GOOD + "ADD \x1b]0;title\x07a /\n")
    done = sigbot(folder)
    assert "\x1b" not in done.stdout
    assert "title" in done.stdout


def test_the_installed_command_needs_no_server_and_no_configuration(folder: Path) -> None:
    program = Path(sys.executable).parent / "sigbot"
    done = subprocess.run([program, "lint"], cwd=folder, env={"PATH": "/usr/bin"}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"")


def test_on_a_terminal_it_is_grouped_and_coloured(folder: Path) -> None:
    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "sig_workers.cli", "lint"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
    process = subprocess.Popen(command, cwd=folder, stdout=writer, stderr=subprocess.DEVNULL, env=environment)
    os.close(writer)
    text = b""
    try:
        while block := os.read(reader, 65536):
            text += block
    except OSError:  # Linux says EIO when the other end is closed
        pass
    os.close(reader)
    assert process.wait() == 1
    assert b"\x1b[" in text
    assert b"(--fix)" in text
