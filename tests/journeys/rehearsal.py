"""The stage of the unit tests: the harness of bot authors, everything in memory, each act handled before it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from sig_bots.bot import Bot
from sig_bots.events import Comment, ImagePushed, PullRequestChanged, Push, TestResult, issue_text_id
from sig_bots.fakes.registry import FakeImage
from sig_bots.refs import ImageRef
from sig_bots.testing import SigHarness
from tests.contract.forges.fake import FakeWorld
from tests.contract.world import Role, World
from tests.journeys.images import SeenImage


class RehearsedWorld(FakeWorld):
    """A fake forge that tells the harness of everything people do, as webhooks would."""

    def __init__(self, sig: SigHarness) -> None:
        super().__init__()
        self.sig = sig
        sig.host = self.host

    def push(
        self,
        who: Role,
        branch: str,
        files: Mapping[str, str | bytes | None],
        *,
        start: str = "main",
        fork: bool = False,
        force: bool = False,
    ) -> str:
        before = self.repository.branches.get(branch)
        after = super().push(who, branch, files, start=start, fork=fork, force=force)
        if not fork:
            self._pushed(who, branch, before, after, files)
        for one in self.prs():
            if one.state == "open" and one.head_sha == after:
                self._changed(one.number, "updated", who)
        return after

    def open_pr(
        self, who: Role, branch: str, *, title: str = "A change", body: str = "", base: str = "main", fork: bool = False
    ) -> int:
        number = super().open_pr(who, branch, title=title, body=body, base=base, fork=fork)
        self._changed(number, "opened", who)
        return number

    def comment(self, who: Role, number: int, text: str) -> str:
        made = super().comment(who, number, text)
        repo, actor = self.host.repository(self.path).repo, self.actor(who)
        self.sig.handle(
            Comment(
                source="fake", repo=repo, place="pull_request", text=text, actor=actor, comment_id=made, number=number
            )
        )
        return made

    def edit_issue(self, who: Role, number: int, body: str) -> None:
        before = self.repository.issues[number].body
        super().edit_issue(who, number, body)
        self.sig.handle(
            Comment(
                source="fake", repo=self.host.repository(self.path).repo, action="edited", place="issue", text=body,
                previous_text=before, actor=self.actor(who), comment_id=issue_text_id(number), number=number,
            )
        )  # fmt: skip

    def close(self, who: Role, number: int) -> None:
        super().close(who, number)
        self._changed(number, "closed", who)

    def report(self, who: Role, sha: str, name: str, state: Literal["success", "failure"]) -> None:
        super().report(who, sha, name, state)
        repo = self.host.repository(self.path).repo
        status: Literal["passed", "failed"] = "passed" if state == "success" else "failed"
        self.sig.handle(TestResult(source="fake", repo=repo, test=name, status=status, subject=sha, sha=sha))

    def merge(self, who: Role, number: int) -> None:
        self.sig.merge(number, by=who, path=self.path)

    def _changed(self, number: int, action: Literal["opened", "updated", "closed"], who: Role) -> None:
        forge = self.host.repository(self.path)
        self.sig.handle(
            PullRequestChanged(
                source="fake", repo=forge.repo, action=action, pull_request=forge.pull_request(number),
                actor=self.actor(who),
            )
        )  # fmt: skip

    def _pushed(self, who: Role, branch: str, before: str | None, after: str, files: Mapping[str, object]) -> None:
        self.sig.handle(
            Push(
                source="fake", repo=self.host.repository(self.path).repo, ref=f"refs/heads/{branch}",
                before=before or "0" * 40, after=after, actor=self.actor(who), paths=tuple(files), paths_complete=True,
            )
        )  # fmt: skip


class RehearsedStage:
    """See `tests.journeys.stage.Stage`."""

    registry = "registry.example"

    def __init__(self, bots: Sequence[Bot]) -> None:
        self._sig = SigHarness(bots=bots)
        self.world: World = RehearsedWorld(self._sig)
        self.monitor = self._sig.upstreams
        self.child: World = self.world.another("child", {"README.md": "# child\n"})

    def publish(
        self, name: str, tag: str, files: Mapping[str, bytes], *, platforms: Sequence[str] = ("linux/amd64",),
        created: datetime | None = None,
    ) -> str:  # fmt: skip
        image = ImageRef.parse(f"{self.registry}/{name}:{tag}")
        members = [FakeImage(dict(files), {}, platform, created=created) for platform in platforms]
        digest = self._sig.registry.push(str(image), members)
        self._sig.handle(ImagePushed(source="fake", image=image.with_tag(tag, digest), tags=(tag,)))
        return digest

    def move_clock(self, ahead: timedelta) -> None:
        self._sig.clock = lambda: datetime.now(UTC) + ahead
        for path in list(self._sig.host.repos):
            self._sig.tick("update", "hourly", path)

    def said(self, path: str, text: str) -> bool:
        reasons = (outcome.reason for _, outcome in self._sig.outcomes)
        return any(text in line for line in (*self._sig.log, *reasons))

    def image(self, name: str, tag: str) -> SeenImage | None:
        try:
            found = self._sig.registry.image(f"{self.registry}/{name}:{tag}")
        except KeyError:
            return None
        return SeenImage(found.digest, found.labels, found.files)

    def until[T](self, look: Callable[[], T | None], seconds: float, what: str) -> T:
        found = look()
        assert found, what
        return found
