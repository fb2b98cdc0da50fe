"""Renovate's settings that have an equivalent, one function each: (draft, place in the file, value, what it is for)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sig_bots.migration.outcome import LONGEST_NAME, Draft, shown, without_templates
from sig_bots.migration.renovateages import cooldown_of
from sig_bots.migration.renovaterules import Scope
from sig_bots.migration.renovatesecurity import alerts, database
from sig_bots.migration.renovatevalues import values_of
from sig_bots.migration.schedules import cron, later
from sig_bots.migration.versionranges import allowed_in
from sig_bots.updatewindow import parse_zone
from sig_bots.yamltree import Path

__all__ = ["SETTINGS", "known_zone"]

LONGEST_TITLE = 120
"""As `update.dashboard.title` takes it."""
_KINDS = ("digest", "patch", "minor", "major")
_VERSIONS = frozenset({"major", "minor", "patch"})
_SCHEMES = {"semver": "semver", "redhat": "rpm-release", "docker": None, "loose": None}
_WHOLE = "sigbot sets this for the whole repository only; set `update.{key}` if it should hold for all updates."


def known_zone(name: str) -> bool:
    """Whether it is the IANA name of a time zone."""
    try:
        parse_zone(name)
    except ValueError:
        return False
    return True


def _whole(draft: Draft, path: Path, scope: Scope, key: str) -> bool:
    """Whether a setting is for everything, as it has to be; else it is lost."""
    if not scope.everything:
        draft.lose(path, _WHOLE.format(key=key))
    return scope.everything


def _enabled(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    on = draft.flag(path, value)
    if on is None:
        return
    if scope.types is None:
        _enabled_images(draft, path, scope, on=on)
    elif scope.names is None and scope.types == {"major"}:
        draft.put("allow", {"major": on}, path)
    elif scope.names is None and scope.types <= {"pin", "pinDigest"} and not on:
        draft.set("pin_digests", False, path)
    elif scope.names is not None and not on and scope.types >= _VERSIONS and "digest" in scope.types:
        draft.extend("ignore", list(scope.names), path)
    elif not on and scope.types & {*_VERSIONS, "digest"}:
        draft.lose(
            path,
            "sigbot cannot leave out just these updates; say in `update.tags` which tags of an image are `allowed`.",
        )
        draft.merge_less(path)


def _enabled_images(draft: Draft, path: Path, scope: Scope, *, on: bool) -> None:
    if scope.names is None:
        draft.off = not on
    elif not on:
        draft.extend("ignore", list(scope.names), path)
    elif draft.off:
        draft.lose(
            path, "sigbot cannot look after some images alone; write `update: {}` and the others into `update.ignore`."
        )
    else:
        draft.update["ignore"] = [name for name in draft.update.get("ignore", []) if name not in scope.names]


def _group(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    if not isinstance(value, str) or not value.strip() or "{{" in value or len(value) > LONGEST_NAME:
        draft.lose(path, "a group needs a fixed, short name; write it into `update.groups`.")
        return
    name = " ".join(value.split())
    old = draft.update.get("groups", {}).get(name, [])
    globs = list(dict.fromkeys([*old, *(scope.names or ("*",))]))
    if scope.types is None or scope.names is not None:
        draft.lead("groups", name, globs, path)
    else:  # `all small updates`: images that have a group of their own stay there
        draft.put("groups", {name: globs}, path)
    if scope.types is not None:
        draft.lose(path, "a group of sigbot holds every kind of update of its images, not only the kinds named here.")


def _automerge(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    on = draft.flag(path, value)
    if on is None:
        return
    # Renovate's pin and pinDigest add a digest; they are not the moves that `digest` stands for.
    kinds = [kind for kind in _KINDS if scope.types is None or kind in scope.types]
    if scope.names is None:
        old = draft.update.get("automerge", {})
        if kinds and (on or old):
            merged = {**old, **dict.fromkeys(kinds, on)}
            draft.set("automerge", {kind: merged[kind] for kind in _KINDS if kind in merged}, path)
    elif on:
        draft.lose(
            path,
            "sigbot merges by kind of update, not by image; set `update.automerge` if it should hold for all images.",
        )
    else:
        draft.merge_less(path)


def _schedule(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    if not _whole(draft, path, scope, "schedule"):
        return
    windows: list[str] = []
    for text in draft.texts(path, value):
        read = cron(text) if re.match(r"[*\d]\S* \S+ \S+ \S+ \S+$", text) else later(text)
        if read is None:
            draft.lose(
                path,
                f"{shown(text)} is not understood; write the hours into `update.schedule`, as in `mon-fri 22:00-06:00`.",
            )
            continue
        if read.narrower:
            draft.lose(path, f"{shown(text)}: {read.narrower}.")
        if not read.windows:
            draft.update.pop("schedule", None)
            return
        windows += read.windows
    if windows:
        draft.set("schedule", list(dict.fromkeys(windows)), path)


def _timezone(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    if isinstance(value, str) and known_zone(value):
        if _whole(draft, path, scope, "timezone"):
            draft.set("timezone", value, path)
    else:
        draft.lose(path, "is no time zone; write one as in `Europe/Prague` into `update.timezone`.")


def _texts_of(key: str, *, more: bool) -> Setting:
    def setting(draft: Draft, path: Path, value: object, scope: Scope) -> None:
        if not _whole(draft, path, scope, key):
            return
        names = draft.texts(path, value)
        if key == "reviewers" and any(name.startswith("team:") for name in names):
            draft.lose(path, "a team is no account; name its members in `update.reviewers`.")
            names = [name for name in names if not name.startswith("team:")]
        if not more:
            draft.update.pop(key, None)
        draft.extend(key, without_templates(draft, path, names), path)

    return setting


def _age(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    if not _whole(draft, path, scope, "cooldown"):
        return
    age = cooldown_of(value)
    if age is None:
        draft.lose(path, "is no length of time that is known; write it into `update.cooldown`, as in `3d`.")
    elif age:
        draft.set("cooldown", age, path)
    else:
        draft.update.pop("cooldown", None)


def _pin(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    on = draft.flag(path, value)
    if on is not None and _whole(draft, path, scope, "pin_digests"):
        draft.set("pin_digests", on, path)


def _tag_rule(draft: Draft, path: Path, scope: Scope, key: str, value: str) -> None:
    if scope.types is not None:
        draft.lose(
            path,
            f"sigbot has no `{key}` for some kinds of update alone; write it into `update.tags` if it should hold for all.",
        )
        return
    for name in reversed(scope.names or ("*",)):
        draft.lead("tags", name, {**draft.update.get("tags", {}).get(name, {}), key: value}, path)


def _versioning(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    if not isinstance(value, str) or value not in _SCHEMES:
        draft.lose(
            path, "sigbot finds the scheme of tags itself; if it orders them wrongly, set `scheme` in `update.tags`."
        )
    elif scheme := _SCHEMES[value]:
        _tag_rule(draft, path, scope, "scheme", scheme)


def _allowed(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    text = value.strip() if isinstance(value, str) else ""
    allowed: str | None
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        allowed = _whole_expression(text[1:-1])
    else:
        allowed = allowed_in(text)
    if allowed is None:
        draft.lose(
            path,
            f"{shown(text)} cannot be rewritten; write a regular expression for the whole tag as `allowed` into `update.tags`.",
        )
        return
    _tag_rule(draft, path, scope, "allowed", allowed)


def _whole_expression(body: str) -> str:
    """An expression of JavaScript, which is searched for, as one for the whole tag."""
    body = body.replace(r"\/", "/")
    start, end = body.startswith("^"), body.endswith("$") and not body.endswith(r"\$")
    if "|" in re.sub(r"\([^()]*\)|\[[^]]*\]", "", body):
        return f".*(?:{body}).*"
    core = re.sub(r"\(\?<[A-Za-z]\w*>", "(", body[1 if start else 0 : len(body) - 1 if end else None])
    return f"{'' if start else '.*'}{core}{'' if end else '.*'}"


def _ignored(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    draft.extend("ignore", [name for name in draft.texts(path, value) if not name.startswith("@")], path)


def _limit(key: str) -> Setting:
    def setting(draft: Draft, path: Path, value: object, scope: Scope) -> None:
        number = draft.number(path, value)
        if number is None or not _whole(draft, path, scope, f"limits.{key}"):
            return
        limits: dict[str, Any] = {name: one for name, one in draft.update.get("limits", {}).items() if name != key}
        draft.update["limits"] = limits
        if number:  # none at all, in Renovate: no limit
            draft.put("limits", {key: number}, path)

    return setting


def _dashboard(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    on = draft.flag(path, value)
    if on is None or not _whole(draft, path, scope, "dashboard"):
        return
    if on:
        draft.set("dashboard", {"title": draft.dashboard_title} if draft.dashboard_title else True, path)
    else:
        draft.update.pop("dashboard", None)


def _dashboard_title(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TITLE or not value.isprintable():
        draft.lose(
            path, f"a title is one line of at most {LONGEST_TITLE} characters; write one into `update.dashboard.title`."
        )
    elif _whole(draft, path, scope, "dashboard"):
        draft.dashboard_title = value
        if "dashboard" in draft.update:
            draft.set("dashboard", {"title": value}, path)


def _values(draft: Draft, path: Path, value: object, scope: Scope) -> None:
    values_of(draft, path, value)


type Setting = Callable[[Draft, Path, Any, Scope], None]

SETTINGS: Mapping[str, Setting] = {
    "enabled": _enabled, "groupName": _group, "automerge": _automerge, "schedule": _schedule, "timezone": _timezone,
    "labels": _texts_of("labels", more=False), "addLabels": _texts_of("labels", more=True),
    "reviewers": _texts_of("reviewers", more=False), "additionalReviewers": _texts_of("reviewers", more=True),
    "minimumReleaseAge": _age, "stabilityDays": _age, "pinDigests": _pin, "versioning": _versioning, "allowedVersions": _allowed,
    "ignoreDeps": _ignored, "prConcurrentLimit": _limit("open"), "prHourlyLimit": _limit("per_hour"), "dependencyDashboard": _dashboard,
    "dependencyDashboardTitle": _dashboard_title,
    "customManagers": _values, "regexManagers": _values,
    "vulnerabilityAlerts": alerts, "osvVulnerabilityAlerts": database,
}  # fmt: skip
