"""What becomes one pull request of the update bot, and what happens to it over time."""

from datetime import UTC, datetime

import pytest

from sig_bots.fakes.registry import FakeImage
from sig_bots.forge import Capabilities
from sig_bots.packages import Package, PackageList
from sig_bots.plugins.update import bot
from sig_bots.refs import ImageRef, PullRequest, Repo
from sig_bots.testing import SigHarness
from sig_bots.tools import FleetImage, ParentEdge
from sig_bots.updatefacts import BaseFacts
from sig_bots.updategroups import Group, grouped
from sig_bots.updatemoves import MovedReference, apply_moves
from sig_bots.updatereport import ahead_in, ahead_mark, body, commit_message, is_about, opened_at, withdrawn
from sig_bots.updating import look_over

BASE = "registry.example/sig/base"


def world(recipe: str, *images: str, update: str = "{}", **files: str) -> SigHarness:
    """A repository with one Containerfile, and images as `name:tag` that hold their own name."""
    config = f"version: 1\nupdate: {update}\n"
    sig = SigHarness(bots=[bot], files={"Containerfile": recipe, ".sigbot.yaml": config, **files})
    for image in images:
        sig.registry.publish(image, {"motd": image.encode()})
    return sig


def look(sig: SigHarness) -> list[PullRequest]:
    sig.tick("update", "sweep")
    return list(sig.forge().find_prs("sigbot/update/"))


def text(sig: SigHarness, one: PullRequest, path: str = "Containerfile") -> str:
    return (sig.forge().read_file(path, one.head_sha) or b"").decode()


def close(sig: SigHarness, number: int) -> None:
    pulls = sig.host.repos["team/app"].pull_requests
    pulls[number] = pulls[number].model_copy(update={"state": "closed"})


# ---------------------------------------------------------------- groups


def test_the_same_base_in_stages_and_files_is_one_pull_request() -> None:
    recipe = f"FROM {BASE}:1.0 AS build\nFROM {BASE}:1.0\nCOPY --from={BASE}:1.0 /a /a\n"
    sig = world(recipe, f"{BASE}:1.0", f"{BASE}:1.1", **{"web/Containerfile": f"FROM {BASE}:1.0\n"})
    (one,) = look(sig)
    assert text(sig, one) == recipe.replace("1.0", "1.1")
    assert text(sig, one, "web/Containerfile") == f"FROM {BASE}:1.1\n"
    assert "`Containerfile:1`, `Containerfile:2`, `Containerfile:3`, `web/Containerfile:1`" in one.body


def test_a_configured_group_is_one_pull_request_with_its_own_branch() -> None:
    images = ("a.example/x:1", "a.example/x:2", "b.example/y:7", "b.example/y:8")
    sig = world("FROM a.example/x:1 AS a\nFROM b.example/y:7\n", *images, update="{groups: {base: ['*']}}")
    (one,) = look(sig)
    assert one.head_branch == "sigbot/update/group-base"
    assert one.title == "Update group base: x to 2, y to 8"
    assert text(sig, one) == "FROM a.example/x:2 AS a\nFROM b.example/y:8\n"


def test_several_bases_that_move_together_become_one_pull_request() -> None:
    images = [f"registry.example/os/{name}:{tag}" for name in ("full", "minimal") for tag in ("9.4", "9.5")]
    recipe = "FROM registry.example/os/full:9.4 AS build\nFROM registry.example/os/minimal:9.4\n"
    sig = world(recipe, *images)
    (one,) = look(sig)
    assert one.title == "Update registry.example/os images to 9.5"
    assert text(sig, one) == recipe.replace("9.4", "9.5")


# ---------------------------------------------------------------- variables


SHARED = (
    "ARG ALPINE=3.19\nFROM registry.example/node:20-alpine${ALPINE} AS build\nFROM registry.example/alpine:${ALPINE}\n"
)
OLD = ("registry.example/node:20-alpine3.19", "registry.example/alpine:3.19")


