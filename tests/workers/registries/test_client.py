import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sig_bots.errors import ForgeError, NotFound, SigbotError, Transient, UserError
from sig_bots.refs import ImageRef, Platform
from sig_bots.tools import Registry
from sig_workers.registries.auth import Login, find_login, parse_challenge, read_auth_file
from sig_workers.registries.client import RegistryClient
from sig_workers.registries.manifests import parse_config, parse_manifest
from sig_workers.registries.signatures import SignatureKey
from sig_workers.registries.transport import retry_after
from tests.workers.registries.hostile import OCI_INDEX, Asked, Reply, Server, digest_of, serve

SCHEMA_2 = {"schemaVersion": 2}


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


def client(*servers: Server, **options: Any) -> RegistryClient:
    return RegistryClient(insecure_hosts=[each.host for each in servers], timeout=5, spacing=0, **options)


def image(server: Server, rest: str = "team/app:1") -> ImageRef:
    return ImageRef.parse(f"{server.host}/{rest}")


def index(server: Server) -> dict[str, str]:
    rows, digests = [], {}
    for architecture, os in (("amd64", "linux"), ("arm64", "linux"), ("unknown", "unknown")):
        config = json.dumps(
            {
                "os": os,
                "architecture": architecture,
                "created": "2024-01-02T03:04:05.123456789Z",
                "config": {"Labels": {"a": architecture}},
            }
        ).encode()
        server.put(f"/v2/team/app/blobs/{digest_of(config)}", config)
        digest = server.image("team/app", architecture, {**SCHEMA_2, "config": {"digest": digest_of(config)}})
        rows.append({"digest": digest, "platform": {"os": os, "architecture": architecture}})
        digests[architecture] = digest
    digests["index"] = server.image("team/app", "1", {**SCHEMA_2, "mediaType": OCI_INDEX, "manifests": rows}, OCI_INDEX)
    return digests


def test_it_is_the_registry_of_the_contract() -> None:
    assert isinstance(RegistryClient(), Registry)


def test_a_digest_is_one_head_with_all_manifest_types_accepted(server: Server) -> None:
    digests = index(server)
    assert client(server).digest(image(server)) == digests["index"]
    assert [each.method for each in server.asked] == ["HEAD"]
    for kind in ("oci.image.index", "oci.image.manifest", "manifest.list.v2", "manifest.v2"):
        assert kind in server.asked[0].headers["accept"]


def test_an_index_is_read_per_platform_without_attestations(server: Server) -> None:
    digests = index(server)
    manifest = client(server).manifest(image(server))
    assert manifest is not None
    assert manifest.digest == digests["index"]
    assert manifest.platforms == {"linux/amd64": digests["amd64"], "linux/arm64": digests["arm64"]}


def test_the_config_of_each_platform_is_found(server: Server) -> None:
    index(server)
    asking = client(server)
    first = asking.config(image(server))
    second = asking.config(image(server), Platform.parse("linux/arm64/v8"))
    assert first is not None
    assert second is not None
    assert (first.labels, second.labels) == ({"a": "amd64"}, {"a": "arm64"})
    assert first.created is not None
    assert first.created.isoformat() == "2024-01-02T03:04:05.123456+00:00"
    assert asking.config(image(server), Platform.parse("linux/s390x")) is None


def test_what_is_not_there_is_none_or_a_sentence(server: Server) -> None:
    asking = client(server)
    assert asking.digest(image(server)) is None
    assert asking.manifest(image(server)) is None
    assert asking.config(image(server)) is None
    with pytest.raises(NotFound, match=r"There is no image .*/team/app in the registry"):
        asking.tags(image(server))


def test_a_registry_that_is_down_is_a_sentence() -> None:
    asking = RegistryClient(insecure_hosts=["127.0.0.1:1"], timeout=2)
    with pytest.raises(
        Transient, match=r"^The registry 127\.0\.0\.1:1 is not reachable \(connection refused\)\.$"
    ) as caught:
        asking.digest(ImageRef.parse("127.0.0.1:1/x:1"))
    assert caught.value.host == "127.0.0.1:1"


