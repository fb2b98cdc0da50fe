"""What is said on the local forge: issues, comments, reactions, checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from sig_bots.errors import NotFound, UserError
from sig_bots.forge import Check, CheckState, ForgeComment, Issue
from sig_workers.localforge.places import LocalPlaces, actor, next_number
from sig_workers.store.columns import db_now
from sig_workers.store.schema_local import local_checks, local_comments, local_issues, local_reactions

__all__ = ["LocalTalk", "nobody"]


def nobody(what: object) -> None:
    """Nobody is told."""


class LocalTalk(LocalPlaces):
    """Reads and writes of what people and bots say. Raises StoreDown, NotFound, UserError."""

    def add_issue(self, path: str, title: str, body: str, author: str) -> int:
        """Add an issue; returns its number."""
        repo_id = self.row(path).id

        def add(connection: Connection) -> int:
            number = next_number(connection, repo_id)
            values = {"repo_id": repo_id, "number": number, "title": title, "body": body, "author": author}
            connection.execute(insert(local_issues).values(values))
            return number

        return self.write(add)

    def change_issue(
        self, path: str, number: int, announce: Callable[[], object] = lambda: None, **fields: Any
    ) -> None:  # fmt: skip
        """Change columns of an issue. `announce` is called before the commit."""
        table = local_issues
        statement = update(table).where(table.c.repo_id == self.row(path).id, table.c.number == number).values(**fields)

        def change(connection: Connection) -> None:
            connection.execute(statement)
            announce()

        self.write(change)

    def issues(self, path: str) -> Sequence[tuple[str, Issue]]:
        """All issues, oldest first, each with its author."""
        query = select(local_issues).where(local_issues.c.repo_id == self.row(path).id).order_by(local_issues.c.number)
        rows = self.read(lambda connection: connection.execute(query).all())
        return [(row.author, Issue(number=row.number, title=row.title, body=row.body, state=row.state)) for row in rows]

    def add_comment(
        self, path: str, number: int, author: str, body: str, announce: Callable[[str], object] = nobody
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
