"""Checksums beside a version are known by their name or by standing in what uses the version."""

from __future__ import annotations

import pytest

from sig_bots.checksums import checksums_beside
from sig_bots.containerfile.assignments import assignments

SUM = "a" * 64


def beside(name: str, more: str) -> list[str]:
    data = f"FROM a\nARG {name}=1.2\n{more}\n".encode(errors="surrogateescape")
    return checksums_beside(data, assignments(data)[0])


@pytest.mark.parametrize(
    ("name", "more", "found"),
    [
        ("NODE_VERSION", "ARG NODE_SHA256=x", "3: ARG NODE_SHA256"),
        ("NODE_VERSION", "ENV NODE_SHA256_ARM64 x", "3: ENV NODE_SHA256_ARM64"),
        ("NODE_VERSION", "ARG SHA256_NODE=x", "3: ARG SHA256_NODE"),
        ("NODE_VERSION", "ARG NODE_VERSION_SHA512=x", "3: ARG NODE_VERSION_SHA512"),
        ("NODE_VER", "ARG NODE_CHECKSUM=x", "3: ARG NODE_CHECKSUM"),
        ("node_version", "ARG node_md5=x", "3: ARG node_md5"),
        ("VERSION", "ARG SHA256=x", "3: ARG SHA256"),
        ("VERSION", "ARG VERSION_HASH=x", "3: ARG VERSION_HASH"),
        ("VERSION", "ARG CURL_SHA256=x", None),
        ("NODE_VERSION", "ARG CURL_SHA256=x", None),
        ("NODE_VERSION", "ARG NODE_MIRROR=x", None),
        ("NODE_VERSION", "LABEL node_sha256=x", None),
        ("X", f"ADD --checksum=sha256:{SUM} https://a.example/$X.tgz /", "3: ADD"),
        ("X", "ADD --checksum=sha256:$X_SHA https://a.example/$X.tgz /", None),
        ("X", f"ADD --checksum=sha256:{SUM} https://a.example/$Y.tgz /", None),
        ("X", f'RUN get ${{X}} \\\n && echo "{SUM}  x" | sha256sum -c', "3: RUN"),
        ("X", f"RUN <<EOF\nget ${{X%.*}}\necho {SUM * 2}\nEOF", "3: RUN"),
        ("X", f"RUN get $XY && echo {SUM}", None),
        ("X", f"RUN get $X && echo {SUM}f", None),
        ("X", "RUN get $X", None),
    ],
)
def test_a_checksum_of_the_version_is_found(name: str, more: str, found: str | None) -> None:
    assert beside(name, more) == ([found] if found else [])


def test_at_most_twelve_are_named() -> None:
    assert len(beside("N_VERSION", "\n".join(f"ARG N_SHA256_{number}=x" for number in range(30)))) == 12


@pytest.mark.parametrize("name", ["a(b", "[", "\\", "+", "\udcff"])
def test_any_name_can_be_asked_about(name: str) -> None:
    assert beside(name, "RUN x") == []
