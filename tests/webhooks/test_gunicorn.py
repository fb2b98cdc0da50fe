"""The receiver under real gunicorn: what only a socket can show."""

import itertools
import socket
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.servers.postgres import PostgreSQL
from tests.servers.process import free_port
from tests.servers.redis import Redis
from tests.webhooks.conftest import migrated
from tests.webhooks.senders import SECRETS, SENDERS, Hook, github, quay
from tests.webhooks.web import Web, answered, everything, head

pytestmark = pytest.mark.server
type StartWeb = Callable[..., Web]

_NUMBERS = itertools.count()
LARGE = b'{"a": "' + b"x" * 100_000 + b'"}'


def fresh(body: bytes = b'{"zen": "x"}') -> Hook:
    """A delivery with an id nobody else uses."""
    return github(body, ident=f"delivery-{next(_NUMBERS)}")


def ident(hook: Hook) -> str:
    return hook.headers["X-GitHub-Delivery"]


def sent(hook: Hook, **headers: str) -> bytes:
    """All bytes of a request with these headers, its length among them."""
    return head(hook, **({"Content_Length": str(len(hook.body))} | headers)) + hook.body


@contextmanager
def still_served(web: Web, within: float) -> Iterator[None]:
    """During the block somebody else posts; each of those deliveries must be accepted in so many seconds."""
    times: list[float] = []
    stop = threading.Event()

    def others() -> None:
        while not stop.wait(0.05):
            began = time.monotonic()
            assert web.post(fresh()).status_code == 202
            times.append(time.monotonic() - began)

    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(others)
        try:
            yield
        finally:
            stop.set()
            task.result()
    assert times
    assert max(times) < within, times


def test_deliveries_of_all_senders_are_accepted(web: Web) -> None:
    assert [web.post(make()).status_code for make in SENDERS.values()] == [202] * len(SENDERS)
    assert web.kept("guid-1") == 1


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_same_delivery_a_hundred_times_at_once_is_kept_once(
    start_web: StartWeb, request: pytest.FixtureRequest, database: str
) -> None:
    given = {"store": migrated(request.getfixturevalue("postgres").new_database())} if database == "postgresql" else {}
    web, hook, gate = start_web(processes=2, **given), fresh(), threading.Barrier(20)

    def send(number: int) -> int:
        gate.wait()
        return web.post(hook).status_code

    with ThreadPoolExecutor(20) as pool:
        codes = Counter(pool.map(send, range(100)))
    assert codes == {202: 1, 200: 99}
    assert web.kept() == 1


def test_a_slow_body_is_ended_while_others_are_served(web: Web) -> None:
    hook = fresh(LARGE)
    with closing(web.connect()) as connection, still_served(web, within=1.5):
        connection.sendall(sent(hook)[:-50_000])
        began = time.monotonic()
        connection.settimeout(0.25)
        answer = b""
        while not answer and time.monotonic() - began < 8:
            with suppress(TimeoutError):
                connection.sendall(b"x")
                answer = connection.recv(65536)
        answer += everything(connection)
        took = time.monotonic() - began
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"too slowly" in answer
    assert 2 < took < 6
    assert web.kept(ident(hook)) == 0


@pytest.mark.parametrize("kind", ["silent", "head", "small body", "large body", "chunked body", "second request"])
def test_dawdling_senders_do_not_hold_the_threads(web: Web, kind: str) -> None:
    """Many more of them than there are threads, each doing nothing after its first bytes."""
    hook = fresh(LARGE)
    first = {
        "silent": b"",
        "head": head(hook)[:-2],
        "small body": head(hook, Content_Length="1000") + hook.body[:10],
        "large body": sent(hook)[:-50_000],
        "chunked body": head(hook, Transfer_Encoding="chunked") + b"1\r\n",
        "second request": b"GET /healthz/live HTTP/1.1\r\nHost: x\r\n\r\n" + head(hook)[:-2],
    }[kind]
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(web.connect())) for _ in range(24)]
        for one in sockets:
            one.sendall(first)
        time.sleep(0.3)
        with still_served(web, within=1):
            time.sleep(1)
        ends = [everything(one) for one in sockets]
    assert kind == "silent" or all(b"HTTP/1.1 408" in one for one in ends), Counter(one[:60] for one in ends)


def test_clients_that_do_not_read_their_answers_are_given_up(web: Web) -> None:
    question = b"GET /static/style.css HTTP/1.1\r\nHost: x\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(8):
            one = stack.enter_context(closing(socket.socket()))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            one.connect(("127.0.0.1", web.port))
            one.setblocking(False)
            with suppress(BlockingIOError):
                for _ in range(3000):
                    one.send(question)
        time.sleep(0.5)
        assert web.post(fresh(), timeout=40).status_code == 202  # each of them is given up after three seconds


