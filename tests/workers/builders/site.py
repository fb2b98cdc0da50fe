"""A builder with a registry: builds are started as a job starts them, and waited for."""

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sig_bots.refs import ImageRef, Platform
from sig_bots.tools import BuildHandle, BuildSpec, BuildStatus
from sig_workers.builders.buildah import BuildahBuilder
from sig_workers.registries.client import RegistryClient
from tests.servers.programs import program
from tests.servers.registry import Registry

AMD64, ARM64 = Platform.parse("linux/amd64"), Platform.parse("linux/arm64")
LIMIT = timedelta(seconds=90)


class Site:
    """A builder, its registry, and a base image with busybox in it."""

    def __init__(self, folder: Path, registry: Registry, **options: Any) -> None:
        self.folder, self.registry = folder, registry
        self.data = folder / "data"
        self.builder = BuildahBuilder(self.data, insecure_hosts=[registry.host], **options)
        self.client = RegistryClient(insecure_hosts=[registry.host])

    def image(self, name: str) -> ImageRef:
        return ImageRef.parse(f"{self.registry.host}/{name}")

    def start(self, name: str, text: str, files: dict[str, bytes] | None = None, **fields: Any) -> BuildHandle:
        key = fields.pop("key", name)
        root = self.folder / "trees" / name.replace(":", "-")
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        for path, content in {"Containerfile": text.encode(), **(files or {})}.items():
            (root / path).write_bytes(content)
            (root / path).chmod(0o755)
        options = {"time_limit": LIMIT, "created": datetime(2024, 1, 1, tzinfo=UTC), **fields}
        handle = self.builder.start(BuildSpec(image=self.image(name), root=root, **options), key=key)
        shutil.rmtree(root)
        return handle

    def wait(self, handle: BuildHandle) -> BuildStatus:
        end = time.monotonic() + 100
        while (status := self.builder.poll(handle)).state == "running":
            assert time.monotonic() < end
            time.sleep(0.05)
        return status

    def build(self, *arguments: Any, **fields: Any) -> BuildStatus:
        self.handle = self.start(*arguments, **fields)
        return self.wait(self.handle)

    def log(self) -> str:
        return "\n".join(self.builder.logs(self.handle))


def busybox() -> dict[str, bytes]:
    return {"busybox": Path(program("busybox")).read_bytes()}
