"""What a look over some Containerfiles found: what moves, what stays or waits and why, and what is out of reach."""

from __future__ import annotations

from dataclasses import dataclass, field

from sig_bots.cooldown import Cooling
from sig_bots.errors import ForgeError, Transient
from sig_bots.updatemoves import Move

__all__ = ["Scan"]


@dataclass
class Scan:
    """What a look over the files found."""

    moves: dict[str, list[Move]] = field(default_factory=dict)
    """Image name -> its moves."""
    kept: list[str] = field(default_factory=list)
    """One sentence per reference that stays as it is, and why."""
    fixed: list[str] = field(default_factory=list)
    """Those of `kept` whose place cannot be edited."""
    held: set[str] = field(default_factory=set)
    """Names of images of which something newer is held back; their pull request, if there is one, stays as it is."""
    why_held: dict[str, str] = field(default_factory=dict)
    """Why, by those names, and why of images that are not there at all."""
    waiting: list[str] = field(default_factory=list)
    """One sentence per version that has to wait for its cooldown."""
    cooling: dict[str, Cooling] = field(default_factory=dict)
    """Image name -> the newest of its versions that has to wait."""
    ahead: set[str] = field(default_factory=set)
    """Keys of versions that would have to wait and need not, because somebody asked for them."""
    unreachable: dict[str, Transient | ForgeError] = field(default_factory=dict)
    """Image name -> why its registry could not be asked, or does not tell us; its pull request is neither made nor closed."""
    uses: dict[str, set[str]] = field(default_factory=dict)
    """Image name -> the tags in use."""
    links: list[frozenset[str]] = field(default_factory=list)
    """Names of different images that one ARG moves together."""
    idle: list[str] = field(default_factory=list)
    """Those of `waiting` that tell of a rule for versions which finds nothing to follow."""

    @property
    def blind(self) -> bool:
        """Whether nothing at all could be looked at, though there is something."""
        return bool(self.unreachable) and self.uses.keys() <= self.unreachable.keys()

    def tell_idle(self, sentence: str) -> None:
        """Keep what is wrong with a rule for versions."""
        self.idle.append(sentence)
        self.waiting.append(sentence)
