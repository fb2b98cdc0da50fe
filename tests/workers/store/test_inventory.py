"""The inventory keeps what images are made from, and with what their last published build was made."""

import pytest
from sqlalchemy import select

from sig_bots.errors import FencedOff
from sig_bots.packages import Package, PackageList
from sig_bots.refs import ImageRef, Platform, Repo
from sig_bots.tools import BuildStatus, FleetImage, Inventory, ParentEdge
from sig_workers.store import schema_fleet as f
from sig_workers.store.inventory import SqlInventory
from sig_workers.store.rows import RepositoryRow
from sig_workers.store.store import Store
from tests.workers.store.conftest import Work

OLD, NEW, BUILT = ("sha256:" + letter * 64 for letter in "abc")
REPO = Repo(path="owner/name", instance="forge", forge_id="7", private=False)


@pytest.fixture
def inventory(store: Store, repo: RepositoryRow) -> SqlInventory:
    return SqlInventory(store)


def image(name: str, *parents: str, repo: Repo = REPO, digest: str | None = None) -> FleetImage:
    edges = tuple(ParentEdge(image=ImageRef.parse(parent), digest=digest) for parent in parents)
    return FleetImage(
        repo=repo, image=ImageRef.parse(name), containerfile="Containerfile", parents=edges,
        platforms=(Platform.parse("linux/amd64"), Platform.parse("linux/arm/v7")), smoke=("true", "-x"), network=True,
    )  # fmt: skip


def test_declared_images_come_back_as_they_were(inventory: SqlInventory) -> None:
    declared = [image("quay.io/sig/base:1", "scratchpad"), image("localhost/x/y", f"host:5000/a/b:2@{OLD}")]
    inventory.declare(REPO, declared)
    assert inventory.images(REPO) == declared
    assert inventory.images() == declared
    assert isinstance(inventory, Inventory)


def test_images_no_longer_declared_are_retired_and_may_return(inventory: SqlInventory) -> None:
    inventory.declare(REPO, [image("q.io/a:1"), image("q.io/b:1")])
    inventory.declare(REPO, [image("q.io/b:1")])
    assert [str(one.image) for one in inventory.images()] == ["q.io/b:1"]
    inventory.declare(REPO, [image("q.io/a:1"), image("q.io/b:1")])
    assert len(inventory.images()) == 2


def test_one_repository_does_not_retire_anothers_images(inventory: SqlInventory) -> None:
    other = Repo(path="owner/other", instance="forge")
    inventory.declare(REPO, [image("q.io/a:1")])
    inventory.declare(other, [image("q.io/b:1", repo=other)])
    inventory.declare(other, [])
    assert [str(one.image) for one in inventory.images()] == ["q.io/a:1"]
    assert inventory.images(other) == []


def test_a_published_build_records_its_exact_parents(inventory: SqlInventory, store: Store) -> None:
    inventory.declare(REPO, [image("q.io/a:1", "q.io/base:2")])
    status = BuildStatus(state="success", digest=BUILT, platforms={"linux/amd64": NEW})
    inventory.record_build(image("q.io/a:1", "q.io/base:2", digest=OLD), status, commit="abc", cause="new base")
    (now,) = inventory.images()
    assert (now.digest, now.commit, now.parents[0].digest) == (BUILT, "abc", OLD)
    tables = (f.builds.c.cause, f.build_inputs.c.digest, f.image_platforms.c.digest)
    found = store.read(lambda connection: [connection.execute(select(column)).scalar() for column in tables])
    assert found == ["new base", OLD, NEW]


def test_what_is_installed_is_kept_with_the_newest_build_of_the_digest(inventory: SqlInventory, store: Store) -> None:
    made = image("q.io/a:1", "q.io/base:2", digest=OLD)
    for commit in ("abc", "def"):
        inventory.record_build(made, BuildStatus(state="success", digest=BUILT), commit=commit, cause="new base")
    for version in ("1", "2"):
        packages = [Package(name=name, epoch=1, version=version, release="1", architecture="noarch") for name in "xxy"]
        inventory.record_packages(made, BUILT, {"linux/amd64": PackageList.of("rpm", packages)})
    inventory.record_packages(made, NEW, {"linux/amd64": PackageList.of("rpm", packages)})
    c = f.build_packages.c
    query = select(f.builds.c.commit_sha, c.platform, c.nevra).join_from(f.build_packages, f.builds).order_by(c.nevra)
    found = store.read(lambda connection: [tuple(row) for row in connection.execute(query)])
    assert found == [("def", "linux/amd64", f"{name}-1:2-1.noarch") for name in "xy"]


def test_a_failed_build_changes_nothing_about_the_image(inventory: SqlInventory) -> None:
    good = BuildStatus(state="success", digest=BUILT)
    inventory.record_build(image("q.io/a:1", "q.io/base:2", digest=OLD), good, commit="abc", cause="first")
    bad = BuildStatus(state="failed", reason="step 2 failed")
    inventory.record_build(image("q.io/a:1", "q.io/base:2", digest=NEW), bad, commit="def", cause="second")
    (now,) = inventory.images()
    assert (now.digest, now.commit, now.parents[0].digest) == (BUILT, "abc", OLD)


def test_declaring_again_keeps_recorded_digests_of_unchanged_parents(inventory: SqlInventory) -> None:
    built = image("q.io/a:1", "q.io/base:2", "q.io/tool:1", digest=OLD)
    inventory.record_build(built, BuildStatus(state="success", digest=BUILT), commit="abc", cause="first")
    inventory.declare(REPO, [image("q.io/a:1", "q.io/base:2", "q.io/tool:2")])
    (now,) = inventory.images()
    assert [edge.digest for edge in now.parents] == [OLD, None]
    assert now.digest == BUILT


def test_children_are_found_by_name_and_tag(inventory: SqlInventory) -> None:
    inventory.declare(
        REPO, [image("q.io/a", "q.io/base:2"), image("q.io/b", "q.io/base"), image("q.io/c", "q.io/other")]
    )

    def children(parent: str) -> list[str]:
        return [str(one.image) for one in inventory.children(ImageRef.parse(parent))]

    assert children("q.io/base:2") == ["q.io/a"]
    assert children("q.io/base:latest") == ["q.io/b"]
    assert children("q.io/base") == ["q.io/a", "q.io/b"]
    assert children("q.io/unknown") == []


def test_a_large_fleet_comes_back_whole(inventory: SqlInventory) -> None:
    inventory.declare(REPO, [image(f"q.io/i{n}:1", "q.io/base:1") for n in range(600)])
    fleet = inventory.images()
    assert len(fleet) == 600
    assert all(len(one.parents) == 1 for one in fleet)


def test_a_run_that_lost_its_lease_records_nothing(store: Store, repo: RepositoryRow, work: Work) -> None:
    job = work.run(repo)
    ours, late = SqlInventory(store, job.id, job.attempt), SqlInventory(store, job.id, job.attempt - 1)
    made = image("registry.example/app:1")
    ours.declare(REPO, [made])
    with pytest.raises(FencedOff):
        late.declare(REPO, [])
    with pytest.raises(FencedOff):
        late.record_build(made, BuildStatus(state="success", digest=BUILT), commit="0" * 40, cause="late")
    with pytest.raises(FencedOff):
        late.record_packages(made, BUILT, {})
    assert [one.digest for one in ours.images()] == [None]
