"""One suite over real registries: open, with a password over TLS, with signed tokens over TLS, and behind a mirror.

All four show the same images, which were pushed once. TLS is by an authority of the test's own.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from sig_bots.errors import ForgeError, NotFound, Transient, UserError
from sig_bots.refs import ImageRef, Platform
from sig_workers.registries.answers import StoredAnswers
from sig_workers.registries.auth import Login
from sig_workers.registries.client import RegistryClient
from sig_workers.registries.connections import HostRules
from sig_workers.registries.factory import make_registry, push_reader
from sig_workers.registries.seed import publish
from sig_workers.settings import Settings
from sig_workers.store.store import Store
from tests.servers.certificates import Authority
from tests.servers.registry import Registry
from tests.servers.tokens import Given, TokenServer

pytestmark = pytest.mark.server

PLATFORMS = ("linux/amd64", "linux/arm64")
BOT = Login("bot", "canary")
WAYS = ("open", "password", "token", "mirror")


@dataclass
class Site:
    """The registries by way, and what was pushed into them."""

    servers: dict[str, Registry]
    authority: Authority
    tokens: TokenServer
    digests: dict[str, str] = field(default_factory=dict)

    def client(self, way: str, *, login: Login | None = BOT) -> RegistryClient:
        server = self.servers[way]
        rules = HostRules(insecure=server.certificate is None, ca_file=self.authority.file, private=True)
        return RegistryClient(
            hosts={server.host: rules}, logins={server.host: login} if login else {}, timeout=10, spacing=0,
            mirrors={"quay.example": f"{server.host}/team"} if way == "mirror" else {},
        )  # fmt: skip

    def image(self, way: str, text: str) -> ImageRef:
        if way == "mirror":
            return ImageRef.parse(f"quay.example/{text.removeprefix('team/')}")
        return ImageRef.parse(f"{self.servers[way].host}/{text}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    authority = Authority(folder / "ca")
    certificate = authority.server()
    with ExitStack() as stack:
        tokens = stack.enter_context(TokenServer(folder / "tokens", certificate, {"bot": "canary"}))
        plain = Registry(folder / "open")
        servers = {
            "open": plain, "mirror": plain,
            "password": Registry(folder / "password", auth=("bot", "canary"), certificate=certificate, storage=plain.storage),
            "token": Registry(folder / "token", tokens=tokens, certificate=certificate, storage=plain.storage),
        }  # fmt: skip
        for server in {id(one): one for one in servers.values()}.values():
            server.start()
            stack.callback(server.stop)
        made = Site(servers, authority, tokens)
        for name, platforms in (("team/app:1", PLATFORMS), ("team/app:2", PLATFORMS[:1]), ("public/base:9", PLATFORMS)):
            made.digests[name] = publish(ImageRef.parse(f"{plain.host}/{name}"), {"name": name.encode()}, platforms)
        yield made


@pytest.mark.parametrize("way", WAYS)
def test_tags_digests_and_platforms_are_the_same_everywhere(site: Site, way: str) -> None:
    client, image = site.client(way), site.image(way, "team/app:1")
    assert sorted(client.tags(image)) == ["1", "2"]
    assert client.digest(image) == site.digests["team/app:1"]
    manifest = client.manifest(image)
    assert manifest is not None
    assert (manifest.digest, tuple(manifest.platforms)) == (site.digests["team/app:1"], PLATFORMS)
    assert client.manifest(image.with_tag(None, manifest.digest)) == manifest


@pytest.mark.parametrize("way", WAYS)
def test_the_config_of_a_platform_is_read(site: Site, way: str) -> None:
    client = site.client(way)
    found = client.config(site.image(way, "team/app:1"), Platform.parse("linux/arm64"))
    assert found is not None
    assert str(found.platform) == "linux/arm64"
    single = client.config(site.image(way, "team/app:2"))
    assert single is not None
    assert str(single.platform) == "linux/amd64"


@pytest.mark.parametrize("way", WAYS)
def test_what_is_not_there_is_said(site: Site, way: str) -> None:
    client = site.client(way)
    assert client.digest(site.image(way, "team/app:3")) is None
    assert client.manifest(site.image(way, "team/absent:1")) is None
    with pytest.raises(NotFound, match="There is no image"):
        client.tags(site.image(way, "team/absent"))


@pytest.mark.parametrize("way", ["password", "token"])
@pytest.mark.parametrize("login", [None, Login("bot", "wrong-canary")])
def test_without_the_right_login_nothing_is_shown(site: Site, way: str, login: Login | None) -> None:
    with pytest.raises(ForgeError, match="refused") as caught:
        site.client(way, login=login).tags(site.image(way, "team/app"))
    assert "canary" not in str(caught.value)


def test_anybody_gets_a_token_for_what_is_public(site: Site) -> None:
    client = site.client("token", login=None)
    assert client.digest(site.image("token", "public/base:9")) == site.digests["public/base:9"]


def test_one_token_serves_all_questions_about_a_repository(site: Site) -> None:
    site.tokens.given.clear()
    client = site.client("token")
    for _ in range(2):
        client.tags(site.image("token", "team/app"))
        client.digest(site.image("token", "team/app:1"))
        client.config(site.image("token", "team/app:2"))
    client.digest(site.image("token", "public/base:9"))
    assert site.tokens.given == [
        Given("bot", ("repository:team/app:pull",)), Given("bot", ("repository:public/base:pull",)),
    ]  # fmt: skip


def test_a_token_that_ends_is_replaced_before_it_does(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client = site.client("token")
    monkeypatch.setattr(site.tokens, "lifetime", 1)
    site.tokens.given.clear()
    client.digest(site.image("token", "team/app:1"))
    client.digest(site.image("token", "team/app:2"))
    before = len(site.tokens.given)
    time.sleep(1)
    asked = len(site.servers["token"].requests("HEAD"))
    client.digest(site.image("token", "team/app:1"))
    assert len(site.tokens.given) == before + 1
    assert (
        len(site.servers["token"].requests("HEAD")) == asked + 2
    )  # the 401 that names the token server, and the answer


def test_a_token_no_longer_believed_is_replaced_once(site: Site) -> None:
    client, image = site.client("token"), site.image("token", "team/app:1")
    assert client.digest(image) == site.digests["team/app:1"]
    site.tokens.rotate()
    site.servers["token"].stop()
    site.servers["token"].start()
    site.tokens.given.clear()
    assert client.digest(image) == site.digests["team/app:1"]
    assert len(site.tokens.given) == 1


def test_a_certificate_of_an_unknown_authority_is_not_believed(site: Site) -> None:
    host = site.servers["password"].host
    client = RegistryClient(hosts={host: HostRules()}, logins={host: Login("bot", "canary")}, timeout=5)
    asked = len(site.servers["password"].requests())
    with pytest.raises(Transient, match="not reachable"):
        client.tags(site.image("password", "team/app"))
    assert len(site.servers["password"].requests()) == asked


def test_the_token_server_of_a_registry_may_be_inside_only_when_that_is_set(site: Site) -> None:
    host = site.servers["token"].host
    client = RegistryClient(hosts={host: HostRules(ca_file=site.authority.file)}, timeout=5)
    with pytest.raises(ForgeError, match="allow_private_network"):
        client.tags(site.image("token", "public/base"))


def test_what_was_pushed_is_read_back_inside_our_network_too(site: Site) -> None:
    server = site.servers["password"]
    client = push_reader({server.host: BOT}, (), {server.host: site.authority.file})
    assert client.digest(site.image("password", "team/app:1")) == site.digests["team/app:1"]
    with pytest.raises(ForgeError, match="not a public address"):
        RegistryClient(logins={server.host: BOT}).digest(site.image("password", "team/app:1"))


def test_an_authority_that_cannot_be_read_is_a_sentence(site: Site, tmp_path: Path) -> None:
    host = site.servers["password"].host
    for content in (None, b"no certificate"):
        file = tmp_path / "ca.pem"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(UserError, match=r"ca_file.*cannot be used"):
            RegistryClient(hosts={host: HostRules(ca_file=file)}).tags(site.image("password", "team/app"))


@pytest.mark.parametrize("key", ["{host}", "{host}/team", "https://{host}/v2/"])
def test_logins_come_from_the_auth_file_of_the_settings(site: Site, tmp_path: Path, key: str) -> None:
    host = site.servers["password"].host
    file = tmp_path / "auth.json"
    entry = {"auth": base64.b64encode(b"bot:canary").decode()}
    file.write_text(json.dumps({"auths": {key.format(host=host): entry}}))
    client = make_registry(settings(site, "password", registry_auth_file=file))
    assert sorted(client.tags(site.image("password", "team/app"))) == ["1", "2"]


def test_a_program_that_keeps_the_login_is_never_run(site: Site, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "docker-credential-trap"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    file = tmp_path / "config.json"
    host = site.servers["password"].host
    for document in (
        {"credHelpers": {host: str(program).rpartition("-")[2]}}, {"auths": {host: {}}, "credsStore": "trap"},
    ):  # fmt: skip
        file.write_text(json.dumps(document))
        client = make_registry(settings(site, "password", registry_auth_file=file))
        with pytest.raises(ForgeError, match="docker-credential-'trap', which is never run"):
            client.tags(site.image("password", "team/app"))
    assert not ran.exists()


def settings(site: Site, way: str, **others: object) -> Settings:
    access = {"host": site.servers[way].host, "ca_file": site.authority.file}
    return Settings(registry=[access], **others)  # type: ignore[arg-type]


def test_inside_the_lifetime_the_registry_hears_nothing(
    site: Site, make_registry: Callable[..., Registry], tmp_path: Path
) -> None:
    server = make_registry(storage=site.servers["open"].storage)
    image = ImageRef.parse(f"{server.host}/team/app:1")
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    store.migrate()
    for _ in range(3):  # as so many processes
        cache = StoredAnswers(store, timedelta(hours=1))
        client = RegistryClient(insecure_hosts=[server.host], spacing=0, cache=cache)
        assert sorted(client.tags(image)) == ["1", "2"]
        assert client.digest(image) == site.digests["team/app:1"]
        assert client.manifest(image) is not None
        assert client.config(image) is not None
    store.close()
    asked = [(one.method, one.path.split("/")[4].partition("?")[0]) for one in server.requests(path="/v2/team")]
    assert asked == [
        ("GET", "tags"), ("HEAD", "manifests"), ("GET", "manifests"), ("GET", "manifests"), ("GET", "blobs"),
    ]  # fmt: skip
