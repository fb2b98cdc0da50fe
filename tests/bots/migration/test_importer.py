"""What can be imported, how trouble is told, and that nothing whatever breaks it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from sig_bots.bot import BotConfig
from sig_bots.config import RepoConfig, parse_config
from sig_bots.migration.importer import migrate
from sig_bots.migration.outcome import Migration, MigrationError
from sig_bots.refs import ImageRef
from sig_bots.roster import load_bots
from sig_bots.updateconfig import UpdateConfig

MODEL = load_bots().bots["update"].config_model
NAMES = [
    "renovate.json",
    "renovate.json5",
    ".renovaterc",
    "package.json",
    "dependabot.yml",
    "dependabot.yaml",
    "unknown",
]
WORDS = st.sampled_from([
    "node", "quay.io/x/**", "/^a|b$/", "docker", "dockerfile", "npm", "major", "digest", "<3", "~1.2", "every weekend", "* 0-3 * * 1", "3 days",
    "config:recommended", ":label(a)", "group:all", "schedule:weekly", "Europe/Prague", "weekly", "cron", ">= 2", "1.x", "version-update:semver-major",
])  # fmt: skip
KEYS = st.sampled_from([
    "extends", "packageRules", "enabled", "matchDatasources", "matchManagers", "matchPackageNames", "matchPackagePatterns", "matchUpdateTypes",
    "allowedVersions", "groupName", "automerge", "schedule", "timezone", "labels", "minimumReleaseAge", "pinDigests", "prConcurrentLimit", "major",
    "docker", "hostRules", "vulnerabilityAlerts", "osvVulnerabilityAlerts", "ignoreDeps", "enabledManagers", "renovate", "dependencyDashboard", "versioning", "description",
    "version", "updates", "package-ecosystem", "directory", "directories", "interval", "day", "time", "cronjob", "ignore", "dependency-name", "versions",
    "update-types", "groups", "patterns", "cooldown", "default-days", "open-pull-requests-limit", "registries", "reviewers", "applies-to",
])  # fmt: skip
VALUES = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)


def outcome(name: str, data: bytes) -> Migration | str:
    """The result, or the sentence that ends it."""
    try:
        return migrate(name, data, MODEL)
    except MigrationError as error:
        return str(error)


def sound(found: Migration) -> None:
    """Our own check takes the text, and each loss is a sentence on one line."""
    parsed = parse_config(found.text.encode(), load_bots())
    assert isinstance(parsed, RepoConfig), f"{parsed}\n{found.text}"
    assert all(loss.message and "\n" not in str(loss) for loss in found.losses)


def renovated(**settings: object) -> Migration:
    return migrate("renovate.json", json.dumps({"minimumReleaseAge": "3 days", **settings}).encode(), MODEL)


@pytest.mark.parametrize("age", ["0 days", "0", 0, None, "0h"])
def test_a_security_fix_that_waits_for_nothing_there_waits_for_nothing_here(age: object) -> None:
    for key in ("minimumReleaseAge", "stabilityDays"):
        found = renovated(vulnerabilityAlerts={key: age})
        assert "cooldown: 3d" in found.text
        assert "bypass_cooldown" not in found.text


def test_a_security_fix_that_waits_shorter_than_others_is_told() -> None:
    found = renovated(vulnerabilityAlerts={"minimumReleaseAge": "1 day"})
    assert "bypass_cooldown: false" in found.text
    assert "here it waits 3d." in str(found.losses[0])
    assert renovated(vulnerabilityAlerts={"minimumReleaseAge": "3 days"}).losses == ()
    assert "does not wait" in str(renovated(vulnerabilityAlerts={"minimumReleaseAge": "a while"}).losses)


@pytest.mark.parametrize("key", ["labels", "addLabels", "reviewers"])
def test_names_that_renovate_fills_in_are_told_and_not_copied(key: str) -> None:
    found = renovated(**{key: ["plain", "{{packageName}}"]}, vulnerabilityAlerts={"labels": ["{{datasource}}"]})
    assert "- plain" in found.text
    assert "{{" not in found.text
    assert [loss.key for loss in found.losses] == [key, "vulnerabilityAlerts.labels"]


def entries(**settings: object) -> tuple[UpdateConfig, list[str]]:
    """A dependabot.yml with one entry, as settings and losses."""
    entry = {"package-ecosystem": "docker", "schedule": {"interval": "daily"}, **settings}
    found = migrate("dependabot.yml", json.dumps({"version": 2, "updates": [entry]}).encode(), MODEL)
    parsed = parse_config(found.text.encode(), load_bots())
    assert isinstance(parsed, RepoConfig)
    section = parsed.sections["update"]
    assert isinstance(section, UpdateConfig)
    return section, [loss.message for loss in found.losses]


def test_names_without_a_registry_are_those_of_every_registry() -> None:
    found, losses = entries(ignore=[{"dependency-name": "ubi9/ubi"}], groups={"base": {"patterns": ["ubi8/*"]}})
    for name in ("registry.access.redhat.com/ubi9/ubi", "ubi9/ubi"):
        assert found.ignores(ImageRef.parse(name))
    assert not found.ignores(ImageRef.parse("registry.access.redhat.com/ubi9/ubi-minimal"))
    assert found.groups == {"base": ("ubi8/*", "*/ubi8/*")}
    assert losses == []


def test_versions_of_a_name_without_a_registry_are_ignored_in_every_registry() -> None:
    found, _ = entries(
        ignore=[
            {"dependency-name": "ubi9/python", "versions": ["3.12.x"]},
            {"dependency-name": "ubi9/go", "versions": [">= 2"]},
        ]
    )
    assert "*/ubi9/python:3.12.*" in found.ignore
    assert found.tag_rule(ImageRef.parse("registry.example/ubi9/go")).allowed is not None


def test_a_bare_name_is_one_image_and_that_is_told_once() -> None:
    found, losses = entries(ignore=[{"dependency-name": "node"}, {"dependency-name": "fedora"}])
    assert found.ignores(ImageRef.parse("docker.io/library/node"))
    assert found.ignores(ImageRef.parse("registry.fedoraproject.org/fedora"))
    assert not found.ignores(ImageRef.parse("docker.io/bitnami/node"))
    assert [loss for loss in losses if "`HOST/NAME`" in loss] == losses
    assert len(losses) == 1


def test_a_pattern_without_a_slash_fits_longer_names_and_that_is_told() -> None:
    found, losses = entries(ignore=[{"dependency-name": "ubi*"}])
    assert found.ignores(ImageRef.parse("registry.access.redhat.com/ubi9/ubi"))
    assert "`*/NAME*`" in losses[0]


@given(st.sampled_from(NAMES), st.binary(max_size=200))
def test_any_bytes_give_a_result_or_one_sentence(name: str, data: bytes) -> None:
    said = outcome(name, data)
    if isinstance(said, Migration):
        sound(said)
    else:
        assert said.startswith(name)
        assert "\n" not in said


@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_any_settings_of_renovate_give_a_file_that_passes_the_check(settings: dict[str, object]) -> None:
    sound(migrate("renovate.json", json.dumps(settings).encode(), MODEL))
    sound(migrate("package.json", json.dumps({"name": "x", "renovate": settings}).encode(), MODEL))


@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=8), max_size=3))
def test_any_entries_of_dependabot_give_a_file_that_passes_the_check(entries: list[dict[str, object]]) -> None:
    data = {"version": 2, "updates": [{**entry, "package-ecosystem": "docker"} for entry in entries]}
    said = outcome("dependabot.yml", json.dumps(data, ensure_ascii=False).encode())
    if isinstance(said, Migration):
        sound(said)
    else:  # JSON is YAML but for a few characters
        assert said.startswith("dependabot.yml")


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("renovate.json", b"", "renovate.json, line 1: the file is empty."),
        ("renovate.json", b"[]", "renovate.json holds no settings."),
        ("renovate.json", b'{\n "labels": [\n', "renovate.json, line 3: the end is missing: a } or ]."),
        ("package.json", b'{"name": "x"}', "package.json has no section `renovate`."),
        ("dependabot.yml", b"updates: [", "dependabot.yml, line 1: not YAML"),
        ("dependabot.yml", b"steps: []\n", "dependabot.yml is no dependabot.yml: it has no `updates`."),
        ("dependabot.yml", b"version: 1\nupdates: []\n", "dependabot.yml, line 1: only version 2 of dependabot.yml can be read."),
        ("dependabot.yml", b"version: 2\nupdates: &a []\nx: *a\n", "dependabot.yml, line 3: the alias `*a` is not allowed"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_a_sentence(name: str, data: bytes, sentence: str) -> None:
    with pytest.raises(MigrationError) as error:
        migrate(name, data, MODEL)
    assert str(error.value).startswith(sentence)


def test_a_file_of_another_name_is_known_by_its_first_character() -> None:
    assert migrate("config/default", b" // shared\n{labels: ['a']}", MODEL).text.endswith("labels:\n    - a\n")
    assert "update: false" in migrate("bots", b"version: 2\nupdates: []\n", MODEL).text


def test_what_the_update_bot_refuses_is_left_out_and_told_where_it_came_from() -> None:
    class Narrow(BotConfig):
        labels: tuple[str, ...] = Field(default=(), max_length=1)
        timezone: str = "UTC"

    found = migrate(
        "renovate.json", b'{"labels": ["a", "b"],\n"timezone": "Europe/Prague",\n"prHourlyLimit": 2}', Narrow
    )
    assert found.text == "version: 1\nlint: {}\nupdate:\n  timezone: Europe/Prague\n"
    assert [(loss.key, loss.line) for loss in found.losses] == [("labels", 1), ("prHourlyLimit", 3)]


def test_text_that_yaml_would_take_for_something_else_is_quoted() -> None:
    labels = ["yes", "3.10", "a: b", "it's", "- x", "#1", "\u2028", "null", "a,b", "*", "kind/image"]
    found = migrate("renovate.json", json.dumps({"labels": labels}).encode(), MODEL)
    parsed = parse_config(found.text.encode(), load_bots())
    assert isinstance(parsed, RepoConfig)
    kept = parsed.section(load_bots().bots["update"]).model_dump()["labels"]
    assert list(kept) == [label for label in labels if label.strip()]


@pytest.mark.parametrize(
    "rule",
    [
        {"matchFileNames": ["a/**"], "enabled": False},
        {"matchPackageNames": [], "enabled": False},
        {"matchUpdateTypes": 5, "enabled": False},
        {"matchPackageNames": ["!node"], "enabled": False},
        {"matchPackageNames": ["/(?=x)/", "node"], "automerge": False},
        {"extends": ["monorepo:react"], "groupName": "all"},
        {"extends": [":automergeLinters"], "enabled": False},
        {"matchPackageNames": ["node"], "extends": ["group:allNonMajor"]},
        {"matchDatasources": ["npm"], "enabled": False},
        {"matchManagers": ["helm-values"], "enabled": False},
        {"matchPackageNames": ["@types/node"], "enabled": False},
        {"excludePackageNames": ["node"], "enabled": False},
    ],
    ids=str,
)
def test_a_rule_that_cannot_be_said_never_becomes_a_wider_one(rule: dict[str, object]) -> None:
    found = migrate("renovate.json", json.dumps({"packageRules": [rule]}).encode(), MODEL)
    assert found.text == "version: 1\nlint: {}\nupdate: {}\n"
    assert [loss.key for loss in found.losses if loss.key.startswith("packageRules[0]")]
