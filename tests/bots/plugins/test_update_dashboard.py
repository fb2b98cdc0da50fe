"""The dashboard issue: what it lists, and that each tick does one thing, once, for somebody who may."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from sig_bots.config import RepoConfig, parse_config
from sig_bots.dashboard import LOOK, ticked
from sig_bots.events import Comment, PullRequestChanged, issue_text_id
from sig_bots.fakes.registry import FakeImage
from sig_bots.forge import Capabilities, Issue, Permission
from sig_bots.jobstate import JobState
from sig_bots.planner import RepoFacts, plan
from sig_bots.plugins.update import bot
from sig_bots.refs import Actor, Repo
from sig_bots.roster import Roster
from sig_bots.testing import SigHarness
from sig_bots.wording import unescaped

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
A, B = "a.example/x", "b.example/x"


BOTH = f"FROM {A}:1\nFROM {B}:1\n"


def world(update: str = "{dashboard: true}", recipe: str = BOTH, lacking: str = "") -> SigHarness:
    config = f"version: 1\nupdate: {update}\n"
    sig = SigHarness(bots=[bot], files={"Containerfile": recipe}, config=config, clock=lambda: NOW)
    sig.host.capabilities = Capabilities.model_validate({lacking: False} if lacking else {})
    for name in (A, B):
        for tag in "12":
            sig.registry.publish(f"{name}:{tag}", {"motd": tag.encode()})
    return sig


def look(sig: SigHarness) -> Issue:
    sig.tick("update", "sweep")
    return issue(sig)


def issue(sig: SigHarness) -> Issue:
    found = sig.host.repository("team/app", "update").find_issue("dashboard")
    assert found is not None
    return found


def section(sig: SigHarness, heading: str) -> list[str]:
    _, _, rest = issue(sig).body.partition(f"### {heading}\n")
    lines = re.split(r"\n(?:###|<)", rest)[0].splitlines()
    return [unescaped(line.partition("--> ")[2] or line[2:]) for line in lines if line.startswith("- ")]


def edit(sig: SigHarness, text: str, by: str = "alice", *, told: bool = True, bot: bool = False) -> None:
    """Somebody edits the issue; `told`: the forge tells the text before."""
    known = issue(sig)
    sig.host.repos["team/app"].issues[known.number] = known.model_copy(update={"body": text})
    sig.handle(
        Comment(
            source="fake", repo=sig.forge().repo, action="edited", place="issue", text=text, number=known.number,
            previous_text=known.body if told else None, comment_id=issue_text_id(known.number),
            actor=Actor(login=by, id=f"id-{by}", bot=bot),
        )
    )  # fmt: skip


def tick(sig: SigHarness, words: str, by: str = "alice", **how: bool) -> None:
    """Tick the one box whose line holds these words."""
    lines = issue(sig).body.splitlines()
    (chosen,) = [line for line in lines if words in line and line.startswith("- [ ]")]
    edit(sig, "\n".join(line.replace("[ ]", "[x]") if line == chosen else line for line in lines), by, **how)


def opened(sig: SigHarness) -> list[str]:
    return sorted(one.title for one in sig.forge().find_prs("sigbot/update/"))


def decline(sig: SigHarness, title: str, by: str = "alice") -> int:
    (pull,) = [one for one in sig.forge().find_prs("sigbot/update/") if one.title == title]
    closed = pull.model_copy(update={"state": "closed"})
    sig.host.repos["team/app"].pull_requests[pull.number] = closed
    actor = Actor(login=by, id=f"id-{by}")
    sig.handle(
        PullRequestChanged(source="fake", repo=sig.forge().repo, action="closed", pull_request=closed, actor=actor)
    )
    return pull.number


def test_without_the_setting_there_is_no_issue() -> None:
    sig = world("{}")
    sig.tick("update", "sweep")
    assert sig.host.repos["team/app"].issues == {}


def test_the_issue_lists_what_is_open_and_what_waits_and_why() -> None:
    sig = world("{dashboard: {title: Bases}, limits: {open: 1}}")
    assert look(sig).title == "Bases"
    number = sig.forge().find_prs("sigbot/update/")[0].number
    url = f"http://fake.example/team/app/pull/{number}"
    assert section(sig, "Open") == [f"[#{number}]({url}) Update {A} to 2"]
    assert section(sig, "Waiting") == [f"Update {B} to 2: waits, because the limit of 1 open pull request is reached"]


def test_it_is_written_only_when_its_text_changes() -> None:
    sig = world()
    look(sig)
    writes = list(sig.host.writes)
    look(sig)
    assert sig.host.writes == writes


def test_a_tick_opens_what_waits_for_a_limit_and_only_that() -> None:
    sig = world("{dashboard: true, limits: {open: 0}}")
    look(sig)
    assert opened(sig) == []
    tick(sig, B)
    assert opened(sig) == [f"Update {B} to 2"]
    assert ticked(issue(sig).body) == frozenset()
    number = sig.forge().find_prs("sigbot/update/")[0].number
    assert f"Last tick: `alice`, 2026-11-22 12:00 UTC: #{number} Update {B} to 2." in issue(sig).body


def test_a_tick_opens_what_waits_for_the_schedule_and_only_that() -> None:
    sig = world("{dashboard: true, schedule: [mon-fri 08:00-17:00]}")
    look(sig)
    assert "waits for the schedule, until 2026-11-23 08:00 UTC" in section(sig, "Waiting")[0]
    tick(sig, A)
    assert opened(sig) == [f"Update {A} to 2"]


def test_a_tick_passes_the_limits_of_the_service_and_counts_there() -> None:
    sig = world()
    sig.counts.open = 0
    look(sig)
    tick(sig, A)
    assert opened(sig) == [f"Update {A} to 2"]


def young(sig: SigHarness, name: str, tag: str, days: int = 1) -> None:
    sig.registry.push(f"{name}:{tag}", [FakeImage({"motd": tag.encode()}, {}, created=NOW - timedelta(days=days))])


def test_a_tick_takes_a_version_ahead_of_its_cooldown_and_it_stays_there() -> None:
    sig = world("{dashboard: true, cooldown: 3d}", f"FROM {A}:1\n")
    young(sig, A, "3")
    look(sig)
    assert opened(sig) == [f"Update {A} to 2"]
    assert section(sig, "Waiting") == [
        f"Update {A} to 3: 3 was made on 2026-11-21 and waits until 2026-11-24 12:00 UTC (cooldown 3d)"
    ]
    tick(sig, f"Update {A} to 3")
    assert opened(sig) == [f"Update {A} to 3"]
    look(sig)
    assert opened(sig) == [f"Update {A} to 3"]
    young(sig, A, "4")
    look(sig)
    assert opened(sig) == [f"Update {A} to 3"]


def test_images_of_one_group_go_ahead_of_their_cooldown_together_and_others_wait() -> None:
    names = ["team.example/one/a", "team.example/one/b", B]
    sig = world("{dashboard: true, cooldown: 3d}", "".join(f"FROM {name}:1\n" for name in names))
    for name in names:
        sig.registry.publish(f"{name}:1", {"motd": b"1"})
        sig.registry.names[name].pop("2", None)
        young(sig, name, "3")
    look(sig)
    assert [line.partition(":")[0] for line in section(sig, "Waiting")] == [
        "Update team.example/one/a to 3, team.example/one/b to 3", f"Update {B} to 3",
    ]  # fmt: skip
    tick(sig, "one/a to 3")
    assert opened(sig) == ["Update team.example/one images to 3"]
    assert [line.partition(":")[0] for line in section(sig, "Waiting")] == [f"Update {B} to 3"]


def test_what_an_update_now_took_ahead_of_its_cooldown_stays_there_too() -> None:
    sig = world("{dashboard: true, cooldown: 3d}", f"FROM {A}:1\n")
    young(sig, A, "3")
    number = sig.open_pr({"README.md": "hello"})
    sig.comment("/sig update --now", on=number)
    look(sig)
    assert opened(sig) == [f"Update {A} to 3"]


def test_a_declined_update_is_shown_at_once_and_a_tick_proposes_it_again() -> None:
    sig = world()
    look(sig)
    number = decline(sig, f"Update {A} to 2")
    assert section(sig, "Declined") == [f"[#{number}](http://fake.example/team/app/pull/{number}) Update {A} to 2"]
    tick(sig, f"Update {A} to 2")
    assert opened(sig) == [f"Update {A} to 2", f"Update {B} to 2"]
    assert section(sig, "Declined") == []


def test_a_tick_on_an_open_one_refreshes_it_outside_the_schedule() -> None:
    sig = world("{dashboard: true, schedule: [mon-fri 08:00-17:00]}")
    sig.clock = lambda: NOW + timedelta(days=1)
    look(sig)
    sig.clock = lambda: NOW
    for name in (A, B):
        sig.registry.publish(f"{name}:3", {"motd": b"3"})
    tick(sig, A)
    assert opened(sig) == [f"Update {A} to 3", f"Update {B} to 2"]


def test_look_again_looks_and_leaves_the_schedule_alone() -> None:
    sig = world("{dashboard: true, schedule: [mon-fri 08:00-17:00]}")
    look(sig)
    sig.registry.publish(f"{A}:3", {"motd": b"3"})
    tick(sig, f"box {LOOK}")
    assert opened(sig) == []
    assert f"Update {A} to 3" in section(sig, "Waiting")[0]
    assert "looked again." in issue(sig).body


def test_whoever_may_not_update_ticks_and_only_the_box_is_restored() -> None:
    sig = world("{dashboard: true, limits: {open: 0}}")
    before = look(sig).body
    tick(sig, A, by="bob")
    assert opened(sig) == []
    assert ticked(issue(sig).body) == frozenset()
    assert len(section(sig, "Waiting")) == before.count("<!-- box ") - 1
    assert "`bob`, 2026-11-22 12:00 UTC: not done, it needs the right that `/sig update` needs." in issue(sig).body
    tick(sig, A)
    assert opened(sig) == [f"Update {A} to 2"]


def test_a_tick_needs_what_the_configuration_asks_for_the_command() -> None:
    sig = SigHarness(
        bots=[bot], files={"Containerfile": f"FROM {A}:1\n"},
        config="version: 1\npermissions: {update: admin}\nupdate: {dashboard: true, limits: {open: 0}}\n",
    )  # fmt: skip
    for tag in "12":
        sig.registry.publish(f"{A}:{tag}", {"motd": tag.encode()})
    look(sig)
    tick(sig, A)
    assert opened(sig) == []
    sig.grant("alice", Permission.ADMIN)
    tick(sig, A)
    assert opened(sig) == [f"Update {A} to 2"]


def test_a_look_empties_a_box_that_nobody_is_known_to_have_ticked_and_does_nothing_else() -> None:
    sig = world("{dashboard: true, limits: {open: 0}}")
    text = look(sig).body
    known = issue(sig)
    sig.host.repos["team/app"].issues[known.number] = known.model_copy(update={"body": text.replace("[ ]", "[x]")})
    look(sig)
    assert opened(sig) == []
    assert issue(sig).body == text


def test_a_tick_counts_although_a_look_has_emptied_the_box_meanwhile() -> None:
    sig = world("{dashboard: true, limits: {open: 0}}")
    empty = look(sig)
    full = "\n".join(line.replace("[ ]", "[x]") if A in line else line for line in empty.body.splitlines())
    look(sig)
    sig.handle(
        Comment(
            source="fake", repo=sig.forge().repo, action="edited", place="issue", text=full, number=empty.number,
            previous_text=empty.body, comment_id=issue_text_id(empty.number), actor=Actor(login="alice", id="id-alice"),
        )
    )  # fmt: skip
    assert opened(sig) == [f"Update {A} to 2"]


def test_where_the_text_before_is_not_told_every_ticked_box_counts() -> None:
    sig = world("{dashboard: true, limits: {open: 0}}")
    look(sig)
    tick(sig, A, told=False)
    assert opened(sig) == [f"Update {A} to 2"]


def test_a_tick_on_versions_that_are_gone_does_nothing_and_the_list_is_renewed() -> None:
    sig = world("{dashboard: true, limits: {open: 0}}", f"FROM {A}:1\n")
    look(sig)
    sig.registry.publish(f"{A}:3", {"motd": b"3"})
    tick(sig, f"Update {A} to 2")
    assert opened(sig) == []
    assert section(sig, "Waiting")[0].startswith(f"Update {A} to 3: ")
    sig.push({"Containerfile": f"FROM {A}:2\n"})
    edit(sig, issue(sig).body.replace("[ ]", "[x]").replace("box look", "box loop"))
    assert "that entry was not there any more" in issue(sig).body


def test_ticks_of_other_bots_and_edits_without_a_tick_start_nothing() -> None:
    sig = world("{dashboard: true, limits: {open: 0}}")
    look(sig)
    before = len(sig.outcomes)
    tick(sig, A, by="renovate", bot=True)
    edit(sig, issue(sig).body.replace("[x]", "[ ]") + "\nthanks")
    edit(sig, issue(sig).body + "!", by="sigbot")
    assert len(sig.outcomes) == before


def test_an_issue_of_somebody_else_that_looks_like_ours_is_not_believed() -> None:
    sig = world("{dashboard: true, limits: {open: 0}}")
    text = look(sig).body.replace("[ ]", "[x]")
    repository = sig.host.repos["team/app"]
    number = repository.next_number()
    repository.issues[number] = Issue(number=number, title="Image updates", body=text)
    repository.issue_authors[number] = Actor(login="bob", id="id-bob")
    sig.handle(
        Comment(
            source="fake", repo=sig.forge().repo, action="edited", place="issue", text=text, number=number,
            comment_id=issue_text_id(number), actor=Actor(login="alice", id="id-alice"),
        )
    )  # fmt: skip
    assert opened(sig) == []
    assert repository.issues[number].body == text


def test_a_merge_renews_the_list() -> None:
    sig = world()
    look(sig)
    sig.merge(next(one.number for one in sig.forge().find_prs("sigbot/update/") if A in one.title))
    assert [A in line for line in section(sig, "Open")] == [False]


def test_closed_by_a_person_it_stays_closed_until_it_is_reopened() -> None:
    sig = world()
    known = look(sig)
    issues = sig.host.repos["team/app"].issues
    issues[known.number] = known.model_copy(update={"state": "closed"})
    sig.registry.publish(f"{A}:3", {"motd": b"3"})
    assert look(sig) == issues[known.number]
    assert list(issues) == [known.number]
    issues[known.number] = known
    assert f"Update {A} to 3" in look(sig).body


def test_switched_off_it_is_closed_with_a_sentence_and_switched_on_there_is_a_new_one() -> None:
    sig = world()
    first = look(sig)
    sig.push({".sigbot.yaml": "version: 1\nupdate: {}\n"})
    assert issue(sig).state == "closed"
    assert "asks for no dashboard any more" in sig.comments(first.number)[0]
    sig.push({".sigbot.yaml": "version: 1\nupdate: {dashboard: true}\n"})
    assert (issue(sig).state, issue(sig).number != first.number) == ("open", True)


@pytest.mark.parametrize("lacking", ["issues", "issue_edit"])
def test_without_issues_one_sentence_says_so_and_updates_go_on(lacking: str) -> None:
    sig = world(lacking=lacking)
    sig.tick("update", "sweep")
    assert len(opened(sig)) == 2
    assert sum("no dashboard" in line for line in sig.log) == 1
    assert sig.host.repos["team/app"].issues == {}


def test_what_is_held_back_or_out_of_reach_or_not_editable_is_told() -> None:
    sig = world(recipe=f"FROM {A}:1\nFROM gone.example/y:1\nARG X\nFROM $X\n")
    sig.registry.publish(f"{A}:2", {"motd": b"2"}, ["linux/s390x"])
    look(sig)
    held, gone = section(sig, "Held back, or out of reach")
    assert held.startswith(f"{A}: ")
    assert gone == "gone.example/y: gone.example/y does not exist in its registry"
    assert "cannot be edited</summary>" in issue(sig).body
    assert "Containerfile:4: $X stays" in issue(sig).body


def test_an_image_that_does_not_exist_and_a_rule_that_finds_nothing_are_told() -> None:
    sig = world(
        "{dashboard: true, versions: [{arg: NODE, project: nodejs}]}",
        recipe=f"FROM {A}:1\nFROM gone.example/y:1\nFROM {B}:9@sha256:{'0' * 64}\n",
    )
    look(sig)
    told = section(sig, "Held back, or out of reach")
    assert "gone.example/y: gone.example/y does not exist in its registry" in told
    assert f"{B}: {B}:9 does not exist in its registry" in told
    assert "update.versions[0]: no Containerfile gives ARG NODE a value" in told


def test_one_image_out_of_reach_ends_the_look_with_a_summary() -> None:
    sig = world()
    sig.registry.silent.add(A)
    sig.tick("update", "sweep")
    assert opened(sig) == [f"Update {B} to 2"]
    state, reason = sig.outcomes[-1][1].state, sig.outcomes[-1][1].reason
    assert (state, reason) == (
        JobState.DONE, f"#1 Update {B} to 2; 1 image was not looked at: {A} ({A} is not reachable)",
    )  # fmt: skip


def test_when_nothing_can_be_looked_at_the_look_is_made_again() -> None:
    sig = world()
    sig.registry.silent.update({A, B})
    sig.tick("update", "sweep")
    assert sig.outcomes[-1][1].state == JobState.QUEUED


def test_the_command_says_what_could_not_be_looked_at() -> None:
    sig = world()
    sig.registry.silent.add(A)
    number = sig.open_pr({"README.md": "hello"})
    sig.comment("/sig update", on=number)
    assert f"1 image was not looked at: {A}" in unescaped(sig.replies()[0])


def test_a_tick_is_not_tried_again_for_another_image_that_is_out_of_reach() -> None:
    sig = world("{dashboard: true, limits: {open: 0}}")
    look(sig)
    sig.registry.silent.add(A)
    tick(sig, B)
    assert opened(sig) == [f"Update {B} to 2"]
    assert sig.outcomes[-1][1].state == JobState.DONE
    assert f"{A} was not looked at: {A} is not reachable" in section(sig, "Held back, or out of reach")


def test_look_again_looks_once_whatever_is_out_of_reach() -> None:
    sig = world()
    look(sig)
    sig.registry.silent.add(A)
    tick(sig, f"box {LOOK}")
    assert sig.outcomes[-1][1].state == JobState.DONE
    assert f"{A} was not looked at" in section(sig, "Held back, or out of reach")[0]


def test_a_tick_for_an_image_that_is_out_of_reach_is_tried_again_and_says_so() -> None:
    sig = world("{dashboard: true, limits: {open: 0}}")
    look(sig)
    sig.registry.silent.add(A)
    tick(sig, A)
    assert sig.outcomes[-1][1].state == JobState.QUEUED
    assert "an image of that entry is out of reach, so nothing was done yet." in issue(sig).body


def test_the_same_delivery_twice_is_one_job_and_the_same_tick_later_another() -> None:
    def key(delivery: str) -> str:
        edited = Comment(
            source="fake", delivery=delivery, repo=Repo(path="team/app"), action="edited", place="issue", text="- [x] <!-- box look -->",
            actor=Actor(login="alice"), comment_id=issue_text_id(3), number=3,
        )  # fmt: skip
        config = parse_config(b"version: 1\nupdate: {dashboard: true}\n", Roster.of([bot]))
        assert isinstance(config, RepoConfig)
        (job,) = plan(edited, [RepoFacts(Repo(path="team/app"), 1, config)], Roster.of([bot])).jobs
        assert (job.handler, job.number, job.target) == ("after_tick", 3, "1/repository/update")
        return job.key

    assert key("one") == key("one")
    assert key("one") != key("two")


def test_without_a_dashboard_a_ticked_box_makes_no_job() -> None:
    sig = world("{}")
    sig.handle(
        Comment(
            source="fake", repo=sig.forge().repo, action="edited", place="issue", text="- [x] <!-- box look -->",
            actor=Actor(login="alice", id="id-alice"), comment_id=issue_text_id(3), number=3,
        )
    )  # fmt: skip
    assert sig.outcomes == []


def test_a_command_in_the_text_of_an_issue_is_run() -> None:
    sig = world()
    look(sig)
    edit(sig, issue(sig).body + "\n\n/sig update")
    assert sig.replies() == [f"- #1: Update {A} to 2\n- #2: Update {B} to 2"]


def test_a_dashboard_that_a_person_closed_after_the_bot_once_had_stays_closed() -> None:
    sig = world()
    first, issues = look(sig), sig.host.repos["team/app"].issues
    sig.push({".sigbot.yaml": "version: 1\nupdate: {}\n"})
    issues[first.number] = issues[first.number].model_copy(update={"state": "open"})
    sig.push({".sigbot.yaml": "version: 1\nupdate: {dashboard: true}\n"})
    issues[first.number] = issues[first.number].model_copy(update={"state": "closed"})
    sig.registry.publish(f"{A}:3", {"motd": b"3"})
    assert look(sig).state == "closed"
    assert list(issues) == [first.number]
