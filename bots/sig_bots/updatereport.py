"""What the update bot tells people: titles, bodies, commits, comments and one-line summaries. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from sig_bots.messages import cell, code
from sig_bots.refs import ImageRef, PullRequest
from sig_bots.updateconfig import Kind
from sig_bots.updatefacts import BaseFacts, size_text
from sig_bots.updategroups import Group
from sig_bots.updatemoves import Move, farthest
from sig_bots.versionmoves import UpstreamVersion
from sig_bots.versionreport import about_versions, left_alone, new_tags, subject
from sig_bots.wording import as_markdown, counted, fitting

__all__ = [
    "NO_WRITE", "ahead_in", "ahead_mark", "aimed_elsewhere", "body", "closed_window", "commit_message", "done", "foreign_commit", "foreign_entry", "foreign_obsolete", "full", "is_about", "obsolete", "opened_at", "summary",
    "title", "withdrawn",
]  # fmt: skip

_AHEAD = "<!-- ahead {} -->"
_READ_AHEAD = re.compile(r"<!-- ahead ((?:[0-9a-f]{16} ?){1,50}) -->")
_MARK = "<!-- versions {} opened {} -->"
_READ_MARK = re.compile(r"<!-- versions ([0-9a-f]{16}) opened ([0-9T:+.-]{16,40}) -->")
_LONGEST = 60_000
"""Characters of a body, all in all; GitHub takes 65,536, and what it cuts off would be our marks at the end."""
_LONGEST_TABLE = 24_000
_LONGEST_PROBLEM = 300
_MOST_NAMED = 3
_MOST_PLACES = 8
_MOST_ROWS = 30
_MOST_REASONS = 30
_MOST_IMAGES = 12
NO_WRITE = "the bot works from a fork here and lacks the write access that merging takes: give its account that, or merge it yourself"
"""Why a pull request that the bot may merge by the configuration is not merged by it, and what to do."""
_KINDS = {"digest": "a newer digest", "patch": "a patch", "minor": "a minor version", "major": "a major version"}


def title(group: Group) -> str:
    """`Update quay.io/fedora/fedora to 42`, `Update quay.io/fedora images to 42`, `Update group base: node to 22, …`."""
    moves = group.moves
    if len(group.names) == 1:
        return _title_of_one(group.names[0], moves)
    targets = {name: _versions([one for one in moves if one.old.name == name]) for name in group.names}
    if len(set(targets.values())) == 1:
        return f"Update {group.label} to {next(iter(targets.values()))}"
    parts = [f"{name.rpartition('/')[2]} to {version}" for name, version in targets.items()]
    more = f" and {len(parts) - _MOST_NAMED} more" if len(parts) > _MOST_NAMED else ""
    return f"Update {group.label}: {', '.join(parts[:_MOST_NAMED])}{more}"


def _title_of_one(name: str, moves: Sequence[Move]) -> str:
    tags = ", ".join(new_tags(moves))
    if all(one.old.tag == one.new.tag for one in moves):
        verb = "Pin" if all(one.old.digest is None for one in moves) else "Update"
        return f"{verb} {name}:{tags} to digest {_digests(moves)}"
    return f"Update {name} to {tags}"


def _versions(moves: Sequence[Move]) -> str:
    if all(one.old.tag == one.new.tag for one in moves):
        return f"digest {_digests(moves)}"
    return ", ".join(new_tags(moves))


def _digests(moves: Sequence[Move]) -> str:
    return ", ".join(sorted({(one.new.digest or "").removeprefix("sha256:")[:12] for one in moves}))


def commit_message(group: Group, moved: Sequence[Move]) -> str:
    """The message of the one commit."""
    lines = "\n".join(f"{one.place}: {one.old} -> {one.new}" for one in moved)
    return f"{title(group)}\n\n{lines}\n"


def body(
    group: Group, moved: Sequence[Move], branch: str, *, facts: Sequence[BaseFacts] = (),
    opened: datetime, packages: str = "", security: str = "", why: Sequence[str] = (), rebuilt: Sequence[str] = (), automerge: bool = False, fork: bool = False,
) -> str:  # fmt: skip
    """What moves, why now, what it brings and causes, and how to be left alone; a busy maintainer reads it in ten seconds.

    `packages` is the section on what changes in the bases (`packagereport.packages_section`), `security` that on advisories (`advisoryreport`), `why` more reasons, `rebuilt` are the images that are built anew after the merge, in that order.
    """
    reasons = list(dict.fromkeys([*(one.reason for one in moved if one.reason), *why]))
    table, projects = _table(moved), about_versions(moved)
    end = [_rebuilt(rebuilt), _ending(moved, branch, automerge=automerge, fork=fork)]
    images = "\n\n".join(filter(None, map(_facts, facts)))
    sections = {"the reasons": _listed("Why now", reasons), "the advisories": security, "the images": images}
    sections["the packages"] = packages
    *told, changes = _within(_LONGEST - sum(len(part) + 2 for part in (table, *projects, *end)), sections)
    parts = [table, *told, *projects, changes, *end]
    text = "\n\n".join(part for part in parts if part).replace("<!--", "‹!--")  # only the marks below are marks
    return f"{text}\n\n{_MARK.format(group.fingerprint, opened.isoformat())}"


def _within(room: int, sections: Mapping[str, str]) -> list[str]:
    """The sections (name -> text) that fit into so many characters; of each other one a sentence in its place."""
    told = []
    for what, text in sections.items():
        told.append(text if len(text) + 2 <= room else f"Too long to be told here: {what}.")
        room -= len(told[-1]) + 2
    return told


def _rebuilt(names: Sequence[str]) -> str:
    if not names:
        return ""
    return f"**After the merge** {counted(len(names), 'image')} will be rebuilt: {_named(names)}."


def _table(moved: Sequence[Move]) -> str:
    def pair(one: Move) -> tuple[str, str]:
        return str(one.old), str(one.new)

    rows = []
    for _, some in groupby(sorted(moved, key=pair), key=pair):
        places = list(some)
        where = _named([one.place for one in places], _MOST_PLACES, cell)
        old, new = places[0].old, places[0].new
        rows.append(f"| {cell(old.name, 120)} | {_version(old)} | {_version(new)} | {where} |")
    shown = fitting(rows[:_MOST_ROWS], _LONGEST_TABLE)
    hidden = len(rows) - len(shown)
    more = [f"\n… and {hidden} more; the changed files show them all."] if hidden > 0 else []
    return "\n".join([f"| {subject(moved)} | from | to | where |", "|---|---|---|---|", *shown, *more])


def _version(image: ImageRef | UpstreamVersion) -> str:
    digest = f"@{image.digest[:19]}…" if image.digest else ""
    return code(f"{image.tag or 'latest'}{digest}", limit=120)


def _listed(heading: str, sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    if len(sentences) == 1:
        return f"**{heading}** {sentences[0]}"
    more = [f"- … and {len(sentences) - _MOST_REASONS} more"] if len(sentences) > _MOST_REASONS else []
    return "\n".join([f"**{heading}**", "", *(f"- {one}" for one in sentences[:_MOST_REASONS]), *more])


def _named(names: Sequence[str], most: int = _MOST_IMAGES, quoted: Callable[[str, int], str] = code) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(quoted(name, 120) for name in names[:most]) + more


def _facts(facts: BaseFacts) -> str:
    """One image's platforms, size and source."""
    if facts.problem:
        return f"**{code(facts.new.name, 120)}** More about it cannot be told: {as_markdown(facts.problem[:_LONGEST_PROBLEM])}"
    about = []
    if facts.platforms:
        lost = f" (no longer {_named(facts.lost)})" if facts.lost else ""
        about.append(f"platforms {_named(facts.platforms)}{lost}")
    if facts.new_size is not None:
        about.append(size_text(facts.old_size, facts.new_size))
    if facts.created is not None:
        about.append(f"made on {facts.created:%Y-%m-%d}")
    if facts.source:
        about.append(f"[what changed in its source]({facts.source})")
    return f"**{code(facts.new.name, 120)}** {'; '.join(about)}." if about else ""


