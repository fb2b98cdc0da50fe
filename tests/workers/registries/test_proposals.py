"""What is proposed on a real registry: settled, complete, signed. Keys and signatures are the test's own."""

import base64
import json
import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sig_bots.errors import UserError
from sig_bots.refs import ImageRef
from sig_bots.updatescan import Scan
from sig_bots.updating import look_over
from sig_workers.registries.answers import StoredAnswers
from sig_workers.registries.client import RegistryClient
from sig_workers.registries.factory import make_registry
from sig_workers.registries.seed import publish
from sig_workers.registries.signatures import SignatureKey
from sig_workers.settings import Settings
from sig_workers.store.store import Store
from tests.servers.registry import Registry

pytestmark = pytest.mark.server

BOTH = ("linux/amd64", "linux/arm64")
type Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def name(registry_server: Registry) -> str:
    return f"{registry_server.host}/proposals/{secrets.token_hex(6)}"


class Sweep:
    """Looks at one Containerfile, each time as a new process."""

    def __init__(self, store: Store, registry: Registry, **options: object) -> None:
        self.store, self.registry, self.options = store, registry, options
        self.age = timedelta(0)

    def __call__(self, text: str, settle: timedelta = timedelta(0), files: int = 1) -> Scan:
        client = RegistryClient(
            insecure_hosts=[self.registry.host], spacing=0, settle=settle,
            cache=StoredAnswers(self.store, self.age), **self.options,  # type: ignore[arg-type]
        )  # fmt: skip
        return look_over(client, {"Containerfile" + "." * number: text.encode() for number in range(files)})


@pytest.fixture
def sweep(store: Store, registry_server: Registry) -> Sweep:
    return Sweep(store, registry_server)


def push(reference: str, content: str, platforms: tuple[str, ...] = BOTH) -> str:
    return publish(ImageRef.parse(reference), {"f": content.encode()}, platforms)


def moved(scan: Scan, name: str) -> list[str]:
    return [str(move.new) for move in scan.moves.get(name, [])]


def test_a_new_tag_settles_before_it_is_proposed(sweep: Sweep, name: str) -> None:
    push(f"{name}:1.0", "old")
    push(f"{name}:1.1", "new")
    text = f"FROM {name}:1.0\n"
    first = sweep(text, timedelta(hours=1))
    assert (first.moves, first.held) == ({}, {name})
    assert "1.1 is settling until" in first.kept[0]
    assert sweep(text, timedelta(hours=1)).kept == first.kept
    assert moved(sweep(text, timedelta(microseconds=1)), name) == [f"{name}:1.1"]


def test_each_new_digest_settles_anew(sweep: Sweep, name: str) -> None:
    old = push(f"{name}:1", "old")
    text = f"FROM {name}:1@{old}\n"
    assert sweep(text).held == set()
    first = push(f"{name}:1", "new")
    assert sweep(text, timedelta(hours=1)).held == {name}
    sweep.store.cache(name, f":1@{first}", "seen", None, took=timedelta(hours=2))
    second = push(f"{name}:1", "newer")
    assert sweep(text, timedelta(hours=1)).held == {name}
    assert moved(sweep(text), name) == [f"{name}:1@{second}"]


def test_many_files_ask_for_one_tag_list_and_one_head(sweep: Sweep, name: str) -> None:
    push(f"{name}:1.0", "old")
    push(f"{name}:1.1", "new")
    sweep.age = timedelta(hours=1)
    path = ImageRef.parse(name).repository
    before = len(sweep.registry.requests(path=path))
    assert len(moved(sweep(f"FROM {name}:1.0\n", files=50), name)) == 50
    asked = [
        (one.method, one.path.split("/")[4].partition("?")[0]) for one in sweep.registry.requests(path=path)[before:]
    ]
    assert asked == [("GET", "tags"), ("HEAD", "manifests"), ("GET", "manifests"), ("GET", "manifests")]
    assert len(moved(sweep(f"FROM {name}:1.0\n", files=50), name)) == 50
    assert len(sweep.registry.requests(path=path)) == before + 4


