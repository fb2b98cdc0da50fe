"""What the pages show, and what they keep to themselves."""

import json
from contextlib import closing
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from sig_bots.jobstate import JobState
from sig_webhooks.app import create_app
from sig_webhooks.rendering import linked, markdown, payload_text, short_shas, weblink
from sig_workers.observe import Redactor
from sig_workers.settings import Settings
from sig_workers.store.deliverystate import DeliveryState
from sig_workers.store.store import Store
from tests.webhooks.exhibits import SECRET_NAME, Exhibits, shown


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def exhibits(store: Store, settings: Settings) -> Exhibits:
    return Exhibits(store, settings.data)


def test_what_is_public_is_on_the_pages(client: FlaskClient, exhibits: Exhibits) -> None:
    home, delivery, invalid, job, running, forge, repository, pull, issue = (
        client.get(one).text for one in shown(exhibits)
    )
    assert "hadolint found 3 problems" in home
    assert "planned for sig/" in delivery
    assert "ignored: nothing to build" in delivery
    assert "<dd>github: sig/a-very-long" in delivery
    assert "is not an object" in invalid
    assert "line 39 of the log" in job
    assert 'href="https://forge.example.org/sig/x/pull/3#17"' in job
    assert "alice" in job
    assert "STEP 1/3: FROM fedora" in running
    assert "/forge/sig/hello" in forge
    assert "1 open pull request<" in forge
    assert "Greet everybody" in repository
    assert "Containerfile" in repository
    assert "Updates everybody" in repository
    assert "☐ <strong>Look again now</strong>" in issue
    assert "☑ <em>everybody</em>" in issue
    assert "box look" not in issue
    for words in (
        "Greet everybody",
        "About <em>everybody</em>",
        "What of everybody?",
        "1 problem in everybody",
        "Say more.",
        "+hi everybody",
    ):
        assert words in pull, words


def test_ignored_deliveries_are_folded_into_their_number_and_kept_with_their_reasons(
    client: FlaskClient, exhibits: Exhibits
) -> None:
    exhibits.settle(private=False, reason="planned for everybody")
    for number in range(45):
        exhibits.settle("ignored", private=False, reason=f"nobody declared image {number}")
    home = client.get("/").text
    assert "planned for everybody" in home
    assert "nobody declared" not in home
    assert '<a href="/?all=1">45 more</a> were ignored' in home
    everything = client.get("/?all=1").text
    assert "nobody declared image 44" in everything
    assert "planned for everybody" not in everything  # it is on the next page
    older = unescape(everything.split(">Older deliveries<")[0].rpartition('href="')[2].rstrip('"'))
    assert "all=1" in older
    assert "planned for everybody" in client.get(older).text


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("too high. https://x.example/a?b=1&c", 'too high. <a href="https://x.example/a?b=1&amp;c" title="https://x.example/a?b=1&amp;c">x.example</a>'),
        ("<b> https://[", "&lt;b&gt; https://["),
        ('x https://a"onclick=1', 'x <a href="https://a&#34;onclick=1" title="https://a&#34;onclick=1">a&#34;onclick=1</a>'),
        ("see javascript:alert(1)", "see javascript:alert(1)"),
    ],
)  # fmt: skip
def test_the_address_at_the_end_of_a_remark_is_a_link(text: str, html: str) -> None:
    assert linked(text) == html


def test_a_merged_pull_request_still_shows_its_change(client: FlaskClient, exhibits: Exhibits) -> None:
    number = exhibits.local("sig/hello", False, "everybody")
    before = client.get(f"/forge/sig/hello/pull/{number}").text
    exhibits.forge.merge("sig/hello", number, "alice")
    after = client.get(f"/forge/sig/hello/pull/{number}").text
    assert "+hi everybody" in after
    assert ("</strong> wants <code>" in before, "</strong> wanted <code>" in after) == (True, True)
    assert before.split('class="diff"')[1].split("</pre>")[0] == after.split('class="diff"')[1].split("</pre>")[0]


def test_labels_are_on_the_page_of_a_pull_request(client: FlaskClient, exhibits: Exhibits) -> None:
    exhibits.local("sig/hello", False, "everybody")
    assert "Labels:" not in client.get("/forge/sig/hello/pull/1").text
    exhibits.forge.state.change_pull("sig/hello", 1, labels=["base", "<b>"])
    assert "Labels: <code>base</code>, <code>&lt;b&gt;</code>" in client.get("/forge/sig/hello/pull/1").text


def test_a_private_fork_is_not_named(client: FlaskClient, exhibits: Exhibits) -> None:
    exhibits.local("sig/hello", False, "everybody")
    fork = exhibits.forge.fork("sig/hello", "dave")
    exhibits.forge.history(fork).git.local("update-ref", "refs/heads/mine", "refs/heads/fix")
    number = exhibits.forge.open_pull(
        "sig/hello", "dave", branch="mine", base="main", title="Mine", head_repo=fork
    ).number
    assert "dave/hello" in client.get(f"/forge/sig/hello/pull/{number}").text
    exhibits.store.write(
        lambda c: c.execute(
            text("UPDATE local_repositories SET private = :yes WHERE path = :path"), {"yes": True, "path": fork}
        )
    )
    assert "dave/hello" not in client.get(f"/forge/sig/hello/pull/{number}").text


