"""Rules about how the image runs: its user, its command, its folders, its secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from sig_bots.guidelines.document import Document, Step
from sig_bots.guidelines.labels import labels
from sig_bots.guidelines.model import GUIDELINES, Hit, Rule, quoted

__all__ = ["RULES"]

_TOP = (
    "FROM quay.io/fedora/fedora:42\n"
    'LABEL name="demo" version="1" summary="A demonstration" maintainer="sig@example.org"\n'
)
_ORIGIN = 'LABEL com.redhat.component="demo" usage="podman run demo"\n'
_BEST = "https://docs.docker.com/build/building/best-practices/"
_ROOT = re.compile(r"(?:root|0+)(?::.*)?")
_TELLS_HOW = frozenset({"run", "usage", "help"})
_SECRET_WORDS = frozenset(
    {"PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "CREDENTIAL", "CREDENTIALS", "APIKEY"}
)
_SECRET_PAIRS = frozenset({("API", "KEY"), ("PRIVATE", "KEY"), ("SECRET", "KEY"), ("AUTH", "KEY")})
_HARMLESS_ENDS = frozenset(
    {
        "FILE",
        "PATH",
        "DIR",
        "URL",
        "URI",
        "NAME",
        "ID",
        "LENGTH",
        "TTL",
        "TYPE",
        "HEADER",
        "ENDPOINT",
        "TIMEOUT",
        "LIMIT",
    }
)


def _last(document: Document, *keywords: str) -> Step | None:
    return next((step for step in reversed(document.final_steps) if step.keyword in keywords), None)


def runs_as_root(document: Document) -> Iterator[Hit]:
    """The last USER is root."""
    last = _last(document, "USER")
    if last is not None and _ROOT.fullmatch(last.instruction.value.strip("\"'")):
        yield Hit(
            last.instruction.line, last.instruction.end_line,
            "the image runs as root; end with USER and a number other than 0, for example `USER 1001`",
        )  # fmt: skip


def no_user(document: Document) -> Iterator[Hit]:
    """No USER at all."""
    if document.stages and _last(document, "USER") is None:
        place = document.stages[-1].instruction
        text = "no USER, so the base image decides, which is root for most; say it, for example `USER 1001`"
        yield Hit(place.line, place.end_line, text)


def no_command(document: Document) -> Iterator[Hit]:
    """Nothing says what runs."""
    if not document.stages or _last(document, "CMD", "ENTRYPOINT") is not None:
        return
    if any(label.key in _TELLS_HOW for label in labels(document)):
        return
    place = document.stages[-1].instruction
    yield Hit(
        place.line, place.end_line,
        "neither CMD nor ENTRYPOINT, and no label `usage`, `run` or `help` that tells how to run the image; add one",
    )  # fmt: skip


def relative_workdir(document: Document) -> Iterator[Hit]:
    """WORKDIR that depends on the one before it."""
    for step in document.steps:
        if step.keyword != "WORKDIR":
            continue
        folder = step.instruction.value.strip("\"'")
        if folder and not re.match(r"/|\$|[A-Za-z]:|\\", folder):
            text = f"WORKDIR {quoted(folder)} is relative to wherever the base image ended; write it from `/` on"
            yield Hit(step.instruction.line, step.instruction.end_line, text)


def secret_in_environment(document: Document) -> Iterator[Hit]:
    """ENV or ARG of a secret's name. What it is set to is never repeated."""
    for step in document.steps:
        if step.keyword not in ("ENV", "ARG"):
            continue
        words = step.instruction.words
        if step.keyword == "ENV" and words and "=" not in words[0].text:  # the old form, ENV name value
            words = words[:1]
            pairs = [(words[0].text, step.instruction.value[len(words[0].text) :].strip())]
        else:
            pairs = [(name, value) for name, _, value in (word.text.partition("=") for word in words)]
        for (name, value), word in zip(pairs, words, strict=True):
            empty = step.keyword == "ENV" and not value.strip("\"'")
            if not empty and _names_a_secret(name):
                line = document.line(word.start)
                text = f"{step.keyword} {quoted(name)} stays readable in the image; use RUN --mount=type=secret"
                yield Hit(line, line, text)


def _names_a_secret(name: str) -> bool:
    parts = re.split(r"[_.-]+", name.upper())
    if parts[-1] in _HARMLESS_ENDS or "PUBLIC" in parts:
        return False
    return not _SECRET_WORDS.isdisjoint(parts) or any(pair in _SECRET_PAIRS for pair in pairwise(parts))


RULES = (
    Rule(
        id="SIG008", severity="warning", title="The image runs as root",
        reason="A process that breaks out of a container as root is root on the host where no user namespace is in use, "
        "and OpenShift refuses to run it. Use root for the build steps and end with another USER.",
        link=f"{_BEST}#user", bad="USER root", good="USER 1001", check=runs_as_root,
        frame=f'{_TOP}{_ORIGIN}{{example}}\nCMD ["/usr/bin/demo"]\n', image_only=True, hadolint=("DL3002",), colin=("no_root",),
    ),
    Rule(
        id="SIG009", severity="info", title="The image does not say which user it runs as",
        reason="Without USER the base image decides, and may decide otherwise tomorrow. Most base images mean root.",
        link=f"{_BEST}#user", bad="EXPOSE 8080", good="EXPOSE 8080\nUSER 1001", check=no_user,
        frame=f'{_TOP}{_ORIGIN}{{example}}\nCMD ["/usr/bin/demo"]\n', whole_file=True, colin=("no_root",),
    ),
    Rule(
        id="SIG010", severity="warning", title="Nothing says what the image runs",
        reason="The Fedora guidelines require CMD or ENTRYPOINT, so that `podman run IMAGE` does what people expect. An "
        "image that is only copied from says so in a label `usage`.",
        link=f"{GUIDELINES}#_cmd_entrypoint", bad="EXPOSE 8080", good='EXPOSE 8080\nCMD ["/usr/bin/demo"]', check=no_command,
        frame=f'{_TOP}LABEL com.redhat.component="demo"\n# sigbot global ignore=SIG005\n{{example}}\nUSER 1001\n',
        whole_file=True, colin=("cmd_or_entrypoint",),
    ),
    Rule(
        id="SIG018", severity="warning", title="WORKDIR is relative",
        reason="A relative WORKDIR starts where the base image happened to end, so the files land elsewhere when it changes.",
        link=f"{_BEST}#workdir", bad="WORKDIR app", good="WORKDIR /app", check=relative_workdir, hadolint=("DL3000",),
    ),
    Rule(
        id="SIG020", severity="error", title="A secret is set with ENV or ARG",
        reason="Both are kept in the image's configuration and history, where everybody who can pull the image reads them.",
        link="https://docs.docker.com/build/building/secrets/", bad='ENV API_TOKEN="example"',
        good="ENV API_TOKEN_FILE=/run/secrets/token", check=secret_in_environment, hadolint=("DL3064",),
    ),
)  # fmt: skip
