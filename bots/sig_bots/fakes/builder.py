"""A builder in memory that understands FROM, COPY, LABEL and RUN well enough that a built image holds what a real one would."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from sig_bots.containerfile import Instruction, lex, problems, references
from sig_bots.containerfile.shortnames import resolve
from sig_bots.errors import UserError
from sig_bots.fakes.registry import HOST_PLATFORM, FakeImage, FakeRegistry
from sig_bots.packages import PackageList
from sig_bots.tools import BuildHandle, BuildSpec, BuildStatus

__all__ = ["FakeBuilder"]


class _BuildError(Exception):
    """A step failed; the text says which, `line` where."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


@dataclass
class FakeBuilder:
    """Builds at once. `started` lists every build that was really started, so that tests can count them."""

    registry: FakeRegistry
    name: str = "fake"
    missing: str | None = None
    """Why it cannot build, when a test wants a machine without a builder."""
    says: list[str] = field(default_factory=list)
    """What each RUN writes."""
    installs: PackageList | None = None
    """What every image it builds has installed."""
    started: list[BuildSpec] = field(default_factory=list)
    done: dict[str, BuildStatus] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)
    results: dict[str, dict[str, FakeImage]] = field(default_factory=dict)
    """`registry/path:tag` -> platform -> what the last build of it gave, published or not."""
    kept: dict[str, dict[str, FakeImage]] = field(default_factory=dict)
    """Key of a build -> platform -> its result, until it is forgotten."""

    def available(self, *, untrusted: bool) -> str | None:
        """What `missing` says."""
        return self.missing

    def start(self, spec: BuildSpec, *, key: str) -> BuildHandle:
        """Build now; the same key again is the same build, unless its result was to be kept and is forgotten.

        Raises UserError when a parent's result is not there.
        """
        for text, parent in spec.parents.items():
            if parent.builder != self.name or parent.id not in self.kept:
                raise UserError(f"The result of the build of {text} is not there (any more); run the build again.")
        if key not in self.done or (spec.keep and self.done[key].state == "success" and key not in self.kept):
            self.started.append(spec)
            self.lines[key] = []
            self.done[key] = self._build(spec, key)
            self.lines[key].append(self.done[key].reason or "Done.")
        return BuildHandle(builder=self.name, id=key)

    def poll(self, handle: BuildHandle) -> BuildStatus:
        """The result."""
        return self.done[handle.id]

    def cancel(self, handle: BuildHandle) -> None:
        """Builds have ended before anybody can cancel them."""

    def logs(self, handle: BuildHandle) -> Iterator[str]:
        """One line per step."""
        yield from self.lines[handle.id]

    def forget(self, handle: BuildHandle) -> None:
        """Drop the result."""
        self.kept.pop(handle.id, None)

    def _build(self, spec: BuildSpec, key: str) -> BuildStatus:
        platforms = [str(platform) for platform in spec.platforms] or [HOST_PLATFORM]
        try:
            images = [self._image(spec, platform, self.lines[key]) for platform in platforms]
        except _BuildError as error:
            return BuildStatus(state="failed", reason=str(error), line=error.line)
        self.results[str(spec.image)] = {image.platform: image for image in images}
        if spec.keep:
            self.kept[key] = self.results[str(spec.image)]
            digests = {image.platform: image.digest for image in images}
            only = images[0].digest if len(images) == 1 else None
            return BuildStatus(state="success", digest=only, platforms=digests)
        if not spec.push:
            return BuildStatus(state="success")
        digest = self.registry.push(str(spec.image), images)
        return BuildStatus(state="success", digest=digest, platforms={image.platform: image.digest for image in images})

    def _image(self, spec: BuildSpec, platform: str, lines: list[str]) -> FakeImage:
        data = (spec.root / spec.containerfile).read_bytes()
        if found := problems(data):
            raise _BuildError(f"The Containerfile does not parse: {found[0].message}.", found[0].line)
        external = {reference.start: reference for reference in references(data)}
        stages: list[dict[str, bytes]] = []
        names: dict[str, int] = {}
        for step in lex(data):
            lines.append(f"STEP {step.keyword} (line {step.line})")
            words = [word.text for word in step.words]
            if step.keyword == "FROM":
                place = next((one for start, one in external.items() if step.start <= start < step.end), None)
                if place is not None:
                    files = self._pull(spec, str(place.resolved), platform)
                else:
                    files = dict(stages[names[words[0].lower()]]) if words[0].lower() in names else {}
                stages.append(files)
                names |= {words[2].lower(): len(stages) - 1} if len(words) == 3 else {}
            elif step.keyword in ("COPY", "ADD"):
                self._copy(spec, step, stages, names, platform)
            elif step.keyword == "RUN":
                lines.extend(self.says)
            if step.keyword == "RUN" and words[:1] == ["false"]:
                raise _BuildError("The build failed at `RUN false` with exit status 1.", step.line)
        return FakeImage(stages[-1], dict(spec.labels), platform, self.installs)

    def _pull(self, spec: BuildSpec, text: str, platform: str) -> dict[str, bytes]:
        from sig_bots.refs import ImageRef

        full = resolve(ImageRef.parse(text))
        full = full if full.tag or full.digest else full.with_tag("latest")
        parent = None if full.digest else spec.parents.get(text) or spec.parents.get(str(full))
        if parent is not None:
            here = self.kept[parent.id].get(platform)
            if here is None:
                made_for = ", ".join(self.kept[parent.id])
                raise _BuildError(f"The base {full} was built for {made_for} just before, not for {platform}.")
            return dict(here.files)
        exact = spec.bases.get(text) or spec.bases.get(str(full)) or str(full)
        try:
            return dict(self.registry.image(exact, platform).files)
        except KeyError:
            raise _BuildError(f"base image {exact} does not exist for {platform}") from None

    def _copy(
        self, spec: BuildSpec, step: Instruction, stages: list[dict[str, bytes]], names: dict[str, int], platform: str
    ) -> None:
        *sources, target = [word.text for word in step.words]
        origin = next((flag.value for flag in step.flags if flag.name == "from"), None)
        if origin is None:
            folder = spec.root / spec.context
            available = {
                str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
            }
        elif origin.lower() in names or origin.isdigit():
            available = stages[int(origin) if origin.isdigit() else names[origin.lower()]]
        else:
            available = self._pull(spec, origin, platform)
        copied = {
            path: content
            for path, content in available.items()
            for source in sources
            if source in (".", "./")
            or fnmatch.fnmatch(path, source.strip("/"))
            or path.startswith(source.strip("/") + "/")
        }
        if not copied:
            raise _BuildError(f"{' '.join(sources)} is not in the build context.", step.line)
        for path, content in copied.items():
            single = len(sources) == 1 and sources[0].strip("/") == path and not target.endswith("/") and target != "."
            name = target if single else str(PurePosixPath(target) / PurePosixPath(path).name)
            stages[-1][name.lstrip("/")] = content
