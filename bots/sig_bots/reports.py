"""What the build and rebuild bots tell people: comments and one-line summaries."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sig_bots.building import Built
from sig_bots.refs import Digest
from sig_bots.tools import FleetImage
from sig_bots.wording import as_markdown

__all__ = ["build_comment", "build_failed", "build_mended", "last_words", "nothing_fails", "rebuild_done", "rebuild_summary"]  # fmt: skip

ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.")
"""Control sequences of terminals (ECMA-48): colours, cursor movements, titles and links."""


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


def _harmless(line: str, width: int) -> str:
    """A line of a log as text that controls no terminal, mentions nobody and holds no marker of ours."""
    plain = "".join(char if char.isprintable() else " " for char in ANSI.sub("", line)).rstrip()
    short = plain if len(plain) <= width else f"{plain[: width - 1]}…"
    return short.replace("<!--", "‹!--").replace("@", "@\u200b")
