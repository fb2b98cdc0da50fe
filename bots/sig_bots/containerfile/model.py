"""What a Containerfile says about images: references and problems, as values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from sig_bots.containerfile.variables import Piece
from sig_bots.refs import Digest, ImageRef

__all__ = ["Kind", "Problem", "Reference"]

type Kind = Literal["base", "builder", "copy", "mount"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a builder refuses. Lines count from 1."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


class Reference(NamedTuple):
    """A use of an image of a registry. Stage names, stage numbers and `scratch` are not uses of an image.

    `instruction` is the keyword the image is used by, upper case; for `ONBUILD COPY --from=...` it is `COPY` and
    `onbuild` is set. `start`:`end` are the bytes of the word where the image is used, also when that is `$ARG`
    (behind `--from=` and `from=` only the value). `edit_start`:`edit_end` are the bytes an edit replaces: the whole
    word (inside its quotes), the default of an ARG, or, in a word put together from several pieces, the first piece
    with a number in it behind the image's name, one held by an ARG or a default first. `edit` handles words with
    several such places. When nothing can be edited there, they are those of the word.
    """

    instruction: str
    start: int
    end: int
    edit_start: int
    edit_end: int
    editable: bool
    reason: str
    """Why it is not editable, a sentence; empty when it is."""
    line: int
    text: str
    """The word as written."""
    stage: str
    """Name of the stage it is used in (lower case), or the stage's number when it has no name."""
    resolved: str | None
    """The text with variables replaced by the file's defaults; None when that cannot be known from the file."""
    kind: Kind
    """`base`: what the last stage is made FROM, through other stages; `builder`: any other FROM."""
    tag: str | None = None
    digest: Digest | None = None
    platform: str | None = None
    """Value of FROM's `--platform`, as written."""
    onbuild: bool = False
    args: tuple[str, ...] = ()
    """ARGs whose defaults an edit would change."""
    pieces: tuple[Piece, ...] = ()
    """The resolved text in stretches, with where each is written; what `edit` works on."""

    shared: bool = False
    """Whether it is not editable by itself only because its ARG feeds a different image too: see `edit_together`."""

    @property
    def image(self) -> ImageRef | None:
        """The resolved text as a reference, as written (short names stay short); None when it is not one."""
        return None if self.resolved is None else _image(self.resolved)


@lru_cache(maxsize=1024)
def _image(text: str) -> ImageRef | None:
    try:
        return ImageRef.parse(text)
    except ValueError:
        return None
