"""The local forge."""

import sqlalchemy as sa
from alembic import op

from sig_workers.store.columns import Id, Json, UtcTime, Words

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "local_repositories",
        sa.Column("id", Id, nullable=False),
        sa.Column("path", Words(), nullable=False),
        sa.Column("private", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("default_branch", Words(), server_default="main", nullable=False),
        sa.Column("owner", Words(), nullable=False),
        sa.Column("last_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_local_repositories")),
        sa.UniqueConstraint("path", name=op.f("uq_local_repositories_path")),
    )
    op.create_table(
        "local_checks",
        sa.Column("id", Id, nullable=False),
        sa.Column("repo_id", Id, nullable=False),
        sa.Column("sha", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("state", Words(), nullable=False),
        sa.Column("summary", Words(), server_default="", nullable=False),
        sa.Column("url", Words(), server_default="", nullable=False),
        sa.Column("text", Words(), server_default="", nullable=False),
        sa.Column("annotations", Json, nullable=False),
        sa.Column("created", UtcTime(), nullable=False),
        sa.Column("updated", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["local_repositories.id"], name=op.f("fk_local_checks_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_local_checks")),
        sa.UniqueConstraint("repo_id", "sha", "name", name=op.f("uq_local_checks_repo_id_sha_name")),
    )
    op.create_table(
        "local_comments",
        sa.Column("id", Id, nullable=False),
        sa.Column("repo_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("author", Words(), nullable=False),
        sa.Column("body", Words(), nullable=False),
        sa.Column("created", UtcTime(), nullable=False),
        sa.Column("edited", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["repo_id"], ["local_repositories.id"], name=op.f("fk_local_comments_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_local_comments")),
    )
    op.create_index("ix_local_comments_repo_id_number", "local_comments", ["repo_id", "number"], unique=False)
    op.create_table(
        "local_issues",
        sa.Column("id", Id, nullable=False),
        sa.Column("repo_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", Words(), nullable=False),
        sa.Column("body", Words(), server_default="", nullable=False),
        sa.Column("author", Words(), nullable=False),
        sa.Column("state", Words(), server_default="open", nullable=False),
        sa.Column("created", UtcTime(), nullable=False),
        sa.Column("updated", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["local_repositories.id"], name=op.f("fk_local_issues_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_local_issues")),
        sa.UniqueConstraint("repo_id", "number", name=op.f("uq_local_issues_repo_id_number")),
    )
    op.create_table(
        "local_permissions",
        sa.Column("repo_id", Id, nullable=False),
        sa.Column("login", Words(), nullable=False),
        sa.Column("permission", Words(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["local_repositories.id"], name=op.f("fk_local_permissions_repo_id")),
        sa.PrimaryKeyConstraint("repo_id", "login", name=op.f("pk_local_permissions")),
    )
    op.create_table(
        "local_pull_requests",
        sa.Column("id", Id, nullable=False),
        sa.Column("repo_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", Words(), nullable=False),
        sa.Column("body", Words(), server_default="", nullable=False),
        sa.Column("author", Words(), nullable=False),
        sa.Column("head_repo", Words(), nullable=True),
        sa.Column("head_branch", Words(), nullable=False),
        sa.Column("base_branch", Words(), nullable=False),
        sa.Column("head_sha", Words(), nullable=False),
        sa.Column("state", Words(), server_default="open", nullable=False),
        sa.Column("draft", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("labels", Json, nullable=False),
        sa.Column("url", Words(), server_default="", nullable=False),
        sa.Column("created", UtcTime(), nullable=False),
        sa.Column("updated", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["local_repositories.id"], name=op.f("fk_local_pull_requests_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_local_pull_requests")),
        sa.UniqueConstraint("repo_id", "number", name=op.f("uq_local_pull_requests_repo_id_number")),
    )
    op.create_table(
        "local_reactions",
        sa.Column("comment_id", Id, nullable=False),
        sa.Column("login", Words(), nullable=False),
        sa.Column("reaction", Words(), nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["local_comments.id"], name=op.f("fk_local_reactions_comment_id")),
        sa.PrimaryKeyConstraint("comment_id", "login", "reaction", name=op.f("pk_local_reactions")),
    )


def downgrade() -> None:
    """Drop them."""
    for table in (
        "local_reactions",
        "local_pull_requests",
        "local_permissions",
        "local_issues",
        "local_comments",
        "local_checks",
        "local_repositories",
    ):
        op.drop_table(table)
