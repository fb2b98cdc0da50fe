"""What users of other updaters report about Containerfiles: the file, the images in it, and the edit they waited for.

A case names the report it was made after. Files are of our own, as small as shows the matter.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from sig_bots.containerfile import references
from sig_bots.fakes.registry import FakeRegistry
from sig_bots.refs import ImageRef
from sig_bots.updateconfig import UpdateConfig
from sig_bots.updatemoves import apply_moves
from sig_bots.updatescan import Scan
from sig_bots.updating import look_over

AMD, ARM = "linux/amd64", "linux/arm64"


class Report(NamedTuple):
    """A file, the images there are, what is read in it (None: not known from the file), and what becomes of it."""

    issues: str
    shows: str
    file: str
    images: str
    reads: list[str | None]
    becomes: str
    """Empty: it stays as it is."""


REPORTS = [
    Report("dependabot-core#2057 dependabot-core#4597 dependabot-core#4598 dependabot-core#4725", "a registry in an ARG hides nothing",
           "ARG HUB=quay.io\nFROM ${HUB}/docker:20.10.7-dind\n", "quay.io/docker:20.10.7-dind quay.io/docker:20.10.12-dind",
           ["quay.io/docker:20.10.7-dind"], "ARG HUB=quay.io\nFROM ${HUB}/docker:20.10.12-dind\n"),
    Report("dependabot-core#2057", "one ARG with the whole image feeds many stages",
           "ARG FROM_IMAGE=quay.io/o/ros2:1.4\nFROM $FROM_IMAGE AS cacher\nFROM $FROM_IMAGE AS builder\n", "quay.io/o/ros2:1.4 quay.io/o/ros2:1.5",
           ["quay.io/o/ros2:1.4"] * 2, "ARG FROM_IMAGE=quay.io/o/ros2:1.5\nFROM $FROM_IMAGE AS cacher\nFROM $FROM_IMAGE AS builder\n"),
    Report("dependabot-core#2057 nginxinc/nginx-s3-gateway#309", "a version in an ARG is edited where it is declared",
           "ARG NGINX_VERSION=1.27.0\nFROM docker.io/library/nginx:${NGINX_VERSION}\n", "docker.io/library/nginx:1.27.0 docker.io/library/nginx:1.27.1",
           ["docker.io/library/nginx:1.27.0"], "ARG NGINX_VERSION=1.27.1\nFROM docker.io/library/nginx:${NGINX_VERSION}\n"),
    Report("docker/cli#2223", "an ARG behind the first FROM is not seen by a later FROM",
           "FROM quay.io/a/b:1\nARG V=1\nFROM quay.io/a/c:$V\n", "quay.io/a/b:1 quay.io/a/c:1 quay.io/a/c:2", ["quay.io/a/b:1", None], ""),
    Report("dependabot-core#5103 dependabot-core#7640", "images in COPY --from and RUN --mount are updated",
           "FROM quay.io/a/b:3.20\nCOPY --from=quay.io/a/curl:8.8.0 /usr/bin/curl /usr/bin/curl\nRUN --mount=type=bind,from=quay.io/a/go:1.22,target=/go make\n",
           "quay.io/a/b:3.20 quay.io/a/curl:8.8.0 quay.io/a/curl:8.9.0 quay.io/a/go:1.22 quay.io/a/go:1.23",
           ["quay.io/a/b:3.20", "quay.io/a/curl:8.8.0", "quay.io/a/go:1.22"],
           "FROM quay.io/a/b:3.20\nCOPY --from=quay.io/a/curl:8.9.0 /usr/bin/curl /usr/bin/curl\nRUN --mount=type=bind,from=quay.io/a/go:1.23,target=/go make\n"),
    Report("dependabot-core#3261 dependabot-core#3173", "two variants of one image in one file keep their variants",
           "FROM quay.io/s/phoenix:1.4-builder AS b\nFROM quay.io/s/phoenix:1.4-runtime\n",
           "quay.io/s/phoenix:1.4-builder quay.io/s/phoenix:1.5-builder quay.io/s/phoenix:1.4-runtime quay.io/s/phoenix:1.5-runtime",
           ["quay.io/s/phoenix:1.4-builder", "quay.io/s/phoenix:1.4-runtime"],
           "FROM quay.io/s/phoenix:1.5-builder AS b\nFROM quay.io/s/phoenix:1.5-runtime\n"),
    Report("dependabot-core#3261", "a variant that is not out yet stays while the other moves",
           "FROM quay.io/s/phoenix:1.4-builder AS b\nFROM quay.io/s/phoenix:1.4-runtime\n",
           "quay.io/s/phoenix:1.4-builder quay.io/s/phoenix:1.5-builder quay.io/s/phoenix:1.4-runtime",
           ["quay.io/s/phoenix:1.4-builder", "quay.io/s/phoenix:1.4-runtime"],
           "FROM quay.io/s/phoenix:1.5-builder AS b\nFROM quay.io/s/phoenix:1.4-runtime\n"),
    Report("dependabot-core#6628 dependabot-core#1479 dependabot-core#1609", "one image at several tags: each is looked at by itself",
           "FROM quay.io/l/node:10.9.2-alpine AS build\nFROM quay.io/l/node:10.9.1-alpine AS other\nFROM quay.io/l/node:13.0.1-alpine\n",
           "quay.io/l/node:10.9.1-alpine quay.io/l/node:10.9.2-alpine quay.io/l/node:13.0.1-alpine",
           ["quay.io/l/node:10.9.2-alpine", "quay.io/l/node:10.9.1-alpine", "quay.io/l/node:13.0.1-alpine"],
           "FROM quay.io/l/node:13.0.1-alpine AS build\nFROM quay.io/l/node:13.0.1-alpine AS other\nFROM quay.io/l/node:13.0.1-alpine\n"),
    Report("dependabot-core#1362", "code names of a distribution stay",
           "FROM quay.io/l/ubuntu:disco-20190718 AS disco\nFROM quay.io/l/ubuntu:trusty-20180929\n",
           "quay.io/l/ubuntu:bionic-20190807 quay.io/l/ubuntu:disco-20190718 quay.io/l/ubuntu:disco-20190809 quay.io/l/ubuntu:trusty-20180929",
           ["quay.io/l/ubuntu:disco-20190718", "quay.io/l/ubuntu:trusty-20180929"],
           "FROM quay.io/l/ubuntu:disco-20190809 AS disco\nFROM quay.io/l/ubuntu:trusty-20180929\n"),
    Report("renovate#1011 renovate#1656", "the same image in several FROMs moves in all, stage names, case and comments stay",
           "FROM quay.io/l/node:6 As Builder\n# second\nfrom   quay.io/l/node:6   as second\nFROM quay.io/l/node:6\n", "quay.io/l/node:6 quay.io/l/node:8",
           ["quay.io/l/node:6"] * 3, "FROM quay.io/l/node:8 As Builder\n# second\nfrom   quay.io/l/node:8   as second\nFROM quay.io/l/node:8\n"),
    Report("salesforce/dockerfile-image-update#35", "AS and the stage's name are not lost",
           "FROM quay.io/a/b:1 AS build-env\nRUN make\nFROM scratch\nCOPY --from=build-env /x /x\n", "quay.io/a/b:1 quay.io/a/b:2",
           ["quay.io/a/b:1"], "FROM quay.io/a/b:2 AS build-env\nRUN make\nFROM scratch\nCOPY --from=build-env /x /x\n"),
    Report("renovate#18061", "one ARG of two FROMs is changed once",
           "ARG V=1.1\nFROM quay.io/a/b:$V AS x\nFROM quay.io/a/b:$V\n", "quay.io/a/b:1.1 quay.io/a/b:1.2", ["quay.io/a/b:1.1"] * 2,
           "ARG V=1.2\nFROM quay.io/a/b:$V AS x\nFROM quay.io/a/b:$V\n"),
    Report("renovate#45908 renovate#45909", "a tag of two ARGs moves as a pair that exists",
           "ARG A=3.12\nARG B=3.20\nFROM quay.io/l/python:${A}-alpine${B}\n",
           "quay.io/l/python:3.12-alpine3.20 quay.io/l/python:3.13-alpine3.21 quay.io/l/python:3.14-alpine3.19", ["quay.io/l/python:3.12-alpine3.20"],
           "ARG A=3.13\nARG B=3.21\nFROM quay.io/l/python:${A}-alpine${B}\n"),
    Report("zwave-js/zwave-js-ui#4817", "an ARG of two images moves only when both are there",
           "ARG V=3.20\nFROM quay.io/l/node:22-alpine${V} AS x\nFROM quay.io/l/alpine:${V}\n",
           "quay.io/l/node:22-alpine3.20 quay.io/l/node:22-alpine3.21 quay.io/l/alpine:3.20 quay.io/l/alpine:3.21 quay.io/l/alpine:3.22",
           ["quay.io/l/node:22-alpine3.20", "quay.io/l/alpine:3.20"],
           "ARG V=3.21\nFROM quay.io/l/node:22-alpine${V} AS x\nFROM quay.io/l/alpine:${V}\n"),
    Report("konflux-ci/build-definitions#1200", "a here-document with FROM in it is no FROM",
           "FROM quay.io/a/b:1\nRUN <<EOF\nFROM quay.io/a/b:1\nEOF\nRUN cat <<'E' > Dockerfile\nFROM quay.io/a/b:1\nE\n", "quay.io/a/b:1 quay.io/a/b:2",
           ["quay.io/a/b:1"], "FROM quay.io/a/b:2\nRUN <<EOF\nFROM quay.io/a/b:1\nEOF\nRUN cat <<'E' > Dockerfile\nFROM quay.io/a/b:1\nE\n"),
]  # fmt: skip


def publish(names: str) -> FakeRegistry:
    registry = FakeRegistry()
    for name in names.split():
        registry.publish(name, {"name": name.encode()}, (AMD, ARM))
    return registry


def digest(registry: FakeRegistry, name: str) -> str:
    found = registry.digest(ImageRef.parse(name))
    assert found is not None
    return found


def updated(registry: FakeRegistry, file: str, config: UpdateConfig | None = None) -> tuple[str, Scan]:
    files = {"Containerfile": file.encode()}
    scan = look_over(registry, files, config)
    changes, _, refused = apply_moves([move for group in scan.moves.values() for move in group], files)
    assert refused == []
    return changes.get("Containerfile", file.encode()).decode(), scan


@pytest.mark.parametrize("report", REPORTS, ids=[f"{one.issues}: {one.shows}" for one in REPORTS])
def test_what_was_reported_elsewhere_is_right_here(report: Report) -> None:
    assert [use.resolved for use in references(report.file.encode())] == report.reads
    after, _ = updated(publish(report.images), report.file)
    assert after == (report.becomes or report.file)
    assert updated(publish(report.images), after)[0] == after


def test_a_digest_moves_with_its_tag_and_two_tags_of_one_image_stay_apart() -> None:
    """dependabot-core#4480: `centos:7@…` and `centos:8@…` in one file; only a newer digest of 7 moves the first."""
    registry = publish("quay.io/c/centos:seven quay.io/c/centos:eight")
    old = digest(registry, "quay.io/c/centos:seven")
    kept = digest(registry, "quay.io/c/centos:eight")
    new = registry.publish("quay.io/c/centos:seven", {"name": b"again"}, (AMD, ARM))
    file = f"FROM quay.io/c/centos:seven@{old}\nFROM quay.io/c/centos:eight@{kept}\n"
    assert updated(registry, file)[0] == file.replace(old, new)


