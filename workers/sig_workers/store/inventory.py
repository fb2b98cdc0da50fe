"""The fleet's inventory in the store: what repositories declare, and what each published build was made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, delete, exists, insert, null, or_, select, update

from sig_bots.packages import PackageList
from sig_bots.refs import Digest, ImageRef, Platform, Repo
from sig_bots.tools import BuildStatus, FleetImage, ParentEdge
from sig_workers.store import schema as t
from sig_workers.store import schema_fleet as f
from sig_workers.store.columns import db_now
from sig_workers.store.database import upsert
from sig_workers.store.effects import fence_job
from sig_workers.store.job_rows import REPOSITORY_COLUMNS, repository_row
from sig_workers.store.store import Store

__all__ = ["SqlInventory"]


class SqlInventory:
    """`sig_bots.tools.Inventory` over the store. A repository must be known (`ensure_repository`)."""

    def __init__(self, store: Store, job: int | None = None, attempt: int | None = None) -> None:
        """With a job and its attempt, only that run may write: others raise FencedOff."""
        self._store = store
        self._job = job
        self._attempt = attempt

    def images(self, repo: Repo | None = None) -> Sequence[FleetImage]:
        """All images that are declared, or those of one repository."""
        query = _images()
        if repo is not None:
            query = query.where(t.repositories.c.instance == repo.instance, t.repositories.c.path == repo.path)
        return self._store.read(lambda connection: _load(connection, query))

    def children(self, parent: ImageRef) -> Sequence[FleetImage]:
        """Images with an edge to the parent; a reference without a tag means `latest`."""
        c = f.parent_edges.c
        edge = exists().where(c.image_id == f.images.c.id, c.name == parent.name)
        if parent.tag is not None:
            untagged = (c.tag == "") if parent.tag == "latest" else None
            edge = edge.where(c.tag == parent.tag if untagged is None else or_(c.tag == parent.tag, untagged))
        return self._store.read(lambda connection: _load(connection, _images().where(edge)))

    def declare(self, repo: Repo, images: Sequence[FleetImage]) -> None:
        """What the default branch declares now. Digests of earlier builds stay; images not declared are retired."""
        row = self._store.ensure_repository(repo.instance, repo)
        wanted = {str(image.image): image for image in images}

        def put(connection: Connection) -> None:
            self._fence(connection)
            known = {str(image.image): image for image in _load(connection, _images(), repo=row.id)}
            for name, image in wanted.items():
                if name not in known or _declaration(known[name]) != _declaration(image):
                    _declare(connection, row.id, image)
            gone = [image for name, image in known.items() if name not in wanted]
            for image in gone:
                c = f.images.c
                here = (c.repo_id == row.id, c.name == image.image.name, c.tag == (image.image.tag or ""))
                connection.execute(update(f.images).where(*here).values(retired_at=db_now()))

        self._store.write(put)

    def record_build(self, image: FleetImage, status: BuildStatus, *, commit: str, cause: str) -> None:
        """A finished build with its exact inputs. Only a published one (success, with a digest) is what the image is now."""
        row = self._store.ensure_repository(image.repo.instance, image.repo)

        def put(connection: Connection) -> None:
            self._fence(connection)
            image_id = _declare(connection, row.id, image)
            build = connection.execute(
                insert(f.builds)
                .values(
                    image_id=image_id, job_id=self._job, commit_sha=commit, cause=cause, state=status.state,
                    reason=status.reason, digest=status.digest,
                )
                .returning(f.builds.c.id)
            ).scalar_one()  # fmt: skip
            inputs = [{"build_id": build, **_edge(n, edge)} for n, edge in enumerate(image.parents)]
            if inputs:
                connection.execute(insert(f.build_inputs), inputs)
            if status.state == "success" and status.digest is not None:
                _publish(connection, image_id, build, image, status, commit)

        self._store.write(put)

    def record_packages(self, image: FleetImage, digest: Digest, packages: Mapping[str, PackageList]) -> None:
        """What the newest recorded build of this digest has installed, by platform; replaces what was known of it."""
        row = self._store.ensure_repository(image.repo.instance, image.repo)
        c = f.images.c
        here = (c.repo_id == row.id, c.name == image.image.name, c.tag == (image.image.tag or ""))
        newest = (
            select(f.builds.c.id).join(f.images, c.id == f.builds.c.image_id)
            .where(*here, f.builds.c.digest == digest).order_by(f.builds.c.id.desc()).limit(1)
        )  # fmt: skip

        def put(connection: Connection) -> None:
            self._fence(connection)
            build = connection.execute(newest).scalar()
            if build is None:
                return
            connection.execute(delete(f.build_packages).where(f.build_packages.c.build_id == build))
            rows = [
                {"build_id": build, "platform": platform, "nevra": nevra}
                for platform, listed in packages.items()
                for nevra in sorted({one.nevra for one in listed.packages})
            ]
            if rows:
                connection.execute(insert(f.build_packages), rows)

        self._store.write(put)

    def _fence(self, connection: Connection) -> None:
        if self._job is not None and self._attempt is not None:
            fence_job(connection, self._job, self._attempt)


def _declaration(image: FleetImage) -> FleetImage:
    """The part of an image that its repository declares."""
    parents = tuple(edge.model_copy(update={"digest": None}) for edge in image.parents)
    repo = Repo(path=image.repo.path, instance=image.repo.instance)
    return image.model_copy(update={"repo": repo, "parents": parents, "digest": None, "commit": None})


def _declare(connection: Connection, repo_id: int, image: FleetImage) -> int:
    """Insert or bring up to date the image and its edges; edges keep the digests of the last published build."""
    values = {
        "registry": image.image.registry, "containerfile": image.containerfile, "context": image.context,
        "platforms": [str(platform) for platform in image.platforms], "network": image.network,
        "smoke": list(image.smoke), "declared_at": db_now(), "retired_at": null(),
    }  # fmt: skip
    add = upsert(connection, f.images).values(
        repo_id=repo_id, name=image.image.name, tag=image.image.tag or "", **values
    )
    add = add.on_conflict_do_update(index_elements=["repo_id", "name", "tag"], set_=values)
    image_id: int = connection.execute(add.returning(f.images.c.id)).scalar_one()
    known = _edges(connection, [image_id]).get(image_id, [])
    if [_place(edge) for edge in known] != [_place(edge) for edge in image.parents]:
        digests = {_place(edge): edge.digest for edge in known}
        kept = [edge.model_copy(update={"digest": digests.get(_place(edge))}) for edge in image.parents]
        _replace_edges(connection, image_id, kept)
    return image_id


def _publish(
    connection: Connection, image_id: int, build: int, image: FleetImage, status: BuildStatus, commit: str
) -> None:
    now = update(f.images).where(f.images.c.id == image_id)
    connection.execute(now.values(digest=status.digest, commit_sha=commit))
    _replace_edges(connection, image_id, image.parents)
    connection.execute(delete(f.image_platforms).where(f.image_platforms.c.image_id == image_id))
    platforms = [
        {"image_id": image_id, "platform": platform, "digest": digest, "build_id": build}
        for platform, digest in status.platforms.items()
    ]
    if platforms:
        connection.execute(insert(f.image_platforms), platforms)


def _place(edge: ParentEdge) -> tuple[str, str]:
    return edge.kind, str(edge.image)


def _edge(position: int, edge: ParentEdge) -> dict[str, Any]:
    return {
        "position": position, "registry": edge.image.registry, "name": edge.image.name, "tag": edge.image.tag or "",
        "pin": edge.image.digest, "kind": edge.kind, "digest": edge.digest,
    }  # fmt: skip


def _replace_edges(connection: Connection, image_id: int, edges: Iterable[ParentEdge]) -> None:
    connection.execute(delete(f.parent_edges).where(f.parent_edges.c.image_id == image_id))
    rows = [{"image_id": image_id, **_edge(position, edge)} for position, edge in enumerate(edges)]
    if rows:
        connection.execute(insert(f.parent_edges), rows)


def _edges(connection: Connection, images: Sequence[int]) -> dict[int, list[ParentEdge]]:
    c = f.parent_edges.c
    query = select(c.image_id, c.registry, c.name, c.tag, c.pin, c.kind, c.digest).order_by(c.image_id, c.position)
    if len(images) <= 500:
        query = query.where(c.image_id.in_(images))
    found: dict[int, list[ParentEdge]] = {}
    for row in connection.execute(query).mappings():
        edge = ParentEdge(
            image=_reference(row["registry"], row["name"], row["tag"], row["pin"]),
            kind=row["kind"],
            digest=row["digest"],
        )
        found.setdefault(row["image_id"], []).append(edge)
    return found


def _reference(registry: str, name: str, tag: str, digest: str | None = None) -> ImageRef:
    repository = name.removeprefix(f"{registry}/") if registry else name
    return ImageRef(registry=registry, repository=repository, tag=tag or None, digest=digest)


_IMAGE = (
    "registry",
    "name",
    "tag",
    "containerfile",
    "context",
    "platforms",
    "network",
    "smoke",
    "digest",
    "commit_sha",
)


def _images() -> Select[Any]:
    return (
        select(
            *REPOSITORY_COLUMNS,
            f.images.c.id.label("image_id"),
            *(f.images.c[name].label(f"i_{name}") for name in _IMAGE),
        )
        .select_from(f.images)
        .join(t.repositories, t.repositories.c.id == f.images.c.repo_id)
        .where(f.images.c.retired_at.is_(None))
        .order_by(f.images.c.id)
    )


def _load(connection: Connection, query: Select[Any], *, repo: int | None = None) -> list[FleetImage]:
    if repo is not None:
        query = query.where(f.images.c.repo_id == repo)
    rows = connection.execute(query).all()
    edges = _edges(connection, [row.image_id for row in rows]) if rows else {}
    return [
        FleetImage(
            repo=repository_row(row).ref(),
            image=_reference(row.i_registry, row.i_name, row.i_tag),
            containerfile=row.i_containerfile,
            context=row.i_context,
            platforms=tuple(Platform.parse(platform) for platform in row.i_platforms),
            parents=tuple(edges.get(row.image_id, ())),
            digest=row.i_digest,
            commit=row.i_commit_sha,
            network=row.i_network,
            smoke=tuple(row.i_smoke),
        )
        for row in rows
    ]
