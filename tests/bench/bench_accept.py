"""Accepting a webhook: signature, dedupe, durable row and wake-up, beside a bare Flask view that only checks the signature.

GitHub's issue_comment of 12.6 KB, signed, each with an id of its own, from wrk over 16 connections. One gunicorn process
with 8 threads on either side: its own thread worker for the bare view, ours (`sigbot serve`) on SQLite with the file
broker and on PostgreSQL with Redis. The sides take turns in each round. Processor time is that of the web process alone.
Every answer must be 202 and every delivery a row.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from sig_workers.store.store import Store
from tests.bench.processes import cpu_seconds, memory_mb
from tests.bench.rows import Result, alone, ratios, row
from tests.bench.serving import ROOT, Servers, servers
from tests.bots.sources.deliveries import github_example, hex256
from tests.servers.process import Process, free_port
from tests.servers.programs import program

SECRET, CONNECTIONS, THREADS = b"bench secret of this hook", 16, 8
SIDES = ("bare", "by hand", "sqlite", "postgresql")
ALONE = ("bare", "by hand", "postgresql")
"""The sides that are also measured over one connection."""
_WRK = """
local body = io.open("{body}", "rb"):read("*a")
local number = 0
function request()
  number = number + 1
  return "{before}{round}-" .. number .. "{after}" .. body
end
function done(summary, latency, requests)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout
  io.write(string.format("\\n%d %d %d %f %f %f\\n", summary.requests, bad, summary.duration, latency:percentile(50),
    latency:percentile(99), latency.max))
end
"""

_BARE = (
    "CREATE TABLE bare (id BIGSERIAL PRIMARY KEY, instance TEXT NOT NULL, delivery TEXT NOT NULL, headers TEXT, body BYTEA,"
    " at TIMESTAMPTZ DEFAULT now(), UNIQUE (instance, delivery))"
)


@dataclass
class Side:
    """One running web process, and the store it writes to."""

    process: Process
    port: int
    store: Store | None
    table: str = "deliveries"

    def rows(self) -> int:
        """How many deliveries are kept."""
        if self.store is None:
            return 0
        query = text(f"SELECT count(*) FROM {self.table}")
        return int(self.store.read(lambda connection: connection.execute(query).scalar_one()))


def body() -> bytes:
    return json.dumps(github_example("issue_comment", "created").json, separators=(",", ":")).encode()


def script(folder: Path, name: str, port: int) -> Path:
    """wrk's program for one round: the requests are made before they are sent, the body is always the same."""
    data = body()
    (folder / "body").write_bytes(data)
    headers = {
        "Host": f"127.0.0.1:{port}", "Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/bench",
        "X-GitHub-Event": "issue_comment", "X-GitHub-Hook-ID": "1", "Accept": "*/*", "Content-Length": str(len(data)),
        "X-Hub-Signature-256": "sha256=" + hex256(SECRET, data),
    }  # fmt: skip
    lines = [
        "POST /hooks/github HTTP/1.1",
        *(f"{key}: {value}" for key, value in headers.items()),
        "X-GitHub-Delivery: ",
    ]
    text = _WRK.format(body=folder / "body", before="\\r\\n".join(lines), round=name, after="\\r\\n\\r\\n")
    file = folder / f"{name}.lua"
    file.write_text(text)
    return file


def started(around: Servers, name: str) -> Side:
    port, folder = free_port(), around.folder / name
    folder.mkdir()
    bind = f"127.0.0.1:{port}"
    env = {key: value for key, value in os.environ.items() if not key.startswith("SIGBOT_")} | {"PYTHONPATH": str(ROOT)}
    store, table = None, "deliveries"
    if name in ("bare", "by hand"):
        argv = ["-m", "gunicorn", "--bind", bind, "--threads", str(THREADS), "--worker-class", "gthread",
                "--log-level", "warning", "--no-control-socket", "tests.bench.accept_peer:app"]  # fmt: skip
        env["BENCH_SECRET"] = SECRET.decode()
        if name == "by hand":
            url = around.postgres.new_database()
            store, table = Store.open(url), "bare"
            store.write(lambda connection: connection.execute(text(_BARE)))
            env |= {"BENCH_STORE": url, "BENCH_BROKER": around.redis.new_url()}
    else:
        url = f"sqlite:///{folder / 'sigbot.db'}" if name == "sqlite" else around.postgres.new_database()
        broker = "filesystem" if name == "sqlite" else around.redis.new_url()
        store = Store.open(url)
        store.migrate()
        config = folder / "sigbot.toml"
        config.write_text(
            f'data = "{folder}"\nstore = "{url}"\nbroker = "{broker}"\n[[instance]]\nname = "github"\nkind = "github"\n'
            f'url = "https://github.example"\nhook_secrets = ["{SECRET.decode()}"]\n'
        )
        argv = ["-m", "sig_workers.cli", "serve", "--bind", bind, "--threads", str(THREADS)]
        env["SIGBOT_CONFIG"] = str(config)
    process = Process([sys.executable, *argv], folder / "web.log", env=env).start()
    process.ready(lambda: answers(port), 60)
    return Side(process, port, store, table)


