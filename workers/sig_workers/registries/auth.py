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

__all__ = ["AuthFile", "Challenge", "Login", "find_login", "parse_challenge", "read_auth_file"]

_DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")


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


@dataclass(frozen=True)
class AuthFile:
    """What a containers auth.json holds."""

    logins: Mapping[str, Login]
    """By registry host, or by host and path prefix."""
    unusable: Mapping[str, str]
    """The same keys -> why the login there cannot be used; a sentence for the person who asks for such an image."""


def read_auth_file(path: Path) -> AuthFile:
    """Read a containers `auth.json` or a Docker `config.json` (containers-auth.json(5)).

    Programs that give out credentials (`credHelpers`, `credsStore`) are never run, and identity tokens need a protocol
    of their own: such entries are remembered as unusable. Raises UserError when the file cannot be read or is not of that
    form; the text never repeats its content.
    """
    try:
        document = json.loads(path.read_bytes())
        entries = {_place(key): dict(value) for key, value in document.get("auths", {}).items()}
        logins = {key: Login.from_base64(value["auth"]) for key, value in entries.items() if value.get("auth")}
        helpers = {_place(host): str(name) for host, name in document.get("credHelpers", {}).items()}
        if store := document.get("credsStore"):
            helpers = {**{key: str(store) for key in entries if key not in logins}, **helpers}
        unusable = {
            key: f"the login for {key} is kept by the program docker-credential-{name[:60]!a}, which is never run"
            for key, name in helpers.items()
        } | {
            key: f"the login for {key} is an identity token, which is not supported"
            for key, value in entries.items()
            if value.get("identitytoken")
        }
    except OSError as error:
        raise UserError(f"The registry credentials {path} cannot be read: {error.strerror}.") from None
    except (ValueError, AttributeError, TypeError, KeyError, binascii.Error):
        raise UserError(f"The registry credentials {path} are not in the format of containers auth.json.") from None
    return AuthFile(logins, unusable)


def _place(key: str) -> str:
    # Docker wrote whole addresses of the API: https://quay.io/v1/
    bare = key.removeprefix("https://").removeprefix("http://").rstrip("/")
    return re.sub(r"^([^/]+)/v[12]$", r"\1", bare)


def find_login[T](logins: Mapping[str, T], registry: str, repository: str) -> T | None:
    """What stands under the longest matching `registry[/path]`; whole path components only."""
    hosts = [registry, *(_DOCKER_HUB if registry in _DOCKER_HUB else ())]
    parts = repository.split("/")
    for length in range(len(parts), -1, -1):
        for host in hosts:
            found = logins.get("/".join([host, *parts[:length]]))
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
