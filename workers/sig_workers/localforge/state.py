"""What a hosted forge would keep in its database: repositories, pull requests, comments, checks, issues, permissions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sig_bots.errors import NotFound, UserError
from sig_bots.forge import Check, CheckState, ForgeComment, Issue, Permission
from sig_bots.refs import Actor, PullRequest
from sig_workers.store.columns import db_now
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

__all__ = ["LocalState", "actor"]


def actor(login: str) -> Actor:
    """An account of the local forge; its id is derived from the login, since nobody registers here."""
    return Actor(login=login, id=f"local:{login}")


def _nobody(what: object) -> None:
    """Nobody is told."""


class LocalState(Part):
    """Reads and writes of the local forge's tables. Paths are `owner/name`. Raises StoreDown, NotFound, UserError."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._insert = sqlite_insert if database.name == "sqlite" else postgresql_insert

    # ---------------------------------------------------------------- repositories and people

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

    # ---------------------------------------------------------------- pull requests and issues

    def add_pull(
        self, path: str, fields: Mapping[str, Any], url: str = "", announce: Callable[[PullRequest], object] = _nobody
    ) -> PullRequest:
        """Add a pull request; its address is `url` and its number. `announce` is called with it before the commit."""
        table, repo_id = local_pull_requests, self.row(path).id

        def add(connection: Connection) -> PullRequest:
            number = _next_number(connection, repo_id)
            address = f"{url}{number}" if url else ""
            new = insert(table).values(repo_id=repo_id, number=number, url=address, **fields).returning(*table.c)
            added = _pull_request(connection.execute(new).one(), path)
            announce(added)
            return added

        return self.write(add)

    def change_pull(
        self, path: str, number: int, announce: Callable[[PullRequest], object] = _nobody, **fields: Any
    ) -> None:
        """Change columns of a pull request. `announce` is called with it before the commit."""
        table = local_pull_requests
        this = update(table).where(table.c.repo_id == self.row(path).id, table.c.number == number)

        def change(connection: Connection) -> None:
            row = connection.execute(this.values(**fields).returning(*table.c)).one_or_none()
            if row is not None:
                announce(_pull_request(row, path))

        self.write(change)

    def pulls(
        self,
        path: str,
        *,
        state: Literal["open", "closed", "merged", "all"] = "open",
        number: int | None = None,
        head_repo: str | None = None,
    ) -> Sequence[PullRequest]:
        """Pull requests into the repository, newest first."""
        table = local_pull_requests
        query = select(table).where(table.c.repo_id == self.row(path).id).order_by(table.c.number.desc())
        if state != "all":
            query = query.where(table.c.state == state)
        if number is not None:
            query = query.where(table.c.number == number)
        if head_repo is not None:
            query = query.where(table.c.head_repo == head_repo)
        rows = self.read(lambda connection: connection.execute(query).all())
        return [_pull_request(row, path) for row in rows]

    def pulls_from(self, head_repo: str, branch: str) -> Sequence[tuple[str, PullRequest]]:
        """Open pull requests anywhere whose head is this branch: (path of the target, pull request)."""
        table = local_pull_requests
        query = (
            select(table, local_repositories.c.path)
            .join(local_repositories, local_repositories.c.id == table.c.repo_id)
            .where(table.c.head_repo == head_repo, table.c.head_branch == branch, table.c.state == "open")
        )
        rows = self.read(lambda connection: connection.execute(query).all())
        return [(row.path, _pull_request(row, row.path)) for row in rows]

    def add_issue(self, path: str, title: str, body: str, author: str) -> int:
        """Add an issue; returns its number."""
        repo_id = self.row(path).id

        def add(connection: Connection) -> int:
            number = _next_number(connection, repo_id)
            values = {"repo_id": repo_id, "number": number, "title": title, "body": body, "author": author}
            connection.execute(insert(local_issues).values(values))
            return number

        return self.write(add)

    def change_issue(self, path: str, number: int, **fields: Any) -> None:
        """Change columns of an issue."""
        table = local_issues
        statement = update(table).where(table.c.repo_id == self.row(path).id, table.c.number == number).values(**fields)
        self.write(lambda connection: connection.execute(statement))

    def issues(self, path: str) -> Sequence[tuple[str, Issue]]:
        """All issues, oldest first, each with its author."""
        query = select(local_issues).where(local_issues.c.repo_id == self.row(path).id).order_by(local_issues.c.number)
        rows = self.read(lambda connection: connection.execute(query).all())
        return [(row.author, Issue(number=row.number, title=row.title, body=row.body, state=row.state)) for row in rows]

    # ---------------------------------------------------------------- comments, reactions, checks

    def add_comment(
        self, path: str, number: int, author: str, body: str, announce: Callable[[str], object] = _nobody
    ) -> str:
        """Add a comment; returns its id. `announce` is called with it before the commit.

        Raises NotFound when there is nothing of that number.
        """
        row = self.row(path)
        if not 1 <= number <= row.last_number:
            raise NotFound(f"{path} has no pull request or issue {number}")
        values = {"repo_id": row.id, "number": number, "author": author, "body": body}
        statement = insert(local_comments).values(values).returning(local_comments.c.id)

        def add(connection: Connection) -> str:
            made = str(connection.execute(statement).scalar_one())
            announce(made)
            return made

        return self.write(add)

    def edit_comment(self, comment_id: str, body: str) -> None:
        """Replace a comment's text."""
        statement = (
            update(local_comments).where(local_comments.c.id == int(comment_id)).values(body=body, edited=db_now())
        )
        self.write(lambda connection: connection.execute(statement))

    def comments(
        self, path: str, *, number: int | None = None, since: datetime | None = None
    ) -> Sequence[ForgeComment]:
        """Comments of the repository or of one number, oldest first."""
        table = local_comments
        query = select(table).where(table.c.repo_id == self.row(path).id).order_by(table.c.id)
        if number is not None:
            query = query.where(table.c.number == number)
        if since is not None:
            query = query.where((table.c.created >= since) | (table.c.edited >= since))
        rows = self.read(lambda connection: connection.execute(query).all())
        return [
            ForgeComment(
                id=str(row.id), number=row.number, author=actor(row.author), body=row.body, created=row.created,
                edited=row.edited,
            )
            for row in rows
        ]  # fmt: skip

    def react(self, comment_id: str, login: str, reaction: str) -> None:
        """Add a reaction; nothing when it is there. Raises UserError when there is no such comment."""
        if not comment_id.isdigit():
            raise UserError(f"there is no comment {comment_id}")
        statement = self._insert(local_reactions).values(comment_id=int(comment_id), login=login, reaction=reaction)
        self.write(lambda connection: connection.execute(statement.on_conflict_do_nothing()))

    def reactions(self, comment_id: str) -> Sequence[str]:
        """Reactions on a comment."""
        query = select(local_reactions.c.reaction).where(local_reactions.c.comment_id == int(comment_id))
        return self.read(lambda connection: connection.execute(query).scalars().all())

    def set_check(self, path: str, sha: str, name: str, fields: Mapping[str, Any]) -> None:
        """Set a check of a commit."""
        values = {**fields, "repo_id": self.row(path).id, "sha": sha, "name": name}
        statement = self._insert(local_checks).values(values)
        statement = statement.on_conflict_do_update(
            index_elements=["repo_id", "sha", "name"], set_={**fields, "updated": db_now()}
        )
        self.write(lambda connection: connection.execute(statement))

    def checks(self, path: str, sha: str) -> Sequence[tuple[Check, str]]:
        """Checks of a commit by name, each with its text."""
        table = local_checks
        query = select(table).where(table.c.repo_id == self.row(path).id, table.c.sha == sha).order_by(table.c.name)
        rows = self.read(lambda connection: connection.execute(query).all())
        return [
            (
                Check(
                    name=row.name, sha=row.sha, state=CheckState(row.state), summary=row.summary, url=row.url,
                    annotations=tuple(row.annotations),
                ),
                row.text,
            )
            for row in rows
        ]  # fmt: skip

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


def _next_number(connection: Connection, repo_id: int) -> int:
    table = local_repositories
    statement = update(table).where(table.c.id == repo_id).values(last_number=table.c.last_number + 1)
    return int(connection.execute(statement.returning(table.c.last_number)).scalar_one())


def _pull_request(row: Row[Any], path: str) -> PullRequest:
    return PullRequest(
        number=row.number,
        title=row.title,
        author=actor(row.author),
        head_sha=row.head_sha,
        head_branch=row.head_branch,
        base_branch=row.base_branch,
        head_repo=row.head_repo,
        body=row.body,
        state=row.state,
        draft=row.draft,
        labels=tuple(row.labels),
        url=row.url,
        from_fork=row.head_repo != path,
    )
