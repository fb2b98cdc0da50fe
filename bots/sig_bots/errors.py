"""The outcomes a handler can end with besides success. The runner maps them, once, for every bot."""

from __future__ import annotations

from datetime import timedelta

__all__ = ["FencedOff", "ForgeError", "NotFound", "Obsolete", "SigbotError", "Skip", "Transient", "Unauthorized", "Unsupported", "UserError"]  # fmt: skip


class SigbotError(Exception):
    """Base of all errors this project raises on purpose. Its text is one sentence a person can act on."""


class UserError(SigbotError):
    """The person who asked must change something. The text is shown to them word for word; no retry.

    `more` is Markdown that follows the sentence where there is room for it (a reply, the text of a check).
    """

    def __init__(self, message: str, *, more: str = "") -> None:
        super().__init__(message)
        self.more = more


class Skip(SigbotError):
    """Nothing to do, and why. Shown on the job's page, nowhere else; no retry."""


class Transient(SigbotError):
    """Something outside failed and may work later: retried with back-off.

    `retry_after` is the wait the other side asked for (Retry-After, x-ratelimit-reset), None when it did not say.
    `host` names who must be left alone until then, None when only this job is concerned.
    """

    def __init__(self, message: str, *, retry_after: timedelta | None = None, host: str | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.host = host


class Unauthorized(SigbotError):
    """A delivery could not be shown to come from its sender (answer 401), or a forge refused our credentials."""


class ForgeError(SigbotError):
    """A forge refused a call for good: wrong request, missing right, credentials. Retrying does not help."""


class NotFound(ForgeError):
    """The repository, pull request, file or branch does not exist (any more)."""


class Unsupported(ForgeError):
    """This forge has no such feature; the caller degrades or says so."""


class Obsolete(SigbotError):
    """The job's subject moved on (newer head, pull request closed, repository gone): ended, not failed."""


class FencedOff(SigbotError):
    """This attempt lost its lease: another one owns the job, nothing may be written any more."""
