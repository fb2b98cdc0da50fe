"""The reference parser (BuildKit's, through the `dockerfile` package) as the judge of our lexer."""

from __future__ import annotations

from typing import NamedTuple

import dockerfile

from sig_bots.containerfile import lex


class Seen(NamedTuple):
    """What both sides must agree on for one instruction."""

    keyword: str
    inner: str
    first_line: int
    last_line: int
    flags: tuple[str, ...]
    heredocs: tuple[tuple[str, str], ...]


def reference_parser(data: bytes) -> list[Seen] | None:
    """What the reference parser sees; None when it refuses the file.

    The binding crashes on text that is not UTF-8, so that is kept from it.
    """
    try:
        commands = dockerfile.parse_string(data.decode())
    except (dockerfile.GoParseError, UnicodeDecodeError):
        return None
    return [
        Seen(
            _upper(command.cmd), _upper(command.sub_cmd), command.start_line, command.end_line,
            tuple(command.flags), tuple((doc.name, doc.content) for doc in command.heredocs),
        )
        for command in commands
    ]  # fmt: skip


def _upper(keyword: str | None) -> str:
    """Upper case of ASCII letters only: Python makes `S` of other letters as well, Go does not."""
    return (keyword or "").encode().upper().decode()


def our_lexer(data: bytes) -> list[Seen]:
    """What our lexer sees. The binding loses the heredocs of ONBUILD, so they are left out here as well."""
    return [
        Seen(
            one.keyword, one.inner.keyword if one.inner else "", one.line, one.end_line,
            tuple(flag.text for flag in one.flags),
            () if one.keyword == "ONBUILD" else tuple(
                (doc.name, data[doc.start : doc.end].decode("utf-8", "replace")) for doc in one.heredocs
            ),
        )
        for one in lex(data)
    ]  # fmt: skip
