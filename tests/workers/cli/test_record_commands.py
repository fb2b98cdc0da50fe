"""jobs, dead, deliveries, replay and forge on a data folder, without a running service."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sig_bots.dashboard import ticked
from sig_bots.forge import Annotation, CheckState
from sig_bots.jobstate import JobState
from sig_bots.refs import Repo
from sig_workers.cli.claim import Claimed, claimed, forget
from sig_workers.cli.running import write_settings
from sig_workers.service import Service
from sig_workers.settings import load_settings
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.rows import JobRow, NewEvent, NewJob, Settlement
from tests.workers.cli.conftest import Sigbot

LEASE = timedelta(minutes=1)


@pytest.fixture
def service(sigbot: Sigbot, tmp_path: Path) -> Iterator[Service]:
    """The doors of a service that does not run, on the folder that `sigbot` acts on by default."""
    data = tmp_path / "home" / "sigbot"
    data.mkdir(parents=True)
    made = Service(load_settings(write_settings(data, "http://127.0.0.1:9", "")))
    made.store.migrate()
    yield made
    made.wake_ups.stop()
    made.store.close()


def deliver(service: Service) -> int:
    accepted = service.store.accept(instance="local", source="local", delivery_id="d-1", headers={}, body=b"{}")
    return accepted.id


def job(service: Service, repo: int | None = None, number: int | None = None) -> JobRow:
    """A job that was claimed once, of a delivery."""
    deliver(service)
    (delivery,) = service.store.claim_deliveries("test", 1, LEASE)
    where = repo or service.store.ensure_repository("local", Repo(path="fleet/web", private=False)).id
    new = NewJob(
        repo_id=where, bot="lint", handler="on_change", queue="interactive", priority=10, target="t", key="k",
        number=number, plugin_version="1.2", config_sha="c0ffee", trace="00-abc-def-01",
    )  # fmt: skip
    settled = Settlement(
        delivery.id, delivery.attempt, DeliveryState.DONE, event=NewEvent("push", '{"kind": "push"}'),
        verdicts=[("lint", "runs on_change")], jobs=[new],
    )  # fmt: skip
    service.store.settle([settled])
    return service.store.claim_jobs("interactive", "test", LEASE, 1)[0]


def test_a_job_is_listed_shown_and_retried(sigbot: Sigbot, service: Service) -> None:
    ran = job(service)
    service.store.log(ran.id, ran.attempt, ["looking", "found it"])
    service.store.finish(ran.id, ran.attempt, JobState.FAILED, "the reason")
    (listed,) = json.loads(sigbot("jobs", "list", "--format", "json").out)
    assert (listed["repo"], listed["bot"], listed["state"], listed["reason"]) == ("fleet/web", "lint", "failed", "the reason")  # fmt: skip
    assert json.loads(sigbot("jobs", "show", ran.id, "--format", "json").out)["attempts"][0]["reason"] == "the reason"
    shown = json.loads(sigbot("jobs", "show", ran.id, "--format", "json").out)
    assert (shown["plugin_version"], shown["config_sha"], shown["trace"]) == ("1.2", "c0ffee", "00-abc-def-01")
    assert sigbot("jobs", "log", ran.id, "--follow").out == "looking\nfound it\n"
    assert sigbot("jobs", "retry", ran.id).out == f"Job {ran.id} (lint in fleet/web) is due again.\n"
    assert sigbot("jobs", "list", "--state", "queued").out.split("\t")[0] == str(ran.id)


def test_a_queued_job_is_cancelled_once(sigbot: Sigbot, service: Service) -> None:
    ran = job(service)
    service.store.finish(ran.id, ran.attempt, JobState.FAILED, "later", retry_at=timedelta(hours=1))
    assert sigbot("jobs", "list").out.split("\t")[5] == "waiting"
    assert sigbot("jobs", "cancel", ran.id).code == 0
    again = sigbot("jobs", "cancel", ran.id)
    assert (again.code, again.err) == (2, f"sigbot: job {ran.id} has ended already\n")


def test_a_dead_delivery_is_listed_replayed_and_dropped(sigbot: Sigbot, service: Service) -> None:
    number = deliver(service)
    assert sigbot("dead", "list").out == "Nothing was given up on.\n"
    (row,) = service.store.claim_deliveries("test", 1, LEASE)
    service.store.fail_delivery(row.id, row.attempt, "cannot be planned", None)
    assert sigbot("dead", "list").code == 1
    assert "cannot be planned" in sigbot("dead", "show", f"delivery:{number}").out
    assert sigbot("dead", "replay", f"delivery:{number}").out == f"Delivery {number} is due again.\n"
    assert json.loads(sigbot("deliveries", "list", "--format", "json").out)[0]["state"] == "received"
    dropped = sigbot("dead", "drop", f"delivery:{number}")
    assert (dropped.code, "is not among the dead" in dropped.err) == (2, True)


def test_a_delivery_is_shown_with_its_verdicts_and_replayed(sigbot: Sigbot, service: Service) -> None:
    ran = job(service)
    shown = json.loads(sigbot("deliveries", "show", ran.delivery_id, "--format", "json").out)
    assert (shown["verdicts"], shown["jobs"], shown["body"]) == ({"lint": "runs on_change"}, [ran.id], "{}")
    assert sigbot("replay", ran.delivery_id).code == 0
    assert [one.id for one in service.store.claim_deliveries("test", 5, LEASE)] == [ran.delivery_id]


def test_a_person_makes_a_repository_opens_a_pull_request_and_merges_it(
    sigbot: Sigbot, service: Service, tmp_path: Path
) -> None:
    made = sigbot("forge", "create", "sig/demo", "--as", "alice")
    assert made.out.strip() == str(service.local_forge.history("sig/demo").folder)
    (tmp_path / "new").write_text("FROM scratch\n")
    clone(tmp_path, made.out.strip())
    opened = sigbot("forge", "pr", "sig/demo", "--as", "bob", "--branch", "topic", "--title", "Add it", "--file", "Containerfile=new")  # fmt: skip
    assert opened.out.startswith("sig/demo#1 is open")
    assert "nobody answers until one does" in opened.out
    shown = json.loads(sigbot("forge", "show", "sig/demo#1", "--wait", "0", "--format", "json").out)
    assert (shown["title"], shown["author"]["login"], shown["state"]) == ("Add it", "bob", "open")
    refused = sigbot("forge", "merge", "sig/demo#1", "--as", "bob", "--wait", "0")
    assert (refused.code, "needs write access" in refused.err) == (2, True)
    assert sigbot("forge", "merge", "sig/demo#1", "--as", "alice", "--wait", "0").code == 0
    head = service.local_forge.history("sig/demo").branch_sha("main")
    assert service.local_forge.history("sig/demo").read("Containerfile", head or "") == b"FROM scratch\n"


def clone(folder: Path, repository: str) -> None:
    """A first commit on main, pushed."""
    work = folder / "work"
    for words in (
        ["init", "-q", "-b", "main", str(work)],
        ["-C", str(work), "commit", "-q", "--allow-empty", "-m", "Start"],
        ["-C", str(work), "push", "-q", repository, "main"],
    ):
        subprocess.run(["git", *words], check=True, capture_output=True)


def test_a_right_is_granted_and_a_pull_request_closed(sigbot: Sigbot, service: Service, tmp_path: Path) -> None:
    repository = sigbot("forge", "create", "sig/demo", "--as", "alice").out.strip()
    clone(tmp_path, repository)
    (tmp_path / "new").write_text("x\n")
    sigbot("forge", "pr", "sig/demo", "--as", "bob", "--branch", "t", "--file", "a=new", "--wait", "0")
    assert sigbot("forge", "grant", "sig/demo", "bob", "write").code == 0
    said = sigbot("forge", "close", "sig/demo#1", "--as", "bob", "--wait", "1")
    assert (said.code, said.out.splitlines()[0]) == (0, "sig/demo#1 is closed.")
    assert service.local_forge.pull("sig/demo", 1).state == "closed"


def opened(sigbot: Sigbot, tmp_path: Path) -> str:
    """A pull request #1 in sig/demo; its head."""
    clone(tmp_path, sigbot("forge", "create", "sig/demo", "--as", "alice").out.strip())
    (tmp_path / "new").write_text("x\n")
    sigbot("forge", "pr", "sig/demo", "--as", "bob", "--branch", "t", "--file", "a=new", "--wait", "0")
    return str(json.loads(sigbot("forge", "show", "sig/demo#1", "--wait", "0", "--format", "json").out)["head_sha"])