def test_an_arg_of_several_images_moves_when_all_of_them_exist() -> None:
    sig = world(SHARED, *OLD, "registry.example/alpine:3.20", "registry.example/node:20-alpine3.20")
    (one,) = look(sig)
    assert text(sig, one) == SHARED.replace("3.19", "3.20")


def test_an_arg_of_several_images_stays_while_one_of_them_is_missing() -> None:
    sig = world(SHARED, *OLD, "registry.example/alpine:3.20")
    assert look(sig) == []
    assert any("node:20-alpine3.20 does not exist" in line for line in sig.log)


def test_an_arg_of_several_images_moves_as_far_as_all_of_them_go() -> None:
    sig = world(
        SHARED,
        *OLD,
        "registry.example/alpine:3.20",
        "registry.example/node:20-alpine3.20",
        "registry.example/alpine:3.21",
    )
    (one,) = look(sig)
    assert text(sig, one) == SHARED.replace("3.19", "3.20")


def test_the_line_of_the_arg_is_named_where_that_is_what_changes() -> None:
    recipe = f"# ours\nARG BASE={BASE}:1.0\nARG REST=x\nFROM ${{BASE}}\nCOPY --from={BASE}:1.0 /a /a\n"
    sig = world(recipe, f"{BASE}:1.0", f"{BASE}:1.1")
    (one,) = look(sig)
    assert "| `Containerfile:2 (used on line 4)`, `Containerfile:5` |" in one.body
    _, applied, _ = apply_moves(
        look_over(sig.registry, {"Containerfile": recipe.encode()}).moves[BASE], {"Containerfile": recipe.encode()}
    )
    assert [move.place for move in applied] == ["Containerfile:2 (used on line 4)", "Containerfile:5"]
    assert f"Containerfile:2 (used on line 4): {BASE}:1.0 -> {BASE}:1.1" in commit_message(
        grouped({BASE: applied}, {}, {})[0], applied
    )


def test_an_arg_never_gets_a_digest() -> None:
    """zwave-js/zwave-js-ui#4817: a digest appended to the ARG broke every platform."""
    both = ("registry.example/alpine:3.20", "registry.example/node:20-alpine3.20")
    sig = world(SHARED, *OLD, *both, update="{pin_digests: true}")
    (one,) = look(sig)
    assert text(sig, one) == SHARED.replace("3.19", "3.20")


def test_two_args_in_one_tag_are_solved_together() -> None:
    """renovatebot/renovate#45908: a tag of two parts exists or not as a whole."""
    recipe = "ARG PY=3.12\nARG OS=3.19\nFROM registry.example/python:${PY}-alpine${OS}\n"
    tags = ("3.12-alpine3.19", "3.12-alpine3.20", "3.13-alpine3.20", "3.14-slim")
    sig = world(recipe, *(f"registry.example/python:{tag}" for tag in tags))
    (one,) = look(sig)
    assert text(sig, one) == recipe.replace("3.12", "3.13").replace("3.19", "3.20")


def test_a_digest_behind_two_args_is_written_on_the_from_line() -> None:
    """renovatebot/renovate#45909."""
    sig = world("FROM scratch\n", *(f"registry.example/p:{tag}" for tag in ("1-a1", "2-a2")))
    digests = sig.registry.names["registry.example/p"]
    recipe = "ARG X=1\nARG Y=1\nFROM registry.example/p:${{X}}-a${{Y}}@{}\n"
    sig.push({"Containerfile": recipe.format(digests["1-a1"])})
    (one,) = look(sig)
    assert text(sig, one) == recipe.format(digests["2-a2"]).replace("X=1", "X=2").replace("Y=1", "Y=2")


# ---------------------------------------------------------------- what is proposed


def test_a_tag_gets_its_digest_when_that_is_wanted() -> None:
    sig = world(f"FROM {BASE}:1.0\nCOPY --from={BASE}:latest /a /a\n", f"{BASE}:1.0", f"{BASE}:latest", update="{pin_digests: true}")  # fmt: skip
    (one,) = look(sig)
    assert f"FROM {BASE}:1.0@{sig.registry.names[BASE]['1.0']}" in text(sig, one)
    assert f"{BASE}:latest@{sig.registry.names[BASE]['latest']}" in text(sig, one)
    assert one.title.startswith(f"Pin {BASE}:1.0, latest to digest ")


