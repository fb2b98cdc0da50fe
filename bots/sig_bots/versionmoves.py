"""Values that an update moves to another version of an upstream project, and the edits of the files. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sig_bots.containerfile.assignments import assignments, set_values
from sig_bots.containerfile.edits import MOST_WORK, EditRefused

__all__ = ["PROJECT", "MovedVersion", "UpstreamVersion", "apply_versions"]

PROJECT = "project:"
"""What the name of an upstream project begins with in `groups`, in `ignore`, and wherever images are named as well."""


@dataclass(frozen=True)
class UpstreamVersion:
    """A version as it is written, of a project: the counterpart of an image with its tag."""

    name: str
    """The project's name as plain words (`UpstreamProject.label`)."""
    tag: str
    digest: None = None

    def __str__(self) -> str:
        return f"{self.name} {self.tag}"


@dataclass(frozen=True)
class MovedVersion:
    """One value that an update changes."""

    path: str
    line: int
    old: UpstreamVersion
    new: UpstreamVersion
    reason: str
    what: str
    """Keyword and name: `ARG NODE_VERSION`."""
    homepage: str = ""
    page: str = ""
    """Address of the project's page at the release monitor."""
    by_hand: tuple[str, ...] = ()
    """What stands beside it and has to be changed by a person: `Containerfile:4: ARG NODE_SHA256`."""

    @property
    def place(self) -> str:
        """Where it stands, as the pull request names it."""
        return f"{self.path}:{self.line} {self.what}"


def apply_versions(data: bytes, moves: Sequence[MovedVersion]) -> tuple[bytes, list[MovedVersion], list[str]]:
    """The edited file, the moves that went into it, and a sentence for each that would change anything else.

    All at once; when that is refused, one after the other.
    """
    if not moves:
        return data, [], []
    try:
        return set_values(data, _targets(data, moves)), list(moves), []
    except EditRefused as error:
        if len(moves) * len(data) > MOST_WORK:
            return data, [], list(dict.fromkeys(f"{one.path}:{one.line}: not edited: {error}" for one in moves))
    done: list[MovedVersion] = []
    sentences: list[str] = []
    for move in moves:
        try:
            data = set_values(data, _targets(data, [move]))
            done.append(move)
        except EditRefused as error:
            sentences.append(f"{move.path}:{move.line}: not edited: {error}")
    return data, done, sentences


def _targets(data: bytes, moves: Sequence[MovedVersion]) -> dict[int, str]:
    """Where the values stand now -> what they are to say. Raises EditRefused when one is not there any more."""
    wanted = {(one.what, one.line, one.old.tag): one.new.tag for one in moves}
    found: dict[int, str] = {}
    missing = set(wanted)
    for one in assignments(data):
        place = (one.what, one.line, one.value)
        if place in wanted and not one.reason:
            found[one.start] = wanted[place]
            missing.discard(place)
    for what, _, value in sorted(missing):
        raise EditRefused(f"{what} no longer says {value}.")
    return found
