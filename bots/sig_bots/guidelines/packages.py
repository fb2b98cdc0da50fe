"""Rules about dnf, microdnf and yum in RUN."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sig_bots.guidelines.document import Document, Script
from sig_bots.guidelines.model import GUIDELINES, Edit, Hit, Rule, quoted
from sig_bots.guidelines.shell import Command, ShellWord

__all__ = ["RULES"]

_MANAGERS = frozenset({"dnf", "dnf4", "dnf5", "dnf-3", "microdnf", "yum", "tdnf"})
_INSTALLS = frozenset({"install", "reinstall", "groupinstall", "localinstall", "builddep", "swap", "downgrade"})
_UPGRADES = frozenset({"update", "upgrade", "distro-sync", "dist-upgrade"})
_ASKS = _INSTALLS | _UPGRADES | {"remove", "erase", "autoremove", "groupremove"}
_GROUPED = {"module": {"install", "enable", "disable", "reset", "switch-to"}, "group": {"install", "remove", "upgrade"}}
_YES = re.compile(r"-[a-zA-Z]*y[a-zA-Z]*|--assumeyes|--assumeno|--setopt=assumeyes=(?:1|[Tt]rue|yes)")
_WITH_VALUE = frozenset(
    {"-c", "-d", "-e", "-R", "-x", "--setopt", "--config", "--installroot", "--releasever", "--repo", "--repoid",
     "--enablerepo", "--disablerepo", "--exclude", "--forcearch", "--advisory", "--advisories"}
)  # fmt: skip
_CACHE = re.compile(r"var/(?:cache|lib)/(?:lib)?(?:dnf|yum|microdnf)|var/cache(?:/\*)?/?$|var/\*")


class Call(NamedTuple):
    """One call of a package manager."""

    script: Script
    command: Command
    position: int
    """Its place among the script's commands."""
    manager: ShellWord
    verb: ShellWord
    operands: tuple[str, ...]
    options: tuple[str, ...]

    @property
    def line_offset(self) -> int:
        """Where in the file the call stands."""
        return self.script.place(self.manager.start)


def _calls(script: Script) -> Iterator[Call]:
    for index, command in enumerate(script.commands):
        program = _behind_sudo(command)
        if not program or program[0].text.rsplit("/", 1)[-1] not in _MANAGERS:
            continue
        rest = iter(program[1:])
        options: list[str] = []
        operands: list[ShellWord] = []
        for word in rest:
            if not word.text.startswith("-"):
                operands.append(word)
                continue
            value = next(rest, None) if word.text in _WITH_VALUE else None
            options.append(f"{word.text}={value.text}" if value else word.text)
        if operands:
            names = tuple(word.text for word in operands[1:])
            yield Call(script, command, index, program[0], operands[0], names, tuple(options))


def _short(call: Call) -> str:
    return quoted(f"{call.manager.text} {call.verb.text}")


def asks(document: Document) -> Iterator[Hit]:
    """A call that waits for an answer nobody gives."""
    for script in document.scripts:
        for call in _calls(script):
            asking = call.verb.text in _ASKS or not _GROUPED.get(call.verb.text, set()).isdisjoint(call.operands[:1])
            answered = any(_YES.fullmatch(option) for option in call.options) or call.command.before in ("|", "|&")
            if not asking or answered:
                continue
            line = document.line(call.line_offset)
            behind = script.place(call.manager.end - 1) + 1
            edits = (Edit(behind, behind, b" -y"),) if script.editable else ()
            text = f"{_short(call)} asks before it does anything, and a build cannot answer; add -y"
            yield Hit(line, line, text, edits)


