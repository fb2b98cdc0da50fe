"""The only place that runs git: fixed settings, a bare environment, limits, and failures as sentences.

Every command is an argument list. Nothing of the machine's or the user's git configuration is read, hooks, filters,
fsmonitor, submodules and links in work trees are off, and only the scheme of the checked address may be used. A token
reaches git through a credential helper that reads an inherited memory file, and only for the instance's own origin:
it is never in a URL, an argument, an environment variable or on disk.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from sig_bots.errors import ForgeError, NotFound, Obsolete, SigbotError, Transient, UserError
from sig_workers import process
from sig_workers.clone_url import CloneUrl

__all__ = ["GitCredentials", "GitRunner", "check_branch", "check_sha", "failure", "redact"]

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# The rules of git-check-ref-format(1), one by one; bidi controls and other invisible characters are ours.
_BAD_REF = re.compile(
    r"^[-/.]|[/.]$|//|\.\.|/\.|@\{|\.lock(?:/|$)|^@$"
    r"|[\x00-\x20\x7f-\x9f~^:?*\[\\]|[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
# What git may need from the service's own environment: where certificates and the egress proxy are.
_PASSED_ON = (
    "PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "CURL_CA_BUNDLE",
    "https_proxy", "HTTPS_PROXY", "http_proxy", "no_proxy", "NO_PROXY",
)  # fmt: skip
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.symlinks": "false",
    "core.askPass": "",
    "core.attributesFile": "/dev/null",
    "core.excludesFile": "/dev/null",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    "fetch.recurseSubmodules": "false",
    "fetch.writeCommitGraph": "false",
    "filter.lfs.process": "",
    "filter.lfs.smudge": "",
    "filter.lfs.required": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "push.followTags": "false",
    "push.gpgSign": "false",
    "push.recurseSubmodules": "no",
    "safe.bareRepository": "explicit",
    "submodule.recurse": "false",
    "transfer.fsckObjects": "true",
}
# Old repositories are full of these; they are untidy, not dangerous.
_HARMLESS = ("badTimezone", "badEmail", "missingEmail", "missingNameBeforeEmail", "missingSpaceBeforeDate",
             "missingSpaceBeforeEmail", "zeroPaddedDate", "zeroPaddedFilemode")  # fmt: skip


@dataclass(frozen=True)
class GitCredentials:
    """User name and password or token for the instance's git server."""

    username: str
    password: str = field(repr=False)


def check_sha(sha: str) -> str:
    """The full commit id. Raises NotFound when the text is none."""
    if not _SHA.fullmatch(sha) or not sha.strip("0"):
        raise NotFound(f"{sha[:80]!r} is not a full commit id.")
    return sha


