"""A real PostgreSQL on a free port of 127.0.0.1, with its default durability."""

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Self

import psycopg

from tests.servers.process import Process, ServerError, setpriv, started_on_free_port
from tests.servers.programs import UNPACKED, environment, program

_SHOW = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'


class PostgreSQL:
    """One cluster in a folder of its own below the system's temporary folder.

    PostgreSQL refuses to run as root, so root hands the folder and the process to `nobody`. (That is why the folder
    is not pytest's: nobody could not reach it.)
    """

    def __init__(self) -> None:
        self.port = 0
        self._folder: Path | None = None
        self._process: Process | None = None
        self._user = "nobody" if os.geteuid() == 0 else None

    def start(self) -> Self:
        """Make the cluster (first time) and start the server; `ServerMissing` when PostgreSQL is not installed."""
        if self._folder is None:
            self._folder = self._make_cluster()
        if self.port:
            self._process = self._server(self.port).start()
            self._process.ready(self._answers, 20)
        else:
            self._process, self.port = started_on_free_port(self._server)
            self._process.ready(self._answers, 20)
        return self

    def stop(self) -> None:
        """Stop the server and delete the cluster."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def halt(self) -> None:
        """Stop the server and keep the cluster: `start` brings it back on the same port."""
        if self._process is None:
            raise ServerError("PostgreSQL was not started here, so it cannot be stopped here")
        self._process.stop()

    def restart(self, *, crash: bool = False) -> None:
        """Restart on the same port with the same data; `crash` ends it without a checkpoint."""
        if self._process is None:
            raise ServerError("PostgreSQL was not started here, so it cannot be restarted here")
        if crash:
            self._process.end_signal = signal.SIGQUIT
        self._process.stop()
        self.start()

    @property
    def state(self) -> dict[str, object]:
        """What another process of the same test run needs to use this server (see `join`)."""
        return {"port": self.port}

    @classmethod
    def join(cls, state: dict[str, object]) -> Self:
        """Return a server object for what `state` describes; it does not own the server."""
        server = cls()
        server.port = int(str(state["port"]))
        return server

    def alive(self) -> bool:
        """Tell whether the server answers."""
        return self.port != 0 and self._answers()

    def new_database(self) -> str:
        """Create an empty database and return its SQLAlchemy URL."""
        name = f"t_{uuid.uuid4().hex}"
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def _dsn(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database} connect_timeout=5"

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self._dsn("postgres")) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _make_cluster(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="sigbot-postgres-"))
        (folder / "programs").mkdir()
        if self._user:
            shutil.chown(folder, self._user)
        argv = ["initdb", "-D", str(folder / "data"), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"]
        setup = self._as_user(folder, [*argv, "--auth=trust", "--no-sync"])
        done = subprocess.run(setup.argv, env=setup.env, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise ServerError(f"initdb failed: {done.stderr[-1000:]}")
        return folder

    def _server(self, port: int) -> Process:
        folder = self._folder
        assert folder is not None
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "200",
        }
        argv = ["postgres", "-D", str(folder / "data"), *(f"--{key}={value}" for key, value in settings.items())]
        return self._as_user(folder, argv)

    def _as_user(self, folder: Path, argv: list[str]) -> Process:
        # SIGINT is PostgreSQL's "fast" shutdown: it does not wait for clients. QUIT is its own emergency exit.
        path, enter, env = Path(program(argv[0])), [], environment()
        if self._user and path.is_relative_to(UNPACKED):
            # Below root's home, `nobody` could not reach the unpacked programs: show them at a place where it can.
            inside = folder / "programs"
            enter = [
                "unshare",
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                _SHOW,
                "sh",
                str(UNPACKED),
                str(inside),
            ]
            path, env = inside / path.relative_to(UNPACKED), environment(inside)
        user_and_death = setpriv(self._user, "QUIT")
        return Process(
            [*enter, *user_and_death, str(path), *argv[1:]],
            folder / "server.log",
            env=env,
            end_signal=signal.SIGINT,
            wrapped=True,
        )