def test_an_unreadable_delivery_shows_its_reason_and_nothing_it_holds(client: FlaskClient, exhibits: Exhibits) -> None:
    numbers = [
        exhibits.deliver(
            b'["inner words"]',
            DeliveryState.INVALID,
            "The body's JSON is not an object.",
            headers={"x-github-event": "inner words"},
        ),
        exhibits.settle("ignored", b'{"a": "inner words"}', reason="GitHub event ping: no bot needs it.")[0],
        exhibits.settle("rejected", b'{"a": "inner words"}', reason="repository is missing")[0],
    ]
    for number in numbers:
        page = client.get(f"/deliveries/{number}").text
        assert '<p class="lead">' in page
        assert "inner words" not in page
        assert SECRET_NAME not in page  # its id
        assert f"/deliveries/{number}" in client.get("/?all=1").text


def test_a_delivery_shows_no_secret_and_no_mail_address(
    client: FlaskClient, exhibits: Exhibits, settings: Settings
) -> None:
    secret = settings.secret_values()[0]
    body = {
        "a": secret,
        "b": "ghp_" + "x" * 36,
        "pusher": {"email": "alice@example.org"},
        "repository": {"private": False},
    }
    repo = exhibits.repository("sig/x", private=False)
    number, _ = exhibits.settle(
        body=json.dumps(body).encode(), repo_id=repo.id, private=False, headers={"x-github-event": f"push {secret}"}
    )
    page = client.get(f"/deliveries/{number}").text
    assert "x-github-event: push" in page
    assert "&#34;pusher&#34;" in page
    for one in (secret, "ghp_", "alice@"):
        assert one not in page


def test_a_body_that_names_something_private_is_not_shown() -> None:
    plain = Redactor()
    public = {"repository": {"private": False}, "x": [{"visibility_level": 20}]}
    assert payload_text(json.dumps(public).encode(), plain) is not None
    for inner in ({"private": True}, {"visibility_level": 0}, {"visibility_level": 10}):
        for body in ({**public, "pull": {"head": [inner]}}, inner):
            assert payload_text(json.dumps(body).encode(), plain) is None
    assert payload_text(b"no json \xff", plain) == "no json \ufffd"
    long = payload_text(json.dumps({"a": "x" * 100_000}).encode(), plain)
    assert long is not None
    assert len(long) < 31_000


def test_a_failure_is_a_page_for_people_and_json_for_machines(app: Flask) -> None:
    def fails() -> str:
        raise RuntimeError("inner words")

    app.view_functions["pages.home"] = fails
    app.view_functions["health.live"] = fails
    app.testing = False
    client = app.test_client()
    page, machine, missing = client.get("/"), client.get("/healthz/live"), client.get("/nowhere")
    assert (page.status_code, page.mimetype, "That went wrong" in page.text) == (500, "text/html", True)
    assert (machine.status_code, machine.json["status"]) == (500, "error")  # type: ignore[index]
    assert (missing.status_code, missing.mimetype, "<nav" in missing.text) == (404, "text/html", True)
    assert "inner words" not in page.text + machine.text


