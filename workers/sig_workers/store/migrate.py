"""Bringing the database up to this code's schema."""

from __future__ import annotations

from importlib.resources import files

from sqlalchemy import Connection, text

from sig_workers.store.database import Part
from sig_workers.store.errors import StoreDown
from sig_workers.store.schema import HEAD

__all__ = ["Migrations"]


class Migrations(Part):
    """Alembic, without its command line."""

    def migrate(self) -> None:
        """Run the migrations that are missing. Several processes may call it at once. Raises StoreDown."""
        from alembic import command  # imported here: the web process and the workers never migrate
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(files("sig_workers.store") / "migrations"))
        with self.database.migrating() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def revision(self) -> str | None:
        """The newest migration the database has had; None when it has had none. Raises StoreDown."""

        def look(connection: Connection) -> str | None:
            return connection.execute(text("SELECT max(version_num) FROM alembic_version")).scalar()

        try:
            return self.read(look)
        except StoreDown as error:
            if "not migrated" in str(error):
                return None
            raise

    def at_head(self) -> bool:
        """Whether the database has all that this code needs. A newer one has (expand first, contract later)."""
        return (self.revision() or "") >= HEAD

    def writable(self) -> None:
        """Write something and say nothing, or raise StoreDown with the reason."""

        def touch(connection: Connection) -> None:
            connection.execute(text("DELETE FROM locks WHERE name = ''"))

        self.write(touch)
