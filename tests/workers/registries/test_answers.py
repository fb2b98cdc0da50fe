"""Answers are shared through the store: counted at the registry."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sig_bots.errors import ForgeError, NotFound
from sig_bots.refs import ImageRef
from sig_workers.registries.answers import StoredAnswers
from sig_workers.registries.client import RegistryClient
from sig_workers.store.store import Store
from tests.workers.registries.hostile import Server, serve
from tests.workers.registries.test_client import image, index


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    opened.migrate()
    yield opened
    opened.close()


def client(server: Server, store: Store, age: timedelta = timedelta(hours=1)) -> RegistryClient:
    """As another process would make it."""
    return RegistryClient(insecure_hosts=[server.host], timeout=5, cache=StoredAnswers(store, age))


def everything(asking: RegistryClient, ref: ImageRef) -> list[object]:
    return [asking.tags(ref), asking.digest(ref), asking.manifest(ref), asking.config(ref)]


def methods(server: Server) -> list[str]:
    return [f"{each.method} {each.path.partition('?')[0].split('/')[4]}" for each in server.asked]


def test_inside_the_lifetime_nothing_is_asked(server: Server, store: Store) -> None:
    index(server)
    server.put("/v2/team/app/tags/list", {"tags": ["1"]})
    first = everything(client(server, store), image(server))
    assert methods(server) == ["GET tags", "HEAD manifests", "GET manifests", "GET manifests", "GET blobs"]
    assert everything(client(server, store), image(server)) == first
    assert len(server.asked) == 5


def test_afterwards_only_what_can_change_is_asked_again(server: Server, store: Store) -> None:
    index(server)
    server.put("/v2/team/app/tags/list", {"tags": ["1"]})
    first = everything(client(server, store), image(server))
    server.asked.clear()
    assert everything(client(server, store, timedelta(0)), image(server)) == first
    assert set(methods(server)) == {"GET tags", "HEAD manifests"}


def test_what_is_not_there_is_remembered_too(server: Server, store: Store) -> None:
    for _ in range(2):
        asking = client(server, store)
        assert asking.digest(image(server)) is None
        with pytest.raises(NotFound):
            asking.tags(image(server))
    assert len(server.asked) == 2


def test_a_push_we_are_told_of_ends_the_lifetime(server: Server, store: Store) -> None:
    index(server)
    before = client(server, store).digest(image(server))
    index_again = server.image("team/app", "1", {"schemaVersion": 2, "config": {"digest": "sha256:" + "0" * 64}})
    assert client(server, store).digest(image(server)) == before
    store.forget_answers(image(server).name)
    assert client(server, store).digest(image(server)) == index_again


def test_a_tag_list_that_did_not_change_is_not_sent_again(server: Server, store: Store) -> None:
    server.put("/v2/team/app/tags/list", {"tags": ["1"]}, ETag='"v1"')
    assert client(server, store).tags(image(server)) == ["1"]
    server.replies["/v2/team/app/tags/list"] = (304, {}, b"")
    assert client(server, store, timedelta(0)).tags(image(server)) == ["1"]
    assert [each.headers.get("if-none-match") for each in server.asked] == [None, '"v1"']
    assert client(server, store).tags(image(server)) == ["1"]
    assert len(server.asked) == 2


def test_not_modified_without_having_asked_is_refused(server: Server, store: Store) -> None:
    server.replies["/v2/team/app/tags/list"] = (304, {}, b"")
    with pytest.raises(ForgeError, match="status 304"):
        client(server, store).tags(image(server))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_a_host_nobody_configured_is_not_asked_inside_our_network(server: Server, host: str) -> None:
    port = server.host.rpartition(":")[2]
    with pytest.raises(ForgeError, match="not a public address; it is not asked"):
        RegistryClient(timeout=2).digest(ImageRef.parse(f"{host}:{port}/x:1"))
    assert server.asked == []


def test_the_address_of_cloud_metadata_is_not_asked() -> None:
    with pytest.raises(ForgeError, match=r"169\.254\.169\.254, which is not a public address"):
        RegistryClient(timeout=2).digest(ImageRef.parse("169.254.169.254/x:1"))


def test_a_configured_registry_does_not_lead_us_inside_either(server: Server) -> None:
    server.put("/v2/team/app/manifests/1", b"", status=302, Location="https://127.0.0.1:1/secret")
    with pytest.raises(ForgeError, match="not a public address"):
        RegistryClient(insecure_hosts=[server.host], timeout=2).manifest(image(server))
