"""The contract of `sig_bots.forge`, on every adapter. What an adapter did is judged through the world, not through it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sig_bots.errors import NotFound, Obsolete, Unsupported
from sig_bots.forge import Annotation, CheckState, Forge, ForgeHost, Permission, marker, read_marker
from tests.contract.world import SERVICE, START_FILES, World

FIX = {"docs/guide.md": "one\n2\nthree\nfour\n"}


def make_pr(world: World, branch: str = "fix", files: dict[str, str | bytes | None] | None = None) -> tuple[int, str]:
    """A pull request of alice's from the repository itself: number and head."""
    sha = world.push("alice", branch, files or FIX)
    return world.open_pr("alice", branch), sha


def update_pr(world: World, forge: Forge, *, title: str = "Update base", body: str = "why") -> int:
    """Our own pull request from a branch we pushed."""
    if world.head("sigbot/update/all") is None:
        world.push("bot", "sigbot/update/all", {"Containerfile": "FROM registry.example/base:2\n"})
    return forge.ensure_pr("sigbot/update/all", base="main", title=title, body=body).number


# ---------------------------------------------------------------- the host


def test_host_and_forge_are_what_the_protocols_say(world: World, forge: Forge) -> None:
    assert isinstance(world.host, ForgeHost)
    assert isinstance(forge, Forge)
    assert forge.capabilities == world.host.capabilities


def test_repositories_lists_the_enabled_one(world: World) -> None:
    found = {repo.path: repo for repo in world.host.repositories()}
    assert found[world.path].instance == world.host.name


def test_the_repository_tells_id_branch_and_visibility(world: World, forge: Forge) -> None:
    repo = forge.repo
    assert (repo.path, repo.instance, repo.default_branch) == (world.path, world.host.name, "main")
    assert repo.private is False
    assert repo.forge_id


def test_an_unknown_repository_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        world.host.repository(f"{world.path}-missing").pull_request(1)


def test_our_account_is_the_bot(world: World, forge: Forge) -> None:
    assert forge.account.login == world.actor("bot").login


def test_the_clone_url_holds_no_credential(world: World, forge: Forge) -> None:
    url = forge.clone_url()
    _, secret = world.host.git_credentials(world.path) or ("nobody", "no secret")
    assert "@" not in url
    assert secret not in url


# ---------------------------------------------------------------- files and branches


def test_reads_a_file_of_the_default_branch(forge: Forge) -> None:
    assert forge.read_file("docs/guide.md") == START_FILES["docs/guide.md"].encode()


def test_reads_a_file_at_a_commit_and_at_a_branch(world: World, forge: Forge) -> None:
    before = world.head("main")
    world.push("alice", "main", {"docs/guide.md": "changed\n"})
    assert forge.read_file("docs/guide.md", before) == START_FILES["docs/guide.md"].encode()
    assert forge.read_file("docs/guide.md", "main") == b"changed\n"


def test_reads_bytes_as_they_are(world: World, forge: Forge) -> None:
    world.push("alice", "main", {"logo.bin": b"\x00\xff\r\n\x80"})
    assert forge.read_file("logo.bin") == b"\x00\xff\r\n\x80"


def test_reads_names_with_signs_that_mean_something_in_a_url(world: World, forge: Forge) -> None:
    world.push("alice", "main", {"a #1?/b%20c.md": "odd\n"})
    assert forge.read_file("a #1?/b%20c.md") == b"odd\n"


def test_a_missing_file_is_none(forge: Forge) -> None:
    assert forge.read_file("no/such/file") is None
    assert forge.read_file("docs") is None


def test_a_path_out_of_the_repository_is_no_file(forge: Forge) -> None:
    assert forge.read_file("../../../README.md") is None


def test_a_branch_tells_its_commit(world: World, forge: Forge) -> None:
    sha = world.push("alice", "work/one", FIX)
    assert forge.branch_sha("work/one") == sha
    assert forge.branch_sha("work") is None


# ---------------------------------------------------------------- pull requests


