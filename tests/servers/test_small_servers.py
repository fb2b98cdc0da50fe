"""Every server really comes up, does its work and leaves no process."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import psycopg
import pytest
import redis

from tests.servers.postgres import PostgreSQL
from tests.servers.process import (
    Process,
    ServerError,
    ServerMissing,
    processes_mentioning,
    started_on_free_port,
    wait_until,
)
from tests.servers.programs import ROOT, program
from tests.servers.redis import Redis
from tests.servers.registry import Notification, Registry
from tests.servers.sharing import shared

pytestmark = pytest.mark.server


def dsn(url: str) -> str:
    return url.replace("+psycopg", "")


def test_each_new_database_is_empty_and_its_own(postgres: PostgreSQL) -> None:
    one, two = postgres.new_database(), postgres.new_database()
    with psycopg.connect(dsn(one), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (n int)")
    with psycopg.connect(dsn(two)) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE tablename = 't'").fetchone()
    assert one != two
    assert row == (0,)


def test_postgresql_keeps_its_default_durability(postgres: PostgreSQL) -> None:
    with psycopg.connect(dsn(postgres.new_database())) as connection:
        settings = [connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit")]
    assert settings == [("on",), ("on",)]


@pytest.mark.parametrize("crash", [False, True])
def test_committed_rows_survive_a_restart_on_the_same_port(own_postgres: PostgreSQL, crash: bool) -> None:
    url = own_postgres.new_database()
    with psycopg.connect(dsn(url)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 7 AS n")
    own_postgres.restart(crash=crash)
    with psycopg.connect(dsn(url)) as connection:
        assert connection.execute("SELECT n FROM t").fetchone() == (7,)


def test_postgresql_leaves_neither_process_nor_folder(postgres: PostgreSQL) -> None:
    server = PostgreSQL().start()
    folder = str(server._folder)
    assert processes_mentioning(folder)
    server.stop()
    assert not processes_mentioning(folder)
    assert not Path(folder).exists()


def test_redis_databases_are_separate_until_everything_is_flushed(redis_server: Redis) -> None:
    one, two = redis.Redis.from_url(redis_server.new_url()), redis.Redis.from_url(redis_server.new_url())
    one.set("key", "value")
    assert (one.get("key"), two.get("key")) == (b"value", None)
    redis_server.flush()
    assert one.get("key") is None


@pytest.mark.parametrize(("persistent", "kept"), [(True, b"1"), (False, None)])
def test_redis_keeps_data_over_a_restart_only_when_asked(
    redis_server: Redis, tmp_path: Path, persistent: bool, kept: bytes | None
) -> None:
    server = Redis(tmp_path / "redis", persistent=persistent).start()
    port = server.port
    redis.Redis(port=port).set("n", 1)
    server.stop()
    assert not processes_mentioning(f"127.0.0.1:{port}")
    server.start()
    assert server.port == port
    assert redis.Redis(port=port).get("n") == kept
    server.kill()
    assert not server.alive()


def push_blob(server: Registry, name: str) -> httpx.Response:
    """Upload one small blob in two requests, as the distribution specification describes."""
    auth = httpx.BasicAuth(*server.auth) if server.auth else None
    with httpx.Client(base_url=server.url, auth=auth) as client:
        upload = client.post(f"/v2/{name}/blobs/uploads/")
        if upload.status_code != 202:
            return upload
        digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        return client.put(httpx.URL(upload.headers["location"]).copy_merge_params({"digest": digest}), content=b"hello")


def test_the_registry_takes_a_blob_and_counts_the_requests(registry_server: Registry) -> None:
    assert push_blob(registry_server, "counted/image").status_code == 201
    assert [r.status for r in registry_server.requests("PUT", "counted/image")] == [201]
    assert registry_server.requests("DELETE", "counted/image") == []


def test_a_stopped_registry_refuses_and_comes_back_with_its_data(make_registry: Callable[..., Registry]) -> None:
    server = make_registry()
    assert push_blob(server, "a").status_code == 201
    server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/v2/")
    assert not processes_mentioning(str(server.folder))
    server.start()
    blob = "/v2/a/blobs/sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert httpx.get(server.url + blob).content == b"hello"


def test_a_registry_with_a_password_refuses_strangers(make_registry: Callable[..., Registry]) -> None:
    server = make_registry(auth=("sig", "secret"))
    assert httpx.get(f"{server.url}/v2/").status_code == 401
    assert httpx.get(f"{server.url}/v2/", auth=("sig", "wrong")).status_code == 401
    assert push_blob(server, "private").status_code == 201


def test_the_registry_tells_its_listener(make_registry: Callable[..., Registry]) -> None:
    heard: list[tuple[str | None, bytes]] = []
    arrived = threading.Event()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append((self.headers["X-Secret"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            arrived.set()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Listener) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{listener.server_port}/"
        server = make_registry(notifications=[Notification("listener", url, {"X-Secret": "s3"})])
        push_blob(server, "told/image")
        assert arrived.wait(10)
        listener.shutdown()
    assert heard[0][0] == "s3"
    assert b'"repository":"told/image"' in heard[0][1].replace(b" ", b"")


def test_buildah_runs(buildah: str, tmp_path: Path) -> None:
    env = os.environ | {"HOME": str(tmp_path)}  # even this much makes it write there
    version = subprocess.run([buildah, "--version"], capture_output=True, text=True, check=True, env=env).stdout
    assert re.match(r"buildah version \d+\.\d+", version)


def test_a_server_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    marker = f"86{os.getpid()}.5"
    code = (
        "import os; from pathlib import Path; from tests.servers.process import Process\n"
        f"server = Process(['sleep', '{marker}'], Path('{tmp_path}/log')).start()\n"
        "server.ready(lambda: Path(f'/proc/{server.pid}/comm').read_text() == 'sleep\\n', 5)\n"
        "print(server.pid, flush=True); os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT, capture_output=True)
    assert killed.returncode == -9
    assert int(killed.stdout) > 0
    wait_until(lambda: not processes_mentioning(marker), 5, "the end of the server")


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    def broken(port: int) -> Process:
        return Process(["sh", "-c", "echo no disk left; exit 3"], tmp_path / "log")

    with pytest.raises(ServerError, match="no disk left"):
        started_on_free_port(broken)


def test_a_missing_program_is_named_with_the_remedy() -> None:
    with pytest.raises(ServerMissing, match=r"no-such-program is missing; run `scripts/system-packages test`"):
        program("no-such-program")


def test_two_users_share_one_server_and_its_owner_stops_it(postgres: PostgreSQL, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from tests.servers.sharing import shared; from tests.servers.postgres import PostgreSQL\n"
        f"with shared(Path('{tmp_path}'), 'pg', PostgreSQL) as server: print(server.port, server.new_database())\n"
    )
    with shared(tmp_path, "pg", PostgreSQL) as server:
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        assert other.stdout.split()[0] == str(server.port)
        assert server.alive()
    assert not server.alive()
    assert not (tmp_path / "pg.json").exists()


@pytest.mark.parametrize(("required", "outcome"), [("0", "1 skipped"), ("1", "1 failed")])
def test_what_is_missing_skips_a_test_and_fails_it_in_continuous_integration(
    tmp_path: Path, required: str, outcome: str
) -> None:
    (tmp_path / "test_one.py").write_text(
        "from tests.servers.programs import program\n\n\ndef test_one() -> None:\n    program('no-such-program')\n"
    )
    config = str(ROOT / "pyproject.toml")
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-c", config, str(tmp_path)]
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env=os.environ | {"SIGBOT_REQUIRE_SERVERS": required},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in done.stdout
    assert "no-such-program is missing; run" in done.stdout