def test_an_index_stays_an_index_and_one_platform_stays_that_platform() -> None:
    """dependabot-core#8609, renovate#9786, renovate#11409, updatecli#1603, konflux-ci/build-definitions#2952."""
    registry = publish("quay.io/a/b:1 quay.io/a/b:2")
    old, new = (digest(registry, f"quay.io/a/b:{tag}") for tag in "12")
    of_old, of_new = (registry.manifests[one].platforms[ARM] for one in (old, new))
    assert updated(registry, f"FROM quay.io/a/b:1@{old}\n")[0] == f"FROM quay.io/a/b:2@{new}\n"
    assert updated(registry, f"FROM quay.io/a/b:1@{of_old}\n")[0] == f"FROM quay.io/a/b:2@{of_new}\n"


def test_an_image_that_lost_a_platform_is_not_proposed_and_the_reason_is_told() -> None:
    """microsoft/go#2313, dotnet/docker-tools#1681, docker-library/official-images#3835, buildah#3456."""
    registry = publish("quay.io/a/b:1")
    registry.publish("quay.io/a/b:2", {"name": b"2"}, (ARM,))
    registry.publish("quay.io/a/b:3", {"name": b"3"}, (ARM, "linux/s390x"))
    after, scan = updated(registry, "FROM quay.io/a/b:1\n")
    assert after == "FROM quay.io/a/b:1\n"
    assert "the index of 3 lacks linux/amd64" in scan.kept[0]