def test_http_is_spoken_only_to_configured_hosts(server: Server) -> None:
    with pytest.raises(Transient):
        RegistryClient(timeout=2, private_network=True).digest(image(server))
    assert server.asked == []


def test_tags_follow_the_next_pages_of_the_same_origin(server: Server) -> None:
    server.put(
        "/v2/team/app/tags/list?n=1000", {"tags": ["1", "2"]}, Link='</v2/team/app/tags/list?last=2&n=1000>; rel="next"'
    )
    server.put("/v2/team/app/tags/list?last=2&n=1000", {"tags": ["2", "3"]})
    assert client(server).tags(image(server)) == ["1", "2", "3"]


def test_a_next_page_elsewhere_is_not_asked_for(server: Server) -> None:
    with serve() as other:
        login = {server.host: Login("bot", "canary")}
        for target in (
            f"http://{other.host}/v2/team/app/tags/list",
            "https://127.0.0.1/x",
            "/v2/other/tags/list",
            "//evil.example/v2/team/app/tags/list",
        ):
            server.put("/v2/team/app/tags/list", {"tags": ["1"]}, Link=f'<{target}>; rel="next"')
            with pytest.raises(ForgeError, match="next page on another address"):
                client(server, other, logins=login).tags(image(server))
        assert other.asked == []


def test_pages_in_a_circle_end(server: Server) -> None:
    server.put("/v2/team/app/tags/list", {"tags": ["1"]}, Link='</v2/team/app/tags/list?n=1000>; rel="next"')
    with pytest.raises(ForgeError, match="without end"):
        client(server).tags(image(server))


@pytest.mark.long  # four thousand pages
def test_empty_pages_without_end_end(server: Server) -> None:
    def another(asked: Asked) -> Reply:
        page = int(asked.path.rpartition("=")[2])
        link = {"Link": f'</v2/team/app/tags/list?last={page + 1}>; rel="next"'}
        return 200, {"Content-Type": "application/json", **link}, b'{"tags": []}'

    server.replies["/v2/team/app/tags/list"] = another
    with pytest.raises(ForgeError, match="without end"):
        client(server).tags(image(server))
    assert len(server.asked) < 5000


def dripping(listener: socket.socket, start: bytes) -> None:
    connection, _ = listener.accept()
    with contextlib.suppress(OSError), connection:
        connection.sendall(start)
        for _ in range(200):
            time.sleep(0.05)
            connection.sendall(b"x")


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_a_registry_that_drips_is_not_waited_for(start: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=dripping, args=(listener, start), daemon=True).start()
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(Transient, match="did not answer in time"):
            RegistryClient(insecure_hosts=[host], timeout=0.2).tags(ImageRef.parse(f"{host}/team/app"))
        assert time.monotonic() - began < 5


