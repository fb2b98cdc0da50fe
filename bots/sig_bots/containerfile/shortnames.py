"""Short image names -> full ones, the way podman (containers/shortnames) or Docker completes them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sig_bots.refs import ImageRef

__all__ = ["DEFAULT", "DOCKER", "resolve"]

_HUB = "docker.io"
_RED_HAT = re.compile(r"(?:rhel[0-9]*|ubi[0-9]+)(?:[-.][a-z0-9.-]+)?(?:/[a-z0-9._/-]+)?")

DEFAULT: Mapping[str, str] = {
    "fedora": "registry.fedoraproject.org/fedora",
    "fedora-minimal": "registry.fedoraproject.org/fedora-minimal",
    "fedora-toolbox": "registry.fedoraproject.org/fedora-toolbox",
    "centos": "quay.io/centos/centos",
    "buildah": "quay.io/buildah/stable",
    "podman": "quay.io/podman/stable",
    "skopeo": "quay.io/skopeo/stable",
    "oraclelinux": "container-registry.oracle.com/os/oraclelinux",
    "opensuse/busybox": "registry.opensuse.org/opensuse/busybox",
    "opensuse/leap": "registry.opensuse.org/opensuse/leap",
    "opensuse/tumbleweed": "registry.opensuse.org/opensuse/tumbleweed",
    "leap": "registry.opensuse.org/opensuse/leap",
    "tumbleweed": "registry.opensuse.org/opensuse/tumbleweed",
    "suse/sle15": "registry.suse.com/suse/sle15",
    "sle15": "registry.suse.com/suse/sle15",
    "ubi8/ubi-minimal": "registry.access.redhat.com/ubi8-minimal",
    "ubi8/ubi-init": "registry.access.redhat.com/ubi8-init",
    "ubi8/ubi-micro": "registry.access.redhat.com/ubi8-micro",
    "rhel*": "registry.access.redhat.com",
    "ubi*": "registry.access.redhat.com",
}
"""What podman on Fedora and RHEL takes the well-known short names for. `rhel*` and `ubi*` stand for the families
(`ubi9`, `ubi9-minimal`, `ubi9/python-312`), which keep their name."""

DOCKER: Mapping[str, str] = {}
"""Docker knows no aliases: everything short is on Docker Hub."""


def resolve(image: ImageRef, aliases: Mapping[str, str] = DEFAULT) -> ImageRef:
    """The image with its registry; tag and digest stay.

    An image that has a registry is returned as it is, except that Docker Hub's own short form
    (`docker.io/fedora`) gets its `library/`. Names without an alias are Docker Hub's.
    """
    if image.registry in (_HUB, "index.docker.io"):
        return _at(image, _HUB, _hub_path(image.repository))
    if image.registry:
        return image
    full = aliases.get(image.repository)
    if full is not None:
        registry, _, path = full.partition("/")
        return _at(image, registry, path)
    family = aliases.get(f"{image.repository[:4]}*") or aliases.get(f"{image.repository[:3]}*")
    if family is not None and _RED_HAT.fullmatch(image.repository):
        return _at(image, family, image.repository)
    return _at(image, _HUB, _hub_path(image.repository))


def _hub_path(path: str) -> str:
    return path if "/" in path else f"library/{path}"


def _at(image: ImageRef, registry: str, path: str) -> ImageRef:
    return image.model_copy(update={"registry": registry, "repository": path})
