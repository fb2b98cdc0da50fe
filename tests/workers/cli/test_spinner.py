"""Lines and the spinner share a terminal: each line begins on a line of its own."""

import os
import pty
import subprocess
import sys

SCRIPT = """
import time
from sig_workers.cli.output import busy, console, say
with busy("waiting") as spin:
    for number in range(4):
        time.sleep(0.15)
        spin(f"waiting for {number}")
        console().print(f"line {number}")
    say("last")
"""


def test_a_line_never_begins_behind_the_spinner() -> None:
    ours, theirs = pty.openpty()
    env = os.environ | {"TERM": "xterm-256color"}
    subprocess.run([sys.executable, "-c", SCRIPT], stdin=theirs, stdout=theirs, stderr=theirs, env=env, check=True)
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 65536):
            written += piece
    except OSError:  # how Linux says that the other end is closed
        os.close(ours)
    assert b"waiting for" in written
    for line in (b"line 0", b"line 1", b"line 2", b"line 3", b"last"):
        assert b"\r\x1b[2K" + line in written
