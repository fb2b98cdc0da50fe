"""Which moves become one pull request: an image or a project over all its places, a group of the configuration, a family of images. Pure.

The group of an image follows from the configuration and from what the files use, not from what happens to move today,
so its branch stays the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from sig_bots.containerfile.shortnames import resolve
from sig_bots.refs import ImageRef
from sig_bots.tagpatterns import fits_name
from sig_bots.updatemoves import Move
from sig_bots.versionmoves import PROJECT, MovedVersion

__all__ = ["Group", "grouped", "slug_by_name", "slugs"]


@dataclass(frozen=True)
class Group:
    """Moves that go into one pull request. `slug` is the last part of its branch, the same from look to look."""

    slug: str
    label: str
    moves: tuple[Move, ...]
    """`label` is how the title names it: an image, `NAMESPACE images`, `group NAME`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the images that move, each once."""
        return tuple(dict.fromkeys(one.old.name for one in self.moves))

    @property
    def fingerprint(self) -> str:
        """Says which versions it moves to: somebody who closes the pull request declined these.

        A digest counts only where the tag stays: the same tag with a digest, or with another one, is no other version.
        """
        text = "\n".join(sorted({_version(one) for one in self.moves}))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _version(one: Move) -> str:
    return (
        str(one.new)
        if one.old.tag == one.new.tag or isinstance(one, MovedVersion)
        else str(one.new.with_tag(one.new.tag))
    )


def grouped(
    moves: Mapping[str, Sequence[Move]], uses: Mapping[str, Iterable[str]],
    groups: Mapping[str, Sequence[str]], links: Iterable[Iterable[str]] = (),
) -> list[Group]:  # fmt: skip
    """The groups of all moves, in the order of the moves.

    `uses`: image name (or `project:NAME`) -> tags in use; `groups`: name -> globs of them; `links`: names that one ARG moves together.
    """
    labels = _labels(uses, groups, links)
    found: dict[str, tuple[str, list[Move]]] = {}
    for name, some in moves.items():
        label = labels.get(name, name)
        found.setdefault(_slug(label), (label, []))[1].extend(some)
    return [Group(slug, label, tuple(some)) for slug, (label, some) in found.items()]


def slugs(
    names: Iterable[str], uses: Mapping[str, Iterable[str]], groups: Mapping[str, Sequence[str]],
    links: Iterable[Iterable[str]] = (),
) -> set[str]:  # fmt: skip
    """The slugs of the groups that these images belong to."""
    return set(slug_by_name(names, uses, groups, links).values())


def slug_by_name(
    names: Iterable[str], uses: Mapping[str, Iterable[str]], groups: Mapping[str, Sequence[str]],
    links: Iterable[Iterable[str]] = (),
) -> dict[str, str]:  # fmt: skip
    """The slug of each image's group."""
    labels = _labels(uses, groups, links)
    return {name: _slug(labels.get(name, name)) for name in names}


def _labels(
    uses: Mapping[str, Iterable[str]], groups: Mapping[str, Sequence[str]], links: Iterable[Iterable[str]]
) -> dict[str, str]:
    families: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    labels: dict[str, str] = {}
    for name, tags in uses.items():
        own = next((group for group, globs in groups.items() if any(_fits(glob, name) for glob in globs)), None)
        if own is not None:
            labels[name] = f"group {own}"
        elif not name.startswith(PROJECT) and (space := _namespace(ImageRef.parse(name))):
            families.setdefault((space, tuple(sorted(tags))), []).append(name)
    for (space, _), names in sorted(families.items()):
        if len(names) > 1:
            labels.update(dict.fromkeys(names, f"{space} images"))
    for link in links:
        together = sorted(link)
        label = next((labels[name] for name in together if name in labels), " and ".join(together))
        former = {labels[name] for name in together if name in labels}
        labels.update(dict.fromkeys(together, label))
        labels.update({name: label for name, old in labels.items() if old in former})
    return labels


def _fits(glob: str, name: str) -> bool:
    """Whether a glob names an image, or a project: then it begins with `project:` too."""
    if name.startswith(PROJECT):
        return glob.startswith(PROJECT) and fnmatchcase(name, glob)
    return fits_name(glob, ImageRef.parse(name))


def _namespace(image: ImageRef) -> str:
    """Where images live that are released together; empty for Docker Hub's library, where neighbours are strangers."""
    full = resolve(image)
    space = "/".join(part for part in (full.registry, full.repository.rpartition("/")[0]) if part)
    return "" if space == "docker.io/library" else space


def _slug(label: str) -> str:
    """The label as part of a branch's name: what git refuses there (`..`, an end in `.lock`) becomes dashes."""
    plain = re.sub(r"[^A-Za-z0-9._-]|\.\.+|\.(?=lock$)", "-", label)
    return plain.strip("-.")[:100] or "images"
