"""Free ports of 127.0.0.1."""

from __future__ import annotations

import socket

import click

from sig_workers.cli.options import fail
from sig_workers.cli.output import say

__all__ = ["PORT", "free_port", "own_port"]


class Port(click.IntRange):
    """A TCP port; 0 stands for any free one."""

    name = "port number"


PORT = click.option(
    "--port", default=8080, show_default=True, type=Port(0, 65535),
    help="Port on 127.0.0.1; the next free one when it is taken, any free one for 0.",
)  # fmt: skip


def own_port(wanted: int) -> int:
    """The port the service takes: as wanted, any free one for 0, else the next free one, which is then said."""
    if wanted == 0:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])
    port = free_port(wanted)
    if port != wanted:
        say(f"Port {wanted} is taken; sigbot takes {port}.", "yellow")
    return port


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
