"""Upstream projects and the versions they have released, as a release monitor knows them. Protocol and values only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from sig_bots.refs import Value

__all__ = ["UpstreamProject", "Upstreams", "several_projects"]

_MOST_NAMED = 8


class UpstreamProject(Value):
    """One project as the monitor (Anitya) has it; all texts are its people's."""

    id: int
    name: str
    ecosystem: str = ""
    """`pypi`, `npm`, ...; the homepage for a project of no such kind."""
    homepage: str = ""
    versions: tuple[str, ...] = ()
    """All of them, newest first as the monitor orders them."""
    stable: tuple[str, ...] = ()
    """Those that are no pre-releases; they may have a prefix (`v`, `release-`) that `versions` are told without."""
    page: str = ""
    """Address of the project's page at the monitor."""

    @property
    def label(self) -> str:
        """The name as plain words of one line: letters, digits and `.+-_/`; it may stand in a title or a commit."""
        plain = " ".join(re.sub(r"[^A-Za-z0-9 ._+/-]", " ", self.name).split())
        return plain[:60].strip() or f"project {self.id}"


@runtime_checkable
class Upstreams(Protocol):
    """A release monitor."""

    def project(self, name: str, ecosystem: str = "") -> UpstreamProject:
        """The project of that name or, when `name` is a number, of that id; `ecosystem` tells equal names apart.

        Raises NotFound (there is none, or several: the sentence names them), Transient, ForgeError.
        """
        ...


def several_projects(name: str, found: Sequence[UpstreamProject]) -> str:
    """One sentence: which projects share the name, and how to name one of them."""
    many = [f"{one.id} ({one.ecosystem or one.homepage or 'no ecosystem'})"[:120] for one in found[:_MOST_NAMED]]
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    listed = f"{', '.join(many[:-1])} and {many[-1]}" if len(many) > 1 and not more else f"{', '.join(many)}{more}"
    return f"Several projects are named {name}: {listed}; write the number of one, as in `project: {found[0].id}`, or its `ecosystem`."
