"""One report from two engines."""

from collections.abc import Mapping, Sequence

import pytest

from sig_bots.errors import Transient, UserError
from sig_bots.guidelines.model import BODY
from sig_bots.lintmessages import Verdict, comment, prose, summary, table
from sig_bots.lintreport import LintReport, at_least, fingerprints, lint_files, touched
from sig_bots.tools import Finding

GOOD = BODY.replace("{example}", "EXPOSE 8080")


class Engine:
    """An engine that says what it is told to."""

    def __init__(self, *findings: Finding, error: Exception | None = None) -> None:
        self.findings = findings
        self.error = error
        self.read: list[str] = []

    def lint(self, files: Mapping[str, bytes]) -> Sequence[Finding]:
        self.read += files
        if self.error:
            raise self.error
        return self.findings


def theirs(rule: str, line: int, severity: str = "warning", path: str = "x") -> Finding:
    return Finding(rule=rule, path=path, line=line, column=1, severity=severity, message=rule, engine="hadolint")


def report(text: str, *findings: Finding, ignore: Sequence[str] = ()) -> LintReport:
    return lint_files({"x": text.encode()}, Engine(*findings), ignore)


def rules(made: LintReport) -> list[tuple[str, int, str]]:
    return [(one.rule, one.line, one.severity) for one in made.findings]


def test_a_matter_both_found_stays_once_with_the_severer_severity() -> None:
    made = report(GOOD + "ADD a /\n", theirs("DL3020", 7, "error"))
    assert rules(made) == [("SIG014", 7, "error")]
    assert made.findings[0].fixable


def test_whose_severity_it_is_is_told_where_it_is_not_the_rules_own() -> None:
    (raised,) = report(GOOD + "ADD a /\n", theirs("DL3020", 7, "error")).findings
    assert raised.raised_by == "hadolint DL3020"
    assert ", as hadolint DL3020 says |" in table(Verdict((raised,), 1))
    (own,) = report(GOOD + "ADD a /\n", theirs("DL3020", 7, "style")).findings
    assert own.raised_by == ""


def test_a_summary_names_the_worst_finding_not_the_first() -> None:
    verdict = Verdict((theirs("A1", 1, "warning"), theirs("B2", 9, "error")), 1)
    assert summary(verdict) == "1 error and 1 warning; the worst: x:9: B2 B2"
    assert "ignore=B2" in comment(verdict)


def test_a_summary_keeps_the_dots_its_finding_ends_with() -> None:
    (found,) = (one for one in report(GOOD + "MAINTAINER me\n").findings if one.rule == "SIG007")
    assert summary(Verdict((found,), 1)).endswith("write it as LABEL maintainer=...")


def test_the_same_matter_in_another_instruction_stays() -> None:
    made = report(GOOD + "RUN dnf -y install a && dnf clean all\nADD a /\n", theirs("DL3020", 4))
    assert rules(made) == [("DL3020", 4, "warning"), ("SIG014", 8, "warning")]


def test_the_line_inside_a_long_run_is_kept_when_hadolint_names_its_first() -> None:
    made = report(GOOD + "RUN a \\\n  && b \\\n  && sudo c\n", theirs("DL3004", 7, "error"))
    assert rules(made) == [("SIG017", 9, "error")]


def test_hadolints_finding_covers_its_whole_instruction() -> None:
    (found,) = report(GOOD + "RUN a \\\n  && b \\\n  && c\n", theirs("SC2086", 7)).findings
    assert (found.line, found.end_line) == (7, 9)
    assert touched(found, {8}) == 8
    assert touched(found, {6}) is None


