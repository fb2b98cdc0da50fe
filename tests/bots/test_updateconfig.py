"""The update section: what fits what, and patterns that cannot run for ever."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sig_bots.config import ConfigProblem, RepoConfig, parse_config
from sig_bots.configlayers import narrow
from sig_bots.plugins.update import bot
from sig_bots.refs import ImageRef
from sig_bots.roster import Roster
from sig_bots.tagpatterns import checked_expression, fits_expression, fits_name
from sig_bots.updateconfig import UpdateConfig

ROSTER = Roster.of([bot])


def section(text: str) -> UpdateConfig:
    found = parse_config(f"version: 1\nupdate:\n{text}".encode(), ROSTER)
    assert isinstance(found, RepoConfig), found
    update = found.sections["update"]
    assert isinstance(update, UpdateConfig)
    return update


def problem(text: str) -> str:
    found = parse_config(f"version: 1\nupdate:\n{text}".encode(), ROSTER)
    assert isinstance(found, ConfigProblem)
    return str(found)


def test_every_setting_can_be_written() -> None:
    update = section(
        "  ignore: [docker.io/library/*, 'node:21.*']\n  labels: [bot]\n  reviewers: [alice]\n"
        "  groups: {base: ['quay.io/fedora/*']}\n  schedule: [mon-fri 08:00-17:00, 'day 1']\n"
        "  timezone: Europe/Prague\n  cooldown: 3d\n  pin_digests: true\n  allow: {major: false}\n"
        "  limits: {open: 5, per_hour: 2}\n  automerge: {digest: true, patch: true, minor: false, major: false}\n"
        "  packages: false\n  tags: {node: {scheme: semver, allowed: '20\\.\\d+'}}\n"
    )
    assert update.limits.open == 5
    assert update.merges("patch")
    assert not update.merges("minor")
    assert not update.packages


def test_one_text_may_stand_for_a_list_of_one() -> None:
    assert section("  schedule: sat,sun\n").schedule == ("sat,sun",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("  schedule: [mondays]\n", "'mondays' is no window; write it as in"),
        ("  schedule: ['08:00-08:30']\n", "shorter than an hour"),
        ("  schedule: ['25:00-26:00']\n", "no clock shows"),
        ("  timezone: Prague\n", "'Prague' is no time zone"),
        ("  cooldown: 3 moons\n", "is no length of time"),
        ("  tags: {node: {allowed: '(a+)+'}}\n", "must not repeat a group"),
        ("  tags: {node: {scheme: newest}}\n", "scheme"),
        ("  limits: {open: -1}\n", "limits.open"),
        ("  automerge: {everything: true}\n", "unknown key"),
    ],
)
def test_a_wrong_setting_is_told_in_a_sentence_with_its_line(text: str, sentence: str) -> None:
    assert sentence in problem(text)
    assert "line 3" in problem(text)


def test_each_wrong_window_is_told_on_its_own_line() -> None:
    said = problem("  schedule:\n    - mondays\n    - sat,sun\n    - 08:00-08:30\n")
    assert "line 4: `update.schedule[0]`: 'mondays' is no window" in said
    assert "line 6: `update.schedule[2]`: '08:00-08:30' is shorter than an hour" in said


def test_images_are_ignored_by_their_short_and_by_their_full_name() -> None:
    for pattern in ("fedora", "registry.fedoraproject.org/fedora", "registry.fedoraproject.org/*", "fed*"):
        assert UpdateConfig(ignore=(pattern,)).ignores(ImageRef.parse("fedora:42")), pattern
    assert fits_name("node", ImageRef.parse("docker.io/library/node:20"))
    assert not UpdateConfig(ignore=("quay.io/fedora/*",)).ignores(ImageRef.parse("fedora:42"))


def test_an_ignored_tag_leaves_the_image_looked_after() -> None:
    update = UpdateConfig(ignore=("node:21.*",))
    image = ImageRef.parse("node:20.1")
    assert not update.ignores(image)
    assert update.policy_for(image, ["21.0", "22.0"]).ignored == {"21.0"}


def test_a_port_is_no_tag_pattern() -> None:
    assert UpdateConfig(ignore=("localhost:5000/base",)).ignores(ImageRef.parse("localhost:5000/base:1"))


def test_a_pull_request_changes_none_of_it_before_it_is_merged() -> None:
    ours = parse_config(b"version: 1\nupdate: {labels: [bot]}\n", ROSTER)
    theirs = parse_config(b"version: 1\nupdate: {ignore: ['*'], automerge: {major: true}, labels: []}\n", ROSTER)
    assert isinstance(ours, RepoConfig)
    assert isinstance(theirs, RepoConfig)
    kept = narrow(ours, theirs)
    assert kept.sections["update"] == ours.sections["update"]
    assert "`update.ignore` changes when merged" in kept.notes


@pytest.mark.parametrize("text", ["(a+)+$", "(a|aa)*b", r"(.)\1", "(?=a)b", "a*b*c*d*e*f*g*", "x" * 201, "("])
def test_an_expression_that_could_run_for_ever_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        checked_expression(text)


@given(st.text("ab(|)[]{}*+?.\\d1,^$-", max_size=24), st.text("ab1-.", max_size=60))
def test_any_accepted_expression_answers_at_once(expression: str, tag: str) -> None:
    try:
        accepted = checked_expression(expression)
    except ValueError:
        return
    before = time.process_time()
    fits_expression(accepted, tag)
    assert time.process_time() - before < 2


def test_an_unknown_key_of_a_part_is_refused() -> None:
    with pytest.raises(ValidationError):
        UpdateConfig.model_validate({"limits": {"opened": 3}})


@pytest.mark.parametrize("title", ["'   '", '"a\\0b"', '"\\u00a0"', '"a\\nb"'])
def test_a_title_that_nobody_could_read_is_refused(title: str) -> None:
    assert "dashboard" in problem(f"  dashboard: {{title: {title}}}\n")
