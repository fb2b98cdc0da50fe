"""What really lies in a registry: a tag's digest, the labels and the files of its image, asked over the distribution API."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

_MANIFEST = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True)
class SeenImage:
    """An image as anybody can pull it: `files` by path, the upper layers' over the lower ones'."""

    digest: str
    labels: Mapping[str, str]
    files: Mapping[str, bytes]


def look_at(url: str, name: str, tag: str) -> SeenImage | None:
    """The image of a tag in the registry at `url`; None when it is not there. Every blob is checked against its digest."""
    with httpx.Client(base_url=f"{url}/v2/{name}", timeout=10, trust_env=False) as client:
        answer = client.get(f"/manifests/{tag}", headers={"Accept": _MANIFEST})
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        manifest = answer.json()
        config = httpx.Response(200, content=_blob(client, manifest["config"]["digest"])).json()
        files: dict[str, bytes] = {}
        for layer in manifest["layers"]:
            files |= _files(_blob(client, layer["digest"]))
        return SeenImage(answer.headers["Docker-Content-Digest"], config["config"].get("Labels") or {}, files)


def _blob(client: httpx.Client, digest: str) -> bytes:
    content = client.get(f"/blobs/{digest}", follow_redirects=True).raise_for_status().content
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == digest
    return content


def _files(layer: bytes) -> dict[str, bytes]:
    plain = gzip.decompress(layer) if layer.startswith(b"\x1f\x8b") else layer
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        found = {entry.name: archive.extractfile(entry) for entry in archive if entry.isfile()}
        return {name: content.read() for name, content in found.items() if content is not None}
