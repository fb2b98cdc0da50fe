"""Hostile cases by the ten thousand, from a seed: no crash, no hang, no 5xx.

One in five hundred runs with the other tests. A case that fails is printed with its seed and number.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient

from sig_webhooks.app import create_app
from sig_workers.settings import Settings
from sig_workers.store.store import Store
from tests.bench.corpus import corpus
from tests.bots.containerfile.nasty import FILES
from tests.bots.sources import bodies
from tests.bots.sources.deliveries import PAGURE_KEY, SECRET, github_examples, hex256, recorded
from tests.fuzz import surfaces
from tests.fuzz.mutation import mutated, mutated_json
from tests.webhooks.senders import PROJECT, SENDERS, Hook, instances
from tests.webhooks.senders import SECRET as HOOK_SECRET
from tests.workers.packages.layers import Link, tar
from tests.workers.packages.layers import status as dpkg_status
from tests.workers.packages.managers import Recorded

FOREIGN_CASES = Path(__file__).parents[1] / "bots" / "migration" / "cases"
ALL, SLICE = 100_000, 200
LONGEST = 2.0
"""CPU seconds of one case; a usual one takes a millisecond."""
counts = pytest.mark.parametrize(
    "count", [SLICE, pytest.param(ALL, marks=[pytest.mark.long, pytest.mark.timeout(5400)])]
)

FRAGMENTS = [
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", "\u202e\u2028\u0085".encode(), b"\r", b"\t", b"\\", b"\\\n", b"'", b'"', b"`",
    b"$", b"${", b"${A:-", b"}", b"#", b"# escape=`\n", b"%s%n", b"../", b"-", b"--", b"=", b":", b"@", b"/", b"{{7*7}}", b"<!--", b"-->",
]  # fmt: skip
CONTAINERFILE = [
    b"FROM ", b"from", b"FROM --platform=$BUILDPLATFORM ", b"ARG A=$A$A\n", b"ARG A\n", b" AS x\n", b"COPY --from=", b"RUN --mount=type=bind,from=",
    b"<<EOF", b"<<-'E'", b"EOF\n", b"ONBUILD ", b"LABEL a=b \\\n", b"RUN [\"", b"HEALTHCHECK ", b"@sha256:" + b"a" * 64, b":5000/", b"scratch",
    b"fedora:41\n", b"${A:+x}", b"${A%%x}", b"USER root\n", b"dnf -y install ", b"# sigbot: ignore ",
    b"ARG X=1.2 Y='3'\n", b"ENV X 1.2\n", b'LABEL "v"="1.2" \\\n', b"ARG X_SHA256=0\n", b"ADD --checksum=sha256:0 $X /\n",
]  # fmt: skip
COMMENT = [
    b"/sig ", b"/sig help\n", b"/sig ok ", b"/sig rebuild --image=", b"@sigbot ", b"@sigbot[bot] lint\n", b"```\n", b"~~~", b"> ", b"    ",
    b"- [ ] ", b"| ", b"<details>", b"[a]: b", b"](", b"&lt;", b"\n\n",
]  # fmt: skip
CONFIG = [
    b"version: 1\n", b"version: 2\n", b"lint:\n", b"images:\n  - ", b"name: a/b\n", b"platforms: [linux/amd64]\n", b"versions: [{arg: X, project: x}]\n", b"&a ", b"*a", b"<<: *a\n", b"!!python/object ",
    b"? ", b"| \n", b">-\n", b"{", b"[", b"- ", b"...\n", b"---\n", b"permissions: {lint: anyone}\n", b"~", b".inf", b"0o777", b"2026-01-01", b"\t",
]  # fmt: skip
FOREIGN = [
    b"{", b"}", b"[", b"]", b",", b"// x\n", b"/* ", b"'", b'"\\ud800"', b'"extends": ', b'":label(a)"', b'"packageRules": [', b'"matchPackageNames": ["/^(a|b)/"]',
    b'"allowedVersions": "<3"', b'"schedule": ["* 0-3 * * 1"]', b'"enabled": false', b'"automerge": true', b"updates:\n", b"  - package-ecosystem: docker\n",
    b"    ignore:\n", b"      - dependency-name: ", b"versions: ['>= 3']\n", b"0x", b"Infinity", b"1e999", b"null", b"&a ", b"*a",
]  # fmt: skip
TAG = [
    b"\n", b"1.2.3\n", b"v1.2.3-rc1\n", b"9.4-1227.1726694542\n", b"latest\n", b"rawhide\n", b"41\n", b"20260101\n", b"1.2.3-5-gabcdef0\n", b"1.2.3-alpine3.20\n",
    b"sha256-" + b"a" * 64 + b".sig\n", b"-source\n", b"9" * 40, b".", b"_", b"-arm64\n", b"bookworm\n", b"jdk-21.0.3_9\n", b"0",
    b"21.0.2+13\n", b"1.0~rc1\n", b"cli-v1.2\n", b"9.8p1\n",
]  # fmt: skip
CONFIGS = [
    b"version: 1\nlint:\n  threshold: warning\n  ignore: [DL3008]\n",
    b"version: 1\nimages:\n  - name: quay.io/x/y\n    tag: latest\n    containerfile: Containerfile\n    platforms: [linux/amd64, linux/arm64]\n"
    b"    smoke: [/bin/true]\n    network: true\nupdate: {}\nrebuild: false\n",
    b"version: 1\npermissions:\n  lint: anyone\n  build: write\nbuild: {}\n",
]
FOREIGNS = [path.read_bytes() for path in sorted(FOREIGN_CASES.glob("*/*")) if not path.name.startswith("expected")]
COMMENTS = [
    b"/sig help\n",
    b"Thanks!\n\n/sig lint\n/sig ok 0123456789abcdef\n",
    b"> /sig build\n\n@sigbot rebuild quay.io/a/b\n",
]
DASHBOARDS = [
    b"What moves.\n\nLast tick: `a`, now: looked again. <!-- news -->\n\n- [ ] <!-- box look --> **Look again now**\n\n### Open\n\n"
    b"- [x] <!-- box "
    + b"a" * 16
    + b"/"
    + b"b" * 16
    + b" --> [#1](http://x/1) Update x to 2\n\n<!-- sigbot service=a bot=b topic=c -->",
]
DASHBOARD = [
    b"- [x] ", b"\n- [x] <!-- box look -->", b"<!-- box ", b" -->", b"<!-- news -->", b"Last tick: ", b"\n### Open\n", b"</details>", b"\r\n", b"[x]",
    b"\t", b"](", b"@alice", b"<!-- sigbot service=sigbot bot=update topic=dashboard -->",
]  # fmt: skip
TAGS = [
    b"1.2.3\n1.2.3\n1.2.4\n1.3.0\n2.0.0-rc1\nlatest\n", b"41\n40\n41\n42\n43\nrawhide\n44\n", b"9.4-1\n9.4-1\n9.4-1227.1726694542\n9.5\n9.5-source\n",
    b"3.12-slim\n3.12-slim\n3.13-slim\n3.13\n3.14-rc-slim\n", b"v1.0\nv1.0\nv1.1\nv1.2-arm64\nv2.0\n", b"20240101\n20240101\n20250101\n20250202-1\n",
    b"jdk-21.0.3_9\njdk-21.0.3_9\njdk-21.0.4_7\njdk-22_36\n", b"1.2.3-5-gabcdef0\n1.2.3-9-g1234567\n1.2.4-1-gfedcba9\n",
]  # fmt: skip
DATABASES = {"ndb": "Packages.db", "bdb": "Packages"}
LAYERS = [
    *(tar({f"var/lib/rpm/{name}": (Recorded.folder / kind / "stale" / name).read_bytes()}) for kind, name in DATABASES.items()),
    tar({"var/lib/dpkg/status": dpkg_status(("tar", "1:2-3"), ("bash", "5")), "var/lib/dpkg/status.d/x": b"Package: x\nVersion: 1\n"}),
    tar({"lib": Link("usr/lib"), "usr/lib/apk/db/installed": b"P:musl\nV:1.2_rc1-r0\nA:x86_64\n\n", "x" * 300: b"y"}),
    gzip.compress(tar({"var/lib/rpm": Link("../../opt"), "opt/Packages": b"x", "var/.wh.lib": b""})),
]  # fmt: skip
LAYER = [
    b"ustar\x0000", b"ustar  \0", b"77777777777\0", b"\x80" + b"\xff" * 11, b".wh.", b".wh..wh..opq", b"var/lib/rpm/", b"RpmP", b"Slot", b"BlbS",
    b"\xff" * 4, b"\0" * 512, b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"30 path=var/lib/dpkg/status\n", b"Version: 1~^:-\n", b"\n\n",
]  # fmt: skip

ADVISORIES = [
    b'{"results": [{"vulns": [{"id": "DSA-1-1", "modified": "2026"}], "next_page_token": ""}, {}]}',
    b'{"results": [{"vulns": [{"id": "DSA-1-1"}, {"id": "DEBIAN-CVE-2026-0001"}]}, {}], "id": "DSA-1-1", "upstream": ["CVE-2026-0001"],'
    b' "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}], "affected": [{"package": {"name": "curl",'
    b' "ecosystem": "Debian:12"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "8.1-1"}]}]}]}',
    b'{"updates": [{"alias": "FEDORA-2026-aaaa000001", "severity": "high", "builds": [{"nvr": "curl-8.1-1", "epoch": 0}],'
    b' "bugs": [{"title": "CVE-2026-0001 curl: x"}]}], "page": 1, "pages": 1}',
]  # fmt: skip
ADVISORY = [
    b"null", b"[]", b"{}", b"-1", b"1e999", b'"', b'\\u0000', b'"id": ', b"](javascript:alert(1))", b'{"vulns": ', b'"next_page_token": "x"', b'"withdrawn": "2026"',
    b'"fixed": "1:2:3--~^"', b'"score": "CVSS:3.1/', b"CVE-2026-" + b"9" * 50, b'"pages": 1000', b'"nvr": "curl-8.1-1`|@all"', b"</details>",
]  # fmt: skip


def attempted(name: str, count: int, make: Callable[[Random], Any], attempt: Callable[[Any], None]) -> None:
    """`count` cases; AssertionError with the case when one fails or takes too long."""
    chance = Random(f"{name} {count}")
    for number in range(count):
        case = make(chance)
        began = time.process_time()
        try:
            attempt(case)
        except Exception as error:
            raise AssertionError(f"{name}, case {number} of {count}: {error!r} from {case!r:.2000}") from error
        took = time.process_time() - began
        assert took < LONGEST, f"{name}, case {number} of {count} took {took:.1f} s: {case!r:.2000}"


@counts
@pytest.mark.parametrize(
    ("surface", "seeds", "words"),
    [
        ("comment", COMMENTS, COMMENT),
        ("containerfile", [*(case.data for case in FILES), *corpus(12)], CONTAINERFILE),
        ("config", CONFIGS, CONFIG),
        ("tags", TAGS, TAG),
        ("migration", FOREIGNS, FOREIGN),
        ("layer", LAYERS, LAYER),
        ("advisories", ADVISORIES, ADVISORY),
        ("dashboard", DASHBOARDS, DASHBOARD),
    ],
    ids=["comments", "containerfiles", "configs", "taglists", "migrations", "layers", "advisories", "dashboards"],
)
def test_any_text_gives_an_answer_in_time(
    surface: str, seeds: Sequence[bytes], words: Sequence[bytes], count: int
) -> None:
    every = [*words, *FRAGMENTS]
    attempted(
        surface, count, lambda chance: mutated(chance.choice(seeds), seeds, every, chance), getattr(surfaces, surface)
    )


def payloads() -> list[tuple[str, Mapping[str, str], Any]]:
    """(kind, headers, body) of every sender, GitHub's events that are handled once per action."""
    found: dict[str, tuple[str, Mapping[str, str], Any]] = {}
    for _, event, payload in github_examples():
        if len(str(payload)) < 30_000:
            found.setdefault(f"{event} {payload.get('action')}", ("github", {"X-GitHub-Event": event}, payload))
    rest: list[tuple[str, Mapping[str, str], Any]] = [("pagure", one.headers, one.json) for one in recorded("pagure")]
    rest += [("registry", one.headers, one.json) for one in recorded("registry")]
    rest += [
        ("forgejo", {"X-Forgejo-Event": "push"}, bodies.forgejo_push()),
        ("forgejo", {"X-Forgejo-Event": "pull_request"}, bodies.forgejo_pull("opened")),
        ("forgejo", {"X-Forgejo-Event": "issue_comment"}, bodies.forgejo_comment()),
        ("forgejo", {"X-Forgejo-Event": "issues"}, bodies.forgejo_issue()), ("gitlab", {}, bodies.gitlab_issue()),
        ("gitlab", {}, bodies.gitlab_push()), ("gitlab", {}, bodies.gitlab_note()),
        ("gitlab", {}, bodies.gitlab_merge_request("update")), ("quay", {}, bodies.quay_push()),
        ("local", {"X-Sigbot-Event": "push"}, bodies.local_push()), ("local", {"X-Sigbot-Event": "comment"}, bodies.local_comment()),
        ("local", {"X-Sigbot-Event": "pull_request"}, bodies.local_pull("opened")),
    ]  # fmt: skip
    return [*found.values(), *rest * 3]


