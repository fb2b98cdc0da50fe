"""The `.sigbot.yaml` of a repository's default branch, kept in the store between deliveries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sig_bots.config import CONFIG_FILE, ConfigProblem, RepoConfig, blob_sha, default_config, parse_config
from sig_bots.errors import NotFound
from sig_workers.service import Service
from sig_workers.store.rows import RepositoryRow

__all__ = ["configuration", "is_old"]


def configuration(
    service: Service, row: RepositoryRow, *, fresh: bool = False, max_age: timedelta | None = None
) -> RepoConfig | ConfigProblem:
    """The configuration of a repository's default branch, from the store unless it is old or `fresh` is asked for.

    `max_age`: how old; `config_age` of the settings when None. Raises what the forge raises.
    """
    text = row.config_text
    if fresh or is_old(row, service.settings.timing.config_age if max_age is None else max_age):
        try:
            data = service.host(row.instance).repository(row.path).read_file(CONFIG_FILE)
        except NotFound:
            data = None  # an empty repository, or one that is gone: defaults, and the bots say what they find
        text = data.decode("utf-8", "surrogateescape") if data is not None else None
        service.store.save_config(row.id, text, None if data is None else blob_sha(data))
    if text is None:
        return default_config(service.bots)
    return parse_config(text.encode("utf-8", "surrogateescape"), service.bots)


def is_old(row: RepositoryRow, max_age: timedelta) -> bool:
    """Whether what the store has was read longer ago than that, never, or by a clock that is ahead."""
    age = datetime.now(UTC) - row.config_read_at if row.config_read_at else None
    return age is None or age > max_age or age < timedelta(0)
