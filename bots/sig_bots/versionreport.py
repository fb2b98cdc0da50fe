"""What an update pull request says of versions: links to the projects, and what a person has to change beside them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sig_bots.messages import code
from sig_bots.updatemoves import Move
from sig_bots.versionmoves import MovedVersion
from sig_bots.wording import counted

__all__ = ["about_versions", "left_alone", "new_tags", "subject", "waits_for_a_hand"]

_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~+%=@-]*){0,12}(?:\?[A-Za-z0-9._~+%=&-]*)?", re.ASCII)  # fmt: skip
_FIRST_NUMBER = re.compile(r"\A[^0-9]+(?=[0-9])")
_MOST_TAGS = 5
_MOST_PROJECTS = 12
_MOST_PLACES = 20


def subject(moved: Sequence[Move]) -> str:
    """Head of the table's first column."""
    versions = sum(isinstance(one, MovedVersion) for one in moved)
    return "image" if not versions else "project" if versions == len(moved) else "image or project"


def new_tags(moved: Sequence[Move]) -> list[str]:
    """What a title says they move to: of versions that are the same but for prefix and length, the longest without prefix."""
    tags = {one.new.tag or "" for one in moved}
    if subject(moved) == "project":
        cores = {_FIRST_NUMBER.sub("", tag) for tag in tags}
        tags = {core for core in cores if not any(other.startswith((f"{core}.", f"{core}-")) for other in cores)}
    listed = sorted(tags)
    return listed if len(listed) <= _MOST_TAGS else [*listed[:_MOST_TAGS], f"{len(listed) - _MOST_TAGS} more"]


def left_alone(moved: Sequence[Move]) -> str:
    """How not to be told again, the rest of a sentence."""
    image = "to leave an image alone, list it under `update: ignore:` in `.sigbot.yaml`"
    project = "to leave a version alone, take its rule out of `update: versions:` in `.sigbot.yaml`"
    what = subject(moved)
    return image if what == "image" else project if what == "project" else f"{image}; {project}"


def waits_for_a_hand(moved: Sequence[Move]) -> bool:
    """Whether a person has to change something beside the moved values before this can be merged."""
    return any(isinstance(one, MovedVersion) and one.by_hand for one in moved)


def about_versions(moved: Sequence[Move]) -> list[str]:
    """A paragraph per project with its links, and one about checksums; nothing where only images move."""
    versions = [one for one in moved if isinstance(one, MovedVersion)]
    projects = {one.new.name: one for one in versions}
    parts = [text for one in list(projects.values())[:_MOST_PROJECTS] if (text := _links(one))]
    by_hand = list(dict.fromkeys(place for one in versions for place in one.by_hand))
    if by_hand:
        named = ", ".join(code(place, 120) for place in by_hand[:_MOST_PLACES])
        more = f" and {len(by_hand) - _MOST_PLACES} more" if len(by_hand) > _MOST_PLACES else ""
        noun = "a checksum that belongs" if len(by_hand) == 1 else f"{counted(len(by_hand), 'checksum')} that belong"
        parts.append(
            f"**To be changed by hand:** {named}{more}: {noun} to the old version. The bot cannot compute the new one; "
            "commit it to this branch before merging. The bot does not merge this itself."
        )
    return parts


def _links(one: MovedVersion) -> str:
    links = [
        f"[{what}]({address})"
        for what, address in (("homepage", one.homepage), ("its versions at the release monitor", one.page))
        if len(address) <= 300 and _URL.fullmatch(address)
    ]
    return f"**{code(one.new.name, 80)}** {' and '.join(links)}." if links else ""
