"""The local forge's repositories and what people may do in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sig_bots.errors import NotFound
from sig_bots.forge import Permission
from sig_bots.refs import Actor
from sig_workers.store.database import Database, Part
from sig_workers.store.schema_local import (
    local_checks,
    local_comments,
    local_issues,
    local_permissions,
    local_pull_requests,
    local_reactions,
    local_repositories,
)

__all__ = ["LocalPlaces", "actor", "next_number"]


def actor(login: str) -> Actor:
    """An account of the local forge; its id is derived from the login, since nobody registers here."""
    return Actor(login=login, id=f"local:{login}")


class LocalPlaces(Part):
    """Repositories, and rights in them. Paths are `owner/name`. Raises StoreDown, NotFound."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._insert = sqlite_insert if database.name == "sqlite" else postgresql_insert

    def create(self, path: str, owner: str, *, private: bool = False, default_branch: str = "main") -> None:
        """Add a repository; nothing when it is there."""
        statement = self._insert(local_repositories).values(
            path=path, owner=owner, private=private, default_branch=default_branch
        )
        self.write(lambda connection: connection.execute(statement.on_conflict_do_nothing()))

    def find(self, path: str) -> Row[Any] | None:
        """The repository's row, None when there is none."""
        query = select(local_repositories).where(local_repositories.c.path == path)
        return self.read(lambda connection: connection.execute(query).one_or_none())

    def row(self, path: str) -> Row[Any]:
        """The repository's row. Raises NotFound."""
        found = self.find(path)
        if found is None:
            raise NotFound(f"the local forge has no repository {path}")
        return found

    def all(self) -> Sequence[Row[Any]]:
        """All repositories by path."""
        query = select(local_repositories).order_by(local_repositories.c.path)
        return self.read(lambda connection: connection.execute(query).all())

    def grant(self, path: str, login: str, permission: Permission) -> None:
        """Set what an account may do."""
        repo_id = self.row(path).id
        statement = self._insert(local_permissions).values(
            repo_id=repo_id, login=login, permission=permission.name.lower()
        )
        statement = statement.on_conflict_do_update(
            index_elements=["repo_id", "login"], set_={"permission": permission.name.lower()}
        )
        self.write(lambda connection: connection.execute(statement))

    def permission(self, path: str, login: str) -> Permission:
        """What an account may do: the owner everything, strangers read."""
        row = self.row(path)
        if login == row.owner:
            return Permission.ADMIN
        query = select(local_permissions.c.permission).where(
            local_permissions.c.repo_id == row.id, local_permissions.c.login == login
        )
        found = self.read(lambda connection: connection.execute(query).scalar_one_or_none())
        if found is not None:
            return Permission[found.upper()]
        return Permission.NONE if row.private else Permission.READ

    def remove(self, path: str) -> None:
        """Forget a repository and all that belongs to it."""
        repo_id = self.row(path).id
        comments = select(local_comments.c.id).where(local_comments.c.repo_id == repo_id)

        def forget(connection: Connection) -> None:
            connection.execute(delete(local_reactions).where(local_reactions.c.comment_id.in_(comments)))
            for table in (local_comments, local_checks, local_issues, local_pull_requests, local_permissions):
                connection.execute(delete(table).where(table.c.repo_id == repo_id))
            connection.execute(delete(local_repositories).where(local_repositories.c.id == repo_id))

        self.write(forget)


def next_number(connection: Connection, repo_id: int) -> int:
    """The next number of a pull request or issue; the two share one sequence."""
    table = local_repositories
    statement = update(table).where(table.c.id == repo_id).values(last_number=table.c.last_number + 1)
    return int(connection.execute(statement.returning(table.c.last_number)).scalar_one())
