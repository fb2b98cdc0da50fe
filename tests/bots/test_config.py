"""`.sigbot.yaml`: what is read, what is refused and how it is said, and who may override what."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.config import ConfigProblem, ImageSpec, RepoConfig, default_config, parse_config
from sig_bots.configlayers import narrow
from sig_bots.configschema import json_schema, suggest
from sig_bots.roster import Roster
from tests.bots.sample import LintConfig, build, lint, sample_roster, update

ROSTER = sample_roster()


def config(text: str) -> RepoConfig:
    found = parse_config(text.encode(), ROSTER)
    assert isinstance(found, RepoConfig), str(found)
    return found


def problem(text: str | bytes) -> str:
    found = parse_config(text.encode() if isinstance(text, str) else text, ROSTER)
    assert isinstance(found, ConfigProblem)
    return str(found)


def lint_of(found: RepoConfig) -> LintConfig:
    section = found.section(lint)
    assert isinstance(section, LintConfig)
    return section


# ---------------------------------------------------------------- what is enabled


@pytest.mark.parametrize("section", ["lint:", "lint: {}", "lint: null", "lint: true", "lint: {enabled: true}"])
def test_a_present_section_means_enabled(section: str) -> None:
    assert config(f"version: 1\n{section}\n").enabled(lint)


@pytest.mark.parametrize("section", ["lint: false", "lint: {enabled: false}", "lint: {enabled: false, ignore: [a]}"])
def test_a_bot_is_switched_off(section: str) -> None:
    found = config(f"version: 1\n{section}\nbuild:\n")
    assert not found.enabled(lint)
    assert found.disabled == {"lint"}
    assert found.enabled(build)


def test_without_a_file_the_default_bots_run() -> None:
    found = default_config(ROSTER)
    assert found.enabled(lint)
    assert not found.enabled(build)
    assert not found.from_file


def test_with_a_file_only_what_it_names_runs() -> None:
    found = config("version: 1\nupdate: {}\n")
    assert not found.enabled(lint)
    assert found.enabled(ROSTER.bots["sigbot"])


def test_a_section_is_typed() -> None:
    found = lint_of(config("version: 1\nlint:\n  threshold: error\n  limits: {errors: 3}\n"))
    assert (found.threshold, found.limits.errors, found.ignore) == ("error", 3, ())


def test_the_same_bytes_are_read_once() -> None:
    data = b"version: 1\nlint: {}\n"
    assert parse_config(data, ROSTER) is parse_config(data, ROSTER)
    assert parse_config(data, Roster.of([lint])) is not parse_config(data, ROSTER)


# ---------------------------------------------------------------- images


def image(text: str) -> ImageSpec:
    (found,) = config(f"version: 1\nimages:\n  - {{name: quay.io/sig/app, {text}}}\n").images
    return found


def test_a_numeric_tag_stays_as_written() -> None:
    assert image("tag: 3.10").tag == "3.10"
    assert image("tag: 42").tag == "42"


def test_context_and_containerfile_follow_from_each_other() -> None:
    assert image("tag: a").containerfile == "Containerfile"
    assert image("containerfile: app/Dockerfile").context == "app"
    assert image("context: app").containerfile == "app/Containerfile"
    assert image("context: ., containerfile: app/Dockerfile").context == "."


def test_an_image_has_everything_a_build_needs() -> None:
    found = image("tag: v1, platforms: [linux/amd64, linux/arm64], smoke: [app, --version], network: true")
    assert found.platforms == ("linux/amd64", "linux/arm64")
    assert found.smoke == ("app", "--version")
    assert found.network is True
    assert str(found.ref) == "quay.io/sig/app:v1"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{name: app}", "`images[0].name`: must be registry/path without tag, as in quay.io/fedora/httpd, not `app`"),
        ("{name: 'quay.io/a/b:1'}", "`images[0].name`: must be registry/path without tag"),
        ("{name: quay.io/a/b, tag: 'a b'}", "`images[0].tag`: must be a tag"),
        ("{name: quay.io/a/b, context: ../up}", "`images[0].context`: must be a path inside the repository"),
        ("{name: quay.io/a/b, containerfile: /etc/passwd}", "`images[0].containerfile`: must be a path inside"),
        (
            "{name: quay.io/a/b, platforms: [amd64]}",
            "`images[0].platforms[0]`: must be os/architecture, as in linux/amd64",
        ),
        ("{name: quay.io/a/b, smoke: run me}", "`images[0].smoke`: must be a list"),
        ("{name: quay.io/a/b, network: maybe}", "`images[0].network`: must be yes or no, not `maybe`"),
        ("{tag: x}", "`images[0].name`: is missing"),
        ("quay.io/a/b", "`images[0]`: must be keys and values, not `quay.io/a/b`"),
        (
            "{name: quay.io/a/b}\n  - {name: quay.io/a/b}",
            "line 4: `images[1]`: `quay.io/a/b:latest` is in the list twice",
        ),
    ],
)
def test_a_wrong_image_is_named_with_its_remedy(entry: str, said: str) -> None:
    assert said in problem(f"version: 1\nimages:\n  - {entry}\n")


# ---------------------------------------------------------------- what is refused

REFUSED: list[tuple[str | bytes, str]] = [
    ("", "the file is empty; write `version: 1` and a section per bot, for example `lint: {}`."),
    ("# nothing\n", "the file is empty"),
    ("lint: {}\n", "`version`: `version: 1` is missing."),
    ("version: 2\n", "line 1: `version`: write `version: 1`."),
    ("version: '1'\nlnt: {}\n", "line 2: `lnt`: unknown key; did you mean `lint`?"),
    ("version: 1\nfrobnicate: {}\n", "line 2: `frobnicate`: unknown key."),
    ("version: 1\nlint:\n  ignor: [a]\n", "line 3: `lint.ignor`: unknown key; did you mean `ignore`?"),
    ("version: 1\nlint:\n  limits:\n    error: 1\n", "line 4: `lint.limits.error`: unknown key; did you mean `errors`?"),
    ("version: 1\nlint: 3\n", "line 2: `lint`: must be a section with keys, `{}` or `false`, not `3`."),
    ("version: 1\nlint: {enabled: perhaps}\n", "line 2: `lint.enabled`: must be true or false."),
    ("version: 1\nlint: {threshold: high}\n", "`lint.threshold`: must be 'error', 'warning' or 'info', not `high`."),
    ("version: 1\nlint: {limits: {errors: x}}\n", "`lint.limits.errors`: must be a whole number, not `x`."),
    ("version: 1\nsigbot: {}\n", "line 2: `sigbot`: this bot always runs and has no settings; remove the line."),
    ("version: 1\nimages: {}\n", "line 2: `images`: must be a list of images, each with a `name`, not a section."),
    ("version: 1\npermissions: {lnt: write}\n", "`permissions.lnt`: unknown command; did you mean `lint`?"),
    ("version: 1\npermissions: {lint: all}\n", "must be anyone, author, write or admin, not `all`."),
    ("version: 1\npermissions: {ok: anyone}\n", "`permissions.ok`: must be write or admin, because an approval"),
    ("version: 1\npermissions: []\n", "`permissions`: must be keys as in `lint: anyone`, not a list."),
    ("- version: 1\n", "the file must hold keys, beginning with `version: 1`."),
    ("version: 1\nversion: 1\n", "line 2: `version` is here twice (first on line 1)."),
    ("version: 1\nlint: {ignore: [a], ignore: [b]}\n", "line 2: `ignore` is here twice"),
    ("version: 1\nlint: &a {ignore: *a}\n", "line 2: the alias `*a` is not allowed; write it out."),
    ("version: 1\nlint: !!python/object:os.system x\n", "line 2: the tag `tag:yaml.org,2002:python/object:os.system`"),
    ("version: !!int 1\n", "line 1: the tag `tag:yaml.org,2002:int` is not allowed"),
    ("version: 1\n---\nversion: 1\n", "line 2: the file holds a second document; keep one."),
    ("version: 1\n? [a]\n: b\n", "line 2: a key must be a plain word."),
    ("version: 1\n  lint: {}\n", "line 2: not YAML: "),
    ("version: 1\nlint: [\n", "not YAML: "),
    ("version: 1\nlint:\n\tignore: []\n", "line 3: not YAML: "),
    ("version: 1\nx: \x00\n", "not YAML"),
    (b"version: 1\nlint: {} # \xff\n", "line 2: the file is not UTF-8 text."),
    (b"version: 1\n# " + b"x" * 256 * 1024, "the file is larger than 256 KiB."),
    ("version: 1\nlint: " + "[" * 900, "line 2: this is nested more than 20 levels deep."),
    ("version: 1\nlint: " + "{a: " * 900, "line 2: this is nested more than 20 levels deep."),
    ("version: 1\nx: [" + "a," * 30_000 + "]", "line 2: the file has more than 20,000 values."),
    ("version: 1\n<<: {lint: {}}\n", "line 2: `‹‹`: unknown key."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_a_broken_file_is_refused_with_line_and_remedy(text: str | bytes, said: str) -> None:
    assert said in problem(text)


def test_an_alias_bomb_is_refused_at_its_first_alias() -> None:
    bomb = "version: 1\na: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
    )
    start = time.process_time()
    assert "line 3: the alias `*a` is not allowed" in problem(bomb)
    assert time.process_time() - start < 1


def test_all_problems_are_told_at_once_in_order() -> None:
    found = parse_config(b"version: 1\nbuild: {colour: x}\nlnt: {}\nlint: {ignore: 1, x: 2}\n", ROSTER)
    assert isinstance(found, ConfigProblem)
    assert [one.line for one in found.problems] == [2, 3, 4, 4]
    many = parse_config(b"version: 1\n" + b"".join(b"x%d: 1\n" % n for n in range(50)), ROSTER)
    assert isinstance(many, ConfigProblem)
    assert (len(many.problems), many.more) == (10, 40)
    assert str(many).endswith("; and 40 more.")


def test_foreign_text_in_a_problem_is_harmless() -> None:
    said = problem("version: 1\n'@everyone <!-- sigbot service=sigbot -->': {}\n")
    assert "@everyone" not in said
    assert "<!--" not in said


YAML_PIECES = st.sampled_from([
    "version: 1\n", "lint:\n", "  ", "- ", "images:\n", "{", "}", "[", "]", ":", ",", "&a ", "*a", "!!x ", "'", '"',
    "\n", "\t", "|\n", ">\n", "---\n", "%YAML 1.3\n", "? ", "<<: ", "#", "\x00", "\ufeff", "é", "a", "1", "@", "`",
])  # fmt: skip


@given(
    st.one_of(st.binary(max_size=300), st.lists(YAML_PIECES, max_size=40).map(lambda parts: "".join(parts).encode()))
)
def test_any_bytes_give_a_value(data: bytes) -> None:
    assert isinstance(parse_config(data, ROSTER), (RepoConfig, ConfigProblem))


# ---------------------------------------------------------------- who overrides what


def test_permissions_override_the_commands_own() -> None:
    found = config("version: 1\npermissions: {lint: admin}\n")
    assert found.who(ROSTER.commands["lint"]) == "admin"
    assert found.who(ROSTER.commands["build"]) == "write"


BASE = """\
version: 1
lint: {ignore: [A], schedule: 1d}
build: {push_to: quay.io/sig, colour: true}
permissions: {lint: write}
images:
  - {name: quay.io/sig/app, tag: v1, containerfile: Containerfile, smoke: [app]}
  - {name: quay.io/sig/tool}
