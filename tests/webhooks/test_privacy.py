"""What is private, or may be, does not exist on the pages; on both databases. And no address makes them fail."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sig_workers.settings import Settings
from sig_workers.store.store import Store
from tests.webhooks.exhibits import SECRET_NAME, Exhibits, hidden, shown


@pytest.fixture
def exhibits(store: Store, settings: Settings) -> Exhibits:
    return Exhibits(store, settings.data)


def gets(app: Flask) -> Iterator[str]:
    """Endpoints of all pages that take arguments."""
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.arguments and rule.endpoint != "static":
            yield rule.endpoint


def test_every_page_of_something_private_does_not_exist(app: Flask, client: FlaskClient, exhibits: Exhibits) -> None:
    """A new route fails here until `hidden` tells what it must not show."""
    secrets = hidden(exhibits)
    assert set(gets(app)) == set(secrets)
    with app.test_request_context():
        addresses = [app.url_for(endpoint, **values) for endpoint, all_ in secrets.items() for values in all_]
    for address in addresses:
        for form in (address, f"{address}?after=0", f"{address}?before=1"):
            answer = client.get(form)
            assert (answer.status_code, SECRET_NAME in answer.text) == (404, False), form


def test_no_list_names_anything_private(client: FlaskClient, exhibits: Exhibits) -> None:
    hidden(exhibits)
    for address in (*shown(exhibits), "/?before=9999", "/?jobs_before=9999"):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert f"{SECRET_NAME}/" not in answer.text, address


NUMBERS = (0, 2**31, 2**63 - 1, 2**63, 10**40, "1e9", "٣", "-1")
NUMBERED = (
    "/deliveries/{}",
    "/jobs/{}",
    "/jobs/{}/log",
    "/forge/sig/hello/pull/{}",
    "/forge/sig/hello/issue/{}",
    "/?before={}",
    "/?jobs_before={}",
    "/jobs/1?after={}",
)
PATHS = (
    "a%00b/c", "../../etc/passwd", "a/../b", "a//b", "%ff/x", "x" * 5000, "a/b.git", "A/B/pull/x", "a/b/pull/1/pull/2", "-x/y", "a/b%0a",
)  # fmt: skip


def test_no_number_and_no_path_makes_trouble(client: FlaskClient) -> None:
    for address in (form.format(number) for form in NUMBERED for number in NUMBERS):
        assert client.get(address).status_code in (200, 404), address
    for path in PATHS:
        assert client.get(f"/forge/{path}").status_code == 404, path
