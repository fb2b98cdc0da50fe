"""Where text of strangers enters, one function each: what may come of a case, and nothing else may."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sig_bots import planner
from sig_bots.advisoryreport import BaseAdvisories, plain_lines, security_section
from sig_bots.checksums import checksums_beside
from sig_bots.commands import MAX_COMMANDS, Command, CommandError, parse, parse_new
from sig_bots.config import ConfigProblem, RepoConfig, parse_config
from sig_bots.configlayers import for_pull_request
from sig_bots.containerfile.assignments import assignments, set_values
from sig_bots.containerfile.edits import EditRefused, edit
from sig_bots.containerfile.finder import references
from sig_bots.containerfile.lexer import lex
from sig_bots.containerfile.syntax import problems
from sig_bots.dashboard import Board, Entry, draw, news_of, retold, ticked, unticked
from sig_bots.events import EventBase, Ignored, Rejected, dump_event, load_event
from sig_bots.guidelines.check import check, fix
from sig_bots.migration.importer import migrate
from sig_bots.migration.outcome import MigrationError
from sig_bots.packages import Distribution, PackageDifference, PackageList, difference, parse_evr
from sig_bots.refs import ImageRef
from sig_bots.roster import Roster, load_bots
from sig_bots.sources.lookup import events_of
from sig_bots.tags import DEFAULT_POLICY, newest
from sig_bots.upstreams import UpstreamProject
from sig_bots.versionchoice import NextVersion, next_version
from sig_bots.versionrules import VersionRule
from sig_workers.advisories.answers import MemoryAnswers
from sig_workers.advisories.asked import AskedAdvisories
from sig_workers.advisories.bodhi import Bodhi
from sig_workers.advisories.door import JsonDoor
from sig_workers.advisories.osv import Osv
from sig_workers.packages.limits import Budget, Unreadable
from sig_workers.packages.reader import read_packages
from sig_workers.registries.connections import Connections, HostRules
from tests.standins.json_server import Fault, JsonServer


@functools.cache
def bots() -> Roster:
    """The real ones."""
    return load_bots()


@functools.cache
def configured() -> RepoConfig:
    """A repository with every bot on."""
    parsed = parse_config(b"version: 1\nlint: {}\nbuild: {}\nupdate: {}\nrebuild: {}\n", bots())
    assert isinstance(parsed, RepoConfig)
    return parsed


def delivery(kind: str, headers: Mapping[str, str], body: bytes) -> None:
    """A body and its headers: events that survive being kept, each with a plan; or a reason in a sentence."""
    found = events_of(kind, headers, body)
    if isinstance(found, Ignored | Rejected):
        assert found.reason.strip().endswith(".")
        return
    for event in found:
        assert isinstance(event, EventBase)
        kept = dump_event(event)
        assert "\x00" not in kept
        assert kept.encode()
        assert load_event(kept) == event
        facts = [planner.RepoFacts(repo=event.repo, repo_id=1, config=configured())] if event.repo else []
        plan = planner.plan(event, facts, bots(), mentions=("sigbot",))
        assert all(job.target for job in plan.jobs)


def comment(case: bytes) -> None:
    """A comment, and the same as an edit of half of it: commands or errors."""
    text = case.decode("utf-8", "surrogateescape")
    for found in (parse(text, bots(), mentions=("sigbot",)), parse_new(text[::2], text, bots(), mentions=("sigbot",))):
        assert len(found) <= MAX_COMMANDS + 1
        for one in found:
            assert isinstance(one, Command | CommandError)
            assert not isinstance(one, CommandError) or one.message.strip()


def dashboard(case: bytes) -> None:
    """The text of an issue, edited by anybody: boxes that can be emptied; and a title made of it, which adds no box."""
    text = case.decode("utf-8", "surrogateescape")
    assert not ticked(unticked(text))
    assert not ticked(retold(text, "Last tick: x."))
    assert ticked(text, text) == frozenset()
    drawn = draw(
        Board([Entry("waiting", text, "a" * 16, text, text, 1, text)], [text], [text], news_of(text)), folds=True
    )
    assert drawn.count("<!-- box ") == 2
    assert not ticked(drawn)
    assert len(drawn) < 10_000


def containerfile(case: bytes) -> None:
    """A Containerfile: instructions that tile it, references with their places, findings, fixes; edits change one reference or refuse."""
    end = 0
    for instruction in lex(case):
        assert end <= instruction.start <= instruction.end <= len(case)
        end = instruction.end
    for problem in problems(case):
        assert problem.message
    found = references(case)
    for reference in found:
        assert 0 <= reference.start <= reference.end <= len(case)
        assert reference.editable or reference.reason
    for reference in [one for one in found if one.editable][:3]:
        try:
            after = edit(case, reference, f"{ImageRef.parse(reference.resolved or 'x').with_tag(None)}:fuzz-1")
        except (EditRefused, ValueError):
            continue
        assert len(references(after)) == len(found)
    for value in [one for one in assignments(case) if not one.reason][:3]:
        assert all(place[0].isdigit() for place in checksums_beside(case, value))
        try:
            changed = set_values(case, {value.start: "9.9-fuzz"})
        except EditRefused:
            continue
        assert changed == case[: value.start] + b"9.9-fuzz" + case[value.end :]
    for finding in check({"Containerfile": case}):
        assert 1 <= finding.line <= case.count(b"\n") + case.count(b"\r") + 1
    fix("Containerfile", case)


def config(case: bytes) -> None:
    """A `.sigbot.yaml`: a configuration that only narrows, or problems that say where."""
    parsed = parse_config(case, bots())
    if isinstance(parsed, ConfigProblem):
        assert parsed.problems
        assert all(str(one).strip() for one in parsed.problems)
    narrowed = for_pull_request(configured(), case, bots())
    assert set(narrowed.sections) <= set(configured().sections)
    assert narrowed.images == ()


def migration(case: bytes) -> None:
    """A configuration of Renovate or Dependabot: a `.sigbot.yaml` that passes our check, or one sentence."""
    for name in ("renovate.json", "dependabot.yml"):
        try:
            found = migrate(name, case, bots().bots["update"].config_model)
        except MigrationError:
            continue
        parsed = parse_config(found.text.encode(), bots())
        assert isinstance(parsed, RepoConfig), str(parsed)
        assert all(loss.message for loss in found.losses)


def tags(case: bytes) -> None:
    """A tag list, its first line the tag in use: a tag of the list, or nothing; the order of the list says nothing."""
    current, *listed = case.decode("utf-8", "surrogateescape").split("\n")
    proposal = newest(current, listed)
    assert proposal == newest(current, listed[::-1])
    if proposal is not None:
        assert proposal.tag in listed
        assert proposal.tag != current
        assert proposal.reason.strip()
        assert newest(proposal.tag, listed) is None
    project = UpstreamProject(id=1, name="x", versions=tuple(listed), stable=tuple(listed[::2]))
    version = next_version(current, project, VersionRule(arg="X", project="x"), DEFAULT_POLICY)
    assert version.reason
    if isinstance(version, NextVersion):
        assert version.value.isascii()
        assert version.value != current


def layer(case: bytes) -> None:
    """A layer of an image, with a package database in it: a list of packages, or none, or a few words why not."""

    def fetch(_: str, file: Path) -> None:
        file.write_bytes(case)

    found, problem = None, ""
    try:
        found = read_packages(["sha256:" + "a" * 64], fetch, Budget(seconds=5, unpacked=64 << 20))
    except Unreadable as error:
        problem = str(error)
    assert not problem or 5 < len(problem) < 150
    assert found is None or difference(found, found) == PackageDifference()


@functools.cache
def advisory_services() -> tuple[JsonServer, JsonDoor]:
    """A server that says what it is told to, and a door to it without pauses."""
    server = JsonServer().__enter__()  # its thread ends with the process
    host = server.url.removeprefix("http://")
    return server, JsonDoor(server.url, Connections({host: HostRules(insecure=True)}, 5.0, 2, 0.0, private=False))


def advisories(case: bytes) -> None:
    """What an advisory service answers: advisories of the form we show, or one sentence."""
    server, door = advisory_services()
    server.fault = Fault(200, case)
    asked = AskedAdvisories(Osv(door, MemoryAnswers()), Bodhi(door), MemoryAnswers(), lambda image: True)
    base = ImageRef.parse("q.example/base:1")
    for name, version in (("debian", "12"), ("fedora", "42")):
        old, new = (
            PackageList.of("rpm", [parse_evr("curl", evr)], Distribution(id=name, version=version))
            for evr in ("8.0-1", "8.2-1")
        )
        found = asked.between(base, base, old, new)
        assert not (found.problem and (found.fixed or found.brought))
        assert "\n" not in found.problem
        told = security_section([BaseAdvisories(base, base, "", found)])
        assert all(line.startswith(("**Security**", "- ")) for line in told.splitlines() if line)
        assert len(told.splitlines()) < 20
        links = [re.sub(r"(`+).*?\1", "", line).count("](") for line in told.splitlines()]  # none in quoted versions
        assert max(links, default=0) <= 1
        assert len(plain_lines(found)) == max(len(found.fixed) + len(found.brought), 1)


def status(answer: Any) -> None:
    """What the receiver may say to anybody."""
    assert answer.status_code in {200, 202, 400, 401, 404, 408, 413, 415}, answer.status_code
    assert answer.json["status"] in {"accepted", "duplicate", "conflict", "invalid", "requeued", "error"}
