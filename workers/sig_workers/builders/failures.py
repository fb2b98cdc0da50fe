"""Why a build failed, in one sentence for people, and the line of the Containerfile it failed at."""

from __future__ import annotations

import re
from pathlib import Path

from sig_bots.containerfile import Instruction, lex, problems
from sig_bots.errors import SigbotError

__all__ = ["HISTORY", "Cancelled", "StepFailed", "explain", "in_containerfile", "sentence"]

HISTORY = "history lists "
"""Words of buildah's message when a base has more layers than its history tells of."""

_STEP = re.compile(r"^(?:\[(?P<stage>\d+)/\d+\] )?STEP (?P<number>\d+)/\d+: (?P<text>.*)$", re.MULTILINE)
_FAILED = re.compile(r'^Error: building at STEP "(?P<text>.*?)": (?P<why>.*)', re.MULTILINE)
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
    if "exec format error" in output.lower():
        return (
            f"{failing}: a RUN for another architecture needs emulation, which this host lacks; "
            "enable qemu-user with binfmt_misc there, or keep the Containerfile to COPY for that platform."
        )
    if failed := _last(_FAILED, output):
        why = _clean(failed["why"])
        exits = _EXIT.findall(why)
        if exits:
            return f"{failing} at `{_clean(failed['text'])[:300]}` with exit status {exits[-1]}."
        return f"{failing} at `{_clean(failed['text'])[:300]}`: {why[:400].rstrip('. ')}."
    errors = [line for line in output.splitlines() if line.lower().startswith("error")]
    if not errors and (code < 0 or code == 137):
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


def in_containerfile(error: StepFailed, data: bytes, log: Path, *, network: bool) -> StepFailed:
    """The failure of a whole Containerfile, with its line and in words that name what to change.

    `log` holds the steps that buildah has told of; what it shows may come from the Containerfile too, so nothing
    but a line number is taken from it.
    """
    failed = _last(_FAILED, error.output)
    if (failed is None or not _EXIT.search(failed["why"])) and (found := problems(data)):
        return StepFailed(f"The Containerfile does not parse: {found[0].message}.", line=found[0].line)
    if failed is None:
        return error
    document = next((one for one in lex(data) if one.heredocs), None)
    if document is not None and "Unknown instruction" in failed["why"]:
        # Older ones take each line of a here-document for an instruction.
        reason = "The buildah on this host does not know here-documents, buildah 1.33 does; join the commands with && instead."
        return StepFailed(reason, line=document.line)
    reason = str(error)
    if not network and failed["text"].startswith("RUN") and _NO_NETWORK.search(error.output):
        reason = f"{reason.rstrip('.')}; {_NETWORK_HINT}."
    return StepFailed(reason, line=_line(data, failed["text"], log), output=error.output)


def _line(data: bytes, failed: str, log: Path) -> int | None:
    """Line of the instruction that buildah calls by its number within its stage."""
    told = [step for step in _STEP.finditer(log.read_text(errors="replace")) if step["text"].strip() == failed.strip()]
    if not told:
        return None
    stages: list[list[Instruction]] = []
    for instruction in lex(data):
        if instruction.keyword == "FROM":
            stages.append([])
        if stages:
            stages[-1].append(instruction)
    stage, number = int(told[-1]["stage"] or 1), int(told[-1]["number"])
    if stage > len(stages) or number > len(stages[stage - 1]):
        return None
    found = stages[stage - 1][number - 1]
    return found.line if failed.split(None, 1)[0].upper() == found.keyword else None


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next(reversed(list(pattern.finditer(text))), None)


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", _PLACES.sub("", _DUMP.sub("", text)))
