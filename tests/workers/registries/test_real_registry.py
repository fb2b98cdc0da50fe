import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sig_bots.errors import ForgeError, NotFound, Transient
from sig_bots.refs import ImageRef
from sig_workers.registries.auth import Login
from sig_workers.registries.client import RegistryClient
from tests.servers.registry import Registry

pytestmark = pytest.mark.server


def push(server: Registry, folder: Path, name: str, creds: str = "") -> ImageRef:
    """Push a small image with skopeo, another hand than ours."""
    layout = folder / "layout"
    store = ["--root", f"{folder}/s", "--runroot", f"{folder}/r", "--storage-driver", "vfs"]
    (folder / "Containerfile").write_text('FROM scratch\nCOPY Containerfile /x\nLABEL a="b"\n')
    subprocess.run(
        ["buildah", *store, "bud", "--isolation", "chroot", "-q", "-t", "x", str(folder)],
        check=True,
        capture_output=True,
    )
    subprocess.run(["buildah", *store, "push", "-q", "x", f"oci:{layout}:1"], check=True, capture_output=True)
    login = ["--dest-creds", creds] if creds else []
    subprocess.run(
        ["skopeo", "copy", "--dest-tls-verify=false", *login, f"oci:{layout}:1", f"docker://{server.host}/{name}"],
        check=True,
        capture_output=True,
    )
    return ImageRef.parse(f"{server.host}/{name}")


def test_a_real_registry_is_read_as_skopeo_reads_it(registry_server: Registry, tmp_path: Path) -> None:
    image = push(registry_server, tmp_path, "real/app:1")
    client = RegistryClient(insecure_hosts=[registry_server.host])
    argv = ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", f"docker://{image}"]
    theirs = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
    assert client.digest(image) == theirs
    manifest = client.manifest(image)
    assert manifest is not None
    assert (manifest.digest, manifest.is_index) == (theirs, False)
    details = client.config(image.with_tag(None, theirs))
    assert details is not None
    assert details.labels["a"] == "b"
    raw = subprocess.run([*argv[:3], "--raw", argv[-1]], check=True, capture_output=True).stdout
    size = sum(layer["size"] for layer in json.loads(raw)["layers"])
    assert [one and one.size for one in (details, client.config(image))] == [size, size]  # also from what was kept
    assert client.tags(image) == ["1"]
    assert client.digest(image.with_tag("absent")) is None
    with pytest.raises(NotFound):
        client.tags(ImageRef.parse(f"{registry_server.host}/absent"))


def test_a_login_opens_a_closed_registry(make_registry: Callable[..., Registry], tmp_path: Path) -> None:
    server = make_registry(auth=("bot", "pw"))
    image = push(server, tmp_path, "closed/app:1", "bot:pw")
    with pytest.raises(ForgeError, match="refused access"):
        RegistryClient(insecure_hosts=[server.host]).digest(image)
    client = RegistryClient(insecure_hosts=[server.host], logins={server.host: Login("bot", "pw")})
    assert client.tags(image) == ["1"]


def test_a_registry_that_stops_is_a_sentence(make_registry: Callable[..., Registry]) -> None:
    server = make_registry()
    client = RegistryClient(insecure_hosts=[server.host])
    image = ImageRef.parse(f"{server.host}/x:1")
    assert client.digest(image) is None
    server.stop()
    with pytest.raises(Transient, match=f"The registry {server.host} is not reachable"):
        client.digest(image)
