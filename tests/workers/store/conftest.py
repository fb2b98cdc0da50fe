"""A migrated store per test, once on SQLite and once on a real PostgreSQL."""

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from sig_bots.refs import Repo
from sig_workers.store import schema_fleet, schema_local, schema_updates
from sig_workers.store.rows import JobRow, NewEvent, NewJob, RepositoryRow, Settlement
from sig_workers.store.schema import metadata
from sig_workers.store.store import Store

__all__ = ["schema_fleet", "schema_local", "schema_updates"]

LEASE = timedelta(seconds=60)
BLINK = timedelta(milliseconds=50)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "template.db"
    store = Store.open(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return path


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("postgres").new_database()
    store = Store.open(url)
    store.migrate()
    store.close()
    return url


def empty(url: str) -> None:
    """All tables empty, numbers from 1."""
    engine = create_engine(url)
    with engine.begin() as connection:
        names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    engine.dispose()


@pytest.fixture(params=[pytest.param("sqlite"), pytest.param("postgresql", marks=pytest.mark.server)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "store.db")
        return f"sqlite:///{tmp_path / 'store.db'}"
    address: str = request.getfixturevalue("postgres_url")
    empty(address)
    return address


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def repo(store: Store) -> RepositoryRow:
    return store.ensure_repository("forge", Repo(path="owner/name", forge_id="7", private=False))


class Work:
    """Puts deliveries and jobs into a store in one line."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.count = 0

    def deliver(self, body: bytes = b"{}", **values: Any) -> int:
        self.count += 1
        given: dict[str, Any] = {"instance": "forge", "source": "github", "delivery_id": f"d{self.count}"} | values
        return self.store.accept(headers={}, body=body, **given).id

    def job(self, repo: RepositoryRow, **values: object) -> NewJob:
        self.count += 1
        given = {"bot": "lint", "handler": "on_push", "queue": "interactive", "priority": 1} | values
        given.setdefault("target", f"{repo.id}:{self.count}")
        given.setdefault("key", f"key-{self.count}")
        return NewJob(repo_id=repo.id, **given)  # type: ignore[arg-type]

    def plan(self, *jobs: NewJob, **values: object) -> tuple[int, ...]:
        """Jobs as they come from a delivery; their ids."""
        self.deliver()
        (row,) = self.store.claim_deliveries("planner", 1, LEASE)
        settlement = Settlement(row.id, row.attempt, "done", event=NewEvent("push", "{}"), jobs=jobs, **values)  # type: ignore[arg-type]
        return self.store.settle([settlement])[0]

    def run(self, repo: RepositoryRow, lease: timedelta = LEASE, **values: object) -> JobRow:
        """A job that somebody runs."""
        (job,) = self.plan(self.job(repo, **values))
        claimed = self.store.claim_job(job, "worker", lease)
        assert claimed is not None
        return claimed


@pytest.fixture
def work(store: Store) -> Work:
    return Work(store)


def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until it holds, or fail."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
