"""A `dependabot.yml` (GitHub's Dependabot options reference) as an update section: its entries for images, joined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sig_bots.migration.imagepatterns import dependabot_globs
from sig_bots.migration.outcome import LONGEST_NAME, Draft, shown
from sig_bots.migration.renovatesettings import known_zone
from sig_bots.migration.schedules import dependabot
from sig_bots.migration.versionranges import exact, not_from
from sig_bots.yamltree import Path

__all__ = ["convert"]

_SEMVER = "version-update:semver-"
_SILENT = frozenset(
    {"package-ecosystem", "directory", "directories", "schedule", "open-pull-requests-limit", "registries"}
)
_HARMLESS = {"rebase-strategy": "auto", "vendor": False}
_TOP = {
    "registries": "logins of registries are the operator's, as `[[registry]]` in `sigbot.toml` of the service; nothing of it was copied.",
    "multi-ecosystem-groups": "sigbot updates images in Containerfiles alone; groups of these go into `update.groups`.",
    "enable-beta-ecosystems": "",
}
_SENTENCES = {
    "assignees": "sigbot assigns nobody; it asks for reviews: put the names in `update.reviewers` if that serves.",
    "milestone": "sigbot sets no milestone; use a label.",
    "target-branch": "sigbot works on the default branch alone; other branches get no pull requests.",
    "commit-message": "sigbot writes its own titles, texts and commit messages, the same in every repository.",
    "pull-request-branch-name": "branches are called by the service's name, `/update/` and the image or group.",
    "rebase-strategy": "sigbot refreshes its pull requests whenever the base branch moves or something newer appears.",
    "exclude-paths": "sigbot looks at every Containerfile of the repository; name the images that are to stay in `update.ignore`.",
    "allow": "sigbot looks after every image; name those that are to stay in `update.ignore`.",
    "multi-ecosystem-group": "sigbot updates images in Containerfiles alone; groups of these go into `update.groups`.",
    "insecure-external-code-execution": "sigbot runs no code of the repository when it looks for updates.",
}
_JOINED = {
    "labels": "every pull request gets the labels of all of them.",
    "reviewers": "the reviewers of all of them are asked, on every pull request.",
    "ignore": "what one of them ignores is ignored in every folder.",
    "groups": "the groups of all of them hold in every folder.",
    "cooldown": "the cooldown of the first that has one holds in every folder.",
}
_DIFFERENT = "the entries for images differ here: "
_BARE = "a name without `/` is the image that is pulled by this name alone; for one right below another registry add `HOST/NAME`."
_BARE_GLOB = (
    "a pattern without `/` also fits the last part of longer names here (`*/NAME*`); write out what it is to mean."
)
_ONCE = (
    "the entries for images differ here and sigbot has one setting for the repository: that of the first one was taken."
)


def convert(draft: Draft, data: Mapping[str, Any]) -> None:
    """Fill the draft from the file."""
    for key in data:
        if key not in ("version", "updates") and (text := _TOP.get(key, "has no equivalent.")):
            draft.lose((key,), text)
    entries = data.get("updates")
    if not isinstance(entries, list):
        draft.lose(("updates",), "is no list of entries.")
        entries = []
    images: list[tuple[Path, Mapping[str, Any]]] = []
    for index, entry in enumerate(entries):
        path: Path = ("updates", index)
        if not isinstance(entry, dict):
            draft.lose(path, "is no entry; write it by hand.")
        elif _for_images(draft, path, entry):
            images.append((path, entry))
    for path, entry in images:
        _entry(draft, path, entry)
    if not images:
        draft.off = True
        draft.lose(
            ("updates",),
            "no entry updates images in Containerfiles, so updates are off here; write `update: {}` to have sigbot look after them.",
        )
        return
    for key, chosen in _JOINED.items():
        if other := next((path for path, entry in images if entry.get(key) != images[0][1].get(key)), None):
            draft.lose((*other, key), _DIFFERENT + chosen)
    _directories(draft, images)
    _limits(draft, images)


def _for_images(draft: Draft, path: Path, entry: Mapping[str, Any]) -> bool:
    """Whether the entry is about Dockerfiles and not switched off; what it is about otherwise is told."""
    ecosystem = entry.get("package-ecosystem")
    if ecosystem == "docker":
        if str(entry.get("open-pull-requests-limit")) != "0":
            return True
        draft.lose(
            (*path, "open-pull-requests-limit"),
            "0 switches version updates off, so nothing of this entry was taken over.",
        )
    elif ecosystem in ("docker-compose", "helm", "devcontainers", "kubernetes"):
        draft.lose(
            path,
            f"is about {shown(str(ecosystem))}; sigbot reads images in Containerfiles alone. Keep Dependabot for it.",
        )
    else:
        draft.lose(path, f"is about {shown(str(ecosystem))}, not about images; keep Dependabot for it.")
    return False


def _entry(draft: Draft, path: Path, entry: Mapping[str, Any]) -> None:
    _schedule(draft, (*path, "schedule"), entry.get("schedule"))
    for key, value in entry.items():
        at = (*path, key)
        if key in _SILENT or value is None or _HARMLESS.get(key) == value:
            continue
        if key in ("labels", "reviewers"):
            _names(draft, at, key, value)
        elif key == "ignore":
            for index, rule in enumerate(_list(draft, at, value)):
                _ignore(draft, (*at, index), rule)
        elif key == "groups":
            _groups(draft, at, value)
        elif key == "cooldown":
            _cooldown(draft, at, value)
        else:
            draft.lose(at, _SENTENCES.get(key, "has no equivalent."))


def _once(draft: Draft, key: str, value: object, path: Path) -> None:
    """Set what may be set once only; another value of a later entry is a loss."""
    if draft.update.get(key, value) != value:
        draft.lose(path, _ONCE)
    else:
        draft.set(key, value, path)


def _list(draft: Draft, path: Path, value: object) -> list[dict[str, Any]]:
    given = value if isinstance(value, list) else [value]
    found = [one for one in given if isinstance(one, dict)]
    if len(found) != len(given):
        draft.lose(path, "is no list of rules; write it by hand.")
    return found


def _schedule(draft: Draft, path: Path, value: object) -> None:
    if not isinstance(value, dict):
        return
    words = [value.get(key) for key in ("interval", "day", "time", "cronjob")]
    read = dependabot(*(str(word) if word is not None else "" for word in words))
    if read is None:
        draft.lose(path, "is not understood; write the hours into `update.schedule`, as in `mon 05:00-11:00`.")
        return
    if read.narrower:
        draft.lose((*path, "interval"), f"{read.narrower}.")
    if read.windows:
        _once(draft, "schedule", list(read.windows), path)
    zone = value.get("timezone")
    if isinstance(zone, str) and known_zone(zone):
        _once(draft, "timezone", zone, (*path, "timezone"))
    elif zone is not None:
        draft.lose((*path, "timezone"), "is no time zone; write one as in `Europe/Prague` into `update.timezone`.")


def _names(draft: Draft, path: Path, key: str, value: object) -> None:
    names = draft.texts(path, value)
    if key == "reviewers" and any("/" in name for name in names):
        draft.lose(path, "a team is no account; name its members in `update.reviewers`.")
        names = [name for name in names if "/" not in name]
    if names:
        draft.extend(key, names, path)


def _globs(draft: Draft, path: Path, name: str) -> list[str]:
    """The globs of a name; what one without `/` names more or less than there is told, once in the file."""
    globs = dependabot_globs(name)
    told = _BARE_GLOB if len(globs) > 1 else _BARE
    if (
        globs
        and "/" not in name
        and not name.startswith("*")
        and told not in [one.message for one in draft.losses.values()]
    ):
        draft.lose(path, told)
    return globs


def _ignore(draft: Draft, path: Path, rule: Mapping[str, Any]) -> None:
    """One rule of `ignore`: names, with `versions` or kinds of update."""
    name = rule.get("dependency-name", "*")
    globs = _globs(draft, (*path, "dependency-name"), name) if isinstance(name, str) else []
    if not globs:
        draft.lose(path, "names no image; write what is to stay into `update.ignore`.")
        return
    versions = draft.texts((*path, "versions"), rule.get("versions"))
    kinds = {kind.removeprefix(_SEMVER) for kind in draft.texts((*path, "update-types"), rule.get("update-types"))}
    for text in versions:
        if (tag := exact(text)) is not None:
            tags = [tag, tag[:-2], f"{tag[:-2]}-*"] if tag.endswith(".*") else [tag, f"{tag}-*"]
            draft.extend("ignore", [f"{glob}:{one}" for glob in globs for one in tags], path)
        elif (allowed := not_from(text)) is not None and globs[0] not in draft.update.get("tags", {}):
            draft.put("tags", {glob: {"allowed": allowed} for glob in globs}, path)
        elif not text.lstrip().startswith("<"):  # what is older is never proposed
            draft.lose(
                (*path, "versions"),
                f"{shown(text)} cannot be rewritten; write into `update.tags` which tags are `allowed`.",
            )
    if kinds >= {"major", "minor", "patch"} or not (versions or kinds):
        draft.extend("ignore", globs, path)
    elif kinds == {"major"} and globs == ["*"]:
        draft.put("allow", {"major": False}, path)
    elif kinds:
        draft.lose(
            (*path, "update-types"),
            "sigbot cannot leave out just these updates; say in `update.tags` which tags of an image are `allowed`.",
        )


def _groups(draft: Draft, path: Path, value: object) -> None:
    for name, group in (value if isinstance(value, dict) else {}).items():
        at = (*path, name)
        given = group if isinstance(group, dict) else {}
        if given.get("applies-to") == "security-updates":
            draft.lose(
                at,
                "is about security updates; sigbot groups these like others. What else is different for them is in `update.security`.",
            )
            continue
        patterns = draft.texts((*at, "patterns"), given.get("patterns", "*"))
        globs = [glob for one in patterns for glob in _globs(draft, (*at, "patterns"), one)]
        if not globs or not 0 < len(name) <= LONGEST_NAME:
            draft.lose(at, "names no image, or has no short name; write the images into `update.groups`.")
            continue
        draft.put("groups", {name: list(dict.fromkeys([*draft.update.get("groups", {}).get(name, []), *globs]))}, at)
        if given.get("update-types"):
            draft.lose(
                (*at, "update-types"),
                "a group of sigbot holds every kind of update of its images, not only the kinds named here.",
            )
        for key in ("exclude-patterns", "dependency-type", "group-by"):
            if key in given:
                draft.lose((*at, key), "a group of sigbot is a list of images; write out those that belong to it.")


def _cooldown(draft: Draft, path: Path, value: object) -> None:
    given = value if isinstance(value, dict) else {}
    numbers = {key: draft.number((*path, key), one) for key, one in given.items() if key.endswith("-days")}
    days = numbers.get("default-days")
    others = [number for key, number in numbers.items() if key != "default-days" and number]
    longest = days if days is not None else max(others, default=0)
    for key in given:
        if key.startswith("semver-") and numbers.get(key) != longest:
            draft.lose((*path, key), f"the cooldown of sigbot is one for every kind of update: {longest} days.")
        elif key in ("include", "exclude"):
            draft.lose((*path, key), "the cooldown of sigbot holds for every image.")
    if longest:
        draft.set("cooldown", draft.update.get("cooldown", f"{longest}d"), path)


def _directories(draft: Draft, images: list[tuple[Path, Mapping[str, Any]]]) -> None:
    """Dependabot looks into the folders named, sigbot everywhere: told once, unless they are everywhere."""
    for path, entry in images:
        for key in ("directory", "directories"):
            if key in entry and not any(
                folder.startswith(("**", "/**")) for folder in draft.texts((*path, key), entry[key])
            ):
                draft.lose(
                    (*path, key),
                    "sigbot finds every Containerfile of the repository, also in other folders; name images that are to stay in `update.ignore`.",
                )
                return


def _limits(draft: Draft, images: list[tuple[Path, Mapping[str, Any]]]) -> None:
    """The limit is per entry there and per repository here: the sum, five for an entry that names none."""
    given = [(path, draft.number((*path, "open-pull-requests-limit"), entry["open-pull-requests-limit"])) for path, entry in images if "open-pull-requests-limit" in entry]  # fmt: skip
    numbers = [number for _, number in given if number is not None]
    if numbers:
        draft.put(
            "limits",
            {"open": sum(numbers) + 5 * (len(images) - len(given))},
            (*given[0][0], "open-pull-requests-limit"),
        )