def test_another_major_version_can_be_refused() -> None:
    sig = world(
        f"FROM {BASE}:1.0\n", *(f"{BASE}:{tag}" for tag in ("1.0", "1.4", "2.0")), update="{allow: {major: false}}"
    )
    assert [one.title for one in look(sig)] == [f"Update {BASE} to 1.4"]


def test_a_plain_number_is_a_major_version_and_is_told_when_it_is_left_out() -> None:
    sig = world(f"FROM {BASE}:12\n", *(f"{BASE}:{tag}" for tag in ("11", "12", "13")), update="{allow: {major: false}}")
    assert look(sig) == []
    why = "13 is a new major version, which `allow: {major: false}` leaves out"
    assert f"Containerfile:1: {BASE}:12 stays: {why}" in sig.log


def test_with_a_digest_the_newer_major_version_is_told_too() -> None:
    digest = world("", f"{BASE}:12").registry.names[BASE]["12"]
    sig = world(f"FROM {BASE}:12@{digest}\n", f"{BASE}:12", f"{BASE}:13", update="{allow: {major: false}}")
    assert look(sig) == []
    assert any("13 is a new major version" in line for line in sig.log)


def test_a_declined_tag_stays_declined_when_it_would_get_a_digest() -> None:
    sig = world(f"FROM {BASE}:1.0\n", f"{BASE}:1.0", f"{BASE}:1.1")
    (one,) = look(sig)
    close(sig, one.number)
    sig.push({".sigbot.yaml": "version: 1\nupdate: {pin_digests: true}\n"})
    assert look(sig) == []
    sig.registry.publish(f"{BASE}:1.1", {"motd": b"rebuilt"})
    assert look(sig) == []
    sig.registry.publish(f"{BASE}:1.2", {"motd": b"new"})
    assert [found.title for found in look(sig)] == [f"Update {BASE} to 1.2"]


def test_tags_can_be_ignored_and_allowed_by_pattern() -> None:
    tags = [f"{BASE}:{tag}" for tag in ("1.0", "1.4", "1.5", "2.0")]
    sig = world(
        f"FROM {BASE}:1.0\n", *tags, update=f"{{ignore: ['{BASE}:1.5'], tags: {{'*': {{allowed: '1\\.\\d+'}}}}}}"
    )
    assert [one.title for one in look(sig)] == [f"Update {BASE} to 1.4"]


def test_labels_and_reviewers_are_put_on_it() -> None:
    sig = world(f"FROM {BASE}:1.0\n", f"{BASE}:1.0", f"{BASE}:1.1", update="{labels: [bot, base], reviewers: [alice]}")
    (one,) = look(sig)
    assert one.labels == ("bot", "base")
    assert sig.host.repos["team/app"].reviewers[one.number] == ("alice",)


# ---------------------------------------------------------------- over time


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        (("reviewers",), "no reviewers, because this forge has none for us"),
        (("labels", "reviewers"), "no labels and no reviewers, because this forge has none for us"),
    ],
)
def test_what_the_forge_has_not_is_said_once_in_the_log(lacking: tuple[str, ...], told: str) -> None:
    sig = world(f"FROM {BASE}:1.0\n", f"{BASE}:1.0", f"{BASE}:1.1", update="{labels: [x], reviewers: [alice]}")
    sig.host.capabilities = Capabilities.model_validate(dict.fromkeys(lacking, False))
    look(sig)
    look(sig)
    assert len([line for line in sig.log if line.endswith(told)]) == 1


