"""Which configuration wins: organisation file under repository, and a pull request's own file, which may only narrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from sig_bots.config import RepoConfig

__all__ = ["layered", "narrow"]

_ALWAYS_PRIVILEGED = frozenset({"schedule", "registry"})


def layered(lower: RepoConfig, upper: RepoConfig) -> RepoConfig:
    """`upper` (the repository's file) over `lower` (the organisation's): per bot the keys that upper names win.

    A bot that upper switches off is off. `images:` is not mixed: upper's list when it has one. The keys of a section
    count as one text; should the mixture not be valid, upper's section stands alone.
    """
    sections = {name: section for name, section in lower.sections.items() if name not in upper.disabled}
    for name, section in upper.sections.items():
        under = sections.get(name)
        sections[name] = _mixed(under, section) if under is not None else section
    return RepoConfig(
        images=upper.images or lower.images,
        permissions={**lower.permissions, **upper.permissions},
        sections=sections,
        disabled=(lower.disabled | upper.disabled) - frozenset(sections),
        from_file=upper.from_file or lower.from_file,
    )


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
    )


def _mixed(lower: BaseModel, upper: BaseModel) -> BaseModel:
    try:
        return type(upper).model_validate(
            {**lower.model_dump(exclude_unset=True), **upper.model_dump(exclude_unset=True)}
        )
    except ValidationError:
        return upper


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
