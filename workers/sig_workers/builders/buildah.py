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
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from sig_bots.errors import UserError
from sig_bots.tools import BuildHandle, BuildSpec, BuildStatus
from sig_workers.builders.ending import runs
from sig_workers.builders.fence import why_not
from sig_workers.builders.order import LEFT, RESULT, BuildLimits, Kept, Logins, Order, read_status, write_status
from sig_workers.builders.steps import remove_builds
from sig_workers.registries.auth import Login, find_login

__all__ = ["BuildahBuilder"]

_FLOOR = (1, 28)
_ID = re.compile(r"[0-9a-f]{32}")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b.|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DUMP = re.compile(r" &imagebuilder\.Step\{.*")
_UNHANDLED = "+(UNHANDLED LOGLEVEL)"
_KEPT = timedelta(days=7)
_RESULT_KEPT = timedelta(days=1)
"""For a job that died and will never call `forget`."""


class BuildahBuilder:
    """The Builder named `buildah`."""

    def __init__(
        self,
        data_dir: Path,
        *,
        limits: BuildLimits | None = None,
        logins: Mapping[str, Login] | None = None,
        insecure_hosts: Collection[str] = (),
        ca_files: Mapping[str, Path] | None = None,
        mirrors: Mapping[str, str] | None = None,
        buildah: str = "buildah",
        storage_driver: str = "vfs",
    ) -> None:
        """`logins` by `host[/path]`; `insecure_hosts` are spoken to over http; `ca_files` by host; `mirrors` as in RegistryClient.

        `storage_driver`: vfs works on every kernel and file system, overlay is faster for large bases.
        """
        self._builds = data_dir.absolute() / "builds"
        self._limits = limits or BuildLimits()
        self._logins = dict(logins or {})
        self._insecure = tuple(sorted(insecure_hosts))
        self._ca_files = dict(ca_files or {})
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

        The context is copied, so the checkout may go away. Raises UserError for paths outside `spec.root`, when buildah
        is missing, and when a parent's result is not there (any more). A build whose supervisor died (the host was
        restarted) or whose kept result was forgotten is started anew.
        """
        if reason := self.available(untrusted=False):
            raise UserError(reason)
        folder = self._folder(key)
        handle = BuildHandle(builder=self.name, id=folder.name)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "alive").open("a") as alive:
            with self._door():
                try:
                    fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return handle
            status = read_status(folder)
            forgotten = spec.keep and not (folder / RESULT).exists()
            if status is None or (status.state == "success" and forgotten):
                self._launch(folder, spec, alive.fileno())
        self._clear_old()
        return handle

    def poll(self, handle: BuildHandle) -> BuildStatus:
        """State now. A build that is unknown or whose supervisor died counts as failed."""
        folder = self._builds / handle.id
        if not folder.is_dir():
            return BuildStatus(state="failed", reason="The build is not known on this host (any more); run it again.")
        if runs(folder):
            return BuildStatus(state="running")
        if status := read_status(folder):
            return status
        self._clear_dead(folder)
        return BuildStatus(
            state="failed", reason="The build was interrupted, the host was probably restarted; run it again."
        )

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
                    text = _CONTROL.sub("", line.decode("utf-8", "replace").rstrip("\r\n").rsplit("\r", 1)[-1])
                    if _UNHANDLED not in text:  # buildah's own debugging output, as is the dump
                        yield _DUMP.sub("", text)

    def forget(self, handle: BuildHandle) -> None:
        """Throw the kept result of a build away; nothing when there is none."""
        remove_builds(self._buildah, [self._builds / handle.id / RESULT])

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
            ca_files=self._ca_files, kept={text: self._result(text, parent) for text, parent in spec.parents.items()},
        )  # fmt: skip

    def _result(self, text: str, parent: BuildHandle) -> Kept:
        folder = self._builds / parent.id
        status = read_status(folder) if parent.builder == self.name and _ID.fullmatch(parent.id) else None
        if status is None or status.state != "success" or not (folder / RESULT).is_dir():
            raise UserError(f"The result of the build of {text} is not on this host (any more); run the build again.")
        return Kept(layout=folder / RESULT, image=text, platforms=tuple(status.platforms))

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

    @contextlib.contextmanager
    def _door(self) -> Iterator[None]:
        """Held while a build's lock is tried: who looks for dead builds must not be taken for a build that runs."""
        with (self._builds / ".door").open("a") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            yield

    def _clear_dead(self, folder: Path) -> None:
        """Remove what a build has left whose supervisor was killed; the log stays."""
        trash = self._builds / f".trash-{secrets.token_hex(8)}"
        with self._door(), contextlib.suppress(OSError), (folder / "alive").open("a") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if read_status(folder) is not None or not (folder / "order.json").exists():
                return
            trash.mkdir()
            for name in ("order.json", RESULT, *LEFT):
                with contextlib.suppress(FileNotFoundError):
                    (folder / name).rename(trash / name)
        remove_builds(self._buildah, [trash])

    def _clear_old(self) -> None:
        now = time.time()
        remove_builds(self._buildah, list(self._builds.glob(".trash-*")))
        for folder in self._builds.glob("[0-9a-f]*"):
            with contextlib.suppress(FileNotFoundError):
                ended = folder / "status.json"
                if not ended.exists():
                    self._clear_dead(folder)
                    ended = folder / "alive"
                age = now - ended.stat().st_mtime
                if age > _RESULT_KEPT.total_seconds():
                    remove_builds(self._buildah, [folder / RESULT])
                if age > _KEPT.total_seconds() and not runs(folder):
                    _remove(folder)


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
