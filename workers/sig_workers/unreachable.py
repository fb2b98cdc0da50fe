"""Why another server could not be talked to, in words; the class names of a library say nothing to people."""

from __future__ import annotations

__all__ = ["NO_TLS", "UNKNOWN_NAME", "why_unreachable"]

NO_TLS = "it does not speak TLS as it should"
UNKNOWN_NAME = "its name is not known"

_KNOWN = {
    "connection refused": "connection refused",
    "name or service not known": UNKNOWN_NAME,
    "idna": "its name is not valid",
    "temporary failure in name resolution": "its name cannot be looked up now",
    "no address associated with hostname": "its name has no address",
    "no route to host": "no route to it",
    "network is unreachable": "the network is not reachable",
    "connection reset": "it broke the connection off",
    "without sending a response": "it ended the connection without an answer",
    "server disconnected": "it ended the connection without an answer",
    "certificate": "its certificate is not valid",
    "ssl": NO_TLS,
    "invalid": "its address is not valid",
    "unsupported protocol": "its address is not valid",
    "timed out": "no answer in time",
    "timeout": "no answer in time",
    "proxy": "the proxy did not let us through",
}
"""Part of an error's class name or text, in lower case -> what it means."""


def why_unreachable(error: BaseException) -> str:
    """The rest of the sentence `HOST did not answer: ...` for an error of httpx, http.client or the system."""
    text = f"{type(error).__name__} {error}".lower()
    return next((words for part, words in _KNOWN.items() if part in text), "no answer")