def check_branch(name: str) -> str:
    """The branch name, as git-check-ref-format(1) and we accept it. Raises UserError otherwise."""
    if not name or len(name.encode("utf-8", "replace")) > 200 or _BAD_REF.search(name) or name.startswith("refs/"):
        raise UserError(f"{name[:80]!a} is not a valid branch name.")
    return name


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """The text without the secrets, and without user information in URLs."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return re.sub(r"(?<=://)[^/@\s]+@", "***@", text)


@dataclass(frozen=True)
class GitRunner:
    """Runs git on one bare repository (`git_dir`), and for network commands against one checked address."""

    git_dir: Path
    time_limit: float = 300.0
    """Seconds for one command; a network command that crawls below 1000 bytes/s for 30 s ends earlier."""
    output_limit: int = 64 << 20
    file_limit: int = 2 << 30
    """Largest file (pack) git may write, in bytes."""

    def local(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """A command that needs no network and gets none; its output. Raises SigbotError."""
        return self._run(arguments, {}, stdin, None, None, env or {})

    def remote(
        self,
        url: CloneUrl,
        credentials: GitCredentials | None,
        *arguments: str,
        stdin: bytes = b"",
        settings: Mapping[str, str] | None = None,
    ) -> bytes:
        """A command that talks to the address, which it knows as the remote `origin`.

        Raises Transient (network, server), NotFound, Obsolete (push refused because the branch moved), ForgeError.
        """
        settings = {
            **(settings or {}),
            f"protocol.{url.scheme}.allow": "always",
            "remote.origin.url": url.url,
            "remote.origin.promisor": "true",
            "remote.origin.partialCloneFilter": "blob:none",
        }
        if url.pin:
            settings["http.curloptResolve"] = url.pin
        return self._run(arguments, settings, stdin, url, credentials, {})

    @contextlib.contextmanager
    def reading(self, *arguments: str, stdin: bytes) -> Iterator[BinaryIO]:
        """The output of a local command, piece by piece. Raises Transient when the time limit passes."""
        try:
            with process.stream(
                self._argv(arguments, {}), env=self._environment(), time_limit=self.time_limit, stdin=stdin
            ) as output:
                yield output
        except process.TimedOut:
            raise Transient(f"git {arguments[0]} did not end within {self.time_limit:.0f} s.") from None

    def _argv(self, arguments: Sequence[str], settings: Mapping[str, str]) -> list[str]:
        argv = ["git", f"--git-dir={self.git_dir}", "--literal-pathspecs"]
        for name, value in {**_SETTINGS, **settings}.items():
            argv += ["-c", f"{name}={value}"]
        for name in _HARMLESS:
            argv += ["-c", f"fetch.fsck.{name}=warn"]
        return [*argv, *arguments]

    def _environment(self) -> dict[str, str]:
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return env | {
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def _run(
        self,
        arguments: Sequence[str],
        settings: Mapping[str, str],
        stdin: bytes,
        url: CloneUrl | None,
        credentials: GitCredentials | None,
        env: Mapping[str, str],
    ) -> bytes:
        secrets = [credentials.password] if credentials else []
        with _secret_file(credentials if url and url.origin else None) as secret:
            if secret is not None and url is not None:
                # git asks this helper for the given origin only; the shell text is fixed but for a number.
                helper = f'!f() {{ test "$1" = get && exec cat /proc/self/fd/{secret}; }}; f'
                settings = {**settings, f"credential.{url.origin}.helper": helper}
            try:
                done = process.run(
                    self._argv(arguments, settings), env={**self._environment(), **env}, time_limit=self.time_limit,
                    output_limit=self.output_limit, stdin=stdin, file_limit=self.file_limit,
                    pass_fds=() if secret is None else (secret,),
                )  # fmt: skip
            except process.TimedOut:
                where = f" against {url.host}" if url and url.host else ""
                raise Transient(f"git {arguments[0]}{where} did not end within {self.time_limit:.0f} s.") from None
            except process.OutputTooLarge:
                raise UserError(f"git {arguments[0]} gave more than {self.output_limit >> 20} MiB; the repository is too large.") from None  # fmt: skip
            except FileNotFoundError:
                raise UserError("git is not installed; install the package git.") from None
        if done.code != 0:
            text = (done.stderr + b"\n" + done.stdout[:4096]).decode("utf-8", "replace")
            raise failure(arguments[0], redact(text, secrets), done.code, url.host if url else "", self.file_limit)
        return done.stdout


@contextlib.contextmanager
def _secret_file(credentials: GitCredentials | None) -> Iterator[int | None]:
    if credentials is None:
        yield None
        return
    if any(character in credentials.username + credentials.password for character in "\n\r\0"):
        raise ForgeError("The configured git user name or token holds a line break; correct it in sigbot.toml.")
    file = os.memfd_create("credentials")
    try:
        os.write(file, f"username={credentials.username}\npassword={credentials.password}\n".encode())
        yield file
    finally:
        os.close(file)


# Order matters: the first row that matches decides. Texts are git's own under LC_ALL=C (2.30 to 2.50).
_FAILURES: tuple[tuple[str, type[SigbotError], str], ...] = (
    (r"stale info|fetch first|non-fast-forward|remote ref updated since checkout|cannot lock ref|reference already exists|failed to update ref",
     Obsolete, "The branch on {host} has moved meanwhile, so nothing was pushed."),
    (r"pre-receive hook declined|hook declined|protected branch|GH\d{3}|\[remote rejected\]", ForgeError, "{host} refused the push: {line}."),
    (r"Authentication failed|could not read (?:Username|Password)|returned error: 40[13]|Permission denied",
     ForgeError, "{host} refused our credentials for this repository."),
    (r"returned error: 404|[Rr]epository .*not found|does not appear to be a git repository|does not exist|is this a git repository",
     NotFound, "There is no such repository on {host}."),
    (r"not our ref|not a tree object|[Nn]ot a valid object|bad object|unadvertised object|couldn't find remote ref|[Rr]emote did not send all necessary", NotFound,
     "{host} does not have the wanted commit (any more)."),
    (r"File too large|signal 25|exceeds maximum", UserError, "The repository is larger than the limit of {limit} MiB."),
    (r"No space left on device", Transient, "The disk of the service is full."),
    (r"redirect|returned error: 30\d", ForgeError, "{host} redirects to another address, which is not followed; the repository was renamed or the instance's url is wrong."),
    (r"transport '.*' not allowed", ForgeError, "git refused to use another protocol than the checked address has."),
    (r"fsck error|error in object|badTree|hasDot|gitmodules", ForgeError, "git refused the repository's objects as malformed: {line}."),
    (r"[Cc]ould not resolve host|Failed to connect|Connection (?:refused|reset|timed out)|Could not connect|[Tt]imed out|early EOF|RPC failed|unexpected disconnect|hung up|returned error: (?:429|5\d\d)|SSL|TLS|Operation too slow|Empty reply",
     Transient, "{host} is not reachable ({line})."),
)  # fmt: skip


def failure(command: str, text: str, code: int, host: str, file_limit: int) -> SigbotError:
    """The error for what git printed (`text`, secrets removed). Unknown texts become a ForgeError with git's last line."""
    lines = [line.strip() for line in text.splitlines() if re.match(r"\s*(fatal|error|remote|!)\b|\s*!", line)]
    line = lines[0] if lines else (text.strip().splitlines() or [f"exit status {code}"])[-1]
    line = re.sub(
        r"^(?:fatal: |error: |remote: )*(?:unable to access '[^']*': )?", "", re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", line)
    ).rstrip(". ")[:300]
    if code in (-25, 128 + 25):
        text += " signal 25"
    for pattern, kind, sentence in _FAILURES:
        if re.search(pattern, text):
            message = sentence.format(host=host or "the repository", line=line, limit=file_limit >> 20)
            return Transient(message, host=host or None) if kind is Transient else kind(message)
    return ForgeError(f"git {command} failed: {line}.")
