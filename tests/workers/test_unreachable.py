"""Errors of the network are words; no library's class name reaches a person."""

from __future__ import annotations

import socket
import ssl

import httpx
import pytest

from sig_bots.errors import Transient
from sig_workers.addresses import addresses_of
from sig_workers.unreachable import why_unreachable


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx.ConnectError("[Errno 111] Connection refused"), "connection refused"),
        (ConnectionRefusedError(111, "Connection refused"), "connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "its name is not known"),
        (
            httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"),
            "its certificate is not valid",
        ),
        (ssl.SSLError("wrong version number"), "it does not speak TLS as it should"),
        (httpx.InvalidURL("Invalid port: 'x'"), "its address is not valid"),
        (httpx.ReadTimeout(""), "no answer in time"),
        (httpx.ConnectError(""), "no answer"),
    ],
)
def test_a_failed_connection_is_told_in_words(error: Exception, words: str) -> None:
    assert why_unreachable(error) == words


def test_a_name_that_cannot_be_looked_up_is_told_in_the_same_words() -> None:
    host = f"{'a' * 70}.example"
    with pytest.raises(Transient) as refused:
        addresses_of(host, 443)
    assert str(refused.value) == f"{host} is not reachable (its name is not valid)."
    assert refused.value.host == host
