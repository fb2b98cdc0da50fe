"""The tables of the fleet: images, what they are made from, their builds, and what registries answered."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, UniqueConstraint, false

from sig_workers.store.columns import Id, Json, UtcTime, Words, db_now
from sig_workers.store.schema import metadata

__all__ = ["build_inputs", "build_packages", "builds", "image_platforms", "images", "parent_edges", "registry_cache"]

images = Table(
    "images",
    metadata,
    Column("id", Id, primary_key=True),
    Column("repo_id", Id, ForeignKey("repositories.id"), nullable=False),
    Column("registry", Words, nullable=False, server_default=""),
    Column("name", Words, nullable=False),
    Column("tag", Words, nullable=False, server_default=""),
    Column("containerfile", Words, nullable=False),
    Column("context", Words, nullable=False, server_default="."),
    Column("platforms", Json, nullable=False),
    Column("network", Boolean, nullable=False, server_default=false()),
    Column("smoke", Json, nullable=False),
    Column("digest", Words),
    Column("commit_sha", Words),
    Column("declared_at", UtcTime, nullable=False, default=db_now()),
    Column("retired_at", UtcTime),
    UniqueConstraint("repo_id", "name", "tag"),
)

image_platforms = Table(
    "image_platforms",
    metadata,
    Column("image_id", Id, ForeignKey("images.id"), primary_key=True),
    Column("platform", Words, primary_key=True),
    Column("digest", Words, nullable=False),
    Column("build_id", Id, ForeignKey("builds.id"), nullable=False),
)

parent_edges = Table(
    "parent_edges",
    metadata,
    Column("id", Id, primary_key=True),
    Column("image_id", Id, ForeignKey("images.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("registry", Words, nullable=False, server_default=""),
    Column("name", Words, nullable=False),
    Column("tag", Words, nullable=False, server_default=""),
    Column("pin", Words),
    Column("kind", Words, nullable=False),
    Column("digest", Words),
    Index("ix_parent_edges_name_tag", "name", "tag"),
)

builds = Table(
    "builds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("image_id", Id, ForeignKey("images.id"), nullable=False, index=True),
    Column("job_id", Id, ForeignKey("jobs.id")),
    Column("commit_sha", Words, nullable=False),
    Column("cause", Words, nullable=False, server_default=""),
    Column("state", Words, nullable=False),
    Column("reason", Words, nullable=False, server_default=""),
    Column("digest", Words),
    Column("finished_at", UtcTime, nullable=False, default=db_now()),
)

build_inputs = Table(
    "build_inputs",
    metadata,
    Column("build_id", Id, ForeignKey("builds.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("registry", Words, nullable=False, server_default=""),
    Column("name", Words, nullable=False),
    Column("tag", Words, nullable=False, server_default=""),
    Column("pin", Words),
    Column("kind", Words, nullable=False),
    Column("digest", Words, index=True),
)

build_packages = Table(
    "build_packages",
    metadata,
    Column("build_id", Id, ForeignKey("builds.id"), primary_key=True),
    Column("platform", Words, primary_key=True),
    Column("nevra", Words, primary_key=True),
)

registry_cache = Table(
    "registry_cache",
    metadata,
    Column("reference", Words, primary_key=True),
    Column("kind", Words, primary_key=True),
    Column("value", Json),
    Column("at", UtcTime, nullable=False),
)
