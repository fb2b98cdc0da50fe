"""Fixes: text in, text out, and only what is meant."""

from __future__ import annotations

import pytest

from sig_bots.guidelines.check import fix

HEAD = "FROM a.example/b:1\n"

FIXES = [
    ("each call of a RUN", HEAD + "RUN dnf install a && \\\n  dnf remove b \\\n  && dnf clean all # x\n",
     HEAD + "RUN dnf -y install a && \\\n  dnf -y remove b \\\n  && dnf clean all # x\n"),
    ("both matters of a call", HEAD + "RUN a \\\n  # tools\n  && microdnf install \\\n     b \\\n     c\nUSER 1\n",
     HEAD + "RUN a \\\n  # tools\n  && microdnf -y install \\\n     b \\\n     c && microdnf clean all\nUSER 1\n"),
    ("before what follows", HEAD + "RUN dnf -y install a > /log; b\n", HEAD + "RUN dnf -y install a > /log && dnf clean all; b\n"),
    ("in a here-document", HEAD + "RUN <<EOF\ndnf install a\nb\nEOF\n", HEAD + "RUN <<EOF\ndnf -y install a && dnf clean all\nb\nEOF\n"),
    ("behind flags", HEAD + "RUN --mount=type=secret,id=x dnf install a && dnf clean all\n",
     HEAD + "RUN --mount=type=secret,id=x dnf -y install a && dnf clean all\n"),
    ("in an inner script", HEAD + "RUN sh -c 'dnf install a && dnf clean all'\n", HEAD + "RUN sh -c 'dnf -y install a && dnf clean all'\n"),
    ("short names, quoted or not", 'FROM fedora:42 AS x\nFROM --platform=linux/arm64 "python:3"\nCOPY --from=busybox:1 a b\n',
     'FROM registry.fedoraproject.org/fedora:42 AS x\nFROM --platform=linux/arm64 "docker.io/library/python:3"\nCOPY --from=docker.io/library/busybox:1 a b\n'),
    ("a short name with an ARG behind it", "ARG V=9\nFROM centos:$V\n", "ARG V=9\nFROM quay.io/centos/centos:$V\n"),
    ("a label's key only", HEAD + "LABEL Version=1 \\\n  \"Name\"='Version'\n", HEAD + "LABEL version=1 \\\n  \"name\"='Version'\n"),
    ("MAINTAINER", HEAD + "maintainer  Jo É <jo@example.org>\n", HEAD + 'LABEL maintainer="Jo É <jo@example.org>"\n'),
    ("ADD with flags", HEAD + "add --chown=1:1 a /b\nONBUILD ADD c /d\n", HEAD + "COPY --chown=1:1 a /b\nONBUILD COPY c /d\n"),
    ("CRLF", "FROM a.example/b:1\r\nRUN dnf install a\r\n", "FROM a.example/b:1\r\nRUN dnf -y install a && dnf clean all\r\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in FIXES], ids=[case[0] for case in FIXES])
def test_a_fix_changes_what_it_means_to(before: str, after: str) -> None:
    assert fix("x", before.encode()).data == after.encode()
    assert fix("x", after.encode()).data == after.encode()


LEFT_ALONE = [
    ("the JSON form", HEAD + 'RUN ["dnf", "install", "a"]\n'),
    ("a failure that is let pass", HEAD + "RUN dnf -y install a || true\n"),
    ("a call under a condition", HEAD + "RUN if a; then dnf -y install b; fi\n"),
    ("a short name made of variables", "ARG A=fedora\nFROM $A:42\n"),
    ("a short name that means another one", "FROM buildah:1\n"),
    ("a label that is there under both names", HEAD + "LABEL Version=1 version=2\n"),
    ("MAINTAINER beside the label", HEAD + "LABEL maintainer=a\nMAINTAINER b\n"),
    ("MAINTAINER with a variable", HEAD + "MAINTAINER $WHO\n"),
    ("ADD with a flag COPY lacks", HEAD + "ADD --keep-git-dir=true a /\n"),
    ("what a comment silences", HEAD + "# sigbot ignore=SIG014\nADD a /\n"),
    ("a file that does not parse", HEAD + "RUM x\nADD a /\n"),
]  # fmt: skip


@pytest.mark.parametrize("text", [case[1] for case in LEFT_ALONE], ids=[case[0] for case in LEFT_ALONE])
def test_what_a_person_has_to_decide_is_left_alone(text: str) -> None:
    assert fix("x", text.encode()).data == text.encode()


def test_an_ignored_rule_fixes_nothing() -> None:
    text = (HEAD + "ADD a /\n").encode()
    assert fix("x", text, ignore=["DL3020"]).data == text