@counts
def test_any_delivery_gives_events_or_a_reason(count: int) -> None:
    known = payloads()

    def made(chance: Random) -> tuple[str, Mapping[str, str], bytes]:
        kind, headers, body = chance.choice(known)
        return kind, headers, mutated_json(body, chance)

    attempted("deliveries", count, made, lambda case: surfaces.delivery(*case))


@pytest.fixture
def client(tmp_path: Path) -> Any:
    """The receiver over a store of its own, with Flask's client."""
    store = Store.open(f"sqlite:///{tmp_path / 'sigbot.db'}")
    store.migrate()
    store.put_hook_keys("pagure", {PROJECT: PAGURE_KEY})
    store.close()
    app = create_app(Settings(data=tmp_path, store=f"sqlite:///{tmp_path / 'sigbot.db'}", instance=instances()))
    yield app.test_client()
    app.extensions["sigbot"]["wake_ups"].stop()
    app.extensions["sigbot"]["store"].close()


def post(client: FlaskClient, hook: Hook) -> None:
    surfaces.status(client.post(hook.path, data=hook.body, headers=dict(hook.headers)))


@counts
def test_any_signed_body_gets_an_answer_of_the_contract(client: FlaskClient, count: int) -> None:
    seeds = [b'{"zen": "x"}', b'{"action": "opened", "number": 1, "repository": {"full_name": "a/b", "id": 1}}']
    words = [
        b"{",
        b"[",
        b"}",
        b"]",
        b",",
        b":",
        b"NaN",
        b"1e999",
        b"-0",
        b'"\\ud800"',
        b"null",
        b'"action"',
        *FRAGMENTS,
    ]

    def made(chance: Random) -> Hook:
        body = mutated(chance.choice(seeds), seeds, words, chance)
        hook = SENDERS["github"](body, HOOK_SECRET, f"id-{chance.randrange(10**6)}")
        return hook if chance.random() < 0.5 else SENDERS[chance.choice(list(SENDERS))](body)

    attempted("bodies", count, made, lambda hook: post(client, hook))


@counts
def test_any_headers_get_an_answer_of_the_contract(client: FlaskClient, count: int) -> None:
    names = sorted(
        {name for make in SENDERS.values() for name in make().headers}
        | {"Content-Encoding", "Content-Length", "Transfer-Encoding"}
    )
    values = [
        b"application/json",
        b"sha256=" + hex256(SECRET, b"{}").encode(),
        b"gzip",
        b"chunked",
        b"-1",
        b"Bearer x",
        b"push",
    ]

    def made(chance: Random) -> Hook:
        hook = SENDERS[chance.choice(list(SENDERS))]()
        headers = dict(hook.headers)
        for _ in range(chance.choice((1, 2, 4))):
            name = chance.choice(names)
            seed = headers.get(name, "").encode("latin-1") or chance.choice(values)
            value = mutated(seed, values, FRAGMENTS, chance).decode("latin-1")
            headers[name] = value.translate({10: None, 13: None, 0: None})[:8000]  # gunicorn refuses these itself
        if "Content-Length" in headers and not headers["Content-Length"].isascii():
            del headers["Content-Length"]
        return Hook(hook.path, headers, hook.body)

    attempted("headers", count, made, lambda hook: post(client, hook))
