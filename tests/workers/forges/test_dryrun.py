"""Dry run: every verb of the protocol, also one that does not exist yet, leaves the forge as it was."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from sig_bots.errors import Obsolete
from sig_bots.fakes.forge import FakeForge, FakeHost
from sig_bots.forge import CheckState, Forge, ForgeHost
from sig_bots.refs import Actor
from sig_workers.forges.dryrun import DryRunForge, DryRunHost, Write


def fake() -> tuple[FakeHost, FakeForge, str]:
    """A fake with pull request 1 and comment 1, and the head of that pull request."""
    host = FakeHost()
    host.create("sig/demo", {"README.md": b"x"})
    forge = host.repository("sig/demo")
    sha = forge.state.commit("fix", {"README.md": b"y"}, message="m", author="alice")
    forge.open("fix", base="main", title="t", author=Actor(login="alice"), head_repo="sig/demo")
    forge.state.commit("own", {"README.md": b"z"}, message="m", author="sigbot")
    forge.add_comment(1, "hello", Actor(login="alice"))
    forge.ensure_issue("dashboard", "Dashboard", "x")
    return host, forge, sha


VERBS = sorted(
    name for name, member in inspect.getmembers(Forge) if not name.startswith("_") and not isinstance(member, property)
)


def samples(sha: str) -> dict[str, Any]:
    """A good value for each parameter of each verb; a verb with a new one must add it here."""
    return {
        "path": "README.md", "ref": "main", "branch": "fix", "number": 1, "head_prefix": "", "state": "open",
        "actor": Actor(login="alice"), "base": "main", "title": "new", "body": "new", "labels": (), "reviewers": (),
        "reason": "because", "expected_sha": sha, "topic": "report", "since": datetime(2020, 1, 1, tzinfo=UTC),
        "comment_id": "1", "reaction": "eyes", "sha": sha, "name": "sigbot/lint", "summary": "s", "url": "", "text": "",
        "annotations": (),
    }  # fmt: skip


def arguments(verb: str, sha: str) -> dict[str, Any]:
    special = {"set_check": {"state": CheckState.FAILURE}, "read_issue": {"number": 2}, "ensure_pr": {"branch": "own"}}
    values = samples(sha) | special.get(verb, {})
    return {name: values[name] for name in inspect.signature(getattr(Forge, verb)).parameters if name != "self"}


def result_of(act: Callable[..., Any], given: dict[str, Any]) -> Any:
    return act(**given)


@pytest.mark.parametrize("verb", VERBS)
def test_a_read_answers_as_the_forge_and_a_write_is_recorded_instead(verb: str) -> None:
    host, forge, sha = fake()
    before, seen = deepcopy(host), list[Write]()
    answer = result_of(getattr(DryRunForge(forge, "sig/demo", seen.append), verb), arguments(verb, sha))
    assert host == before
    wet = deepcopy(host)
    truth = result_of(getattr(wet.repository("sig/demo"), verb), arguments(verb, sha))
    if wet == before:
        assert (seen, answer) == ([], truth)
    else:
        assert [(write.verb, write.repo) for write in seen] == [(verb, "sig/demo")]
        assert seen[0].arguments.items() >= {k: v for k, v in arguments(verb, sha).items() if k != "text"}.items()


def test_properties_are_the_forges_own() -> None:
    _, forge, _ = fake()
    dry = DryRunForge(forge, "sig/demo")
    assert (dry.repo, dry.account, dry.capabilities) == (forge.repo, forge.account, forge.capabilities)


@dataclass
class LaterForge(FakeForge):
    """A forge with a verb the protocol may get one day."""

    def delete_branch(self, branch: str, *, force: bool = False) -> None:
        del self.state.branches[branch]


def test_a_verb_added_later_is_blocked_until_it_is_known() -> None:
    host, _, _ = fake()
    before, seen = deepcopy(host), list[Write]()
    DryRunForge(LaterForge(host, "sig/demo"), "sig/demo", seen.append).delete_branch("fix", force=True)
    assert host == before
    assert [write.verb for write in seen] == ["delete_branch"]


def test_the_wrapper_is_what_the_protocols_say() -> None:
    host, forge, _ = fake()
    assert isinstance(DryRunForge(forge, "sig/demo"), Forge)
    assert isinstance(DryRunHost(host), ForgeHost)


def test_ensure_pr_of_an_open_one_tells_that_one() -> None:
    host, _, _ = fake()
    dry = DryRunHost(host).repository("sig/demo")
    assert dry.ensure_pr("fix", base="main", title="new", body="b").number == 1
    assert dry.ensure_pr("main", base="main", title="new", body="b").number == 0


def test_a_merge_that_would_be_refused_is_refused() -> None:
    host, _, _ = fake()
    seen = list[Write]()
    with pytest.raises(Obsolete):
        DryRunHost(host, seen.append).repository("sig/demo").merge(1, "0" * 40)
    assert seen == []


def test_git_gets_no_credential_to_push_with() -> None:
    host, _, _ = fake()

    @dataclass
    class Keyed(FakeHost):
        def git_credentials(self, path: str) -> tuple[str, str] | None:
            return "bot", "secret"

    assert Keyed().git_credentials("sig/demo") is not None
    assert DryRunHost(Keyed(repos=host.repos)).git_credentials("sig/demo") is None


def test_each_write_is_logged_in_one_short_line(caplog: pytest.LogCaptureFixture) -> None:
    _, forge, _ = fake()
    with caplog.at_level("INFO"):
        DryRunForge(forge, "sig/demo").ensure_comment(1, "report", "long\n" * 1000)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("dry run: ensure_comment on sig/demo: number=1, topic='report'")
    assert len(caplog.messages[0]) < 500
