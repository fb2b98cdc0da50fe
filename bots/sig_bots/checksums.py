"""Checksums that belong to a version: they stand beside it in the Containerfile, and nobody can compute the new ones here."""

from __future__ import annotations

import re

from sig_bots.containerfile.assignments import Assignment, assignments
from sig_bots.containerfile.lexer import Instruction, lex

__all__ = ["checksums_beside"]

_CHECKSUM = frozenset({
    "SHA", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "SHASUM", "SHA1SUM", "SHA256SUM", "SHA512SUM", "MD5", "MD5SUM",
    "SUM", "CHECKSUM", "CHECKSUMS", "HASH", "DIGEST", "B2SUM", "BLAKE2", "INTEGRITY",
})  # fmt: skip
_VERSION = frozenset({"VERSION", "VER", "RELEASE", "TAG", "REV"})
_HEX = re.compile(rb"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{128}|[0-9a-fA-F]{96}|[0-9a-fA-F]{64})(?![0-9a-fA-F])")
_MOST = 12


def checksums_beside(data: bytes, version: Assignment) -> list[str]:
    """Where checksums stand that are of the present version, as `4: ARG NODE_SHA256`; at most twelve.

    They are known by a name that is like the version's (NODE_SHA256 beside NODE_VERSION), or because they stand literally in
    an instruction that uses the variable (`ADD --checksum=`, a RUN that compares).
    """
    if version.keyword == "LABEL":
        return []
    stem = [word for word in _words(version.name) if word not in _VERSION]
    found = [
        f"{one.line}: {one.what}"
        for one in assignments(data)
        if one.keyword != "LABEL" and one.name != version.name and _belongs(_words(one.name), stem)
    ]
    name = re.escape(version.name.encode(errors="surrogateescape"))
    use = re.compile(rb"\$(?:%(n)s(?![A-Za-z0-9_])|\{%(n)s[^A-Za-z0-9_])" % {b"n": name})
    found += [
        f"{instruction.line}: {instruction.keyword}"
        for instruction in lex(data)
        if instruction.keyword in ("RUN", "ADD", "COPY") and use.search(instruction.raw) and _literal(instruction)
    ]
    return list(dict.fromkeys(found))[:_MOST]


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[_.-]+", name.upper()) if word]


def _belongs(name: list[str], stem: list[str]) -> bool:
    """NODE_SHA256_ARM64 and SHA256_NODE belong to NODE; SHA256 alone to a name without a stem (VERSION)."""
    rest = [word for word in name if word not in _CHECKSUM]
    if len(rest) == len(name):
        return False
    return rest[: len(stem)] == stem if stem else not [word for word in rest if word not in _VERSION]


def _literal(instruction: Instruction) -> bool:
    checksum = instruction.flag("checksum") if instruction.keyword == "ADD" else None
    return "$" not in checksum if checksum else _HEX.search(instruction.raw) is not None
