"""Hand-written Containerfiles, each for one fact of the grammar, with the images it uses."""

from __future__ import annotations

from typing import NamedTuple

D1 = "sha256:" + "a" * 64


class Case(NamedTuple):
    """A file, and for each reference: instruction, resolved text, kind, line, text at the edit place (None: not editable)."""

    name: str
    data: bytes
    expected: list[tuple[str, str | None, str, int, str | None]]


def _case(name: str, data: str | bytes, *expected: tuple[str, str | None, str, int, str | None]) -> Case:
    return Case(name, data.encode() if isinstance(data, str) else data, list(expected))


def _from(image: str, line: int = 1, kind: str = "base") -> tuple[str, str, str, int, str]:
    return ("FROM", image, kind, line, image)


FILES: list[Case] = [
    _case("plain", "FROM fedora:41\n", _from("fedora:41")),
    _case("no tag", "FROM fedora\n", _from("fedora")),
    _case("no final newline", "FROM fedora:41", _from("fedora:41")),
    _case("lower case", "from fedora:41 as x\nrun true\n", _from("fedora:41")),
    _case("mixed case", "FrOm fedora:41 aS Base\nFROM base\n", _from("fedora:41")),
    _case("digest pin", f"FROM quay.io/a/b:1@{D1}\n", _from(f"quay.io/a/b:1@{D1}")),
    _case("digest only", f"FROM quay.io/a/b@{D1}\n", _from(f"quay.io/a/b@{D1}")),
    _case("port without tag", "FROM localhost:5000/x\n", _from("localhost:5000/x")),
    _case("platform flag", "FROM --platform=linux/arm64 fedora:41\n", _from("fedora:41")),
    _case("scratch", "FROM scratch\nCOPY a /\n"),
    _case("tabs and trailing blanks", "\tFROM\t fedora:41 \t \n", _from("fedora:41")),
    _case("byte order mark and CRLF", b"\xef\xbb\xbfFROM fedora:41\r\nRUN true \\\r\n  && false\r\nFROM x:1\r\n",
          _from("fedora:41", kind="builder"), _from("x:1", 4)),
    _case("continuation", "FROM \\\n  fedora:41 \\\n  AS x\n", _from("fedora:41", 2)),
    _case("comment in a continuation", "FROM \\\n# which one?\n  fedora:41\n", _from("fedora:41", 3)),
    _case("blank line in a continuation", "RUN a \\\n\n  b\nFROM fedora:41\n", _from("fedora:41", 4)),
    _case("comment that ends in a backslash", "# see \\\nFROM fedora:41\n", _from("fedora:41", 2)),
    _case("two backslashes do not continue", "RUN echo \\\\\nFROM fedora:41\n", _from("fedora:41", 2)),
    _case("continuation to the end", "FROM fedora:41\nRUN x \\", _from("fedora:41")),
    _case("keyword split over lines", "FR\\\nOM fedora:41\n", _from("fedora:41", 2)),
    _case("name split over lines", "FROM fed\\\nora:41\n", ("FROM", "fedora:41", "base", 1, None)),
    _case("escape directive", "# escape=`\nFROM fedora:41 `\n  AS x\nRUN dir c:\\\nFROM x:1\n",
          _from("fedora:41", 2, "builder"), _from("x:1", 5)),
    _case("escape directive too late", "# hello\n# escape=`\nFROM fedora:41 \\\n AS x\n", _from("fedora:41", 3)),
    _case("escape directive after a blank line", "\n# escape=`\nFROM fedora:41 \\\n AS x\n", _from("fedora:41", 3)),
    _case("syntax directive before escape", "# syntax=docker/dockerfile:1\n# ESCAPE = `\nFROM fedora:41 `\n AS x\n", _from("fedora:41", 3)),
    _case("heredoc", "FROM fedora:41\nRUN <<EOF\nFROM evil:1\nEOF\nRUN true\n", _from("fedora:41")),
    _case("several heredocs on a line", "FROM fedora:41\nRUN cat <<A && cat <<B\nFROM evil:1\nA\nFROM evil:2\nB\nCOPY --from=x:1 a b\n",
          _from("fedora:41"), ("COPY", "x:1", "copy", 7, "x:1")),
    _case("heredoc with tabs stripped", "FROM fedora:41\nRUN <<-EOF\n\tFROM evil:1\n\tEOF\n", _from("fedora:41")),
    _case("heredoc with a quoted word", "FROM fedora:41\nRUN <<'E F'\nFROM evil:1\nE F\nCOPY --from=x:1 a b\n",
          _from("fedora:41"), ("COPY", "x:1", "copy", 5, "x:1")),
    _case("heredoc in COPY", "FROM fedora:41\nCOPY <<a.txt <<b.txt /x\nFROM evil:1\na.txt\nFROM evil:2\nb.txt\n", _from("fedora:41")),
    _case("heredoc in ONBUILD", "FROM fedora:41\nONBUILD RUN <<EOF\nFROM evil:1\nEOF\n", _from("fedora:41")),
    _case("heredoc with a descriptor", "FROM fedora:41\nRUN 3<<EOF cat\nFROM evil:1\nEOF\n", _from("fedora:41")),
    _case("heredoc behind a continuation", "FROM fedora:41\nRUN cat \\\n  <<EOF\nFROM evil:1\nEOF\n", _from("fedora:41")),
    _case("blank before the word is no heredoc", "RUN << EOF\nFROM fedora:41\n", _from("fedora:41", 2)),
    _case("here-string is no heredoc", "RUN cat <<<EOF\nFROM fedora:41\n", _from("fedora:41", 2)),
    _case("shift operator is no heredoc", "RUN echo $((1<<2))\nFROM fedora:41\n", _from("fedora:41", 2)),
    _case("JSON form has no heredoc", 'RUN ["<<EOF"]\nFROM fedora:41\n', _from("fedora:41", 2)),
    _case("LABEL has no heredoc", 'LABEL a="<<EOF"\nFROM fedora:41\n', _from("fedora:41", 2)),
    _case("unclosed quote hides a heredoc", "RUN echo don't <<EOF\nFROM fedora:41\n", _from("fedora:41", 2)),
    _case("unterminated heredoc", "FROM fedora:41\nRUN <<EOF\nFROM evil:1\n", _from("fedora:41")),
    _case("stage names, numbers and images", "FROM fedora:41 AS Build\nFROM x:1\nCOPY --from=build a b\nCOPY --from=0 a b\nCOPY --from=y:2 a b\n",
          _from("fedora:41", kind="builder"), _from("x:1", 2), ("COPY", "y:2", "copy", 5, "y:2")),
    _case("--from names a later stage", "FROM fedora:41\nCOPY --from=late a b\nFROM x:1 AS late\n",
          _from("fedora:41", kind="builder"), _from("x:1", 3)),
    _case("FROM cannot name itself", "FROM fedora AS fedora\nFROM fedora\n", _from("fedora")),
    _case("last stage through other stages", "FROM a:1 AS one\nFROM b:1 AS two\nFROM one AS three\nFROM three\n",
          _from("a:1"), _from("b:1", 2, "builder")),
    _case("--from among other flags", "FROM a:1\nCOPY --chown=1:1 --from=quay.io/x/y:1.2 --link a b\n",
          _from("a:1"), ("COPY", "quay.io/x/y:1.2", "copy", 2, "quay.io/x/y:1.2")),
    _case("quoted --from", 'FROM a:1\nCOPY --from="y:2" a b\n', _from("a:1"), ("COPY", "y:2", "copy", 2, "y:2")),
    _case("--from in arguments is no flag", "FROM a:1\nCOPY a --from=y:2 b\n", _from("a:1")),
    _case("several mounts", "FROM a:1\nRUN --mount=type=cache,target=/c --mount=type=bind,from=x:1,target=/x --mount=from=y:2,target=/y \\\n  --mount=from=0,target=/z make\n",
          _from("a:1"), ("RUN", "x:1", "mount", 2, "x:1"), ("RUN", "y:2", "mount", 2, "y:2")),
    _case("mount behind a continuation", "FROM a:1\nRUN \\\n  # the tools\n  --mount=type=bind,from=x:1 \\\n  make\n",
          _from("a:1"), ("RUN", "x:1", "mount", 4, "x:1")),
    _case("mount key in capitals", "FROM a:1\nRUN --mount=type=bind,From=x:1 make\n", _from("a:1"), ("RUN", "x:1", "mount", 2, "x:1")),
    _case("ONBUILD COPY --from", "FROM a:1\nONBUILD COPY --from=y:2 a b\n", _from("a:1"), ("COPY", "y:2", "copy", 2, "y:2")),
    _case("ONBUILD RUN --mount", "FROM a:1\nonbuild run --mount=from=y:2 make\n", _from("a:1"), ("RUN", "y:2", "mount", 2, "y:2")),
    _case("ONBUILD FROM is no base", "FROM a:1\nONBUILD FROM evil:1\n", _from("a:1")),
    _case("ARG holds the whole reference", "ARG BASE=quay.io/a/b:1\nFROM $BASE\n", ("FROM", "quay.io/a/b:1", "base", 2, "quay.io/a/b:1")),
    _case("ARG in quotes", 'ARG A=1 BASE="quay.io/a/b:1"\nFROM ${BASE}\n', ("FROM", "quay.io/a/b:1", "base", 2, "quay.io/a/b:1")),
    _case("ARG holds the tag", "ARG V=41\nFROM fedora:${V}\n", ("FROM", "fedora:41", "base", 2, "41")),
    _case("ARG holds the registry", "ARG REG=quay.io\nFROM ${REG}/a/b:1.2\n", ("FROM", "quay.io/a/b:1.2", "base", 2, "1.2")),
    _case("quoted word with a variable", 'ARG REG=quay.io\nFROM "${REG}/a/b:1.2"\n', ("FROM", "quay.io/a/b:1.2", "base", 2, "1.2")),
    _case("default in place", "FROM fedora:${V:-41}\n", ("FROM", "fedora:41", "base", 1, "41")),
    _case("default in place beats an empty ARG", "ARG V=\nFROM fedora:${V:-41}\n", ("FROM", "fedora:41", "base", 2, "41")),
    _case("ARG beats the default in place", "ARG V=42\nFROM fedora:${V:-41}\n", ("FROM", "fedora:42", "base", 2, "42")),
    _case("alternative when set", "ARG DEBUG=1\nFROM fedora${DEBUG:+-debug}:41\n", ("FROM", "fedora-debug:41", "base", 2, "41")),
    _case("alternative when unset", "FROM fedora${DEBUG:+-debug}:41\n", ("FROM", "fedora:41", "base", 1, "41")),
    _case("ARG from another ARG", "ARG REG=quay.io/a\nARG BASE=${REG}/b:1\nFROM ${BASE}\n", ("FROM", "quay.io/a/b:1", "base", 3, "1")),
    _case("two ARGs in a tag", "ARG A=3.12\nARG B=41\nFROM python:${A}-fc${B}\n", ("FROM", "python:3.12-fc41", "base", 3, "3.12")),
    _case("ARG with no default", "ARG V\nFROM fedora:${V}\n", ("FROM", None, "base", 2, None)),
    _case("ARG behind FROM is not visible", "FROM fedora:41\nARG V=2\nFROM x:${V}\n", _from("fedora:41", kind="builder"), ("FROM", None, "base", 3, None)),
    _case("ARG given twice", "ARG V=40\nARG V=41\nFROM fedora:$V\n", ("FROM", "fedora:41", "base", 3, None)),
    _case("ARG shared by two images", "ARG V=3.20\nFROM node:22-alpine${V}\nFROM alpine:${V}\n",
          ("FROM", "node:22-alpine3.20", "builder", 2, None), ("FROM", "alpine:3.20", "base", 3, None)),
    _case("ARG shared by one image twice", "ARG V=41\nFROM fedora:$V AS a\nFROM fedora:$V\n",
          ("FROM", "fedora:41", "builder", 2, "41"), ("FROM", "fedora:41", "base", 3, "41")),
    _case("platform ARG picks a stage", "FROM a:1 AS base-amd64\nFROM b:1 AS base-arm64\nFROM base-${TARGETARCH}\n", _from("a:1"), _from("b:1", 2)),
    _case("platform ARG in an image", "FROM quay.io/x/y:1-${TARGETARCH}\n", ("FROM", None, "base", 1, None)),
    _case("declared platform ARG without default", "ARG TARGETARCH\nFROM a:1-$TARGETARCH\n", ("FROM", None, "base", 2, None)),
    _case("default without a colon keeps an empty ARG", "ARG V=\nFROM ${V-fedora:41}\n", ("FROM", "", "base", 2, None)),
    _case("required ARG that is there", "ARG V=41\nFROM fedora:${V:?say}\n", ("FROM", "fedora:41", "base", 2, "41")),
    _case("required ARG that is missing", "FROM fedora:${V?}\n", ("FROM", None, "base", 1, None)),
    _case("digits before a default", "FROM a:alpine3.${V:-9}\n", ("FROM", "a:alpine3.9", "base", 1, "9")),
    _case("ARG holds only a word of the tag", "ARG KIND=-slim\nFROM node:8$KIND\n", ("FROM", "node:8-slim", "base", 2, "8")),
    _case("default in ARG of an ARG", "ARG V=${W:-41}\nFROM fedora:$V\n", ("FROM", "fedora:41", "base", 2, "41")),
    _case("suffix cut from an ARG", "ARG V=3.12.5\nFROM python:${V%.*}-slim\n", ("FROM", "python:3.12-slim", "base", 2, None)),
    _case("prefix cut from an ARG", "ARG V=v1.2\nFROM a:${V#v}\n", ("FROM", "a:1.2", "base", 2, None)),
    _case("text replaced in an ARG", "ARG V=1.2.3\nFROM a:${V//./-}\n", ("FROM", "a:1-2-3", "base", 2, None)),
    _case("suffix cut from an unknown ARG", "ARG V\nFROM a:${V%.*}\n", ("FROM", None, "base", 2, None)),
    _case("registry ARG shared by two images", "ARG R=quay.io\nFROM ${R}/a:1 AS x\nFROM ${R}/b:2\n",
          ("FROM", "quay.io/a:1", "builder", 2, "1"), ("FROM", "quay.io/b:2", "base", 3, "2")),
    _case("ARG in a stage does not change FROM", "ARG V=1\nFROM a:$V AS x\nARG V=2\nFROM b:$V\n",
          ("FROM", "a:1", "builder", 2, None), ("FROM", "b:1", "base", 4, None)),
    _case("stage that an ARG picks", "ARG T=prod\nFROM a:1 AS prod\nFROM b:1 AS dev\nFROM ${T}\n", _from("a:1", 2), _from("b:1", 3, "builder")),
    _case("scratch as a stage", "FROM scratch AS base\nFROM base\nCOPY --from=base a b\n"),
    _case("IPv6 registry", "FROM [2001:db8::1]:5000/x:1\n", _from("[2001:db8::1]:5000/x:1")),
    _case("ADD knows no --from", "FROM a:1\nADD --from=b:1 x y\n", _from("a:1")),
    _case("quoted mount field", "FROM a:1\nRUN --mount=type=bind,\"from=x:1\",target=/y make\n", _from("a:1"), ("RUN", "x:1", "mount", 2, "x:1")),
    _case("mount split over lines", "FROM a:1\nRUN --mount=type=bind,\\\nfrom=x:1 make\n", _from("a:1"), ("RUN", "x:1", "mount", 3, "x:1")),
    _case("form feed and vertical tab", "FROM\x0cfedora:41\x0bAS\x0cx\n", _from("fedora:41")),
    _case("carriage return inside a line", "FROM fedora:41\rAS\rx\nFROM x\n", _from("fedora:41")),
    _case("heredoc in ADD", "FROM a:1\nADD <<EOF /x\nFROM evil:1\nEOF\nCOPY --from=b:2 a b\n", _from("a:1"), ("COPY", "b:2", "copy", 5, "b:2")),
    _case("variable in --from", "FROM a:1\nARG V=y:2\nCOPY --from=$V a b\n", _from("a:1"), ("COPY", "y:2", "copy", 3, None)),
    _case("not a reference", "FROM docker://x\n", ("FROM", "docker://x", "base", 1, None)),
    _case("bytes that are not UTF-8", b"FROM fedora:41\nLABEL a=\xff\xfe\nFROM x:1\n", _from("fedora:41", kind="builder"), _from("x:1", 3)),
]  # fmt: skip
