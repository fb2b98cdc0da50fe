"""The update bot proposes newer bases by pull request, and leaves people's work alone."""

from collections.abc import Sequence

import pytest

from sig_bots.fakes.registry import FakeImage
from sig_bots.packages import Package, PackageList
from sig_bots.plugins.update import bot
from sig_bots.refs import PullRequest
from sig_bots.testing import SigHarness
from sig_bots.wording import plain_line

BASE = "registry.example/base"


@pytest.fixture
def sig() -> SigHarness:
    sig = SigHarness(bots=[bot], files={"Containerfile": f"FROM {BASE}:1.0 AS app\n"})
    for version in ("1.0", "1.1"):
        sig.registry.publish(f"{BASE}:{version}", {"motd": version.encode()})
    return sig


def proposal(sig: SigHarness) -> Sequence[PullRequest]:
    return sig.forge().find_prs("sigbot/update/")


def test_a_newer_tag_becomes_a_pull_request_that_changes_only_the_tag(sig: SigHarness) -> None:
    sig.push({"README.md": "hello"})
    (pull_request,) = proposal(sig)
    assert pull_request.title == f"Update {BASE} to 1.1"
    assert sig.forge().read_file("Containerfile", pull_request.head_sha) == f"FROM {BASE}:1.1 AS app\n".encode()
    assert "`Containerfile:1`" in pull_request.body


def test_the_same_update_is_one_pull_request_however_often_it_is_looked_for(sig: SigHarness) -> None:
    sig.push({"README.md": "one"})
    writes = len(sig.host.writes)
    sig.tick("update", "sweep")
    sig.tick("update", "sweep")
    assert len(proposal(sig)) == 1
    assert len(sig.host.writes) == writes


def test_a_newer_tag_refreshes_the_open_pull_request_in_one_commit(sig: SigHarness) -> None:
    """dependabot-core#7387, dependabot-core#9009: an open pull request is brought up to date in place."""
    sig.push({"README.md": "one"})
    sig.registry.publish(f"{BASE}:1.2", {"motd": b"1.2"})
    sig.tick("update", "sweep")
    (pull_request,) = proposal(sig)
    assert pull_request.title == f"Update {BASE} to 1.2"
    repository = sig.host.repos["team/app"]
    assert repository.commits[pull_request.head_sha].parent == repository.branches["main"]


def test_a_commit_of_somebody_else_on_the_branch_is_never_overwritten(sig: SigHarness) -> None:
    sig.push({"README.md": "one"})
    (pull_request,) = proposal(sig)
    sig.push({"notes": "mine"}, branch=pull_request.head_branch)
    theirs = sig.forge().branch_sha(pull_request.head_branch)
    sig.registry.publish(f"{BASE}:1.2", {"motd": b"1.2"})
    sig.tick("update", "sweep")
    assert sig.forge().branch_sha(pull_request.head_branch) == theirs
    assert any("not ours" in line for line in sig.log)


def test_it_is_closed_with_the_reason_when_the_base_moved_by_hand(sig: SigHarness) -> None:
    sig.push({"README.md": "one"})
    (pull_request,) = proposal(sig)
    sig.push({"Containerfile": f"FROM {BASE}:1.1\n"})
    assert sig.forge().pull_request(pull_request.number).state == "closed"
    assert "no longer needs this update" in sig.comments(pull_request.number)[-1]


def test_a_pull_request_closed_by_a_person_stays_closed_for_that_version(sig: SigHarness) -> None:
    sig.push({"README.md": "one"})
    (pull_request,) = proposal(sig)
    repository = sig.host.repos["team/app"]
    closed = repository.pull_requests[pull_request.number].model_copy(update={"state": "closed"})
    repository.pull_requests[pull_request.number] = closed
    sig.tick("update", "sweep")
    assert not proposal(sig)
    sig.registry.publish(f"{BASE}:1.2", {"motd": b"1.2"})
    sig.tick("update", "sweep")
    assert [one.title for one in proposal(sig)] == [f"Update {BASE} to 1.2"]


def test_a_pinned_digest_moves_together_with_its_tag(sig: SigHarness) -> None:
    old = sig.registry.names[BASE]["1.0"]
    sig.push({"Containerfile": f"FROM {BASE}:1.0@{old}\n"})
    (pull_request,) = proposal(sig)
    new = sig.registry.names[BASE]["1.1"]
    assert sig.forge().read_file("Containerfile", pull_request.head_sha) == f"FROM {BASE}:1.1@{new}\n".encode()


