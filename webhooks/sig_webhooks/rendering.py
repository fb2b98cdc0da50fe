"""How values become text on the pages: times, links, Markdown by strangers, and payloads without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from sig_bots.dashboard import without_marks
from sig_bots.events import Rejected
from sig_bots.sources.kinds import KINDS
from sig_bots.sources.payload import json_object
from sig_bots.sources.visibility import GITLAB_PUBLIC
from sig_workers.store.rows import DeliveryRow

__all__ = [
    "ago",
    "event_name",
    "linked",
    "markdown",
    "names_private",
    "payload_text",
    "register_filters",
    "short_shas",
    "weblink",
]

MOST_PAYLOAD = 30_000

_EVENT_HEADERS = tuple(
    name.lower() for kind in KINDS.values() for name in (kind.event_header, *kind.more_event_headers) if name
)

# No raw HTML, only links that go somewhere harmless, no pictures: comments are written by strangers.
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table").disable("image")
_HTML_COMMENT = re.compile(r"^<!--.*?-->[ \t]*\n?", re.DOTALL | re.MULTILINE)
_EMPTY_OR_TICKED = re.compile(r"\[[ xX]\] ")
_SHA = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b")
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")


def register_filters(pages: Blueprint) -> None:
    """Make the functions here known to the templates."""
    for function in (markdown, ago, linked, weblink, event_name, short_shas):
        pages.add_app_template_filter(function)


def markdown(text: str) -> Markup:
    """Markdown of a comment as harmless HTML; our hidden markers are left out, headings stay below the page's own.

    A box to tick (`[ ]`, `[x]`) is shown as one; nobody can tick it here.
    """
    tokens = _MARKDOWN.parse(_HTML_COMMENT.sub("", without_marks(text)))
    for before, token in pairwise(tokens):
        if before.type == "paragraph_open" and token.children and _EMPTY_OR_TICKED.match(token.children[0].content):
            first = token.children[0]
            first.content = f"{'☐' if first.content[1] == ' ' else '☑'}{first.content[3:]}"
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
        elif token.type == "table_open":
            token.attrSet("tabindex", "0")  # a wide one scrolls, which must be possible without a mouse
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S704  (rendered with raw HTML off)


def ago(moment: datetime) -> str:
    """A time as a distance from now, for people."""
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{max(0, seconds)} s ago"


def event_name(delivery: DeliveryRow) -> str:
    """What the sender calls a public delivery's event, for example `issue_comment`; empty when it does not say."""
    named = (delivery.headers.get(name, "") for name in _EVENT_HEADERS)
    return next((name[:60].replace("_", " ") for name in named if name), "")


def short_shas(text: str) -> str:
    """The text with every commit and digest cut to its first twelve digits."""
    return _SHA.sub(r"\1", text)


def linked(text: str) -> Markup:
    """Plain text whose last word, when it is an address, is a link to it, shown by its host."""
    words, blank, last = text.rpartition(" ")
    if not (last.startswith("https://") and weblink(last)):
        return escape(text)
    link = Markup('<a href="{}" title="{}">{}</a>').format(last, last, urlsplit(last).hostname or "link")
    return escape(words + blank) + link


def weblink(url: str) -> str:
    """The address if a browser may be sent there, else nothing."""
    try:
        return url if urlsplit(url).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def payload_text(body: bytes, redact: Callable[[str], str]) -> str | None:
    """A public delivery's body for reading: indented, without secrets and mail addresses, at most 30,000 characters.

    None when it names something private beside its public subject, a fork for example.
    """
    data = json_object(body)
    if not isinstance(data, Rejected) and names_private(data):
        return None
    text = (
        body.decode("utf-8", "replace")
        if isinstance(data, Rejected)
        else json.dumps(data, indent=2, ensure_ascii=False)
    )
    shown = _ADDRESS.sub("[address removed]", redact(text[: MOST_PAYLOAD + 1000]))
    return shown if len(text) <= MOST_PAYLOAD else f"{shown[:MOST_PAYLOAD]}\n… {len(body)} bytes in all"


def names_private(data: Any) -> bool:
    """Whether anything in a payload is said to be private: `private: true`, or GitLab's `visibility_level` below public."""
    waiting = [data]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if node.get("private") is True or node.get("visibility_level", GITLAB_PUBLIC) != GITLAB_PUBLIC:
                return True
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return False
