"""A real Redis on a free port of 127.0.0.1, in memory only unless asked otherwise."""

import itertools
from pathlib import Path
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers.process import Process, ServerError, started_on_free_port
from tests.servers.programs import environment, program

_DATABASES = 4096


class Redis:
    """One server; `folder` takes its log and, with `persistent`, its append-only file."""

    def __init__(self, folder: Path, *, persistent: bool = False) -> None:
        self.folder = folder
        self.persistent = persistent
        self.port = 0
        self._process: Process | None = None
        self._numbers = itertools.count(1)

    @property
    def url(self) -> str:
        """The URL of logical database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def new_url(self) -> str:
        """Return the URL of a logical database that nobody else uses."""
        number = next(self._numbers)
        if number >= _DATABASES:
            raise ServerError(f"all {_DATABASES} logical databases of this Redis are taken")
        return f"redis://127.0.0.1:{self.port}/{number}"

    def start(self) -> Self:
        """Start it, on the port it had before if it was stopped; `ServerMissing` when Redis is not installed."""
        server = program("redis-server")
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.port:
            self._process = self._server(server, self.port).start()
        else:
            self._process, self.port = started_on_free_port(lambda port: self._server(server, port))
        self._process.ready(self._answers, 20)
        return self

    def stop(self) -> None:
        """Stop it; without `persistent` everything in it is gone."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """End it the hard way."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def flush(self) -> None:
        """Throw away every logical database, as an operator's FLUSHALL would."""
        with redis.Redis(port=self.port) as client:
            client.flushall()

    def alive(self) -> bool:
        """Tell whether it answers."""
        return self.port != 0 and self._answers()

    def _answers(self) -> bool:
        try:
            # without its own retries, which take seconds to find out that nobody is there
            with redis.Redis(port=self.port, retry=Retry(NoBackoff(), 0)) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _server(self, server: str, port: int) -> Process:
        argv = [server, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(self.folder)]
        argv += ["--save", "", "--databases", str(_DATABASES), "--daemonize", "no"]
        argv += ["--appendonly", "yes" if self.persistent else "no"]
        return Process(argv, self.folder / "redis.log", env=environment())
