"""From `[[instance]]` in sigbot.toml to an adapter that works, or a sentence that says what is missing."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from pydantic import ValidationError

from sig_bots.errors import ForgeError
from sig_bots.sources.kinds import KINDS
from sig_workers.forges.factory import make_host
from sig_workers.forges.github import GitHubHost
from sig_workers.forges.pagure import PagureHost
from sig_workers.localforge.adapter import LocalHost
from sig_workers.service import Service
from sig_workers.settings import Instance, Settings


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(Settings(data=tmp_path, service="stage"))


def instance(**values: object) -> Instance:
    return Instance.model_validate({"name": "here", "url": "https://forge.example", **values})


def test_each_kind_of_forge_gets_its_adapter(service: Service) -> None:
    token = {"token": "secret-token"}
    made = [
        make_host(instance(kind="local"), service),
        make_host(instance(kind="pagure", **token), service),
        make_host(instance(kind="github", **token), service),
    ]
    assert [type(host) for host in made] == [LocalHost, PagureHost, GitHubHost]
    assert {host.name for host in made} == {"here"}


def test_a_token_tied_to_a_project_reaches_pagure_and_is_a_secret(service: Service) -> None:
    given = instance(kind="pagure", token="secret-token", project_tokens={"rpms/demo": "project-token"})
    host = make_host(given, service)
    assert isinstance(host, PagureHost)
    assert host.config.project_tokens == {"rpms/demo": "project-token"}
    settings = Settings(instance=[given])
    assert "project-token" in settings.secret_values()
    assert "project-token" not in repr(settings)


def test_an_app_signs_with_its_key_and_needs_no_token(service: Service, tmp_path: Path) -> None:
    (tmp_path / "app.pem").write_text("the key\n")
    app = instance(
        kind="github", app_id="7", private_key_file=tmp_path / "app.pem", api_url="https://api.forge.example"
    )
    host = make_host(app, service)
    assert isinstance(host, GitHubHost)
    assert (host.config.app_id, host.config.private_key, host.config.token) == ("7", "the key", "")
    assert (host.config.api_url, host.config.service) == ("https://api.forge.example", "stage")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"kind": "pagure"}, "has no token; set token or token_file"),
        ({"kind": "github"}, "has no token; set token or token_file"),
        ({"kind": "github", "app_id": "7"}, "set private_key or private_key_file"),
        ({"kind": "quay"}, "sends events but has no repositories to act on"),
    ],
)
def test_what_is_missing_is_named_with_the_key_to_set(service: Service, values: dict[str, str], sentence: str) -> None:
    with pytest.raises(ForgeError, match=sentence):
        make_host(instance(**values), service)


@pytest.mark.parametrize(
    ("values", "path", "enabled"),
    [
        ({"repositories": ["acme/*"]}, "acme/demo", True),
        ({"repositories": ["acme/*"]}, "other/demo", False),
        ({}, "acme/demo", False),
        ({"app_id": "7"}, "acme/demo", True),
        ({"app_id": "7", "repositories": ["acme/*"]}, "other/demo", False),
    ],
)
def test_a_repository_is_enabled_by_a_glob_or_by_the_apps_installation(
    values: dict[str, object], path: str, enabled: bool
) -> None:
    assert instance(kind="github", **values).enabled(path) is enabled


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS.values() if kind.acts])
def test_every_kind_that_acts_has_its_adapter_and_its_world(kind: str) -> None:
    assert callable(import_module(f"sig_workers.forges.{kind}").make_host)
    assert callable(import_module(f"tests.contract.forges.{kind}").open_world)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="there is no kind 'gitea'; there are github, pagure, forgejo"):
        Instance(name="x", kind="gitea")