def leaves_cache(document: Document) -> Iterator[Hit]:
    """Package lists and packages stay in the layer."""
    for script in document.scripts:
        if script.step.stage not in document.final or _cache_is_mounted(script):
            continue
        calls = [call for call in _calls(script) if _fills_cache(call)]
        if not calls or any(_cleans(command) for command in script.commands[calls[-1].position + 1 :]):
            continue
        call = calls[-1]
        line = document.line(call.line_offset)
        end = max(line, document.line(script.place(max(call.command.end - 1, 0))))
        clean = f"{call.manager.text} clean all"
        text = f"{_short(call)} leaves its cache in the image; add {quoted(f'&& {clean}')} to the same RUN"
        yield Hit(line, end, text, _clean_edit(call, clean))


def _fills_cache(call: Call) -> bool:
    return call.verb.text in _INSTALLS | _UPGRADES or (call.verb.text in _GROUPED and "install" in call.operands[:1])


def _clean_edit(call: Call, clean: str) -> tuple[Edit, ...]:
    command = call.command
    simple = call.script.editable and command.depth == 0 and command.before not in ("|", "|&", "||")
    if not simple or command.after not in ("", "&&", ";", "\n"):
        return ()
    behind = call.script.place(command.end - 1) + 1
    return (Edit(behind, behind, f" && {clean}".encode("latin-1")),)


def _cleans(command: Command) -> bool:
    program = [word.text for word in _behind_sudo(command)]
    if program and program[0].rsplit("/", 1)[-1] in _MANAGERS:
        return "clean" in program
    return command.name in ("rm", "find") and any(_CACHE.search(word) for word in program)


def _behind_sudo(command: Command) -> list[ShellWord]:
    program = command.program
    first, last = 0, len(program) - 1
    while first <= last and (program[first].text == "sudo" or (program[first].text.startswith("-") and first < last)):
        first += 1
    return program[first:]


def _cache_is_mounted(script: Script) -> bool:
    mounts = [flag.value or "" for flag in script.step.instruction.flags if flag.name == "mount"]
    return any(re.search(r"type=(?:cache|tmpfs)", value) and "/var/" in value for value in mounts)


def upgrades(document: Document) -> Iterator[Hit]:
    """Everything is brought up to date inside the build."""
    for script in document.scripts:
        for call in _calls(script):
            if call.verb.text in _UPGRADES and not call.operands:
                line = document.line(call.line_offset)
                text = f"{_short(call)} makes the image depend on the day of its build; take a newer base image instead"
                yield Hit(line, line, text)


RULES = (
    Rule(
        id="SIG011", severity="error", title="The package manager asks a question",
        reason="dnf, microdnf and yum ask before they change anything. A build has nobody to answer, so it stops.",
        link="https://dnf.readthedocs.io/en/latest/command_ref.html#options",
        bad="RUN dnf install demo && dnf clean all", good="RUN dnf -y install demo && dnf clean all",
        check=asks, hadolint=("DL3038", "DL3030"),
    ),
    Rule(
        id="SIG012", severity="warning", title="The package manager's cache stays in the image",
        reason="Package lists are some hundred megabytes. Each RUN is a layer, so only a clean-up in the same RUN makes the "
        "image smaller. A cache mount on /var/cache, and stages that are not part of the image, need none.",
        link=f"{GUIDELINES}#_dockerfile_example", bad="RUN dnf -y install demo",
        good="RUN dnf -y install demo && dnf clean all", check=leaves_cache, image_only=True, hadolint=("DL3040", "DL3032"),
    ),
    Rule(
        id="SIG013", severity="warning", title="All packages are updated in the build",
        reason="The same commit then gives another image every day, the layer repeats what the base image holds, and nobody "
        "sees what changed. A newer base image arrives by pull request. Naming packages (`dnf -y upgrade openssl`) is fine.",
        link="https://docs.docker.com/build/building/best-practices/#rebuild-your-images-often",
        bad="RUN dnf -y upgrade && dnf clean all", good="RUN dnf -y upgrade openssl && dnf clean all",
        check=upgrades, hadolint=("DL3031", "DL3039"),
    ),
)  # fmt: skip
