"""Renovate's settings for pull requests that fix known vulnerabilities, as the `security` part of `update`."""

from __future__ import annotations

from collections.abc import Mapping

from sig_bots.migration.outcome import Draft, without_templates
from sig_bots.migration.renovateages import cooldown_of
from sig_bots.migration.renovatekeys import sentence, silent
from sig_bots.migration.renovaterules import Scope
from sig_bots.yamltree import Path

__all__ = ["alerts", "database", "settled"]

_ANY_TIME: tuple[object, ...] = ([], ["at any time"], "at any time", None)
_READ = frozenset(
    {"enabled", "labels", "addLabels", "schedule", "minimumReleaseAge", "stabilityDays", "groupName", "automerge"}
)


def alerts(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    """`vulnerabilityAlerts`: by Renovate's default without a schedule and without a minimum age."""
    if not isinstance(value, Mapping) or not scope.everything:
        draft.lose(path, "sigbot sets this for the whole repository only; see `update.security`.")
        return
    if value.get("enabled") is False:
        draft.put("security", {"bypass_cooldown": False}, path)
        return
    for key in ("labels", "addLabels"):
        if labels := without_templates(draft, (*path, key), draft.texts((*path, key), value.get(key))):
            known = draft.update.get("security", {}).get("labels", [])
            draft.put("security", {"labels": list(dict.fromkeys([*known, *labels]))}, (*path, key))
    if value.get("schedule") in _ANY_TIME:
        draft.put("security", {"ignore_schedule": True}, path)
    else:
        draft.lose((*path, "schedule"), "a security fix keeps to `update.schedule`, or with `ignore_schedule` to none.")
    for key in ("minimumReleaseAge", "stabilityDays"):
        if key in value:
            _waits(draft, (*path, key), value[key])
    if value.get("automerge") is True:
        draft.lose(
            (*path, "automerge"),
            "sigbot merges by kind of update, a security fix like any other; see `update.automerge`.",
        )
    for key, one in value.items():
        if key not in _READ and not silent(key, one):
            draft.lose((*path, key), sentence(key, one))


def _waits(draft: Draft, path: Path, value: object) -> None:
    """How long a fix waits: not at all, or as long as anything else."""
    age = cooldown_of(value)
    if age is None:
        draft.lose(
            path,
            "is no length of time that is known, so a security fix does not wait; see `update.security.bypass_cooldown`.",
        )
        return
    draft.alert_age = (path, age)
    draft.put("security", {"bypass_cooldown": not age}, path)


def database(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    """`osvVulnerabilityAlerts`: sigbot asks OSV about the packages in images anyway."""
    draft.flag(path, value)


def settled(draft: Draft) -> None:
    """Leave out what is without effect, once everything is read."""
    security = draft.update.get("security", {})
    if not draft.update.get("schedule"):
        security.pop("ignore_schedule", None)
    cooldown = draft.update.get("cooldown")
    if not cooldown or security.get("bypass_cooldown") is True:
        security.pop("bypass_cooldown", None)
    elif draft.alert_age is not None and draft.alert_age[1] not in ("", cooldown):
        draft.lose(
            draft.alert_age[0],
            f"a security fix waits as long as others or, with `bypass_cooldown: true`, not at all; here it waits {cooldown}.",
        )