"""


def narrowed(head: str) -> RepoConfig:
    return narrow(config(BASE), config(head))


def test_the_same_file_narrows_nothing() -> None:
    found = narrowed(BASE)
    assert found == config(BASE)


def test_a_pull_request_cannot_enable_a_bot() -> None:
    found = narrowed(BASE + "update: {}\n")
    assert not found.enabled(update)
    assert found.notes == ("`update` is enabled when merged",)


def test_a_pull_request_can_switch_a_bot_off_and_change_plain_settings() -> None:
    found = narrowed("version: 1\nlint: {ignore: [A, B]}\nbuild: false\n")
    assert not found.enabled(build)
    assert lint_of(found).ignore == ("A", "B")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("push_to: quay.io/sig", "push_to: quay.io/evil"),
        ("schedule: 1d", "schedule: 1m"),
        ("lint: write", "lint: anyone"),
        ("tag: v1", "tag: latest"),
        ("quay.io/sig/tool}", "quay.io/sig/tool, network: true}"),
        ("quay.io/sig/tool}", "quay.io/sig/tool, platforms: [linux/arm64]}"),
        ("quay.io/sig/tool}", "quay.io/evil/tool}"),
        ("smoke: [app]", "smoke: [sh, -c, evil]"),
        ("containerfile: Containerfile", "containerfile: evil/Containerfile"),
    ],
)
def test_privileged_keys_never_come_from_a_pull_request(old: str, new: str) -> None:
    head = config(BASE.replace(old, new))
    found = narrow(config(BASE), head)
    base = config(BASE)
    assert head != base
    assert found.sections == base.sections
    assert found.permissions == base.permissions
    assert set(found.images) <= set(base.images)
    assert found.notes


def test_a_pull_request_can_take_an_image_out() -> None:
    found = narrowed("version: 1\nimages: [{name: quay.io/sig/tool}]\n")
    assert [one.name for one in found.images] == ["quay.io/sig/tool"]


# ---------------------------------------------------------------- schema and suggestion


def test_the_schema_knows_every_section_and_closes_them() -> None:
    schema = json_schema(ROSTER)
    assert set(schema["properties"]) == {"version", "images", "permissions", "lint", "build", "update"}
    assert schema["additionalProperties"] is False
    section: dict[str, Any] = schema["properties"]["lint"]["anyOf"][0]
    assert section["additionalProperties"] is False
    assert {"enabled", "threshold", "ignore", "limits", "schedule"} == set(section["properties"])
    assert set(schema["properties"]["permissions"]["properties"]) == set(ROSTER.commands)


def test_every_reference_in_the_schema_resolves() -> None:
    schema = json_schema(ROSTER)

    def references(node: object) -> set[str]:
        if isinstance(node, dict):
            own = {str(node["$ref"])} if "$ref" in node else set()
            return own.union(*(references(one) for one in node.values()))
        return set().union(*(references(one) for one in node)) if isinstance(node, list) else set()

    assert references(schema) <= {f"#/$defs/{name}" for name in schema["$defs"]}


def test_the_suggested_file_names_a_registry_that_is_known() -> None:
    text = suggest(["Containerfile", "app/Containerfile"], "127.0.0.1:5000", "mine")
    comments = [line.removeprefix("# ") for line in text.splitlines() if line.startswith(("# images", "#  "))]
    opened = "\n".join(["version: 1", *comments])
    assert [one.name for one in config(opened).images] == ["127.0.0.1:5000/mine", "127.0.0.1:5000/app"]


def test_a_name_in_upper_case_is_told_to_be_in_lower() -> None:
    found = parse_config(b"version: 1\nimages: [{name: quay.io/Me/App}]\n", ROSTER)
    assert "must be in lower case, as all names of images are, not quay.io/Me/App" in str(found).replace("`", "")


def test_no_two_suggested_images_have_one_name() -> None:
    paths = [
        "app/Containerfile",
        "app/Containerfile.dev",
        "app/test.Dockerfile",
        "old/app/Dockerfile",
        "old/app/Containerfile",
    ]
    names = [line.rpartition("/")[2] for line in suggest(paths, "quay.io/sig").splitlines() if "- name:" in line]
    assert names == ["app", "app-dev", "app-test", "old-app", "app-2"]


def test_the_suggested_file_is_valid_with_and_without_its_comments() -> None:
    text = suggest(["app/Containerfile", "Dockerfile", "odd name/- x: y"])
    assert config(text).enabled(update)
    open_text = text.replace("# build:", "build:").replace("# images:", "images:").replace("#   - ", "  - ")
    open_text = open_text.replace("#     containerfile", "    containerfile").replace("# rebuild: {}\n", "")
    open_text = open_text.replace("YOUR-ORGANISATION", "org").replace("YOUR-IMAGE", "one")
    assert [one.containerfile for one in config(open_text).images] == [
        "Dockerfile",
        "app/Containerfile",
        "odd name/- x: y",
    ]
