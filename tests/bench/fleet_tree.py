"""A fleet to scan: Containerfiles below a folder, and the images they use in a real registry. The same for the same numbers."""

from __future__ import annotations

import hashlib
import http.client
import json
import random
from pathlib import Path
from typing import Any

IMAGES = 50
VERSIONS = 29
VARIANTS = ("", "-alpine")
CHANNELS = ("latest", "edge")
"""With 29 versions in two variants they make 60 tags."""

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = {
    "architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": []},
    "created": "2026-01-01T00:00:00Z",
}  # fmt: skip


def image(number: int) -> str:
    """Path of one of the images."""
    return f"fleet/app{number}"


def version(number: int) -> str:
    """Versions of one major, so that nobody proposes two at once."""
    return f"2.{number // 4}.{number % 4}"


def publish(port: int) -> None:
    """Put all images with all tags into the registry on loopback; each tag is a manifest of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    layer = b"not a layer that anybody unpacks"
    for number in range(IMAGES):
        base = f"/v2/{image(number)}"
        config = json.dumps(_CONFIG | {"author": image(number)}).encode()
        parts = [_blob(connection, base, "application/vnd.oci.image.config.v1+json", config)]
        parts.append(_blob(connection, base, "application/vnd.oci.image.layer.v1.tar", layer))
        for tag in [version(one) + variant for one in range(VERSIONS) for variant in VARIANTS] + [*CHANNELS]:
            manifest = {
                "schemaVersion": 2, "mediaType": _MANIFEST, "config": parts[0], "layers": parts[1:], "annotations": {"tag": tag}
            }  # fmt: skip
            _put(connection, f"{base}/manifests/{tag}", _MANIFEST, json.dumps(manifest).encode())
    connection.close()


def _blob(connection: http.client.HTTPConnection, base: str, media_type: str, content: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    connection.request("POST", f"{base}/blobs/uploads/")
    answer = connection.getresponse()
    answer.read()
    place = answer.headers["Location"]
    _put(connection, f"{place}{'&' if '?' in place else '?'}digest={digest}", "application/octet-stream", content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _put(connection: http.client.HTTPConnection, url: str, media_type: str, content: bytes) -> None:
    connection.request("PUT", url, content, {"Content-Type": media_type})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 201:
        raise RuntimeError(f"the registry answered {answer.status} to {url}")


def write_tree(folder: Path, host: str, files: int) -> None:
    """`files` plain Dockerfiles with one or two FROM lines each, on any tag of any of the images; a third has two."""
    chance = random.Random(files)
    for number in range(files):
        place = folder / f"team{number % 40}" / f"service{number}" / "Dockerfile"
        place.parent.mkdir(parents=True)
        place.write_text(_containerfile(chance, host), encoding="utf-8")


def _containerfile(chance: random.Random, host: str) -> str:
    def base() -> str:
        tag = version(chance.randrange(VERSIONS)) + chance.choice(VARIANTS)
        return f"{host}/{image(chance.randrange(IMAGES))}:{tag}"

    lines = ["# A service of the fleet."]
    if chance.random() < 1 / 3:
        lines += [f"FROM {base()} AS build", "WORKDIR /src", "COPY . .", "RUN make all \\", "    && make install", ""]
    lines += [
        f"FROM {base()}", 'LABEL maintainer="SIG <sig@example.org>" \\', '      summary="One of many"', "",
        "RUN dnf -y install \\", "        curl \\", "        git \\", "    && dnf clean all", "COPY app /opt/app",
        "EXPOSE 8080", "USER 1001", 'ENTRYPOINT ["/opt/app/run"]', 'CMD ["--port", "8080"]',
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
