"""Logs of the service: one line per record, ids of the work in hand, and no secret in any of them."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import quote

__all__ = ["Redactor", "configure_logging", "working_on"]

HIDDEN = "[secret removed]"
_WORK: ContextVar[tuple[tuple[str, object], ...]] = ContextVar("sigbot_work", default=())

# What looks like a credential whatever its value: tokens of the forges we talk to, URLs with a password, bearer headers.
_PATTERNS = (
    re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|whsec_[A-Za-z0-9+/=]{16,})"
    ),
    re.compile(r"(?<=://)[^/\s:@]{1,200}:[^/\s@]{1,500}(?=@)"),
    re.compile(r"(?i)(?<=authorization: )\S+(?: \S+)?"),
    # Made as they are needed, so known to nobody, and repeated by servers in what they answer.
    re.compile(r"\beyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){1,2}"),
    re.compile(r"(?i)(?<=\bbearer )[A-Za-z0-9._~+/=-]{16,}|(?<=\bbasic )[A-Za-z0-9+/]{16,}={0,2}"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL),
)


class Redactor:
    """Takes known secrets (plain, URL-encoded, base64) and whatever looks like one out of text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms: set[str] = set()
        given = list(secrets)
        # A job's log is kept line by line, so each line of a private key is a secret of its own.
        lines = {line for secret in given for line in secret.splitlines()[1:] if not line.startswith("-----")}
        for secret in {*given, *lines}:
            encoded = base64.b64encode(secret.encode()).decode()
            forms |= {secret, quote(secret, safe=""), encoded, encoded.rstrip("=")}
        longest_first = sorted((form for form in forms if len(form) >= 6), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern in _PATTERNS:
            text = pattern.sub(HIDDEN, text)
        return text


@contextmanager
def working_on(**ids: object) -> Iterator[None]:
    """Put ids (delivery, job, attempt, bot, repository) on every log line of the block."""
    token = _WORK.set((*_WORK.get(), *ids.items()))
    try:
        yield
    finally:
        _WORK.reset(token)


class _Line(logging.Formatter):
    """`time level logger: message key=value`, redacted as the last step, so that tracebacks are covered too."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        ids = " ".join(f"{key}={value}" for key, value in dict(_WORK.get()).items())
        return self._redact(f"{text} [{ids}]" if ids else text)


def configure_logging(redact: Redactor, *, level: str = "INFO") -> None:
    """Send all logs of the process to its standard error, one format, redacted."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line(redact))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpcore", "urllib3", "alembic", "kombu", "amqp"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
