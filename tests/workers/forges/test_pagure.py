"""What only Pagure does, on the real one. The contract suite holds everything else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sig_bots.errors import ForgeError
from sig_bots.forge import CheckState
from sig_workers.forges.pagure import PagureForge, PagureHost
from tests.contract.forges.pagure import PagureWorld, open_world
from tests.servers.pagure import Pagure

pytestmark = pytest.mark.server
CHANGE = {"docs/guide.md": "changed\n"}


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[PagureWorld]:
    with open_world(request) as made:
        yield made


@pytest.fixture
def forge(world: PagureWorld) -> PagureForge:
    return world.host.repository(world.path)


def head_of(world: PagureWorld) -> str:
    sha = world.head("main")
    assert sha is not None
    return sha


def test_hook_keys_are_the_projects_and_those_of_forks_we_have_a_part_in(
    world: PagureWorld, forge: PagureForge
) -> None:
    ours = forge.ensure_fork()
    world.fork_of("bob")
    assert world.host.hook_keys(world.path) == {
        world.path: world.server.hook_key(world.path).encode(),
        ours: world.server.hook_key(ours).encode(),
    }


def test_hook_keys_of_a_project_we_have_no_part_in_are_refused(world: PagureWorld, pagure: Pagure) -> None:
    path = pagure.new_project("foreign", commit=[], admin=[])
    with pytest.raises(ForgeError, match="401"):
        world.host.hook_keys(path)


def test_globs_find_projects_of_a_namespace_and_no_forks(world: PagureWorld, pagure: Pagure) -> None:
    inside = pagure.new_project("globbed", namespace="rpms")
    outside = pagure.new_project("globbed")
    pagure.fork(inside, "alice")
    host = PagureHost(replace(world.config, repositories=("rpms/globbed*", world.path)))
    found = {repo.path: repo.private for repo in host.repositories()}
    assert found[inside] is False
    assert world.path in found
    assert outside not in found
    assert not any(path.startswith("fork/") for path in found)


def test_a_namespaced_project_works_from_its_fork_to_the_merge(request: pytest.FixtureRequest, pagure: Pagure) -> None:
    world = PagureWorld(pagure, namespace="rpms")
    forge = world.host.repository(world.path)
    sha = world.push("bob", "fix", CHANGE, fork=True)
    number = world.open_pr("bob", "fix", fork=True)
    found = forge.pull_request(number)
    assert found.head_repo == f"fork/bob/{world.path}"
    assert world.host.repository(found.head_repo).read_file("docs/guide.md", sha) == b"changed\n"
    forge.merge(number, sha)
    assert world.read("docs/guide.md") == b"changed\n"


def test_a_pull_request_from_our_own_fork(world: PagureWorld, forge: PagureForge) -> None:
    forge.ensure_fork()
    world.push("bot", "sigbot/update/all", CHANGE, fork=True)
    first = forge.ensure_pr("sigbot/update/all", base="main", title="Update", body="why")
    again = forge.ensure_pr("sigbot/update/all", base="main", title="Update", body="why")
    assert (first.number, first.from_fork) == (again.number, True)
    assert [one.author for one in world.prs()] == ["bot"]


def test_without_a_url_a_flag_points_to_the_pull_request_or_commit(world: PagureWorld, forge: PagureForge) -> None:
    sha = head_of(world)
    forge.set_check(sha, "sigbot/lint", CheckState.SUCCESS, summary="fine", number=3)
    forge.set_check(sha, "sigbot/build", CheckState.SUCCESS, summary="fine")
    base = f"{world.server.url}/{world.path}"
    assert {one.url for one in world.checks(sha)} == {f"{base}/pull-request/3", f"{base}/c/{sha}"}


def test_a_url_pagure_refuses_is_replaced_by_its_own(world: PagureWorld, forge: PagureForge) -> None:
    sha = head_of(world)
    forge.set_check(sha, "sigbot/lint", CheckState.SUCCESS, summary="fine", url="http://sigbot/jobs/1", number=3)
    assert [one.url for one in world.checks(sha)] == [f"{world.server.url}/{world.path}/pull-request/3"]


def test_a_summary_of_nothing_still_makes_a_flag(world: PagureWorld, forge: PagureForge) -> None:
    forge.set_check(head_of(world), "sigbot/lint", CheckState.RUNNING, summary="")
    assert [one.summary for one in world.checks(head_of(world))] == ["running"]


def flag(world: PagureWorld, sha: str, name: str, uid: str) -> None:
    """Bob, who has no right in the project, flags a commit: Pagure lets him."""
    world.call("POST", f"{world.path}/c/{sha}/flag", "bob", username=name, comment="forged", url="http://localhost/", status="success", uid=uid)  # fmt: skip


def test_a_flag_a_stranger_set_in_our_name_is_not_believed(world: PagureWorld, forge: PagureForge) -> None:
    sha = head_of(world)
    flag(world, sha, "sigbot/build", "b" * 32)
    flag(world, sha, "zuul", "c" * 32)
    assert [one.name for one in forge.checks(sha)] == ["zuul"]


def test_a_stranger_cannot_overwrite_our_flag_by_guessing_its_uid(world: PagureWorld, forge: PagureForge) -> None:
    sha, name = head_of(world), "sigbot/build"
    forge.set_check(sha, name, CheckState.FAILURE, summary="broken")
    for guess in (name, f"{world.path}/{name}", f"sigbot\0{world.path}\0{name}"):
        flag(world, sha, name, hashlib.sha256(guess.encode()).hexdigest()[:32])
    assert [(one.state, one.summary) for one in forge.checks(sha)] == [(CheckState.FAILURE, "broken")]


def test_without_a_project_token_news_of_an_issue_become_one_comment(world: PagureWorld) -> None:
    forge = PagureHost(replace(world.config, project_tokens={})).repository(world.path)
    number = forge.ensure_issue("dashboard", "Updates", "- [ ] base").number
    for _ in range(2):
        assert forge.ensure_issue("dashboard", "Updates", "- [x] base").number == number
    assert [one.body.split("\n")[0] for one in world.comments(number)] == ["- [x] base"]
    assert world.issues()[0].body.startswith("- [ ] base")


def test_a_merge_that_conflicts_is_refused_with_a_reason(world: PagureWorld, forge: PagureForge) -> None:
    sha = world.push("alice", "fix", {"docs/guide.md": "one\nmine\nthree\n"})
    number = world.open_pr("alice", "fix")
    world.push("owner", "main", {"docs/guide.md": "one\ntheirs\nthree\n"})
    with pytest.raises(ForgeError, match="409"):
        forge.merge(number, sha)
    assert world.pr(number).state == "open"


def test_a_file_that_is_a_web_page_is_still_a_file(world: PagureWorld, forge: PagureForge) -> None:
    world.push("alice", "main", {"index.html": "<!doctype html><title>x</title>\n"})
    assert forge.read_file("index.html") == b"<!doctype html><title>x</title>\n"


def test_an_odd_file_name_keeps_its_lines(world: PagureWorld, forge: PagureForge) -> None:
    world.push("alice", "fix", {"é b/ü.txt": "one\ntwo\n"})
    changed = forge.changed_files(world.open_pr("alice", "fix"))
    assert [(one.path, one.status, one.lines) for one in changed] == [("é b/ü.txt", "added", frozenset({1, 2}))]


def test_a_force_push_moves_the_head(world: PagureWorld, forge: PagureForge) -> None:
    world.push("alice", "fix", CHANGE)
    number = world.open_pr("alice", "fix")
    sha = world.push("alice", "fix", {"docs/guide.md": "again\n"}, force=True)
    assert forge.pull_request(number).head_sha == sha
    assert [one.path for one in forge.changed_files(number)] == ["docs/guide.md"]
