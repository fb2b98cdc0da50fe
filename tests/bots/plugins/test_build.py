"""The build bot builds trusted or approved pull requests, publishes nothing, and says why it waits."""

import pytest

from sig_bots.forge import Capabilities, CheckState
from sig_bots.plugins.build import bot
from sig_bots.testing import FakeHost, SigHarness

CONFIG = "version: 1\nimages: [{name: registry.example/sig/app}]\nbuild: {}\n"


@pytest.fixture
def sig() -> SigHarness:
    return SigHarness(bots=[bot], config=CONFIG, files={"Containerfile": "FROM scratch\nCOPY app /\n", "app": "1"})


def test_a_pull_request_by_somebody_with_write_is_built_and_not_published(sig: SigHarness) -> None:
    number = sig.open_pr({"app": "2"}, by="alice")
    assert sig.checks(number)["sigbot/build"].state == CheckState.SUCCESS
    assert len(sig.builder.started) == 1
    assert not sig.registry.names


def test_a_file_that_is_moved_out_of_an_image_touches_it() -> None:
    sig = SigHarness(
        bots=[bot], config="version: 1\nimages: [{name: registry.example/sig/app, context: app}]\nbuild: {}\n",
        files={"app/Containerfile": "FROM scratch\nCOPY data /\n", "app/data": "1\n2\n"},
    )  # fmt: skip
    number = sig.open_pr({"app/data": None, "attic/data": "1\n2\n"}, by="alice")
    assert sig.checks(number)["sigbot/build"].state == CheckState.FAILURE
    assert len(sig.builder.started) == 1


def test_a_fork_waits_for_an_approval_that_names_its_commit(sig: SigHarness) -> None:
    number = sig.open_pr({"app": "2"}, by="bob", fork=True)
    check = sig.checks(number)["sigbot/build"]
    assert check.state == CheckState.PENDING
    assert f"/sig ok {check.sha[:12]}" in check.summary
    assert not sig.builder.started


def test_the_approved_commit_of_a_fork_is_built(sig: SigHarness) -> None:
    number = sig.open_pr({"app": "2"}, by="bob", fork=True)
    sig.comment(f"/sig ok {sig.forge().pull_request(number).head_sha}", by="alice", on=number)
    assert sig.checks(number)["sigbot/build"].state == CheckState.SUCCESS


def test_a_push_after_the_approval_needs_a_new_one(sig: SigHarness) -> None:
    number = sig.open_pr({"app": "2"}, by="bob", fork=True)
    sig.comment(f"/sig ok {sig.forge().pull_request(number).head_sha}", by="alice", on=number)
    sig.push({"app": "evil"}, by="bob", branch="change", path="bob/app")
    assert sig.checks(number)["sigbot/build"].state == CheckState.PENDING
    assert len(sig.builder.started) == 1


def test_an_approval_without_a_commit_is_answered_with_the_current_one(sig: SigHarness) -> None:
    number = sig.open_pr({"app": "2"}, by="bob", fork=True)
    sig.comment("/sig ok", by="alice", on=number)
    assert sig.forge().pull_request(number).head_sha in sig.replies()[-1]
    assert not sig.builder.started


def test_an_approval_of_an_older_commit_is_refused(sig: SigHarness) -> None:
    number = sig.open_pr({"app": "2"}, by="bob", fork=True)
    old = sig.forge().pull_request(number).head_sha
    sig.push({"app": "3"}, by="bob", branch="change", path="bob/app")
    sig.comment(f"/sig ok {old}", by="alice", on=number)
    assert "is not" in sig.replies()[-1]
    assert not sig.builder.started


def test_the_author_of_a_fork_cannot_approve_it(sig: SigHarness) -> None:
    number = sig.open_pr({"app": "2"}, by="bob", fork=True)
    sig.comment(f"/sig ok {sig.forge().pull_request(number).head_sha}", by="bob", on=number)
    assert "write access" in sig.replies()[-1]
    assert not sig.builder.started