def test_an_index_that_lost_an_architecture_is_not_proposed_and_the_log_says_why(sig: SigHarness) -> None:
    both = sig.registry.publish(f"{BASE}:2.0", {"motd": b"2.0"}, ("linux/amd64", "linux/arm64"))
    sig.registry.publish(f"{BASE}:2.1", {"motd": b"2.1"}, ("linux/amd64", "linux/s390x"))
    sig.push({"Containerfile": f"FROM {BASE}:2.0@{both}\n"})
    assert not proposal(sig)
    assert any("lacks linux/arm64" in line for line in sig.log)


BOTH = ("linux/amd64", "linux/arm64")


def republished(sig: SigHarness, recipe: str, old: bytes, new: dict[str, bytes]) -> list[str]:
    """Pin 2.0 of both platforms in `recipe` ({} is the digest), publish 2.0 again with other content per platform."""
    index = sig.registry.push(f"{BASE}:2.0", [FakeImage({"motd": old}, {}, platform) for platform in BOTH])
    arm = sig.registry.image(f"{BASE}:2.0", "linux/arm64").digest
    sig.registry.push(f"{BASE}:2.0", [FakeImage({"motd": new[platform]}, {}, platform) for platform in new])
    sig.push({"Containerfile": recipe.format(index=f"{BASE}:2.0@{index}", arm=f"{BASE}:2.0@{arm}")})
    return [(sig.forge().read_file("Containerfile", one.head_sha) or b"").decode() for one in proposal(sig)]


def test_an_index_whose_used_platforms_hold_the_same_moves_nothing(sig: SigHarness) -> None:
    """dependabot/dependabot-core#15354: one platform is in use, another one was built again."""
    recipe = "FROM --platform=linux/amd64 {index}\n"
    assert republished(sig, recipe, b"old", {"linux/amd64": b"old", "linux/arm64": b"new"}) == []
    assert any("holds the same for linux/amd64" in line for line in sig.log)


def test_an_index_moves_when_any_platform_may_be_in_use(sig: SigHarness) -> None:
    (text,) = republished(sig, "FROM {index}\n", b"old", {"linux/amd64": b"old", "linux/arm64": b"new"})
    assert text == f"FROM {BASE}:2.0@{sig.registry.names[BASE]['2.0']}\n"


def test_a_constant_platform_needs_no_other_one_in_the_new_index(sig: SigHarness) -> None:
    new = {"linux/arm64": b"new", "linux/s390x": b"new"}
    (text,) = republished(sig, "FROM --platform=linux/arm64 {index}\n", b"old", new)
    assert sig.registry.names[BASE]["2.0"] in text


def test_a_pinned_platform_stays_on_its_platform(sig: SigHarness) -> None:
    """dependabot/dependabot-core#8609, renovatebot/renovate#9786: never an index in place of one platform's image."""
    (text,) = republished(sig, "FROM {arm}\n", b"old", {"linux/amd64": b"new", "linux/arm64": b"new"})
    assert text == f"FROM {BASE}:2.0@{sig.registry.image(f'{BASE}:2.0', 'linux/arm64').digest}\n"


def test_a_pinned_platform_that_is_no_longer_offered_stays_and_the_log_says_so(sig: SigHarness) -> None:
    assert republished(sig, "FROM {arm}\n", b"old", {"linux/amd64": b"new", "linux/s390x": b"new"}) == []
    assert any("which 2.0 does not offer" in line for line in sig.log)


def test_a_scan_asks_once_for_the_tags_of_an_image(sig: SigHarness) -> None:
    sig.registry.requests.clear()
    sig.push(
        {"Containerfile": f"FROM {BASE}:1.0 AS a\nFROM {BASE}:1.1 AS b\n", "b/Containerfile": f"FROM {BASE}:0.9\n"}
    )
    assert sig.registry.requests["tags"] == 1


def test_a_registry_that_is_down_closes_nothing_and_is_asked_again(sig: SigHarness) -> None:
    sig.push({"README.md": "one"})
    sig.registry.down = True
    sig.tick("update", "sweep")
    assert len(proposal(sig)) == 1
    assert sig.outcomes[-1][1].state == "queued"


