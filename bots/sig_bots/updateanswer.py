"""What a look of the update bot tells of that became no pull request: for the answer to `/sig update` and the job's page. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sig_bots.versionmoves import PROJECT
from sig_bots.wording import counted

__all__ = ["noun_of", "unlooked"]

_MOST_NAMED = 3


def noun_of(names: Sequence[str]) -> str:
    """What names of images and of projects are, in the singular."""
    projects = sum(name.startswith(PROJECT) for name in names)
    return "image" if not projects else "project" if projects == len(names) else "name"


def unlooked(unreachable: Mapping[str, Exception]) -> list[str]:
    """One sentence on what is out of reach (name -> why), none when nothing is: `1 image was not looked at: …`."""
    if not unreachable:
        return []
    named = [f"{name} ({str(why).rstrip('.')})" for name, why in list(unreachable.items())[:_MOST_NAMED]]
    more = f" and {len(unreachable) - _MOST_NAMED} more" if len(unreachable) > _MOST_NAMED else ""
    verb = "was" if len(unreachable) == 1 else "were"
    many = counted(len(unreachable), noun_of(list(unreachable)))
    return [f"{many} {verb} not looked at: {', '.join(named)}{more}"]
