"""Run by Alembic. The connection comes from `migrate`, inside a transaction that no other migration runs beside."""

from alembic import context

from sig_workers.store import schema_fleet, schema_local, schema_updates
from sig_workers.store.schema import metadata

__all__ = ["schema_fleet", "schema_local", "schema_updates"]  # imported for their tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
