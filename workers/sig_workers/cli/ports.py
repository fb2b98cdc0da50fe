"""Free ports of 127.0.0.1."""

from __future__ import annotations

import socket

from sig_workers.cli.options import fail

__all__ = ["free_port"]


def free_port(wanted: int) -> int:
    """The wanted port, or the next free one above it. Ends the command with a sentence when there is none."""
    for port in range(wanted, min(wanted + 200, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return fail(f"no free port from {wanted} on; name another with --port")
