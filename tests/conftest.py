"""Fixtures for the whole suite: the real servers, and a git identity that needs no HOME.

A server that the machine lacks skips the test with the remedy; SIGBOT_REQUIRE_SERVERS=1 (continuous integration)
makes that a failure.
"""

import gc
import logging
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest

from tests.servers.pagure import Pagure
from tests.servers.postgres import PostgreSQL
from tests.servers.process import ServerMissing
from tests.servers.programs import program
from tests.servers.redis import Redis
from tests.servers.registry import Registry
from tests.servers.sharing import shared

# How many examples a property is tried on; `make test-long` takes the second one.
hypothesis.settings.register_profile("quick", max_examples=60, deadline=None)
hypothesis.settings.register_profile("full", max_examples=1000, deadline=None)
hypothesis.settings.load_profile("quick")


def unavailable(error: ServerMissing) -> NoReturn:
    """Skip the test, or fail it where every server must be present."""
    if os.environ.get("SIGBOT_REQUIRE_SERVERS") == "1":
        pytest.fail(str(error), pytrace=False)
    pytest.skip(str(error))


@contextmanager
def _skipping() -> Iterator[None]:
    try:
        yield
    except ServerMissing as error:
        unavailable(error)


def pytest_collection_finish() -> None:
    """Thousands of tests are objects that stay: the collector need not look at them again, nor so often at others."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    """What a fixture lacks."""
    with _skipping():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """What the test itself lacks."""
    with _skipping():
        yield


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of this run."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session", autouse=True)
def git_identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Git configuration of the tests: the person's own is neither needed nor read."""
    config = tmp_path_factory.mktemp("git") / "config"
    config.write_text("[user]\n\tname = Test\n\temail = test@example.org\n[init]\n\tdefaultBranch = main\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(config))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GIT_TERMINAL_PROMPT", "0")
        yield config


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command run in this process sets up logging for its own process: taken back, or later tests see no log."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture(scope="session")
def postgres(run_folder: Path) -> Iterator[PostgreSQL]:
    """The run's PostgreSQL; `postgres.new_database()` gives a fresh database's SQLAlchemy URL."""
    with shared(run_folder, "postgres", PostgreSQL) as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[PostgreSQL]:
    """A PostgreSQL for this test alone, which it may restart."""
    server = PostgreSQL()
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """This worker's Redis; `redis_server.new_url()` gives a logical database nobody else uses."""
    server = Redis(tmp_path_factory.mktemp("redis"))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def registry_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """This worker's open registry, for tests that use names of their own in it."""
    server = Registry(tmp_path_factory.mktemp("registry"))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def make_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Registry]]:
    """Start registries of the test's own: `make_registry(notifications=[Notification(...)], auth=("user", "pw"))`."""
    with ExitStack() as stack:

        def make(**options: object) -> Registry:
            server = Registry(tmp_path_factory.mktemp("registry"), **options)  # type: ignore[arg-type]
            stack.callback(server.stop)
            return server.start()

        yield make


@pytest.fixture(scope="session")
def pagure(run_folder: Path) -> Iterator[Pagure]:
    """The run's Pagure; make a project per test with `pagure.new_project("name")`."""
    with shared(run_folder, "pagure", Pagure) as server:
        yield server


@pytest.fixture(scope="session")
def buildah() -> str:
    """The path of buildah."""
    return program("buildah")
