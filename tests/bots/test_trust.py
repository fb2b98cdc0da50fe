"""Which commits may be built: the rule, and what an approval has to say."""

import pytest

from sig_bots.errors import UserError
from sig_bots.events import PullRequestChanged
from sig_bots.forge import CheckState, Permission
from sig_bots.plugins.build import bot as build
from sig_bots.refs import Actor, PullRequest
from sig_bots.testing import SigHarness
from sig_bots.trust import decide, resolve_sha

HEAD = "0123456789abcdef0123456789abcdef01234567"
ALICE = Actor(login="alice", id="1")


def pull_request(*, fork: bool = False) -> PullRequest:
    return PullRequest(
        number=1, title="t", author=ALICE, head_sha=HEAD, head_branch="b", base_branch="main",
        head_repo="alice/app" if fork else "team/app", from_fork=fork,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fork", "permission", "ours", "approver", "trusted"),
    [
        (False, Permission.WRITE, False, None, True),
        (False, Permission.ADMIN, False, None, True),
        (False, Permission.READ, False, None, False),
        (False, None, False, None, False),
        (True, None, False, None, False),
        (True, Permission.WRITE, False, None, False),
        (True, None, False, "carol", True),
        (True, None, True, None, True),
    ],
)
def test_a_commit_is_trusted_by_where_it_lies_and_who_pushed_or_approved_it(
    fork: bool, permission: Permission | None, ours: bool, approver: str | None, trusted: bool
) -> None:
    made = decide(pull_request(fork=fork), ALICE, pusher_permission=permission, ours=ours, approver=approver)
    assert made.trusted is trusted
    assert made.reason


@pytest.mark.parametrize("given", [HEAD, HEAD[:12], HEAD[:20].upper()])
def test_an_approval_names_the_head_in_full_or_by_twelve_digits(given: str) -> None:
    assert resolve_sha(given, pull_request()) == HEAD


@pytest.mark.parametrize("given", [None, "", HEAD[:11], "f" * 40, "`@alice` <!-- x -->"])
def test_any_other_approval_is_answered_with_the_line_to_write(given: str | None) -> None:
    with pytest.raises(UserError, match=f"/sig ok {HEAD[:12]}"):
        resolve_sha(given, pull_request())


@pytest.mark.parametrize(
    ("pusher", "state"), [("alice", CheckState.SUCCESS), ("bob", CheckState.PENDING), (None, CheckState.PENDING)]
)
def test_commits_that_the_forge_tells_in_its_own_name_are_their_pushers(pusher: str | None, state: CheckState) -> None:
    config = "version: 1\nimages: [{name: registry.example/sig/app}]\nbuild: {}\n"
    sig = SigHarness(bots=[build], config=config, files={"Containerfile": "FROM scratch\nCOPY app /\n", "app": "1"})
    number = sig.open_pr({"app": "2"}, by="alice")
    sha = sig.host.repos["team/app"].commit("change", {"app": b"3"}, message="More", author="somebody")
    if pusher:
        sig.approvals.pushers[sha] = Actor(login=pusher)
    told = PullRequestChanged(
        source="fake", repo=sig.forge().repo, action="updated", pull_request=sig.forge().pull_request(number),
        actor=Actor(login="pagure", bot=True),
    )  # fmt: skip
    sig.handle(told)
    assert sig.checks(number)["sigbot/build"].state == state
