"""The lint bot: one check, remarks on changed lines only, one comment that is quiet until there is something to say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as datafield

import pytest

from sig_bots import CheckRerequested, CheckState, UserError
from sig_bots.forge import Capabilities
from sig_bots.guidelines.check import RULES
from sig_bots.guidelines.model import BODY
from sig_bots.plugins.lint import bot
from sig_bots.refs import Actor
from sig_bots.testing import FakeHost, SigHarness
from sig_bots.tools import Finding

GOOD = BODY.replace("{example}", "EXPOSE 8080")
BAD = BODY.replace("{example}", "ADD a /a")
WITHOUT = "\n".join(line for line in GOOD.split("\n") if "version=" not in line)
"""GOOD without a label, so that the whole file is to blame and no line of it."""
CHECK = "sigbot/lint"


@dataclass
class MissingEngine:
    """A linter that is not installed."""

    def lint(self, files: Mapping[str, bytes]) -> Sequence[Finding]:
        raise UserError("hadolint is not installed here; install the extra sigbot[lint].")


@dataclass
class CountingEngine:
    """A linter that counts how often it is started."""

    runs: list[list[str]] = datafield(default_factory=list)

    def lint(self, files: Mapping[str, bytes]) -> Sequence[Finding]:
        self.runs.append(sorted(files))
        return []


def harness(files: Mapping[str, str], *, config: str | None = None, host: FakeHost | None = None) -> SigHarness:
    return SigHarness(bots=[bot], files=files, config=config, host=host or FakeHost())


@pytest.fixture
def sig() -> SigHarness:
    return harness({"Containerfile": GOOD})


def test_a_fault_fails_the_check_is_remarked_on_its_line_and_told_in_one_comment(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": BAD})
    check = sig.checks(number)[CHECK]
    assert check.state == CheckState.FAILURE
    assert check.summary == "Containerfile:4: SIG014 ADD of a only copies; write COPY"
    assert [(one.path, one.line, one.level) for one in check.annotations] == [("Containerfile", 4, "warning")]
    (comment,) = sig.comments(number)
    assert "**Lint found 1 warning in the lines this pull request changes.**" in comment
    assert "`Containerfile:4`" in comment
    assert "[SIG014](https://" in comment
    assert "`sigbot lint --fix` mends it." in comment


def test_a_pull_request_without_a_finding_gets_a_check_and_no_comment(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": GOOD + "# a remark\n"})
    assert sig.checks(number)[CHECK].state == CheckState.SUCCESS
    assert sig.checks(number)[CHECK].summary == "nothing found in 1 file"
    assert sig.comments(number) == []


def test_a_pull_request_without_a_containerfile_is_told_so(sig: SigHarness) -> None:
    number = sig.open_pr({"README.md": "hello"})
    assert sig.checks(number)[CHECK].state == CheckState.SUCCESS
    assert sig.checks(number)[CHECK].summary == "no Containerfile changed"
    assert sig.comments(number) == []


def test_mending_it_turns_the_check_green_and_edits_the_comment(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": BAD})
    sig.push({"Containerfile": GOOD}, branch="change")
    assert sig.checks(number)[CHECK].state == CheckState.SUCCESS
    assert sig.comments(number) == ["**Lint: all fixed.** Nothing is left of what was found here."]


def test_many_pushes_leave_one_comment(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": BAD})
    for port in range(20):
        sig.push({"Containerfile": BAD + f"EXPOSE {port}\n"}, branch="change")
    assert len(sig.comments(number)) == 1


def test_where_comments_cannot_be_edited_a_new_one_needs_another_state() -> None:
    sig = harness({"Containerfile": GOOD}, host=FakeHost(capabilities=Capabilities(comment_edit=False)))
    number = sig.open_pr({"Containerfile": BAD})
    sig.push({"Containerfile": "# moved down\n" + BAD}, branch="change")
    assert len(sig.comments(number)) == 1
    sig.push({"Containerfile": GOOD}, branch="change")
    sig.push({"Containerfile": GOOD + "# again\n"}, branch="change")
    assert [comment.split("\n")[0] for comment in sig.comments(number)][1:] == [
        "**Lint: all fixed.** Nothing is left of what was found here."
    ]


def test_lines_the_pull_request_leaves_alone_fail_nothing() -> None:
    sig = harness({"Containerfile": BAD})
    number = sig.open_pr({"Containerfile": BAD + "EXPOSE 8080\n"})
    check = sig.checks(number)[CHECK]
    assert check.state == CheckState.SUCCESS
    assert check.summary == "nothing found in 1 file (1 in lines this pull request leaves alone)"
    assert check.annotations == ()
    assert sig.comments(number) == []


def test_a_file_that_does_not_change_is_not_looked_at() -> None:
    sig = harness({"Containerfile": GOOD, "other/Containerfile": BAD})
    number = sig.open_pr({"Containerfile": GOOD + "EXPOSE 1\n"})
    assert sig.checks(number)[CHECK].summary == "nothing found in 1 file"


def test_taking_a_label_away_counts_though_no_changed_line_is_to_blame(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": WITHOUT})
    assert sig.checks(number)[CHECK].state == CheckState.FAILURE
    assert "no label name, version" in sig.checks(number)[CHECK].summary


def test_a_label_that_was_never_there_does_not_count() -> None:
    sig = harness({"Containerfile": WITHOUT})
    number = sig.open_pr({"Containerfile": WITHOUT + "EXPOSE 1\n"})
    assert sig.checks(number)[CHECK].state == CheckState.SUCCESS


def test_a_new_base_image_is_not_blamed_for_a_label_that_was_never_there() -> None:
    sig = harness({"Containerfile": WITHOUT})
    lines = [line + "0" if line.startswith("FROM") else line for line in WITHOUT.split("\n")]
    number = sig.open_pr({"Containerfile": "\n".join(lines)})
    assert sig.checks(number)[CHECK].state == CheckState.SUCCESS


def test_a_new_file_is_blamed_for_what_it_lacks(sig: SigHarness) -> None:
    number = sig.open_pr({"web/Containerfile": WITHOUT})
    assert "no label name, version" in sig.checks(number)[CHECK].summary


def test_what_the_base_mended_meanwhile_is_not_blamed_on_the_pull_request() -> None:
    sig = harness({"Containerfile": WITHOUT})
    number = sig.open_pr({"Containerfile": WITHOUT + "EXPOSE 1\n"})
    sig.push({"Containerfile": GOOD})
    sig.push({"Containerfile": WITHOUT + "EXPOSE 2\n"}, branch="change")
    assert sig.checks(number)[CHECK].state == CheckState.SUCCESS


def test_what_the_pull_request_broke_counts_though_the_base_broke_it_too_meanwhile() -> None:
    sig = harness({"Containerfile": GOOD})
    number = sig.open_pr({"README.md": "hello"})
    sig.push({"Containerfile": WITHOUT})
    sig.push({"Containerfile": WITHOUT + "EXPOSE 2\n"}, branch="change")
    assert sig.checks(number)[CHECK].state == CheckState.FAILURE


def test_a_renamed_file_brings_no_new_findings() -> None:
    old = WITHOUT.replace("USER", "ADD a /a\nUSER")
    sig = harness({"Containerfile": old})
    number = sig.open_pr({"Containerfile": None, "web/Containerfile": old})
    assert sig.checks(number)[CHECK].state == CheckState.SUCCESS
    assert "in lines this pull request leaves alone" in sig.checks(number)[CHECK].summary


def test_a_renamed_file_that_lost_a_label_does() -> None:
    sig = harness({"Containerfile": GOOD})
    number = sig.open_pr({"Containerfile": None, "web/Containerfile": WITHOUT})
    assert "no label name, version" in sig.checks(number)[CHECK].summary


def test_a_file_that_does_not_parse_is_one_sentence_with_its_line(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": GOOD.replace("EXPOSE", "EXPOS")})
    check = sig.checks(number)[CHECK]
    assert check.state == CheckState.FAILURE
    assert check.summary == "Containerfile:4: SIG000 this does not parse: unknown instruction 'EXPOS'"


def test_without_a_configuration_file_there_is_a_check_and_no_comment(sig: SigHarness) -> None:
    sig.push({".sigbot.yaml": None})
    number = sig.open_pr({"Containerfile": BAD})
    assert sig.checks(number)[CHECK].state == CheckState.FAILURE
    assert sig.comments(number) == []


def test_the_pull_request_of_a_stranger_is_linted(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": BAD}, by="bob", fork=True)
    assert sig.checks(number)[CHECK].state == CheckState.FAILURE
    assert len(sig.comments(number)) == 1


def test_a_missing_hadolint_is_told_and_our_own_rules_still_run(sig: SigHarness) -> None:
    sig.linter = MissingEngine()  # type: ignore[assignment]
    number = sig.open_pr({"Containerfile": BAD})
    check = sig.checks(number)[CHECK]
    assert check.state == CheckState.FAILURE
    assert "SIG014" in check.summary
    assert "hadolint is not installed here" in check.summary


def test_the_engine_runs_once_for_all_files(sig: SigHarness) -> None:
    sig.linter = engine = CountingEngine()  # type: ignore[assignment]
    sig.open_pr({f"{name}/Containerfile": GOOD for name in "abc"})
    assert engine.runs == [["a/Containerfile", "b/Containerfile", "c/Containerfile"]]


def test_what_hadolint_finds_in_a_long_run_counts_when_any_line_of_it_changed(sig: SigHarness) -> None:
    run = "RUN echo one \\\n  && echo $two \\\n  && echo three\n"
    sig.push({"Containerfile": GOOD + run})
    sig.linter.findings = [
        Finding(rule="SC2086", path="Containerfile", line=7, severity="warning", message="Quote it", engine="hadolint")
    ]
    number = sig.open_pr({"Containerfile": GOOD + run.replace("two", "three")})
    (remark,) = sig.checks(number)[CHECK].annotations
    assert (remark.line, remark.title) == (8, "SC2086")


def test_a_push_to_the_default_branch_checks_the_commit(sig: SigHarness) -> None:
    sha = sig.push({"Containerfile": BAD})
    (check,) = sig.forge().checks(sha)
    assert (check.name, check.state) == (CHECK, CheckState.FAILURE)
    quiet = sig.push({"README.md": "hello"})
    assert sig.forge().checks(quiet) == []
    assert sig.outcomes[-1][1].reason == "no Containerfile changed"


def test_a_push_elsewhere_is_not_linted(sig: SigHarness) -> None:
    sha = sig.push({"Containerfile": BAD}, branch="topic")
    assert sig.forge().checks(sha) == []


def rerequest(sig: SigHarness, sha: str, *numbers: int) -> None:
    sig.handle(
        CheckRerequested(source="fake", repo=sig.forge().repo, sha=sha, check=CHECK, actor=Actor(login="alice"), numbers=numbers)
    )  # fmt: skip


def test_a_check_asked_for_again_is_set_again(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": BAD})
    sha = sig.forge().pull_request(number).head_sha
    sig.host.repos["team/app"].checks.clear()
    rerequest(sig, sha, number)
    assert sig.checks(number)[CHECK].state == CheckState.FAILURE


def test_a_check_of_a_commit_without_a_pull_request_can_be_asked_for_again(sig: SigHarness) -> None:
    sha = sig.push({"Containerfile": BAD})
    sig.host.repos["team/app"].checks.clear()
    rerequest(sig, sha)
    assert sig.forge().checks(sha)[0].state == CheckState.FAILURE


def test_the_command_answers_its_author_with_a_summary(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": BAD}, by="bob", fork=True)
    assert len(sig.replies()) == 1
    sig.comment("/sig lint", by="bob", on=number)
    assert sig.replies() == [
        "Lint found 1 warning in 1 file; they are listed in the comment of this pull request about lint."
    ]


def test_the_command_is_refused_to_others(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": GOOD + "#\n"})
    sig.comment("/sig lint", by="bob", on=number)
    assert "write access" in sig.replies()[0]


def test_the_command_lists_the_findings_where_no_comment_does() -> None:
    sig = harness({"Containerfile": GOOD}, config="version: 1\nlint: {comment: false}\n")
    number = sig.open_pr({"Containerfile": BAD})
    sig.comment("/sig lint", on=number)
    (answer,) = sig.replies()
    assert answer.startswith("Lint found 1 warning in 1 file.\n\n| where |")


CONFIGURED = [
    ("lint: {ignore: [SIG014]}", CheckState.SUCCESS),
    ("lint: {ignore: [dl3020]}", CheckState.SUCCESS),
    ("lint: {threshold: error}", CheckState.SUCCESS),
    ("lint: {threshold: style}", CheckState.FAILURE),
    ("lint: {files: ['*.df']}", CheckState.SUCCESS),
    ("lint: {files: ['**/Container*']}", CheckState.FAILURE),
]


@pytest.mark.parametrize(("section", "state"), CONFIGURED)
def test_the_configuration_says_what_counts(section: str, state: CheckState) -> None:
    sig = harness({"Containerfile": GOOD}, config=f"version: 1\n{section}\n")
    number = sig.open_pr({"Containerfile": BAD})
    assert sig.checks(number)[CHECK].state == state


GLOBS = [
    ("*.df", "a/b/x.df", True),
    ("images/*/x", "images/a/x", True),
    ("images/*/x", "images/a/b/x", False),
    ("images/**/x", "images/a/b/x", True),
    ("images/**/x", "images/x", True),
    ("images/**", "images/a/b", True),
    ("x?", "xy", True),
    ("**" + "/**" * 50 + "/x", "a/" * 50 + "y", False),
]


@pytest.mark.parametrize(("glob", "path", "linted"), GLOBS)
def test_globs_choose_the_files(glob: str, path: str, linted: bool) -> None:
    sig = harness({"README.md": ""}, config=f"version: 1\nlint: {{files: ['{glob}']}}\n")
    number = sig.open_pr({path: BAD})
    assert (sig.checks(number)[CHECK].summary != "no Containerfile changed") == linted


def test_a_file_the_images_name_is_linted_whatever_it_is_called() -> None:
    config = "version: 1\nlint: {}\nimages: [{name: quay.example/a/b, tag: '1', containerfile: recipe}]\n"
    sig = harness({"README.md": ""}, config=config)
    number = sig.open_pr({"recipe": BAD})
    assert sig.checks(number)[CHECK].state == CheckState.FAILURE


def test_names_in_a_file_notify_nobody_and_copy_no_marker(sig: SigHarness) -> None:
    hostile = "ADD @everyone_<!--sigbot[x](http://evil.example)|`#1 /a"
    number = sig.open_pr({"Containerfile": GOOD + hostile + "\n"})
    (comment,) = sig.comments(number)
    assert "@everyone" not in comment
    assert "<!--" not in comment
    assert "@everyone" not in sig.checks(number)[CHECK].summary


def test_a_secret_is_not_repeated(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": GOOD + "ENV DB_PASSWORD=hunter2\nENV API_TOKEN hunter2\n"})
    check = sig.checks(number)[CHECK]
    assert "hunter2" not in repr(check) + repr(sig.comments(number)) + repr(sig.log)
    assert len(check.annotations) == 2


def test_a_hundred_faults_are_a_short_comment(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": GOOD + "ADD a /a\n" * 100})
    (comment,) = sig.comments(number)
    assert "80 more are not shown here" in comment
    assert comment.count("SIG014]") == 20


def test_every_rule_has_a_link_people_can_follow() -> None:
    assert all(" " not in rule.link for rule in RULES)


def test_a_pull_request_that_switches_lint_off_is_linted_with_the_default_branchs_settings() -> None:
    files = {
        "Containerfile": "FROM quay.io/fedora/fedora:42\n",
        ".sigbot.yaml": "version: 1\nlint: {threshold: error}\n",
    }
    sig = SigHarness(bots=[bot], files=files)
    number = sig.open_pr({".sigbot.yaml": "version: 1\n", "Containerfile": "FROM quay.io/fedora/fedora\n"})
    assert "sigbot/lint" in sig.checks(number)
    sig.comment("/sig lint", on=number)
    assert sig.outcomes[-1][1].state == "done"
