"""What the update, build and rebuild bots tell people: titles, bodies and one-line summaries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sig_bots.building import Built
from sig_bots.messages import code
from sig_bots.refs import Digest, ImageRef, PullRequest
from sig_bots.tools import FleetImage
from sig_bots.wording import as_markdown

__all__ = [
    "MovedReference", "build_comment", "build_failed", "build_mended", "last_words", "nothing_fails", "rebuild_done", "rebuild_summary", "update_body", "update_commit", "update_done",
    "update_obsolete", "update_summary", "update_title",
]  # fmt: skip

ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.")
"""Control sequences of terminals (ECMA-48): colours, cursor movements, titles and links."""


@dataclass(frozen=True)
class MovedReference:
    """One place that an update changes."""

    path: str
    line: int
    old: ImageRef
    new: ImageRef
    reason: str


def update_title(name: str, moved: Sequence[MovedReference]) -> str:
    """`Update quay.io/fedora/fedora to 42`; it names the version, so that a closed one is recognised."""
    tags = sorted({one.new.tag or "" for one in moved})
    if all(one.old.tag == one.new.tag for one in moved):
        digests = sorted({(one.new.digest or "").removeprefix("sha256:")[:12] for one in moved})
        return f"Update {name}:{', '.join(tags)} to digest {', '.join(digests)}"
    return f"Update {name} to {', '.join(tags)}"


def update_commit(title: str, moved: Sequence[MovedReference]) -> str:
    """The message of the one commit."""
    lines = "\n".join(f"{one.path}:{one.line}: {one.old} -> {one.new}" for one in moved)
    return f"{title}\n\n{lines}\n"


def update_body(moved: Sequence[MovedReference], branch: str, packages: str = "") -> str:
    """What moves, why now, and how to be left alone; a busy maintainer reads it in ten seconds.

    `packages` is the section on what changes in the bases (`packagereport.packages_section`), or empty.
    """
    rows = "\n".join(
        f"| {code(f'{one.path}:{one.line}')} | {_version(one.old)} | {_version(one.new)} |" for one in moved
    )
    reasons = "\n".join(f"- {reason}" for reason in dict.fromkeys(one.reason for one in moved if one.reason))
    return (
        f"| where | from | to |\n|---|---|---|\n{rows}\n\n"
        f"**Why now**\n{reasons}\n\n"
        + (f"{packages}\n\n" if packages else "")
        + f"Only the places above change. The bot keeps this pull request up to date in one commit until somebody else "
        f"commits to `{branch}`. To skip this version, close it; to leave an image alone, list it under "
        f"`update: ignore:` in `.sigbot.yaml`."
    )


def update_obsolete(branch: str) -> str:
    """Why an update pull request is closed by the bot."""
    return f"Closed: `{branch}` no longer needs this update. A new pull request follows when something newer appears."


def update_done(opened: Sequence[PullRequest]) -> str:
    """Answer to `/sig update`."""
    if not opened:
        return "Every base image is at the newest version of its kind."
    return "\n".join(f"- #{one.number}: {one.title}" for one in opened)


def update_summary(opened: Sequence[PullRequest], kept: int) -> str:
    """One line for the job's page."""
    if not opened:
        return f"nothing newer ({kept} reference{'s' if kept != 1 else ''} looked at)"
    return "; ".join(f"#{one.number} {one.title}" for one in opened)


def build_failed(built: Built) -> str:
    """An image could not be built: one sentence with the file and, where it is known, the line. The reason quotes a stranger."""
    where = f" ({built.image.containerfile} line {built.status.line})" if built.status.line else ""
    return f"{built.image.image} could not be built{where}: {as_markdown(built.status.reason)}"


def last_words(built: Built, lines: int = 12, width: int = 200) -> str:
    """The end of the build's log as a block of code; empty when it wrote nothing. The log is a stranger's text."""
    told = [_harmless(line, width) for line in built.log if line.strip() and line.strip() != built.status.reason]
    shown = told[-lines:]
    if not shown:
        return ""
    fence = "`" * max(3, 1 + max(len(run) for run in re.findall(r"`*", "\n".join(shown))))
    return "\n".join(["The last lines of the build:", "", f"{fence}text", *shown, fence])


def build_comment(built: Built) -> str:
    """For a forge whose checks hold one line: the same, as a comment."""
    return "\n\n".join(part for part in (build_failed(built), last_words(built)) if part)


def build_mended(summary: str) -> str:
    """What the comment on a failed build becomes when a later one succeeds."""
    return f"The build that failed here succeeds now: {summary}."


def nothing_fails() -> str:
    """What that comment becomes when the pull request changes no image any more."""
    return "The build that failed here is no longer needed: no image's files change."


def rebuild_summary(built: Sequence[tuple[FleetImage, Digest, str]]) -> str:
    """One line for the job's page."""
    return "; ".join(f"{image.image}@{digest[:19]} ({cause})" for image, digest, cause in built)


def rebuild_done(built: Sequence[tuple[FleetImage, Digest, str]]) -> str:
    """Answer to `/sig rebuild`."""
    return "\n".join(f"- `{image.image}@{digest}`: {cause}" for image, digest, cause in built)


def _version(image: ImageRef) -> str:
    digest = f"@{image.digest[:19]}…" if image.digest else ""
    return code(f"{image.name}:{image.tag or 'latest'}{digest}", limit=120)


def _harmless(line: str, width: int) -> str:
    """A line of a log as text that controls no terminal, mentions nobody and holds no marker of ours."""
    plain = "".join(char if char.isprintable() else " " for char in ANSI.sub("", line)).rstrip()
    short = plain if len(plain) <= width else f"{plain[: width - 1]}…"
    return short.replace("<!--", "‹!--").replace("@", "@\u200b")
