"""May code of this pull request be run? Decided from facts asked of the forge now, and bound to one commit."""

from __future__ import annotations

from sig_bots.context import Context
from sig_bots.errors import UserError
from sig_bots.forge import Permission
from sig_bots.messages import code
from sig_bots.refs import Actor, PullRequest, Value, same_account

__all__ = ["Trust", "decide", "resolve_sha", "trust_of"]

MIN_SHA = 12


class Trust(Value):
    """Whether the commit may be built, and the reason in words for the check."""

    trusted: bool
    reason: str


def trust_of(ctx: Context, pull_request: PullRequest) -> Trust:
    """Gather the facts for `decide`: one permission question, one look at our approvals."""
    approvals = ctx.services.approvals
    approver = approvals.approved_by(pull_request.number, pull_request.head_sha)
    ours = same_account(pull_request.author, ctx.forge.account) and approvals.ours(pull_request.head_sha)
    # Who pushed last is known only when the event is that push; the author stands in for the opening of the request.
    pusher = ctx.actor if ctx.actor and ctx.head_sha == pull_request.head_sha and not ctx.command else None
    if pusher is not None and pusher.bot:
        # Pagure tells of new commits in its own name; the push itself names the person.
        pusher = approvals.pushed_by(pull_request.head_sha) or pusher
    pusher = pusher or pull_request.author
    asked = None if pull_request.from_fork or ours or approver else ctx.forge.permission(pusher)
    return decide(pull_request, pusher, pusher_permission=asked, ours=ours, approver=approver)


def decide(
    pull_request: PullRequest, pusher: Actor, *, pusher_permission: Permission | None, ours: bool, approver: str | None
) -> Trust:
    """The rule: head in the base repository by somebody with write, our own commit, or an approved commit."""
    if approver:
        return Trust(trusted=True, reason=f"{approver} approved this commit")
    if ours:
        return Trust(trusted=True, reason="this commit was written by the bot itself")
    if pull_request.from_fork:
        return Trust(trusted=False, reason=f"it comes from a fork ({pull_request.head_repo or 'deleted'})")
    if pusher_permission is not None and pusher_permission >= Permission.WRITE:
        return Trust(trusted=True, reason=f"{pusher.login} can write to this repository")
    return Trust(trusted=False, reason=f"{pusher.login} cannot write to this repository")


def resolve_sha(given: str | None, pull_request: PullRequest) -> str:
    """The commit an approval names; it must be the current head, written out to at least 12 digits.

    Raises UserError that says the current commit, so that the next try can be pasted.
    """
    head = pull_request.head_sha
    if not given:
        raise UserError(f"Say which commit: the current one is `{head}`, so write `/sig ok {head[:MIN_SHA]}`.")
    wanted = given.lower()
    if len(wanted) < MIN_SHA:
        raise UserError(
            f"{code(given, 40)} is too short; write at least {MIN_SHA} digits, as in `/sig ok {head[:MIN_SHA]}`."
        )
    if not head.startswith(wanted):
        raise UserError(
            f"{code(given, 40)} is not the current commit of this pull request, which is `{head}`; "
            f"look at what changed, then write `/sig ok {head[:MIN_SHA]}`."
        )
    return head
