"""What the forge adapters share: errors in our words, the living comment, time limits, names of enabled repositories."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase

from sig_bots.errors import ForgeError, NotFound, SigbotError, Transient, Unsupported
from sig_bots.forge import ForgeComment, marker, read_marker
from sig_bots.refs import Actor

__all__ = [
    "Voice", "error_from_status", "matches", "retry_after", "same_account", "speaking_to", "translate",
]  # fmt: skip

CONNECT_SECONDS = 5.0
"""How long an adapter waits for a connection; the wait for an answer is configured per instance."""

_LONGEST_WAIT = timedelta(hours=6)
_PLAIN_STATE = re.compile(r"[A-Za-z0-9._:+-]{1,40}")
_SPACE = re.compile(r"\s+")

# ---------------------------------------------------------------- errors


def retry_after(headers: Mapping[str, str], now: float | None = None) -> timedelta | None:
    """The wait a refusing server asks for, at most six hours; None when it does not say.

    Reads Retry-After (RFC 9110 section 10.2.3: seconds or a date) and x-ratelimit-reset (seconds since 1970, GitHub). Header
    names in any case. `now` is the time in seconds since 1970.
    """
    now = time.time() if now is None else now
    found = {name.lower(): value.strip() for name, value in headers.items()}
    if wait := found.get("retry-after"):
        if wait.isascii() and wait.isdigit():
            return _bounded(float(wait[:12]))
        try:
            when = parsedate_to_datetime(wait)
        except ValueError:
            return None
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return _bounded(when.timestamp() - now)
    reset = found.get("x-ratelimit-reset", "")
    if found.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return _bounded(float(reset[:12]) - now)
    return None


def _bounded(seconds: float) -> timedelta:
    return min(timedelta(seconds=max(seconds, 0.0)), _LONGEST_WAIT)


def error_from_status(status: int, headers: Mapping[str, str], *, host: str, call: str, said: str = "") -> SigbotError:
    """The error for an HTTP answer of 400 and above: Transient for a rate limit, 429 and 5xx, NotFound, else ForgeError.

    `call` names what was asked (`GET /api/0/demo`), `said` is the server's own explanation; neither may hold a secret.
    """
    said = _SPACE.sub(" ", said).strip()[:300]
    text = f"{host} answered {status} to {call}" + (f": {said}" if said else "")
    wait = retry_after(headers)
    if status == 429 or status >= 500 or (status == 403 and (wait is not None or "rate limit" in said.lower())):
        return Transient(f"{text}; trying again later", retry_after=wait, host=host)
    if status in (404, 410):
        return NotFound(text)
    if status == 401:
        return ForgeError(f"{text}. Check that the token of this instance is valid and has the rights it needs")
    return ForgeError(text)


def translate(error: BaseException, *, host: str, call: str) -> SigbotError:
    """Any error of ogr, PyGithub or requests in our words, without what it says about the request.

    An error of ours anywhere in the chain of causes wins: libraries wrap what their callbacks raise.
    """
    chain = list(_causes(error))
    for link in chain:
        if isinstance(link, SigbotError):
            return link
    for link in chain:
        names = {cls.__name__ for cls in type(link).__mro__}
        if "OperationNotSupported" in names or isinstance(link, NotImplementedError):
            return Unsupported(f"{host} cannot do this: {call}")
        if names & {"Timeout", "TimeoutError"}:
            return Transient(f"{host} did not answer in time to {call}; trying again later", host=host)
        if names & {"ConnectionError", "RetryError", "OgrNetworkError", "ChunkedEncodingError", "ContentDecodingError"}:
            return Transient(f"{host} cannot be reached for {call}; trying again later", host=host)
        status = getattr(link, "response_code", None) or getattr(link, "status", None)
        if isinstance(status, int) and status >= 400:
            headers = getattr(link, "headers", None)
            said = str(getattr(link, "pagure_error", None) or "")
            return error_from_status(status, headers or {}, host=host, call=call, said=said)
    return ForgeError(f"{host} gave an answer that cannot be understood to {call} ({type(error).__name__})")


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


@contextmanager
def speaking_to(host: str, call: str) -> Iterator[None]:
    """Around every call into a forge library: only errors of `sig_bots.errors` leave the block."""
    try:
        yield
    except SigbotError:
        raise
    except Exception as error:
        # the library's own text may show a request with its headers: it is left out on purpose
        raise translate(error, host=host, call=call) from None


# ---------------------------------------------------------------- who we are, and our comments


def same_account(one: Actor, other: Actor) -> bool:
    """Whether two values mean one account: by the forge's id where both have it, else by login."""
    if one.id is not None and other.id is not None:
        return one.id == other.id
    return one.login == other.login


@dataclass(frozen=True)
class Voice:
    """Signs our texts with the hidden marker and finds them again. A marker is believed only under our own account."""

    service: str
    bot: str
    account: Actor

    def sign(self, topic: str, body: str, state: str = "") -> str:
        """The text with our marker after it; what looks like a marker inside the text is made harmless."""
        harmless = body.replace("<!-- sigbot ", "<!-- quoted sigbot ")
        return f"{harmless.rstrip()}\n\n{marker(self.service, self.bot, word(topic), state)}"

    def is_mine(self, author: Actor, text: str, topic: str) -> bool:
        """Whether the text is ours, of this bot and topic."""
        fields = read_marker(text) if same_account(author, self.account) else None
        wanted = {"service": self.service, "bot": self.bot, "topic": word(topic)}
        return fields is not None and wanted.items() <= fields.items()

    def newest(self, comments: Sequence[ForgeComment], topic: str) -> ForgeComment | None:
        """Our newest comment of the topic; `comments` are oldest first."""
        return next((one for one in reversed(comments) if self.is_mine(one.author, one.body, topic)), None)

    def state_of(self, comment: ForgeComment) -> str:
        """The state a comment of ours was written for."""
        return (read_marker(comment.body) or {}).get("state", "")


def word(text: str) -> str:
    """The text as one word that fits a marker: itself when it is plain, else a short hash of it."""
    return text if _PLAIN_STATE.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()[:16]


def same_text(one: str, other: str) -> bool:
    """Whether two texts are the same but for line ends and space at the ends, which forges change as they like."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()


# ---------------------------------------------------------------- repositories


def matches(path: str, globs: Sequence[str]) -> bool:
    """Whether a full path is enabled by one of the globs. `*` stays inside one part: `rpms/*` is not `rpms/a/b`."""
    parts = path.split("/")
    return any(
        len(parts) == len(wanted) and all(fnmatchcase(part, glob) for part, glob in zip(parts, wanted, strict=True))
        for wanted in (glob.split("/") for glob in globs)
    )


def moment(seconds: float | str) -> datetime:
    """A time given as seconds since 1970, whole or not, number or text, as a datetime in UTC."""
    return datetime.fromtimestamp(float(seconds), UTC)