def test_a_person_ticks_a_box_of_an_issue_closes_it_and_has_it_back(
    sigbot: Sigbot, service: Service, tmp_path: Path
) -> None:
    sigbot("forge", "create", "sig/demo", "--as", "alice")
    issue = service.host("local").repository("sig/demo", "update").ensure_issue(
        "dashboard", "Image updates", "- [ ] <!-- box look --> **Look**\n- [ ] <!-- box aaaa/bbbb --> Update a\\_b to 2"
    )  # fmt: skip
    assert sigbot("forge", "tick", "sig/demo#1", "Update a_b", "--as", "bob", "--wait", "0").code == 0
    assert ticked(service.local_forge.issue("sig/demo", issue.number)[1].body) == {"aaaa/bbbb"}
    wrong = sigbot("forge", "tick", "sig/demo#1", "Update", "--as", "bob", "--wait", "0")
    assert (wrong.code, "0 boxes of sig/demo#1 with 'Update'" in wrong.err, "Look" in wrong.err) == (2, True, True)
    shown = sigbot("forge", "issue", "sig/demo#1", "--wait", "0").out
    assert "sig/demo#1 Image updates\nopen, by sigbot" in shown
    assert "  - [x] Update a_b to 2" in shown
    assert sigbot("forge", "close", "sig/demo#1", "--as", "bob").code == 0
    assert json.loads(sigbot("forge", "issue", "sig/demo#1", "--format", "json").out)["state"] == "closed"
    assert sigbot("forge", "reopen", "sig/demo#1", "--wait", "0").code == 0
    assert service.local_forge.issue("sig/demo", 1)[1].state == "open"


