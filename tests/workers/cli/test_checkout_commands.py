"""refs, tags, graph, plan, config check, bots, schema, new-bot: no service needed."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.servers.process import free_port
from tests.workers.cli.conftest import Sigbot

KEYS = [
    "file", "line", "start", "end", "text", "instruction", "stage", "image", "tag", "digest", "resolved", "editable",
    "reason",
]  # fmt: skip


def test_references_have_the_documented_keys_and_byte_offsets(sigbot: Sigbot, tmp_path: Path) -> None:
    data = "# é\nARG V=1\nFROM quay.io/a/b:$V AS x\nCOPY --from=docker.io/c/d:2 / /\n".encode()
    (tmp_path / "Containerfile").write_bytes(data)
    found = json.loads(sigbot("refs", "Containerfile", "--format", "json").out)
    assert [list(one) for one in found] == [KEYS, KEYS]
    assert [data[one["start"] : one["end"]].decode() for one in found] == ["quay.io/a/b:$V", "docker.io/c/d:2"]
    assert [(one["instruction"], one["image"], one["tag"], one["resolved"], one["line"]) for one in found] == [
        ("FROM", "quay.io/a/b", "1", "quay.io/a/b:1", 3),
        ("COPY", "docker.io/c/d", "2", "docker.io/c/d:2", 4),
    ]


def test_references_of_a_folder_are_those_of_its_containerfiles(sigbot: Sigbot, fleet: Path) -> None:
    said = sigbot("refs", fleet)
    assert said.code == 0
    assert "tools/Containerfile:2\tFROM\tregistry.example/fleet/base:1.0" in said.out


def test_the_newest_tag_goes_to_output_and_its_reason_beside_it(sigbot: Sigbot) -> None:
    said = sigbot("tags", "newest", "1.9", stdin="1.9\n1.10\nlatest\n")
    assert (said.code, said.out) == (0, "1.10\n")
    assert "1.10 is the newest of 3 tags" in said.err


def test_images_whose_registry_does_not_answer_are_named_and_the_rest_is_done(
    sigbot: Sigbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    (tmp_path / "sigbot.toml").write_text(
        "".join(f'[[registry]]\nhost = "{host}"\ninsecure = true\n' for host in hosts)
    )
    monkeypatch.setenv("SIGBOT_CONFIG", "sigbot.toml")
    (tmp_path / "Containerfile").write_text(f"FROM {hosts[0]}/a/b:1 AS x\nFROM {hosts[1]}/c/d:2\n")
    said = sigbot("update")
    assert said.code == 2
    for host, name in zip(hosts, ("a/b", "c/d"), strict=True):
        assert (
            f"{host}/{name} could not be looked at: The registry {host} is not reachable (connection refused)"
            in said.out
        )
    assert "Nothing newer among what could be looked at." in said.out
    assert said.err == f"sigbot: 2 images could not be looked at: {hosts[0]}/a/b, {hosts[1]}/c/d; try again later\n"
    told = json.loads(sigbot("update", "--format", "json").out)
    assert list(told["unreachable"]) == [f"{hosts[0]}/a/b", f"{hosts[1]}/c/d"]


def test_a_file_with_byte_order_mark_and_crlf_has_right_offsets(sigbot: Sigbot, tmp_path: Path) -> None:
    data = "\ufeff# größe — 漢字\r\nFROM \\\r\n  fedora:41 AS x\r\n".encode()
    (tmp_path / "Containerfile").write_bytes(data)
    (one,) = json.loads(sigbot("refs", "Containerfile", "--format", "json").out)
    assert (data[one["start"] : one["end"]], one["line"], one["stage"]) == (b"fedora:41", 3, "x")


def test_a_word_that_is_not_utf8_is_told_in_json_and_in_text(sigbot: Sigbot, tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_bytes(b"FROM x\xff:1\n")
    said = sigbot("refs", "Containerfile", "--format", "json").out
    said.encode()
    assert json.loads(said)[0]["text"].encode(errors="surrogateescape") == b"x\xff:1"
    assert "Containerfile:1\tFROM\tx\ufffd:1" in sigbot("refs", "Containerfile").out


def test_tags_may_have_crlf_blank_lines_and_junk_between_them(sigbot: Sigbot) -> None:
    said = sigbot("tags", "newest", "1.9", stdin=b"\xff\xfe\r\n1.9\r\n\r\n  \n1.10\r\n\x00\nno tag at all\nlatest")
    assert (said.code, said.out) == (0, "1.10\n")


def test_no_newer_tag_prints_nothing(sigbot: Sigbot) -> None:
    said = sigbot("tags", "newest", "2.0", stdin="1.0\n2.0\n")
    assert (said.code, said.out) == (0, "")


@pytest.mark.parametrize(
    ("current", "listed", "why"),
    [
        ("2.0", "1.0\n2.0\n2.1-rc1\n", "2.0 is already the newest of 3 tags, ordered "),
        ("latest", "1.0\nlatest\n", "latest stays: it has no number by which tags are ordered."),
        ("2.0", "", "There are no tags to choose from."),
        ("1 2", "1.0\n", "'1 2' is no tag."),
    ],
)
def test_why_no_tag_is_proposed_is_one_sentence(sigbot: Sigbot, current: str, listed: str, why: str) -> None:
    said = sigbot("tags", "newest", current, stdin=listed)
    assert (said.code, said.out) == (0, "")
    assert said.err.startswith(why)
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("given", ["quay.io/a/b:1.2.3", "b:1.2.3", "h:5/a/b:1.2.3@sha256:00"])
def test_a_whole_reference_in_place_of_a_tag_is_named(sigbot: Sigbot, given: str) -> None:
    said = sigbot("tags", "newest", given, stdin="1.2.4\n")
    assert (said.code, said.out) == (2, "")
    assert f"{given} is a whole reference; CURRENT is its tag alone, 1.2.3" in said.err


def test_more_problems_than_are_shown_are_counted(sigbot: Sigbot, tmp_path: Path) -> None:
    (tmp_path / ".sigbot.yaml").write_text("version: 1\n" + "".join(f"x{n}: 1\n" for n in range(13)))
    assert sigbot("config", "check").out.endswith("… and 3 more; mend these and check again.\n")
    told = json.loads(sigbot("config", "check", "--format", "json").out)
    assert (len(told["problems"]), told["more"]) == (10, 3)


def test_the_graph_of_several_checkouts_is_one(sigbot: Sigbot, fleet: Path) -> None:
    said = sigbot("graph", fleet / "base", fleet / "web", "--format", "json")
    edge = {"parent": "registry.example/fleet/base:1.1", "child": "registry.example/fleet/web:latest", "kind": "base"}
    assert json.loads(said.out)["edges"] == [edge]
    assert '"registry.example/fleet/base:1.1" -> "registry.example/fleet/web:latest";' in (
        sigbot("graph", fleet / "base", fleet / "web", "--format", "dot").out
    )


def test_the_drawing_of_a_graph_has_a_box_per_image_and_a_line_per_edge(sigbot: Sigbot, tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_text(
        "FROM a.example/x:1 AS b\nFROM a.example/y:1\nCOPY --from=b a b\nCOPY --from=a.example/z:1 a b\n"
    )
    drawing = ElementTree.fromstring(sigbot("graph", "--format", "svg").out)
    space = "{http://www.w3.org/2000/svg}"
    assert [text.text for text in drawing.iter(f"{space}text")] == [
        "a.example/x:1", "a.example/y:1", "a.example/z:1", "localhost/containerfile:latest"
    ]  # fmt: skip
    assert [title.text for title in drawing.iter(f"{space}title")] == [
        "builder: a.example/x:1 -> localhost/containerfile:latest",
        "base: a.example/y:1 -> localhost/containerfile:latest",
        "copy: a.example/z:1 -> localhost/containerfile:latest",
    ]
    assert len([path for path in drawing.iter(f"{space}path") if path.get("class") == "other"]) == 2


def test_an_empty_folder_has_an_empty_drawing(sigbot: Sigbot) -> None:
    assert ElementTree.fromstring(sigbot("graph", "--format", "svg").out).get("width") == "32"


def test_one_file_has_a_graph(sigbot: Sigbot, tmp_path: Path) -> None:
    (tmp_path / "my.Containerfile").write_text("FROM fedora:41\n")
    (edge,) = json.loads(sigbot("graph", "my.Containerfile", "--format", "json").out)["edges"]
    assert edge["parent"] == "registry.fedoraproject.org/fedora:41"


def test_a_plan_of_a_chain_has_a_level_per_step(sigbot: Sigbot, tmp_path: Path) -> None:
    for name, base in (("a", "fedora:41"), ("b", "quay.io/s/a:1"), ("c", "quay.io/s/b:1"), ("d", "quay.io/s/a:1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Containerfile").write_text(f"FROM {base}\n")
    images = "".join(f"  - {{name: quay.io/s/{name}, tag: 1, context: {name}}}\n" for name in "dcba")
    (tmp_path / ".sigbot.yaml").write_text(f"version: 1\nimages:\n{images}")
    found = json.loads(sigbot("plan", "--changed", "fedora:41", "--format", "json").out)
    assert found["levels"] == [["quay.io/s/a:1"], ["quay.io/s/b:1", "quay.io/s/d:1"], ["quay.io/s/c:1"]]
    assert json.loads(sigbot("plan", "--changed", "quay.io/s/c:1", "--format", "json").out)["levels"] == []


def test_a_plan_names_what_follows_from_a_change(sigbot: Sigbot, fleet: Path) -> None:
    words = ["plan", "--changed", "registry.example/fleet/base:1.0", fleet / "web", fleet / "tools"]
    assert json.loads(sigbot(*words, "--format", "json").out)["levels"] == [["registry.example/fleet/tools:latest"]]
    assert "1 image, 1 level" in sigbot(*words).out
    unknown = sigbot("plan", "--changed", "registry.example/fleet/bse:1.0", fleet / "web").err
    assert "uses registry.example/fleet/bse:1.0; the images here are registry.example/fleet/" in unknown


def test_a_good_configuration_is_said_to_be_good(sigbot: Sigbot, fleet: Path) -> None:
    said = sigbot("config", "check", fleet / "web")
    assert said.code == 0
    assert "Bots: build, lint, rebuild, update. Images: 1." in said.out


def test_a_faulty_configuration_is_a_finding_with_its_line(sigbot: Sigbot, tmp_path: Path) -> None:
    (tmp_path / ".sigbot.yaml").write_text("version: 1\nlnt: {}\n")
    said = sigbot("config", "check")
    assert said.code == 1
    assert "line 2: `lnt`: unknown key; did you mean `lint`?" in said.out
    problems = json.loads(sigbot("config", "check", "--format", "json").out)["problems"]
    assert [(one["line"], one["where"]) for one in problems] == [(2, "lnt")]


def test_the_bots_are_listed_with_what_they_react_to(sigbot: Sigbot) -> None:
    found = {one["name"]: one for one in json.loads(sigbot("bots", "--format", "json").out)}
    assert found["update"]["events"] == ["comment", "image_pushed", "pull_request", "push", "test_result"]
    assert found["update"]["commands"] == ["update"]
    assert found["update"]["schedules"] == {"sweep": 21600.0, "hourly": 3600.0}
    assert "/sig ping" in sigbot("bots").out


def test_the_schema_knows_every_bot(sigbot: Sigbot) -> None:
    assert {"version", "images", "lint", "update"} <= set(json.loads(sigbot("schema").out)["properties"])


def test_a_new_bot_is_written_once(sigbot: Sigbot, tmp_path: Path) -> None:
    assert sigbot("new-bot", "greeter").code == 0
    assert (tmp_path / "sigbot-greeter" / "sigbot_greeter.py").is_file()
    again = sigbot("new-bot", "greeter")
    assert (again.code, again.err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    "words",
    [
        ("refs", "missing"), ("refs", "."), ("graph", "missing"), ("plan", "--changed", "Not An Image"),
        ("config", "check"), ("tags", "newest", "1", "--scheme", "none"), ("new-bot", "Bad Name"), ("jobs", "list"),
        ("jobs", "show", "1"), ("dead", "list"), ("replay", "1"), ("forge", "list"), ("forge", "show", "a/b"),
        ("event", "missing", "--source", "github", "--header", "X-GitHub-Event: push"),
        ("event", "-", "--source", "github"), ("event", "-", "--source", "github", "--header", "nonsense"),
        ("send", "-", "--source", "local", "--to", "http://127.0.0.1:9/hooks/x", "--header", "X-Sigbot-Event: push"),
        ("send", "-", "--source", "local", "--to", "http://127.0.0.1:9/hooks/x", "--secret", "s", "--header", "X-Sigbot-Event: push"),
        ("run", "missing"), ("run", "ext::sh -c true"), ("up", "--example=missing"), ("update", "missing"), ("jobs", "list", "--data", "missing"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_sentence_and_status_2(sigbot: Sigbot, words: tuple[str, ...]) -> None:
    said = sigbot(*words)
    assert (said.code, said.out) == (2, "")
    assert "Traceback" not in said.err
    assert said.err.startswith("sigbot: ")
    assert len(said.err.splitlines()) == 1
