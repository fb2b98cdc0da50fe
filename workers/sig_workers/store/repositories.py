"""Repositories: one row each, found again after a rename by the forge's own id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from sig_bots.refs import Repo
from sig_workers.store import schema as t
from sig_workers.store.columns import db_now
from sig_workers.store.database import Part, one_at_a_time
from sig_workers.store.job_rows import REPOSITORY_COLUMNS, repository_row
from sig_workers.store.rows import RepositoryRow

__all__ = ["Repositories"]


class Repositories(Part):
    """The repositories we know, per instance."""

    def ensure_repository(self, instance: str, repo: Repo, *, installation: str | None = None) -> RepositoryRow:
        """The repository's row, made or brought up to date with what `repo` says (None: did not say, stays).

        The same forge id under another path is a rename: the row follows. Another forge id under a known path is
        another repository: the old row gives up its path and is disabled, with all its history.
        """
        row = self.read(lambda connection: _look(connection, instance, repo))
        wanted = _wanted(repo, installation)
        if row is not None and _is_up_to_date(row, wanted):
            return row
        return self.write(lambda connection: _ensure(connection, instance, repo, wanted))

    def known_repositories(self, instance: str, repos: Sequence[Repo]) -> list[RepositoryRow | None]:
        """The rows of many repositories in one round trip; None where `ensure_repository` would have to write."""
        values = {
            "the_instance": instance, "the_paths": [repo.path for repo in repos],
            "the_ids": [repo.forge_id for repo in repos if repo.forge_id is not None],
        }  # fmt: skip
        found = self.read(lambda connection: [repository_row(row) for row in connection.execute(_MANY, values)])
        by_id = {row.forge_id: row for row in found if row.forge_id is not None}
        by_path = {row.path: row for row in found}
        rows = [by_id.get(repo.forge_id) if repo.forge_id else by_path.get(repo.path) for repo in repos]
        # One that is known by its path only, and now tells its id, differs and is written: None.
        return [
            row if row is not None and _is_up_to_date(row, _wanted(repo, None)) else None
            for row, repo in zip(rows, repos, strict=True)
        ]

    def repository(self, repo: int) -> RepositoryRow | None:
        """The row with this id."""
        return self._one(t.repositories.c.id == repo)

    def find_repository(self, instance: str, path: str) -> RepositoryRow | None:
        """The row of a path on an instance."""
        return self._one((t.repositories.c.instance == instance) & (t.repositories.c.path == path))

    def list_repositories(self, instance: str | None = None, *, enabled_only: bool = True) -> list[RepositoryRow]:
        """All repositories (of an instance) by path."""
        query = select(*REPOSITORY_COLUMNS).order_by(t.repositories.c.instance, t.repositories.c.path)
        if instance is not None:
            query = query.where(t.repositories.c.instance == instance)
        if enabled_only:
            query = query.where(t.repositories.c.enabled)
        return self.read(lambda connection: [repository_row(row) for row in connection.execute(query)])

    def save_config(self, repo: int, text: str | None, sha: str | None) -> None:
        """Remember the default branch's configuration (None: it has no file) and git's name of that content."""
        change = update(t.repositories).where(t.repositories.c.id == repo)
        change = change.values(config_text=text, config_sha=sha, config_read_at=db_now())
        self.write(lambda connection: connection.execute(change))

    def _one(self, condition: Any) -> RepositoryRow | None:
        query = select(*REPOSITORY_COLUMNS).where(condition)
        row = self.read(lambda connection: connection.execute(query).first())
        return repository_row(row) if row else None


def _gone(row: int) -> str:
    """What marks the path of a row that gave it up; no path of a forge has a blank."""
    return f" (gone, row {row})"


def _wanted(repo: Repo, installation: str | None) -> dict[str, Any]:
    told = {
        "forge_id": repo.forge_id,
        "private": repo.private,
        "default_branch": repo.default_branch,
        "installation": installation,
    }
    return {"path": repo.path} | {name: value for name, value in told.items() if value is not None}


_HERE = select(*REPOSITORY_COLUMNS).where(t.repositories.c.instance == bindparam("the_instance"))
_BY_FORGE_ID = _HERE.where(t.repositories.c.forge_id == bindparam("the_id"))
_BY_PATH = _HERE.where(t.repositories.c.path == bindparam("the_path"))
_MANY = _HERE.where(
    or_(
        t.repositories.c.forge_id.in_(bindparam("the_ids", expanding=True)),
        t.repositories.c.path.in_(bindparam("the_paths", expanding=True)),
    )
)


def _is_up_to_date(row: RepositoryRow, wanted: dict[str, Any]) -> bool:
    return all(getattr(row, name) == value for name, value in wanted.items())


def _look(connection: Connection, instance: str, repo: Repo) -> RepositoryRow | None:
    """By id where one is given and known, else by path (unless that row has another id)."""
    if repo.forge_id is not None:
        row = connection.execute(_BY_FORGE_ID, {"the_instance": instance, "the_id": repo.forge_id}).first()
        if row is not None:
            return repository_row(row)
    row = connection.execute(_BY_PATH, {"the_instance": instance, "the_path": repo.path}).first()
    if row is None or (repo.forge_id is not None and row.forge_id not in (None, repo.forge_id)):
        return None
    return repository_row(row)


def _ensure(connection: Connection, instance: str, repo: Repo, wanted: dict[str, Any]) -> RepositoryRow:
    one_at_a_time(connection, f"repositories {instance}")
    c = t.repositories.c
    owner = repo.path.rpartition("/")[0]
    row = _look(connection, instance, repo)
    holder = connection.execute(select(c.id).where(c.instance == instance, c.path == repo.path)).scalar()
    if holder is not None and (row is None or holder != row.id):
        gone = {"path": f"{repo.path}{_gone(holder)}", "enabled": False}
        connection.execute(update(t.repositories).where(c.id == holder).values(**gone))
    if row is None:
        new = insert(t.repositories).values(instance=instance, owner=owner, **wanted).returning(c.id)
        found = connection.execute(new).scalar_one()
    else:
        found = row.id
        # Who gave up a path to another repository was not switched off, and is back under a new one.
        back = {"enabled": True} if row.path.endswith(_gone(found)) else {}
        connection.execute(update(t.repositories).where(c.id == found).values(owner=owner, **wanted, **back))
    return repository_row(connection.execute(select(*REPOSITORY_COLUMNS).where(c.id == found)).one())
