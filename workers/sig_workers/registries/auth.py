"""Credentials for registries, from the containers auth.json file, and the challenges registries answer with."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sig_bots.errors import UserError

__all__ = ["Challenge", "Login", "find_login", "parse_challenge", "read_auth_file"]

_DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io", "https://index.docker.io/v1/")


@dataclass(frozen=True)
class Login:
    """User name and password or token for one registry."""

    username: str
    password: str = field(repr=False)

    @classmethod
    def from_base64(cls, text: str) -> Login:
        """Read `user:password` in base64. Raises ValueError."""
        name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
        return cls(name, password.rstrip("\0"))

    @property
    def basic(self) -> str:
        """Value of an Authorization header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True)
class Challenge:
    """A WWW-Authenticate header: scheme in lower case, and its parameters."""

    scheme: str
    parameters: Mapping[str, str]


def read_auth_file(path: Path) -> dict[str, Login]:
    """Logins by registry host, or by host and path prefix (containers-auth.json(5)).

    Raises UserError when the file cannot be read or is not of that form; the text never repeats its content.
    """
    try:
        auths = json.loads(path.read_bytes()).get("auths", {})
        entries = {key: value["auth"] for key, value in auths.items() if value.get("auth")}
        logins = {}
        for key, value in entries.items():
            logins[key.removeprefix("https://").removeprefix("http://").rstrip("/")] = Login.from_base64(value)
    except OSError as error:
        raise UserError(f"The registry credentials {path} cannot be read: {error.strerror}.") from None
    except (ValueError, AttributeError, TypeError, KeyError, binascii.Error):
        raise UserError(f"The registry credentials {path} are not in the format of containers auth.json.") from None
    return logins


def find_login(logins: Mapping[str, Login], registry: str, repository: str) -> Login | None:
    """The login for the longest matching `registry[/path]`; whole path components only."""
    hosts = [registry, *(_DOCKER_HUB if registry in _DOCKER_HUB else ())]
    parts = repository.split("/")
    for length in range(len(parts), -1, -1):
        for host in hosts:
            found = logins.get("/".join([host, *parts[:length]]).removeprefix("https://").rstrip("/"))
            if found is not None:
                return found
    return None


def parse_challenge(header: str) -> Challenge:
    """Read one challenge (RFC 9110, 11.6.1); of several the first Bearer, else the first."""
    found = []
    for match in re.finditer(
        r'([A-Za-z][A-Za-z0-9-]*)(?=\s+[a-z_]+\s*=)((?:\s*,?\s*[A-Za-z_]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s,"]+))+)',
        header[:4096],
    ):
        pairs = re.findall(r'([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))', match[2])
        found.append(Challenge(match[1].lower(), {key.lower(): quoted or plain for key, quoted, plain in pairs}))
    for challenge in found:
        if challenge.scheme == "bearer":
            return challenge
    return found[0] if found else Challenge(header.strip().split(" ", 1)[0].lower(), {})
