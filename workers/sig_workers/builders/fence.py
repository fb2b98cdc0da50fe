"""The fence around everything a Containerfile runs: namespaces without network, other processes or their /proc.

buildah's chroot isolation is no sandbox: it shares network, processes and limits with its caller, and a process in it
that may chroot() can leave it. So buildah itself is started in namespaces of its own, and the capability is taken away.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import lru_cache

__all__ = ["DROPPED", "fence", "why_not"]

# --kill-child and the pid namespace: when the fence is killed, everything inside dies, daemons in sessions of their own too.
_NAMESPACES = ("--pid", "--ipc", "--uts", "--mount", "--fork", "--kill-child", "--mount-proc")
DROPPED = ("CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_NET_RAW", "CAP_AUDIT_WRITE")
"""Capabilities a RUN does not get on top of those that buildah leaves out anyway."""


def fence(buildah: str, *, network: bool) -> list[str]:
    """Words to put before a buildah command. Only for an ordinary user a user namespace comes around it."""
    inner = ["unshare", *(() if network else ("--net",)), *_NAMESPACES, "--"]
    return inner if os.geteuid() == 0 else [buildah, "unshare", "--", *inner]


@lru_cache
def why_not(buildah: str) -> str | None:
    """None when the fence can be set up on this host, else what is in the way (a part of a sentence)."""
    if shutil.which("unshare") is None:
        return "the program unshare is missing (package util-linux)"
    try:
        done = subprocess.run(
            [*fence(buildah, network=False), "true"], capture_output=True, timeout=20, check=False,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (subprocess.TimeoutExpired, OSError):
        return "namespaces cannot be made"
    if done.returncode == 0:
        return None
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"namespaces cannot be made: {lines[-1][:200]}" if lines else "namespaces cannot be made"
