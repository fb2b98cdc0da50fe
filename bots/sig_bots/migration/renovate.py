"""A Renovate configuration (https://docs.renovatebot.com/configuration-options/) as an update section.

Settings are applied as Renovate does: presets first, then the file's own, then package rules from first to last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sig_bots.messages import code
from sig_bots.migration.outcome import Draft, shown
from sig_bots.migration.renovatekeys import MANAGERS_OF_IMAGES, UPDATE_TYPES, sentence, silent
from sig_bots.migration.renovatepresets import expand, lost
from sig_bots.migration.renovaterules import EVERYTHING, Scope, inexpressible, is_condition, scope_of
from sig_bots.migration.renovatesecurity import settled
from sig_bots.migration.renovatesettings import SETTINGS
from sig_bots.yamltree import Path

__all__ = ["convert"]

_SECTIONS = ("dockerfile", "docker")
_NESTED = frozenset({*UPDATE_TYPES, *_SECTIONS, "extends", "packageRules", "enabledManagers"})


def convert(draft: Draft, data: Mapping[str, Any], path: Path = ()) -> None:
    """Fill the draft from the configuration, which is at `path` of its file."""
    _apply(draft, data, path, EVERYTHING)
    settled(draft)
    _managers(draft, data.get("enabledManagers"), (*path, "enabledManagers"))
    if draft.merges_less is not None and any(draft.update.pop("automerge", {}).values()):
        draft.lose(
            draft.merges_less,
            "is not to be merged and sigbot cannot tell it apart, so `update.automerge` was left off.",
        )


def _apply(
    draft: Draft, data: Mapping[str, Any], path: Path, scope: Scope, *, preset: bool = False
) -> None:  # fmt: skip
    """Settings, from weakest to strongest. Those of a `preset` are told as being at `path`, where it is named."""

    def at(*more: str | int) -> Path:
        return path if preset else (*path, *more)

    _presets(draft, data, path, scope, preset=preset)
    for key, value in data.items():
        if key in _NESTED or is_condition(key) or silent(key, value):
            continue
        setting = SETTINGS.get(key)
        if setting:
            setting(draft, at(key), value, scope)
        elif not (key in MANAGERS_OF_IMAGES and isinstance(value, dict) and value.get("enabled") is False):
            draft.lose(at(key), f"{code(key)}: {sentence(key, value)}" if preset else sentence(key, value))
    for kind in UPDATE_TYPES:
        if isinstance(data.get(kind), dict) and not silent(kind, data[kind]):
            _apply(draft, data[kind], at(kind), scope.of_type(kind), preset=preset)
    for section in _SECTIONS:
        if isinstance(data.get(section), dict):
            _apply(draft, data[section], at(section), scope, preset=preset)
    _rules(draft, data.get("packageRules"), at("packageRules"), scope, preset=preset)


def _rules(draft: Draft, rules: object, path: Path, scope: Scope, *, preset: bool) -> None:
    if rules is None:
        return
    if not isinstance(rules, list):
        draft.lose(path, "is no list of rules; write it by hand.")
    elif not scope.everything:
        draft.lose(path, "rules inside of a rule have no equivalent; write by hand what should hold.")
    else:
        for index, rule in enumerate(rules):
            _rule(draft, rule, path if preset else (*path, index), preset=preset)


def _presets(draft: Draft, data: Mapping[str, Any], path: Path, scope: Scope, *, preset: bool) -> None:
    ignored = data.get("ignorePresets")
    left_out = ignored if isinstance(ignored, list) else []
    given = data.get("extends")
    for index, name in enumerate(given if isinstance(given, list) else [] if given is None else [given]):
        here = path if preset else (*path, "extends", index)
        if name in left_out:
            continue
        settings = expand(name) if isinstance(name, str) else None
        if settings and ":ignoreModulesAndTests" in left_out:
            settings = {key: value for key, value in settings.items() if key != "ignorePaths"}
        if settings is None:
            draft.lose(here, lost(name) if isinstance(name, str) else "is no name of a preset.")
        else:
            _apply(draft, settings, here, scope, preset=True)


def _rule(draft: Draft, rule: object, path: Path, *, preset: bool) -> None:
    if not isinstance(rule, dict):
        draft.lose(path, "is no rule; write it by hand.")
        return
    given = rule.get("extends")
    names = given if isinstance(given, list) else [] if given is None else [given]
    if unknown := next((name for name in names if not isinstance(name, str) or not expand(name)), None):
        # Such a preset may hold conditions; without them the rule would be about everything.
        inexpressible(draft, rule, path, f"that the preset {shown(str(unknown))} may hold")
        return
    scope = scope_of(draft, rule, path)
    if scope is not None:
        _apply(draft, rule, path, scope, preset=preset)


def _managers(draft: Draft, value: object, path: Path) -> None:
    """`enabledManagers`: what is not in the list is not updated."""
    if value is None:
        return
    names = draft.texts(path, value)
    if "dockerfile" not in names:
        draft.off = True
        draft.lose(
            path,
            "leaves Containerfiles out, so updates are off here; write `update: {}` to have sigbot look after them.",
        )
    elif others := [name for name in names if name in MANAGERS_OF_IMAGES]:
        draft.lose(
            path,
            f"{', '.join(map(code, others[:5]))}: sigbot reads images in Containerfiles alone; keep Renovate for these files.",
        )
