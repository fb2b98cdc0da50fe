"""Records about trust: approvals of commits, commits of our own, webhook keys that forges made."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, exists, select

from sig_bots.events import Push, load_event
from sig_bots.refs import Actor
from sig_workers.store import schema as t
from sig_workers.store.columns import db_now
from sig_workers.store.database import Part, upsert

__all__ = ["TrustRecords"]

LATEST_EVENTS = 5000


class TrustRecords(Part):
    """Approvals are bound to one commit, keys to one project."""

    def approve(self, repo: int, number: int, sha: str, by: Actor) -> None:
        """Somebody approved this very commit of the pull request; the first approval stays."""

        def add(connection: Connection) -> None:
            row = upsert(connection, t.approvals).values(
                repo_id=repo, number=number, sha=sha, by_login=by.login, by_id=by.id
            )
            connection.execute(row.on_conflict_do_nothing())

        self.write(add)

    def approved_by(self, repo: int, number: int, sha: str) -> str | None:
        """Login of who approved the commit, None when nobody did."""
        c = t.approvals.c
        query = select(c.by_login).where(c.repo_id == repo, c.number == number, c.sha == sha)
        return self.read(lambda connection: connection.execute(query).scalar())

    def add_own_commit(self, repo: int, sha: str) -> None:
        """We wrote this commit. Say so before pushing it: its webhook may be faster."""

        def add(connection: Connection) -> None:
            connection.execute(upsert(connection, t.own_commits).values(repo_id=repo, sha=sha).on_conflict_do_nothing())

        self.write(add)

    def own_commit(self, repo: int, sha: str) -> bool:
        """Whether we wrote the commit."""
        c = t.own_commits.c
        query = select(exists().where(c.repo_id == repo, c.sha == sha))
        return bool(self.read(lambda connection: connection.execute(query).scalar()))

    def pusher(self, repo: int, sha: str) -> Actor | None:
        """Who pushed the commit to the repository, by the latest few thousand events; None when none of them says so."""
        c = t.events.c
        latest = select(c.id, c.repo_id, c.kind, c.json).order_by(c.id.desc()).limit(LATEST_EVENTS).subquery()
        query = (
            select(latest.c.json).where(latest.c.repo_id == repo, latest.c.kind == "push").order_by(latest.c.id.desc())
        )
        for text in self.read(lambda connection: connection.execute(query).scalars().all()):
            event = load_event(text)
            if isinstance(event, Push) and event.after == sha:
                return event.actor
        return None

    def put_hook_keys(self, instance: str, keys: Mapping[str, bytes]) -> None:
        """Remember the webhook keys of projects: full path to key. Others stay."""
        rows = [{"instance": instance, "path": path, "key": key} for path, key in keys.items()]

        def put(connection: Connection) -> None:
            add = upsert(connection, t.hook_keys)
            newer = {"key": add.excluded.key, "synced_at": db_now()}
            connection.execute(add.on_conflict_do_update(index_elements=["instance", "path"], set_=newer), rows)

        if rows:
            self.write(put)

    def hook_key(self, instance: str, path: str) -> bytes | None:
        """The webhook key of a project, None when it was never synced."""
        c = t.hook_keys.c
        query = select(c.key).where(c.instance == instance, c.path == path)
        key = self.read(lambda connection: connection.execute(query).scalar())
        return None if key is None else bytes(key)
