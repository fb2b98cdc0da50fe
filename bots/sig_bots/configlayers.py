"""Which configuration wins: a pull request's own file may only narrow the default branch's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sig_bots.config import RepoConfig, parse_config
from sig_bots.roster import Roster

__all__ = ["for_pull_request", "narrow"]

_ALWAYS_PRIVILEGED = frozenset({"schedule", "registry"})


def for_pull_request(base: RepoConfig, head: bytes | None, roster: Roster) -> RepoConfig:
    """The configuration of a job on a pull request whose own `.sigbot.yaml` holds `head` (None: it has none).

    A broken file is told by a check of its own and changes nothing here. A bot that the file switches off keeps the
    default branch's settings, because that branch decides what runs.
    """
    parsed = parse_config(head, roster) if head is not None else None
    if not isinstance(parsed, RepoConfig):
        return base
    found = narrow(base, parsed)
    return replace(found, sections={**base.sections, **found.sections})


def narrow(base: RepoConfig, head: RepoConfig) -> RepoConfig:
    """The configuration for a pull request: the default branch's (`base`), narrowed by the pull request's own file.

    The head may switch bots off, take images out and change settings that are not privileged. It may not enable a bot
    or add an image; how an image is built, permissions, schedules and registries are the base's. What it asked for in
    vain is in `notes`.
    """
    notes = [f"`{name}` is enabled when merged" for name in head.sections if name not in base.sections]
    sections = {}
    for name, section in base.sections.items():
        if name in head.sections:
            sections[name] = _narrowed(section, head.sections[name], name, notes)
    kept = {image.ref for image in head.images}
    images = tuple(image for image in base.images if image.ref in kept)
    if any(image not in base.images for image in head.images):
        notes.append("changes of `images` take effect when merged")
    if dict(head.permissions) != dict(base.permissions):
        notes.append("changes of `permissions` take effect when merged")
    return RepoConfig(
        images=images,
        permissions=base.permissions,
        sections=sections,
        disabled=base.disabled | head.disabled,
        from_file=base.from_file,
        notes=tuple(notes),
        blob=base.blob,
    )


def _narrowed(base: BaseModel, head: BaseModel, where: str, notes: list[str]) -> BaseModel:
    values: dict[str, Any] = {}
    for name, info in type(base).model_fields.items():
        mine, theirs = getattr(base, name), getattr(head, name)
        if not is_privileged(name, info) and isinstance(mine, BaseModel) and type(mine) is type(theirs):
            values[name] = _narrowed(mine, theirs, f"{where}.{name}", notes)
        elif is_privileged(name, info) or _holds_privileged(info.annotation):
            values[name] = mine
            if mine != theirs:
                notes.append(f"`{where}.{name}` changes when merged")
        else:
            values[name] = theirs
    return base.model_copy(update=values)


def is_privileged(name: str, info: FieldInfo) -> bool:
    """Whether a setting is never taken from a pull request: marked so by its bot, or by its name."""
    extra = info.json_schema_extra
    return name in _ALWAYS_PRIVILEGED or (isinstance(extra, dict) and bool(extra.get("privileged")))


def _holds_privileged(annotation: object) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return any(is_privileged(name, info) or _holds_privileged(info.annotation) for name, info in fields)
    parts: Sequence[object] = get_args(annotation)
    return any(_holds_privileged(part) for part in parts)
