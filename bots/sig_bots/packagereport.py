"""What changed between the packages of an old and a new base image, as Markdown for a pull request."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sig_bots.errors import ForgeError, NotFound, Transient
from sig_bots.messages import code
from sig_bots.packages import PackageChange, PackageDifference, PackageList, difference
from sig_bots.refs import ImageRef, Platform
from sig_bots.tools import Registry
from sig_bots.wording import as_markdown, counted, fitting

__all__ = ["BaseChange", "packages_section", "read_changes"]

_LINES = 40
_LONGEST = 16_000
_LONGEST_PROBLEM = 300
_PLATFORMS = 6
_KEYS = "gpg-pubkey"  # rpm keeps the keys it trusts as packages of this name


@dataclass(frozen=True)
class BaseChange:
    """What one move does to the packages on one platform: a difference, or a sentence why there is none."""

    old: ImageRef
    new: ImageRef
    platform: str
    """Empty for an image that is for one platform only."""
    difference: PackageDifference | None
    problem: str = ""
    before: PackageList | None = None
    after: PackageList | None = None
    """The lists that were compared."""


def read_changes(
    registry: Registry, moves: Sequence[tuple[ImageRef, ImageRef]], platforms: Sequence[Platform] = (), *,
    seconds: float = 180.0, clock: Callable[[], float] = time.monotonic,
) -> list[BaseChange]:  # fmt: skip
    """Compare the packages of each old image with those of the new, on the given platforms or on those both have.

    References are as registries know them (`shortnames.resolve`). Never raises for what registries do: what cannot be
    read, also within so many seconds, is a sentence in its place.
    """
    end = clock() + seconds
    found = []
    for old, new in dict.fromkeys(moves):
        try:
            common = _platforms(registry, old, new, platforms)
        except (Transient, ForgeError, NotFound) as error:
            found.append(BaseChange(old, new, "", None, str(error)))
            continue
        for platform in common:
            left = end - clock()
            try:
                if left <= 0:
                    raise ForgeError(f"There was no time left to read the packages of {new}.")
                before = registry.packages(old, platform, seconds=left)
                after = registry.packages(new, platform, seconds=max(end - clock(), 0))
                if before is None and after is None:
                    continue  # an image of one program: nothing to say
                change, problem = _compared(before, after)
            except (Transient, ForgeError, NotFound) as error:
                change, problem, before, after = None, str(error), None, None
            found.append(BaseChange(old, new, str(platform or ""), change, problem, before, after))
    return found


def packages_section(changes: Sequence[BaseChange], *, folds: bool) -> str:
    """The section of a pull request's body; empty when there is nothing to say.

    One list when all platforms agree, else one for each; at most 40 lines of packages, or 8 for each of many images while
    they fit. `folds`: whether the forge shows
    `<details>` folded.
    """
    parts = []
    several = len({(one.old, one.new) for one in changes}) > 1
    for old, new in dict.fromkeys((one.old, one.new) for one in changes):
        mine = [one for one in changes if (one.old, one.new) == (old, new)]
        groups: dict[tuple[object, str], list[BaseChange]] = {}
        for one in mine:
            groups.setdefault((_told(one.difference), one.problem), []).append(one)
        for group in groups.values():
            names = [code(str(old), 120)] if several else []
            names += [code(one.platform) for one in group] if len(groups) > 1 else []
            parts.append(
                _part(group[0], ", ".join(names), max(_LINES // (len(groups) * (1 + several)), 8), folds=folds)
            )
    shown = fitting(parts, _LONGEST)
    if len(shown) < len(parts):
        shown.append(f"… and {counted(len(parts) - len(shown), 'more comparison')}, too long to be told here.")
    return "\n\n".join(["**Packages**", *shown]) if parts else ""


def _part(change: BaseChange, where: str, lines: int, *, folds: bool) -> str:
    lead = f"{where}: " if where else ""
    if change.difference is None:
        return f"{lead}{'not' if lead else 'Not'} compared. {as_markdown(change.problem[:_LONGEST_PROBLEM])}"
    kinds = {
        kind: [one for one in getattr(change.difference, kind) if one.name != _KEYS]
        for kind in ("downgraded", "removed", "upgraded", "added")
    }
    counts = ", ".join(f"{len(some)} {kind}" for kind, some in kinds.items() if some)
    if not counts:
        return f"{lead}{'the' if lead else 'The'} same packages in the same versions."
    rows = [_row(kind, one) for kind, some in kinds.items() for one in some]
    shown = rows if len(rows) <= lines else rows[: lines - 1]
    if len(shown) < len(rows):
        shown.append(f"- and {counted(len(rows) - len(shown), 'more package')}")
    text = "\n".join(shown)
    if folds:
        return f"<details><summary>{_html(lead)}{counts}</summary>\n\n{text}\n\n</details>"
    return f"{lead}{counts}\n\n{text}"


def _row(kind: str, change: PackageChange) -> str:
    name = code(change.name)
    if kind in ("upgraded", "downgraded"):
        return f"- {name} {code(change.old)} → {code(change.new)}" + (" (older)" if kind == "downgraded" else "")
    return f"- {kind} {name} {code(change.new or change.old)}"


def _html(lead: str) -> str:
    """Code spans as HTML: Markdown is not read inside `<summary>`."""
    parts = lead.replace("&", "&amp;").replace("<", "&lt;").split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def _told(change: PackageDifference | None) -> object:
    """What of a difference is shown: names and versions, without the architecture, which differs by platform."""
    if change is None:
        return None
    kinds = (change.upgraded, change.downgraded, change.added, change.removed)
    return tuple(tuple((one.name, one.old, one.new) for one in some) for some in kinds)


def _platforms(
    registry: Registry, old: ImageRef, new: ImageRef, wanted: Sequence[Platform]
) -> Sequence[Platform | None]:
    manifests = [registry.manifest(old), registry.manifest(new)]
    for image, manifest in zip((old, new), manifests, strict=True):
        if manifest is None:
            raise NotFound(f"There is no image {image} in the registry any more.")
    both = [set(manifest.platforms) for manifest in manifests if manifest is not None and manifest.is_index]
    if not both:
        return [None]
    common = sorted(set.intersection(*both))
    chosen = [text for text in common if not wanted or any(text == str(one) for one in wanted)]
    return [Platform.parse(text) for text in (chosen or common)[:_PLATFORMS]]


def _compared(before: PackageList | None, after: PackageList | None) -> tuple[PackageDifference | None, str]:
    if before is None or after is None:
        return None, "One of the images has no package database."
    try:
        return difference(before, after), ""
    except ValueError:
        return None, f"The old image keeps its packages with {before.kind}, the new one with {after.kind}."
