"""What each rule finds and what it leaves alone: (file, {rule: lines}). Rules about the whole image are left out of most."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from sig_bots.guidelines.check import check

D = "sha256:" + "a" * 64
WHOLE = {"SIG004", "SIG005", "SIG009", "SIG010"}


class Case(NamedTuple):
    name: str
    text: str
    found: set[tuple[str, int]]


BASES = [
    Case("a digest needs no tag", f"FROM quay.io/a/b@{D}\n", set()),
    Case("tag and digest", f"FROM quay.io/a/b:1@{D}\n", set()),
    Case("latest held by a digest", f"FROM quay.io/a/b:latest@{D}\n", set()),
    Case("scratch", "FROM scratch\nCOPY a /\n", set()),
    Case("a stage has no tag", "FROM quay.io/a/b:1 AS build\nFROM build AS test\nFROM BUILD\n", set()),
    Case("a platform", "FROM --platform=linux/arm64 quay.io/a/b:1\n", set()),
    Case("a port is no tag", "FROM localhost:5000/b\n", {("SIG001", 1)}),
    Case("a tag from an ARG", "ARG V=42\nFROM quay.io/a/b:$V\n", set()),
    Case("latest from an ARG", "ARG V=latest\nFROM quay.io/a/b:$V\n", {("SIG002", 2)}),
    Case("the whole name from an ARG", "ARG BASE=quay.io/a/b\nFROM $BASE\n", {("SIG001", 2)}),
    Case(
        "a stage named by an ARG", "ARG BASE=build\nFROM quay.io/a/b:1 AS build\nFROM $BASE\nUSER 0\n", {("SIG008", 4)}
    ),
    Case("an ARG known only at build time", "ARG BASE\nFROM $BASE\nFROM quay.io/a/b:$BASE\n", set()),
    Case("a name across lines", "FROM \\\n  quay.io/a/b\n", {("SIG001", 2)}),
    Case("COPY --from an image", "FROM quay.io/a/b:1\nCOPY --from=busybox /a /b\n", {("SIG001", 2), ("SIG003", 2)}),
    Case("COPY --from a stage", "FROM quay.io/a/b:1 AS x\nCOPY --from=x a b\nCOPY --from=0 a b\n", set()),
    Case(
        "RUN --mount from an image",
        "FROM quay.io/a/b:1\nRUN --mount=from=quay.io/c/d,target=/d \\\n  x\n",
        {("SIG001", 2)},
    ),
    Case("FROM in a here-document", "FROM quay.io/a/b:1\nRUN cat > /x <<EOF\nFROM fedora\nEOF\n", set()),
    Case(
        "FROM in a copied file",
        "FROM quay.io/a/b:1\nCOPY <<Containerfile /x\nFROM fedora\nMAINTAINER me\nContainerfile\n",
        set(),
    ),
    Case(
        "byte order mark and CRLF",
        "\ufeffFROM fedora:42\r\nRUN dnf install x\r\n",
        {("SIG003", 1), ("SIG011", 2), ("SIG012", 2)},
    ),
    Case("lower case", "from quay.io/a/b\nmaintainer me\n", {("SIG001", 1), ("SIG007", 2)}),
    Case(
        "escape directive", "# escape=`\nFROM quay.io/a/b:1\nRUN dnf install `\n  x && dnf clean all\n", {("SIG011", 3)}
    ),
]

RUNNING = [
    Case("root in a stage that is not published", "FROM quay.io/a/b:1 AS x\nUSER root\nFROM quay.io/a/b:1\nUSER 1\n", set()),
    Case("root behind another user", "FROM quay.io/a/b:1\nUSER 1\nUSER root:root\n", {("SIG008", 3)}),
    Case("root in quotes", 'FROM quay.io/a/b:1\nUSER "0"\n', {("SIG008", 2)}),
    Case("root by number and group", "FROM quay.io/a/b:1\nUSER 0:1001\n", {("SIG008", 2)}),
    Case("a user whose name begins like root", "FROM quay.io/a/b:1\nUSER rooter\n", set()),
    Case("a user from a variable", "FROM quay.io/a/b:1\nUSER $WHO\n", set()),
    Case("ONBUILD is for other images", "FROM quay.io/a/b:1\nUSER 1\nONBUILD USER root\n", set()),
    Case("the user of the stage it is made from", "FROM quay.io/a/b:1 AS x\nUSER root\nFROM x\n", {("SIG008", 2)}),
    Case("WORKDIR from a variable", "FROM quay.io/a/b:1\nWORKDIR $HOME/x\nWORKDIR ${A}\n", set()),
    Case("WORKDIR in quotes", 'FROM quay.io/a/b:1\nWORKDIR "/a b"\nWORKDIR "b"\n', {("SIG018", 3)}),
    Case("one letter of a WORKDIR", "FROM quay.io/a/b:1\nWORKDIR x\n", {("SIG018", 2)}),
    Case("capitals in a label", 'FROM quay.io/a/b:1\nLABEL \\\n  a=b \\\n  "Version"=1\n', {("SIG006", 4)}),
    Case("capitals in a stage that is not published", "FROM quay.io/a/b:1 AS x\nLABEL Name=b\nFROM quay.io/a/b:1\n", set()),
    Case("the old form of LABEL", "FROM quay.io/a/b:1\nLABEL Name some words\n", {("SIG006", 2)}),
    Case("capitals inside a value", 'FROM quay.io/a/b:1\nLABEL a="Name=x"\n', set()),
    Case("secrets", "FROM quay.io/a/b:1\nARG GITHUB_TOKEN\nENV A=b \\\n  DB_PASSWORD=x\nENV API_KEY x y\n",
         {("SIG020", 2), ("SIG020", 4), ("SIG020", 5)}),
    Case("names that only look like secrets", "FROM quay.io/a/b:1\nENV TOKENIZER=x PASSWORD_FILE=/x SECRET= MONKEY=1\n"
         "ENV TOKEN_URL=https://x\nARG PUBLIC_KEY=x\nENV KEYBOARD=us SSH_PUBLIC_KEY=x\n", set()),
]  # fmt: skip

BUILDING = [
    Case("archives are unpacked", "FROM quay.io/a/b:1\nADD a.tar.gz /\nADD b.tgz /\nADD root.tar.zst /\n", set()),
    Case("ADD of a folder", "FROM quay.io/a/b:1\nADD . /app\n", {("SIG014", 2)}),
    Case("ADD of a file and an archive", "FROM quay.io/a/b:1\nADD a b.tar /x/\n", set()),
    Case("ADD of what a variable names", "FROM quay.io/a/b:1\nADD $FILE /\nADD ${A}/b /\n", set()),
    Case("ADD in the JSON form", 'FROM quay.io/a/b:1\nADD ["a b", "/x"]\n', {("SIG014", 2)}),
    Case("ADD of a URL with its checksum", "FROM quay.io/a/b:1\nADD --checksum=sha256:ab https://x.example/y /\n", set()),
    Case("ADD of a URL", "FROM quay.io/a/b:1\nADD https://x.example/y.tar.gz /\n", {("SIG015", 2)}),
    Case("ADD of a git repository", "FROM quay.io/a/b:1\nADD https://x.example/y.git#v1 /y\nADD git@x.example:y /y\n", set()),
    Case("ADD in ONBUILD", "FROM quay.io/a/b:1\nONBUILD ADD a /\n", {("SIG014", 2)}),
    Case("ADD of a here-document", "FROM quay.io/a/b:1\nADD <<EOF /x\na\nEOF\n", set()),
    Case("curl into sh", "FROM quay.io/a/b:1\nRUN a && \\\n  curl -L x | sudo -E bash -\n", {("SIG016", 3), ("SIG017", 3)}),
    Case("wget through tee into sh", "FROM quay.io/a/b:1\nRUN wget -qO- x | tee y | sh\n", {("SIG016", 2)}),
    Case("a substituted download", 'FROM quay.io/a/b:1\nRUN sh -c "$(curl x)"\nRUN bash <(curl x)\nRUN eval `wget -O- x`\n',
         {("SIG016", 2), ("SIG016", 3), ("SIG016", 4)}),
    Case("curl into tar", "FROM quay.io/a/b:1\nRUN curl x | tar xz && sh /y\nRUN curl x | python3 -m json.tool > y || true\n", {("SIG016", 3)}),
    Case("curl in words only", "FROM quay.io/a/b:1\nRUN echo 'curl x | sh'\nRUN echo curl | sh\n", set()),
    Case("sudo", "FROM quay.io/a/b:1\nRUN a; \\\n  sudo b\nRUN [\"sudo\", \"b\"]\nONBUILD RUN /usr/bin/sudo x\nRUN sh -c 'sudo x'\n",
         {("SIG017", 3), ("SIG017", 4), ("SIG017", 5), ("SIG017", 6)}),
    Case("sudo as an argument", "FROM quay.io/a/b:1\nRUN rpm -q sudo && echo \"sudo\" # sudo\n", set()),
    Case("sudo in a comment of a continuation", "FROM quay.io/a/b:1\nRUN a \\\n  # sudo b\n  && c\n", set()),
    Case("cd in a subshell", "FROM quay.io/a/b:1\nRUN (cd /x && make) && b\nRUN a $(cd /x && pwd)\n", set()),
    Case("cd in a script", "FROM quay.io/a/b:1\nRUN <<EOF\ncd /x\nmake\nEOF\n", set()),
    Case("cd behind something", "FROM quay.io/a/b:1\nRUN a \\\n  && cd /x && make\nRUN cd /y\n", {("SIG019", 3), ("SIG019", 4)}),
    Case("cd under a condition", "FROM quay.io/a/b:1\nRUN if a; then cd /x; make; fi\n", set()),
]  # fmt: skip

PACKAGES = [
    Case("-y anywhere", "FROM quay.io/a/b:1\nRUN dnf install -y a && dnf -y clean all\nRUN dnf -qy install a --setopt x=y; dnf clean all\n", set()),
    Case("--assumeyes", "FROM quay.io/a/b:1\nRUN microdnf install --assumeyes a && microdnf clean all\n", set()),
    Case("yes piped in", "FROM quay.io/a/b:1\nRUN yes | dnf install a && dnf clean all\n", set()),
    Case("each call counts", "FROM quay.io/a/b:1\nRUN dnf install a && \\\n dnf module enable b && \\\n dnf remove c && dnf clean all\n",
         {("SIG011", 2), ("SIG011", 3), ("SIG011", 4)}),
    Case("options with a value", "FROM quay.io/a/b:1\nRUN dnf --setopt tsflags=nodocs --repo x -y install a && dnf clean all\n", set()),
    Case("calls that ask nothing", "FROM quay.io/a/b:1\nRUN dnf list && dnf config-manager addrepo x && dnf makecache\n", set()),
    Case("removing the cache by hand", "FROM quay.io/a/b:1\nRUN dnf -y install a && rm -rf /var/cache/dnf /var/log/*\n"
         "RUN dnf5 -y install a && rm -rf /var/cache/libdnf5\nRUN dnf -y install a && rm -rf /var/cache/*\n", set()),
    Case("cleaning in another RUN", "FROM quay.io/a/b:1\nRUN dnf -y install a\nRUN dnf clean all\n", {("SIG012", 2)}),
    Case("cleaning too early", "FROM quay.io/a/b:1\nRUN dnf clean all && dnf -y install a\n", {("SIG012", 2)}),
    Case("a cache mount", "FROM quay.io/a/b:1\nRUN --mount=type=cache,target=/var/cache/libdnf5 dnf -y install a\n", set()),
    Case("a stage that is not published", "FROM quay.io/a/b:1 AS x\nRUN dnf -y install a\nFROM quay.io/a/b:1\n", set()),
    Case("the line of the call", "FROM quay.io/a/b:1\nRUN set -e \\\n\n  # the tools\n  && dnf install -y a \\\n     b\n", {("SIG012", 5)}),
    Case("a script in a here-document", "FROM quay.io/a/b:1\nRUN <<EOF\nset -e\ndnf install a\nEOF\n", {("SIG011", 4), ("SIG012", 4)}),
    Case("a script for bash", "FROM quay.io/a/b:1\nRUN bash -e <<EOF\ndnf -y upgrade\ndnf clean all\nEOF\n", {("SIG013", 3)}),
    Case("a script for Python", "FROM quay.io/a/b:1\nRUN <<EOF\n#!/usr/bin/python3\ndnf install a\nEOF\nRUN python3 <<EOF\ndnf install a\nEOF\n", set()),
    Case("a file in a here-document", "FROM quay.io/a/b:1\nRUN cat > /x <<EOF\ndnf install a\nEOF\n", set()),
    Case("a here-document inside a script", "FROM quay.io/a/b:1\nRUN <<EOF\ncat > /x <<END\ndnf install a\nEND\nsudo b\nEOF\n", {("SIG017", 6)}),
    Case("the JSON form", 'FROM quay.io/a/b:1\nRUN ["dnf", "install", "a"]\n', {("SIG011", 2), ("SIG012", 2)}),
    Case("upgrading one package", "FROM quay.io/a/b:1\nRUN dnf -y upgrade openssl && dnf clean all\n", set()),
    Case("upgrading everything", "FROM quay.io/a/b:1\nRUN yum -y update && yum clean all\n", {("SIG013", 2)}),
    Case("behind env", "FROM quay.io/a/b:1\nRUN LANG=C env -i A=b dnf install a && dnf clean all\n", {("SIG011", 2)}),
    Case("in words only", "FROM quay.io/a/b:1\nRUN echo dnf install a; echo 'x && dnf install a'\nLABEL a=\"dnf install\"\n", set()),
    Case("under a condition", "FROM quay.io/a/b:1\nRUN if a; then dnf install b; fi; dnf clean all\n", {("SIG011", 2)}),
]  # fmt: skip

CASES = [*BASES, *RUNNING, *BUILDING, *PACKAGES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_findings(case: Case) -> None:
    found = check({"Containerfile": case.text.encode()})
    assert {(one.rule, one.line) for one in found if one.rule not in WHOLE} == case.found


WHOLE_IMAGE = [
    Case("nothing", "FROM quay.io/a/b:1\n", {("SIG004", 1), ("SIG005", 1), ("SIG009", 1), ("SIG010", 1)}),
    Case("it is told at the last FROM", "FROM quay.io/a/b:1 AS x\n\nFROM quay.io/a/b:1\nCMD x\nUSER 1\nLABEL name=a version=1 summary=b maintainer=c\n",
         {("SIG005", 3)}),
    Case("labels of a stage that is not published do not count", "FROM quay.io/a/b:1 AS x\nLABEL name=a version=1 summary=b maintainer=c run=d com.redhat.component=e\n"
         "CMD x\nUSER 1\nFROM scratch\nCOPY --from=x a b\n", {("SIG004", 5), ("SIG005", 5), ("SIG009", 5), ("SIG010", 5)}),
    Case("a stage it is made from counts", "FROM quay.io/a/b:1 AS x\nLABEL name=a version=1 summary=b maintainer=c run=d com.redhat.component=e\n"
         "CMD x\nUSER 1\nFROM x\nEXPOSE 1\n", set()),
    Case("names of the OCI specification", "FROM quay.io/a/b:1\nLABEL org.opencontainers.image.title=a org.opencontainers.image.version=1 "
         "org.opencontainers.image.description=b org.opencontainers.image.authors=c usage=d com.redhat.component=e\nUSER 1\n", set()),
    Case("ENTRYPOINT", "FROM quay.io/a/b:1\nLABEL name=a version=1 summary=b maintainer=c com.redhat.component=e help=h run=r\nENTRYPOINT x\nUSER 1\n", set()),
    Case("labels in ONBUILD are for other images", "FROM quay.io/a/b:1\nONBUILD LABEL name=a version=1 summary=b maintainer=c\nCMD x\nUSER 1\n",
         {("SIG004", 1), ("SIG005", 1)}),
]  # fmt: skip


@pytest.mark.parametrize("case", WHOLE_IMAGE, ids=lambda case: case.name)
def test_findings_about_the_image_as_a_whole(case: Case) -> None:
    assert {(one.rule, one.line) for one in check({"x": case.text.encode()})} == case.found


def test_only_the_missing_labels_are_named() -> None:
    (found,) = [one for one in check({"x": b"FROM a.b/c:1\nLABEL name=a summary=b\n"}) if one.rule == "SIG004"]
    assert "`version`, `maintainer`;" in found.message
    assert "summary" not in found.message


BROKEN = [
    ("", 1), ("# nothing\n", 1), ("RUN true\n", 1), ("FROM a.b/c:1\nRUM x\nADD a /\n", 2), ("FROM a.b/c:1\nRUN <<EOF\nx\n", 2),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line"), BROKEN)
def test_a_file_that_does_not_parse_gives_that_and_nothing_else(text: str, line: int) -> None:
    found = check({"Containerfile": text.encode()})
    assert {one.rule for one in found} == {"SIG000"}
    assert found[0].line == line
    assert found[0].message.startswith("this does not parse: ")


def test_a_file_larger_than_a_mebibyte_is_not_read() -> None:
    (found,) = check({"Containerfile": b"FROM a.b/c:1\n" + b"#" * (1 << 20)})
    assert found.message == "this does not parse: it is larger than 1 MiB"


def test_a_finding_in_a_long_run_knows_its_own_line() -> None:
    text = "FROM a.b/c:1\nRUN a \\\n  && b \\\n  && dnf -y install \\\n    c \\\n    d\n"
    (found,) = [one for one in check({"x": text.encode()}) if one.rule == "SIG012"]
    assert (found.line, found.end_line) == (4, 6)


def test_a_password_in_a_url_is_not_repeated() -> None:
    found = check({"x": b"FROM a.b/c:1\nADD https://jo:hunter2@x.example/y /\n"})
    (message,) = [one.message for one in found if one.rule == "SIG015"]
    assert "`https://x.example/y`" in message
