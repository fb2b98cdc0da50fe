"""Renovate's presets (https://docs.renovatebot.com/presets-default/ and its neighbours) as the settings they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sig_bots.migration.outcome import shown

__all__ = ["expand", "lost"]

type Settings = Mapping[str, Any]

_RECOMMENDED: dict[str, Any] = {"dependencyDashboard": True, "ignorePaths": ["**/test/**", "**/examples/**"]}
_NON_MAJOR = {"matchPackageNames": ["*"], "matchUpdateTypes": ["minor", "patch"]}
_PRESETS: Mapping[str, Settings] = {
    "config:recommended": _RECOMMENDED,
    "config:base": _RECOMMENDED,
    "config:js-app": _RECOMMENDED,
    "config:js-lib": _RECOMMENDED,
    "config:best-practices": {**_RECOMMENDED, "pinDigests": True},
    "config:semverAllMonthly": {"schedule": ["* 0-3 1 * *"], "groupName": "all dependencies"},
    "config:semverAllWeekly": {"schedule": ["* 0-3 * * 1"], "groupName": "all dependencies"},
    "docker:pinDigests": {"pinDigests": True},
    ":pinDigests": {"pinDigests": True},
    ":pinDigestsDisabled": {"pinDigests": False},
    "docker:enableMajor": {"major": {"enabled": True}},
    "docker:disableMajor": {"major": {"enabled": False}},
    "docker:disable": {"enabled": False},
    ":disableMajorUpdates": {"major": {"enabled": False}},
    ":enableRenovate": {"enabled": True},
    ":disableRenovate": {"enabled": False},
    ":automergeDigest": {"digest": {"automerge": True}},
    ":automergePatch": {"patch": {"automerge": True}},
    ":automergeMinor": {"minor": {"automerge": True}, "patch": {"automerge": True}},
    ":automergeMajor": {"automerge": True},
    ":automergeAll": {"automerge": True},
    ":automergeDisabled": {"automerge": False},
    ":automergeStableNonMajor": {"packageRules": [{"automerge": True, "matchUpdateTypes": ["minor", "patch"], "matchCurrentVersion": "!/^0/"}]},
    ":automergeBranch": {"automergeType": "branch"},
    ":disableDigestUpdates": {"digest": {"enabled": False}},
    ":approveMajorUpdates": {"major": {"dependencyDashboardApproval": True}},
    ":separateMultipleMajorReleases": {"separateMultipleMajor": True},
    ":semanticCommits": {"semanticCommits": "enabled"},
    ":semanticCommitsDisabled": {"semanticCommits": "disabled"},
    ":gitSignOff": {"commitBody": "Signed-off-by"},
    ":disableVulnerabilityAlerts": {"vulnerabilityAlerts": {"enabled": False}},
    ":dependencyDashboard": {"dependencyDashboard": True},
    ":disableDependencyDashboard": {"dependencyDashboard": False},
    ":dependencyDashboardApproval": {"dependencyDashboardApproval": True},
    ":disableRateLimiting": {"prConcurrentLimit": 0, "prHourlyLimit": 0},
    "schedule:daily": {"schedule": ["* 0-3 * * *"]},
    "schedule:earlyMondays": {"schedule": ["* 0-3 * * 1"]},
    "schedule:weekly": {"schedule": ["* 0-3 * * 1"]},
    "schedule:monthly": {"schedule": ["* 0-3 1 * *"]},
    "schedule:quarterly": {"schedule": ["* * 1 */3 *"]},
    "schedule:yearly": {"schedule": ["* * 1 */12 *"]},
    "schedule:nonOfficeHours": {"schedule": ["* 0-4,22-23 * * 1-5", "* * * * 0,6"]},
    "schedule:officeHours": {"schedule": ["* 8-17 * * 1-5"]},
    "schedule:weekdays": {"schedule": ["* * * * 1-5"]},
    "schedule:weekends": {"schedule": ["* * * * 0,6"]},
    "group:all": {"groupName": "all dependencies"},
    "group:allNonMajor": {"packageRules": [{**_NON_MAJOR, "groupName": "all non-major dependencies"}]},
    "group:allDigest": {"packageRules": [{"matchPackageNames": ["*"], "matchUpdateTypes": ["digest"], "groupName": "all digest updates"}]},
}  # fmt: skip
_NOTHING = frozenset({
    ":semanticPrefixFixDepsChoreOthers", ":configMigration", ":enableVulnerabilityAlerts", ":rebaseStalePrs", ":separateMajorReleases",
    ":combinePatchMinorReleases", ":preserveSemverRanges", ":ignoreUnstable", ":automergePr", ":automergeRequireAllStatusChecks", ":prImmediately",
    "group:monorepos", "group:recommended", "replacements:all", "workarounds:all", "helpers:pinGitHubActionDigests", "abandonments:recommended",
    ":pinDevDependencies", ":pinVersions", ":pinAllExceptPeerDependencies", ":maintainLockFilesWeekly", ":maintainLockFilesMonthly",
    ":maintainLockFilesDisabled", ":widenPeerDependencies", "security:minimumReleaseAgeNpm", "npm:unpublishSafe", ":unpublishSafe", ":automergeLinters", ":automergeTesters",
    ":automergeTypes", ":prNotPending", "docker:enable",
})  # fmt: skip
"""What sigbot does anyway, or what is about packages of a language and so says nothing about images."""


def expand(preset: str) -> Settings | None:
    """The settings a preset stands for; empty when it says nothing about images, None when it cannot be known here."""
    name = re.sub(r"^default:", ":", preset.strip())
    if name in _PRESETS:
        return _PRESETS[name]
    if name in _NOTHING:
        return {}
    if match := re.fullmatch(r":pr(Hourly|Concurrent)Limit(None|[0-9]{1,4})", name, re.ASCII):
        key = "prHourlyLimit" if match[1] == "Hourly" else "prConcurrentLimit"
        return {key: 0 if match[2] == "None" else int(match[2])}
    if match := re.fullmatch(r":(\w+)\(([^()]*)\)", name, re.ASCII):
        return _with_arguments(match[1], [one.strip() for one in match[2].split(",") if one.strip()])
    return None


def _with_arguments(name: str, given: list[str]) -> Settings | None:
    if not given:
        return None
    if name in ("label", "labels"):
        return {"labels": given}
    if name in ("assignee", "assignAndReview"):
        return {"assignees": given, **({"reviewers": given} if name == "assignAndReview" else {})}
    if name == "reviewer":
        return {"reviewers": given}
    if name == "enableVulnerabilityAlertsWithLabel":
        return {"vulnerabilityAlerts": {"labels": given}}
    if name == "timezone":
        return {"timezone": given[0]}
    return None


def lost(preset: str) -> str:
    """What to tell about a preset that cannot be taken over."""
    if preset.startswith(("group:", "monorepo:")):
        return f"the preset {shown(preset)}: groups of packages are not known; write the images into `update.groups`."
    if preset.startswith(("customManagers:", "regexManagers:")):
        return f"the preset {shown(preset)}: name the ARG, ENV or LABEL and its upstream project in `update.versions`."
    if preset.startswith("schedule:automerge"):
        return (
            f"the preset {shown(preset)}: merging has no schedule of its own; it happens when the required checks pass."
        )
    if (
        re.match(r"(?:github|gitlab|gitea|forgejo|local|bitbucket|npm)>|https?:|@", preset)
        or "/" in preset
        or ":" not in preset
    ):
        return f"the preset {shown(preset)} is kept elsewhere; fetch its file, run `sigbot config import` on it and join the two."
    return f"the preset {shown(preset)} has no equivalent."
