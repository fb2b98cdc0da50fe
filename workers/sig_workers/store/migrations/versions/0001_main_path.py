"""The main path: repositories, deliveries, events, jobs, effects."""

import sqlalchemy as sa
from alembic import op

from sig_workers.store.columns import Bytes, Id, Json, UtcTime, Words

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "blocked_hosts",
        sa.Column("host", Words(), nullable=False),
        sa.Column("until", UtcTime(), nullable=False),
        sa.Column("reason", Words(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_blocked_hosts")),
    )
    op.create_table(
        "hook_keys",
        sa.Column("instance", Words(), nullable=False),
        sa.Column("path", Words(), nullable=False),
        sa.Column("key", Bytes, nullable=False),
        sa.Column("synced_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("instance", "path", name=op.f("pk_hook_keys")),
    )
    op.create_table(
        "locks",
        sa.Column("name", Words(), nullable=False),
        sa.Column("owner", Words(), nullable=False),
        sa.Column("until", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_locks")),
    )
    op.create_table(
        "repositories",
        sa.Column("id", Id, nullable=False),
        sa.Column("instance", Words(), nullable=False),
        sa.Column("forge_id", Words(), nullable=True),
        sa.Column("path", Words(), nullable=False),
        sa.Column("owner", Words(), server_default="", nullable=False),
        sa.Column("private", sa.Boolean(), nullable=True),
        sa.Column("default_branch", Words(), nullable=True),
        sa.Column("installation", Words(), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("config_text", Words(), nullable=True),
        sa.Column("config_sha", Words(), nullable=True),
        sa.Column("config_read_at", UtcTime(), nullable=True),
        sa.Column("last_claimed_at", UtcTime(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repositories")),
        sa.UniqueConstraint("instance", "path", name=op.f("uq_repositories_instance_path")),
    )
    op.create_index(
        "uq_repositories_instance_forge_id",
        "repositories",
        ["instance", "forge_id"],
        unique=True,
        sqlite_where=sa.text("forge_id IS NOT NULL"),
        postgresql_where=sa.text("forge_id IS NOT NULL"),
    )
    op.create_table(
        "approvals",
        sa.Column("repo_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sha", Words(), nullable=False),
        sa.Column("by_login", Words(), nullable=False),
        sa.Column("by_id", Words(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repositories.id"], name=op.f("fk_approvals_repo_id")),
        sa.PrimaryKeyConstraint("repo_id", "number", "sha", name=op.f("pk_approvals")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", Id, nullable=False),
        sa.Column("instance", Words(), nullable=False),
        sa.Column("source", Words(), nullable=False),
        sa.Column("delivery_id", Words(), nullable=False),
        sa.Column("headers", Json, nullable=False),
        sa.Column("body", Bytes, nullable=False),
        sa.Column("body_sha256", Bytes, nullable=False),
        sa.Column("state", Words(), nullable=False),
        sa.Column("reason", Words(), server_default="", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("owner", Words(), nullable=True),
        sa.Column("lease_until", UtcTime(), nullable=True),
        sa.Column("not_before", UtcTime(), nullable=True),
        sa.Column("repo_id", Id, nullable=True),
        sa.Column("private", sa.Boolean(), nullable=True),
        sa.Column("parent_job_id", Id, nullable=True),
        sa.Column("trace", Words(), nullable=True),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("settled_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["repo_id"], ["repositories.id"], name=op.f("fk_deliveries_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("instance", "delivery_id", name=op.f("uq_deliveries_instance_delivery_id")),
    )
    op.create_index(
        "ix_deliveries_open",
        "deliveries",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state IN ('received', 'processing', 'failed')"),
        postgresql_where=sa.text("state IN ('received', 'processing', 'failed')"),
    )
    op.create_table(
        "own_commits",
        sa.Column("repo_id", Id, nullable=False),
        sa.Column("sha", Words(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repositories.id"], name=op.f("fk_own_commits_repo_id")),
        sa.PrimaryKeyConstraint("repo_id", "sha", name=op.f("pk_own_commits")),
    )
    op.create_table(
        "schedules",
        sa.Column("id", Id, nullable=False),
        sa.Column("repo_id", Id, nullable=False),
        sa.Column("bot", Words(), nullable=False),
        sa.Column("handler", Words(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("last_at", UtcTime(), nullable=True),
        sa.Column("next_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repositories.id"], name=op.f("fk_schedules_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
        sa.UniqueConstraint("repo_id", "bot", "handler", name=op.f("uq_schedules_repo_id_bot_handler")),
    )
    op.create_index(op.f("ix_schedules_next_at"), "schedules", ["next_at"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", Id, nullable=False),
        sa.Column("delivery_id", Id, nullable=True),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("json", Words(), nullable=False),
        sa.Column("repo_id", Id, nullable=True),
        sa.Column("parent_job_id", Id, nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_events_delivery_id")),
        sa.ForeignKeyConstraint(["repo_id"], ["repositories.id"], name=op.f("fk_events_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_delivery_id"), "events", ["delivery_id"], unique=False)
    op.create_table(
        "verdicts",
        sa.Column("id", Id, nullable=False),
        sa.Column("delivery_id", Id, nullable=False),
        sa.Column("bot", Words(), nullable=False),
        sa.Column("verdict", Words(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_verdicts_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
    )
    op.create_index(op.f("ix_verdicts_delivery_id"), "verdicts", ["delivery_id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", Id, nullable=False),
        sa.Column("event_id", Id, nullable=True),
        sa.Column("delivery_id", Id, nullable=True),
        sa.Column("repo_id", Id, nullable=False),
        sa.Column("bot", Words(), nullable=False),
        sa.Column("handler", Words(), nullable=False),
        sa.Column("plugin_version", Words(), server_default="", nullable=False),
        sa.Column("queue", Words(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("target", Words(), nullable=False),
        sa.Column("version", Words(), server_default="", nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("head_sha", Words(), nullable=True),
        sa.Column("args", Json, nullable=False),
        sa.Column("actor", Json, nullable=True),
        sa.Column("reply_key", Words(), server_default="", nullable=False),
        sa.Column("state", Words(), nullable=False),
        sa.Column("reason", Words(), server_default="", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default="3", nullable=False),
        sa.Column("not_before", UtcTime(), nullable=True),
        sa.Column("host", Words(), nullable=True),
        sa.Column("owner", Words(), nullable=True),
        sa.Column("lease_until", UtcTime(), nullable=True),
        sa.Column("cancel_reason", Words(), nullable=True),
        sa.Column("trace", Words(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=True),
        sa.Column("finished_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_jobs_delivery_id")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_jobs_event_id")),
        sa.ForeignKeyConstraint(["repo_id"], ["repositories.id"], name=op.f("fk_jobs_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("key", name=op.f("uq_jobs_key")),
    )
    op.create_index(
        "ix_jobs_dead",
        "jobs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(op.f("ix_jobs_delivery_id"), "jobs", ["delivery_id"], unique=False)
    op.create_index(
        "ix_jobs_queued",
        "jobs",
        ["queue", "priority", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index("ix_jobs_repo_id_number", "jobs", ["repo_id", "number"], unique=False)
    op.create_index(
        "uq_jobs_running_target",
        "jobs",
        ["target"],
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "attempts",
        sa.Column("job_id", Id, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=False),
        sa.Column("outcome", Words(), nullable=False),
        sa.Column("reason", Words(), server_default="", nullable=False),
        sa.Column("owner", Words(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_attempts_job_id")),
        sa.PrimaryKeyConstraint("job_id", "attempt", name=op.f("pk_attempts")),
    )
    op.create_table(
        "effects",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("repo_id", Id, nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("content_sha", Words(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("detail", Json, nullable=True),
        sa.Column("state", Words(), nullable=False),
        sa.Column("result", Words(), server_default="", nullable=False),
        sa.Column("url", Words(), server_default="", nullable=False),
        sa.Column("intended_at", UtcTime(), nullable=False),
        sa.Column("confirmed_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_effects_job_id")),
        sa.ForeignKeyConstraint(["repo_id"], ["repositories.id"], name=op.f("fk_effects_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effects")),
        sa.UniqueConstraint(
            "repo_id", "kind", "key", "content_sha", name=op.f("uq_effects_repo_id_kind_key_content_sha")
        ),
    )
    op.create_index(op.f("ix_effects_job_id"), "effects", ["job_id"], unique=False)
    op.create_table(
        "job_log",
        sa.Column("seq", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("line", Words(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_log_job_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_job_log")),
    )
    op.create_index("ix_job_log_job_id_seq", "job_log", ["job_id", "seq"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=True),
        sa.Column("topic", Words(), nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("sent_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_outbox_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )


def downgrade() -> None:
    """Drop them."""
    for table in (
        "outbox",
        "job_log",
        "effects",
        "attempts",
        "jobs",
        "verdicts",
        "events",
        "schedules",
        "own_commits",
        "deliveries",
        "approvals",
        "repositories",
        "locks",
        "hook_keys",
        "blocked_hosts",
    ):
        op.drop_table(table)
