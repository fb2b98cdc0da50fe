"""Rules about what RUN and ADD do while the image is built, package managers apart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sig_bots.guidelines.document import Document, Script, Step
from sig_bots.guidelines.model import Edit, Hit, Rule, quoted
from sig_bots.guidelines.shell import Command

__all__ = ["RULES"]

_BEST = "https://docs.docker.com/build/building/best-practices/"
_ARCHIVE = re.compile(r"\.(?:tar|tgz|tbz2?|txz|tzst|tar\.[a-z0-9]+|gz|bz2|xz|zst)[\"']?$", re.IGNORECASE)
_REMOTE = re.compile(r"[\"']?(?:https?|ftp)://", re.IGNORECASE)
_GIT = re.compile(r"[\"']?(?:git@|git://|ssh://|https?://[^ ]*\.git(?:[#?]|[\"']?$))", re.IGNORECASE)
_CREDENTIALS = re.compile(r"//[^/\s]*@")
"""User and password in a URL, which no message repeats."""
_FETCHERS = frozenset({"curl", "wget", "wget2", "fetch"})
_INTERPRETERS = re.compile(r"(?:ba|da|a|z|k)?sh|python[0-9.]*|perl|ruby|node|php")


def add_of_a_plain_file(document: Document) -> Iterator[Hit]:
    """ADD where COPY does the same."""
    for step, sources in _adds(document):
        if sources and all(_plain(source) for source in sources):
            instruction = step.instruction
            edit = Edit(instruction.start, instruction.start + 3, b"COPY")
            written = document.data[edit.start : edit.end].upper() == b"ADD"
            flags = {flag.name for flag in instruction.flags} - {"chown", "chmod", "link", "exclude"}
            text = f"ADD of {quoted(' '.join(sources))} only copies; write COPY"
            yield Hit(instruction.line, instruction.end_line, text, (edit,) if written and not flags else ())


def add_of_an_unverified_url(document: Document) -> Iterator[Hit]:
    """ADD of a URL without a checksum."""
    for step, sources in _adds(document):
        if step.instruction.flag("checksum"):
            continue
        for source in sources:
            if _REMOTE.match(source) and not _GIT.match(source):
                shown = _CREDENTIALS.sub("//", source)
                text = f"ADD takes whatever {quoted(shown)} holds at that moment; add --checksum=sha256:..."
                yield Hit(step.instruction.line, step.instruction.end_line, text)
                break


def _adds(document: Document) -> Iterator[tuple[Step, list[str]]]:
    for step in document.steps:
        if step.keyword != "ADD":
            continue
        form = step.instruction.exec_form
        words = list(form) if form is not None else [word.text for word in step.instruction.words]
        yield step, words[:-1]


def _plain(source: str) -> bool:
    """Whether a source is surely a file or folder of the context that ADD does not unpack."""
    if "$" in source or source.startswith("<<") or _REMOTE.match(source) or _GIT.match(source):
        return False
    return not _ARCHIVE.search(source) and not source.rstrip("\"'").endswith("*")


def piped_to_a_shell(document: Document) -> Iterator[Hit]:
    """A download that is run as it comes."""
    for script in document.scripts:
        fetched: Command | None = None
        for command in script.commands:
            if command.before not in ("|", "|&"):
                fetched = None
            if command.name in _FETCHERS:
                fetched = command
            runs = _INTERPRETERS.fullmatch(_behind_sudo(command))
            piped = fetched is not None and fetched is not command and runs and command.before in ("|", "|&")
            given = (runs or command.name in ("eval", "source", ".")) and any(
                call.name in _FETCHERS for call in command.calls
            )
            if (piped or given) and command.words:
                start = fetched if piped and fetched else command
                line = document.line(script.place(start.words[0].start))
                text = f"what {quoted((fetched or command.calls[0]).name)} downloads is run unseen by {quoted(command.name)}; save it, check it against a checksum, then run it"
                yield Hit(line, max(line, document.line(script.place(command.words[0].start))), text)
                fetched = None


def _behind_sudo(command: Command) -> str:
    if command.name == "sudo":
        return next((word for word in command.arguments if not word.startswith("-")), "")
    return command.name


def sudo(document: Document) -> Iterator[Hit]:
    """A command through sudo."""
    for script in document.scripts:
        for command in script.commands:
            if command.name == "sudo":
                line = document.line(script.place(command.program[0].start))
                text = "sudo has no place in a build: steps run as root until USER; put `USER root` in front and another USER behind"
                yield Hit(line, line, text)


def changes_folder(document: Document) -> Iterator[Hit]:
    """A RUN that begins with cd."""
    for script in document.scripts:
        for command in _outermost(script):
            if command.name != "cd" or command.after in ("|", "|&", "&"):
                continue
            line = document.line(script.place(command.words[0].start))
            if command.after:
                text = "cd holds for this RUN only and hides where things happen; use WORKDIR"
            else:
                text = "cd at the end of a RUN has no effect, the next instruction starts in WORKDIR again; use WORKDIR"
            yield Hit(line, line, text)
            break


def _outermost(script: Script) -> Iterator[Command]:
    """Commands of the RUN's own shell; a here-document is a script of its own, where cd is fine."""
    first = script.place(0)
    instruction = script.step.instruction
    if any(heredoc.start <= first < heredoc.end for heredoc in instruction.heredocs):
        return
    yield from (command for command in script.commands if command.depth == 0 and command.before not in ("|", "|&"))


RULES = (
    Rule(
        id="SIG014", severity="warning", title="ADD copies a plain file",
        reason="ADD also unpacks archives and fetches URLs, so the reader has to think about what it does here. COPY only "
        "copies.",
        link=f"{_BEST}#add-or-copy", bad="ADD demo.conf /etc/demo.conf", good="COPY demo.conf /etc/demo.conf",
        check=add_of_a_plain_file, hadolint=("DL3020",),
    ),
    Rule(
        id="SIG015", severity="warning", title="ADD fetches a URL without a checksum",
        reason="The build takes what the server answers at that moment; with a checksum it takes what you looked at.",
        link="https://docs.docker.com/reference/dockerfile/#add---checksum",
        bad="ADD https://example.org/demo.conf /etc/demo.conf",
        good="ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.org/demo.conf /etc/demo.conf",
        check=add_of_an_unverified_url, hadolint=("DL3020",),
    ),
    Rule(
        id="SIG016", severity="error", title="A download is piped into a shell",
        reason="Whoever answers for the server, or stands in between, runs commands in your build, and a cut connection "
        "runs half a script.",
        link=f"{_BEST}#run", bad="RUN curl -sSf https://example.org/setup | sh",
        good="COPY setup /tmp/setup\nRUN sh /tmp/setup", check=piped_to_a_shell,
    ),
    Rule(
        id="SIG017", severity="warning", title="RUN uses sudo",
        reason="sudo has its own environment, its own limits and its own log, and is one more program with root's rights in "
        "the image.",
        link=f"{_BEST}#user", bad="RUN sudo systemd-tmpfiles --create", good="RUN systemd-tmpfiles --create",
        check=sudo, hadolint=("DL3004",),
    ),
    Rule(
        id="SIG019", severity="style", title="RUN changes its folder",
        reason="The folder is forgotten at the end of the RUN, which surprises people, and a long chain of `cd` is hard to "
        "follow. A subshell `(cd x && ...)` or a here-document is not meant.",
        link=f"{_BEST}#workdir", bad="RUN cd /usr/src/demo && make", good="WORKDIR /usr/src/demo\nRUN make",
        check=changes_folder, hadolint=("DL3003",),
    ),
)  # fmt: skip
