"""Publish a small image made of given files, without a builder: the start of the example fleet.

Speaks the push part of the OCI distribution specification (monolithic uploads) to a registry on loopback.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from datetime import datetime

import httpx

from sig_bots.errors import Transient
from sig_bots.refs import Digest, ImageRef
from sig_workers.unreachable import why_unreachable

__all__ = ["publish"]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def publish(
    image: ImageRef, files: Mapping[str, bytes], platforms: Sequence[str] = ("linux/amd64",),
    created: datetime | None = None,
) -> Digest:  # fmt: skip
    """Push an image with one layer that holds the files; an index when there are several platforms.

    `created` is its date; it has none by default. Returns the digest the tag points at. Raises Transient when the registry does not take it.
    """
    layer = _layer(files)
    base = f"http://{image.registry}/v2/{image.repository}"
    try:
        with httpx.Client(timeout=10, trust_env=False) as client:
            _blob(client, base, layer)
            members = [
                _manifest(client, base, layer, platform, image.tag if len(platforms) == 1 else None, created)
                for platform in platforms
            ]
            if len(members) == 1:
                return str(members[0]["digest"])
            body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": members}).encode()
            return _put(client, f"{base}/manifests/{image.tag}", INDEX, body)
    except httpx.HTTPError as error:
        raise Transient(f"registry {image.registry} did not take {image}: {why_unreachable(error)}") from error


def _layer(files: Mapping[str, bytes]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return output.getvalue()


def _manifest(
    client: httpx.Client, base: str, layer: bytes, platform: str, tag: str | None, created: datetime | None
) -> dict[str, object]:
    system, architecture = platform.split("/")[:2]
    config = json.dumps(
        {
            "os": system, "architecture": architecture, "config": {},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            # Optional by the specification, but buildah cannot commit the child of a child of an image without it.
            "history": [{"created_by": "sigbot seed"}],
        } | ({"created": created.isoformat()} if created else {})
    ).encode()  # fmt: skip
    _blob(client, base, config)
    body = json.dumps(
        {
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": _digest(config), "size": len(config)},
            "layers": [{"mediaType": LAYER, "digest": _digest(layer), "size": len(layer)}],
        }
    ).encode()  # fmt: skip
    digest = _put(client, f"{base}/manifests/{tag or _digest(body)}", MANIFEST, body)
    return {
        "mediaType": MANIFEST, "digest": digest, "size": len(body),
        "platform": {"os": system, "architecture": architecture},
    }  # fmt: skip


def _blob(client: httpx.Client, base: str, content: bytes) -> None:
    started = client.post(f"{base}/blobs/uploads/")
    started.raise_for_status()
    place = httpx.URL(base).join(started.headers["Location"])
    answer = client.put(place.copy_merge_params({"digest": _digest(content)}), content=content)
    answer.raise_for_status()


def _put(client: httpx.Client, url: str, media_type: str, body: bytes) -> Digest:
    client.put(url, content=body, headers={"Content-Type": media_type}).raise_for_status()
    return _digest(body)


def _digest(content: bytes) -> Digest:
    return "sha256:" + hashlib.sha256(content).hexdigest()
