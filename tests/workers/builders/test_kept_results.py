"""A child is built on a base that no registry has: the result of the build before it in the same job."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from sig_bots.errors import UserError
from sig_bots.refs import Platform
from sig_bots.tools import BuildHandle, BuildStatus
from tests.workers.builders.site import AMD64, ARM64, Site

pytestmark = pytest.mark.server


def kept_files(site: Site, handle: BuildHandle, platform: Platform) -> dict[str, bytes]:
    """The files of a kept result, read from its OCI image layout (image-layout.md of the specification)."""
    layout = site.data / "builds" / handle.id / "result"

    def blob(descriptor: dict[str, str]) -> bytes:
        return (layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()

    name = str(platform).replace("/", "-")
    index = json.loads((layout / "index.json").read_text())
    (found,) = [
        one for one in index["manifests"] if one["annotations"]["org.opencontainers.image.ref.name"] == name
    ]  # fmt: skip
    files: dict[str, bytes] = {}
    for layer in json.loads(blob(found))["layers"]:
        with tarfile.open(fileobj=io.BytesIO(blob(layer))) as archive:
            files |= {one.name: archive.extractfile(one).read() for one in archive if one.isfile()}  # type: ignore[union-attr]
    return files


def test_a_child_holds_what_only_the_base_just_built_has(site: Site, base: dict[str, str]) -> None:
    (shell,) = base
    published = site.build("kept/base:1", f"FROM {shell}\nCOPY v /v\n", {"v": b"published"}, bases=base, push=True)
    parent = site.start("kept/base:1", f"FROM {shell}\nCOPY v /v\n", {"v": b"changed"}, bases=base, keep=True, key="pr")
    status = site.wait(parent)
    name = site.image("kept/base:1")
    assert (status.state, len(status.platforms), status.digest) == ("success", 1, status.platforms[str(AMD64)])
    child = site.build(
        "kept/child:1", f"FROM {name}\nCOPY --from={name} /v /copy\nRUN echo got $(cat /v /copy)\n",
        parents={str(name): parent}, smoke=("grep", "changed", "/v"),
    )  # fmt: skip
    assert child.state == "success", site.log()
    assert "got changedchanged" in site.log()
    assert f"Using {name} as built just before" in site.log()
    assert len(site.registry.requests("PUT", "kept/base/manifests/")) == 1  # the published one
    assert not site.registry.requests("POST", "kept/child/")
    assert site.client.digest(name) == published.digest
    assert site.client.digest(site.image("kept/child:1")) is None


def test_each_platform_of_a_child_gets_the_base_of_its_own(site: Site) -> None:
    files = {"only-amd64": b"a", "only-arm64": b"b"}
    text = "FROM scratch\nARG TARGETARCH\nCOPY only-$TARGETARCH /x\n"
    both = (AMD64, ARM64)
    parent = site.start("kept/many:1", text, files, platforms=both, keep=True)
    status = site.wait(parent)
    assert (set(status.platforms), status.digest) == ({"linux/amd64", "linux/arm64"}, None), status.reason
    name = str(site.image("kept/many:1"))
    middle = site.start("kept/middle:1", f"FROM {name}\nCOPY Containerfile /y\n", platforms=both, keep=True, parents={name: parent})  # fmt: skip
    assert site.wait(middle).state == "success", list(site.builder.logs(middle))
    assert [kept_files(site, middle, one)["x"] for one in both] == [b"a", b"b"]
    last = site.start("kept/last:1", f"FROM scratch\nCOPY --from={site.image('kept/middle:1')} /x /z\n", keep=True,
                      platforms=(ARM64,), parents={str(site.image("kept/middle:1")): middle})  # fmt: skip
    assert site.wait(last).state == "success", list(site.builder.logs(last))
    assert kept_files(site, last, ARM64) == {"z": b"b"}


def test_a_base_that_was_built_for_other_platforms_is_named(site: Site) -> None:
    parent = site.start("kept/one:1", "FROM scratch\nCOPY x /x\n", {"x": b""}, platforms=(AMD64,), keep=True)
    assert site.wait(parent).state == "success"
    name = str(site.image("kept/one:1"))
    status = site.build("kept/other:1", f"FROM {name}\nCOPY Containerfile /y\n", platforms=(ARM64,), parents={name: parent})  # fmt: skip
    assert status.reason == f"The base {name} was built for linux/amd64 just before, not for linux/arm64."


def test_a_result_is_there_until_it_is_forgotten_and_then_built_anew(site: Site) -> None:
    text = "FROM scratch\nCOPY x /x\n"
    parent = site.start("kept/gone:1", text, {"x": b""}, keep=True)
    assert site.wait(parent).state == "success"
    folder = site.data / "builds" / parent.id
    kept = sorted(path.name for path in folder.iterdir())
    assert "result" in kept
    assert not {"storage", "source", "tmp", "home", "auth.json"} & set(kept)
    site.builder.forget(parent)
    site.builder.forget(parent)
    name = str(site.image("kept/gone:1"))
    with pytest.raises(UserError, match="is not on this host"):
        site.start("kept/child-of-gone:1", f"FROM {name}\n", parents={name: parent})
    again = site.start("kept/gone:1", text, {"x": b""}, keep=True)
    assert (again, site.wait(again).state, (folder / "result").is_dir()) == (parent, "success", True)
    assert site.start("kept/gone:1", text, {"x": b"changed"}, keep=True) == parent  # as it was: not a third build
    assert kept_files(site, parent, AMD64) == {"x": b""}


@pytest.mark.parametrize(("builder", "name"), [("buildah", "../../etc"), ("other", "0" * 32), ("buildah", "0" * 32)])
def test_only_a_result_of_this_builder_can_be_a_base(site: Site, builder: str, name: str) -> None:
    image = str(site.image("kept/strange:1"))
    with pytest.raises(UserError, match="is not on this host"):
        site.start("kept/user:1", f"FROM {image}\n", parents={image: BuildHandle(builder=builder, id=name)})


def test_a_build_that_fails_keeps_nothing(site: Site, base: dict[str, str]) -> None:
    (shell,) = base
    handle = site.start("kept/bad:1", f"FROM {shell}\nRUN exit 3\n", bases=base, keep=True)
    assert site.wait(handle) == BuildStatus(state="failed", line=2, reason="The build failed at `RUN exit 3` with exit status 3.")  # fmt: skip
    left = {path.name for path in Path(site.data / "builds" / handle.id).iterdir()}
    assert not left & {"result", "storage", "source"}


def test_what_is_made_from_an_unpublished_base_cannot_be_published(site: Site) -> None:
    with pytest.raises(ValueError, match="push its parents first"):
        site.start("kept/push:1", "FROM a/b:1\n", push=True, parents={"a/b:1": BuildHandle(builder="buildah", id="x")})
