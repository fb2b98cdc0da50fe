"""Builds with buildah on this host, each in a process of its own that outlives the worker which started it.

Below `data_dir/builds/<hash of the key>/` lie the order, a copy of the context, the log and the final state; the
supervisor holds a lock on `alive` for as long as it lives, so a worker that comes later sees running, ended or dead.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from sig_bots.errors import UserError
from sig_bots.tools import BuildHandle, BuildSpec, BuildStatus
from sig_workers.builders.fence import why_not
from sig_workers.builders.order import BuildLimits, Logins, Order, read_status, write_status
from sig_workers.registries.auth import Login, find_login

__all__ = ["BuildahBuilder"]

_FLOOR = (1, 28)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b.|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_KEPT = timedelta(days=7)


class BuildahBuilder:
    """The Builder named `buildah`."""

    def __init__(
        self,
        data_dir: Path,
        *,
        limits: BuildLimits | None = None,
        logins: Mapping[str, Login] | None = None,
        insecure_hosts: Collection[str] = (),
        mirrors: Mapping[str, str] | None = None,
        buildah: str = "buildah",
        storage_driver: str = "vfs",
    ) -> None:
        """`logins` by `host[/path]`; `insecure_hosts` are spoken to over http; `mirrors` as in RegistryClient.

        `storage_driver`: vfs works on every kernel and file system, overlay is faster for large bases.
        """
        self._builds = data_dir.absolute() / "builds"
        self._limits = limits or BuildLimits()
        self._logins = dict(logins or {})
        self._insecure = tuple(sorted(insecure_hosts))
        self._mirrors = dict(mirrors or {})
        self._buildah = buildah
        self._driver = storage_driver

    @property
    def name(self) -> str:
        """Name in the configuration."""
        return "buildah"

    def available(self, *, untrusted: bool) -> str | None:
        """None when it can build, else one sentence why not and what to do."""
        program = shutil.which(self._buildah)
        if program is None:
            return "Images cannot be built here: buildah is not installed; install the package buildah."
        version = _version(program)
        if version is None or version < _FLOOR:
            return f"Images cannot be built here: {self._buildah} is older than {_FLOOR[0]}.{_FLOOR[1]}; install a newer one."
        if untrusted and (reason := why_not(program)):
            return f"Pull requests of strangers are not built here, because builds cannot be fenced off: {reason}."
        return None

    def start(self, spec: BuildSpec, *, key: str) -> BuildHandle:
        """Start; the same `key` again returns the build already started, also after a restart of the worker.

        The context is copied, so the checkout may go away. Raises UserError for paths outside `spec.root` and when
        buildah is missing. A build whose supervisor died (the host was restarted) is started anew.
        """
        if reason := self.available(untrusted=False):
            raise UserError(reason)
        folder = self._folder(key)
        handle = BuildHandle(builder=self.name, id=folder.name)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "alive").open("a") as alive:
            try:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return handle
            if read_status(folder) is None:
                self._launch(folder, spec, alive.fileno())
        self._forget_old()
        return handle

    def poll(self, handle: BuildHandle) -> BuildStatus:
        """State now. A build that is unknown or whose supervisor died counts as failed."""
        folder = self._builds / handle.id
        with contextlib.suppress(FileNotFoundError), (folder / "alive").open("rb") as alive:
            try:
                fcntl.flock(alive, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return BuildStatus(state="running")
            status = read_status(folder)
            return status or BuildStatus(state="failed", reason="The build was interrupted, the host was probably restarted; run it again.")  # fmt: skip
        return BuildStatus(state="failed", reason="The build is not known on this host (any more); run it again.")

    def cancel(self, handle: BuildHandle) -> None:
        """Ask the supervisor to stop; it does so within a second. Nothing when the build has ended."""
        folder = self._builds / handle.id
        if folder.is_dir():
            (folder / "cancel").touch()

    def logs(self, handle: BuildHandle) -> Iterator[str]:
        """Log lines so far, control sequences taken out."""
        with contextlib.suppress(FileNotFoundError), (self._builds / handle.id / "log").open("rb") as file:
            for line in file:
                if line.endswith(b"\n") or read_status(self._builds / handle.id) is not None:
                    yield _CONTROL.sub("", line.decode("utf-8", "replace").rstrip("\n").rsplit("\r", 1)[-1])

    # ------------------------------------------------------------ inside

    def _folder(self, key: str) -> Path:
        return self._builds / hashlib.sha256(key.encode()).hexdigest()[:32]

    def _launch(self, folder: Path, spec: BuildSpec, alive: int) -> None:
        for entry in folder.iterdir():
            if entry.name != "alive":
                _remove(entry)
        order = self._order(folder, spec)
        (folder / "order.json").write_text(order.model_dump_json())
        (folder / "log").touch()
        try:
            supervisor = subprocess.Popen(
                [sys.executable, "-m", "sig_workers.builders.job", str(folder)],
                env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                     "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"},
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True, pass_fds=(alive,), cwd=folder,
            )  # fmt: skip
        except OSError as error:
            write_status(
                folder, BuildStatus(state="failed", reason=f"The build could not be started: {error.strerror}.")
            )
            return
        assert supervisor.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError), supervisor.stdin as pipe:
            pipe.write(self._secrets(spec).model_dump_json().encode())
        _adopt(supervisor)

    def _order(self, folder: Path, spec: BuildSpec) -> Order:
        root = spec.root.resolve()
        context = _inside(root, spec.context, "context")
        recipe = _inside(root, spec.containerfile, "Containerfile")
        if not context.is_dir() or not recipe.is_file():
            missing = spec.containerfile if context.is_dir() else spec.context
            raise UserError(f"There is no {missing[:200]} in the repository.")
        shutil.copytree(context, folder / "source" / "context", symlinks=True)
        shutil.copyfile(recipe, folder / "source" / "Containerfile")
        copied = spec.model_copy(
            update={"root": folder / "source", "context": "context", "containerfile": "Containerfile"}
        )
        return Order(
            spec=copied, limits=self._limits, buildah=self._buildah, storage_driver=self._driver,
            fenced=why_not(self._buildah) is None, insecure_hosts=self._insecure, mirrors=self._mirrors,
        )  # fmt: skip

    def _secrets(self, spec: BuildSpec) -> Logins:
        """Only the logins this very build needs."""
        pull: dict[str, str] = {}
        for text in spec.bases.values():
            host, _, path = text.partition("@")[0].partition("/")
            host, _, prefix = self._mirrors.get(host, host).partition("/")
            path = f"{prefix}/{path}" if prefix else path
            if login := find_login(self._logins, host, path):
                pull[f"{host}/{path}"] = login.basic.removeprefix("Basic ")
        push: dict[str, str] = {}
        if spec.push and (login := find_login(self._logins, spec.image.registry, spec.image.repository)):
            push[spec.image.registry] = login.basic.removeprefix("Basic ")
        return Logins(pull=pull, push=push)

    def _forget_old(self) -> None:
        oldest = time.time() - _KEPT.total_seconds()
        for status in self._builds.glob("*/status.json"):
            with contextlib.suppress(FileNotFoundError):
                if status.stat().st_mtime < oldest:
                    _remove(status.parent)


def _adopt(process: subprocess.Popen[bytes]) -> None:
    """Reap the supervisor when it ends while this worker lives; nobody waits for it otherwise."""
    import threading

    threading.Thread(target=process.wait, name="build-reaper", daemon=True).start()


def _inside(root: Path, relative: str, what: str) -> Path:
    path = (root / relative).resolve()
    if "\0" in relative or not path.is_relative_to(root):
        raise UserError(f"The {what} {relative[:200]!a} does not lie inside the repository.")
    return path


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _version(program: str) -> tuple[int, int] | None:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=20, check=False, text=True)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"version (\d+)\.(\d+)", done.stdout)
    return (int(match[1]), int(match[2])) if match else None
