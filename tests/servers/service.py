"""The real service as an operator runs it: web, workers and beat as processes of their own, on a data folder of a test."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import httpx

from sig_bots.jobstate import JobState
from sig_workers.service import Service
from sig_workers.settings import load_settings
from tests.servers.process import Process, ServerError, free_port

QUICK: Mapping[str, object] = {
    "lease": "2s", "heartbeat": "500ms", "sweep": "500ms", "retry": "500ms", "hook_sync": "2s", "poll": "100ms",
    "registry_age": "1s", "upstream_age": "1s", "settle": "0s",
}  # fmt: skip
POLL = 0.2
"""Seconds between looks: often enough to measure by, seldom enough to leave the forge to the service."""
_SIGBOT = [sys.executable, "-m", "sig_workers.cli"]


class RunningService:
    """One service. `processes` holds them by name, so that a fault test may kill one; `start` starts what does not run.

    The port is known before the start (or given), so that senders of webhooks can be told where to send them.
    """

    def __init__(
        self,
        data: Path,
        *,
        instances: Sequence[Mapping[str, object]],
        registries: Sequence[Mapping[str, object]] = (),
        store: str = "",
        broker: str = "filesystem",
        timing: Mapping[str, object] | None = None,
        workers: Mapping[str, Sequence[str]] | None = None,
        port: int | None = None,
        **settings: object,
    ) -> None:
        """`instances`, `registries`, `timing` and `settings` go into sigbot.toml as they are.

        `workers`: arguments of `sigbot worker` by the process's name; default: one for builds and one for all else.
        """
        self.data = data
        self.port = port or free_port()
        self.config = data / "service.toml"
        self._settings = {
            "advisories": {"osv": "", "bodhi": ""}, **settings, "url": self.url, "data": str(data), "broker": broker, "timing": {**QUICK, **(timing or {})},
            "instance": list(instances), "registry": list(registries),
        } | ({"store": store} if store else {})  # fmt: skip
        threads = ["--pool", "threads", "--concurrency"]
        self._workers = workers or {
            "worker": ["--queues", "interactive,bulk", *threads, "4"],
            "builder": ["--queues", "builds", *threads, "2"],
        }
        self.processes: dict[str, Process] = {}
        self._service: Service | None = None

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def hook(self, name: str) -> str:
        """Where an instance's webhooks go."""
        return f"{self.url}/hooks/{name}"

    @property
    def service(self) -> Service:
        """The doors of a process on the same settings, for looking into the store."""
        if self._service is None:
            before = os.environ.get("SIGBOT_CONFIG")
            self._service = Service(load_settings(self.config))
            os.environ.pop("SIGBOT_CONFIG")
            if before is not None:
                os.environ["SIGBOT_CONFIG"] = before
        return self._service

    def start(self, *names: str) -> Self:
        """Start the processes of these names (all by default) that do not run; web answers when this returns."""
        if not self.config.exists():
            self.config.write_text(_toml(self._settings))
            self.config.chmod(0o600)
        self.service.store.migrate()
        commands = {
            "web": ["serve", "--bind", f"127.0.0.1:{self.port}"], "beat": ["beat"],
            **{name: ["worker", *arguments] for name, arguments in self._workers.items()},
        }  # fmt: skip
        for name in names or commands:
            if name not in self.processes or not self.processes[name].alive():
                self.processes[name] = self._process(name, commands[name]).start()
        web = self.processes.get("web")
        if web is not None:
            web.ready(self._answers, 30)
        return self

    def start_as(self, name: str, argv: Sequence[str]) -> Process:
        """Start a process under this name by a command line of the test's own; the program can import `tests`."""
        process = self._process(name, [])
        process = Process(argv, process.log, env={**(process.env or {}), "PYTHONPATH": str(Path(__file__).parents[2])})
        self.processes[name] = process.start()
        return process

    def stop(self) -> None:
        """End all processes, all at once."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Process.stop, self.processes.values()))
        self.processes.clear()
        if self._service is not None:
            self._service.wake_ups.stop()
            self._service.store.close()
            self._service = None

    def wait[T](self, look: Callable[[], T | None], seconds: float, what: str) -> T:
        """What `look` gives as soon as it is something; an AssertionError with the logs' ends after `seconds`."""
        end = time.monotonic() + seconds
        while True:
            if found := look():
                return found
            if time.monotonic() > end:
                raise AssertionError(f"{what} did not happen within {seconds:g} s\n{self.report()}")
            time.sleep(POLL)

    def report(self) -> str:
        """What happened, for a failed test: deliveries, jobs and the ends of the logs."""
        store = self.service.store
        lines = ["deliveries:"]
        lines += [
            f"  {one.id} {one.instance} {one.state} {one.reason}"
            for one in store.recent_deliveries(30, public_only=False)
        ]
        lines.append("jobs:")
        lines += [
            f"  {one.id} {one.repo.path} #{one.number} {one.bot}/{one.handler} {one.state} ({one.tries}) {one.reason}"
            for one in store.jobs(limit=40)
        ]
        for one in store.jobs(states=(JobState.FAILED, JobState.DEAD), limit=3):
            lines += [
                f"the log of job {one.id} ends with:",
                *(f"  {line.line}" for line in store.log_lines(one.id)[-15:]),
            ]
        for name, process in self.processes.items():
            state = "runs" if process.alive() else "has ended"
            lines.append(f"{name} {state}; its log ends with:\n{process.log.read_text(errors='replace')[-3000:]}")
        return "\n".join(lines)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz/ready", timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _process(self, name: str, arguments: Sequence[str]) -> Process:
        env = {key: value for key, value in os.environ.items() if not key.startswith("SIGBOT_")}
        env["SIGBOT_CONFIG"] = str(self.config)
        return Process([*_SIGBOT, *arguments], self.data / f"{name}.log", env=env)


def _toml(settings: Mapping[str, object]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in settings.items())


def _value(value: object) -> str:
    """A JSON string, number or boolean is TOML too; an object becomes an inline table."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, (str, int, float)):
        return json.dumps(value)
    raise ServerError(f"{value!r} cannot stand in sigbot.toml")
