"""Rules about the images a file is made from."""

from __future__ import annotations

from collections.abc import Iterator

from sig_bots.containerfile import Reference
from sig_bots.containerfile.shortnames import resolve
from sig_bots.guidelines.document import Document
from sig_bots.guidelines.model import GUIDELINES, Edit, Hit, Rule, quoted
from sig_bots.refs import ImageRef

__all__ = ["RULES"]

_FRAME = (
    '{example}\nLABEL name="demo" version="1" summary="A demonstration" maintainer="sig@example.org"\n'
    'LABEL com.redhat.component="demo" usage="podman run demo"\nUSER 1001\nCMD ["/usr/bin/demo"]\n'
)
_FROM = f"{GUIDELINES}#_from"


def _images(document: Document) -> Iterator[tuple[Reference, ImageRef]]:
    """Uses of images whose full name can be known from the file; stages and `scratch` are none."""
    for reference in document.references:
        image = reference.image
        if image is not None:
            yield reference, image


def no_tag(document: Document) -> Iterator[Hit]:
    """Neither a tag nor a digest."""
    for reference, image in _images(document):
        if image.tag is None and image.digest is None:
            wanted = quoted(f"{image.name}:TAG")
            yield Hit(
                reference.line, reference.line, f"{quoted(reference.text)} has no tag; write {wanted} with its version"
            )


def latest(document: Document) -> Iterator[Hit]:
    """The tag latest, without a digest that would hold it still."""
    for reference, image in _images(document):
        if image.tag == "latest" and image.digest is None:
            text = (
                f"{quoted(reference.text)} is another image every week; write the tag of a version, or add its digest"
            )
            yield Hit(reference.line, reference.line, text)


def short_name(document: Document) -> Iterator[Hit]:
    """No registry in the name."""
    for reference, image in _images(document):
        if image.registry:
            continue
        full = resolve(image)
        text = f"{quoted(image.name)} names no registry; Podman on Fedora takes it for {quoted(full.name)}"
        yield Hit(reference.line, reference.line, text, _qualify(document, reference, image, full))


def _qualify(document: Document, reference: Reference, image: ImageRef, full: ImageRef) -> tuple[Edit, ...]:
    """Put the registry in front, where the name itself stands in the file and only needs something in front of it."""
    written = document.data.find(image.name.encode(), reference.start, reference.end)
    literal = written >= 0 and document.data[reference.start : written] in (b"", b'"', b"'")
    if not literal or not full.name.endswith(f"/{image.name}"):
        return ()
    return (Edit(written, written, full.name.removesuffix(image.name).encode()),)


RULES = (
    Rule(
        id="SIG001", severity="error", title="The base image has no tag",
        reason="Without a tag the newest image is taken at every build, so nobody can say what an image was made from, "
        "and no update can be proposed. The Fedora guidelines ask for registry, name and tag.",
        link=_FROM, bad="FROM quay.io/fedora/fedora", good="FROM quay.io/fedora/fedora:42",
        check=no_tag, frame=_FRAME, hadolint=("DL3006",), colin=("from_tag_not_latest",),
    ),
    Rule(
        id="SIG002", severity="warning", title="The base image is `latest`",
        reason="`latest` moves from one release to the next without a commit in your repository, and a build that worked "
        "yesterday breaks. A version, or a digest beside the tag, moves by pull request only.",
        link=_FROM, bad="FROM quay.io/fedora/fedora:latest", good="FROM quay.io/fedora/fedora:42",
        check=latest, frame=_FRAME, hadolint=("DL3007",), colin=("from_tag_not_latest",),
    ),
    Rule(
        id="SIG003", severity="error", title="The base image names no registry",
        reason="A short name means another image on each machine: Docker looks on Docker Hub, Podman in its list of short "
        "names. Whoever owns the name elsewhere owns your image. The fix writes what Podman on Fedora takes; look at it.",
        link=_FROM, bad="FROM fedora:42", good="FROM registry.fedoraproject.org/fedora:42",
        check=short_name, frame=_FRAME,
    ),
)  # fmt: skip
