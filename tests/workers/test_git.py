import os
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig_bots.errors import ForgeError, NotFound, Obsolete, SigbotError, Transient, UserError
from sig_workers import process
from sig_workers.clone_url import CloneUrl, check_clone_url, local_clone_url
from sig_workers.git import GitCredentials, GitRunner, check_branch, check_sha, failure, redact

ORIGIN = "https://forge.example"


@pytest.mark.parametrize(
    "name",
    [
        "--upload-pack=touch${IFS}/tmp/x", "-x", "a\nb", "a b", "a\x00b", "refs/heads/../..", "refs/heads/main", "a..b",
        "a/../b", "/a", "a/", "a//b", ".a", "a/.b", "a.", "a.lock", "a.lock/b", "a~1", "a^", "a:b", "a?b", "a*", "a[b",
        "a\\b", "@", "a@{1}", "\u202emain", "a\u200bb", "", "x" * 4096,
    ],
)  # fmt: skip
def test_hostile_branch_names_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="not a valid branch name"):
        check_branch(name)


@pytest.mark.parametrize(
    "name", ["main", "sigbot/update/fedora", "f42", ";rm -rf".replace(" ", ""), "$(x)", "größe", "@x"]
)
def test_odd_but_valid_branch_names_pass_as_data(name: str) -> None:
    assert check_branch(name) == name


@given(st.text(max_size=30))
def test_every_accepted_branch_is_one_that_git_accepts(name: str) -> None:
    try:
        check_branch(name)
    except UserError:
        return
    argv = ["git", "check-ref-format", f"refs/heads/{name}"]
    assert subprocess.run(argv, check=False).returncode == 0


@pytest.mark.parametrize("sha", ["main", "-" * 40, "0" * 40, "abc", "A" * 40, "a" * 41, "a" * 40 + "\n", "HEAD^{tree}"])
def test_only_a_full_commit_id_is_a_commit(sha: str) -> None:
    with pytest.raises(NotFound):
        check_sha(sha)


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% /tmp/x", "ext::https://forge.example/x", "file:///etc", "/etc", "ssh://git@forge.example/x",
        "git://forge.example/x", "https://user:tok@forge.example/x.git", "https://forge.example@evil.example/x.git",
        "https://forge.example.evil.example/x", "https://forge.example:444/x", "http://forge.example/x", "--upload-pack=x",
        "https://forge.example\\@evil.example/x", "https://forge.example/x\ny", "https://forge.example/\u202ex",
        "https://forge.example/x?y=1", "https://forge.example/x#y", "https:///x", "https://-x/x", "", "https://forge.example:x/",
        "https://" + "a" * 3000,
    ],
)  # fmt: skip
def test_hostile_clone_urls_are_refused_before_any_connection(url: str) -> None:
    with pytest.raises(ForgeError) as caught:
        check_clone_url(url, ORIGIN)
    assert "tok" not in str(caught.value)


@given(st.text(max_size=60))
def test_no_text_makes_the_url_check_fail_otherwise(text: str) -> None:
    with pytest.raises(SigbotError):
        check_clone_url(text, ORIGIN)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.1.1", "[::1]", "[::ffff:127.0.0.1]", "[fe80::1]", "[64:ff9b::a00:1]",
     "0.0.0.0", "100.64.0.1", "2130706433", "localhost"],
)  # fmt: skip
def test_private_addresses_are_refused_unless_allowed(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ForgeError, match="not a public address"):
        check_clone_url(f"https://{host}/x.git", f"https://{host}")
    assert check_clone_url(f"https://{host}/x.git", f"https://{host}", allow_private_network=True).scheme == "https"


def test_the_checked_address_is_the_one_connected_to() -> None:
    checked = check_clone_url(
        "http://localhost:81/x.git", "http://LOCALHOST:81", allow_http=True, allow_private_network=True
    )
    assert checked.pin in ("localhost:81:127.0.0.1", "localhost:81:[::1]")
    assert checked.origin == "http://localhost:81"


def test_default_ports_do_not_make_another_origin() -> None:
    assert (
        check_clone_url("https://127.0.0.1:443/x", "https://127.0.0.1", allow_private_network=True).origin
        == "https://127.0.0.1"
    )


def test_a_local_repository_lies_inside_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "data" / "repo.git").mkdir(parents=True)
    (tmp_path / "data" / "link.git").symlink_to("/etc")
    assert local_clone_url(tmp_path / "data/repo.git", tmp_path / "data").scheme == "file"
    for outside in ("link.git", "../x", ".", "/etc"):
        with pytest.raises(ForgeError, match="data folder"):
            local_clone_url(tmp_path / "data" / outside, tmp_path / "data")