def test_the_settings_say_how_long_it_takes_and_who_must_sign(
    store: Store, registry_server: Registry, name: str, tmp_path: Path, key: ec.EllipticCurvePrivateKey
) -> None:
    push(f"{name}:1.0", "old")
    push(f"{name}:1.1", "new")
    access = {"host": registry_server.host, "insecure": True, "verify": {"key_file": public_file(tmp_path, key)}}
    reasons = []
    for settle in ("1h", "0s"):
        settings = Settings(registry=[access], timing={"settle": settle})
        client = make_registry(settings, StoredAnswers(store, settings.timing.registry_age))
        reasons += look_over(client, {"Containerfile": f"FROM {name}:1.0\n".encode()}).kept
    assert "1.1 is settling until" in reasons[0]
    assert "it is not signed" in reasons[1]


def test_an_index_that_lost_a_platform_is_not_proposed_and_says_so(sweep: Sweep, name: str) -> None:
    old = push(f"{name}:1", "old")
    push(f"{name}:1", "new", BOTH[1:])
    push(f"{name}:2", "newest", (BOTH[0], "linux/s390x"))
    scan = sweep(f"FROM {name}:1@{old}\n")
    assert (scan.moves, scan.held) == ({}, {name})
    assert "the index of 2 lacks linux/arm64" in scan.kept[0]
    only = sweep(f"FROM --platform=linux/amd64 {name}:1@{old}\n")
    assert len(moved(only, name)) == 1


def test_an_index_that_only_grew_is_not_proposed(sweep: Sweep, name: str) -> None:
    old = push(f"{name}:1", "same")
    push(f"{name}:1", "same", (*BOTH, "linux/s390x"))
    scan = sweep(f"FROM {name}:1@{old}\n")
    assert (scan.moves, scan.held) == ({}, set())
    assert "holds the same for linux/amd64, linux/arm64" in scan.kept[0]


def test_a_pinned_platform_stays_on_its_platform(sweep: Sweep, name: str) -> None:
    single = push(f"{name}:1", "old", BOTH[1:])
    push(f"{name}:1", "new")
    (new,) = moved(sweep(f"FROM {name}:1@{single}\n"), name)
    client = RegistryClient(insecure_hosts=[sweep.registry.host])
    found = client.config(ImageRef.parse(new).with_tag(None, ImageRef.parse(new).digest))
    assert found is not None
    assert str(found.platform) == "linux/arm64"


# ---------------------------------------------------------------- signatures


def public_file(folder: Path, key: Key) -> Path:
    file = folder / "cosign.pub"
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    file.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
    return file


def sign(
    name: str, digest: str, key: ec.EllipticCurvePrivateKey, *, about: str | None = None,
    kind: str = "cosign container image signature",
) -> None:  # fmt: skip
    """Put a signature beside the image, in the form of cosign's SIGNATURE_SPEC."""
    image = ImageRef.parse(name)
    identity = {"docker-reference": name}
    critical = {"identity": identity, "image": {"docker-manifest-digest": about or digest}, "type": kind}
    payload = json.dumps({"critical": critical, "optional": None}).encode()
    signature = base64.b64encode(key.sign(payload, ec.ECDSA(hashes.SHA256()))).decode()
    with httpx.Client(base_url=f"http://{image.registry}/v2/{image.repository}/") as client:
        layer = put_blob(client, payload, "application/vnd.dev.cosign.simplesigning.v1+json")
        manifest = {
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": put_blob(client, b"{}", "application/vnd.oci.image.config.v1+json"),
            "layers": [{**layer, "annotations": {"dev.cosignproject.cosign/signature": signature}}],
        }  # fmt: skip
        tag = digest.replace(":", "-") + ".sig"
        kinds = {"Content-Type": str(manifest["mediaType"])}
        client.put(f"manifests/{tag}", content=json.dumps(manifest).encode(), headers=kinds).raise_for_status()