def test_a_newer_index_that_is_the_same_for_the_platforms_in_use_moves_nothing() -> None:
    """dependabot-core#15081, dependabot-core#14072, docker-library/official-images#18385."""
    registry = publish("quay.io/a/b:1")
    old = digest(registry, "quay.io/a/b:1")
    registry.publish("quay.io/a/b:1", {"name": b"quay.io/a/b:1"}, (AMD, ARM, "linux/s390x"))
    assert digest(registry, "quay.io/a/b:1") != old
    after, scan = updated(registry, f"FROM quay.io/a/b:1@{old}\n")
    assert after == f"FROM quay.io/a/b:1@{old}\n"
    assert "holds the same for linux/amd64, linux/arm64" in scan.kept[0]


def test_a_shared_arg_never_gets_a_digest() -> None:
    """zwave-js/zwave-js-ui#4817: the digest of one image, appended to the ARG of two, broke every platform."""
    registry = publish("quay.io/l/node:22-alpine3.20 quay.io/l/alpine:3.20")
    file = "ARG V=3.20\nFROM quay.io/l/node:22-alpine${V} AS x\nFROM quay.io/l/alpine:${V}\n"
    assert updated(registry, file, UpdateConfig(pin_digests=True))[0] == file


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("fedora", "registry.fedoraproject.org/fedora"), ("centos", "quay.io/centos/centos"),
        ("ubi9-minimal", "registry.access.redhat.com/ubi9-minimal"), ("ubi9/python-312", "registry.access.redhat.com/ubi9/python-312"),
        ("ubi8/ubi-minimal", "registry.access.redhat.com/ubi8-minimal"), ("alpine", "docker.io/library/alpine"),
        ("team/app", "docker.io/team/app"), ("localhost:5000/x", "localhost:5000/x"), ("docker.io/alpine", "docker.io/library/alpine"),
    ],
)  # fmt: skip
def test_a_short_name_is_looked_up_where_podman_finds_it_and_stays_as_written(written: str, asked: str) -> None:
    registry = publish(f"{asked}:1.1 {asked}:1.2")
    assert updated(registry, f"FROM {written}:1.1\n")[0] == f"FROM {written}:1.2\n"
    old = digest(registry, f"{asked}:1.2")
    new = registry.publish(f"{asked}:1.2", {"name": b"again"}, (AMD, ARM))
    assert updated(registry, f"FROM {written}:1.2@{old}\n")[0] == f"FROM {written}:1.2@{new}\n"
