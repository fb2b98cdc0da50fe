"""Values that name things: repositories, pull requests, people, images, platforms."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, StringConstraints

__all__ = ["IMAGE_REFERENCE", "Actor", "Digest", "ImageRef", "Platform", "PullRequest", "Repo", "Value", "same_account"]

type Digest = str
"""`algorithm:hex`, as the OCI image specification writes it."""

# Grammar of the OCI distribution specification and of github.com/distribution/reference, anchored.
_DOMAIN = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
IMAGE_REFERENCE = re.compile(
    rf"(?P<name>(?:{_DOMAIN}/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
"""`registry/path:tag@digest`, with groups name, tag and digest. Match it in full."""


class Value(BaseModel):
    """A frozen value: equal when its fields are equal, hashable, closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Repo(Value):
    """One repository on one forge instance.

    `instance` is the name of the configured instance; a source leaves it empty and the service fills it in, because
    a delivery does not know how its receiver is configured. `path` is the full name on the forge (`owner/name`,
    `rpms/demo`, `fork/alice/demo`). `forge_id` is the forge's own id, which survives a rename. `private` is None when
    the delivery did not say; unknown is treated as private.
    """

    path: str
    instance: str = ""
    forge_id: str | None = None
    private: bool | None = None
    default_branch: str | None = None


class Actor(Value):
    """Who did something: the login and, where the forge tells, its own id for the account."""

    login: str
    id: str | None = None
    bot: bool = False


def same_account(one: Actor, other: Actor) -> bool:
    """Whether two values mean one account: by the forge's id where both have it, else by login, letter for letter.

    This decides about rights, so a bot's `x[bot]` is not the person `x`.
    """
    if one.id and other.id:
        return one.id == other.id
    return one.login == other.login


class PullRequest(Value):
    """The state of a pull request as the forge tells it now (or told it in a delivery)."""

    number: int
    title: str
    author: Actor
    head_sha: str
    head_branch: str
    base_branch: str
    head_repo: str | None = None
    """Full path of the repository the head branch lies in; None when it was deleted."""
    body: str = ""
    state: Literal["open", "closed", "merged"] = "open"
    draft: bool = False
    labels: tuple[str, ...] = ()
    url: str = ""
    from_fork: bool = False


_PLATFORM_PART = r"^[a-z0-9._-]{1,32}$"
type _PlatformPart = Annotated[str, StringConstraints(pattern=_PLATFORM_PART)]


class Platform(Value):
    """An OCI platform: `linux/amd64`, `linux/arm/v7`. Images name their own, so only such words are taken."""

    os: _PlatformPart
    architecture: _PlatformPart
    variant: _PlatformPart | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `os/architecture[/variant]`.

        Raises ValueError when the text is not of that form.
        """
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(re.fullmatch(r"[a-z0-9._-]{1,32}", part) for part in parts):
            raise ValueError(f"{text!r} is not a platform; write os/architecture, for example linux/amd64")
        return cls(os=parts[0], architecture=parts[1], variant=parts[2] if len(parts) == 3 else None)

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class ImageRef(Value):
    """A reference to an image: `registry/path[:tag][@digest]`.

    `registry` is empty when the text named none (a short name). A colon after the last slash starts the tag, so
    `host:5000/x` has no tag.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reference as written in a FROM line.

        Raises ValueError when the text is not a reference.
        """
        match = IMAGE_REFERENCE.fullmatch(text) if len(text) <= 512 else None
        if match is None:
            raise ValueError(f"{text[:80]!r} is not an image reference; write registry/path:tag")
        first, slash, rest = match["name"].partition("/")
        has_registry = bool(slash) and ("." in first or ":" in first or first == "localhost")
        return cls(
            registry=first if has_registry else "",
            repository=rest if has_registry else match["name"],
            tag=match["tag"],
            digest=match["digest"],
        )

    @property
    def name(self) -> str:
        """The reference without tag and digest, as it would be written."""
        return f"{self.registry}/{self.repository}" if self.registry else self.repository

    def with_tag(self, tag: str | None, digest: Digest | None = None) -> Self:
        """The same image at another tag, and at `digest` or at none."""
        return self.model_copy(update={"tag": tag, "digest": digest})

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"
