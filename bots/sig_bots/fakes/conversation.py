"""What is said on the fake forge: comments, reactions, checks, issues. `FakeForge` adds the rest of the protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sig_bots.errors import NotFound, Unsupported
from sig_bots.fakes.repository import FakeRepository, now
from sig_bots.forge import Annotation, Capabilities, Check, CheckState, ForgeComment, Issue
from sig_bots.refs import Actor
from sig_bots.voice import Voice, state_key

if TYPE_CHECKING:
    from sig_bots.fakes.forge import FakeHost

__all__ = ["FakeConversation"]


@dataclass
class FakeConversation:
    """One repository of a `FakeHost`, as our account sees what is said there."""

    host: FakeHost
    path: str
    bot: str = "sigbot"

    @property
    def state(self) -> FakeRepository:
        """The repository's state. Raises NotFound."""
        if self.path not in self.host.repos:
            raise NotFound(f"{self.host.name} has no repository {self.path}")
        return self.host.repos[self.path]

    @property
    def _voice(self) -> Voice:
        return Voice(self.host.service, self.bot, self.account)

    @property
    def capabilities(self) -> Capabilities:
        """What this forge can do."""
        return self.host.capabilities

    @property
    def account(self) -> Actor:
        """Our account."""
        return Actor(login=self.host.account_name, id=f"id-{self.host.account_name}", bot=True)

    def ensure_comment(self, number: int, topic: str, body: str, *, state: str | None = None) -> str:
        """The one living comment of the topic."""
        key = state_key(body, state)
        text = self._voice.sign(topic, body, key)
        mine = self._voice.newest(self.comments(number), topic)
        if mine is not None and (
            mine.body == text or (not self.capabilities.comment_edit and self._voice.state_of(mine) == key)
        ):
            return mine.id
        if mine is not None and self.capabilities.comment_edit:
            index = self.state.comments.index(mine)
            self.state.comments[index] = mine.model_copy(update={"body": text, "edited": now()})
            self.host.writes.append(f"edit comment {self.path}#{number} {topic}")
            return mine.id
        return self.add_comment(number, text, self.account).id

    def add_comment(self, number: int, body: str, author: Actor) -> ForgeComment:
        """Write a comment as anybody. Raises NotFound when there is no such issue or pull request."""
        if number not in self.state.pull_requests and number not in self.state.issues:
            raise NotFound(f"{self.path} has no issue or pull request {number}")
        self.host.serial += 1
        comment = ForgeComment(id=str(self.host.serial), number=number, author=author, body=body, created=now())
        self.state.comments.append(comment)
        self.host.writes.append(f"comment {self.path}#{number}")
        return comment

    def comments(self, number: int) -> Sequence[ForgeComment]:
        """All comments, oldest first."""
        return [one for one in self.state.comments if one.number == number]

    def react(self, number: int, comment_id: str, reaction: str) -> None:
        """Add a reaction."""
        if not self.capabilities.reactions:
            raise Unsupported(f"{self.host.name} has no reactions")
        self.state.reactions.add((comment_id, self.host.account_name, reaction))

    def set_check(
        self,
        sha: str,
        name: str,
        state: CheckState,
        *,
        summary: str,
        url: str = "",
        text: str = "",
        annotations: Sequence[Annotation] = (),
        number: int | None = None,
    ) -> None:
        """Set the check on the commit."""
        self.state.find_commit(sha)
        shown = tuple(annotations) if self.capabilities.annotations else ()
        kept = text if self.capabilities.check_text else ""
        check = Check(name=name, sha=sha, state=state, summary=summary, url=url, text=kept, annotations=shown)
        if self.state.checks.get((sha, name)) != check:
            self.state.checks[sha, name] = check
            self.host.writes.append(f"check {self.path}@{sha[:12]} {name} {state}")

    def checks(self, sha: str, number: int | None = None) -> Sequence[Check]:
        """Checks of the commit."""
        return [check for (at, _), check in self.state.checks.items() if at == sha]

    def required_checks(self, branch: str) -> Sequence[str]:
        """What was required of the branch."""
        return self.state.required.get(branch, ())

    def ensure_issue(self, topic: str, title: str, body: str) -> Issue:
        """Our open issue of the topic."""
        text = self._voice.sign(topic, body)
        known = self.find_issue(topic)
        if known is not None and known.state == "open":
            changed = known.model_copy(update={"title": title, "body": text})
            if changed != known:
                self.state.issues[known.number] = changed
                self.host.writes.append(f"edit issue {self.path}#{known.number}")
            return changed
        issue = Issue(number=self.state.next_number(), title=title, body=text)
        self.state.issues[issue.number] = issue
        self.host.writes.append(f"open issue {self.path}#{issue.number}")
        return issue

    def find_issue(self, topic: str) -> Issue | None:
        """Our open issue of the topic, else the newest that is closed. Raises Unsupported."""
        if not self.capabilities.issues:
            raise Unsupported(f"{self.host.name} has no issues")
        authors, mine = self.state.issue_authors, self._voice.is_mine
        ours = [one for n, one in self.state.issues.items() if mine(authors.get(n, self.account), one.body, topic)]
        return min(ours, key=lambda one: (one.state != "open", -one.number), default=None)

    def close_issue(self, number: int, reason: str) -> None:
        """Close with a comment that says why."""
        if self.read_issue(number).state == "open":
            self.ensure_comment(number, "closed", reason)
            self.state.issues[number] = self.read_issue(number).model_copy(update={"state": "closed"})
            self.host.writes.append(f"close issue {self.path}#{number}")

    def read_issue(self, number: int) -> Issue:
        """The issue."""
        if number not in self.state.issues:
            raise NotFound(f"{self.path} has no issue {number}")
        return self.state.issues[number]