def answers(port: int) -> bool:
    """Whether the process behind the port serves: gunicorn listens before it has loaded the application."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/healthz/live")
        return connection.getresponse().status in (200, 404)
    except OSError:
        return False


def load(folder: Path, side: Side, name: str, seconds: float, connections: int = CONNECTIONS) -> dict[str, float]:
    """One round on one side. AssertionError unless all of it was accepted and kept."""
    before, spent = side.rows(), cpu_seconds(side.process.pid)
    argv = [program("wrk"), "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(script(folder, name, side.port)),
            f"http://127.0.0.1:{side.port}"]  # fmt: skip
    done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 60, check=True)
    requests, bad, microseconds, p50, p99, worst = map(float, done.stdout.strip().splitlines()[-1].split())
    spent = cpu_seconds(side.process.pid) - spent
    assert requests > 0, done.stdout
    assert bad == 0, done.stdout
    if side.store is not None:
        kept = side.rows() - before
        # wrk stops counting before it stops: on each connection one answer and one request may still be on their way
        assert requests <= kept <= requests + 2 * connections, (requests, kept)
    return {
        "per_second": requests / microseconds * 1e6, "cpu_ms": spent / requests * 1000, "p50_ms": p50 / 1000,
        "p99_ms": p99 / 1000, "max_ms": worst / 1000, "requests": requests, "memory_mb": memory_mb(side.process.pid),
    }  # fmt: skip


def run(rounds: int = 5, quick: bool = False) -> Result:
    """See the module's text."""
    seconds = 1.0 if quick else 3.0
    raw: list[Mapping[str, Mapping[str, float]]] = []
    single: list[Mapping[str, Mapping[str, float]]] = []
    with servers() as around, contextlib.ExitStack() as stack:
        sides = {}
        for name in SIDES:
            sides[name] = started(around, name)
            stack.callback(sides[name].process.stop)
            load(around.folder, sides[name], f"warm-{name}", 1)
        for number in range(rounds):
            raw.append({
                name: load(around.folder, side, f"{number}-{name}", seconds) for name, side in sides.items()
            })  # fmt: skip
            single.append({
                name: load(around.folder, sides[name], f"{number}-one-{name}", seconds, 1) for name in ALONE
            })  # fmt: skip
        for side in sides.values():
            if side.store is not None:
                side.store.close()

    def of(side: str, figure: str) -> list[float]:
        return [one[side][figure] for one in raw]

    def both(side: str, figure: str, peer: str = "bare") -> list[float]:
        return ratios(of(side, figure), of(peer, figure))

    counts = {f"{side} accepted": int(sum(of(side, "requests"))) for side in SIDES}
    figures = {f"{side}_{name}": statistics.median(of(side, name)) for side in SIDES for name in raw[0][side]}
    figures |= {
        f"{side}_one_{name}": statistics.median(one[side][name] for one in single)
        for side in ALONE
        for name in ("p50_ms", "p99_ms", "cpu_ms")
    }
    by_hand = f"the same steps by hand: {figures['by hand_one_p99_ms']:.1f} ms"
    peer = "a Flask view that checks the signature, gunicorn gthread"
    given = {"beside": peer, "figures": figures, "counts": counts}
    return {
        "rows": [
            row("accept on PostgreSQL and Redis: deliveries a second", both("postgresql", "per_second"), floor=0.45, aim=0.6, more=True, **given),  # type: ignore[arg-type]
            row("accept on PostgreSQL and Redis: CPU of the web process", both("postgresql", "cpu_ms"), floor=2.4, **given),  # type: ignore[arg-type]
            row("accept on PostgreSQL and Redis: CPU of the web process beside the same steps by hand",
                both("postgresql", "cpu_ms", "by hand"), floor=1.25,
                **given | {"beside": "the same Flask view with its own JSON, INSERT and LPUSH"}),  # type: ignore[arg-type]
            row("accept on PostgreSQL and Redis: p99 at one connection", [one["postgresql"]["p99_ms"] for one in single],
                floor=4, unit="ms", **given | {"beside": by_hand}),  # type: ignore[arg-type]
            row("accept on SQLite: deliveries a second", both("sqlite", "per_second"), floor=0.5, more=True, **given),  # type: ignore[arg-type]
            row("accept on SQLite: CPU of the web process", both("sqlite", "cpu_ms"), floor=2.4, **given),  # type: ignore[arg-type]
            row("accept on SQLite: p99 at 16 connections", of("sqlite", "p99_ms"), floor=40, unit="ms", **given | {"beside": "-"}),  # type: ignore[arg-type]
        ],
        "raw": {"16 connections": raw, "one connection": single},
    }  # fmt: skip


if __name__ == "__main__":
    alone(run, __doc__)
