"""Whether a delivery that became no event is about something private, by its own words."""

from __future__ import annotations

from sig_bots.events import Rejected
from sig_bots.sources.payload import json_object

__all__ = ["GITLAB_PUBLIC", "stated_private"]

GITLAB_PUBLIC = 20
"""GitLab's `visibility_level` of what everybody may see."""


def stated_private(body: bytes) -> bool | None:
    """What a verified body says of its repository: private, public (False), or nothing (None: treat it as private).

    Read are `private` of `repository` (GitHub, Forgejo) and of `repo` (the local forge), and `visibility_level` of
    `project` (GitLab: 20 is public). Never raises.
    """
    data = json_object(body)
    if isinstance(data, Rejected):
        return None
    for name in ("repository", "repo", "project"):
        described = data.get(name)
        if isinstance(described, dict):
            private, level = described.get("private"), described.get("visibility_level")
            if isinstance(private, bool):
                return private
            if isinstance(level, int):
                return bool(level != GITLAB_PUBLIC)
    return None
