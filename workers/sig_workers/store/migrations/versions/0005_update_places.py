"""Places of update pull requests under the limits that repositories share. Expands only: one table more."""

import sqlalchemy as sa
from alembic import op

from sig_workers.store.columns import Id, UtcTime, Words

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "update_places",
        sa.Column("id", Id, nullable=False),
        sa.Column("repo_id", Id, nullable=False),
        sa.Column("branch", Words(), nullable=False),
        sa.Column("state", Words(), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repositories.id"], name=op.f("fk_update_places_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_update_places")),
    )
    op.create_index("ix_update_places_repo_id", "update_places", ["repo_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("update_places")
