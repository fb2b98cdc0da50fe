"""What is handed to the supervisor of one build: the order on disk, the logins through a pipe, the state on disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sig_bots.refs import Platform
from sig_bots.tools import BuildSpec, BuildStatus

__all__ = ["LEFT", "RESULT", "BuildLimits", "Kept", "Logins", "Order", "read_status", "write_status"]


RESULT = "result"
"""Folder in a build's own where a result to keep lies."""
LEFT = ("storage", "layout", "source", "tmp", "home", "run")
"""What is in a build's folder only while it runs."""


class BuildLimits(BaseModel):
    """What one build may use. Time is the specification's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    disk: int = 8 << 30
    """Bytes of its whole folder: storage, temporary files, log."""
    log: int = 8 << 20
    """Bytes of its log; what comes after is dropped."""


class Kept(BaseModel):
    """The result of an earlier build of the same job, which lies on this host."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: Path
    """OCI image layout; the image of `linux/arm/v7` has the name `linux-arm-v7` in it."""
    image: str
    """What was built, for people."""
    platforms: tuple[str, ...]

    def place(self, platform: Platform) -> str:
        """The image of one platform, as containers-transports(5) writes it."""
        return f"oci:{self.layout}:{str(platform).replace('/', '-')}"


class Order(BaseModel):
    """One build. Holds no secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: BuildSpec
    """`root` is the job's own copy of the context, `context` and `containerfile` are relative to it."""
    limits: BuildLimits
    buildah: str
    storage_driver: str
    fenced: bool
    insecure_hosts: tuple[str, ...] = ()
    ca_files: Mapping[str, Path] = {}
    """Authorities of their own that registries have, by host."""
    mirrors: Mapping[str, str] = {}
    kept: Mapping[str, Kept] = {}
    """What stands for the references of `spec.parents`."""


class Logins(BaseModel):
    """Registry logins, `host[/path]` to `user:password` in base64, as auth.json has them. Never on disk as a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pull: Mapping[str, str] = {}
    push: Mapping[str, str] = {}


def write_status(folder: Path, status: BuildStatus) -> None:
    """Replace the state of the build in one step."""
    fresh = folder / f".status-{os.getpid()}"
    fresh.write_text(status.model_dump_json())
    fresh.replace(folder / "status.json")


def read_status(folder: Path) -> BuildStatus | None:
    """The final state, None while there is none."""
    try:
        return BuildStatus.model_validate_json((folder / "status.json").read_bytes())
    except FileNotFoundError:
        return None