def moved_on(capabilities: Capabilities | None = None) -> tuple[SigHarness, int]:
    """A pull request with somebody else's commit on it, and news for it."""
    sig = world(f"FROM {BASE}:1.0\n", f"{BASE}:1.0", f"{BASE}:1.1")
    if capabilities:
        sig.host.capabilities = capabilities
    (one,) = look(sig)
    sig.push({"notes": "mine"}, branch=one.head_branch)
    sig.registry.publish(f"{BASE}:1.2", {"motd": b"1.2"})
    return sig, one.number


def test_a_foreign_commit_is_left_alone_and_that_is_said_once() -> None:
    sig, number = moved_on(Capabilities(comment_edit=False))
    before = sig.forge().pull_request(number)
    for _ in range(3):
        look(sig)
    assert sig.forge().pull_request(number) == before
    (said,) = sig.comments(number)
    assert "holds a commit that is not the bot's" in said
    assert f"Update {BASE} to 1.2" in said


def test_a_pull_request_with_a_foreign_commit_is_not_closed_when_the_base_is_there() -> None:
    sig, number = moved_on()
    sig.push({"Containerfile": f"FROM {BASE}:1.2\n"})
    assert sig.forge().pull_request(number).state == "open"
    assert "no longer needs this update. It stays open" in sig.comments(number)[-1]


def test_it_follows_the_base_branch_in_one_commit() -> None:
    sig = world(f"FROM {BASE}:1.0\n", f"{BASE}:1.0", f"{BASE}:1.1")
    look(sig)
    head = sig.push({"README.md": "later"})
    (one,) = look(sig)
    assert sig.host.repos["team/app"].commits[one.head_sha].parent == head
    assert sig.forge().read_file("README.md", one.head_sha) == b"later"


def test_what_the_bot_closed_itself_comes_back_when_it_is_needed_again() -> None:
    sig = world(f"FROM {BASE}:1.0\n", f"{BASE}:1.0", f"{BASE}:1.1")
    look(sig)
    sig.push({"Containerfile": f"FROM {BASE}:1.1\n"})
    assert look(sig) == []
    sig.push({"Containerfile": f"FROM {BASE}:1.0\n"})
    assert [one.title for one in look(sig)] == [f"Update {BASE} to 1.1"]


def test_what_a_person_closed_stays_closed_when_the_base_branch_moves() -> None:
    sig = world(f"FROM {BASE}:1.0\n", f"{BASE}:1.0", f"{BASE}:1.1")
    (one,) = look(sig)
    close(sig, one.number)
    sig.push({"README.md": "later"})
    assert look(sig) == []
    assert any("a person closed" in line for line in sig.log)


def reopen(sig: SigHarness, number: int) -> None:
    pulls = sig.host.repos["team/app"].pull_requests
    pulls[number] = pulls[number].model_copy(update={"state": "open"})


def test_what_a_person_closed_after_the_bot_once_had_stays_closed() -> None:
    sig = world(f"FROM {BASE}:1.0\n", f"{BASE}:1.0", f"{BASE}:1.1")
    (one,) = look(sig)
    sig.push({"Containerfile": f"FROM {BASE}:1.1\n"})
    assert look(sig) == []
    reopen(sig, one.number)
    sig.push({"Containerfile": f"FROM {BASE}:1.0\n"})
    assert [found.number for found in look(sig)] == [one.number]
    close(sig, one.number)
    assert look(sig) == []


def test_what_the_bot_was_about_to_close_when_it_died_can_still_be_declined() -> None:
    sig = world(f"FROM {BASE}:1.0\n", f"{BASE}:1.0", f"{BASE}:1.1")
    (one,) = look(sig)
    forge = sig.host.repository("team/app", "update")
    forge.ensure_pr(one.head_branch, base="main", title=one.title, body=withdrawn(one.body), number=one.number)
    forge.ensure_comment(one.number, "closed", "Closed.")
    assert [found.number for found in look(sig)] == [one.number]
    close(sig, one.number)
    assert look(sig) == []