def bearer(server: Server, realm: str, token: str = "t0ken") -> None:
    def protected(asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {token}":
            return (
                401,
                {"WWW-Authenticate": f'Bearer realm="{realm}",service="reg",scope="repository:team/app:pull"'},
                b"{}",
            )
        return 200, {"Docker-Content-Digest": digest_of(b"x")}, b""

    server.replies["/v2/team/app/manifests/1"] = protected
    server.put("/token", {"token": token, "expires_in": 300})


def test_a_token_is_fetched_once_with_our_login(server: Server) -> None:
    bearer(server, f"http://{server.host}/token")
    asking = client(server, logins={server.host: Login("bot", "pw")})
    assert asking.digest(image(server)) == asking.digest(image(server)) == digest_of(b"x")
    tokens = [each for each in server.asked if each.path.startswith("/token")]
    assert len(tokens) == 1
    assert "scope=repository" in tokens[0].path
    assert "service=reg" in tokens[0].path
    assert tokens[0].headers["authorization"] == "Basic " + base64.b64encode(b"bot:pw").decode()
    assert len(server.asked) == 4


def test_a_token_server_without_https_gets_nothing(server: Server) -> None:
    with serve() as other:
        for realm in (f"http://{other.host}/token", "file:///etc/passwd", "", "https://a@b/", "http://[", "/token"):
            bearer(server, realm)
            with pytest.raises(ForgeError, match="token server"):
                client(server, logins={server.host: Login("bot", "canary")}).digest(image(server))
        assert other.asked == []


@pytest.mark.parametrize("answer", [{}, {"token": 5}, {"token": ""}, {"token": "a\r\nb"}, [], "x"])
def test_a_token_server_that_talks_nonsense_is_a_sentence(server: Server, answer: Any) -> None:
    bearer(server, f"http://{server.host}/token")
    server.put("/token", answer)
    with pytest.raises(ForgeError, match="token"):
        client(server).digest(image(server))


def test_a_login_goes_to_its_own_host_only(server: Server) -> None:
    basic = {"WWW-Authenticate": 'Basic realm="x"'}
    server.replies["/v2/team/app/manifests/1"] = (401, basic, b"")
    with serve() as other:
        other.replies["/v2/team/app/manifests/1"] = (401, basic, b"")
        asking = client(server, other, logins={server.host: Login("bot", "canary")})
        for each in (server, other):
            with pytest.raises(ForgeError, match="refused access"):
                asking.digest(image(each))
        assert all("authorization" not in each.headers for each in other.asked)
    assert "authorization" in server.asked[-1].headers


def test_a_redirect_to_another_host_loses_the_authorization(server: Server) -> None:
    content = json.dumps({**SCHEMA_2, "config": {"digest": digest_of(b"{}")}}).encode()
    with serve() as other:

        def protected(asked: Asked) -> Reply:
            if "authorization" not in asked.headers:
                return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""
            return 307, {"Location": f"http://{other.host}/blob"}, b""

        server.replies["/v2/team/app/manifests/1"] = protected
        other.put("/blob", content)
        found = client(server, other, logins={server.host: Login("bot", "canary")}).manifest(image(server))
        assert found is not None
        assert found.digest == digest_of(content)
        assert "authorization" not in other.asked[0].headers


def test_a_redirect_away_from_https_is_not_followed(server: Server) -> None:
    for target in ("http://169.254.169.254/latest", "file:///etc/passwd", "ftp://x/", "http://user:pw@x/", ""):
        server.put("/v2/team/app/manifests/1", b"", status=302, Location=target)
        with pytest.raises(ForgeError):
            client(server).manifest(image(server))


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("999999999999", 6 * 3600), (None, 60), ("nonsense", 60), ("-5", 60), ("٣", 60)]
)
def test_a_busy_registry_is_left_alone(server: Server, header: str | None, seconds: int) -> None:
    server.put(
        "/v2/team/app/manifests/1",
        b"",
        status=429,
        **({"Retry_After": header.encode().decode("latin-1")} if header else {}),
    )
    asking = client(server)
    with pytest.raises(Transient) as caught:
        asking.digest(image(server))
    assert caught.value.retry_after == timedelta(seconds=seconds)
    assert caught.value.host == server.host
    with pytest.raises(Transient, match="asked us to wait"):
        asking.tags(image(server))
    assert len(server.asked) == 1


def test_retry_after_may_be_a_date() -> None:
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == timedelta(0)
    assert retry_after("Wed, 21 Oct 2099 07:28:00 GMT") == timedelta(hours=6)


def test_a_server_fault_may_be_tried_again(server: Server) -> None:
    server.put("/v2/team/app/manifests/1", b"", status=503)
    with pytest.raises(Transient, match="status 503"):
        client(server).digest(image(server))


def test_content_under_a_wrong_digest_is_not_used(server: Server) -> None:
    asked = f"team/app@{digest_of(b'right')}"
    server.put(f"/v2/team/app/manifests/{digest_of(b'right')}", {**SCHEMA_2, "config": {}})
    with pytest.raises(ForgeError, match="does not have the digest"):
        client(server).manifest(image(server, asked))
    server.put("/v2/team/app/manifests/1", b"{}", Docker_Content_Digest=digest_of(b"other"))
    with pytest.raises(ForgeError, match="does not have the digest"):
        client(server).manifest(image(server))


