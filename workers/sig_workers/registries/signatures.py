"""Signatures of images as `cosign sign --key` leaves them in the registry (cosign's SIGNATURE_SPEC, simple signing).

The tag `sha256-<hex>.sig` beside the image names a manifest; each layer of it is a small JSON document about one digest,
and its annotation holds an ECDSA signature over that document. Nothing else is read: no certificates, no transparency
log, no bundles kept as referrers.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sig_bots.errors import ForgeError, UserError
from sig_bots.refs import ImageRef
from sig_workers.registries.manifests import parse_json, sha256
from sig_workers.registries.questions import Questions

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

__all__ = ["SignatureKey"]

_PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
_SIGNATURE = "dev.cosignproject.cosign/signature"
_TYPE = "cosign container image signature"
_MOST = 20
_PAYLOAD_LIMIT = 64 << 10


class SignatureKey:
    """A public key, and what it has signed."""

    def __init__(self, file: Path) -> None:
        """`file`: PEM of an ECDSA public key on P-256 (`cosign generate-key-pair`). Raises UserError for anything else."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            content = file.read_bytes()
            key = load_pem_public_key(content)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no public key in PEM form"
            raise UserError(f"The key {file} (`verify` of a `[[registry]]`) cannot be used: {why}.") from None
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise UserError(f"The key {file} (`verify` of a `[[registry]]`) cannot be used: it is not ECDSA on P-256.")
        self._key: EllipticCurvePublicKey = key
        self.fingerprint = sha256(content)

    def problem(self, image: ImageRef, ask: Questions) -> str:
        """Why the image's digest does not count as signed with this key, as the rest of a sentence; empty when it does.

        Raises Transient, ForgeError when the registry does not let us look.
        """
        place = image.with_tag(f"{str(image.digest).replace(':', '-')}.sig", None)
        document = ask.manifest(place)
        if document is None:
            return "it is not signed"
        layers = parse_json(document.body, str(place)).get("layers")
        for layer in (layers if isinstance(layers, list) else [])[:_MOST]:
            if self._signed(layer, image, ask):
                return ""
        return "none of its signatures is by the key this registry's images must be signed with"

    def _signed(self, layer: Any, image: ImageRef, ask: Questions) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        if not isinstance(layer, dict) or layer.get("mediaType") != _PAYLOAD:
            return False
        annotations = layer.get("annotations")
        text = annotations.get(_SIGNATURE) if isinstance(annotations, dict) else None
        try:
            signature = base64.b64decode(text or "", validate=True)
            payload = ask.blob(image, str(layer.get("digest")), _PAYLOAD_LIMIT)
            self._key.verify(signature, payload, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, binascii.Error, ValueError, TypeError, ForgeError):
            return False
        return _about(payload) == image.digest


def _about(payload: bytes) -> object:
    """The digest that a payload vouches for."""
    try:
        critical = parse_json(payload, "A signature").get("critical")
    except ForgeError:
        return None
    if not isinstance(critical, dict) or critical.get("type") != _TYPE:
        return None
    image = critical.get("image")
    return image.get("docker-manifest-digest") if isinstance(image, dict) else None