def test_a_pull_request_that_a_person_aims_elsewhere_is_left_alone() -> None:
    sig = world(f"FROM {BASE}:1.0\n", f"{BASE}:1.0", f"{BASE}:1.1")
    (one,) = look(sig)
    repo = sig.host.repos["team/app"]
    repo.branches["stable"] = repo.branches["main"]
    repo.pull_requests[one.number] = repo.pull_requests[one.number].model_copy(update={"base_branch": "stable"})
    sig.push({"README.md": "later"})
    assert [found.head_sha for found in look(sig)] == [one.head_sha]
    assert [text for text in sig.replies() if "aimed at `stable` by now" in text]
    sig.push({"Containerfile": f"FROM {BASE}:1.1\n"})
    assert [found.state for found in look(sig)] == ["open"]


# ---------------------------------------------------------------- what it says


def crowd(images: int, files: int) -> SigHarness:
    """Many images in one group, each in many files and with packages that change."""
    names = [f"quay.io/department-{number:02}/service-base-image-{number:02}" for number in range(images)]
    recipe = "".join(f"FROM {name}:1.0.0\n" for name in names)
    paths = [f"services/team-with-a-name/component-{number}/container/Containerfile" for number in range(files)]
    sig = world("FROM scratch\n", update="{groups: {all: ['*']}}", **dict.fromkeys(paths, recipe))
    for name in names:
        for tag in ("1.0.0", "1.0.1"):
            some = tuple(Package(name=f"library-{one}", version=tag + name[-2:], release="1.fc42") for one in range(8))
            packages = PackageList(kind="rpm", packages=some)
            sig.registry.push(f"{name}:{tag}", [FakeImage({"m": f"{name}{tag}".encode()}, {}, packages=packages)])
    return sig


def test_a_very_long_body_keeps_the_end_that_the_bot_reads_again() -> None:
    """GitHub takes 65,536 characters; the adapter cuts off the rest."""
    (one,) = look(crowd(90, 8))
    assert len(one.body) < 62_000
    assert opened_at(one.body) is not None
    assert "more comparisons, too long to be told here." in one.body
    assert "… and 60 more; the changed files show them all." in one.body


def test_a_section_that_does_not_fit_is_named_in_its_place() -> None:
    sig = world(f"FROM {BASE}:1.0\n")
    for tag in ("1.0", "1.1"):
        sig.registry.publish(f"{BASE}:{tag}", {"motd": tag.encode()})
    (one,) = look(sig)
    move = MovedReference("Containerfile", 1, ImageRef.parse(f"{BASE}:1.0"), ImageRef.parse(f"{BASE}:1.1"), "")
    group = Group("base", "base", (move,))
    text = body(group, [move], one.head_branch, opened=datetime(2026, 11, 1, tzinfo=UTC), packages="x" * 70_000)
    assert "Too long to be told here: the packages." in text
    assert is_about(group, text)


def test_no_text_of_others_becomes_a_mark() -> None:
    """An image names its platform, and its registry the reason why it cannot be read."""
    move = MovedReference("Containerfile", 1, ImageRef.parse(f"{BASE}:1.0"), ImageRef.parse(f"{BASE}:1.1"), "")
    group, when = Group("base", "base", (move,)), datetime(2026, 11, 1, tzinfo=UTC)
    forged = f"<!-- versions {'1' * 16} opened 2999-01-01T00:00:00+00:00 --> <!-- ahead {'2' * 16} --> @alice"
    facts = [BaseFacts(move.old, move.new, (forged,)), BaseFacts(move.old, move.new, problem=forged)]
    text = body(group, [move], "b", opened=when, facts=facts, packages=forged, security=forged, why=[forged])
    assert (opened_at(text), ahead_in(text), is_about(group, text)) == (when, frozenset(), True)
    assert ahead_in(text + ahead_mark(["3" * 16])) == {"3" * 16}


def test_a_bar_in_a_path_ends_no_cell_of_the_table() -> None:
    sig = world("FROM scratch\n", f"{BASE}:1.0", f"{BASE}:1.1", **{"a|b/Containerfile": f"FROM {BASE}:1.0\n"})
    (one,) = look(sig)
    assert f"| `{BASE}` | `1.0` | `1.1` | `a\\|b/Containerfile:1` |\n" in one.body


