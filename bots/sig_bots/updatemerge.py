"""Merging update pull requests: at the very commit that passed what must pass. A result wakes us, the state is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

from sig_bots.containerfile import references
from sig_bots.context import Context
from sig_bots.errors import ForgeError, Obsolete, Skip
from sig_bots.events import TestResult
from sig_bots.fleet import default_head
from sig_bots.forge import Check, CheckState
from sig_bots.refs import PullRequest, same_account
from sig_bots.updateconfig import Kind, UpdateConfig
from sig_bots.updatemoves import MovedReference, apply_moves, farthest
from sig_bots.updatereport import NO_WRITE
from sig_bots.updatewindow import is_open
from sig_bots.wording import plain_line

__all__ = ["concerns_us", "merge_passed", "merge_ready", "unmet"]

_FINE = (CheckState.SUCCESS, CheckState.NEUTRAL)
_GOING = (CheckState.PENDING, CheckState.RUNNING)
_LONGEST_NAME = 100


def unmet(checks: Sequence[Check], named: Sequence[str] = (), required: Collection[str] = ()) -> list[str]:
    """What stands in the way of a merge, one phrase each; empty when nothing does.

    `named` are globs of the checks that must be there and have passed; of the others none may have failed. Without them
    all must have passed, and there must be one. `required` are names the forge requires: one that is missing has not passed.
    """
    states: dict[str, list[CheckState]] = {}
    for one in checks:
        states.setdefault(one.name, []).append(one.state)
    missing = [name for name in required if name not in states]
    missing += [glob for glob in named if not any(fnmatchcase(name, glob) for name in states)]
    problems = [f"{_shown(name)} has not reported" for name in sorted(set(missing))]
    must = {name for name in states if name in required or any(fnmatchcase(name, glob) for glob in named)}
    for name, some in sorted(states.items()):
        waits = name in must or not named
        if any(state not in _FINE and (waits or state not in _GOING) for state in some):
            problems.append(f"{_shown(name)} has not passed")
    counted = [state for name, some in states.items() if name in must or not named for state in some]
    if not problems and CheckState.SUCCESS not in counted:
        problems.append("no check has passed")
    return problems


def _shown(name: str) -> str:
    line = plain_line(name)
    return line if len(line) <= _LONGEST_NAME else f"{line[:_LONGEST_NAME]}…"


def merge_passed(ctx: Context, config: UpdateConfig, one: PullRequest, sha: str) -> str:
    """Merge the pull request at the commit if everything that must pass has passed there.

    Why it is not merged, the rest of a sentence; empty when it is.
    """
    number, remedy = one.number, f"; {NO_WRITE}" if one.from_fork else ""
    checks, named = ctx.forge.checks(sha, number), config.automerge.checks
    try:
        problems = unmet(checks, named) or unmet(checks, named, ctx.forge.required_checks(one.base_branch))
        if problems:
            return _not_merged(ctx, number, f"is not merged yet: {'; '.join(problems)}{remedy}")
        ctx.forge.merge(number, sha)
    except (Obsolete, ForgeError) as error:
        return _not_merged(ctx, number, f"was not merged: {str(error).rstrip('.') if remedy else error}{remedy}")
    ctx.services.places.closed(one.head_branch)
    ctx.log(f"#{number} was merged: what must pass has passed at {sha[:12]}")
    return ""


def _not_merged(ctx: Context, number: int, why: str) -> str:
    ctx.log(f"#{number} {why}")
    return why


def concerns_us(event: TestResult) -> bool:
    """Whether it may be the last result an update pull request waits for, as far as the event tells."""
    if event.status != "passed" or event.sha is None:
        return False
    return not event.branches or any("/update/" in branch for branch in event.branches)


def merge_ready(ctx: Context, event: TestResult) -> bool:
    """Merge the update pull request whose commit this result is about, if it may be merged.

    False: how far the commit goes cannot be told from its files alone, a look over the repository decides. Raises Skip
    with the reason when there is nothing to merge.
    """
    config = ctx.config_as(UpdateConfig)
    if not is_open(config.windows, config.zone, ctx.now):
        raise Skip("outside the schedule")
    one = _at(ctx, event.sha)
    branch, head = default_head(ctx)
    if one.base_branch != branch or ctx.forge.merge_base(one.number) != head:
        raise Skip(f"#{one.number} is not on top of {branch}; it is refreshed and checked first")
    kind = _kind(ctx, head, one)
    if kind is None:
        return False
    if not config.merges(kind):
        raise Skip(f"#{one.number} is not of a kind that the bot merges")
    if not merge_passed(ctx, config, one, one.head_sha):
        ctx.summary = f"merged #{one.number} {one.title}"
    return True


def _at(ctx: Context, sha: str | None) -> PullRequest:
    """Our open pull request at a commit of ours."""
    for one in ctx.forge.find_prs(f"{ctx.service}/update/"):
        if one.head_sha == sha and same_account(one.author, ctx.forge.account):
            if ctx.services.approvals.ours(one.head_sha):
                return one
            raise Skip(f"#{one.number} holds a commit that is not ours")
    raise Skip("no update pull request is at this commit")


def _kind(ctx: Context, base: str, one: PullRequest) -> Kind | None:
    """How far the commit goes, read from its files and not from what the pull request says, which anybody with write can edit.

    None when it is anything but references that move.
    """
    paths = [path for file in ctx.forge.changed_files(one.number) for path in file.paths]
    old = ctx.services.workspace.read(base, paths)
    new = ctx.services.workspace.read(one.head_sha, paths)
    moves = _moves(old, new)
    if moves is None or apply_moves(moves, old)[0] != dict(new):
        return None
    return farthest(moves)


def _moves(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[MovedReference] | None:
    moves = []
    for path, data in old.items():
        before, after = references(data), references(new.get(path, b""))
        if len(before) != len(after):
            return None
        for was, now in zip(before, after, strict=True):
            if was.image is not None and now.image is not None and was.image != now.image:
                moves.append(MovedReference(path, was.line, was.image, now.image, ""))
    return moves
