"""How we sign what we write on a forge and find it again: the hidden marker, believed only under our own account."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sig_bots.forge import ForgeComment, marker, read_marker
from sig_bots.refs import Actor, same_account

__all__ = ["Voice", "same_text", "state_key", "word"]

_PLAIN = re.compile(r"[A-Za-z0-9._:+/-]{1,80}")


@dataclass(frozen=True)
class Voice:
    """Signs our texts with the hidden marker and finds them again. A marker is believed only under our own account."""

    service: str
    bot: str
    account: Actor

    def sign(self, topic: str, body: str, state: str = "") -> str:
        """The text with our marker after it; what looks like a marker inside the text is made harmless."""
        harmless = body.replace("<!-- sigbot ", "<!-- quoted sigbot ")
        return f"{harmless.rstrip()}\n\n{marker(self.service, self.bot, word(topic), state)}"

    def is_mine(self, author: Actor, text: str, topic: str) -> bool:
        """Whether the text is ours, of this bot and topic."""
        fields = read_marker(text) if same_account(author, self.account) else None
        wanted = {"service": self.service, "bot": self.bot, "topic": word(topic)}
        return fields is not None and wanted.items() <= fields.items()

    def newest(self, comments: Sequence[ForgeComment], topic: str) -> ForgeComment | None:
        """Our newest comment of the topic; `comments` are oldest first."""
        return next((one for one in reversed(comments) if self.is_mine(one.author, one.body, topic)), None)

    def state_of(self, comment: ForgeComment) -> str:
        """The state a comment of ours was written for."""
        return (read_marker(comment.body) or {}).get("state", "")


def state_key(body: str, state: str | None) -> str:
    """What a comment's marker keeps of its state: the state, or a hash of the body when none is given."""
    return word(state) if state is not None else hashlib.sha256(body.encode()).hexdigest()[:16]


def word(text: str) -> str:
    """The text as one word that fits a marker: itself when it is plain, else a short hash of it."""
    return text if _PLAIN.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()[:16]


def same_text(one: str, other: str) -> bool:
    """Whether two texts are the same but for line ends and space at the ends, which forges change as they like."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()