def _ending(moved: Sequence[Move], branch: str, *, automerge: bool, fork: bool) -> str:
    kind: Kind = farthest(moved)
    does = (
        f"would merge it, but {NO_WRITE}" if fork else "merges it once its checks have passed, which takes write access"
    )
    merging = f" Because this is {_KINDS[kind]}, the bot {does}." if automerge else ""
    return (
        f"Only the places above change.{merging} The bot keeps this pull request up to date in one commit until somebody "
        f"else commits to `{branch}`. To skip this version, close it; {left_alone(moved)}."
    )


def is_about(group: Group, text: str) -> bool:
    """Whether a pull request's body is about the versions the group moves to."""
    mark = _last_mark(text)
    return mark is not None and mark[1] == group.fingerprint


def _last_mark(text: str) -> re.Match[str] | None:
    """The mark is at the end: what stands before it may come from an image or an advisory."""
    return next(reversed(list(_READ_MARK.finditer(text))), None)


def ahead_mark(keys: Iterable[str]) -> str:
    """Goes to the end of a body: which versions somebody wanted before their cooldown was over. Empty for none."""
    wanted = sorted(keys)[:50]
    return f"\n\n{_AHEAD.format(' '.join(wanted))}" if wanted else ""


def ahead_in(text: str) -> frozenset[str]:
    """The keys (`updating.version_key`) that a pull request's body holds in that mark."""
    versions = _last_mark(text)
    mark = _READ_AHEAD.search(text, versions.end()) if versions else None
    return frozenset(mark[1].split()) if mark else frozenset()


