"""A repository's tag list, page by page (OCI distribution specification 1.1, content discovery)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sig_bots.errors import ForgeError
from sig_workers.registries.manifests import parse_json
from sig_workers.registries.transport import Answer, next_page

__all__ = ["TagList", "read_tags"]

_TAG_COUNT = 200_000
_PAGES, _PAGES_SECONDS = 4000, 600.0  # some registries give 50 tags a page


@dataclass(frozen=True)
class TagList:
    """All tags, each once, in the registry's order."""

    tags: list[str]
    etag: str | None = None
    """By which the registry can say later that the list is still this one; only a list of one page has it."""


def read_tags(ask: Callable[[str], Answer], url: str, name: str, host: str) -> TagList | Answer:
    """Follow the pages from `url`; the answer itself when the first page is no list (304, 404, a refusal).

    Raises ForgeError for a list without end, a next page elsewhere, or an answer that is no tag list.
    """
    tags: dict[str, None] = {}
    count = 0
    seen: set[str] = set()
    etag: str | None = None
    deadline = time.monotonic() + _PAGES_SECONDS
    page_url: str | None = url
    while page_url is not None:
        if page_url in seen or count > _TAG_COUNT or len(seen) > _PAGES or time.monotonic() > deadline:
            raise ForgeError(f"The registry {host} gives the tags of {name} without end.")
        seen.add(page_url)
        answer = ask(page_url)
        if answer.status != 200:
            return answer
        page = parse_json(answer.body, f"The tag list of {name}").get("tags") or []
        if not isinstance(page, list) or not all(isinstance(tag, str) for tag in page):
            raise ForgeError(
                f"The tag list of {name}: the registry's answer is not what the distribution API promises."
            )
        count += len(page)
        tags.update(dict.fromkeys(page))
        page_url = next_page(answer, page_url)
        etag = answer.headers.get("etag") if len(seen) == 1 and page_url is None else None
    return TagList(list(tags), etag[:300] if etag else None)
