"""Which image references of some Containerfiles can move to something newer, and the edits: for the bot and for a checkout.

Nothing here writes anything; a registry is asked, bytes come in and go out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sig_bots.containerfile import EditRefused, edit_all, references
from sig_bots.containerfile.shortnames import resolve
from sig_bots.errors import ForgeError, NotFound, Transient
from sig_bots.pins import Stays, next_digest, why_not
from sig_bots.refs import ImageRef
from sig_bots.reports import MovedReference
from sig_bots.tags import DEFAULT_POLICY, Policy, newest, scheme_for
from sig_bots.tools import Registry

__all__ = ["Scan", "apply_moves", "look_over"]


@dataclass
class Scan:
    """What a look over the files found."""

    moves: dict[str, list[MovedReference]] = field(default_factory=dict)
    """Image name -> its moves."""
    kept: list[str] = field(default_factory=list)
    """One sentence per reference that stays as it is, and why."""
    held: set[str] = field(default_factory=set)
    """Names of images of which something newer is held back; their pull request, if there is one, stays as it is."""
    unreachable: dict[str, Transient | ForgeError] = field(default_factory=dict)
    """Image name -> why its registry could not be asked, or does not tell us; its pull request is neither made nor closed."""


def look_over(
    registry: Registry, files: Mapping[str, bytes], ignore: Collection[str] = (), *,
    schemes: Mapping[str, str] | None = None, policy: Policy = DEFAULT_POLICY,
) -> Scan:  # fmt: skip
    """Which references of these Containerfiles (path -> content) can move; images named in `ignore` are left alone.

    `schemes` (image name -> tag scheme) overrides how tags are ordered; `policy` is the tag ordering's. One tag list
    per image, one look-up per distinct reference.
    """
    scan = Scan()
    known = _TagLists(registry)
    targets: dict[tuple[str, str | None], tuple[ImageRef, str] | Stays | None] = {}
    for path, data in files.items():
        for reference in references(data):
            where = f"{path}:{reference.line}"
            if reference.image is None or not reference.editable:
                scan.kept.append(f"{where}: {reference.text} stays: {reference.reason}")
                continue
            name = reference.image.name
            if name in ignore:
                scan.kept.append(f"{where}: {reference.text} stays: {name} is ignored by the configuration")
                continue
            platform = reference.platform if reference.platform and "$" not in reference.platform else None
            key = (str(reference.image), platform)
            if key not in targets:
                try:
                    targets[key] = _target(known, reference.image, platform, (schemes or {}).get(name), policy)
                except (Transient, ForgeError) as error:
                    scan.unreachable[name] = error
                    targets[key] = None
            found = targets[key]
            if found is None:
                continue
            if isinstance(found, Stays):
                scan.kept.append(f"{where}: {reference.text} stays: {found.reason}")
                if found.held:
                    scan.held.add(name)
            else:
                target, reason = found
                move = MovedReference(path, reference.line, reference.image, target, reason)
                scan.moves.setdefault(name, []).append(move)
    return scan


def apply_moves(
    moves: Sequence[MovedReference], files: Mapping[str, bytes]
) -> tuple[dict[str, bytes], list[MovedReference], list[str]]:
    """The edited files, the moves that went into them, and a sentence for each that would change anything else."""
    changes: dict[str, bytes] = {}
    applied: list[MovedReference] = []
    refused: dict[tuple[str, str], str] = {}
    done: set[tuple[str, str]] = set()
    for move in moves:
        place = (move.path, str(move.old))
        data = changes.get(move.path, files[move.path])
        if place in refused:
            continue
        if place in done:
            applied.append(move)
            continue
        done.add(place)
        if not any(one.resolved == str(move.old) for one in references(data)):
            applied.append(move)  # an earlier edit, of an ARG, moved this one too
            continue
        try:
            changes[move.path] = edit_all(data, {str(move.old): move.new})
        except EditRefused as error:
            refused[place] = f"{move.path}:{move.line}: not edited: {error}"
            continue
        applied.append(move)
    return changes, applied, list(refused.values())


class _TagLists:
    """The registry, asked once for the tags of an image during one scan."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._tags: dict[str, Sequence[str] | Transient | ForgeError] = {}

    def of(self, image: ImageRef) -> Sequence[str]:
        """All tags. Raises NotFound, Transient, ForgeError, each time again."""
        if image.name not in self._tags:
            try:
                self._tags[image.name] = self.registry.tags(image)
            except (Transient, ForgeError) as error:
                self._tags[image.name] = error
        found = self._tags[image.name]
        if isinstance(found, (Transient, ForgeError)):
            raise found
        return found


def _target(
    known: _TagLists, image: ImageRef, platform: str | None, scheme: str | None, policy: Policy
) -> tuple[ImageRef, str] | Stays:
    """Where one reference should point, and why; or why it stays."""
    full = resolve(image)
    if image.tag is None:
        return Stays(
            "it names no tag" if image.digest is None else "it is pinned by digest alone, so no tag says what is newer"
        )
    try:
        tags = known.of(full)
    except NotFound:
        return Stays(f"{full.name} does not exist in its registry")
    proposal = newest(image.tag, tags, scheme or scheme_for(full), policy)
    if image.digest is None:
        if proposal is None:
            return Stays(f"{image.tag} is the newest of its kind")
        stays = why_not(known.registry, full, proposal.tag, platform)
        return stays or (image.with_tag(proposal.tag), proposal.reason)
    tag = proposal.tag if proposal else image.tag
    digest = next_digest(known.registry, full, tag, platform)
    if isinstance(digest, Stays):
        return digest
    return image.with_tag(tag, digest), proposal.reason if proposal else f"the tag {tag} points at a newer digest"