def test_the_command_answers_with_what_is_open(sig: SigHarness) -> None:
    number = sig.open_pr({"README.md": "hello"})
    sig.comment("/sig update", by="alice", on=number)
    assert sig.replies() == [f"- #{proposal(sig)[0].number}: Update {BASE} to 1.1"]


def test_the_command_is_refused_without_write_access(sig: SigHarness) -> None:
    number = sig.open_pr({"README.md": "hello"}, by="bob", fork=True)
    sig.comment("/sig update", by="bob", on=number)
    (refusal,) = sig.replies()
    assert "`bob`" in refusal
    assert "write access" in refusal
    assert not proposal(sig)


def test_the_order_of_tags_can_be_set_per_image() -> None:
    config = f"version: 1\nupdate:\n  tags: {{{BASE}: {{scheme: semver}}}}\n"
    sig = SigHarness(bots=[bot], files={"Containerfile": f"FROM {BASE}:1.0-5\n", ".sigbot.yaml": config})
    for tag in ("1.0-5", "1.0-7", "1.1-6"):
        sig.registry.publish(f"{BASE}:{tag}", {"motd": tag.encode()})
    sig.push({"README.md": "hello"})
    assert proposal(sig) == []
    sig.push({".sigbot.yaml": "version: 1\nupdate: {}\n"})
    assert [one.title for one in proposal(sig)] == [f"Update {BASE} to 1.1-6"]


def test_dates_of_a_fedora_release_can_be_set() -> None:
    image = "registry.fedoraproject.org/fedora"
    dates = "version: 1\nupdate:\n  fedora:\n    98: {released: 2000-01-01, eol: 2999-01-01}\n"
    sig = SigHarness(bots=[bot], files={"Containerfile": f"FROM {image}:35\n", ".sigbot.yaml": dates})
    for tag in ("35", "98", "99"):
        sig.registry.publish(f"{image}:{tag}", {"motd": tag.encode()})
    sig.push({"README.md": "hello"})
    assert [one.title for one in proposal(sig)] == [f"Update {image} to 98"]
    assert "Fedora 35 reached its end of life on 2022-12-13" in proposal(sig)[0].body


def test_the_pull_request_says_which_packages_change_in_the_base(sig: SigHarness) -> None:
    """aws/eks-distro-build-tooling#1232: the packages that change are listed."""
    for tag, version in (("1.0", "5.1"), ("1.1", "5.2")):
        packages = PackageList.of("rpm", [Package(name="bash", version=version, release="1")])
        sig.registry.push(f"{BASE}:{tag}", [FakeImage({"motd": tag.encode()}, {}, packages=packages)])
    sig.push({"README.md": "one"})
    (pull_request,) = proposal(sig)
    assert "1 upgraded" in pull_request.body
    assert "- `bash` `5.1-1` → `5.2-1`" in pull_request.body


def test_packages_that_cannot_be_read_are_no_reason_to_wait(sig: SigHarness) -> None:
    del sig.registry.names[BASE]["1.0"]
    sig.push({"README.md": "one"})
    (pull_request,) = proposal(sig)
    assert f"There is no image {BASE}:1.0 in the registry" in plain_line(pull_request.body)


def test_packages_are_not_read_where_the_configuration_says_no() -> None:
    config = "version: 1\nupdate: {packages: false}\n"
    sig = SigHarness(bots=[bot], files={"Containerfile": f"FROM {BASE}:1.0\n", ".sigbot.yaml": config})
    for version in ("1.0", "1.1"):
        sig.registry.publish(f"{BASE}:{version}", {"motd": version.encode()})
    sig.push({"README.md": "one"})
    assert len(proposal(sig)) == 1
    assert "packages" not in sig.registry.requests


def test_while_something_newer_is_held_back_the_open_pull_request_stays_as_it_is(sig: SigHarness) -> None:
    sig.push({"README.md": "one"})
    sig.registry.publish(f"{BASE}:1.2", {"motd": b"1.2"})
    sig.registry.holds[f"{BASE}:1.2"] = "1.2 is settling until noon"
    sig.tick("update", "sweep")
    (pull_request,) = proposal(sig)
    assert pull_request.title == f"Update {BASE} to 1.1"
    assert any("stays: 1.2 is settling until noon" in line for line in sig.log)
    sig.registry.holds.clear()
    sig.tick("update", "sweep")
    assert [one.title for one in proposal(sig)] == [f"Update {BASE} to 1.2"]
