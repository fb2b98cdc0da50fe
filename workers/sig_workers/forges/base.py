"""What the forge adapters share: errors in our words, time limits, names of enabled repositories, times.

How our comments are signed and found again is in `sig_bots.voice`, because the fake forge does it too.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase

from sig_bots.errors import ForgeError, NotFound, SigbotError, Transient, Unsupported

__all__ = ["CONNECT_SECONDS", "error_from_status", "matches", "moment", "retry_after", "speaking_to", "translate"]

CONNECT_SECONDS = 5.0
"""How long an adapter waits for a connection; how long for an answer, is each adapter's own."""

_LONGEST_WAIT = timedelta(hours=6)
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


# ---------------------------------------------------------------- repositories


def matches(path: str, globs: Sequence[str]) -> bool:
    """Whether a full path is enabled by one of the globs; `*` takes any text, slashes too, as in the settings."""
    return any(fnmatchcase(path, glob) for glob in globs)


def moment(seconds: float | str) -> datetime:
    """A time given as seconds since 1970, whole or not, number or text, as a datetime in UTC."""
    return datetime.fromtimestamp(float(seconds), UTC)
