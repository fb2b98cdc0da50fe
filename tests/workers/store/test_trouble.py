"""A database that is missing, locked, stopped, restarted, read-only or empty: StoreDown, and then it goes on."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from sig_bots.errors import Transient
from sig_workers.store.errors import StoreDown
from sig_workers.store.rows import Accepted
from sig_workers.store.store import Store
from tests.servers.postgres import PostgreSQL
from tests.workers.store.conftest import LEASE, eventually

SHORT = timedelta(milliseconds=300)


def accept(store: Store, delivery_id: str = "one") -> Accepted:
    return store.accept(instance="f", source="s", delivery_id=delivery_id, headers={}, body=b"{}")


@pytest.fixture
def file(sqlite_template: Path, tmp_path: Path) -> Path:
    path = tmp_path / "s.db"
    path.write_bytes(sqlite_template.read_bytes())
    return path


@pytest.fixture
def impatient(file: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{file}", patience=SHORT)
    yield store
    store.close()


def test_a_locked_sqlite_is_store_down_then_recovers(impatient: Store, file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for write in (lambda: accept(impatient), lambda: impatient.claim_deliveries("w", 1, LEASE), impatient.writable):
        with pytest.raises(StoreDown, match="locked"):
            write()
    assert impatient.recent_deliveries() == []
    other.execute("ROLLBACK")
    assert accept(impatient).status == "new"
    other.close()


def test_waiting_for_a_locked_sqlite_is_bounded_for_everybody(impatient: Store, file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def fails(number: int) -> float:
        started = time.monotonic()
        with pytest.raises(StoreDown):
            accept(impatient, str(number))
        return time.monotonic() - started

    with ThreadPoolExecutor(30) as pool:
        waits = list(pool.map(fails, range(30)))
    other.close()
    assert max(waits) < 3


def test_a_failing_write_takes_no_other_write_of_its_group_with_it(impatient: Store, file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # so that the writes below wait and are committed together

    def write(number: int) -> str:
        try:
            if number % 3:
                return accept(impatient, str(number)).status
            impatient.write(lambda connection: connection.execute(text("INSERT INTO locks (name) VALUES ('x')")))
        except StoreDown:
            return "down"
        except Exception as error:
            return type(error).__name__
        return "nothing was wrong"

    with ThreadPoolExecutor(9) as pool:
        results = pool.map(write, range(9))
        time.sleep(0.1)
        other.execute("ROLLBACK")
    other.close()
    assert list(results) == ["IntegrityError", "new", "new"] * 3
    assert len(impatient.recent_deliveries(public_only=False)) == 6


def test_an_unmigrated_database_says_what_to_do(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    fresh = f"sqlite:///{tmp_path / 'fresh.db'}"
    if url.startswith("postgresql"):
        fresh = request.getfixturevalue("postgres").new_database()
    store = Store.open(fresh)
    assert store.at_head() is False
    for use in (lambda: accept(store), lambda: store.sweep(), lambda: store.jobs()):
        with pytest.raises(StoreDown, match="run `sigbot migrate`"):
            use()
    store.close()


def test_a_full_disk_is_store_down_then_recovers(impatient: Store) -> None:
    def limit(pages: int) -> None:
        impatient.write(lambda connection: connection.execute(text(f"PRAGMA max_page_count = {pages}")).scalar())

    limit(1)  # SQLite takes the present size
    with pytest.raises(StoreDown, match="free disk space"):
        impatient.accept(instance="f", source="s", delivery_id="big", headers={}, body=b"x" * 5_000_000)
    limit(100_000)
    assert accept(impatient, "big").status == "new"


def test_a_closed_store_is_store_down(store: Store) -> None:
    accept(store)
    store.close()
    store.close()
    for use in (lambda: accept(store), lambda: store.jobs()):
        with pytest.raises(StoreDown, match="closed"):
            use()


def test_store_down_is_transient_and_says_when_to_come_back() -> None:
    down = StoreDown("x")
    assert isinstance(down, Transient)
    assert down.retry_after is not None


@pytest.mark.parametrize("address", ["mysql://root:secret@h/db", "oracle://h/db"])
def test_other_databases_are_refused_without_their_password(address: str) -> None:
    with pytest.raises(ValueError, match="sqlite") as refusal:
        Store.open(address)
    assert "secret" not in str(refusal.value)


def test_sqlite_in_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a file"):
        Store.open("sqlite://")


def test_sqlite_waits_for_the_disk_only_when_durable(file: Path) -> None:
    def synchronous(durable: bool) -> tuple[int, str, int]:
        store = Store.open(f"sqlite:///{file}", durable=durable)
        pragmas = ("synchronous", "journal_mode", "foreign_keys")
        found = store.write(lambda c: tuple(c.execute(text(f"PRAGMA {one}")).scalar() for one in pragmas))
        store.close()
        return found  # type: ignore[return-value]

    assert (synchronous(False), synchronous(True)) == ((1, "wal", 1), (2, "wal", 1))


def test_readers_do_not_wait_for_a_writer(impatient: Store, file: Path) -> None:
    accept(impatient)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert len(impatient.recent_deliveries(public_only=False)) == 1
    other.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_the_store_works_on_both_sides_of_a_fork(store: Store) -> None:
    accept(store, "before")
    child = os.fork()
    if child == 0:  # the child must not run pytest's own ending
        try:
            status = 0 if accept(store, "child").status == "new" and len(store.jobs()) == 0 else 1
        except BaseException:
            status = 2
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert accept(store, "after").status == "new"
    assert len(store.recent_deliveries(public_only=False)) == 3


@pytest.mark.server
def test_a_stopped_postgresql_is_store_down_without_a_password(own_postgres: PostgreSQL) -> None:
    store = Store.open(own_postgres.new_database().replace("postgres@", "postgres:hunter2@"))
    store.migrate()
    accept(store)
    own_postgres.stop()
    for use in (lambda: accept(store), store.writable, store.jobs, lambda: store.at_head()):
        with pytest.raises(StoreDown) as down:
            use()
        assert "hunter2" not in str(down.value)
    store.close()


@pytest.mark.server
@pytest.mark.parametrize("crash", [False, True])
def test_a_restarted_postgresql_is_noticed_by_nobody_who_comes_after(own_postgres: PostgreSQL, crash: bool) -> None:
    store = Store.open(own_postgres.new_database())
    store.migrate()
    with ThreadPoolExecutor(4) as pool:  # several connections of each kind become stale
        list(pool.map(lambda n: accept(store, f"old{n}"), range(8)))
        list(pool.map(lambda _: store.jobs(), range(8)))
    own_postgres.restart(crash=crash)
    assert accept(store, "new").status == "new"
    assert len(store.claim_deliveries("w", 99, LEASE)) == 9
    assert len(store.recent_deliveries(public_only=False)) == 9
    store.close()


@pytest.mark.server
def test_a_statement_of_postgresql_has_a_time_limit(postgres: PostgreSQL) -> None:
    store = Store.open(postgres.new_database(), patience=SHORT)
    started = time.monotonic()
    with pytest.raises(StoreDown):
        store.read(lambda connection: connection.execute(text("SELECT pg_sleep(20)")))
    assert time.monotonic() - started < 5
    store.close()


@pytest.mark.server
def test_a_locked_row_of_postgresql_is_waited_for_only_so_long(postgres: PostgreSQL) -> None:
    store = Store.open(postgres.new_database(), patience=SHORT)
    store.migrate()
    accept(store)
    with store.database.engine.begin() as other:
        other.execute(text("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(StoreDown):
            accept(store, "two")
    eventually(lambda: accept(store, "two").status == "new")
    store.close()


def test_writers_of_many_threads_and_one_other_process_all_get_through(store: Store, url: str) -> None:
    other = Store.open(url)
    ids: list[int] = []

    def run(which: Store, name: str) -> None:
        ids.extend(accept(which, f"{name}{n}").id for n in range(25))

    threads = [threading.Thread(target=run, args=(which, f"{n}-")) for n, which in enumerate([store, other] * 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert len(set(ids)) == 200
