"""Deliveries taken together are planned as if they had come one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import pytest

from sig_workers.intake import Intake, Taken
from sig_workers.leases import LeaseKeeper
from sig_workers.service import Service
from tests.bench import noop

type Bodies = Iterator[tuple[dict[str, str], bytes]]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = noop.service(noop.settings(tmp_path, f"sqlite:///{tmp_path / 'sigbot.db'}", "filesystem"))
    noop.prepare(made)
    yield made
    made.store.close()


def take(service: Service, limit: int) -> Taken:
    return Intake(service, LeaseKeeper(service.store, service.settings.timing)).take(limit)


def accept(service: Service, headers: Mapping[str, str], body: bytes, number: int) -> None:
    service.store.accept(instance=noop.INSTANCE, source="github", delivery_id=f"d{number}", headers=headers, body=body)


def test_a_batch_makes_one_job_for_each_delivery(service: Service) -> None:
    noop.fill(service, 100, noop.payloads())
    taken = take(service, 100)
    jobs = service.store.jobs(limit=200)
    assert (taken.deliveries, len(taken.interactive), len(jobs)) == (100, 100, 100)
    assert {job.repo.path for job in jobs} == {noop.path(which) for which in range(noop.REPOSITORIES)}


def test_a_rename_in_the_middle_of_a_batch_is_followed(service: Service) -> None:
    for number, (headers, body) in enumerate(islice(noop.payloads(), 3 * noop.REPOSITORIES)):
        moved = body.replace(b'"Codertocat/image-7"', b'"Codertocat/renamed"') if number >= noop.REPOSITORIES else body
        accept(service, headers, moved, number)
    take(service, 200)
    assert service.store.find_repository(noop.INSTANCE, "Codertocat/image-7") is None
    renamed = service.store.find_repository(noop.INSTANCE, "Codertocat/renamed")
    assert renamed is not None
    assert len(service.store.jobs(repo=renamed.id)) == 3


def test_a_delivery_that_is_no_event_leaves_the_others_of_its_batch_alone(service: Service) -> None:
    source = noop.payloads()
    accept(service, *next(source), 1)
    service.store.accept(instance="", source="sigbot", delivery_id="broken", headers={}, body=b"not an event")
    accept(service, *next(source), 2)
    take(service, 10)
    assert len(service.store.jobs()) == 2
    (broken,) = [one for one in service.store.recent_deliveries(10, public_only=False) if one.delivery_id == "broken"]
    assert broken.state == "failed"
    assert "internal error" in broken.reason


@pytest.mark.parametrize(("said", "private"), [
    ({"repository": {"private": True}}, True), ({"repository": {"private": False}}, False), ({"organization": {}}, None),
])  # fmt: skip
def test_a_delivery_that_no_bot_needs_is_as_private_as_it_says(
    service: Service, said: dict[str, object], private: bool | None
) -> None:
    accept(service, {"x-github-event": "star"}, json.dumps(said).encode(), 1)
    take(service, 1)
    (row,) = service.store.recent_deliveries(1, public_only=False)
    assert (row.state, row.private) == ("ignored", private)
