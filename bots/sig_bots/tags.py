"""Which tag of an image is the next one to use: current tag and tag list in, proposal with its reason out. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from sig_bots.errors import UserError
from sig_bots.fedora_releases import RELEASES, FedoraRelease
from sig_bots.refs import ImageRef
from sig_bots.tagschemes import HOW, SCHEMES, Reading, infer, is_architecture, is_source

__all__ = ["DEFAULT_POLICY", "Policy", "Proposal", "beyond_major", "judge", "newest", "scheme_for"]

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_MOST_SET_ASIDE = 3
_FIRST_DAY = 10**7
_LARGEST_GAP = 8
"""More missing major versions than this mean that the tags above belong to another numbering."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a repository allows. `today` is the day Fedora's life cycle is looked up for; None: today, in UTC."""

    today: date | None = None
    major: bool = True
    """Whether the first number may change: of a version, a plain number or a Fedora release; of a date it is the year."""
    ignored: frozenset[str] = frozenset()
    """Tags that are never proposed."""
    set_aside: Mapping[str, str] = field(default_factory=dict)
    """Tags that are not proposed this time, and a clause on each that says why."""
    fedora: Mapping[int, FedoraRelease] = field(default_factory=lambda: RELEASES)
    prereleases: bool = False
    """Whether pre-releases are offered to users of a release, and of another kind of pre-release, too."""


DEFAULT_POLICY = Policy()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A newer tag. `reason` is one sentence for the pull request: how the tags were ordered and what was left out."""

    tag: str
    reason: str
    scheme: str


def scheme_for(image: ImageRef) -> str | None:
    """The scheme known for an image's repository whatever its tag list looks like; None when it must be inferred."""
    tag = image.tag or ""
    fedora = image.registry == "registry.fedoraproject.org" or (
        image.registry == "quay.io" and image.repository.startswith("fedora/")
    )
    return "fedora" if fedora and SCHEMES["fedora"](tag) is not None else None


def newest(
    current: str, tags: Iterable[str], scheme: str | None = None, policy: Policy = DEFAULT_POLICY
) -> Proposal | None:
    """The newest tag that can take the place of `current`; None when there is none or `current` is a channel.

    `tags` are all tags of the repository, in any order. `scheme` (a key of `tagschemes.SCHEMES`) overrides what is
    inferred from them. Prefix, suffix, precision and variant stay; pre-releases are offered only to users of one of
    the same kind; source images and other architectures never. Raises UserError for an unknown scheme.
    """
    found = judge(current, tags, scheme, policy)
    return found if isinstance(found, Proposal) else None


def judge(
    current: str, tags: Iterable[str], scheme: str | None = None, policy: Policy = DEFAULT_POLICY
) -> Proposal | str:
    """As `newest`; where that gives None, one sentence that says why nothing is proposed."""
    if scheme is not None and scheme not in SCHEMES:
        raise UserError(f"There is no tag scheme {scheme!r}; use one of {', '.join(sorted(SCHEMES))}.")
    if not _TAG.fullmatch(current):
        return f"{current[:200]!r} is no tag."
    listed = {tag for tag in tags if _TAG.fullmatch(tag)}
    if not listed:
        return "There are no tags to choose from."
    name = scheme or infer(current, listed)
    reading = SCHEMES[name](current) if name else None
    if name is None or reading is None or is_source(current):
        return _not_ordered(current, scheme)
    candidates, left_out = _sorted_out(reading, name, listed - {current}, policy)
    if name in ("semver", "integer"):
        candidates = _without_jump(reading, candidates, left_out)
    if name == "fedora":
        candidates = _only_stable(candidates, left_out, policy)
    if not candidates:
        return f"{current} is already the newest {_among(listed, name)}{_causes(left_out)}."
    order, tag = max((found.order, tag) for tag, found in candidates.items())
    if reading.unordered and sum(found.order == order for found in candidates.values()) > 1:
        return f"Several tags are newer than {current}, and nothing tells which of them is the newest."
    reason = _reason(name, current, tag, _among(listed, name), left_out, policy)
    return Proposal(tag, reason, name)


def _not_ordered(current: str, scheme: str | None) -> str:
    if is_source(current):
        return f"{current} is a source image; these stay."
    return f"{current} stays: it has no number {f'that {scheme} reads' if scheme else 'by which tags are ordered'}."


def _among(listed: set[str], name: str) -> str:
    return f"of {len(listed)} {'tag' if len(listed) == 1 else 'tags'}, ordered {HOW[name]} ({name})"


