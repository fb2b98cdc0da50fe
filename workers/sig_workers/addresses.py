"""Which network addresses are everybody's, and which belong to the inside of a network."""

from __future__ import annotations

import ipaddress
import socket

from sig_bots.errors import Transient
from sig_workers.unreachable import why_unreachable

__all__ = ["addresses_of", "is_public"]


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses a host name stands for now, each once. Raises Transient (with `host`) when it does not resolve."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise Transient(f"{host} is not reachable ({why_unreachable(error)}).", host=host) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether an IP address is reachable for everybody (IANA's special-purpose registries, RFC 6890).

    Not loopback, link-local, private or multicast, nor an IPv6 form (mapped, 6to4, Teredo, NAT64) of such a one.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None and not inner.is_global:
            return False
        if parsed in ipaddress.ip_network("64:ff9b::/96") and not is_public(
            str(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF))
        ):
            return False
    return parsed.is_global and not parsed.is_multicast
