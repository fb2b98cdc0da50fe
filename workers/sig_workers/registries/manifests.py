"""Reading what the distribution API answers: manifests, indexes, config blobs, digests (OCI image specification 1.1)."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from sig_bots.errors import ForgeError
from sig_bots.refs import Digest, Platform
from sig_bots.tools import ImageDetails, Manifest

__all__ = [
    "ACCEPT",
    "check_digest",
    "check_form",
    "config_digest",
    "layer_digests",
    "layers_size",
    "parse_config",
    "parse_json",
    "parse_manifest",
    "sha256",
]

_INDEX = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_IMAGE = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
ACCEPT = ", ".join((*_INDEX, *_IMAGE))
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


def sha256(content: bytes) -> Digest:
    """The digest of the bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def check_form(digest: Digest, what: str) -> None:
    """Raise ForgeError unless the text is a digest, of a kind we can verify: it becomes part of an address."""
    if not _DIGEST.fullmatch(digest):
        raise ForgeError(f"{what} has a digest of an unknown kind: {digest[:100]!a}.")


def check_digest(content: bytes, digest: Digest, what: str) -> None:
    """Raise ForgeError unless the bytes have this digest."""
    check_form(digest, what)
    algorithm, _, value = digest.partition(":")
    if hashlib.new(algorithm, content).hexdigest() != value:
        raise ForgeError(f"{what}: the registry's answer does not have the digest it claims; nothing was used of it.")


def parse_json(content: bytes, what: str) -> dict[str, Any]:
    """The JSON object. Raises ForgeError for anything else, however deep or broken."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ForgeError(f"{what}: the registry's answer is not what the distribution API promises.")
    return document


def parse_manifest(content: bytes, media_type: str, what: str) -> Manifest:
    """An index with its platforms (attestations, `unknown/unknown`, left out) or one image's manifest.

    Raises ForgeError for schema 1, artifacts that are no image, and anything malformed.
    """
    document = parse_json(content, what)
    kind = str(document.get("mediaType") or media_type.partition(";")[0].strip())
    if document.get("schemaVersion") != 2:
        raise ForgeError(f"{what} is stored in the retired schema 1 format; push it again with a current tool.")
    if kind in _INDEX or "manifests" in document:
        return Manifest(digest=sha256(content), media_type=kind, platforms=_platforms(document, what))
    if kind not in _IMAGE and "config" not in document:
        raise ForgeError(f"{what} is not an image but {kind[:100]!a}.")
    return Manifest(digest=sha256(content), media_type=kind)


def _platforms(document: dict[str, Any], what: str) -> dict[str, Digest]:
    found: dict[str, Digest] = {}
    rows = document.get("manifests")
    if not isinstance(rows, list) or len(rows) > 1000:
        raise ForgeError(f"{what}: the index has no readable list of platforms.")
    for row in rows:
        platform = row.get("platform") if isinstance(row, dict) else None
        if not isinstance(platform, dict):
            continue
        name = "/".join(str(platform[key]) for key in ("os", "architecture", "variant") if platform.get(key))
        digest = row.get("digest")
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest) or _attestation(row, platform):
            continue
        try:
            found.setdefault(str(Platform.parse(name)), digest)  # the first one wins, as with the builders
        except ValueError:
            continue
    if not found:
        raise ForgeError(f"{what}: the index offers no platform.")
    return found


def _attestation(row: dict[str, Any], platform: dict[str, Any]) -> bool:
    annotations = row.get("annotations")
    marked = isinstance(annotations, dict) and annotations.get("vnd.docker.reference.type") == "attestation-manifest"
    return marked or "unknown" in (platform.get("os"), platform.get("architecture"))


def config_digest(content: bytes) -> Digest | None:
    """Digest of the config blob an image manifest names; None when it names none."""
    config = parse_json(content, "A manifest").get("config")
    digest = config.get("digest") if isinstance(config, dict) else None
    return digest if isinstance(digest, str) and _DIGEST.fullmatch(digest) else None


def layer_digests(content: bytes, what: str) -> list[Digest]:
    """Digests of the layers an image manifest names, the oldest first. Raises ForgeError."""
    layers = parse_json(content, what).get("layers")
    found = [layer.get("digest") if isinstance(layer, dict) else None for layer in layers or ()]
    if not isinstance(layers, list) or not all(isinstance(one, str) and _DIGEST.fullmatch(one) for one in found):
        raise ForgeError(f"{what}: the manifest has no readable list of layers.")
    if any("encrypted" in str(layer.get("mediaType")) for layer in layers):
        raise ForgeError(f"{what}: its layers are encrypted.")
    return [str(one) for one in found]


def layers_size(content: bytes, what: str) -> int | None:
    """Bytes of the layers an image manifest names, as the registry holds them; None when it does not say. Raises ForgeError."""
    layers = parse_json(content, what).get("layers")
    sizes = [row.get("size") for row in layers if isinstance(row, dict)] if isinstance(layers, list) else []
    numbers = [size for size in sizes if type(size) is int and 0 <= size < 2**50]
    return sum(numbers) if numbers and len(numbers) == len(sizes) else None


def parse_config(content: bytes, what: str) -> ImageDetails:
    """Platform, creation time and labels of a config blob. Raises ForgeError."""
    document = parse_json(content, what)
    inner = document.get("config")
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    try:
        platform = Platform(
            os=document.get("os") or "linux",
            architecture=document.get("architecture") or "amd64",
            variant=document.get("variant") or None,
        )
        pairs = labels.items() if isinstance(labels, dict) else ()
        return ImageDetails(
            platform=platform,
            created=_time(document.get("created")),
            labels={str(key): str(value) for key, value in pairs},
        )
    except ValidationError:
        raise ForgeError(f"{what}: the image's config is malformed.") from None


def _time(text: object) -> datetime | None:
    # Go writes up to nine digits of a second, Python reads six.
    try:
        time = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(text)))
    except ValueError:
        return None
    return time if time.tzinfo else None