@pytest.mark.parametrize("command", ["show", "checks"])
def test_every_remark_of_a_check_is_shown_with_its_line(
    sigbot: Sigbot, service: Service, tmp_path: Path, command: str
) -> None:
    head = opened(sigbot, tmp_path)
    remarks = [Annotation(path=".sigbot.yaml", line=line, level="failure", title=f"key{line}", message="unknown key") for line in (2, 7)]  # fmt: skip
    forge = service.host("local").repository("sig/demo")
    forge.set_check(head, "sigbot/config", CheckState.FAILURE, summary="broken", annotations=remarks, number=1)
    said = sigbot("forge", command, "sig/demo#1", "--wait", "0").out
    assert "  .sigbot.yaml:2: key2 unknown key\n  .sigbot.yaml:7: key7 unknown key\n" in said


def test_a_job_that_waits_for_something_outside_is_told_with_reason_and_next_try(
    sigbot: Sigbot, service: Service, tmp_path: Path
) -> None:
    opened(sigbot, tmp_path)
    repo = service.store.ensure_repository("local", Repo(path="sig/demo", private=False))
    ran = job(service, repo=repo.id, number=1)
    service.store.finish(
        ran.id, ran.attempt, JobState.FAILED, "the registry r did not answer.", retry_at=timedelta(hours=1)
    )
    said = sigbot("forge", "show", "sig/demo#1", "--wait", "0").out
    assert "lint waits: the registry r did not answer; next try at " in said


def test_a_file_that_leads_out_of_the_repository_is_refused(sigbot: Sigbot, service: Service, tmp_path: Path) -> None:
    clone(tmp_path, sigbot("forge", "create", "sig/demo", "--as", "alice").out.strip())
    (tmp_path / "new").write_text("x\n")
    said = sigbot("forge", "pr", "sig/demo", "--as", "bob", "--branch", "t", "--file", "../../out=new")
    assert (said.code, "does not lie inside the repository" in said.err) == (2, True)


def test_a_data_folder_has_one_service(tmp_path: Path) -> None:
    with claimed(tmp_path), pytest.raises(Claimed, match="already"), claimed(tmp_path):
        pass
    with claimed(tmp_path):
        pass


def test_starting_afresh_deletes_only_what_a_run_made(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    (tmp_path / "forge").mkdir()
    (tmp_path / "sigbot.db").write_text("x")
    forget(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_service_that_somebody_tries_out_waits_for_nothing_and_asks_any_registry(service: Service) -> None:
    settings = service.settings
    assert (settings.timing.settle.total_seconds(), settings.allow_private_registries) == (0, True)


def test_labels_of_a_pull_request_are_shown(sigbot: Sigbot, service: Service, tmp_path: Path) -> None:
    opened(sigbot, tmp_path)
    service.local_forge.state.change_pull("sig/demo", 1, labels=["dependencies", "security"])
    said = sigbot("forge", "show", "sig/demo#1", "--wait", "0").out
    assert "labels: dependencies, security\n" in said
