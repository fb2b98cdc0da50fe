"""What lint, update and rebuild would do to one commit: the bots' own decisions, without any effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sig_bots.config import RepoConfig
from sig_bots.configschema import suggest
from sig_bots.containerfile.parents import parents
from sig_bots.errors import SigbotError
from sig_bots.fleet import build_order, containerfiles
from sig_bots.lintreport import at_least, lint_files
from sig_bots.plugins.lint import LintConfig
from sig_bots.refs import Platform, Repo
from sig_bots.tools import Finding, FleetImage, Workspace
from sig_bots.updateconfig import UpdateConfig
from sig_bots.updatemoves import apply_moves
from sig_bots.updatescan import Scan
from sig_bots.updating import look_over
from sig_bots.versionscan import look_over_versions
from sig_bots.wording import counted
from sig_workers.cli.output import say
from sig_workers.service import Service

__all__ = ["Preview"]

MOST_LINES = 20


@dataclass(frozen=True)
class Preview:
    """Sentences per bot; a bot that the configuration leaves out is None."""

    files: int
    lint: Sequence[str] | None
    update: Sequence[str] | None
    rebuild: Sequence[str] | None
    suggestion: str
    """A .sigbot.yaml for the repository."""

    @classmethod
    def of(cls, service: Service, config: RepoConfig, workspace: Workspace, repo: Repo, sha: str) -> Preview:
        """Look at the commit. Without a configuration of its own, all three bots are previewed."""
        paths = containerfiles(workspace.files(sha), config.images)
        files = dict(workspace.read(sha, paths))

        def on(name: str) -> bool:
            return not config.from_file or name in config.sections

        return cls(
            files=len(files),
            lint=_told(lambda: _lint(service, config, files)) if on("lint") else None,
            update=_told(lambda: _update(service, config, files)) if on("update") else None,
            rebuild=_rebuild(config, files) if on("rebuild") else None,
            suggestion=suggest(paths, *_publishing(service, repo)),
        )

    def tell(self) -> None:
        """Print it."""
        say(f"\nWhat the bots would do with {counted(self.files, 'Containerfile')}:", "bold")
        for name, lines in (("lint", self.lint), ("update", self.update), ("rebuild", self.rebuild)):
            for line in ("not enabled",) if lines is None else lines[:MOST_LINES]:
                say(f"  {name:<8} {line}")
            if lines is not None and len(lines) > MOST_LINES:
                say(f"  {name:<8} and {len(lines) - MOST_LINES} more")


def _publishing(service: Service, repo: Repo) -> tuple[str, ...]:
    """Where images of the repository may be published from here, and the name of its only one; nothing where none may."""
    name = repo.path.rpartition("/")[2]
    ours = (
        one.host for one in service.settings.registries if one.allows(f"{one.host}/{name}", repo.instance, repo.path)
    )
    return next(((host, name) for host in ours), ())


def _told(look: Callable[[], Sequence[str]]) -> Sequence[str]:
    """What was found, or in one sentence why that could not be told."""
    try:
        return look()
    except SigbotError as error:
        return [str(error)]


def _lint(service: Service, config: RepoConfig, files: dict[str, bytes]) -> Sequence[str]:
    section = config.sections.get("lint")
    wanted = section if isinstance(section, LintConfig) else LintConfig()
    report = lint_files(files, service.linter, wanted.ignore)
    found: Sequence[Finding] = at_least(report.findings, wanted.threshold)
    lines = [f"{one.path}:{one.line}: {one.severity} {one.rule}: {one.message}" for one in found]
    return [*(lines or ["nothing to find fault with"]), *report.notes]


def _update(service: Service, config: RepoConfig, files: dict[str, bytes]) -> Sequence[str]:
    section = config.sections.get("update")
    wanted = section if isinstance(section, UpdateConfig) else UpdateConfig()
    scan: Scan = look_over(service.registry, files, wanted, now=datetime.now(UTC))
    if wanted.versions:
        look_over_versions(service.upstreams, files, wanted, scan)
    _, moves, refused = apply_moves([move for group in scan.moves.values() for move in group], files)
    lines = [f"{move.place}: {move.old} -> {move.new} ({move.reason})" for move in moves]
    unknown = [f"{name} could not be looked at: {error}" for name, error in scan.unreachable.items()]
    return [*lines, *(unknown or ([] if lines else ["nothing newer"])), *refused, *scan.waiting, *scan.kept]


def _rebuild(config: RepoConfig, files: dict[str, bytes]) -> Sequence[str]:
    fleet = []
    for spec in config.images:
        data = files.get(spec.containerfile)
        if data is not None:
            platforms = tuple(Platform.parse(one) for one in spec.platforms)
            edges = parents(data, platforms)
            fleet.append(FleetImage(repo=Repo(path="."), image=spec.ref, containerfile=spec.containerfile, platforms=platforms, parents=edges))  # fmt: skip
    if not fleet:
        bases = sorted({str(edge.image) for data in files.values() for edge in parents(data)})
        return [
            f"{counted(len(files), 'image')} whenever sources or a base change, once `images:` says where to publish",
            *(f"base {base}" for base in bases),
        ]
    return [
        f"{image.image} from {', '.join(str(edge.image) for edge in image.parents) or 'scratch'}"
        + (f" for {', '.join(map(str, image.platforms))}" if image.platforms else "")
        for image in build_order(fleet)
    ]