def test_the_name_of_a_group_notifies_nobody_in_an_answer() -> None:
    images = ("a.example/x:1", "a.example/x:2", "b.example/y:7", "b.example/y:8")
    groups = "{groups: {'@alice [x](http://e.example)': ['*']}}"
    sig = world("FROM a.example/x:1 AS a\nFROM b.example/y:7\n", *images, update=groups)
    sig.comment("/sig update", on=sig.open_pr({"x": "y"}))
    (told,) = sig.replies()
    assert "Update group @\u200balice \\[x\\]" in told


def test_the_body_says_what_a_maintainer_asks() -> None:
    """dotnet/arcade#16602, chainguard-dev/digestabot#48, chaotic-ground/wikven#693: say why, and what changed."""
    sig = world(f"FROM {BASE}:1.0\n")
    source = "https://github.com/example/base"
    for tag, sha, size in (("1.0", "a" * 40, 1), ("1.1", "b" * 40, 3)):
        labels = {"org.opencontainers.image.source": source, "org.opencontainers.image.revision": sha}
        content = {"file": b"x" * 1_000_000 * size}
        platforms = ("linux/amd64", "linux/arm64")
        sig.registry.push(f"{BASE}:{tag}", [FakeImage(content, labels, platform) for platform in platforms])
    (one,) = look(sig)
    assert "| `registry.example/sig/base` | `1.0` | `1.1` | `Containerfile:1` |" in one.body
    assert "platforms `linux/amd64`, `linux/arm64`; 3.0 MB, 2.0 MB more than before" in one.body
    assert f"[what changed in its source]({source}/compare/{'a' * 40}...{'b' * 40})" in one.body


def test_the_body_names_what_will_be_rebuilt_but_no_private_image_of_others() -> None:
    images = "version: 1\nimages: [{name: registry.example/sig/app, tag: '1'}]\nupdate: {}\n"
    sig = world(f"FROM {BASE}:1.0\n", f"{BASE}:1.0", f"{BASE}:1.1", **{".sigbot.yaml": images})
    for path, private in (("team/child", False), ("team/secret", True)):
        name = path.partition("/")[2]
        child = f"version: 1\nimages: [{{name: registry.example/sig/{name}, tag: '1'}}]\nupdate: {{}}\n"
        sig.add_repository(path, {"Containerfile": "FROM registry.example/sig/app:1\n"}, config=child, private=private)
        sig.tick("update", "sweep", path)
    (one,) = look(sig)
    assert "2 images will be rebuilt: `registry.example/sig/app:1`, `registry.example/sig/child:1`." in one.body
    assert "secret" not in one.body


def test_a_private_repository_of_the_same_path_on_another_forge_is_not_named() -> None:
    images = "version: 1\nimages: [{name: registry.example/sig/app, tag: '1'}]\nupdate: {}\n"
    sig = world(f"FROM {BASE}:1.0\n", f"{BASE}:1.0", f"{BASE}:1.1", **{".sigbot.yaml": images})
    sig.tick("update", "sweep")
    twin = Repo(path="team/app", instance="elsewhere", private=True)
    child = FleetImage(
        repo=twin, image=ImageRef.parse("registry.example/hidden/child:1"), containerfile="Containerfile",
        parents=(ParentEdge(image=ImageRef.parse("registry.example/sig/app:1")),),
    )  # fmt: skip
    sig.inventory.fleet["elsewhere"] = {"child": child}
    (one,) = look(sig)
    assert "hidden" not in one.body


def test_labels_of_an_image_cannot_write_into_the_body() -> None:
    sig = world(f"FROM {BASE}:1.0\n")
    for tag in ("1.0", "1.1"):
        labels = {
            "org.opencontainers.image.source": "https://evil.example/x) @everyone [y](https://evil.example/y",
            "org.opencontainers.image.revision": tag * 10,
        }
        sig.registry.push(f"{BASE}:{tag}", [FakeImage({"f": tag.encode()}, labels)])
    (one,) = look(sig)
    assert "evil" not in one.body
