"""The service's own records, in memory: approvals, jobs, the fleet's inventory, a linter that knows only our rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sig_bots.context import JobSummary
from sig_bots.fakes.advisories import FakeAdvisories
from sig_bots.fakes.builder import FakeBuilder
from sig_bots.fakes.forge import FakeForge
from sig_bots.fakes.places import FakePlaces
from sig_bots.fakes.registry import FakeRegistry
from sig_bots.fakes.repository import FakeWorkspace
from sig_bots.fakes.upstreams import FakeUpstreams
from sig_bots.jobstate import OPEN, JobState
from sig_bots.packages import PackageList
from sig_bots.refs import Actor, Digest, ImageRef, Repo
from sig_bots.tools import BuildStatus, Finding, FleetImage

__all__ = ["FakeApprovals", "FakeInventory", "FakeJobBoard", "FakeLinter", "FakeServices"]


@dataclass
class FakeApprovals:
    """Approvals of commits, and which commits are ours."""

    given: dict[tuple[int, str], str] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    pushers: dict[str, Actor] = field(default_factory=dict)

    def approve(self, number: int, sha: str, by: Actor) -> None:
        """Record an approval."""
        self.given[number, sha] = by.login

    def approved_by(self, number: int, sha: str) -> str | None:
        """Who approved this commit."""
        return self.given.get((number, sha))

    def ours(self, sha: str) -> bool:
        """Whether we wrote the commit."""
        return sha in self.own

    def pushed_by(self, sha: str) -> Actor | None:
        """Who pushed the commit."""
        return self.pushers.get(sha)


@dataclass
class FakeJobBoard:
    """Jobs of the harness; it has none that wait, so cancelling finds none."""

    jobs: list[JobSummary] = field(default_factory=list)

    def of(self, number: int | None = None) -> Sequence[JobSummary]:
        """Jobs of a pull request, newest first."""
        return [job for job in reversed(self.jobs) if number is None or job.number == number]

    def cancel(self, number: int | None, *, bot: str | None, reason: str) -> int:
        """Ask the jobs to end."""
        asked = 0
        for index, job in enumerate(self.jobs):
            if job.number == number and job.state in OPEN and bot in (None, job.bot):
                self.jobs[index] = job.model_copy(update={"state": JobState.CANCELLED, "reason": reason})
                asked += 1
        return asked


@dataclass
class FakeInventory:
    """The fleet's images by repository."""

    fleet: dict[str, dict[str, FleetImage]] = field(default_factory=dict)
    builds: list[tuple[FleetImage, BuildStatus, str]] = field(default_factory=list)
    packages: dict[Digest, Mapping[str, PackageList]] = field(default_factory=dict)

    def images(self, repo: Repo | None = None) -> Sequence[FleetImage]:
        """All images, or one repository's."""
        groups = [self.fleet.get(repo.path, {})] if repo else list(self.fleet.values())
        return [image for group in groups for image in group.values()]

    def declare(self, repo: Repo, images: Sequence[FleetImage]) -> None:
        """Replace the repository's images, keeping what their last builds recorded."""
        known = self.fleet.get(repo.path, {})
        self.fleet[repo.path] = {str(image.image): _carry_over(image, known.get(str(image.image))) for image in images}

    def children(self, parent: ImageRef) -> Sequence[FleetImage]:
        """Images made from the parent."""
        return [
            image
            for image in self.images()
            if any(
                edge.image.name == parent.name and parent.tag in (None, edge.image.tag or "latest")
                for edge in image.parents
            )
        ]

    def record_build(self, image: FleetImage, status: BuildStatus, *, commit: str, cause: str) -> None:
        """Keep the result and the parent digests it was made with."""
        self.builds.append((image, status, cause))
        built = image.model_copy(update={"digest": status.digest, "commit": commit})
        self.fleet.setdefault(image.repo.path, {})[str(image.image)] = built

    def record_packages(self, image: FleetImage, digest: Digest, packages: Mapping[str, PackageList]) -> None:
        """Keep what the build has installed."""
        if any(status.digest == digest for _, status, _ in self.builds):
            self.packages[digest] = packages


def _carry_over(image: FleetImage, known: FleetImage | None) -> FleetImage:
    if known is None:
        return image
    digests = {str(edge.image): edge.digest for edge in known.parents}
    parents = tuple(edge.model_copy(update={"digest": digests.get(str(edge.image))}) for edge in image.parents)
    return image.model_copy(update={"digest": known.digest, "commit": known.commit, "parents": parents})


@dataclass
class FakeLinter:
    """An engine that finds nothing, or what a test puts in."""

    findings: list[Finding] = field(default_factory=list)

    def lint(self, files: Mapping[str, bytes]) -> Sequence[Finding]:
        """The prepared findings of these files."""
        return [one for one in self.findings if one.path in files]


@dataclass(frozen=True)
class FakeServices:
    """The doors of one run in memory."""

    forge: FakeForge
    workspace: FakeWorkspace
    registry: FakeRegistry
    builder: FakeBuilder
    linter: FakeLinter
    inventory: FakeInventory
    approvals: FakeApprovals
    jobs: FakeJobBoard
    places: FakePlaces
    advisories: FakeAdvisories = field(default_factory=FakeAdvisories)
    upstreams: FakeUpstreams = field(default_factory=FakeUpstreams)