def test_a_pull_request_is_read_as_it_is_now(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    head = world.push("alice", "fix", {"docs/more.md": "more\n"})
    found = forge.pull_request(number)
    assert (found.head_sha, found.head_branch, found.base_branch, found.state) == (head, "fix", "main", "open")
    assert (found.author.login, found.head_repo, found.from_fork) == (world.actor("alice").login, world.path, False)


def test_a_pull_request_from_a_fork_says_so(world: World, forge: Forge) -> None:
    sha = world.push("bob", "fix", FIX, fork=True)
    found = forge.pull_request(world.open_pr("bob", "fix", body="please", fork=True))
    assert (found.from_fork, found.head_sha, found.body) == (True, sha, "please")
    assert found.head_repo not in (None, world.path)


def test_an_unknown_pull_request_is_not_found(forge: Forge) -> None:
    with pytest.raises(NotFound):
        forge.pull_request(4711)
    with pytest.raises(NotFound):
        forge.changed_files(4711)


def test_changed_files_tell_kind_and_new_lines(world: World, forge: Forge) -> None:
    number, _ = make_pr(world, files={**FIX, "new file.txt": "a\nb\n", "README.md": None})
    found = {file.path: file for file in forge.changed_files(number)}
    assert {path: file.status for path, file in found.items()} == {
        "docs/guide.md": "modified", "new file.txt": "added", "README.md": "removed",
    }  # fmt: skip
    assert found["docs/guide.md"].lines in (frozenset({2, 4}), None)
    assert found["new file.txt"].lines in (frozenset({1, 2}), None)


def test_changed_files_leave_out_what_only_the_base_got(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    world.push("owner", "main", {"other.txt": "later\n"})
    assert [file.path for file in forge.changed_files(number)] == ["docs/guide.md"]


def test_lines_of_several_commits_are_those_of_the_head(world: World, forge: Forge) -> None:
    """A later commit moves the lines of an earlier one, and takes some of them back."""
    number, _ = make_pr(world, files={"docs/guide.md": "one\n2\nthree\nfour\n"})
    world.push("alice", "fix", {"docs/guide.md": "zero\none\n2\nthree\n"})
    world.push("alice", "fix", {"README.md": "# better\n"})
    found = {file.path: file.lines for file in forge.changed_files(number)}
    assert found == {"docs/guide.md": frozenset({1, 3}), "README.md": frozenset({1})}


def test_a_renamed_file_tells_its_old_path_and_its_new_lines(world: World, forge: Forge) -> None:
    text = "".join(f"{line}\n" for line in range(20))
    world.push("alice", "main", {"old.txt": text, "Old.df": text.upper() + "kept\n"})
    number, _ = make_pr(
        world, files={"old.txt": None, "sub/new.txt": text + "more\n", "Old.df": None, "New.df": text + "kept\n"}
    )
    found = {file.path: (file.status, file.old_path, file.lines) for file in forge.changed_files(number)}
    assert found["sub/new.txt"] == ("renamed", "old.txt", frozenset({21}))
    assert found["New.df"] == ("renamed", "Old.df", frozenset())
    assert len(found) == 2


def test_the_merge_base_is_where_the_branch_left_whatever_the_base_got_since(world: World, forge: Forge) -> None:
    left = world.head("main")
    number, _ = make_pr(world)
    assert forge.merge_base(number) == left
    world.push("owner", "main", {"other.txt": "later\n"})
    world.push("alice", "fix", {"docs/more.md": "more\n"})
    assert forge.merge_base(number) == left


def test_the_merge_base_of_a_fork_and_of_a_branch_made_later(world: World, forge: Forge) -> None:
    world.push("owner", "main", {"other.txt": "earlier\n"})
    later = world.head("main")
    world.push("bob", "theirs", FIX, fork=True)
    number = world.open_pr("bob", "theirs", fork=True)
    assert forge.merge_base(number) == later
    assert [file.path for file in forge.changed_files(number)] == ["docs/guide.md"]


def test_a_merged_pull_request_still_tells_what_it_changed(world: World, forge: Forge) -> None:
    left = world.head("main")
    number, _ = make_pr(world)
    world.merge("owner", number)
    assert forge.merge_base(number) == left
    assert [file.path for file in forge.changed_files(number)] == ["docs/guide.md"]


def test_the_merge_base_of_an_unknown_pull_request_is_not_found(forge: Forge) -> None:
    with pytest.raises(NotFound):
        forge.merge_base(4711)


def test_find_prs_by_prefix_and_state_newest_first(world: World, forge: Forge) -> None:
    first, _ = make_pr(world, "topic/a")
    second, _ = make_pr(world, "topic/b")
    gone, _ = make_pr(world, "topic/c")
    other, _ = make_pr(world, "else")
    world.close("owner", gone)
    assert [one.number for one in forge.find_prs("topic/")] == [second, first]
    assert [one.number for one in forge.find_prs("topic/", "closed")] == [gone]
    assert [one.number for one in forge.find_prs(state="all")] == [other, gone, second, first]
    assert not forge.find_prs("topic/", "merged")


def test_merged_pull_requests_are_found_as_merged(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    world.merge("owner", number)
    assert [(one.number, one.state) for one in forge.find_prs("fix", "merged")] == [(number, "merged")]
    assert not forge.find_prs("fix", "closed")


def test_ensure_pr_twice_opens_one(world: World, forge: Forge) -> None:
    number = update_pr(world, forge)
    assert update_pr(world, forge) == number
    assert [(one.title, one.state, one.author) for one in world.prs()] == [
        ("Update base", "open", world.actor("bot").login)
    ]


def test_ensure_pr_brings_title_and_text_up_to_date(world: World, forge: Forge) -> None:
    number = update_pr(world, forge)
    assert update_pr(world, forge, title="Update base to 3", body="another reason") == number
    seen = world.pr(number)
    assert seen.title == "Update base to 3"
    assert seen.body.startswith("another reason")
    assert "why" not in seen.body


def test_our_pull_request_carries_our_marker(world: World, forge: Forge) -> None:
    number = update_pr(world, forge)
    assert (read_marker(world.pr(number).body) or {}).get("service") == SERVICE


def test_ensure_pr_does_not_take_a_branch_of_a_longer_name(world: World, forge: Forge) -> None:
    world.push("bot", "sigbot/update/all-more", FIX)
    longer = forge.ensure_pr("sigbot/update/all-more", base="main", title="Other", body="other").number
    assert update_pr(world, forge) != longer
    assert world.pr(longer).title == "Other"


def test_ensure_pr_leaves_the_words_of_a_person_alone(world: World, forge: Forge) -> None:
    number, _ = make_pr(world, "shared")
    assert forge.ensure_pr("shared", base="main", title="Ours", body="ours").number == number
    assert (world.pr(number).title, len(world.prs())) == ("A change", 1)


def test_ensure_pr_opens_a_new_one_after_the_old_was_closed(world: World, forge: Forge) -> None:
    number = update_pr(world, forge)
    world.close("owner", number)
    again = update_pr(world, forge)
    assert again != number
    assert (world.pr(number).state, world.pr(again).state) == ("closed", "open")


def test_ensure_pr_of_a_number_brings_that_one_up_to_date(world: World, forge: Forge) -> None:
    number = update_pr(world, forge)
    forge.ensure_pr("sigbot/update/all", base="main", title="Newer", body="newer", number=number)
    assert [(one.number, one.title) for one in world.prs()] == [(number, "Newer")]


def test_ensure_pr_of_a_number_closed_meanwhile_opens_nothing(world: World, forge: Forge) -> None:
    number = update_pr(world, forge)
    world.close("owner", number)
    with pytest.raises(Obsolete, match=f"#{number} was closed meanwhile"):
        forge.ensure_pr("sigbot/update/all", base="main", title="Newer", body="newer", number=number)
    assert [one.state for one in world.prs()] == ["closed"]


def test_ensure_pr_of_a_branch_nobody_pushed_is_not_found(forge: Forge) -> None:
    with pytest.raises(NotFound, match="no/such"):
        forge.ensure_pr("no/such", base="main", title="t", body="b")


def test_labels_are_set_where_the_forge_has_them(world: World, forge: Forge) -> None:
    world.push("bot", "sigbot/update/all", FIX)
    made = forge.ensure_pr("sigbot/update/all", base="main", title="t", body="b", labels=["sigbot"])
    assert world.pr(made.number).labels == (("sigbot",) if forge.capabilities.labels else ())


def test_close_pr_twice_closes_once_and_says_why_once(world: World, forge: Forge) -> None:
    number = update_pr(world, forge)
    forge.close_pr(number, "Base 2 was withdrawn.")
    forge.close_pr(number, "Base 2 was withdrawn.")
    assert world.pr(number).state == "closed"
    assert [one.body.count("Base 2 was withdrawn.") for one in world.comments(number)] == [1]


def test_close_pr_of_a_merged_one_does_nothing(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    world.merge("owner", number)
    forge.close_pr(number, "too late")
    assert (world.pr(number).state, world.comments(number)) == ("merged", [])


def test_merge_takes_the_expected_head(world: World, forge: Forge) -> None:
    number, sha = make_pr(world)
    forge.merge(number, sha)
    assert world.pr(number).state == "merged"
    assert world.read("docs/guide.md") == FIX["docs/guide.md"].encode()


def test_merge_twice_merges_once(world: World, forge: Forge) -> None:
    number, sha = make_pr(world)
    forge.merge(number, sha)
    after = world.head("main")
    forge.merge(number, sha)
    assert world.head("main") == after


def test_merge_refuses_a_head_that_moved(world: World, forge: Forge) -> None:
    number, old = make_pr(world)
    before = world.head("main")
    world.push("alice", "fix", {"sneaked-in": "x\n"})
    with pytest.raises(Obsolete):
        forge.merge(number, old)
    assert (world.pr(number).state, world.head("main")) == ("open", before)


def test_merge_refuses_a_closed_one(world: World, forge: Forge) -> None:
    number, sha = make_pr(world)
    world.close("owner", number)
    with pytest.raises(Obsolete):
        forge.merge(number, sha)
    assert world.pr(number).state == "closed"


# ---------------------------------------------------------------- permission


def test_permission_of_owner_committer_and_stranger(world: World, forge: Forge) -> None:
    assert forge.permission(world.actor("owner")) == Permission.ADMIN
    assert forge.permission(world.actor("alice")) == Permission.WRITE
    assert forge.permission(world.actor("bob")) < Permission.WRITE


def test_permission_of_nobody_at_all_is_not_write(world: World, forge: Forge) -> None:
    nobody = world.actor("bob").model_copy(update={"login": "no-such-account", "id": None})
    assert forge.permission(nobody) < Permission.WRITE


# ---------------------------------------------------------------- comments


def test_ensure_comment_twice_is_one_comment(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    forge.ensure_comment(number, "report", "two findings")
    forge.ensure_comment(number, "report", "two findings")
    assert [(one.author, one.body.split("\n")[0]) for one in world.comments(number)] == [
        (world.actor("bot").login, "two findings")
    ]


def test_a_new_state_is_edited_in_or_added(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    forge.ensure_comment(number, "report", "two findings", state="failure")
    forge.ensure_comment(number, "report", "no findings", state="success")
    texts = [one.body.split("\n")[0] for one in world.comments(number)]
    assert texts == (["no findings"] if forge.capabilities.comment_edit else ["two findings", "no findings"])


def test_other_words_for_the_same_state_add_no_comment(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    forge.ensure_comment(number, "report", "two findings (took 1 s)", state="failure:2")
    forge.ensure_comment(number, "report", "two findings (took 2 s)", state="failure:2")
    texts = [one.body.split("\n")[0] for one in world.comments(number)]
    assert texts == [f"two findings (took {2 if forge.capabilities.comment_edit else 1} s)"]


def test_a_state_may_be_any_text(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    for _ in range(2):
        forge.ensure_comment(number, "report", "same", state="2 findings --> <b>é</b>\n")
    assert len(world.comments(number)) == 1


def test_going_back_to_an_older_state_is_news(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    for state in ("failure", "success", "failure"):
        forge.ensure_comment(number, "report", f"now {state}", state=state)
    assert world.comments(number)[-1].body.startswith("now failure")


def test_topics_have_a_comment_each(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    forge.ensure_comment(number, "report", "one")
    forge.ensure_comment(number, "reply-7", "two")
    forge.ensure_comment(number, "report", "one")
    assert [one.body.split("\n")[0] for one in world.comments(number)] == ["one", "two"]


def test_bots_have_a_comment_each_on_the_same_topic(world: World) -> None:
    number, _ = make_pr(world)
    for _ in range(2):
        world.host.repository(world.path, "lint").ensure_comment(number, "report", "from lint")
        world.host.repository(world.path, "update").ensure_comment(number, "report", "from update")
    assert [one.body.split("\n")[0] for one in world.comments(number)] == ["from lint", "from update"]


def test_a_marker_forged_by_somebody_else_is_not_ours(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    forged = f"evil\n\n{marker(SERVICE, 'sigbot', 'report', 'failure')}"
    world.comment("bob", number, forged)
    forge.ensure_comment(number, "report", "ours", state="failure")
    assert [(one.author, one.body.split("\n")[0]) for one in world.comments(number)] == [
        (world.actor("bob").login, "evil"), (world.actor("bot").login, "ours"),
    ]  # fmt: skip


def test_a_marker_quoted_in_our_own_text_changes_nothing(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    forge.ensure_comment(number, "report", "ours")
    forge.ensure_comment(number, "reply-1", f"bob wrote: {marker(SERVICE, 'sigbot', 'report')}")
    forge.ensure_comment(number, "report", "ours")
    texts = [one.body.split("\n")[0].split(":")[0] for one in world.comments(number)]
    assert texts == ["ours", "bob wrote"]


def test_a_comment_on_an_issue(world: World, forge: Forge) -> None:
    number = world.open_issue("bob", "Help")
    forge.ensure_comment(number, "reply-1", "here")
    forge.ensure_comment(number, "reply-1", "here")
    assert [one.body.split("\n")[0] for one in world.comments(number)] == ["here"]


def test_a_comment_on_nothing_is_not_found(forge: Forge) -> None:
    with pytest.raises(NotFound):
        forge.ensure_comment(4711, "report", "nobody reads this")


def test_comments_are_read_oldest_first_with_their_authors(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    first = world.comment("bob", number, "/sig help")
    second = world.comment("alice", number, "thanks\n\nreally")
    found = forge.comments(number)
    assert [(one.id, one.author.login, one.number) for one in found] == [
        (first, world.actor("bob").login, number), (second, world.actor("alice").login, number),
    ]  # fmt: skip
    assert found[1].body.replace("\r\n", "\n") == "thanks\n\nreally"
    assert found[0].created.tzinfo is not None


def test_what_the_forge_writes_itself_is_no_comment(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    world.comment("alice", number, "mine")
    world.push("alice", "fix", {"more": "x\n"})
    world.close("owner", number)
    assert [one.body for one in forge.comments(number)] == ["mine"]


def test_comments_since_takes_open_pull_requests_from_that_time_on(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    closed, _ = make_pr(world, "other")
    world.comment("bob", number, "one")
    world.comment("bob", closed, "not this")
    world.close("owner", closed)
    written = forge.comments(number)[0].created
    assert [one.body for one in forge.comments_since(written)] == ["one"]
    assert not forge.comments_since(written + timedelta(seconds=2))


def test_comments_since_the_very_moment_loses_none(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    world.comment("bob", number, "one")
    second = forge.comments(number)[0].created.replace(microsecond=0)
    assert [one.number for one in forge.comments_since(second)] == [number]


def test_a_reaction_is_added_once_or_unsupported(world: World, forge: Forge) -> None:
    number, _ = make_pr(world)
    comment = world.comment("alice", number, "/sig lint")
    if not forge.capabilities.reactions:
        with pytest.raises(Unsupported):
            forge.react(number, comment, "eyes")
    else:
        forge.react(number, comment, "eyes")
        forge.react(number, comment, "eyes")
    assert list(world.reactions(number, comment)) == (["eyes"] if forge.capabilities.reactions else [])


# ---------------------------------------------------------------- checks


def test_each_state_shows_as_documented(world: World, forge: Forge) -> None:
    number, sha = make_pr(world)
    url = "https://sigbot.example/jobs/1"
    for state in CheckState:
        forge.set_check(sha, f"sigbot/{state}", state, summary=f"it is {state}", url=url, number=number)
    assert {(one.name, one.state, one.summary, one.url) for one in world.checks(sha, number)} == {
        (f"sigbot/{state}", world.check_words[state], f"it is {state}", url) for state in CheckState
    }
    back = {one.name: world.check_words[one.state] for one in forge.checks(sha, number)}
    assert back == {f"sigbot/{state}": world.check_words[state] for state in CheckState}


def test_a_check_is_replaced_not_added(world: World, forge: Forge) -> None:
    number, sha = make_pr(world)
    forge.set_check(sha, "sigbot/lint", CheckState.RUNNING, summary="at it", number=number)
    forge.set_check(sha, "sigbot/lint", CheckState.FAILURE, summary="2 findings", number=number)
    forge.set_check(sha, "sigbot/lint", CheckState.FAILURE, summary="2 findings", number=number)
    assert [(one.name, one.state, one.summary) for one in world.checks(sha, number)] == [
        ("sigbot/lint", world.check_words[CheckState.FAILURE], "2 findings")
    ]


def test_a_check_may_go_back_to_running(world: World, forge: Forge) -> None:
    number, sha = make_pr(world)
    forge.set_check(sha, "sigbot/lint", CheckState.FAILURE, summary="2 findings", number=number)
    forge.set_check(sha, "sigbot/lint", CheckState.RUNNING, summary="again", number=number)
    assert [(one.state, one.summary) for one in world.checks(sha, number)] == [
        (world.check_words[CheckState.RUNNING], "again")
    ]


def test_a_check_of_a_ci_system_is_seen_and_nothing_is_required_that_nobody_asked_for(
    world: World, forge: Forge
) -> None:
    number, sha = make_pr(world)
    world.report("alice", sha, "ci/tests", "failure")
    world.report("alice", sha, "ci/style", "success")
    assert {one.name: one.state for one in forge.checks(sha, number)} == {
        "ci/tests": CheckState.FAILURE,
        "ci/style": CheckState.SUCCESS,
    }
    assert list(forge.required_checks("main")) == []


def test_checks_that_are_required_of_main_are_told_where_there_is_such_a_thing(world: World, forge: Forge) -> None:
    wanted = ["ci/late", "ci/tests"] if world.require("ci/tests", "ci/late") else []
    assert sorted(forge.required_checks("main")) == wanted


def test_checks_of_several_names_stand_side_by_side(world: World, forge: Forge) -> None:
    number, sha = make_pr(world)
    forge.set_check(sha, "sigbot/lint", CheckState.SUCCESS, summary="fine", number=number)
    forge.set_check(sha, "sigbot/build/app", CheckState.ERROR, summary="no builder", number=number)
    assert {one.name for one in world.checks(sha, number)} == {"sigbot/lint", "sigbot/build/app"}
    assert {one.name: one.state for one in forge.checks(sha, number)} == {
        "sigbot/lint": CheckState.SUCCESS, "sigbot/build/app": CheckState.ERROR,
    }  # fmt: skip


def test_a_check_stays_on_its_commit_when_the_head_moves(world: World, forge: Forge) -> None:
    number, old = make_pr(world)
    new = world.push("alice", "fix", {"more": "x\n"})
    forge.set_check(old, "sigbot/lint", CheckState.FAILURE, summary="old", number=number)
    assert [one.summary for one in world.checks(old, number)] == ["old"]
    assert not world.checks(new, number)
    assert not forge.checks(new, number)


def test_a_check_on_a_commit_without_a_pull_request(world: World, forge: Forge) -> None:
    sha = world.head("main")
    assert sha is not None
    forge.set_check(sha, "sigbot/rebuild", CheckState.SUCCESS, summary="pushed")
    assert [(one.name, one.summary) for one in world.checks(sha)] == [("sigbot/rebuild", "pushed")]


def test_a_check_on_the_head_of_a_fork(world: World, forge: Forge) -> None:
    sha = world.push("bob", "fix", FIX, fork=True)
    number = world.open_pr("bob", "fix", fork=True)
    forge.set_check(sha, "sigbot/lint", CheckState.SUCCESS, summary="fine", number=number)
    assert [one.name for one in world.checks(sha, number)] == ["sigbot/lint"]


def test_annotations_stand_at_their_lines_where_the_forge_has_them(world: World, forge: Forge) -> None:
    number, sha = make_pr(world)
    notes = [
        Annotation(path="docs/guide.md", line=2, message="here"),
        Annotation(path="docs/guide.md", line=4, message="there"),
    ]
    for _ in range(2):
        forge.set_check(sha, "sigbot/lint", CheckState.FAILURE, summary="2 findings", annotations=notes, number=number)
    shown = (("docs/guide.md", 2), ("docs/guide.md", 4)) if forge.capabilities.annotations else ()
    assert [one.lines for one in world.checks(sha, number)] == [shown]


# ---------------------------------------------------------------- issues and forks


def test_ensure_issue_keeps_one_open_issue_up_to_date(world: World, forge: Forge) -> None:
    if not forge.capabilities.issues:
        with pytest.raises(Unsupported):
            forge.ensure_issue("dashboard", "Updates", "- [ ] base")
        return
    number = forge.ensure_issue("dashboard", "Updates", "- [ ] base").number
    assert forge.ensure_issue("dashboard", "Updates", "- [ ] base").number == number
    assert forge.ensure_issue("dashboard", "Updates waiting", "- [x] base").number == number
    assert [(one.number, one.title, one.body.split("\n")[0], one.state) for one in world.issues()] == [
        (number, "Updates waiting", "- [x] base", "open")
    ]


def test_an_issue_with_a_forged_marker_is_not_ours(world: World, forge: Forge) -> None:
    if not forge.capabilities.issues:
        pytest.skip("this forge has no issues")
    theirs = world.open_issue("bob", "Updates", f"mine\n\n{marker(SERVICE, 'sigbot', 'dashboard')}")
    assert forge.ensure_issue("dashboard", "Updates", "ours").number != theirs
    assert world.issues()[0].body.startswith("mine")


def test_our_issue_is_found_again_open_or_closed(world: World, forge: Forge) -> None:
    if not forge.capabilities.issues:
        with pytest.raises(Unsupported):
            forge.find_issue("dashboard")
        return
    assert forge.find_issue("dashboard") is None
    world.open_issue("bob", "Updates", f"mine\n\n{marker(SERVICE, 'sigbot', 'dashboard')}")
    first = forge.ensure_issue("dashboard", "Updates", "first")
    assert forge.find_issue("dashboard") == first
    assert forge.find_issue("another") is None
    world.close_issue("alice", first.number)
    closed = forge.find_issue("dashboard")
    assert closed is not None
    assert (closed.number, closed.state) == (first.number, "closed")
    second = forge.ensure_issue("dashboard", "Updates", "second")
    found = forge.find_issue("dashboard")
    assert found is not None
    assert (found.number, found.state) == (second.number, "open")


def test_an_issue_is_closed_once_with_the_reason(world: World, forge: Forge) -> None:
    if not forge.capabilities.issues:
        pytest.skip("this forge has no issues")
    number = forge.ensure_issue("dashboard", "Updates", "- [ ] base").number
    for _ in range(2):
        forge.close_issue(number, "not needed any more")
    assert [one.state for one in world.issues()] == ["closed"]
    assert [one.body.split("\n")[0] for one in world.comments(number)] == ["not needed any more"]


def test_our_issue_as_a_person_edited_it_is_brought_back_to_our_text(world: World, forge: Forge) -> None:
    if not forge.capabilities.issues:
        pytest.skip("this forge has no issues")
    made = forge.ensure_issue("dashboard", "Updates", "- [ ] base")
    world.edit_issue("alice", made.number, made.body.replace("[ ]", "[x]"))
    assert forge.read_issue(made.number).body.startswith("- [x] base")
    assert forge.ensure_issue("dashboard", "Updates", "- [ ] base").body.startswith("- [ ] base")


def test_an_issue_is_read_as_it_is(world: World, forge: Forge) -> None:
    if not forge.capabilities.issues:
        pytest.skip("this forge has no issues")
    found = forge.read_issue(world.open_issue("bob", "Help", "please"))
    assert (found.title, found.body, found.state) == ("Help", "please", "open")
    with pytest.raises(NotFound):
        forge.read_issue(4711)


def test_ensure_fork_twice_makes_one(world: World, forge: Forge) -> None:
    if not forge.capabilities.forks:
        with pytest.raises(Unsupported):
            forge.ensure_fork()
        return
    path = forge.ensure_fork()
    assert forge.ensure_fork() == path
    assert path != world.path
    assert world.host.repository(path).branch_sha("main") == world.head("main")
