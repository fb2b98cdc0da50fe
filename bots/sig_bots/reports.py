"""What the update, build and rebuild bots tell people: titles, bodies and one-line summaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sig_bots.messages import code
from sig_bots.refs import Digest, ImageRef, PullRequest
from sig_bots.tools import FleetImage

__all__ = [
    "MovedReference", "build_failed", "rebuild_done", "rebuild_summary", "update_body", "update_commit", "update_done",
    "update_obsolete", "update_summary", "update_title",
]  # fmt: skip


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


def update_body(moved: Sequence[MovedReference], branch: str) -> str:
    """What moves, why now, and how to be left alone; a busy maintainer reads it in ten seconds."""
    rows = "\n".join(
        f"| {code(f'{one.path}:{one.line}')} | {_version(one.old)} | {_version(one.new)} |" for one in moved
    )
    reasons = "\n".join(f"- {reason}" for reason in dict.fromkeys(one.reason for one in moved if one.reason))
    return (
        f"| where | from | to |\n|---|---|---|\n{rows}\n\n"
        f"**Why now**\n{reasons}\n\n"
        f"Only the places above change. The bot keeps this pull request up to date in one commit until somebody else "
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


def build_failed(image: str, reason: str) -> str:
    """An image could not be built."""
    return f"{image} could not be built: {reason}"


def rebuild_summary(built: Sequence[tuple[FleetImage, Digest, str]]) -> str:
    """One line for the job's page."""
    return "; ".join(f"{image.image}@{digest[:19]} ({cause})" for image, digest, cause in built)


def rebuild_done(built: Sequence[tuple[FleetImage, Digest, str]]) -> str:
    """Answer to `/sig rebuild`."""
    return "\n".join(f"- `{image.image}@{digest}`: {cause}" for image, digest, cause in built)


def _version(image: ImageRef) -> str:
    digest = f"@{image.digest[:19]}…" if image.digest else ""
    return code(f"{image.name}:{image.tag or 'latest'}{digest}", limit=120)