def withdrawn(text: str) -> str:
    """The body of a pull request that the bot is about to close: no longer about any versions, opened when it was.

    Whoever reopens it finds the next refresh saying the versions again, and may then decline them.
    """
    mark = _last_mark(text)
    return f"{text[: mark.start()]}{_MARK.format('0' * 16, mark[2])}" if mark else text.rpartition("<!-- sigbot ")[0]


def opened_at(text: str) -> datetime | None:
    """When the pull request with this body was opened, as the bot wrote it; None when that cannot be read."""
    mark = _last_mark(text)
    try:
        found = datetime.fromisoformat(mark[2]) if mark else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def obsolete(branch: str) -> str:
    """Why an update pull request is closed by the bot."""
    return f"Closed: `{branch}` no longer needs this update. A new pull request follows when something newer appears."


def foreign_commit(news: str, branch: str) -> str:
    """Somebody committed to the bot's branch. `news` is the title the pull request would have now, empty without news."""
    newer = f"There is something newer by now (`{news}`). " if news else ""
    return (
        f"`{branch}` holds a commit that is not the bot's, so the bot leaves it as it is. {newer}To have it brought up to "
        "date again, remove that commit or delete the branch."
    )


def aimed_elsewhere(branch: str) -> str:
    """A person changed the base branch of a pull request of ours; the rest of a sentence."""
    return (
        f"is aimed at {code(branch)} by now, so the bot neither refreshes nor merges it; aim it back, or close it and delete "
        "its branch to have a new one"
    )


def foreign_entry(branch: str) -> str:
    """The same in few words, for a list."""
    return f"{branch} holds a commit that is not the bot's, so it stays as it is"


def foreign_obsolete(base: str) -> str:
    """The update is needed no more, but the branch holds work of somebody else."""
    return (
        f"`{base}` no longer needs this update. It stays open because its branch holds a commit that is not the bot's; "
        "close it if that is not needed either."
    )


def closed_window(opening: datetime | None, zone: str) -> str:
    """Why something waits for the schedule."""
    return (
        f"waits for the schedule, until {opening:%Y-%m-%d %H:%M} UTC" if opening else f"waits for the schedule ({zone})"
    )


def full(limit: str) -> str:
    """Why something waits for a limit; `limit` says which, as in `5 open pull requests`."""
    return f"waits, because the limit of {limit} is reached"


def done(opened: Sequence[PullRequest], waiting: Sequence[str] = ()) -> str:
    """Answer to `/sig update`; `waiting` says what is held back and why."""
    if not opened and not waiting:
        return "Everything that is looked after is at the newest version of its kind."
    lines = [*(f"#{one.number}: {as_markdown(one.title)}" for one in opened), *(as_markdown(one) for one in waiting)]
    return "\n".join(f"- {line}" for line in lines)


def summary(opened: Sequence[PullRequest], merged: Sequence[PullRequest], kept: int) -> str:
    """One line for the job's page."""
    lines = [
        *(f"#{one.number} {one.title}" for one in opened),
        *(f"merged #{one.number} {one.title}" for one in merged),
    ]
    return "; ".join(lines) or f"nothing newer ({counted(kept, 'reference')} looked at)"
