from __future__ import annotations

import pytest

from sig_bots.containerfile.shortnames import DOCKER, resolve
from sig_bots.refs import ImageRef


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("fedora:41", "registry.fedoraproject.org/fedora:41"),
        ("fedora-minimal", "registry.fedoraproject.org/fedora-minimal"),
        ("centos:stream9", "quay.io/centos/centos:stream9"),
        ("ubi9", "registry.access.redhat.com/ubi9"),
        ("ubi8/ubi-minimal:8.10", "registry.access.redhat.com/ubi8-minimal:8.10"),
        ("ubi9/python-312:1", "registry.access.redhat.com/ubi9/python-312:1"),
        ("ubi10-minimal", "registry.access.redhat.com/ubi10-minimal"),
        ("rhel7", "registry.access.redhat.com/rhel7"),
        ("python:3.12", "docker.io/library/python:3.12"),
        ("someone/thing", "docker.io/someone/thing"),
        ("ubiquiti/unifi", "docker.io/ubiquiti/unifi"),
        ("docker.io/python", "docker.io/library/python"),
        ("index.docker.io/someone/thing", "docker.io/someone/thing"),
        ("quay.io/a/b:1", "quay.io/a/b:1"),
        ("localhost:5000/x", "localhost:5000/x"),
    ],
)
def test_short_names_are_completed_as_podman_does(short: str, full: str) -> None:
    assert str(resolve(ImageRef.parse(short))) == full


def test_docker_takes_everything_short_from_its_hub() -> None:
    assert str(resolve(ImageRef.parse("fedora:41"), DOCKER)) == "docker.io/library/fedora:41"
    assert str(resolve(ImageRef.parse("ubi9"), DOCKER)) == "docker.io/library/ubi9"


def test_a_repository_can_have_its_own_aliases() -> None:
    assert str(resolve(ImageRef.parse("base:1"), {"base": "quay.io/sig/base"})) == "quay.io/sig/base:1"


def test_tag_and_digest_stay() -> None:
    text = "fedora:41@sha256:" + "a" * 64
    assert str(resolve(ImageRef.parse(text))) == f"registry.fedoraproject.org/{text}"
