"""Which commits may be built: the rule, and what an approval has to say."""

import pytest

from sig_bots.errors import UserError
from sig_bots.forge import Permission
from sig_bots.refs import Actor, PullRequest
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