def test_another_scheme_than_the_checked_one_is_not_spoken(tmp_path: Path) -> None:
    (tmp_path / "HEAD").write_text("ref: refs/heads/none\n")
    marker = tmp_path / "ran"
    for url in (f"ext::touch {marker}", f"file://{tmp_path}"):
        with pytest.raises(ForgeError):
            runner(tmp_path).remote(
                CloneUrl(url, "https", "", "forge"), None, "ls-remote", "--end-of-options", "origin"
            )
    assert not marker.exists()


def runner(folder: Path, **limits: float) -> GitRunner:
    bare = folder / "bare.git"
    if not bare.exists():
        subprocess.run(["git", "init", "-q", "--bare", bare], check=True)
    return GitRunner(bare, **limits)  # type: ignore[arg-type]


def test_the_users_own_git_configuration_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("[alias]\n\tevil = !touch /tmp/evil\n[user]\n\tname = Mallory\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    listed = runner(tmp_path).local("config", "--list", "--show-scope").decode()
    assert "Mallory" not in listed
    assert "command\tcore.hookspath=/dev/null" in listed
    assert "command\tprotocol.allow=never" in listed


def test_git_gets_no_variable_of_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGBOT_SECRET", "canary")
    monkeypatch.setenv("GIT_TRACE", "1")
    monkeypatch.setenv("GIT_SSH_COMMAND", "touch /tmp/evil")
    assert set(runner(tmp_path)._environment()) & {"SIGBOT_SECRET", "GIT_TRACE", "GIT_SSH_COMMAND", "HOME"} == set()


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    started = time.monotonic()
    argv = ["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/child; wait"]
    with pytest.raises(process.TimedOut):
        process.run(argv, env={"PATH": os.environ["PATH"]}, time_limit=1, output_limit=10)
    child = int((tmp_path / "child").read_text())
    while alive(child):  # the kernel ends what was killed a moment later
        assert time.monotonic() - started < 10
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether the process does anything still; one that nobody has reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_output_over_the_limit_ends_the_command() -> None:
    with pytest.raises(process.OutputTooLarge):
        process.run(["yes"], env={"PATH": os.environ["PATH"]}, time_limit=10, output_limit=1000)


def test_a_file_over_the_limit_cannot_be_written(tmp_path: Path) -> None:
    argv = ["sh", "-c", f"sleep 0.05; head -c 100000 /dev/zero > {tmp_path}/big"]
    process.run(argv, env={"PATH": os.environ["PATH"]}, time_limit=10, output_limit=1000, file_limit=4096)
    assert (tmp_path / "big").stat().st_size <= 4096


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("fatal: unable to access 'https://f/x/': Could not resolve host: f", Transient),
        ("fatal: unable to access 'https://f/x/': The requested URL returned error: 503", Transient),
        ("error: RPC failed; curl 56\nfatal: early EOF", Transient),
        ("fatal: repository 'https://f/x/' not found", NotFound),
        ("fatal: remote error: upload-pack: not our ref aaaa", NotFound),
        ("error: Server does not allow request for unadvertised object aaaa", NotFound),
        ("fatal: Authentication failed for 'https://f/x/'", ForgeError),
        ("fatal: could not read Username for 'https://f': terminal prompts disabled", ForgeError),
        ("!\tx:refs/heads/b\t[rejected] (stale info)\nerror: failed to push", Obsolete),
        ("!\tx:refs/heads/b\t[remote rejected] (pre-receive hook declined)", ForgeError),
        ("fatal: index-pack died of signal 25", UserError),
        ("fatal: something new", ForgeError),
        ("", ForgeError),
    ],
)  # fmt: skip
def test_what_git_says_becomes_one_sentence(text: str, kind: type[SigbotError]) -> None:
    error = failure("fetch", text, 128, "forge.example", 1 << 20)
    assert type(error) is kind
    assert "\n" not in str(error)
    assert str(error).endswith(".")


def test_credentials_never_reach_a_text() -> None:
    assert redact("fatal: https://bot:s3cret@f/x and s3cret", ["s3cret"]) == "fatal: https://***@f/x and ***"
    assert "s3cret" not in repr(GitCredentials("bot", "s3cret"))


def test_a_token_with_a_line_break_is_refused(tmp_path: Path) -> None:
    url = CloneUrl("https://f/x", "https", "https://f", "f")
    with pytest.raises(ForgeError, match="line break"):
        runner(tmp_path).remote(url, GitCredentials("bot", "a\nhost=evil"), "ls-remote", "origin")
