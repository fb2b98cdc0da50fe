"""The tables of the main path: repositories, deliveries, events, jobs, effects. One metadata for both databases.

Names of tables are plural, of foreign keys `<thing>_id`. States are text, named in `sig_bots.jobstate` and
`deliverystate`; the code that writes them is in this package only. The fleet's tables are in `schema_fleet`, the local
forge's in `schema_local`, the update bot's in `schema_updates`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    literal_column,
    text,
    true,
)

from sig_bots.jobstate import JobState
from sig_workers.store.columns import Bytes, Id, Json, States, UtcTime, Words, db_now
from sig_workers.store.deliverystate import UNPLANNED, DeliveryState

__all__ = [
    "DEAD", "HEAD", "QUEUED", "RUNNING", "UNPLANNED_DELIVERY", "approvals", "attempts", "blocked_hosts", "deliveries",
    "effects", "events", "hook_keys", "is_in", "job_log", "jobs", "locks", "metadata", "outbox", "own_commits",
    "repositories", "schedules", "verdicts",
]  # fmt: skip

HEAD = "0005"
"""Newest migration this code needs. Numbers only grow, so a database that is newer is fine (expand, then contract)."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _created(name: str = "created_at") -> Column[object]:
    return Column(name, UtcTime, nullable=False, default=db_now())


repositories = Table(
    "repositories",
    metadata,
    Column("id", Id, primary_key=True),
    Column("instance", Words, nullable=False),
    Column("forge_id", Words),
    Column("path", Words, nullable=False),
    Column("owner", Words, nullable=False, server_default=""),
    Column("private", Boolean),
    Column("default_branch", Words),
    Column("installation", Words),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    Column("config_text", Words),
    Column("config_sha", Words),
    Column("config_read_at", UtcTime),
    Column("last_claimed_at", UtcTime, nullable=False, default=datetime(1970, 1, 1, tzinfo=UTC)),
    _created(),
    UniqueConstraint("instance", "path"),
)
Index(
    "uq_repositories_instance_forge_id", repositories.c.instance, repositories.c.forge_id, unique=True,
    sqlite_where=repositories.c.forge_id.isnot(None), postgresql_where=repositories.c.forge_id.isnot(None),
)  # fmt: skip

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("instance", Words, nullable=False),
    Column("source", Words, nullable=False),
    Column("delivery_id", Words, nullable=False),
    Column("headers", Json, nullable=False),
    Column("body", Bytes, nullable=False),
    Column("body_sha256", Bytes, nullable=False),
    Column("state", States(DeliveryState), nullable=False),
    Column("reason", Words, nullable=False, server_default=""),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("owner", Words),
    Column("lease_until", UtcTime),
    Column("not_before", UtcTime),
    Column("repo_id", Id, ForeignKey("repositories.id")),
    Column("private", Boolean),
    Column("parent_job_id", Id),
    Column("trace", Words),
    Column("received_at", UtcTime, nullable=False, default=db_now()),
    Column("settled_at", UtcTime),
    UniqueConstraint("instance", "delivery_id"),
)
# Conditions with the states as constants, not parameters: only so do the planners see that a partial index applies.
_UNPLANNED = f"state IN ({', '.join(f"'{state}'" for state in UNPLANNED)})"
UNPLANNED_DELIVERY = text(f"deliveries.{_UNPLANNED}")
Index("ix_deliveries_open", deliveries.c.id, sqlite_where=text(_UNPLANNED), postgresql_where=text(_UNPLANNED))

