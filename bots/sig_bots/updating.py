"""Which image references of some Containerfiles can move to something newer, and why the others stay.

For the bot and for a checkout. Nothing here writes anything; a registry is asked, bytes come in and values go out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sig_bots.containerfile import EditRefused, Reference, references
from sig_bots.containerfile.edits import consequences
from sig_bots.containerfile.shortnames import resolve
from sig_bots.cooldown import Cooling, Haste, first_to_go, version_key
from sig_bots.errors import ForgeError, NotFound, Transient
from sig_bots.pins import Stays, next_digest, why_not
from sig_bots.refs import ImageRef
from sig_bots.taglists import TagLists
from sig_bots.tags import Proposal, beyond_major, newest, scheme_for
from sig_bots.tools import Registry
from sig_bots.updateconfig import UpdateConfig
from sig_bots.updatemoves import MovedReference
from sig_bots.updatescan import Scan

__all__ = ["Target", "look_over"]

type Target = tuple[ImageRef, str]
"""Where a reference should point, and why."""

_MOST_TRIES = 8
"""Candidates that are looked at for one reference, newest first."""
_LONG_AGO = datetime(2013, 3, 1, tzinfo=UTC)
"""Before containers: a reproducible build's date, not an age."""


def look_over(
    registry: Registry, files: Mapping[str, bytes], config: UpdateConfig | None = None, *,
    now: datetime | None = None, haste: Callable[[ImageRef, ImageRef], Haste] | None = None,
    hurried: Collection[str] | None = (), platforms: bool = True, seen: Callable[[int], None] | None = None,
) -> Scan:  # fmt: skip
    """Which references of these Containerfiles (path -> content) can move, by the configuration.

    With `now` versions wait for their cooldown, but for those that are `hurried` (`version_key`; None: all); `haste` is asked
    whether one need not. One tag list per image, one look-up per distinct reference. `platforms`:
    whether a newer tag must offer the platforms of the tag in use, which takes manifests of both. `seen` is called with
    how many files are done.
    """
    look = _Look(registry, config or UpdateConfig(), now, haste, hurried, platforms=platforms)
    for number, (path, data) in enumerate(files.items(), 1):
        look.over(path, data)
        if seen is not None:
            seen(number)
    return look.scan


