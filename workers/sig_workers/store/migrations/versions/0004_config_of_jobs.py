"""Which configuration a job was planned with. Expands only: the release before neither reads nor writes the column."""

import sqlalchemy as sa
from alembic import op

from sig_workers.store.columns import Words

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column."""
    op.add_column("jobs", sa.Column("config_sha", Words(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("jobs", "config_sha")