events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("delivery_id", Id, ForeignKey("deliveries.id"), index=True),
    Column("kind", Words, nullable=False),
    Column("json", Words, nullable=False),
    Column("repo_id", Id, ForeignKey("repositories.id")),
    Column("parent_job_id", Id),
    _created(),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("delivery_id", Id, ForeignKey("deliveries.id"), nullable=False, index=True),
    Column("bot", Words, nullable=False),
    Column("verdict", Words, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("event_id", Id, ForeignKey("events.id")),
    Column("delivery_id", Id, ForeignKey("deliveries.id"), index=True),
    Column("repo_id", Id, ForeignKey("repositories.id"), nullable=False),
    Column("bot", Words, nullable=False),
    Column("handler", Words, nullable=False),
    Column("plugin_version", Words, nullable=False, server_default=""),
    Column("config_sha", Words),
    Column("queue", Words, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("target", Words, nullable=False),
    Column("version", Words, nullable=False, server_default=""),
    Column("key", Words, nullable=False),
    Column("number", Integer),
    Column("head_sha", Words),
    Column("args", Json, nullable=False),
    Column("actor", Json),
    Column("reply_key", Words, nullable=False, server_default=""),
    Column("state", States(JobState), nullable=False),
    Column("reason", Words, nullable=False, server_default=""),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("max_attempts", Integer, nullable=False, server_default="3"),
    Column("not_before", UtcTime),
    Column("host", Words),
    Column("owner", Words),
    Column("lease_until", UtcTime),
    Column("cancel_reason", Words),
    Column("trace", Words),
    _created(),
    Column("started_at", UtcTime),
    Column("finished_at", UtcTime),
    UniqueConstraint("key"),
)


def is_in(state: JobState, of: FromClause = jobs) -> ColumnElement[bool]:
    """The job is in this state."""
    return of.c.state == literal_column(f"'{state}'")


QUEUED, RUNNING, DEAD = is_in(JobState.QUEUED), is_in(JobState.RUNNING), is_in(JobState.DEAD)
Index("uq_jobs_running_target", jobs.c.target, unique=True, sqlite_where=RUNNING, postgresql_where=RUNNING)
Index("ix_jobs_queued", jobs.c.queue, jobs.c.priority, jobs.c.id, sqlite_where=QUEUED, postgresql_where=QUEUED)
Index("ix_jobs_repo_id_number", jobs.c.repo_id, jobs.c.number)
Index("ix_jobs_dead", jobs.c.id, sqlite_where=DEAD, postgresql_where=DEAD)

attempts = Table(
    "attempts",
    metadata,
    Column("job_id", Id, ForeignKey("jobs.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime, nullable=False),
    Column("outcome", Words, nullable=False),
    Column("reason", Words, nullable=False, server_default=""),
    Column("owner", Words),
)

job_log = Table(
    "job_log",
    metadata,
    Column("seq", Id, primary_key=True),
    Column("job_id", Id, ForeignKey("jobs.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", UtcTime, nullable=False, default=db_now()),
    Column("line", Words, nullable=False),
    Index("ix_job_log_job_id_seq", "job_id", "seq"),
)

effects = Table(
    "effects",
    metadata,
    Column("id", Id, primary_key=True),
    Column("job_id", Id, ForeignKey("jobs.id"), nullable=False, index=True),
    Column("attempt", Integer, nullable=False),
    Column("repo_id", Id, ForeignKey("repositories.id"), nullable=False),
    Column("kind", Words, nullable=False),
    Column("key", Words, nullable=False),
    Column("content_sha", Words, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("detail", Json),
    Column("state", Words, nullable=False),
    Column("result", Words, nullable=False, server_default=""),
    Column("url", Words, nullable=False, server_default=""),
    Column("intended_at", UtcTime, nullable=False, default=db_now()),
    Column("confirmed_at", UtcTime),
    UniqueConstraint("repo_id", "kind", "key", "content_sha"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("job_id", Id, ForeignKey("jobs.id")),
    Column("topic", Words, nullable=False),
    Column("body", Json, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("not_before", UtcTime),
    _created(),
    Column("sent_at", UtcTime),
)

approvals = Table(
    "approvals",
    metadata,
    Column("repo_id", Id, ForeignKey("repositories.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sha", Words, primary_key=True),
    Column("by_login", Words, nullable=False),
    Column("by_id", Words),
    _created(),
)

own_commits = Table(
    "own_commits",
    metadata,
    Column("repo_id", Id, ForeignKey("repositories.id"), primary_key=True),
    Column("sha", Words, primary_key=True),
    _created(),
)

hook_keys = Table(
    "hook_keys",
    metadata,
    Column("instance", Words, primary_key=True),
    Column("path", Words, primary_key=True),
    Column("key", Bytes, nullable=False),
    Column("synced_at", UtcTime, nullable=False, default=db_now(), onupdate=db_now()),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", Id, primary_key=True),
    Column("repo_id", Id, ForeignKey("repositories.id"), nullable=False),
    Column("bot", Words, nullable=False),
    Column("handler", Words, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    Column("last_at", UtcTime),
    Column("next_at", UtcTime, nullable=False, index=True),
    UniqueConstraint("repo_id", "bot", "handler"),
)

locks = Table(
    "locks",
    metadata,
    Column("name", Words, primary_key=True),
    Column("owner", Words, nullable=False),
    Column("until", UtcTime, nullable=False),
)

blocked_hosts = Table(
    "blocked_hosts",
    metadata,
    Column("host", Words, primary_key=True),
    Column("until", UtcTime, nullable=False),
    Column("reason", Words, nullable=False, server_default=""),
)
