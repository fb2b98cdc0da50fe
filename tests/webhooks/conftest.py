"""The web process over a real store: in this process with Flask's client, and as gunicorn on a port of its own."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sig_webhooks.app import create_app
from sig_workers.settings import Settings
from sig_workers.store.store import Store
from tests.bots.sources.deliveries import PAGURE_KEY
from tests.webhooks.senders import PROJECT, instances
from tests.webhooks.web import Web


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "template.db"
    migrated(f"sqlite:///{path}")
    return path


def migrated(url: str) -> str:
    store = Store.open(url)
    store.migrate()
    store.put_hook_keys("pagure", {PROJECT: PAGURE_KEY})
    store.close()
    return url


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    shutil.copy(sqlite_template, tmp_path / "sigbot.db")
    return f"sqlite:///{tmp_path / 'sigbot.db'}"


@pytest.fixture(params=[pytest.param("sqlite"), pytest.param("postgresql", marks=pytest.mark.server)])
def store_url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    return migrated(request.getfixturevalue("postgres").new_database())


@pytest.fixture
def settings(store_url: str, tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, store=store_url, instance=instances())


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    made = create_app(settings)
    yield made
    ours = made.extensions["sigbot"]
    ours["wake_ups"].stop()
    ours["store"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def store(app: Flask) -> Store:
    opened: Store = app.extensions["sigbot"]["store"]
    return opened


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A gunicorn for all tests of a module that give their deliveries ids of their own. Four threads, three seconds."""
    folder = tmp_path_factory.mktemp("web")
    server = Web(folder, store=migrated(f"sqlite:///{folder / 'sigbot.db'}"), request="3s", threads=4)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def start_web(tmp_path: Path, sqlite_url: str) -> Iterator[Callable[..., Web]]:
    """Start gunicorn: `start_web(store=URL, broker=URL, processes=2, request="1s")`."""
    with ExitStack() as stack:

        def start(**options: object) -> Web:
            web = Web(tmp_path, **{"store": sqlite_url, **options})  # type: ignore[arg-type]
            stack.callback(web.stop)
            return web.start()

        yield start
