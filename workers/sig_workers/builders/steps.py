"""Commands of one build, run one after the other under its limits, their output in its log."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from sig_bots.errors import SigbotError
from sig_workers.builders.order import BuildLimits
from sig_workers.process import stop_group

__all__ = ["Cancelled", "StepFailed", "Steps", "explain"]


class StepFailed(Exception):
    """The build failed; the text is one sentence."""


class Cancelled(Exception):
    """Somebody asked for the end of the build."""


def explain(error: Exception) -> str:
    """One sentence for an error that is not a step's own."""
    if isinstance(error, SigbotError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"The build could not go on: {error.strerror}."
    return f"The builder failed itself ({type(error).__name__}); this is a fault of the service."


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
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        output, tail = bytearray(), bytearray()
        try:
            self._watch(process, output, tail, show)
        finally:
            stop_group(process)
        if process.returncode != 0:
            raise StepFailed(_sentence(failing, tail.decode("utf-8", "replace"), process.returncode))
        return output.decode("utf-8", "replace")

    def remove(self, buildah: str, folders: Sequence[Path]) -> None:
        """Delete what the build leaves behind. An ordinary user's build has files of its subordinate users."""
        if os.geteuid() != 0:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                argv = [buildah, "unshare", "--", "rm", "-rf", "--", *map(str, folders)]
                subprocess.run(
                    argv, env=self._env, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False
                )
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

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


def _sentence(failing: str, tail: str, code: int) -> str:
    if "exec format error" in tail.lower():
        return (
            f"{failing}: a RUN for another architecture needs emulation, which this host lacks; "
            "enable qemu-user with binfmt_misc there, or keep the Containerfile to COPY for that platform."
        )
    step = re.findall(r'STEP "([^"\n]*)"', tail) or re.findall(r"building at STEP \\?\"(.*?)\\?\"", tail)
    errors = [line for line in tail.splitlines() if line.lower().startswith("error")]
    why = errors[-1] if errors else (tail.strip().splitlines() or [f"exit status {code}"])[-1]
    why = re.sub(r"^Error: |^error: ", "", re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", why))
    exits = re.findall(r"exit status (\d+)", tail)
    if step:
        return f"{failing} at `{step[-1][:300]}` with exit status {exits[-1] if exits else code}."
    if "connection refused" in tail or "no such host" in tail:
        return f"{failing}: the registry is not reachable."
    if "manifest unknown" in tail or "name unknown" in tail:
        return f"{failing}: there is no such image in the registry."
    if re.search(r"unauthorized|authentication required|denied", tail, re.IGNORECASE):
        return f"{failing}: the registry refused our login."
    return f"{failing}: {why[:400].rstrip('. ')}."
