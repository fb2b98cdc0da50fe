"""The kinds of senders there are, each in one row: what the rest of the service must know of a kind stands here and nowhere else.

To add one: a row here, a module of that name beside this one (see `lookup.Source`), and, if bots shall act there, an adapter
`sig_workers.forges.<name>` with `make_host`. docs/forges.md has the steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["KINDS", "PATH_SECRET_HEADER", "Kind"]

PATH_SECRET_HEADER = "X-Sigbot-Path-Secret"  # noqa: S105 - a header's name
"""The pseudo header in which the receiver passes the secret part of a hook's path (`Kind.secret_in_path`)."""


@dataclass(frozen=True)
class Kind:
    """One kind of sender. Header names are as the sender writes them."""

    name: str
    """As in `kind = "..."`, and the name of its modules."""
    acts: bool = False
    """Whether bots can act there, through an adapter; the others only tell of events."""
    needs_url: bool = False
    """Whether an instance must say where it is."""
    has_apps: bool = False
    """Whether our account can be an App, which is enabled where it is installed."""
    makes_keys: bool = False
    """Whether it makes a webhook key per project, which we fetch; else the secrets are configured."""
    secret_in_path: bool = False
    """Whether the secret is the end of the hook's address, because the sender signs nothing."""
    is_ours: bool = False
    """Whether this service serves the forge itself, from its data folder."""
    event_header: str = ""
    """The header that names the event; empty where the body does."""
    more_event_headers: tuple[str, ...] = ()
    """Further headers that say it: by an older name, or beside the body."""
    id_header: str = ""
    """The header with the delivery's id; empty where the id is in the body, or made of it."""
    headers: tuple[str, ...] = ()
    """How the sender's own headers begin, in lower case: they are kept with the delivery, but for secrets and signatures."""


_ROWS = (
    Kind(
        "github", acts=True, needs_url=True, has_apps=True, event_header="X-GitHub-Event",
        id_header="X-GitHub-Delivery", headers=("x-github-",),
    ),
    Kind(
        "pagure", acts=True, needs_url=True, makes_keys=True, more_event_headers=("X-Pagure-Topic",), headers=("x-pagure",)
    ),
    Kind(
        "forgejo", needs_url=True, event_header="X-Forgejo-Event", id_header="X-Forgejo-Delivery",
        more_event_headers=("X-Gitea-Event",), headers=("x-forgejo-", "x-gitea-", "x-gogs-"),
    ),
    Kind(
        "gitlab", needs_url=True, event_header="X-Gitlab-Event", id_header="Idempotency-Key",
        headers=("x-gitlab-", "idempotency-key", "webhook-id", "webhook-timestamp"),
    ),
    Kind("quay", secret_in_path=True),
    Kind("registry"),
    Kind(
        "local", acts=True, is_ours=True, event_header="X-Sigbot-Event", id_header="X-Sigbot-Delivery",
        headers=("x-sigbot-",),
    ),
)  # fmt: skip

KINDS: Mapping[str, Kind] = {row.name: row for row in _ROWS}
"""All of them, by name."""
