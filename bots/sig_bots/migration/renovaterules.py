"""What a Renovate package rule is about: which images and kinds of update, as far as that can be said in `.sigbot.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sig_bots.messages import code
from sig_bots.migration.imagepatterns import image_globs, may_be_image, regex_globs
from sig_bots.migration.outcome import Draft, shown
from sig_bots.migration.renovatekeys import MANAGERS_OF_IMAGES
from sig_bots.yamltree import Path

__all__ = ["EVERYTHING", "Scope", "inexpressible", "is_condition", "scope_of"]

_DATASOURCES, _CATEGORIES = ("matchDatasources", "datasources"), ("matchCategories", "matchLanguages", "languages")
_MANAGERS, _TYPES = ("matchManagers", "managers"), ("matchUpdateTypes", "updateTypes")
_NAMES = ("matchPackageNames", "matchDepNames", "packageNames")
_PATTERNS = ("matchPackagePatterns", "matchDepPatterns", "packagePatterns")
_PREFIXES = ("matchPackagePrefixes", "matchDepPrefixes")
_OTHERS = frozenset({"paths", "baseBranchList", "sourceUrlPrefixes", "depTypeList"})
_READ = frozenset((*_DATASOURCES, *_CATEGORIES, *_MANAGERS, *_TYPES, *_NAMES, *_PATTERNS, *_PREFIXES))


@dataclass(frozen=True)
class Scope:
    """What settings hold for."""

    names: tuple[str, ...] | None = None
    """Globs of image names; None: every image."""
    types: frozenset[str] | None = None
    """Renovate's kinds of update; None: every kind."""

    @property
    def everything(self) -> bool:
        """Whether they hold for the whole repository."""
        return self.names is None and self.types is None

    def of_type(self, kind: str) -> Scope:
        """The same for one kind of update."""
        return replace(self, types=frozenset({kind}) if self.types is None else self.types & {kind})


EVERYTHING = Scope()


def is_condition(key: str) -> bool:
    """Whether a key of a rule says what the rule is for."""
    return key.startswith(("match", "exclude")) or key in _READ or key in _OTHERS


def scope_of(draft: Draft, rule: Mapping[str, object], path: Path) -> Scope | None:
    """What a rule is for. None when that is nothing of ours, or cannot be said: then the loss is noted."""
    conditions = {key for key in rule if is_condition(key) and rule[key] is not None}
    elsewhere = _elsewhere(draft, rule, path)
    if elsewhere:
        draft.lose(path, elsewhere)
        return None
    if unknown := sorted(conditions - _READ):
        inexpressible(draft, rule, path, code(unknown[0]))
        return None
    if empty := next((key for key in sorted(conditions) if not draft.texts((*path, key), rule[key])), None):
        inexpressible(draft, rule, path, f"{code(empty)}, which holds no text,")
        return None
    if len([key for key in conditions if key in ("matchPackageNames", "matchDepNames")]) > 1:
        inexpressible(draft, rule, path, "both `matchPackageNames` and `matchDepNames`")
        return None
    types = _listed(draft, rule, path, _TYPES)
    names = _names(draft, rule, path)
    if names is not None and not names:
        return None
    return Scope(None if names is None or "*" in names else tuple(names), frozenset(types) if types else None)


def inexpressible(draft: Draft, rule: Mapping[str, object], path: Path, condition: str) -> None:
    """Note that a rule cannot be taken over because of a condition; merging stops if the rule held something back."""
    draft.lose(
        path,
        f"the condition {condition} has no equivalent, so nothing of this rule was taken over; write by hand what should hold.",
    )
    if rule.get("automerge") is False or rule.get("enabled") is False:
        draft.merge_less(path)


def _elsewhere(draft: Draft, rule: Mapping[str, object], path: Path) -> str:
    """Why a rule does not concern images in Containerfiles; empty when it may."""
    sources = [*_listed(draft, rule, path, _DATASOURCES), *_listed(draft, rule, path, _CATEGORIES)]
    if sources and "docker" not in sources:
        return f"is about {_some(sources)}, not about images; keep Renovate for it."
    managers = _listed(draft, rule, path, _MANAGERS)
    if not managers or "dockerfile" in managers:
        return ""
    if any(manager in MANAGERS_OF_IMAGES for manager in managers):
        return f"is about {_some(managers)}; sigbot reads images in Containerfiles alone. Keep Renovate for it."
    return f"is about {_some(managers)}, not about images; keep Renovate for it."


def _some(words: list[str]) -> str:
    named = ", ".join(shown(word) for word in words[:3])
    return f"{named} and others" if len(words) > 3 else named


def _listed(draft: Draft, rule: Mapping[str, object], path: Path, keys: tuple[str, ...]) -> list[str]:
    return [word for key in keys if key in rule for word in draft.texts((*path, key), rule[key])]


def _names(draft: Draft, rule: Mapping[str, object], path: Path) -> list[str] | None:
    """Globs of the images named; None: no condition, so every image; empty: nothing can be said, which is told."""
    found: list[str] = []
    named = False
    readers: tuple[tuple[tuple[str, ...], Callable[[str], list[str] | None]], ...] = (
        (_NAMES, image_globs),
        (_PATTERNS, lambda pattern: ["*"] if pattern == "*" else regex_globs(pattern)),
        (_PREFIXES, lambda prefix: image_globs(f"{prefix}*")),
    )
    for keys, read in readers:
        for key in keys:
            for text in draft.texts((*path, key), rule.get(key)):
                named = True
                globs = read(text) if may_be_image(text) or text.startswith("/") else []
                if globs is None:
                    inexpressible(draft, rule, path, f"{shown(text)} of `{key}`")
                    return []
                found += globs
    if named and not found:
        draft.lose(path, "is about packages that are no images; keep Renovate for it.")
    return list(dict.fromkeys(found)) if named else None