def beyond_major(current: str, tags: Iterable[str], scheme: str | None = None, policy: Policy = DEFAULT_POLICY) -> str:
    """Why nothing newer is proposed, where that is a new major version that `policy` leaves out; otherwise empty."""
    beyond = None if policy.major else newest(current, tags, scheme, replace(policy, major=True))
    return f"{beyond.tag} is a new major version, which `allow: {{major: false}}` leaves out" if beyond else ""


def _major(name: str, reading: Reading) -> int:
    """The first number; the year of a day that is written as one number (`20240911`)."""
    first = reading.order[0]
    return first // 10_000 if name in ("calver", "date-commit") and first >= _FIRST_DAY else first


def _sorted_out(
    reading: Reading, name: str, tags: Iterable[str], policy: Policy
) -> tuple[dict[str, Reading], Counter[str]]:
    """Tags newer than the current one, and how many were left out for which cause."""
    candidates: dict[str, Reading] = {}
    left_out: Counter[str] = Counter()
    read = SCHEMES[name]
    for tag in tags:
        if tag in policy.set_aside:
            continue
        found = read(tag)
        if is_source(tag):
            left_out["source image"] += 1
        elif found is None or found.family != reading.family:
            left_out["architecture tag" if is_architecture(tag) else "tag of another kind"] += 1
        elif found.order <= reading.order:
            continue
        elif not policy.prereleases and found.pre not in ("", reading.pre):
            left_out["pre-release"] += 1
        elif found.floors and any(new < old for new, old in zip(found.floors, reading.floors, strict=True)):
            left_out["tag with an older variant"] += 1
        elif tag in policy.ignored:
            left_out["ignored tag"] += 1
        elif not policy.major and _major(name, found) != _major(name, reading):
            left_out["tag of another major version"] += 1
        else:
            candidates[tag] = found
    return candidates, left_out


def _without_jump(reading: Reading, candidates: dict[str, Reading], left_out: Counter[str]) -> dict[str, Reading]:
    """Drop what lies behind a wide gap in the major versions: leftovers of another numbering (4.6, 5.0, 14.3)."""
    highest = reading.order[0]
    for major in sorted({found.order[0] for found in candidates.values()}):
        # Numbers without dots may be sparse, but do not grow twentyfold.
        if major > 20 * max(highest, 10) if reading.family[1] == 1 else major - highest > _LARGEST_GAP:
            break
        highest = max(highest, major)
    kept = {tag: found for tag, found in candidates.items() if found.order[0] <= highest}
    if len(kept) < len(candidates):
        left_out["tag of another numbering"] += len(candidates) - len(kept)
    return kept


def _only_stable(candidates: dict[str, Reading], left_out: Counter[str], policy: Policy) -> dict[str, Reading]:
    today = policy.today or datetime.now(UTC).date()
    kept = {}
    for tag, found in candidates.items():
        release = policy.fedora.get(found.order[0])
        state = release.state(today) if release else "unknown"
        if state == "stable":
            kept[tag] = found
        else:
            left_out[{"eol": "release past its end of life", "unknown": "release without data"}.get(state, "release not out yet")] += 1  # fmt: skip
    return kept


def _reason(name: str, current: str, tag: str, among: str, left_out: Counter[str], policy: Policy) -> str:
    text = f"{tag} is the newest {among}"
    if name == "fedora":
        text += _of_fedora(current, tag, policy)
    text += _causes(left_out)
    aside = list(policy.set_aside.values())
    more = [f"{len(aside) - _MOST_SET_ASIDE} more wait or do not fit"] if len(aside) > _MOST_SET_ASIDE else []
    return "; ".join([text, *aside[:_MOST_SET_ASIDE], *more]) + "."


def _causes(left_out: Counter[str]) -> str:
    counted = [f"{count} {cause if count == 1 else _plural(cause)}" for cause, count in sorted(left_out.items())]
    return f"; left out: {', '.join(counted)}" if counted else ""


def _of_fedora(current: str, tag: str, policy: Policy) -> str:
    """What the life cycle says of both releases."""
    old, new = (policy.fedora.get(found.order[0]) for one in (current, tag) if (found := SCHEMES["fedora"](one)))
    text = ""
    if old and old.state(policy.today or datetime.now(UTC).date()) == "eol":
        text += f"; Fedora {old.number} reached its end of life on {old.eol.isoformat()}"
    if new and new.planned:
        text += f"; Fedora {new.number} was planned for {new.released.isoformat()} when that was last looked up"
    return text


def _plural(cause: str) -> str:
    first, *rest = cause.split(" ")
    if first in ("source", "architecture", "ignored"):
        return f"{cause}s"
    return " ".join([f"{first}s", *rest])