def test_an_endless_body_is_cut_off_quickly_and_without_memory(web: Web) -> None:
    hook = fresh()
    before, most, given = web.memory(), 0, 0
    chunk = b"%x\r\n" % 2**20 + b"x" * 2**20 + b"\r\n"
    with closing(web.connect()) as connection:
        began = time.monotonic()
        connection.sendall(head(hook, Transfer_Encoding="chunked"))
        with suppress(ConnectionResetError, BrokenPipeError):
            while given < 2**30:
                connection.sendall(chunk)
                given += len(chunk)
                most = max(most, web.memory())
        took = time.monotonic() - began
    assert given < 64 * 2**20
    assert took < 2
    assert most - before < 64 * 2**20
    assert web.kept(ident(hook)) == 0


@pytest.mark.parametrize("framing", [
    {"Content_Length": str(2**30)}, {"Content_Length": "1001"}, {"Content_Length": "9" * 400}, {"Transfer_Encoding": "chunked"},
])  # fmt: skip
def test_too_large_a_body_is_answered_413(web: Web, framing: dict[str, str]) -> None:
    hook = replace(fresh(), path="/hooks/small")
    with closing(web.connect()) as connection:
        connection.sendall(
            head(hook, **framing) + (b"7d0\r\n" if "Transfer_Encoding" in framing else b"") + b"x" * 2000
        )
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"too large" in answer
    assert b"Connection: close" in answer


def test_a_length_that_promises_more_than_comes_is_refused(web: Web) -> None:
    hook = fresh()
    with closing(web.connect()) as connection:
        connection.sendall(sent(hook, Content_Length=str(len(hook.body) + 5)))
        connection.shutdown(socket.SHUT_WR)
        assert everything(connection).startswith(b"HTTP/1.1 400")
    assert web.kept(ident(hook)) == 0


def test_a_length_that_promises_less_than_comes_is_refused(web: Web) -> None:
    hook = fresh()
    with closing(web.connect()) as connection:
        connection.sendall(sent(hook, Content_Length=str(len(hook.body) - 1)))
        assert answered(connection).startswith(b"HTTP/1.1 401")
    assert web.kept(ident(hook)) == 0


def test_two_lengths_are_refused(web: Web) -> None:
    hook = fresh()
    with closing(web.connect()) as connection:
        connection.sendall(sent(hook, Transfer_Encoding="chunked"))
        assert everything(connection).startswith(b"HTTP/1.1 400")
    assert web.kept(ident(hook)) == 0


@pytest.mark.parametrize("body", [b"zz\r\nxx\r\n0\r\n\r\n", b"5\r\nabc", b"-1\r\n\r\n", b"3\r\nabcdef\r\n0\r\n\r\n"])
def test_broken_chunks_are_refused_without_a_traceback(web: Web, body: bytes) -> None:
    with closing(web.connect()) as connection:
        connection.sendall(head(fresh(), Transfer_Encoding="chunked") + body)
        connection.shutdown(socket.SHUT_WR)
        assert everything(connection).startswith(b"HTTP/1.1 400")
    assert "Traceback" not in web.log.read_text()


@pytest.mark.parametrize("path", ["/hooks/nobody", "/hooks/github/x", "/", "/nowhere"])
def test_what_follows_a_body_nobody_read_is_no_request(web: Web, path: str) -> None:
    """Else whoever writes a body could write a request into it, in the name of the next one on the connection."""
    smuggled = sent(fresh())
    with closing(web.connect()) as connection:
        connection.sendall(sent(Hook(path, {"Content-Type": "application/json"}, smuggled)))
        assert everything(connection).count(b"HTTP/1.1") == 1


def test_a_chunked_delivery_is_accepted(web: Web) -> None:
    hook = fresh()
    chunks = b"%x\r\n" % len(hook.body) + hook.body + b"\r\n0\r\n\r\n"
    with closing(web.connect()) as connection:
        for data in (chunks, chunks):
            connection.sendall(head(hook, Transfer_Encoding="chunked") + data)
            assert answered(connection)[9:10] == b"2"
    assert web.kept(ident(hook)) == 1


def test_a_sender_that_asks_before_it_sends_is_served(web: Web) -> None:
    hook = fresh()
    with closing(web.connect()) as connection:
        connection.sendall(head(hook, Content_Length=str(len(hook.body)), Expect="100-continue"))
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(hook.body)
        assert answered(connection).startswith(b"HTTP/1.1 202")