def test_a_head_for_one_digest_that_answers_another_is_refused(server: Server) -> None:
    server.put(f"/v2/team/app/manifests/{digest_of(b'a')}", b"", Docker_Content_Digest=digest_of(b"b"))
    with pytest.raises(ForgeError, match="another digest"):
        client(server).digest(image(server, f"team/app@{digest_of(b'a')}"))


def test_a_head_without_digest_header_hashes_the_manifest(server: Server) -> None:
    digest = server.put("/v2/team/app/manifests/1", {**SCHEMA_2, "config": {}})
    assert client(server).digest(image(server)) == digest


def test_huge_answers_are_not_read(server: Server) -> None:
    server.put("/v2/team/app/manifests/1", b"[" + b" " * (5 << 20), Content_Length=str(10 << 30))
    with pytest.raises(ForgeError, match="more than 4096 KiB"):
        client(server).manifest(image(server))


def test_the_retired_schema_is_named(server: Server) -> None:
    server.put(
        "/v2/team/app/manifests/1",
        {"schemaVersion": 1, "fsLayers": []},
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    )
    with pytest.raises(ForgeError, match="schema 1"):
        client(server).manifest(image(server))


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(["schemaVersion", "manifests", "platform", "digest", "config", "os", "mediaType"]), x
            )
        ),
    ).map(lambda x: json.dumps(x).encode())
)
def test_no_answer_makes_the_parsers_fail_otherwise(content: bytes) -> None:
    for parse in (lambda: parse_manifest(content, "", "x"), lambda: parse_config(content, "x")):
        try:
            parse()
        except ForgeError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_deep_json_is_a_sentence(server: Server) -> None:
    server.put("/v2/team/app/manifests/1", b"[" * 200_000)
    with pytest.raises(ForgeError, match="not what the distribution API promises"):
        client(server).manifest(image(server))


def test_requests_to_one_host_keep_their_distance(server: Server) -> None:
    index(server)
    asking = RegistryClient(insecure_hosts=[server.host], timeout=5, spacing=0.05, burst=0)
    began = time.monotonic()
    for _ in range(4):
        asking.digest(image(server))
    assert time.monotonic() - began >= 0.15


def test_a_burst_needs_no_space_and_what_follows_it_does(server: Server) -> None:
    index(server)
    asking = RegistryClient(insecure_hosts=[server.host], timeout=5, spacing=0.5, burst=5)
    began = time.monotonic()
    for _ in range(6):
        asking.digest(image(server))
    assert time.monotonic() - began < 0.5
    asking.digest(image(server))
    assert time.monotonic() - began >= 0.5


@given(st.text(max_size=200))
def test_any_challenge_is_read(header: str) -> None:
    parse_challenge(header)


def test_a_bearer_challenge_is_found_among_others() -> None:
    found = parse_challenge(
        'Basic realm="a, b", Bearer realm="https://t/x",service="s",scope="repository:a/b:pull,push"'
    )
    assert found.scheme == "bearer"
    assert found.parameters == {"realm": "https://t/x", "service": "s", "scope": "repository:a/b:pull,push"}


def test_docker_hub_names_and_mirrors_are_completed(server: Server) -> None:
    server.put("/v2/hub/library/alpine/tags/list", {"tags": ["3"]})
    server.put("/v2/hub/org/app/tags/list", {"tags": ["4"]})
    asking = client(server, mirrors={"docker.io": f"{server.host}/hub"})
    assert [asking.tags(ImageRef.parse(text)) for text in ("alpine", "docker.io/alpine:1", "org/app")] == [
        ["3"],
        ["3"],
        ["4"],
    ]


