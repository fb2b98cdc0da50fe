"""Why a build failed, in one sentence for people, and the line of the Containerfile it failed at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from sig_bots.containerfile import Instruction, lex, problems
from sig_bots.errors import SigbotError

__all__ = ["HISTORY", "Cancelled", "StepFailed", "explain", "in_containerfile", "sentence"]

HISTORY = "history lists "
"""Words of buildah's message when a base has more layers than its history tells of."""

_STEP = re.compile(r"^(?:\[(?P<stage>\d+)/\d+\] )?STEP (?P<number>\d+)/\d+: (?P<text>.*)$", re.MULTILINE)
_FAILED = re.compile(r'^Error: building at STEP "(?P<rest>(?P<text>.*?)": (?P<why>.*))', re.MULTILINE)
_FOREIGN = "exec format error"
_KILLED = "sigprocmask unblock failed"
"""What unshare (util-linux) says when the program it waits for was killed."""
_EXIT = re.compile(r"(?:exit status|exited with status) (\d+)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DUMP = re.compile(r" &imagebuilder\.Step\{.*")
_PLACES = re.compile(r'checking on sources under "[^"]*": |copier: |stat: (?=")')
_NO_NETWORK = re.compile(
    r"could not resolve|temporary failure in name resolution|bad address|network is unreachable|name or service not known",
    re.IGNORECASE,
)
_NETWORK_HINT = "a build has no network unless `.sigbot.yaml` on the default branch says `network: true` for the image"


class StepFailed(Exception):
    """The build failed; the text is one sentence, `output` the end of what the failing command wrote."""

    def __init__(self, reason: str, *, line: int | None = None, output: str = "") -> None:
        super().__init__(reason)
        self.line = line
        self.output = output


class Cancelled(Exception):
    """Somebody asked for the end of the build."""


def explain(error: Exception) -> str:
    """One sentence for an error that is not a step's own."""
    if isinstance(error, SigbotError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"The build could not go on: {error.strerror}."
    return f"The builder failed itself ({type(error).__name__}); this is a fault of the service."


def sentence(failing: str, output: str, code: int) -> str:
    """Why a command failed that begins with `failing`, from the end of its output and its exit status."""
    if _FOREIGN in output.lower():
        return (
            f"{failing}: a RUN for another architecture needs emulation, which this host lacks; "
            "enable qemu-user with binfmt_misc there, or keep the Containerfile to COPY for that platform."
        )
    errors = [line for line in output.splitlines() if line.lower().startswith("error")]
    if not errors and (code < 0 or code == 137 or _KILLED in output):
        return f"{failing}: it was killed, perhaps because the host ran out of memory; run it again."
    if "connection refused" in output or "no such host" in output:
        return f"{failing}: the registry is not reachable."
    if "manifest unknown" in output or "name unknown" in output:
        return f"{failing}: there is no such image in the registry."
    if re.search(r"unauthorized|authentication required|denied", output, re.IGNORECASE):
        return f"{failing}: the registry refused our login."
    why = errors[-1] if errors else (output.strip().splitlines() or [f"exit status {code}"])[-1]
    why = re.sub(r"^Error: |^error: ", "", _clean(why))
    return f"{failing}: {why[:400].rstrip('. ')}."


class _Step(NamedTuple):
    """The step that buildah failed at, and why in its words."""

    text: str
    why: str
    stage: int
    number: int


def in_containerfile(error: StepFailed, data: bytes, log: Path, *, network: bool) -> StepFailed:
    """The failure of a whole Containerfile, with its line and in words that name what to change.

    `log` holds the steps that buildah has told of.
    """
    step = _failed_step(error.output, log.read_text(errors="replace"))
    exits = _EXIT.findall(step.why) if step else []
    if not exits and (found := problems(data)):
        return StepFailed(f"The Containerfile does not parse: {found[0].message}.", line=found[0].line)
    if step is None:
        return error
    document = next((one for one in lex(data) if one.heredocs), None)
    if document is not None and "Unknown instruction" in step.why:
        # Older ones take each line of a here-document for an instruction.
        reason = "The buildah on this host does not know here-documents, buildah 1.33 does; join the commands with && instead."
        return StepFailed(reason, line=document.line)
    text = _clean(step.text)[:300]
    if _FOREIGN in error.output.lower():
        reason = str(error)
    elif exits:
        reason = f"The build failed at `{text}` with exit status {exits[-1]}."
        if not network and _NO_NETWORK.search(error.output):
            reason = f"{reason.rstrip('.')}; {_NETWORK_HINT}."
    else:
        reason = f"The build failed at `{text}`: {_clean(step.why)[:400].rstrip('. ')}."
    return StepFailed(reason, line=_line(data, step))


def _failed_step(output: str, log: str) -> _Step | None:
    """From buildah's last error, which quotes the step without any escapes, and from the steps it told of before.

    The log shows what a RUN wrote too; at worst a Containerfile gets its own line wrong.
    """
    failed = _last(_FAILED, output)
    steps = list(_STEP.finditer(log))
    if failed is None:
        return None
    for step in reversed(steps):
        quoted = f'{step["text"].rstrip()}": '
        if failed["rest"].startswith(quoted):
            return _Step(step["text"], failed["rest"].removeprefix(quoted), *_place(step))
    # A list of words is quoted as a sentence.
    return _Step(failed["text"], failed["why"], *(_place(steps[-1]) if steps else (0, 0)))


def _place(step: re.Match[str]) -> tuple[int, int]:
    return int(step["stage"] or 1), int(step["number"])


def _line(data: bytes, step: _Step) -> int | None:
    """Line of the instruction that buildah calls by its number within its stage."""
    stages: list[list[Instruction]] = []
    for instruction in lex(data):
        if instruction.keyword == "FROM":
            stages.append([])
        if stages:
            stages[-1].append(instruction)
    if not (0 < step.stage <= len(stages) and 0 < step.number <= len(stages[step.stage - 1])):
        return None
    found = stages[step.stage - 1][step.number - 1]
    return found.line if step.text.upper().split(None, 1)[:1] == [found.keyword] else None


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next(reversed(list(pattern.finditer(text))), None)


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", _PLACES.sub("", _DUMP.sub("", text)))