@pytest.mark.parametrize("size", [10, 40_000, 50_000, 3_000_000])
def test_a_delivery_in_small_pieces_is_accepted(web: Web, size: int) -> None:
    hook = fresh(b'{"a": "' + b"x" * size + b'"}')
    with closing(web.connect()) as connection:
        data = sent(hook)
        for start in range(0, len(data), max(7, size // 300)):
            connection.sendall(data[start : start + max(7, size // 300)])
            time.sleep(0.001)
        assert answered(connection).startswith(b"HTTP/1.1 202")


def test_one_connection_takes_many_deliveries_also_at_once(web: Web) -> None:
    hooks = [fresh() for _ in range(20)]
    with closing(web.connect()) as connection:
        connection.sendall(b"".join(map(sent, hooks)))
        data = b""
        while data.count(b"HTTP/1.1 202") < 20:
            data += connection.recv(65536)
    assert [web.kept(ident(one)) for one in hooks] == [1] * 20


CANARY = b"CANARY-7f3a"


@pytest.mark.parametrize("request_", [
    CANARY + b" / HTTP/1.1\r\n\r\n", b"POST /hooks/quay/" + CANARY + b" HTTP/9\r\n\r\n", b"GET /" + CANARY + b"\r\n\r\n",
    b"POST /hooks/quay/" + CANARY + b" HTTP/1.1\r\nbad header " + CANARY + b"\r\n\r\n",
    b"POST /hooks/quay/" + CANARY + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + CANARY + b"\r\n\r\n",
    b"POST /hooks/quay/" + CANARY + b"x" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /hooks/quay/" + CANARY + b" HTTP/1.1\r\nHost: x\r\nX: " + CANARY * 4000,
    b"POST /hooks/quay/" + CANARY + b" HTTP/1.1\r\nHost: x\r\nContent-Length: " + CANARY + b"\r\n\r\n",
])  # fmt: skip
def test_what_is_not_http_is_repeated_in_no_answer_and_no_log(web: Web, request_: bytes) -> None:
    with closing(web.connect()) as connection:
        connection.sendall(request_)
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 4"), answer
    assert CANARY not in answer
    assert CANARY.decode() not in web.log.read_text()


def test_with_postgresql_gone_senders_are_told_to_come_again(start_web: StartWeb, own_postgres: PostgreSQL) -> None:
    """And the log says so without the secret in Quay's path, ours or an old one."""
    web, first, later = start_web(store=migrated(own_postgres.new_database())), fresh(), fresh()
    assert web.post(first).status_code == 202
    own_postgres.halt()
    answer = web.post(later)
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()["status"]) == (503, "30", "error")
    assert "127.0.0.1" not in answer.text
    assert [web.post(quay()).status_code, web.post(quay(secret=b"an-old-path-secret")).status_code] == [503, 401]
    own_postgres.start()
    assert [web.post(one).status_code for one in (later, first)] == [202, 200]
    said = web.log.read_text()
    assert "instance=quay" in said
    assert not [one for one in (*SECRETS, b"an-old-path-secret") if one.decode() in said]


def test_with_sqlite_locked_senders_are_told_to_come_again(web: Web) -> None:
    hook = fresh()
    with closing(sqlite3.connect(web.store_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        answer = web.post(hook)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert time.monotonic() - began < 5  # Forgejo waits no longer
        other.execute("ROLLBACK")
    assert web.post(hook).status_code == 202


@pytest.mark.parametrize("broker", ["never there", "stopped"])
def test_without_a_broker_deliveries_are_accepted_all_the_same(
    start_web: StartWeb, broker: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        port = free_port()
        if broker == "stopped":
            redis = Redis(tmp_path / "redis").start()
            stack.callback(redis.stop)
            port = redis.port
        web = start_web(broker=f"redis://127.0.0.1:{port}/0")
        if broker == "stopped":
            web.post(fresh())
            redis.stop()
        began = time.monotonic()
        codes = [web.post(fresh()).status_code for _ in range(100)]
        took = time.monotonic() - began
    assert codes == [202] * 100
    assert took < 10


def test_health_says_whether_deliveries_can_be_taken(web: Web, start_web: StartWeb, tmp_path: Path) -> None:
    assert web.get("/healthz/ready").json() == {"status": "ok"}
    empty = start_web(store=f"sqlite:///{tmp_path / 'empty.db'}")
    answer = empty.get("/healthz/ready")
    assert (answer.status_code, answer.json()["message"]) == (503, "The store is not migrated; run `sigbot migrate`.")
    assert empty.post(fresh()).status_code == 503


def test_settings_that_cannot_be_served_end_the_process_with_a_sentence(tmp_path: Path, sqlite_url: str) -> None:
    web = Web(tmp_path, store=sqlite_url, hooks=[{"name": "forge", "kind": "forgejo", "url": "https://x.example.org"}])
    web.process.start()
    end = time.monotonic() + 30
    while web.process.alive() and time.monotonic() < end:
        time.sleep(0.1)
    said = web.log.read_text()
    web.stop()
    assert "sigbot: instance forge has no webhook secret; set hook_secrets" in said
    assert "Traceback" not in said


def test_a_stopping_server_answers_what_it_has_begun(start_web: StartWeb) -> None:
    web, hook = start_web(), fresh(LARGE)
    with closing(web.connect()), closing(web.connect()) as connection:
        connection.sendall(sent(hook)[:-50_000])
        time.sleep(0.5)
        began = time.monotonic()
        stopping = threading.Thread(target=web.stop)
        stopping.start()
        time.sleep(0.5)
        connection.sendall(sent(hook)[-50_000:])
        assert answered(connection).startswith(b"HTTP/1.1 202")
        stopping.join()
    assert time.monotonic() - began < 6
    assert web.kept() == 1
