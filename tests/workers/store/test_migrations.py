"""Migrations from nothing on both databases, and no drift between them and the tables in the code."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from sig_workers.store import schema
from sig_workers.store.schema import metadata
from sig_workers.store.store import Store

PLACE = Path(schema.__file__).parent / "migrations"


@pytest.fixture(params=[pytest.param("sqlite"), pytest.param("postgresql", marks=pytest.mark.server)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    address = f"sqlite:///{tmp_path / 'e.db'}"
    if request.param == "postgresql":
        address = request.getfixturevalue("postgres").new_database()
    store = Store.open(address)
    yield store
    store.close()


def test_migrating_from_nothing_reaches_the_head(empty: Store) -> None:
    assert (empty.at_head(), empty.revision()) == (False, None)
    empty.migrate()
    assert (empty.at_head(), empty.revision()) == (True, schema.HEAD)
    empty.migrate()
    empty.writable()


def test_the_migrated_database_is_what_the_code_describes(empty: Store) -> None:
    empty.migrate()
    with empty.database.engine.connect() as connection:
        # How SQLite quotes a default differs from how it is told back, so only PostgreSQL compares those.
        compare = {"compare_type": True, "compare_server_default": empty.database.name == "postgresql"}
        context = MigrationContext.configure(connection, opts=compare)
        assert compare_metadata(context, metadata) == []


def test_partial_indexes_and_unique_keys_are_really_there(empty: Store) -> None:
    empty.migrate()
    found = {index["name"]: index for index in inspect(empty.database.engine).get_indexes("jobs")}
    assert found["uq_jobs_running_target"]["unique"]
    where = found["uq_jobs_running_target"]["dialect_options"]
    assert "running" in str(next(value for key, value in where.items() if key.endswith("where")))


def test_several_that_migrate_at_once_agree(empty: Store) -> None:
    stores = [Store.open(empty.database.engine.url.render_as_string(hide_password=False)) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda store: store.migrate(), stores))
    assert all(store.at_head() for store in stores)
    for store in stores:
        store.close()


def test_the_code_knows_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(PLACE))
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


def test_a_newer_database_is_good_enough(empty: Store) -> None:
    empty.migrate()
    empty.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    assert empty.at_head()


def test_what_a_migration_adds_to_a_table_the_release_before_can_leave_out(empty: Store) -> None:
    """Both releases write during an upgrade, so a new column may be neither required nor without a value."""
    config = Config()
    config.set_main_option("script_location", str(PLACE))
    known: dict[str, set[str]] = {}
    for step in reversed(list(ScriptDirectory.from_config(config).walk_revisions())):
        with empty.database.migrating() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, step.revision)
        found = inspect(empty.database.engine)
        for table in found.get_table_names():
            columns = {column["name"]: column for column in found.get_columns(table)}
            for name in columns.keys() - known.get(table, columns.keys()):
                assert columns[name]["nullable"] or columns[name]["default"] is not None, f"{table}.{name}"
            known[table] = set(columns)
    assert "config_sha" in known["jobs"]


def test_migrations_can_be_taken_back(empty: Store) -> None:
    empty.migrate()
    config = Config()
    config.set_main_option("script_location", str(PLACE))
    with empty.database.migrating() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(inspect(empty.database.engine).get_table_names()) == {"alembic_version"}
    empty.migrate()
    assert empty.at_head()


def test_a_migration_that_fails_leaves_nothing_behind(empty: Store) -> None:
    empty.write(lambda connection: connection.execute(text("CREATE TABLE local_repositories (x INTEGER)")))
    with pytest.raises(Exception, match="already exists"):
        empty.migrate()
    assert "jobs" not in inspect(empty.database.engine).get_table_names()
