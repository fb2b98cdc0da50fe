"""The tables of the local forge: what a hosted forge would keep. Its git data are bare repositories on disk."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, UniqueConstraint, false

from sig_workers.store.columns import Id, Json, UtcTime, Words, db_now
from sig_workers.store.schema import metadata

__all__ = [
    "local_checks", "local_comments", "local_issues", "local_permissions", "local_pull_requests", "local_reactions",
    "local_repositories",
]  # fmt: skip


def _repo() -> Column[int]:
    return Column("repo_id", Id, ForeignKey("local_repositories.id"), nullable=False)


def _times() -> tuple[Column[object], Column[object]]:
    created: Column[object] = Column("created", UtcTime, nullable=False, default=db_now())
    return created, Column("updated", UtcTime, nullable=False, default=db_now(), onupdate=db_now())


local_repositories = Table(
    "local_repositories",
    metadata,
    Column("id", Id, primary_key=True),
    Column("path", Words, nullable=False, unique=True),
    Column("private", Boolean, nullable=False, server_default=false()),
    Column("default_branch", Words, nullable=False, server_default="main"),
    Column("owner", Words, nullable=False),
    Column("last_number", Integer, nullable=False, server_default="0"),
    Column("created", UtcTime, nullable=False, default=db_now()),
)

local_pull_requests = Table(
    "local_pull_requests",
    metadata,
    Column("id", Id, primary_key=True),
    _repo(),
    Column("number", Integer, nullable=False),
    Column("title", Words, nullable=False),
    Column("body", Words, nullable=False, server_default=""),
    Column("author", Words, nullable=False),
    Column("head_repo", Words),
    Column("head_branch", Words, nullable=False),
    Column("base_branch", Words, nullable=False),
    Column("head_sha", Words, nullable=False),
    Column("state", Words, nullable=False, server_default="open"),
    Column("draft", Boolean, nullable=False, server_default=false()),
    Column("labels", Json, nullable=False),
    Column("url", Words, nullable=False, server_default=""),
    *_times(),
    UniqueConstraint("repo_id", "number"),
)

local_issues = Table(
    "local_issues",
    metadata,
    Column("id", Id, primary_key=True),
    _repo(),
    Column("number", Integer, nullable=False),
    Column("title", Words, nullable=False),
    Column("body", Words, nullable=False, server_default=""),
    Column("author", Words, nullable=False),
    Column("state", Words, nullable=False, server_default="open"),
    *_times(),
    UniqueConstraint("repo_id", "number"),
)

local_comments = Table(
    "local_comments",
    metadata,
    Column("id", Id, primary_key=True),
    _repo(),
    Column("number", Integer, nullable=False),
    Column("author", Words, nullable=False),
    Column("body", Words, nullable=False),
    Column("created", UtcTime, nullable=False, default=db_now()),
    Column("edited", UtcTime),
    Index("ix_local_comments_repo_id_number", "repo_id", "number"),
)

local_reactions = Table(
    "local_reactions",
    metadata,
    Column("comment_id", Id, ForeignKey("local_comments.id"), primary_key=True),
    Column("login", Words, primary_key=True),
    Column("reaction", Words, primary_key=True),
)

local_checks = Table(
    "local_checks",
    metadata,
    Column("id", Id, primary_key=True),
    _repo(),
    Column("sha", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("summary", Words, nullable=False, server_default=""),
    Column("url", Words, nullable=False, server_default=""),
    Column("text", Words, nullable=False, server_default=""),
    Column("annotations", Json, nullable=False),
    *_times(),
    UniqueConstraint("repo_id", "sha", "name"),
)

local_permissions = Table(
    "local_permissions",
    metadata,
    Column("repo_id", Id, ForeignKey("local_repositories.id"), primary_key=True),
    Column("login", Words, primary_key=True),
    Column("permission", Words, nullable=False),
)
