"""Who knows the advisories of a distribution, and under which name.

OSV: the table of ecosystems in the OSV schema; Bodhi: the names of its releases.
"""

from __future__ import annotations

import re
from typing import Literal

from sig_bots.packages import Distribution, PackageList

__all__ = ["bodhi_release", "named_by", "osv_ecosystems", "osv_of_both"]

_ENTERPRISE = ("rhel", "centos", "rocky", "almalinux")
_RED_HAT = ":redhat:"


def osv_ecosystems(system: Distribution) -> tuple[str, ...]:
    """OSV's names of the distribution's release; none when OSV does not have it."""
    major, _, rest = system.version.partition(".")
    numbered = re.fullmatch(r"[0-9]+(\.[0-9]+)*", system.version) is not None
    if not numbered:
        return ("openSUSE:Tumbleweed",) if system.id == "opensuse-tumbleweed" else ()
    minor = rest.partition(".")[0]
    found = {
        "debian": f"Debian:{major}",
        # Long-term support comes in April of even years, and is part of the name.
        "ubuntu": f"Ubuntu:{system.version}" + (":LTS" if minor == "04" and int(major[:3]) % 2 == 0 else ""),
        "alpine": f"Alpine:v{major}.{minor}",
        "rocky": f"Rocky Linux:{major}",
        "almalinux": f"AlmaLinux:{major}",
        "opensuse-leap": f"openSUSE:Leap {major}.{minor}",
    }.get(system.id)
    if system.id == "rhel":
        # The product's CPE; an image of the base system has packages of the application stream as well. From 10 on
        # the records name the minor release, where the image's own CPE does not.
        product = system.cpe.partition(_RED_HAT)[2] or f"enterprise_linux:{major}::baseos"
        minors = (f"enterprise_linux:{major}.{minor or 0}",) if int(major[:3]) >= 10 else ()
        streams = (*minors, product, product.replace("::baseos", "::appstream"))
        return tuple(f"Red Hat:{one}" for one in dict.fromkeys(streams))
    return (found,) if found else ()


def osv_of_both(old: Distribution, new: Distribution) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """OSV's names for an old and a new image; the minor releases of one Red Hat are asked about together.

    A fix is published for the minor release that is current then. Releases of the others have fixes of their own.
    """
    was, now = osv_ecosystems(old), osv_ecosystems(new)
    if old.id == new.id == "rhel" and old.version.partition(".")[0] == new.version.partition(".")[0]:
        was = now = tuple(dict.fromkeys((*was, *now)))
    return was, now


def named_by(system: Distribution) -> Literal["source", "binary"]:
    """Whether OSV's records of the distribution name source packages, or the installed ones as Red Hat's and Alma's do."""
    return "binary" if system.id in ("rhel", "almalinux") else "source"


def bodhi_release(listed: PackageList) -> str:
    """Bodhi's name of the release: F42; EPEL-9 for an enterprise Linux that has EPEL's repository; else empty."""
    system = listed.distribution
    if system is None or not re.match(r"[0-9]", system.version):
        return ""
    major = system.version.partition(".")[0]
    if system.id == "fedora":
        return f"F{major}"
    if system.id in _ENTERPRISE and any(one.name == "epel-release" for one in listed.packages):
        return f"EPEL-{major}"
    return ""
