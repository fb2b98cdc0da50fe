"""The fleet: images, builds, parents, registry answers."""

import sqlalchemy as sa
from alembic import op

from sig_workers.store.columns import Id, Json, UtcTime, Words

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "registry_cache",
        sa.Column("reference", Words(), nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("value", Json, nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("reference", "kind", name=op.f("pk_registry_cache")),
    )
    op.create_table(
        "images",
        sa.Column("id", Id, nullable=False),
        sa.Column("repo_id", Id, nullable=False),
        sa.Column("registry", Words(), server_default="", nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("tag", Words(), server_default="", nullable=False),
        sa.Column("containerfile", Words(), nullable=False),
        sa.Column("context", Words(), server_default=".", nullable=False),
        sa.Column("platforms", Json, nullable=False),
        sa.Column("network", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("smoke", Json, nullable=False),
        sa.Column("digest", Words(), nullable=True),
        sa.Column("commit_sha", Words(), nullable=True),
        sa.Column("declared_at", UtcTime(), nullable=False),
        sa.Column("retired_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["repo_id"], ["repositories.id"], name=op.f("fk_images_repo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
        sa.UniqueConstraint("repo_id", "name", "tag", name=op.f("uq_images_repo_id_name_tag")),
    )
    op.create_table(
        "parent_edges",
        sa.Column("id", Id, nullable=False),
        sa.Column("image_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("registry", Words(), server_default="", nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("tag", Words(), server_default="", nullable=False),
        sa.Column("pin", Words(), nullable=True),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("digest", Words(), nullable=True),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_parent_edges_image_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parent_edges")),
    )
    op.create_index(op.f("ix_parent_edges_image_id"), "parent_edges", ["image_id"], unique=False)
    op.create_index("ix_parent_edges_name_tag", "parent_edges", ["name", "tag"], unique=False)
    op.create_table(
        "builds",
        sa.Column("id", Id, nullable=False),
        sa.Column("image_id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=True),
        sa.Column("commit_sha", Words(), nullable=False),
        sa.Column("cause", Words(), server_default="", nullable=False),
        sa.Column("state", Words(), nullable=False),
        sa.Column("reason", Words(), server_default="", nullable=False),
        sa.Column("digest", Words(), nullable=True),
        sa.Column("finished_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_builds_image_id")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_builds_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_builds")),
    )
    op.create_index(op.f("ix_builds_image_id"), "builds", ["image_id"], unique=False)
    op.create_table(
        "build_inputs",
        sa.Column("build_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("registry", Words(), server_default="", nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("tag", Words(), server_default="", nullable=False),
        sa.Column("pin", Words(), nullable=True),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("digest", Words(), nullable=True),
        sa.ForeignKeyConstraint(["build_id"], ["builds.id"], name=op.f("fk_build_inputs_build_id")),
        sa.PrimaryKeyConstraint("build_id", "position", name=op.f("pk_build_inputs")),
    )
    op.create_index(op.f("ix_build_inputs_digest"), "build_inputs", ["digest"], unique=False)
    op.create_table(
        "build_packages",
        sa.Column("build_id", Id, nullable=False),
        sa.Column("platform", Words(), nullable=False),
        sa.Column("nevra", Words(), nullable=False),
        sa.ForeignKeyConstraint(["build_id"], ["builds.id"], name=op.f("fk_build_packages_build_id")),
        sa.PrimaryKeyConstraint("build_id", "platform", "nevra", name=op.f("pk_build_packages")),
    )
    op.create_table(
        "image_platforms",
        sa.Column("image_id", Id, nullable=False),
        sa.Column("platform", Words(), nullable=False),
        sa.Column("digest", Words(), nullable=False),
        sa.Column("build_id", Id, nullable=False),
        sa.ForeignKeyConstraint(["build_id"], ["builds.id"], name=op.f("fk_image_platforms_build_id")),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_image_platforms_image_id")),
        sa.PrimaryKeyConstraint("image_id", "platform", name=op.f("pk_image_platforms")),
    )


def downgrade() -> None:
    """Drop them."""
    for table in (
        "image_platforms",
        "build_packages",
        "build_inputs",
        "builds",
        "parent_edges",
        "images",
        "registry_cache",
    ):
        op.drop_table(table)