def put_blob(client: httpx.Client, content: bytes, media_type: str) -> dict[str, object]:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(content)
    text = f"sha256:{digest.finalize().hex()}"
    place = client.post("blobs/uploads/").headers["Location"]
    client.put(httpx.URL(place).copy_merge_params({"digest": text}), content=content).raise_for_status()
    return {"mediaType": media_type, "digest": text, "size": len(content)}


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def strict(store: Store, registry_server: Registry, key: ec.EllipticCurvePrivateKey, tmp_path: Path) -> Sweep:
    return Sweep(store, registry_server, keys={registry_server.host: SignatureKey(public_file(tmp_path, key))})


def test_only_what_is_signed_is_proposed(strict: Sweep, name: str, key: ec.EllipticCurvePrivateKey) -> None:
    push(f"{name}:1.0", "old")
    digest = push(f"{name}:1.1", "new")
    text = f"FROM {name}:1.0\n"
    scan = strict(text)
    assert (scan.moves, scan.held) == ({}, {name})
    assert scan.kept == [f"Containerfile:1: {name}:1.0 stays: 1.1 is not proposed: it is not signed"]
    sign(name, digest, key)
    assert moved(strict(text), name) == [f"{name}:1.1"]


def test_a_signature_that_was_good_is_not_read_again(strict: Sweep, name: str, key: ec.EllipticCurvePrivateKey) -> None:
    push(f"{name}:1.0", "old")
    sign(name, push(f"{name}:1.1", "new"), key)
    for _ in range(2):
        assert len(moved(strict(f"FROM {name}:1.0\n"), name)) == 1
    assert len(strict.registry.requests("GET", f"{ImageRef.parse(name).repository}/manifests/sha256-")) == 1


def test_a_signature_by_another_key_does_not_count(strict: Sweep, name: str) -> None:
    push(f"{name}:1.0", "old")
    sign(name, push(f"{name}:1.1", "new"), ec.generate_private_key(ec.SECP256R1()))
    scan = strict(f"FROM {name}:1.0\n")
    assert scan.moves == {}
    assert "none of its signatures is by the key" in scan.kept[0]


@pytest.mark.parametrize("wrong", [{"about": "sha256:" + "0" * 64}, {"kind": "atomic container signature"}])
def test_a_signature_about_something_else_does_not_count(
    strict: Sweep, name: str, key: ec.EllipticCurvePrivateKey, wrong: dict[str, str]
) -> None:
    push(f"{name}:1.0", "old")
    sign(name, push(f"{name}:1.1", "new"), key, **wrong)
    assert strict(f"FROM {name}:1.0\n").moves == {}


def test_only_images_of_the_place_need_a_signature(
    store: Store, registry_server: Registry, name: str, key: ec.EllipticCurvePrivateKey, tmp_path: Path
) -> None:
    keys = {f"{registry_server.host}/signed": SignatureKey(public_file(tmp_path, key))}
    push(f"{name}:1.0", "old")
    push(f"{name}:1.1", "new")
    assert len(moved(Sweep(store, registry_server, keys=keys)(f"FROM {name}:1.0\n"), name)) == 1


@pytest.mark.parametrize("made", [
    lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048), ed25519.Ed25519PrivateKey.generate,
    lambda: ec.generate_private_key(ec.SECP384R1()),
])  # fmt: skip
def test_a_key_of_another_kind_is_refused(tmp_path: Path, made: object) -> None:
    file = public_file(tmp_path, made())  # type: ignore[operator]
    with pytest.raises(UserError, match="it is not ECDSA on P-256"):
        SignatureKey(file)


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        SignatureKey(tmp_path / "absent")
    (tmp_path / "key").write_text("canary")
    with pytest.raises(UserError, match="it is no public key in PEM form") as caught:
        SignatureKey(tmp_path / "key")
    assert "canary" not in str(caught.value)