def test_without_the_store_the_pages_say_so(settings: Settings, tmp_path: Path) -> None:
    app = create_app(settings.model_copy(update={"store": f"sqlite:///{tmp_path / 'nothing.db'}"}))
    with closing(app.extensions["sigbot"]["store"]):
        answer = app.test_client().get("/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "try again in a minute" in answer.text
    assert "nothing.db" not in answer.text


class _Assets(HTMLParser):
    """Everything a browser would load or run, and the links a person may follow."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag in ("script", "img", "iframe", "link", "source", "video", "object", "embed"):
            self.loads.append(given.get("src") or given.get("href") or "inline")
        if tag == "a":
            self.links.append(given.get("href") or "")


def assets(page: str) -> _Assets:
    parser = _Assets()
    parser.feed(page)
    return parser


def test_pages_load_nothing_from_elsewhere(client: FlaskClient, exhibits: Exhibits) -> None:
    exhibits.local(
        "sig/loud", False, "![x](https://evil.example/x.png) <img src=https://evil.example> <script>alert(1)</script>"
    )
    for address in (*shown(exhibits), "/forge/sig/loud", "/forge/sig/loud/pull/1", "/nowhere"):
        answer = client.get(address)
        found = assets(answer.text)
        assert found.loads
        assert all(one.startswith("/static/") for one in found.loads), found.loads
        assert found.inline == []
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        for one in found.loads:
            assert client.get(one).status_code == 200


def test_a_running_job_refreshes_without_javascript_and_grows_with_it(client: FlaskClient, exhibits: Exhibits) -> None:
    *_, ended, running, _, _, _, _ = shown(exhibits)
    page = client.get(running).text
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page
    assert "live.js" in page
    assert "live.js" not in client.get(ended).text
    first = client.get(f"{running}/log").json
    assert first is not None
    assert [one["line"] for one in first["lines"]][-1] == "STEP 1/3: FROM fedora"
    later = client.get(f"{running}/log?after={first['lines'][0]['seq']}").json
    assert later is not None
    assert later["lines"] == first["lines"][1:]
    assert (later["state"], later["ended"]) == ("running", False)


def test_a_job_that_ended_without_a_log_has_no_empty_box(client: FlaskClient, exhibits: Exhibits) -> None:
    _, job = exhibits.planned(exhibits.repository("sig/x", private=False))
    assert '<pre class="log"' in client.get(f"/jobs/{job}").text  # lines may still come
    ran = exhibits.run(job, [])
    exhibits.store.finish(job, ran.attempt, JobState.DONE, "nothing to build")
    text = client.get(f"/jobs/{job}").text
    assert ('<pre class="log"' in text, "It wrote nothing." in text) == (False, True)


def test_a_long_log_is_shown_in_parts(client: FlaskClient, exhibits: Exhibits) -> None:
    _, job = exhibits.planned(exhibits.repository("sig/x", private=False))
    exhibits.run(job, [f"<line {number}>" for number in range(5500)])
    first = client.get(f"/jobs/{job}").text
    assert "&lt;line 4999&gt;" in first
    assert "&lt;line 5000&gt;" not in first
    following = next(link for link in assets(first).links if "after=" in link)
    assert "&lt;line 5499&gt;" in client.get(following).text


def test_older_things_are_a_link_away(client: FlaskClient, exhibits: Exhibits) -> None:
    repo = exhibits.repository("sig/x", private=False)
    made = [exhibits.planned(repo) for _ in range(45)]
    first = client.get("/").text
    links = [link for link in assets(first).links if "before=" in link]
    assert len(links) == 2
    for link, kind, number in zip(links, ("jobs", "deliveries"), (made[0][1], made[0][0]), strict=True):
        assert f'"/{kind}/{number}"' not in first
        assert f'"/{kind}/{number}"' in client.get(link).text


@pytest.mark.parametrize("text", [
    "<script>alert(1)</script>", "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](data:text/html,x)", "![x](https://e.example/x)",
    "<img src=x onerror=alert(1)>", "[x]: javascript:alert(1)\n[x]", "<javascript:alert(1)>", "`<b>`", "[x](vbscript:x)", "&#60;script&#62;",
])  # fmt: skip
def test_a_comment_cannot_run_or_load_anything(text: str) -> None:
    found = assets(str(markdown(text)))
    assert (found.loads, found.inline) == ([], [])
    assert all(link.startswith("https://") for link in found.links)


def test_our_markers_are_not_shown_and_headings_stay_below_the_pages_own() -> None:
    assert str(markdown("Text\n\n<!-- sigbot service=sigbot bot=lint topic=x -->\n")) == "<p>Text</p>\n"
    assert str(markdown("# One\n###### Six\n")) == "<h3>One</h3>\n<h6>Six</h6>\n"
    assert '<table tabindex="0">' in str(markdown("| a |\n|---|\n| b |\n"))


def test_commits_are_shortened_where_they_are_in_the_way() -> None:
    assert (
        short_shas(f"{'ab' * 20}/sigbot/build x@sha256:{'0' * 64}") == "abababababab/sigbot/build x@sha256:000000000000"
    )
    assert short_shas("deadbeef0123 stays") == "deadbeef0123 stays"


def test_only_web_addresses_become_links() -> None:
    assert weblink("https://x.example/a") == "https://x.example/a"
    assert [weblink(one) for one in ("javascript:alert(1)", "data:,x", "//x", "", "http://[", "file:///etc")] == [
        ""
    ] * 6


def test_times_say_when_exactly(client: FlaskClient, exhibits: Exhibits) -> None:
    page = client.get(shown(exhibits)[3]).text
    assert '<time datetime="20' in page
    assert ' UTC">0 s ago</time>' in page or " s ago</time>" in page


def test_the_page_of_a_job_says_what_planned_it(client: FlaskClient, exhibits: Exhibits) -> None:
    repo = exhibits.repository("sig/planned", private=False)
    _, job = exhibits.planned(repo, plugin_version="1.2.3", config_sha="c0ffee" * 6, trace="00-7ace-1d-01")
    page = client.get(f"/jobs/{job}").text
    assert "<dt>Bot version</dt><dd>1.2.3</dd>" in page
    assert f'title="git hash-object .sigbot.yaml: {"c0ffee" * 6}">c0ffeec0ffee<' in page
    assert "<dt>Trace</dt><dd><code>7ace</code></dd>" in page
