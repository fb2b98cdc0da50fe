"""Run one program with limits: time, output, file size; its whole process group ends with it."""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

__all__ = ["Finished", "OutputTooLarge", "TimedOut", "run", "stop_group", "stream"]

_STDERR_LIMIT = 64 * 1024


class TimedOut(Exception):
    """The program did not end within its time limit and was killed."""


class OutputTooLarge(Exception):
    """The program wrote more than it may and was killed."""


@dataclass(frozen=True)
class Finished:
    """Exit code (negative: killed by that signal), whole standard output, the first 64 KiB of standard error."""

    code: int
    stdout: bytes
    stderr: bytes


def stop_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and everything in its session's group, and reap it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    time_limit: float,
    output_limit: int,
    stdin: bytes = b"",
    cwd: Path | None = None,
    file_limit: int | None = None,
    pass_fds: Sequence[int] = (),
) -> Finished:
    """Run `argv` (never through a shell) with exactly the environment `env`.

    `time_limit` in seconds, `output_limit` and `file_limit` (largest file it may write) in bytes. Raises TimedOut,
    OutputTooLarge, and FileNotFoundError when there is no such program.
    """
    process = _start(argv, env, stdin, cwd, file_limit, pass_fds, stderr=subprocess.PIPE)
    assert process.stdout is not None  # noqa: S101 - both were asked for
    assert process.stderr is not None  # noqa: S101
    output, errors = bytearray(), bytearray()
    deadline = time.monotonic() + time_limit
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, (output, output_limit))
            selector.register(process.stderr, selectors.EVENT_READ, (errors, None))
            while selector.get_map():
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise TimedOut
                for key, _ in ready:
                    _drain(selector, key)
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise TimedOut from None
    finally:
        stop_group(process)
        process.stdout.close()
        process.stderr.close()
    return Finished(process.returncode, bytes(output), bytes(errors))


def _drain(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    sink, limit = key.data
    block = os.read(key.fd, 1 << 16)
    if not block:
        selector.unregister(key.fileobj)
    elif limit is None:
        sink.extend(block[: max(0, _STDERR_LIMIT - len(sink))])
    elif len(sink) + len(block) > limit:
        raise OutputTooLarge
    else:
        sink.extend(block)


def _start(
    argv: Sequence[str],
    env: Mapping[str, str],
    stdin: bytes,
    cwd: Path | None,
    file_limit: int | None,
    pass_fds: Sequence[int],
    stderr: int,
) -> subprocess.Popen[bytes]:
    # The input lies in a memory file: nobody has to feed a pipe while reading another one.
    source = os.memfd_create("stdin")
    try:
        with open(source, "wb", closefd=False) as file:
            file.write(stdin)
        os.lseek(source, 0, os.SEEK_SET)
        process = subprocess.Popen(
            list(argv), env=dict(env), cwd=cwd, stdin=source, stdout=subprocess.PIPE, stderr=stderr,
            start_new_session=True, pass_fds=tuple(pass_fds),
        )  # fmt: skip
    finally:
        os.close(source)
    if file_limit is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (file_limit, file_limit))
    return process


@contextlib.contextmanager
def stream(
    argv: Sequence[str], *, env: Mapping[str, str], time_limit: float, stdin: bytes, file_limit: int | None = None
) -> Iterator[BinaryIO]:
    """Give the program's standard output to read piece by piece; the program ends with the block.

    Raises TimedOut when it had to be killed for its time limit; what it wrote until then was handed out.
    """
    process = _start(argv, env, stdin, None, file_limit, (), stderr=subprocess.DEVNULL)
    late = threading.Event()

    def kill() -> None:
        late.set()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(time_limit, kill)
    timer.daemon = True
    timer.start()
    assert process.stdout is not None  # noqa: S101
    try:
        with process.stdout:
            yield process.stdout  # type: ignore[misc]  # a BufferedReader
    finally:
        timer.cancel()
        stop_group(process)
    if late.is_set():
        raise TimedOut
