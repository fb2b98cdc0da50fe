"""Containerfiles of everyday size and style for the benches, made from a seed."""

from __future__ import annotations

import random

BASES = [
    "registry.fedoraproject.org/fedora:41", "quay.io/centos/centos:stream9", "docker.io/library/golang:1.22-alpine3.20",
    "registry.access.redhat.com/ubi9/ubi-minimal:9.4-1227.1726694542", "python:3.12-slim", "node:20", "debian:12",
    "quay.io/fedora/fedora-minimal:42", "alpine:3.20", "registry.fedoraproject.org/fedora-toolbox:42",
]  # fmt: skip
PACKAGES = [
    "curl",
    "git",
    "make",
    "gcc",
    "openssl",
    "ca-certificates",
    "tar",
    "gzip",
    "findutils",
    "procps-ng",
    "python3-devel",
    "libffi",
    "rsync",
]


def containerfile(rng: random.Random) -> bytes:
    """One file: header, ARGs, one to three stages, about 2 kB."""
    lines = ["# syntax=docker/dockerfile:1"] if rng.random() < 0.2 else []
    lines += ["# Built by the release job.", "# See README for the build arguments.", ""]
    tag = rng.random() < 0.4
    if tag:
        lines += [f"ARG VERSION={rng.randint(38, 43)}", "ARG REGISTRY=registry.fedoraproject.org", ""]
    for number in range(rng.choice([1, 1, 2, 2, 3])):
        base = "${REGISTRY}/fedora:${VERSION}" if tag and number == 0 else rng.choice(BASES)
        lines += [f"FROM {base} AS stage{number}", ""]
        lines += _stage(rng, number)
    lines += ["EXPOSE 8080", "USER 1001", 'ENTRYPOINT ["/usr/bin/entry"]', 'CMD ["--serve", "--port", "8080"]']
    return ("\n".join(lines) + "\n").encode()


def _stage(rng: random.Random, number: int) -> list[str]:
    lines = [
        'LABEL name="demo" \\', '      version="1.2.3" \\', '      summary="A demonstration image" \\',
        '      maintainer="SIG <sig@example.org>"', "",
        "ENV LANG=C.UTF-8 \\", "    APP_ROOT=/opt/app", "",
    ]  # fmt: skip
    lines += ["# Packages first, they change least.", "RUN dnf -y install \\"]
    lines += [f"        {name} \\" for name in rng.sample(PACKAGES, rng.randint(3, 9))]
    lines += ["    && dnf clean all \\", "    && rm -rf /var/cache/dnf", "", "WORKDIR /opt/app"]
    lines += [f"COPY src/{name} /opt/app/{name}" for name in rng.sample(PACKAGES, rng.randint(1, 5))]
    if number:
        lines.append(f"COPY --from=stage{number - 1} /opt/app/bin /usr/local/bin")
    if rng.random() < 0.15:
        lines.append("COPY --from=quay.io/skopeo/stable:v1.16 /usr/bin/skopeo /usr/bin/")
    if rng.random() < 0.15:
        lines.append(
            "RUN --mount=type=cache,target=/var/cache/app --mount=type=bind,from=busybox:1.36,target=/b make all"
        )
    if rng.random() < 0.15:
        lines += ["RUN <<EOF", "set -e", "make install", "EOF"]
    lines += ["RUN useradd -u 1001 app && chown -R app /opt/app", "VOLUME /data", ""]
    return lines


def corpus(count: int, seed: int = 1) -> list[bytes]:
    """`count` files, the same for the same seed."""
    rng = random.Random(seed)
    return [containerfile(rng) for _ in range(count)]
