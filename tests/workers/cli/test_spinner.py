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


BAR = """
from sig_workers.cli.output import progress
with progress("counting", 150) as seen:
    for number in range(150):
        seen(number + 1)
print("end")
"""


def shown(script: str) -> bytes:
    """What a terminal gets to see of a script."""
    ours, theirs = pty.openpty()
    env = os.environ | {"TERM": "xterm-256color"}
    subprocess.run([sys.executable, "-c", script], stdin=theirs, stdout=theirs, stderr=theirs, env=env, check=True)
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 65536):
            written += piece
    except OSError:  # how Linux says that the other end is closed
        os.close(ours)
    return written


def test_a_bar_counts_on_a_terminal_and_is_gone_at_the_end() -> None:
    written = shown(BAR)
    assert b"counting" in written
    assert b"150/150" in written
    assert written.endswith(b"\x1b[2Kend\r\n")


def test_no_bar_is_written_into_a_pipe() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BAR], capture_output=True, check=True, env=os.environ | {"FORCE_COLOR": "1"}
    )
    assert (done.stdout, done.stderr) == (b"end\n", b"")


def test_a_line_never_begins_behind_the_spinner() -> None:
    written = shown(SCRIPT)
    assert b"waiting for" in written
    for line in (b"line 0", b"line 1", b"line 2", b"line 3", b"last"):
        assert b"\r\x1b[2K" + line in written