class _Look:
    def __init__(
        self, registry: Registry, config: UpdateConfig, now: datetime | None,
        haste: Callable[[ImageRef, ImageRef], Haste] | None, hurried: Collection[str] | None, *, platforms: bool,
    ) -> None:  # fmt: skip
        self.config = config
        self.now = now
        self.haste = haste
        self.platforms = platforms
        self.hurried = hurried
        self.scan = Scan()
        self.known = TagLists(registry)
        self._targets: dict[tuple[str, str | None, bool], Target | Stays | None] = {}
        self._waiting: dict[str, None] = {}
        self._staying: dict[int, str] = {}
        """Start of a reference of the present file -> why it stays."""

    def over(self, path: str, data: bytes) -> None:
        """Look over one file."""
        found = [one for one in references(data) if self._looked_after(path, one)]
        self._staying = {}
        moved: set[int] = set()
        for one in found:
            if one.start not in moved and one.shared:
                moved |= self._together(path, data, one, found, moved)
            elif one.start not in moved:
                self._alone(path, one)
        self.scan.kept += [sentence for start, sentence in self._staying.items() if start not in moved]
        self.scan.waiting = list(self._waiting)

    def _looked_after(self, path: str, one: Reference) -> bool:
        where = f"{path}:{one.line}"
        if one.image is None or not (one.editable or one.shared):
            self.scan.fixed.append(f"{where}: {one.text} stays: {one.reason}")
            self.scan.kept.append(self.scan.fixed[-1])
            return False
        name = one.image.name
        if self.config.ignores(one.image):
            self.scan.kept.append(f"{where}: {one.text} stays: {name} is ignored by the configuration")
            return False
        self.scan.uses.setdefault(name, set()).add(one.image.tag or "")
        return True

    def _alone(self, path: str, one: Reference) -> None:
        found = self._found(one)
        if isinstance(found, Stays):
            self._stays(path, one, found)
        elif found is not None:
            self._moves(path, one, *found)

    def _stays(self, path: str, one: Reference, why: Stays) -> None:
        self._staying[one.start] = f"{path}:{one.line}: {one.text} stays: {why.reason}"
        name = _image(one).name
        if why.held:
            self.scan.held.add(name)
        if why.held or why.missing:
            self.scan.why_held[name] = why.reason

    def _moves(self, path: str, one: Reference, target: ImageRef, reason: str, link: str = "") -> None:
        old = _image(one)
        self.scan.moves.setdefault(old.name, []).append(MovedReference(path, one.line, old, target, reason, link))

    def _together(
        self, path: str, data: bytes, one: Reference, found: Sequence[Reference], moved: Collection[int]
    ) -> set[int]:
        """A reference whose ARG feeds other images too: it moves when all that follows from it exists.

        Returns the starts of the references that move.
        """
        problem: str | None = None
        avoided: dict[str, str] = {}
        for _ in range(_MOST_TRIES):
            target = self._found(one, avoided)
            if target is None:
                return set()
            if isinstance(target, Stays):
                self._stays(path, one, Stays(problem) if problem else target)
                return set()
            try:
                others = self._followers(one, found, consequences(data, one, target[0]), moved)
            except (EditRefused, _Impossible) as error:
                problem = problem or str(error).rstrip(".")
                tag = target[0].tag or ""
                avoided[tag] = f"{tag} does not fit all that its ARG feeds"
                continue
            except (Transient, ForgeError) as error:
                self.scan.unreachable[_image(one).name] = error
                return set()
            link = f"{path}:{one.start}" if others else ""
            self._moves(path, one, *target, link)
            for other, new in others:
                self._moves(
                    path, other, new, f"{other.text} shares an ARG with {one.text}, so they move together", link
                )
            names = frozenset(_image(each).name for each in (one, *(other for other, _ in others)))
            if len(names) > 1:
                self.scan.links.append(names)
            return {one.start, *(other.start for other, _ in others)}
        self._stays(path, one, Stays(problem or "no newer tag fits everything its ARG feeds"))
        return set()

    def _followers(
        self, one: Reference, found: Sequence[Reference], changed: Mapping[int, str | None], moved: Collection[int]
    ) -> list[tuple[Reference, ImageRef]]:
        """What else the edit moves, each to an image that exists. Raises _Impossible, Transient, ForgeError."""
        by_start = {each.start: each for each in found}
        result = []
        for start, text in changed.items():
            other = by_start.get(start)
            if other is None or other.image is None or text is None or start in moved:
                raise _Impossible(
                    f"its ARG also feeds {other.text if other else 'a reference'} that is to stay as it is"
                )
            new = ImageRef.parse(text)
            full, tag = resolve(other.image), new.tag or "latest"
            answer: str | Stays | None = why_not(
                self.known.registry, full, tag, _platform(other), compare=self.platforms
            )
            if new.digest is not None:
                answer = next_digest(self.known.registry, full, tag, _platform(other))
                new = new if isinstance(answer, Stays) else new.with_tag(tag, answer)
            if isinstance(answer, Stays):
                raise _Impossible(f"its ARG also feeds {other.text}, and {answer.reason}")
            result.append((other, new))
        return result

    def _found(self, one: Reference, avoided: Mapping[str, str] | None = None) -> Target | Stays | None:
        """The target, a reason to stay, or None when the registry could not be asked."""
        image, pin = _image(one), self.config.pin_digests and not one.args
        key = (str(image), _platform(one), pin)
        if key in self._targets and not avoided:
            return self._targets[key]
        try:
            found = self._target(image, _platform(one), avoided or {}, pin=pin)
        except (Transient, ForgeError) as error:
            self.scan.unreachable[image.name] = error
            found = None
        return found if avoided else self._targets.setdefault(key, found)

    def _target(
        self, image: ImageRef, platform: str | None, avoided: Mapping[str, str], *, pin: bool
    ) -> Target | Stays | None:
        full = resolve(image)
        if image.tag is None:
            nameless = image.digest is None
            return Stays(
                "it names no tag" if nameless else "it is pinned by digest alone, so no tag says what is newer"
            )
        try:
            tags = self.known.of(full)
        except NotFound:
            tags = ()
        if not tags:
            return Stays(f"{full.name} does not exist in its registry", missing=True)
        tag, reason, why = self._next_tag(image, full, tags, avoided)
        if image.digest is not None:
            pinned = next_digest(self.known.registry, full, tag, platform)
            if isinstance(pinned, Stays):
                return pinned if reason or pinned.missing or not (why.held or why.passed_over) else why
            return image.with_tag(tag, pinned), reason or f"the tag {tag} points at a newer digest"
        if not reason and not pin:
            return why
        if stays := why_not(self.known.registry, full, tag, platform, compare=self.platforms):
            return stays
        digest = self.known.registry.digest(full.with_tag(tag)) if pin else None
        return image.with_tag(tag, digest), reason or f"{tag} gets the digest it has now, so that builds are the same"

    def _next_tag(
        self, image: ImageRef, full: ImageRef, tags: Sequence[str], avoided: Mapping[str, str]
    ) -> tuple[str, str, Stays]:
        """The tag to use, why it is newer (empty when it is the present one), and why nothing newer is used."""
        scheme = self.config.tag_rule(image).scheme or scheme_for(full)
        current, why = image.tag or "latest", Stays(f"{image.tag} is the newest of its kind")
        held: dict[str, tuple[Proposal, str]] = {}
        proposal: Proposal | None = None
        for _ in range(_MOST_TRIES):
            aside = {**avoided, **{tag: wait for tag, (_, wait) in held.items()}}
            policy = self.config.policy_for(image, tags, aside)
            proposal = newest(current, tags, scheme, policy)
            if proposal is None and not aside and (beyond := beyond_major(current, tags, scheme, policy)):
                why = Stays(beyond, passed_over=True)
            if proposal is None or not (wait := self._wait(full, proposal.tag)):
                break
            held[proposal.tag], proposal = (proposal, wait), None
        ahead, haste = self._ahead(image, proposal, list(held))
        for tag, (_, wait) in held.items():
            if tag == ahead:
                passed = f"; it does not wait for its cooldown, because {haste.reason}"
                return tag, held[tag][0].reason + passed, why
            wait += f"; whether it fixes advisories is not known: {haste.problem}" if haste.problem else ""
            self._waiting[f"{full.name}:{wait}"] = None
            self.scan.cooling.setdefault(image.name, Cooling(full.with_tag(tag), wait))
            why, haste = Stays(wait, held=True), replace(haste, problem="")
        return (proposal.tag, proposal.reason, why) if proposal else (current, "", why)

    def _ahead(self, image: ImageRef, ripe: Proposal | None, held: Sequence[str]) -> tuple[str, Haste]:
        """Which of the versions that are held (newest first) goes ahead of its cooldown, if any, because of what the ripe one lacks."""
        haste = self.haste
        if haste is None or not held:
            return "", Haste()
        base = image.with_tag(ripe.tag) if ripe else image
        return first_to_go(held, lambda tag: haste(base, image.with_tag(tag)))

    def _wait(self, full: ImageRef, tag: str) -> str:
        """Why the tag has to wait for its cooldown; empty when it need not, or when its image has no date."""
        least = self.config.least_age
        if not least or self.now is None:
            return ""
        details = self.known.registry.config(full.with_tag(tag))
        created = details.created if details else None
        if created is None or created < _LONG_AGO or self.now - created >= least:
            return ""
        key = version_key(full.with_tag(tag))
        if self.hurried is None or key in self.hurried:
            self.scan.ahead.add(key)
            return ""
        ripe = f"{created + least:%Y-%m-%d %H:%M} UTC"
        return f"{tag} was made on {created:%Y-%m-%d} and waits until {ripe} (cooldown {self.config.cooldown})"


class _Impossible(Exception):
    """An edit would make a reference name an image that is not there."""


def _image(one: Reference) -> ImageRef:
    """The image of a reference that names one, which those that are looked after do."""
    if one.image is None:
        raise ValueError(f"{one.text} on line {one.line} names no image")
    return one.image


def _platform(one: Reference) -> str | None:
    """The reference's constant platform."""
    return one.platform if one.platform and "$" not in one.platform else None
