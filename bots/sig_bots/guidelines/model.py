"""What a rule is: data a person can read (why, where to read more, an example), a check, and where one exists a fix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from sig_bots.guidelines.document import Document

__all__ = ["BODY", "Edit", "Hit", "Rule", "Severity", "quoted"]

type Severity = Literal["error", "warning", "info", "style"]

GUIDELINES = "https://docs.fedoraproject.org/en-US/containers/guidelines/creation/"
"""The Fedora guidelines for making container images, which most rules follow."""

_LABELS = 'LABEL name="demo" version="1" summary="A demonstration" maintainer="sig@example.org"'
_ORIGIN = 'LABEL com.redhat.component="demo" usage="podman run demo"'

BODY = f'FROM quay.io/fedora/fedora:42\n{_LABELS}\n{_ORIGIN}\n{{example}}\nUSER 1001\nCMD ["/usr/bin/demo"]\n'
"""An example stands in a file that is otherwise without a finding, at the place of `{example}`."""


class Edit(NamedTuple):
    """Replace the bytes from `start` to `end` by `text`."""

    start: int
    end: int
    text: bytes


class Hit(NamedTuple):
    """A place where a file breaks a rule. Lines count from 1; `end_line` is the last line the matter concerns."""

    line: int
    end_line: int
    message: str
    edits: tuple[Edit, ...] = ()
    """What would mend it; empty when a person has to decide."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Its `id` is for ever; text, examples and documentation page are made from the other fields."""

    id: str
    severity: Severity
    title: str
    reason: str
    """Why it matters, for somebody who has never heard of it."""
    link: str
    bad: str
    """Lines that break this rule and no other, put into `frame`."""
    good: str
    """The same lines as they should be."""
    check: Callable[[Document], Iterable[Hit]]
    frame: str = BODY
    whole_file: bool = False
    """It is about what the file lacks, so no single line is to blame."""
    image_only: bool = False
    """It is about the image as published: stages that are not part of it do as they like, whatever hadolint says."""
    hadolint: tuple[str, ...] = ()
    """Rules of hadolint on the same matter: their findings and their ignore comments count as this rule's."""
    colin: tuple[str, ...] = ()
    """Checks of colin on the same matter."""

    def example(self, lines: str) -> bytes:
        """The file an example stands for."""
        return self.frame.replace("{example}", lines).encode()


def quoted(text: str, limit: int = 60) -> str:
    """A piece of the file in a message: one printable line in backticks, which nothing inside it can end."""
    plain = "".join(char if char.isprintable() else "�" for char in text).replace("`", "'")
    return f"`{plain if len(plain) <= limit else plain[: limit - 1] + '…'}`"