def test_a_failing_build_turns_the_check_red_and_names_the_line(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": "FROM scratch\nRUN false\n"})
    check = sig.checks(number)["sigbot/build"]
    assert check.state == CheckState.FAILURE
    assert "(Containerfile line 2)" in check.summary


def test_a_containerfile_that_does_not_parse_is_a_red_check_with_a_sentence(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": "FROM\n"})
    assert "does not parse" in sig.checks(number)["sigbot/build"].summary


def test_a_machine_without_a_builder_says_so_on_the_check(sig: SigHarness) -> None:
    sig.builder.missing = "buildah is not installed; install the package buildah"
    number = sig.open_pr({"app": "2"})
    assert "buildah is not installed" in sig.checks(number)["sigbot/build"].summary


def test_a_change_outside_every_image_builds_nothing_and_is_green() -> None:
    config = "version: 1\nimages: [{name: registry.example/sig/app, context: app}]\nbuild: {}\n"
    sig = SigHarness(bots=[bot], config=config, files={"app/Containerfile": "FROM scratch\n"})
    number = sig.open_pr({"README.md": "words"})
    assert sig.checks(number)["sigbot/build"].state == CheckState.SUCCESS
    assert not sig.builder.started


# ---------------------------------------------------------------- a base and its child in one pull request

FLEET = """version: 1
images:
  - {name: registry.example/sig/child, containerfile: child/Containerfile}
  - {name: registry.example/sig/base, containerfile: base/Containerfile}
build: {}
"""
TREE = {
    "base/Containerfile": "FROM scratch\nCOPY marker /marker\n",
    "base/marker": "published",
    "child/Containerfile": "FROM registry.example/sig/base\nCOPY --from=registry.example/sig/base /marker /seen\n",
}
BASE, CHILD = "registry.example/sig/base:latest", "registry.example/sig/child:latest"
BOTH = ", platforms: [linux/amd64, linux/arm64]"


def fleet(base: str = "", child: str = "", **files: str) -> SigHarness:
    """The two images; `base` and `child` are more settings of theirs."""
    config = FLEET.replace("base/Containerfile}", f"base/Containerfile{base}}}")
    config = config.replace("child/Containerfile}", f"child/Containerfile{child}}}")
    return SigHarness(bots=[bot], config=config, files={**TREE, **files})


def test_a_child_is_built_on_the_base_of_the_same_pull_request() -> None:
    sig = fleet()
    published = sig.registry.publish(BASE, {"marker": b"published"})
    number = sig.open_pr({"base/marker": "changed"})
    assert sig.checks(number)["sigbot/build"].state == CheckState.SUCCESS
    assert sig.builder.results[CHILD]["linux/amd64"].files == {"marker": b"changed", "seen": b"changed"}
    assert sig.registry.names == {"registry.example/sig/base": {"latest": published}}


def test_a_base_that_is_not_published_yet_can_have_children() -> None:
    sig = fleet()
    number = sig.open_pr({"base/marker": "first"})
    assert sig.checks(number)["sigbot/build"].summary == f"built {BASE}, {CHILD} for the host's platform"


def test_a_child_for_several_platforms_gets_the_base_of_each() -> None:
    sig = fleet(BOTH, BOTH)
    sig.open_pr({"base/Containerfile": "FROM scratch\nCOPY marker /marker\n", "base/marker": "changed"})
    assert {name: dict(one.files) for name, one in sig.builder.results[CHILD].items()} == {
        "linux/amd64": {"marker": b"changed", "seen": b"changed"},
        "linux/arm64": {"marker": b"changed", "seen": b"changed"},
    }


def test_a_base_that_was_not_built_for_the_childs_platform_is_named() -> None:
    number = (sig := fleet(child=BOTH)).open_pr({"base/marker": "changed"})
    assert f"The base {BASE} was built for linux/amd64 just before, not for linux/arm64" in (
        sig.checks(number)["sigbot/build"].summary
    )


def test_a_child_that_pins_its_base_is_built_on_what_it_pins() -> None:
    sig = fleet()
    pin = sig.registry.publish(BASE, {"marker": b"published"})
    pinned = f"FROM registry.example/sig/base@{pin}\n"
    sig.open_pr({"base/marker": "changed", "child/Containerfile": pinned})
    assert sig.builder.results[CHILD]["linux/amd64"].files == {"marker": b"published"}


@pytest.mark.parametrize("child", ["FROM registry.example/sig/base\n", "FROM registry.example/sig/base\nRUN false\n"])
def test_nothing_is_kept_when_the_job_has_ended(child: str) -> None:
    sig = fleet()
    sig.open_pr({"base/marker": "changed", "child/Containerfile": child})
    assert [spec.keep for spec in sig.builder.started] == [True, False]
    assert sig.builder.kept == {}


def test_what_is_built_is_kept_for_the_next_attempt_while_a_registry_is_down() -> None:
    sig = fleet(**{"child/Containerfile": "FROM registry.example/sig/base\nCOPY --from=quay.io/x/y:1 /z /z\n"})
    sig.registry.down = True
    sig.open_pr({"base/marker": "changed"})
    assert ("build/on_change", "registry fake.example is not reachable") in [(name, one.reason) for name, one in sig.outcomes]  # fmt: skip
    assert len(sig.builder.kept) == 1


# ---------------------------------------------------------------- what a failure says

HOSTILE = "````\n<!-- sigbot marker --> @everyone \x1b[31mred\x1b[0m \u202e \x07" + "x" * 500


def failing(sig: SigHarness) -> int:
    """A pull request whose build ends with a hostile log."""
    sig.builder.says = HOSTILE.splitlines() * 20
    return sig.open_pr({"Containerfile": "FROM scratch\nRUN false\n"})


def test_the_check_holds_the_builders_last_words_in_a_fence_they_cannot_leave(sig: SigHarness) -> None:
    check = sig.checks(failing(sig))["sigbot/build"]
    opening, *shown, closing = check.text.splitlines()[2:]
    assert (opening, closing) == ("`````text", "`````")
    assert len(shown) == 12
    assert all(len(line) <= 210 for line in shown)
    assert not {"\x1b", "\u202e", "\x07", "<!--", "@everyone", "[31m"} & {
        piece for piece in ("\x1b", "\u202e", "\x07", "<!--", "@everyone", "[31m") if piece in check.text
    }


def test_the_line_of_a_failure_is_remarked_beside_the_diff(sig: SigHarness) -> None:
    number = sig.open_pr({"Containerfile": "FROM scratch\nRUM echo\n"})
    (note,) = sig.checks(number)["sigbot/build"].annotations
    assert (note.path, note.line) == ("Containerfile", 2)
    assert "unknown instruction 'RUM'" in note.message


def test_a_reply_to_a_command_holds_the_last_words(sig: SigHarness) -> None:
    number = failing(sig)
    sig.comment("/sig build", on=number)
    assert "`````text" in sig.replies()[-1]


def test_a_forge_whose_checks_hold_no_text_gets_one_comment_that_a_later_build_takes_back() -> None:
    host = FakeHost(capabilities=Capabilities(check_text=False))
    sig = SigHarness(
        bots=[bot], config=CONFIG, files={"Containerfile": "FROM scratch\nCOPY app /\n", "app": "1"}, host=host
    )
    number = failing(sig)
    assert "`RUN false`" in sig.comments(number)[0].replace("\\", "")
    assert "The last lines of the build" in sig.comments(number)[0]
    sig.push({"Containerfile": "FROM scratch\nCOPY app /app\n"}, branch="change")
    assert sig.comments(number) == ["The build that failed here succeeds now: built registry.example/sig/app:latest for the host's platform."]  # fmt: skip
    sig.push({"Containerfile": "FROM scratch\nCOPY app /\n"}, branch="change")
    assert sig.comments(number) == ["The build that failed here is no longer needed: no image's files change."]


# ---------------------------------------------------------------- what a fork may decide


def test_a_pull_request_decides_the_sources_and_nothing_of_the_recipe() -> None:
    recipe = "{name: registry.example/sig/app, platforms: [linux/arm64], smoke: [app, --version]}"
    sig = SigHarness(bots=[bot], config=f"version: 1\nimages: [{recipe}]\nbuild: {{}}\n", files={"Containerfile": "FROM scratch\nCOPY app /\n", "app": "1"})  # fmt: skip
    evil = (
        "{name: registry.example/sig/app, platforms: [linux/amd64], smoke: [sh, -c, evil], network: true}, "
        "{name: registry.example/other/image, containerfile: Evil}"
    )
    number = sig.open_pr(
        {
            ".sigbot.yaml": f"version: 1\nimages: [{evil}]\nbuild: {{}}\n",
            "Evil": "FROM scratch\nCOPY app /\n",
            "app": "2",
        },
        by="bob",
        fork=True,
    )
    sig.comment(f"/sig ok {sig.forge().pull_request(number).head_sha}", on=number)
    (spec,) = sig.builder.started
    assert (str(spec.image), spec.network, spec.smoke, [str(one) for one in spec.platforms], spec.push) == (
        "registry.example/sig/app:latest", False, ("app", "--version"), ["linux/arm64"], False,
    )  # fmt: skip
    assert sig.builder.results[str(spec.image)]["linux/arm64"].files == {"app": b"2"}
