"""Commands of one build, run one after the other under its limits, their output in its log."""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sig_workers.builders.failures import Cancelled, StepFailed, sentence
from sig_workers.builders.order import BuildLimits
from sig_workers.process import stop_group

__all__ = ["Steps", "disk_use", "remove_builds"]

_PR_SET_PDEATHSIG = 1


class Steps:
    """Runs commands with an environment of ours only: nothing of the service's, an empty home, no login."""

    def __init__(self, folder: Path, limits: BuildLimits, seconds: float) -> None:
        self._folder = folder
        self._limits = limits
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._log_left = limits.log
        self._next_look = 0.0
        for name in ("home", "tmp", "run"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
        self._env = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "XDG_CONFIG_HOME": str(folder / "home"),
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
            "REGISTRY_AUTH_FILE": "/dev/null",
        }

    def say(self, line: str) -> None:
        """A line of our own in the log."""
        self._log(f"{line}\n".encode())

    def run(self, argv: Sequence[str], failing: str, *, show: bool = True) -> str:
        """Run it; its standard output, which goes to the log when it is to `show`. Raises StepFailed with a sentence that begins with `failing`, Cancelled."""
        process = subprocess.Popen(
            list(argv), env=self._env, cwd=self._folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=_die_with_parent,
        )  # fmt: skip
        output, tail = bytearray(), bytearray()
        try:
            self._watch(process, output, tail, show)
        finally:
            stop_group(process)
        if process.returncode != 0:
            text = tail.decode("utf-8", "replace")
            raise StepFailed(sentence(failing, text, process.returncode), output=text)
        return output.decode("utf-8", "replace")

    def _watch(self, process: subprocess.Popen[bytes], output: bytearray, tail: bytearray, show: bool) -> None:
        assert process.stdout is not None  # noqa: S101 - both were asked for
        assert process.stderr is not None  # noqa: S101
        with selectors.DefaultSelector() as selector, process.stdout, process.stderr:
            selector.register(process.stdout, selectors.EVENT_READ, output)
            selector.register(process.stderr, selectors.EVENT_READ, None)
            while selector.get_map():
                for key, _ in selector.select(0.2):
                    block = os.read(key.fd, 1 << 16)
                    if not block:
                        selector.unregister(key.fileobj)
                        continue
                    if key.data is not None:
                        key.data.extend(block[: max(0, (1 << 20) - len(key.data))])
                    tail.extend(block)
                    del tail[:-8192]
                    if show or key.data is None:
                        self._log(block)
                self._check()
                if process.poll() is not None and not selector.select(0):
                    return  # a daemon of the build may still hold the pipe; it is killed with the group
            while process.poll() is None:
                self._check()
                time.sleep(0.02)

    def _check(self) -> None:
        now = time.monotonic()
        if (self._folder / "cancel").exists():
            raise Cancelled
        if now > self._deadline:
            raise StepFailed(f"The build took longer than its limit of {_duration(self._seconds)} and was stopped.")
        if now > self._next_look:
            used = disk_use(self._folder, self._limits.disk)
            self._next_look = time.monotonic() + max(0.5, 10 * (time.monotonic() - now))
            if used > self._limits.disk:
                raise StepFailed(
                    f"The build used more disk space than its limit of {self._limits.disk >> 20} MiB and was stopped."
                )

    def _log(self, block: bytes) -> None:
        if self._log_left <= 0:
            return
        block = block[: self._log_left]
        self._log_left -= len(block)
        with (self._folder / "log").open("ab") as file:
            file.write(block)
            if self._log_left <= 0:
                file.write(f"\n(The log is cut here, at {self._limits.log >> 10} KiB.)\n".encode())


def _die_with_parent() -> None:
    """Runs in the child: a supervisor that is killed cannot end what it started, so the kernel is to do it (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def remove_builds(buildah: str, folders: Sequence[Path]) -> None:
    """Delete what builds leave behind. An ordinary user's build has files of its subordinate users."""
    there = [folder for folder in folders if folder.exists()]
    if there and os.geteuid() != 0:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired), tempfile.TemporaryDirectory() as home:
            environment = {
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": home,
                "XDG_RUNTIME_DIR": home,
                "LC_ALL": "C.UTF-8",
            }
            subprocess.run(
                [buildah, "unshare", "--", "rm", "-rf", "--", *map(str, there)],
                env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False,
            )  # fmt: skip
    for folder in there:
        shutil.rmtree(folder, ignore_errors=True)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def disk_use(folder: Path, enough: int) -> int:
    """Bytes occupied below the folder; counting stops when there are more than `enough`."""
    total = 0
    pending = [str(folder)]
    while pending and total <= enough:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
    return total
