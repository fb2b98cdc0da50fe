"""Which addresses git may talk to: only a configured instance's own, and never the inside of our network by accident."""

from __future__ import annotations

import ipaddress
import os
import re
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from sig_bots.errors import ForgeError
from sig_workers.addresses import addresses_of, is_public

__all__ = ["CloneUrl", "check_clone_url", "local_clone_url"]

_PORTS = {"https": 443, "http": 80}
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\\]")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


@dataclass(frozen=True)
class CloneUrl:
    """A checked address. Made by `check_clone_url` and `local_clone_url` only."""

    url: str
    scheme: str
    """https, http or file."""
    origin: str
    """`scheme://host[:port]`, where credentials may go; empty for a local path."""
    host: str = ""
    """`host[:port]`, as it is named in sentences; empty for a local path."""
    pin: str = ""
    """`host:port:address` for git's `http.curloptResolve`: the address that was checked is the one connected to."""


def check_clone_url(
    url: str, instance_origin: str, allow_http: bool = False, allow_private_network: bool = False
) -> CloneUrl:
    """Check an address that a forge or an event gave against the configured instance.

    `instance_origin` is `scheme://host[:port]` of the instance. Raises ForgeError when the address is not allowed
    (the text never repeats credentials), Transient when the host name does not resolve at the moment.
    """
    parts = _split(url)
    origin = _split(instance_origin)
    if parts.scheme == "http" and not allow_http:
        raise ForgeError(
            "The repository's address uses plain http, which this instance does not allow; "
            "set allow_http for the instance in sigbot.toml, or use https."
        )
    if _origin(parts) != _origin(origin):
        raise ForgeError(
            f"The repository's address {_origin(parts)} is not on the configured instance {_origin(origin)}; "
            "only repositories of that instance are fetched."
        )
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    return CloneUrl(
        url=url,
        scheme=parts.scheme,
        origin=_origin(parts),
        host=parts.netloc.lower(),
        pin=_pin(parts, host, port, allow_private_network),
    )


def local_clone_url(path: Path, inside: Path) -> CloneUrl:
    """A repository of the local forge, given by its path.

    Raises ForgeError when the path, links followed, does not lie inside the data folder `inside`.
    """
    real, folder = path.resolve(), inside.resolve()
    if not real.is_relative_to(folder) or real == folder:
        raise ForgeError(f"The repository {path.name!r} does not lie inside the data folder.")
    return CloneUrl(url=str(real), scheme="file", origin="")


def _split(url: str) -> SplitResult:
    if len(url) > 2048 or _FORBIDDEN.search(url):
        raise ForgeError("The repository's address is too long or holds characters that no address has.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ForgeError("The repository's address is not a URL.") from None
    if "::" in url.split("/", 1)[0] or parts.scheme not in _PORTS:
        raise ForgeError("The repository's address must start with https://; other schemes are never followed.")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise ForgeError("The repository's address holds a user name or password; credentials belong in sigbot.toml.")
    if not _HOST.fullmatch((parts.netloc.rsplit(":", 1)[0] if port else parts.netloc).lower()):
        raise ForgeError("The repository's address has no valid host name.")
    if parts.query or parts.fragment:
        raise ForgeError("The repository's address must not have a query or a fragment.")
    return parts


def _origin(parts: SplitResult) -> str:
    port = parts.port
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != _PORTS[parts.scheme] else "")


def _pin(parts: SplitResult, host: str, port: int, allow_private: bool) -> str:
    if _proxied(parts.scheme, host):
        return ""  # the egress proxy resolves the name and decides
    addresses = addresses_of(host, port)
    if not allow_private:
        for address in addresses:
            if not is_public(address):
                raise ForgeError(
                    f"{host} resolves to {address}, which is not a public address; "
                    "set allow_private_network for the instance in sigbot.toml if that is meant."
                )
    if _is_address(host):
        return ""
    address = addresses[0]
    return f"{host}:{port}:{f'[{address}]' if ':' in address else address}"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _proxied(scheme: str, host: str) -> bool:
    # git is given only these variables (see sig_workers.git), so only they count here.
    names = ("https_proxy", "HTTPS_PROXY") if scheme == "https" else ("http_proxy",)
    return any(os.environ.get(name) for name in names) and not urllib.request.proxy_bypass(host)
