"""`sigbot update` on a tree: what it asks the registry, what it believes from before, what it leaves."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sig_bots.errors import ForgeError, Transient
from sig_workers.cli.update import remedy
from sig_workers.unreachable import why_unreachable
from tests.workers.cli.conftest import Said, Sigbot
from tests.workers.registries.hostile import OCI_IMAGE, OCI_INDEX, Server, digest_of, serve

type Update = Callable[..., Said]


@pytest.fixture
def server() -> Iterator[Server]:
    """A registry with an image whose newest version lacks a platform."""
    with serve() as running:
        running.put("/v2/team/app/tags/list", {"tags": ["1.0", "1.1", "1.2"]})
        for tag, platforms in (("1.0", ("amd64", "arm64")), ("1.1", ("amd64", "arm64")), ("1.2", ("amd64",))):
            rows = [
                {"digest": digest_of(name.encode()), "size": 1, "mediaType": OCI_IMAGE, "platform": {"os": "linux", "architecture": name}}
                for name in platforms
            ]  # fmt: skip
            running.image("team/app", tag, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": rows, "annotations": {"tag": tag}}, OCI_INDEX)  # fmt: skip
        yield running


@pytest.fixture
def update(sigbot: Sigbot, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Update:
    """`update(files, *words)`: the command on a folder of so many files that use version 1.0."""
    (tmp_path / "sigbot.toml").write_text(f'[[registry]]\nhost = "{server.host}"\ninsecure = true\n')
    monkeypatch.setenv("SIGBOT_CONFIG", str(tmp_path / "sigbot.toml"))

    def run(files: int, *words: str) -> Said:
        for number in range(files):
            (tmp_path / "tree" / str(number)).mkdir(parents=True, exist_ok=True)
            (tmp_path / "tree" / str(number) / "Containerfile").write_text(f"FROM {server.host}/team/app:1.0\n")
        server.asked.clear()
        return sigbot("update", "--dry-run", *words, "tree")

    return run


def asked(server: Server) -> list[str]:
    return [f"{one.method} {one.path.rpartition('/')[2].partition('?')[0]}" for one in server.asked]


def moved(said: Said) -> set[str]:
    return {one["to"].rpartition(":")[2] for one in json.loads(said.out)["moved"]}


def test_a_registry_of_plain_http_is_told_with_its_remedy(sigbot: Sigbot, server: Server, tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_text(f"FROM {server.host}/team/app:1.0\n")
    said = sigbot("update")
    assert (
        "it does not speak TLS as it should). If it speaks plain http, write `insecure = true` for it under" in said.out
    )
    assert said.err.endswith("/team/app; set `insecure = true` for its host\n")


def test_what_helps_follows_from_what_is_wrong() -> None:
    unknown = Transient(
        f"x.invalid is not reachable ({why_unreachable(socket.gaierror(-2, 'Name or service not known'))})."
    )
    assert remedy([unknown, unknown]) == "check the name of the host"
    assert remedy([Transient("asks us to slow down"), ForgeError("refuses us")]) == "try again later, or log in there"


def test_a_few_files_are_compared_by_platform(update: Update, server: Server) -> None:
    said = update(2, "--format", "json")
    assert moved(said) == set()
    assert any("the index of 1.2 lacks linux/arm64" in sentence for sentence in json.loads(said.out)["kept"])


def test_a_large_tree_costs_one_tag_list_per_image_and_one_head_per_proposal(update: Update, server: Server) -> None:
    said = update(51, "--format", "json")
    assert (moved(said), len(json.loads(said.out)["moved"])) == ({"1.2"}, 51)
    assert asked(server) == ["GET list", "HEAD 1.2"]


def test_the_cooldown_of_the_folder_holds_unless_told_not_to_wait(
    update: Update, server: Server, tmp_path: Path
) -> None:
    config = json.dumps(
        {"os": "linux", "architecture": "amd64", "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    ).encode()
    server.put(f"/v2/team/app/blobs/{digest_of(config)}", config)
    server.image("team/app", "1.2", {"schemaVersion": 2, "config": {"digest": digest_of(config)}})
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / ".sigbot.yaml").write_text("version: 1\nupdate: {cooldown: 3d}\n")
    said = json.loads(update(1, "--no-platforms", "--refresh", "--format", "json").out)
    assert [one["to"].rpartition(":")[2] for one in said["moved"]] == ["1.1"]
    assert any("1.2 was made on" in sentence and "(cooldown 3d)" in sentence for sentence in said["kept"])
    assert moved(update(1, "--no-platforms", "--now", "--format", "json")) == {"1.2"}


def test_the_line_that_changes_is_named(update: Update, server: Server, tmp_path: Path) -> None:
    update(0)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "Containerfile").write_text(f"ARG TAG=1.0\n\nFROM {server.host}/team/app:$TAG\n")
    said = update(0, "--no-platforms")
    assert f"tree/Containerfile:1 (used on line 3): {server.host}/team/app:1.0 -> " in said.out.replace("\n", "")
    (one,) = json.loads(update(0, "--no-platforms", "--format", "json").out)["moved"]
    assert (one["line"], one["used"]) == (1, 3)


def test_whether_platforms_are_compared_can_be_said(update: Update) -> None:
    assert moved(update(51, "--platforms", "--format", "json")) == set()
    assert moved(update(2, "--no-platforms", "--format", "json")) == {"1.2"}


def test_a_large_tree_says_that_platforms_were_not_compared(update: Update) -> None:
    assert "not looked at; --platforms does." in update(51).out
    assert "--platforms" not in update(51, "--no-platforms").out


def test_a_second_run_asks_nothing_and_says_so_and_a_refresh_asks_again(update: Update, server: Server) -> None:
    update(51)
    again = update(51)
    assert asked(server) == []
    assert "Some answers are of the last 10 minutes; --refresh asks again." in again.out
    refreshed = update(51, "--refresh")
    assert asked(server) == ["GET list", "HEAD 1.2"]
    assert "--refresh" not in refreshed.out


def test_with_an_age_of_nothing_every_run_asks(update: Update, server: Server, tmp_path: Path) -> None:
    update(51)
    config = tmp_path / "sigbot.toml"
    config.write_text(config.read_text() + '[timing]\nregistry_age = "0s"\n')
    update(51)
    assert asked(server) == ["GET list", "HEAD 1.2"]
