"""Errors of forge libraries in our words, and how a refusing server's wait is read."""

from datetime import timedelta

import ogr.exceptions
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.errors import ForgeError, NotFound, Obsolete, SigbotError, Transient, Unsupported
from sig_workers.forges.base import error_from_status, matches, retry_after, speaking_to

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"retry-after": " 120 "}, 120),
        ({"Retry-After": "Fri, 15 Jan 2027 08:01:00 GMT"}, 60),
        ({"Retry-After": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0),
        ({"Retry-After": "99999999999999999999"}, 6 * 3600),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000030"}, 30),
        ({"Retry-After": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000030"}, 5),
        ({"X-RateLimit-Remaining": "12", "X-RateLimit-Reset": "1800000030"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
def test_the_wait_a_server_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == (None if seconds is None else timedelta(seconds=seconds))


@given(st.text(), st.text(), st.text())
def test_no_header_breaks_the_reading_and_no_wait_is_endless(wait: str, left: str, reset: str) -> None:
    found = retry_after({"Retry-After": wait, "X-RateLimit-Remaining": left, "X-RateLimit-Reset": reset}, NOW)
    assert found is None or timedelta(0) <= found <= timedelta(hours=6)


@pytest.mark.parametrize(
    ("status", "headers", "said", "kind"),
    [
        (403, {"Retry-After": "60"}, "", Transient),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000030"}, "", Transient),
        (403, {}, "You have exceeded a secondary rate limit", Transient),
        (403, {}, "Must have admin rights", ForgeError),
        (429, {}, "", Transient),
        (502, {}, "", Transient),
        (404, {}, "", NotFound),
        (410, {}, "", NotFound),
        (401, {}, "", ForgeError),
        (422, {}, "Validation Failed", ForgeError),
    ],
)
def test_a_status_becomes_one_error(status: int, headers: dict[str, str], said: str, kind: type[SigbotError]) -> None:
    error = error_from_status(status, headers, host="forge.example", call="GET /x", said=said)
    assert type(error) is kind
    assert "forge.example" in str(error)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (requests.exceptions.ReadTimeout("x"), Transient),
        (requests.exceptions.ConnectTimeout("x"), Transient),
        (requests.exceptions.ConnectionError("x"), Transient),
        (requests.exceptions.RetryError("x"), Transient),
        (requests.exceptions.ChunkedEncodingError("x"), Transient),
        (ogr.exceptions.OgrNetworkError("x"), Transient),
        (ogr.exceptions.GitForgeInternalError("x"), Transient),
        (ogr.exceptions.OperationNotSupported("x"), Unsupported),
        (NotImplementedError("x"), Unsupported),
        (ogr.exceptions.PagureAPIException("x", response_code=404), NotFound),
        (ogr.exceptions.PagureAPIException("x", response_code=503), Transient),
        (ogr.exceptions.PagureAPIException("x"), ForgeError),
        (KeyError("title"), ForgeError),
        (Obsolete("moved"), Obsolete),
    ],
)
def test_a_librarys_error_becomes_one_of_ours(raised: Exception, kind: type[SigbotError]) -> None:
    with pytest.raises(SigbotError) as caught, speaking_to("forge.example", "GET /x"):
        raise raised
    assert type(caught.value) is kind


def wrap_as_ogr_does() -> None:
    try:
        raise Transient("busy")
    except Transient as error:
        raise ogr.exceptions.PagureAPIException("there was an error") from error


def test_our_own_error_wins_over_what_a_library_wraps_around_it() -> None:
    with pytest.raises(Transient, match="busy"), speaking_to("forge.example", "GET /x"):
        wrap_as_ogr_does()


def test_what_a_library_says_about_the_request_is_left_out() -> None:
    with pytest.raises(ForgeError) as caught, speaking_to("forge.example", "GET /x"):
        raise RuntimeError("header Authorization: token SECRET")
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("path", "globs", "found"),
    [
        ("rpms/demo", ["rpms/*"], True),
        ("rpms/demo", ["*"], True),
        ("rpms/demo", ["rpms/d?mo", "x"], True),
        ("rpms/demo", ["demo"], False),
        ("RPMS/demo", ["rpms/*"], False),
        ("rpms/demo", [], False),
    ],
)
def test_a_glob_enables_full_paths(path: str, globs: list[str], found: bool) -> None:
    assert matches(path, globs) is found
