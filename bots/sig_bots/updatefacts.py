"""What a busy maintainer wants to know of a new base: platforms, size, date, and what changed in its source."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sig_bots.containerfile.shortnames import resolve
from sig_bots.errors import ForgeError, Transient
from sig_bots.refs import ImageRef
from sig_bots.tools import ImageDetails, Registry
from sig_bots.updatemoves import MovedReference

__all__ = ["BaseFacts", "compare_url", "gather", "size_text"]

_SOURCE = "org.opencontainers.image.source"
_REVISION = "org.opencontainers.image.revision"
_URL = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~+-]+){1,8}?(?:\.git)?/?", re.ASCII)
_SHA = re.compile(r"[0-9a-f]{7,64}")
_LONG_AGO = datetime(2013, 3, 1, tzinfo=UTC)
_MOST_IMAGES = 6
"""Images of one pull request that are looked into; each costs a few requests."""


@dataclass(frozen=True)
class BaseFacts:
    """One image before and after. Sizes are bytes as the registry holds them, of one platform."""

    old: ImageRef
    new: ImageRef
    platforms: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    """Platforms of the old image that the new one does not have."""
    old_size: int | None = None
    new_size: int | None = None
    created: datetime | None = None
    source: str = ""
    """Link to the commits between the two."""
    problem: str = ""
    """Why nothing more can be told, one sentence."""


def gather(registry: Registry, moves: Sequence[MovedReference]) -> list[BaseFacts]:
    """The facts of each image that moves, once. A registry that does not answer is a fact as well."""
    pairs = dict.fromkeys((one.old, one.new) for one in moves)
    return [_of(registry, old, new) for old, new in list(pairs)[:_MOST_IMAGES]]


def _of(registry: Registry, old: ImageRef, new: ImageRef) -> BaseFacts:
    before, after = resolve(old), resolve(new)
    try:
        old_manifest, new_manifest = registry.manifest(before), registry.manifest(after)
        was, now = registry.config(before), registry.config(after)
    except (Transient, ForgeError) as error:
        return BaseFacts(old, new, problem=f"{error}".rstrip(".") + ".")
    if new_manifest is None or now is None:
        return BaseFacts(old, new)
    had = set(old_manifest.platforms) if old_manifest else set()
    has = set(new_manifest.platforms)
    return BaseFacts(
        old, new,
        platforms=tuple(sorted(has)) or (str(now.platform),),
        lost=tuple(sorted(had - has)) if has else (),
        old_size=was.size if was else None,
        new_size=now.size,
        created=now.created if now.created and now.created > _LONG_AGO else None,
        source=compare_url(_labels(was), now.labels),
    )  # fmt: skip


def _labels(details: ImageDetails | None) -> Mapping[str, str]:
    return details.labels if details else {}


def compare_url(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Link to the commits between two images of one source; empty when their labels do not tell.

    The labels are a stranger's: only a plain https address and hexadecimal revisions are used.
    """
    source, first, last = new.get(_SOURCE, ""), old.get(_REVISION, ""), new.get(_REVISION, "")
    if len(source) > 300 or not _URL.fullmatch(source) or old.get(_SOURCE, source) != source:
        return ""
    if not (_SHA.fullmatch(first) and _SHA.fullmatch(last)) or first == last:
        return ""
    plain = source.rstrip("/").removesuffix(".git")
    host = plain.split("/")[2]
    if "gitlab" in host:
        return f"{plain}/-/compare/{first}...{last}"
    return f"{plain}/c/{first}..{last}" if host.startswith(("pagure.", "src.")) else f"{plain}/compare/{first}...{last}"


def size_text(old: int | None, new: int) -> str:
    """`84.1 MB, 2.0 MB less than before`."""
    if old is None:
        return _megabytes(new)
    change = new - old
    if abs(change) < 50_000:
        return f"{_megabytes(new)} as before"
    return f"{_megabytes(new)}, {_megabytes(abs(change))} {'more' if change > 0 else 'less'} than before"


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"
