"""Rules about the labels of the image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sig_bots.containerfile import Instruction, Word
from sig_bots.guidelines.document import Document
from sig_bots.guidelines.model import GUIDELINES, Edit, Hit, Rule, quoted

__all__ = ["RULES", "Label", "labels"]

_LABELS = f"{GUIDELINES}#_labels"
_FROM = "FROM quay.io/fedora/fedora:42\n"
_END = '\nUSER 1001\nCMD ["/usr/bin/demo"]\n'
_ORIGIN = 'LABEL com.redhat.component="demo" usage="podman run demo"'
_USUAL = 'LABEL name="demo" version="1" summary="A demonstration" maintainer="sig@example.org"'

_OCI = "org.opencontainers.image."
_REQUIRED = {
    "name": (f"{_OCI}title",),
    "version": (f"{_OCI}version",),
    "summary": ("description", "io.k8s.description", f"{_OCI}description"),
    "maintainer": (f"{_OCI}authors",),
}
"""Label -> others that say the same (the OCI specification's names among them)."""

_DEPRECATED = {
    "Name": "name", "Version": "version", "Release": "release", "Architecture": "architecture",
    "BZComponent": "com.redhat.component", "INSTALL": "install", "UNINSTALL": "uninstall", "RUN": "run",
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9_./-]+")


class Label(NamedTuple):
    """One label as written: its key without quotes, and the word that holds the key."""

    key: str
    instruction: Instruction
    word: Word


def labels(document: Document) -> Iterator[Label]:
    """The labels of the image, from the stages it is made of."""
    for step in document.final_steps:
        if step.keyword != "LABEL":
            continue
        words = step.instruction.words
        if words and "=" not in words[0].text:  # the old form, LABEL key value
            yield Label(words[0].text.strip("\"'"), step.instruction, words[0])
            continue
        for word in words:
            key, equals, _ = word.text.partition("=")
            if equals:
                yield Label(key.strip("\"'"), step.instruction, word)


def _place(document: Document) -> tuple[int, int]:
    """Where something is missing: the FROM of the last stage."""
    last = document.stages[-1].instruction
    return last.line, last.end_line


def missing(document: Document) -> Iterator[Hit]:
    """One of the labels that every image needs."""
    if not document.stages:
        return
    present = {label.key for label in labels(document)}
    if any(step.keyword == "MAINTAINER" for step in document.final_steps):
        present.add("maintainer")
    absent = [name for name, others in _REQUIRED.items() if not present & {name, *others, name.capitalize()}]
    if absent:
        names = ", ".join(quoted(name) for name in absent)
        yield Hit(*_place(document), f"the image has no label {names}; add it with LABEL")


def missing_origin(document: Document) -> Iterator[Hit]:
    """What the Fedora guidelines ask for besides."""
    if not document.stages:
        return
    present = {label.key for label in labels(document)}
    absent = [] if present & {"com.redhat.component", "BZComponent"} else ["`com.redhat.component`"]
    if not present & {"run", "usage", "RUN"}:
        absent.append("`usage` (or `run`)")
    if absent:
        yield Hit(*_place(document), f"the image has no label {' and no '.join(absent)}, as images in Fedora have")


def capitalised(document: Document) -> Iterator[Hit]:
    """A label by its old name."""
    present = {label.key for label in labels(document)}
    for label in labels(document):
        new = _DEPRECATED.get(label.key)
        if new is None:
            continue
        line = document.line(label.word.start)
        edits = () if new in present else _rename(document, label, new)
        yield Hit(line, line, f"the label {quoted(label.key)} is deprecated; its name is {quoted(new)}", edits)


def _rename(document: Document, label: Label, new: str) -> tuple[Edit, ...]:
    word = label.word
    start = word.start + (word.text[:1] in ("'", '"'))
    end = start + len(label.key)
    if not word.contiguous or document.data[start:end] != label.key.encode():
        return ()
    return (Edit(start, end, new.encode()),)


def maintainer(document: Document) -> Iterator[Hit]:
    """The instruction MAINTAINER."""
    known = any(label.key == "maintainer" for label in labels(document))
    for step in document.steps:
        if step.keyword != "MAINTAINER":
            continue
        instruction = step.instruction
        value = instruction.value
        simple = value.strip("\"'").isprintable() and not set(value.strip("\"'")) & set("\"'\\$`")
        edits: tuple[Edit, ...] = ()
        if simple and value and not known and instruction.line == instruction.end_line:
            text = f'LABEL maintainer="{value.strip(chr(34) + chr(39))}"'
            edits = (Edit(instruction.start, instruction.end, text.encode("utf-8", "surrogateescape")),)
        message = "MAINTAINER is deprecated and seen by few tools; write it as LABEL maintainer=..."
        yield Hit(instruction.line, instruction.end_line, message, edits)


RULES = (
    Rule(
        id="SIG004", severity="warning", title="A required label is missing",
        reason="Name, version, summary and maintainer are how people and registries tell what an image is and whom to "
        "ask. The names of the OCI specification (`org.opencontainers.image.title`, `.version`, `.description`, "
        "`.authors`) count as well. Labels of a base image do not: they describe the base image.",
        link=_LABELS, bad='LABEL name="demo" summary="A demonstration"', good=_USUAL,
        check=missing, frame=f"{_FROM}{{example}}\n{_ORIGIN}{_END}", whole_file=True,
        colin=("name_label", "version_label", "summary_label", "maintainer_label"),
    ),
    Rule(
        id="SIG005", severity="info", title="A label for images in Fedora is missing",
        reason="The Fedora guidelines ask for the component that takes bug reports, and for a command line that shows how "
        "the image is used. Outside of Fedora's own collection this is advice.",
        link=f"{GUIDELINES}#_label_specification", bad='LABEL com.redhat.component="demo"', good=_ORIGIN,
        check=missing_origin, frame=f"{_FROM}{_USUAL}\n{{example}}{_END}", whole_file=True,
        colin=("com.redhat.component_label", "run_or_usage_label"),
    ),
    Rule(
        id="SIG006", severity="warning", title="A label has its old, capitalised name",
        reason="Labels are told apart by case, and tools read the lower-case names; `Name` is seen by nobody.",
        link="https://github.com/projectatomic/ContainerApplicationGenericLabels", bad='LABEL Release="1"',
        good='LABEL release="1"', check=capitalised,
        colin=(
            "architecture_label_capital_deprecated", "bzcomponent_deprecated", "install_label_capital_deprecated",
            "name_label_capital_deprecated", "release_label_capital_deprecated", "uninstall_label_capital_deprecated",
            "version_label_capital_deprecated",
        ),
    ),
    Rule(
        id="SIG007", severity="warning", title="MAINTAINER is deprecated",
        reason="Builders keep MAINTAINER for old files only; what it says is not a label and is lost in many tools.",
        link="https://docs.docker.com/reference/dockerfile/#maintainer-deprecated", bad="MAINTAINER sig@example.org",
        good='LABEL maintainer="sig@example.org"', check=maintainer, hadolint=("DL4000",), colin=("maintainer_deprecated",),
        frame=f'{_FROM}LABEL name="demo" version="1" summary="A demonstration"\n{{example}}\n{_ORIGIN}{_END}',
    ),
)  # fmt: skip
