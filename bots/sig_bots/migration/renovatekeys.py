"""Keys of Renovate's configuration without an equivalent: what to tell, by key; and those that need no word."""

from __future__ import annotations

__all__ = ["MANAGERS_OF_IMAGES", "UPDATE_TYPES", "sentence", "silent"]

UPDATE_TYPES = ("major", "minor", "patch", "pin", "pinDigest", "digest", "rollback", "bump", "replacement", "lockfileUpdate", "lockFileMaintenance")  # fmt: skip
MANAGERS_OF_IMAGES = frozenset({
    "docker-compose", "kubernetes", "helm-values", "helmv3", "helmfile", "kustomize", "ansible", "ansible-galaxy", "argocd", "flux", "tekton",
    "gitlabci", "gitlabci-include", "github-actions", "circleci", "droneci", "woodpecker", "bitbucket-pipelines", "azure-pipelines", "devcontainer",
    "quadlet", "nomad", "buildkite", "cloudbuild", "crow", "batect", "tilt", "vendir", "jenkins", "fleet", "velaci",
})  # fmt: skip
"""Managers that find images in files other than Containerfiles."""

_HARMLESS: dict[str, object] = {
    "automergeType": "pr", "rebaseWhen": ("auto", "behind-base-branch", "conflicted"), "prCreation": ("immediate", "not-pending"),
    "internalChecksFilter": ("strict", "flexible"), "ignoreUnstable": True, "ignoreTests": False, "separateMajorMinor": True,
    "separateMinorPatch": False, "separateMultipleMajor": False, "platformAutomerge": (True, False), "semanticCommits": "auto", "recreateWhen": "auto",
    "recreateClosed": False, "draftPR": False, "respectLatest": True, "onboarding": (True, False), "configMigration": (True, False),
    "lockFileMaintenance": {"enabled": False}, "requireConfig": ("required", "optional"), "rollbackPrs": False,
    "minimumReleaseAgeBehaviour": ("timestamp-required", "timestamp-optional"), "forkProcessing": ("auto", "enabled", "disabled"),
    "ignorePrAuthor": False, "printConfig": (True, False), "pruneStaleBranches": True, "replaceAtPrefix": True,
}  # fmt: skip
"""Values that ask for what sigbot does anyway, or that concern nothing it does."""
_SILENT = frozenset(
    {
        "$schema",
        "description",
        "ignorePresets",
        "npmToken",
        "npmrc",
        "rangeStrategy",
        "postUpdateOptions",
        "constraints",
    }
)

