"""One entry of `images:` in `.sigbot.yaml`: an image the repository publishes, and how it is built."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from sig_bots.bot import BotConfig
from sig_bots.messages import code
from sig_bots.refs import ImageRef, Platform

__all__ = ["PRIVILEGED", "ImageSpec"]

PRIVILEGED: dict[str, Any] = {"privileged": True}
"""`json_schema_extra` of a setting that is never taken from a pull request's own file."""

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)


def _image_name(text: str) -> str:
    try:
        image = ImageRef.parse(text)
    except ValueError:
        image = None
    if image is None and text != text.lower():
        raise ValueError(f"must be in lower case, as all names of images are, not {code(text)}")
    if image is None or not image.registry or image.tag or image.digest:
        raise ValueError(f"must be registry/path without tag, as in quay.io/fedora/httpd, not {code(text)}")
    return text


def _tag(text: str) -> str:
    if not _TAG.fullmatch(text):
        raise ValueError(f"must be a tag (letters, digits, `_`, `.`, `-`; at most 128), not {code(text)}")
    return text


def _inside(text: str) -> str:
    path = PurePosixPath(text)
    if not text or path.is_absolute() or ".." in path.parts or not text.isprintable() or "\\" in text:
        raise ValueError(f"must be a path inside the repository, without `..`, not {code(text)}")
    return str(path)


def _platform(text: str) -> str:
    try:
        return str(Platform.parse(text))
    except ValueError:
        raise ValueError(f"must be os/architecture, as in linux/amd64, not {code(text)}") from None


class ImageSpec(BotConfig):
    """One image the repository publishes. Paths are relative to the root of the repository."""

    name: Annotated[str, AfterValidator(_image_name)] = Field(
        description="Where the image is published: registry/path", json_schema_extra=PRIVILEGED
    )
    tag: Annotated[str, AfterValidator(_tag)] = Field(
        "latest", description="Tag it is published under", json_schema_extra=PRIVILEGED
    )
    containerfile: Annotated[str, AfterValidator(_inside)] = Field(
        "Containerfile", description="The file it is built from; by default Containerfile in the context"
    )
    context: Annotated[str, AfterValidator(_inside)] = Field(
        ".", description="The build context; by default the folder of the Containerfile"
    )
    platforms: tuple[Annotated[str, AfterValidator(_platform)], ...] = Field(
        (),
        description="os/architecture, for example linux/arm64; by default the builder's own",
        json_schema_extra=PRIVILEGED,
    )
    smoke: tuple[str, ...] = Field((), description="Command run in the built image: a list of words, no shell")
    network: bool = Field(False, description="Whether RUN may use the network", json_schema_extra=PRIVILEGED)

    @model_validator(mode="before")
    @classmethod
    def _place(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        containerfile, context = data.get("containerfile"), data.get("context")
        if isinstance(containerfile, str) and context is None:
            return {**data, "context": str(PurePosixPath(containerfile).parent)}
        if isinstance(context, str) and containerfile is None:
            return {**data, "containerfile": str(PurePosixPath(context) / "Containerfile")}
        return data

    @property
    def ref(self) -> ImageRef:
        """The reference it is published under."""
        return ImageRef.parse(self.name).with_tag(self.tag)
