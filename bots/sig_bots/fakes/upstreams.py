"""A stateful release monitor in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sig_bots.errors import NotFound, Transient
from sig_bots.upstreams import UpstreamProject, several_projects

__all__ = ["FakeUpstreams"]


@dataclass
class FakeUpstreams:
    """Projects by number. `requests` counts the questions; `down` makes all fail."""

    projects: dict[int, UpstreamProject] = field(default_factory=dict)
    requests: int = 0
    down: bool = False

    def add(
        self, name: str, versions: Sequence[str], *, ecosystem: str = "", prereleases: Sequence[str] = ()
    ) -> UpstreamProject:
        """A new project; `versions` are its releases and `prereleases` come before them, newest first in both."""
        number = len(self.projects) + 1
        homepage = f"https://{number}.example/{name}"
        self.projects[number] = UpstreamProject(
            id=number, name=name, ecosystem=ecosystem or homepage, homepage=homepage,
            versions=(*prereleases, *versions), stable=tuple(versions), page=f"https://monitor.example/project/{number}/",
        )  # fmt: skip
        return self.projects[number]

    def release(self, number: int, version: str, *, stable: bool = True) -> None:
        """A project releases a version."""
        one = self.projects[number]
        more = {"versions": (version, *one.versions)}
        self.projects[number] = one.model_copy(update=more | ({"stable": (version, *one.stable)} if stable else {}))

    def project(self, name: str, ecosystem: str = "") -> UpstreamProject:
        """See `Upstreams.project`."""
        self.requests += 1
        if self.down:
            raise Transient("The release monitor is not reachable.", host="monitor.example")
        if name.isascii() and name.isdigit():
            found = [one for one in self.projects.values() if one.id == int(name)]
        else:
            found = [one for one in self.projects.values() if one.name.lower() == name.lower()]
        found = [one for one in found if not ecosystem or one.ecosystem.lower() == ecosystem.lower()]
        if not found:
            raise NotFound(f"The release monitor knows no project {name}{f' in {ecosystem}' if ecosystem else ''}.")
        if len(found) > 1:
            raise NotFound(several_projects(name, found))
        return found[0]