_OWN_TEXT = "sigbot writes its own titles, texts and commit messages, the same in every repository."
_OPERATOR = "the operator's business, in `sigbot.toml` of the service; ask them. Nothing of it was copied."
_OWN_DASHBOARD = (
    "sigbot writes its dashboard issue itself, without labels, and keeps it open while `update.dashboard` asks for it."
)
_SENTENCES = {
    "hostRules": f"logins and limits of registries are {_OPERATOR}",
    "encrypted": f"logins are {_OPERATOR}",
    "secrets": f"secrets are {_OPERATOR}",
    "env": f"environment variables are {_OPERATOR}",
    "registryAliases": "reading an image from another place is set by the operator: `mirror` of a `[[registry]]` in `sigbot.toml`.",
    "registryUrls": "reading an image from another place is set by the operator: `mirror` of a `[[registry]]` in `sigbot.toml`.",
    "customManagers": "sigbot has no patterns of its own for finding versions; name the ARG, ENV or LABEL and its upstream project in `update.versions`.",
    "regexManagers": "sigbot has no patterns of its own for finding versions; name the ARG, ENV or LABEL and its upstream project in `update.versions`.",
    "customDatasources": "sigbot asks registries, and release-monitoring.org for what `update.versions` names.",
    "ignorePaths": "sigbot looks at every Containerfile of the repository; name the images that are to stay in `update.ignore`.",
    "includePaths": "sigbot looks at every Containerfile of the repository; name the images that are to stay in `update.ignore`.",
    "baseBranches": "sigbot works on the default branch alone; other branches get no pull requests.",
    "baseBranchPatterns": "sigbot works on the default branch alone; other branches get no pull requests.",
    "assignees": "sigbot assigns nobody; it asks for reviews: put the names in `update.reviewers` if that serves.",
    "milestone": "sigbot sets no milestone; use a label.",
    "branchConcurrentLimit": "each branch of sigbot is an open pull request: `update.limits.open` is the limit of both.",
    "prPriority": "pull requests have no order of their own; `update.limits` says how many there are at once.",
    "postUpgradeTasks": "sigbot runs no commands in the repository; let CI do it on the pull request.",
    "lockFileMaintenance": "lock files are not about images; sigbot leaves them alone.",
    "separateMajorMinor": "a proposal is the newest tag allowed, one pull request per image or group.",
    "separateMinorPatch": "a proposal is the newest tag allowed, one pull request per image or group.",
    "separateMultipleMajor": "a proposal is the newest tag allowed, one pull request per image or group.",
    "separateMultipleMinor": "a proposal is the newest tag allowed, one pull request per image or group.",
    "automergeSchedule": "merging has no schedule of its own; it happens when the required checks pass.",
    "automergeType": "sigbot merges pull requests only, never branches directly.",
    "automergeStrategy": "the repository's own merge method is used.",
    "ignoreTests": "sigbot merges only when the required checks pass.",
    "ignoreUnstable": "sigbot proposes a pre-release only where one of the same kind is in use.",
    "rebaseWhen": "sigbot refreshes its pull requests whenever the base branch moves or something newer appears.",
    "recreateWhen": "a pull request that a person closed comes back with the next version.",
    "recreateClosed": "a pull request that a person closed comes back with the next version.",
    "followTag": "sigbot follows the kind of tag in use; write the floating tag with its digest in the Containerfile.",
    "fetchReleaseNotes": "sigbot says what moves and which packages differ; release notes are not read.",
    "fetchChangeLogs": "sigbot says what moves and which packages differ; release notes are not read.",
    "repositories": f"which repositories are looked after is {_OPERATOR}",
    "fileMatch": "sigbot knows Containerfiles by their name; for another name, give the file as `containerfile` of an entry of `images`.",
    "managerFilePatterns": "sigbot knows Containerfiles by their name; for another name, give the file as `containerfile` of an entry of `images`.",
    "overridePackageName": "images are looked up under the name they have in the Containerfile.",
    "replacementName": "sigbot moves an image to newer tags only; change its name by hand.",
    "replacementVersion": "sigbot moves an image to newer tags only; change its name by hand.",
    "extractVersion": "sigbot reads the tag as a whole; `update.tags` can set a scheme and which tags are allowed.",
    "dependencyDashboardApproval": "nothing waits for an approval by itself; with `update.dashboard` and `update.limits: {open: 0}` each update waits for a tick.",
}  # fmt: skip
_BEGINNINGS = (
    ("prBody", _OWN_TEXT), ("prTitle", _OWN_TEXT), ("prHeader", _OWN_TEXT), ("prFooter", _OWN_TEXT), ("commit", _OWN_TEXT), ("semantic", _OWN_TEXT),
    ("dependencyDashboard", _OWN_DASHBOARD), ("git", f"who commits is {_OPERATOR}"), ("platform", f"the forge is {_OPERATOR}"),
    ("branch", "branches are called by the service's name, `/update/` and the image or group."),
    ("hashedBranch", "branches are called by the service's name, `/update/` and the image or group."),
    ("additionalBranch", "branches are called by the service's name, `/update/` and the image or group."),
    ("group", "a group is one pull request; it has no further settings."), ("reviewers", "reviewers are the names in `update.reviewers`, all of them."),
    ("assign", "sigbot assigns nobody; it asks for reviews: put the names in `update.reviewers` if that serves."),
)  # fmt: skip


def silent(key: str, value: object) -> bool:
    """Whether nothing needs to be said: what sigbot does anyway, or nothing to do with it."""
    wanted = _HARMLESS.get(key, _SILENT)
    return key in _SILENT or value is None or value == wanted or (isinstance(wanted, tuple) and value in wanted)


def sentence(key: str, value: object) -> str:
    """What to tell about a key that has no equivalent."""
    known = _SENTENCES.get(key) or next((text for start, text in _BEGINNINGS if key.startswith(start)), None)
    if known:
        return known
    if key in MANAGERS_OF_IMAGES:
        return "sigbot reads images in Containerfiles alone; keep Renovate for these files."
    if isinstance(value, dict):
        return "is not about images in Containerfiles, which is all sigbot updates; keep Renovate for it."
    return "has no equivalent."