@pytest.mark.parametrize(
    "comment",
    ["sigbot ignore=SC2086", "sigbot ignore=SIG017", "hadolint ignore=DL3004", "sigbot global ignore=DL3004,SC2086"],
)
def test_a_comment_silences_the_matter_in_both_engines(comment: str) -> None:
    text = GOOD + f"# {comment}\nRUN sudo a $b\n"
    silenced = comment.split("=")[1].replace("DL3004", "SIG017")
    made = report(text, theirs("DL3004", 8), theirs("SC2086", 8))
    assert [one.rule for one in made.findings if one.rule in silenced] == []
    assert len(made.findings) == 2 - len(silenced.split(","))


@pytest.mark.parametrize("name", ["SIG017", "DL3004"])
def test_an_ignored_id_stands_for_the_matter(name: str) -> None:
    assert report(GOOD + "RUN sudo a\n", theirs("DL3004", 7), ignore=[name]).findings == ()


def test_stages_that_are_only_copied_from_do_as_they_like() -> None:
    text = "FROM a.example/b:1 AS build\nUSER root\nRUN dnf -y install x\n" + GOOD
    assert report(text, theirs("DL3002", 2), theirs("DL3040", 3)).findings == ()


def test_pinning_each_package_is_no_advice_for_fedora() -> None:
    made = report(GOOD + "RUN dnf -y install a && dnf clean all\n", theirs("DL3041", 7))
    assert rules(made) == [("DL3041", 7, "style")]


def test_a_file_that_does_not_parse_is_not_given_to_the_engine() -> None:
    engine = Engine(theirs("DL3006", 1, path="broken"))
    made = lint_files({"broken": b"RUM x\n", "fine": GOOD.encode()}, engine)
    assert {one.rule for one in made.findings} == {"SIG000"}
    assert engine.read == ["fine"]


def test_findings_are_ordered_by_path_line_and_rule() -> None:
    files = {"b": (GOOD + "ADD a /\n").encode(), "a": (GOOD + "RUN sudo x\nADD a /\n").encode()}
    made = lint_files(files, Engine(theirs("SC2086", 7, path="a")))
    assert [(one.path, one.rule) for one in made.findings] == [
        ("a", "SIG017"),
        ("a", "SC2086"),
        ("a", "SIG014"),
        ("b", "SIG014"),
    ]


def test_an_engine_that_is_missing_is_a_note() -> None:
    made = lint_files({"x": (GOOD + "ADD a /\n").encode()}, Engine(error=UserError("hadolint is not installed here.")))
    assert [one.rule for one in made.findings] == ["SIG014"]
    assert made.notes == ("Only sigbot's own rules were checked: hadolint is not installed here.",)


def test_an_engine_that_may_work_later_is_tried_again() -> None:
    with pytest.raises(Transient):
        lint_files({"x": GOOD.encode()}, Engine(error=Transient("too slow")))


def test_the_threshold_lets_the_severer_ones_pass() -> None:
    found = [theirs("A1", 1, severity) for severity in ("style", "info", "warning", "error")]
    assert [one.severity for one in at_least(found, "warning")] == ["warning", "error"]
    assert len(at_least(found, "style")) == 4


def test_a_fingerprint_survives_changes_elsewhere_and_tells_twins_apart() -> None:
    before = report(GOOD + "ADD a /\nADD a /\n")
    after = report("# above\n" + GOOD + "EXPOSE 1\nADD  a /\nADD a /\nADD b /\n")
    assert len(set(fingerprints(before))) == 2
    assert fingerprints(after)[:2] == fingerprints(before)
    assert fingerprints(after)[2] not in fingerprints(before)


PROSE = [
    ("see `a|b` and *c*", "see `a|b` and \\*c\\*"),
    ("@everyone `@everyone`", "@\u200beveryone `@\u200beveryone`"),
    ("an odd ` backtick", "an odd ' backtick"),
    ("[x](http://y) <b> #1", "\\[x\\]\\(http:\u200b//y\\) \\<b\\> \\#1"),
    ("two\nlines", "two lines"),
]


@pytest.mark.parametrize(("text", "expected"), PROSE)
def test_a_message_starts_no_markdown(text: str, expected: str) -> None:
    assert prose(text) == expected