def test_what_a_digest_names_is_asked_for_once(server: Server) -> None:
    digests = index(server)
    asking = client(server)
    pinned = image(server).with_tag(None, digests["index"])
    assert asking.manifest(pinned) == asking.manifest(image(server)) == asking.manifest(pinned)
    assert asking.config(pinned) == asking.config(pinned)
    assert len(server.asked) == len({each.path for each in server.asked}) == 4


def test_logins_come_from_a_containers_auth_file(tmp_path: Path) -> None:
    def entry(text: str) -> dict[str, str]:
        return {"auth": base64.b64encode(text.encode()).decode()}

    file = tmp_path / "auth.json"
    file.write_text(
        json.dumps(
            {
                "auths": {
                    "quay.io": entry("a:1"),
                    "quay.io/team": entry("b:2:3"),
                    "https://index.docker.io/v1/": entry("c:4"),
                    "empty": {},
                }
            }
        )
    )
    logins = read_auth_file(file).logins
    assert find_login(logins, "quay.io", "other/app") == Login("a", "1")
    assert find_login(logins, "quay.io", "team/app") == Login("b", "2:3")
    assert find_login(logins, "quay.io", "teamwork/app") == Login("a", "1")
    assert find_login(logins, "docker.io", "library/x") == Login("c", "4")
    assert find_login(logins, "quay.io.evil", "team/app") is None
    assert "2:3" not in repr(logins)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"auths": 5}', '{"auths": {"x": {"auth": "canary!"}}}', '{"auths": {"x": 1}}']
)
def test_a_broken_auth_file_is_a_sentence_without_its_content(tmp_path: Path, text: str) -> None:
    (tmp_path / "auth.json").write_text(text)
    with pytest.raises(UserError, match="not in the format") as caught:
        read_auth_file(tmp_path / "auth.json")
    assert "canary" not in str(caught.value)
    with pytest.raises(UserError, match="cannot be read"):
        read_auth_file(tmp_path / "absent")


@given(st.text(max_size=40))
def test_a_reference_never_becomes_another_path(text: str) -> None:
    try:
        parsed = ImageRef.parse(f"127.0.0.1:1/{text}")
    except ValueError:
        return
    with pytest.raises(SigbotError, match=r"127\.0\.0\.1:1"):
        RegistryClient(insecure_hosts=["127.0.0.1:1"], timeout=1).digest(parsed)


ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(max_size=20) | st.sampled_from(["../../x", "sha256:" + "0" * 64, "AAAA"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["mediaType", "digest", "annotations", "dev.cosignproject.cosign/signature"]), inner,
    ) | inner.map(lambda one: {
        "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "digest": one,
        "annotations": {"dev.cosignproject.cosign/signature": "AAAA"},
    }),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layers=ANYTHING)
def test_whatever_lies_beside_an_image_is_no_signature(server: Server, tmp_path: Path, layers: Any) -> None:
    file = tmp_path / "cosign.pub"
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    digest = digest_of(b"app")
    server.asked.clear()
    server.put(f"/v2/team/app/manifests/{digest.replace(':', '-')}.sig", {**SCHEMA_2, "layers": layers})
    asking = client(server, keys={server.host: SignatureKey(file)})
    assert "none of its signatures" in asking.hold(image(server).with_tag("1", digest))
    places = ("/v2/team/app/manifests/sha256-", "/v2/team/app/blobs/sha256:")
    assert all(each.path.startswith(places) for each in server.asked)


@pytest.mark.parametrize("named", ["amd64 @alice", "amd64 <!-- ahead -->", "amd64\n", "a" * 70_000, ["amd64"]])
def test_a_platform_that_is_no_platform_is_refused(named: object) -> None:
    for key in ("os", "architecture", "variant"):
        with pytest.raises(ForgeError, match="config is malformed"):
            parse_config(json.dumps({key: named}).encode(), "x")
    row = {"digest": f"sha256:{'0' * 64}", "platform": {"os": "linux", "architecture": named}}
    with pytest.raises(ForgeError, match="offers no platform"):
        parse_manifest(json.dumps({"schemaVersion": 2, "manifests": [row]}).encode(), "", "x")
