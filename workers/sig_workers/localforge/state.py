"""What a hosted forge would keep in its database: repositories, people, what they say, and here their pull requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from sig_bots.refs import PullRequest
from sig_workers.localforge.places import actor, next_number
from sig_workers.localforge.talk import LocalTalk, nobody
from sig_workers.store.schema_local import local_pull_requests, local_repositories

__all__ = ["LocalState", "actor"]


class LocalState(LocalTalk):
    """Reads and writes of the local forge's tables. Paths are `owner/name`. Raises StoreDown, NotFound, UserError."""

    def add_pull(
        self, path: str, fields: Mapping[str, Any], url: str = "", announce: Callable[[PullRequest], object] = nobody
    ) -> PullRequest:
        """Add a pull request; its address is `url` and its number. `announce` is called with it before the commit."""
        table, repo_id = local_pull_requests, self.row(path).id

        def add(connection: Connection) -> PullRequest:
            number = next_number(connection, repo_id)
            address = f"{url}{number}" if url else ""
            new = insert(table).values(repo_id=repo_id, number=number, url=address, **fields).returning(*table.c)
            added = _pull_request(connection.execute(new).one(), path)
            announce(added)
            return added

        return self.write(add)

    def change_pull(
        self, path: str, number: int, announce: Callable[[PullRequest], object] = nobody, **fields: Any
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
