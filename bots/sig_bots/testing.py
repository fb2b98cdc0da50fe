"""Test a bot in a few lines: a forge, a registry and a builder in memory, and people who do things.

    sig = SigHarness(bots=[bot], files={"Containerfile": "FROM quay.io/fedora/fedora:42"})
    number = sig.open_pr({"README.md": "hello"}, by="alice")
    sig.comment("/sig hello", by="alice", on=number)
    assert sig.replies() == ["Hello alice"]

Everything between the event and the effect is the real thing: the planner, the command parser, the permission check, the
mapping of outcomes. An error that a bot did not foresee is raised in the test. As a context manager the harness also fails
when a reply was left unread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Self

from sig_bots.bot import Bot, CommandSpec
from sig_bots.config import CONFIG_FILE, ConfigProblem, RepoConfig, default_config, parse_config
from sig_bots.configlayers import for_pull_request
from sig_bots.context import Context, JobSummary
from sig_bots.events import NO_COMMIT, Comment, Event, ImagePushed, PullRequestChanged, Push, TestResult, Tick
from sig_bots.execution import Outcome, run_handler
from sig_bots.fakes.advisories import FakeAdvisories
from sig_bots.fakes.builder import FakeBuilder
from sig_bots.fakes.forge import FakeForge, FakeHost
from sig_bots.fakes.places import FakeCounts, FakePlaces
from sig_bots.fakes.registry import FakeRegistry
from sig_bots.fakes.repository import FakeRepository, FakeWorkspace
from sig_bots.fakes.service import FakeApprovals, FakeInventory, FakeJobBoard, FakeLinter, FakeServices
from sig_bots.fakes.upstreams import FakeUpstreams
from sig_bots.forge import Check, CheckState, Permission
from sig_bots.planner import PlannedJob, RepoFacts, plan
from sig_bots.refs import Actor, ImageRef
from sig_bots.roster import Roster, command_of

__all__ = ["FakeAdvisories", "FakeBuilder", "FakeForge", "FakeHost", "FakeRegistry", "SigHarness"]

REPOSITORY = "team/app"
MOST_EVENTS = 200


@dataclass
class SigHarness:
    """A small world around some bots. `files` fill the repository `team/app`; texts or bytes.

    Without a `.sigbot.yaml` in `files` one is written that enables the given bots. alice may write, bob may not.
    """

    bots: Sequence[Bot]
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    config: str | None = None
    host: FakeHost = field(default_factory=FakeHost)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    advisories: FakeAdvisories = field(default_factory=FakeAdvisories)
    upstreams: FakeUpstreams = field(default_factory=FakeUpstreams)
    linter: FakeLinter = field(default_factory=FakeLinter)
    inventory: FakeInventory = field(default_factory=FakeInventory)
    approvals: FakeApprovals = field(default_factory=FakeApprovals)
    board: FakeJobBoard = field(default_factory=FakeJobBoard)
    counts: FakeCounts = field(default_factory=FakeCounts)
    log: list[str] = field(default_factory=list)
    outcomes: list[tuple[str, Outcome]] = field(default_factory=list)
    """(bot/handler, how it ended), in order."""
    verdicts: list[tuple[str, str]] = field(default_factory=list)
    """What each bot said to the last event."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    """What time it is for the bots, UTC."""

    def __post_init__(self) -> None:
        self.builder = FakeBuilder(self.registry)
        self.roster = Roster.of(self.bots)
        self._read: set[str] = set()
        self._serial = 0
        self._keys: set[str] = set()
        self.add_repository(REPOSITORY, self.files, config=self.config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None and (unread := self.replies()):
            raise AssertionError(f"replies nobody read: {unread}")

    # ---------------------------------------------------------------- the world

    def add_repository(
        self, path: str, files: Mapping[str, str | bytes], *, config: str | None = None, private: bool = False
    ) -> FakeRepository:
        """Another repository; the bots are enabled in it unless `config` or the files say otherwise."""
        contents = _bytes(files)
        enabled = "".join(f"{bot.name}: {{}}\n" for bot in self.bots if not bot.always)
        contents.setdefault(CONFIG_FILE, (config if config is not None else f"version: 1\n{enabled}").encode())
        repository = self.host.create(path, contents, private=private)
        repository.permissions["alice"] = Permission.WRITE
        return repository

    def forge(self, path: str = REPOSITORY) -> FakeForge:
        """The forge as our account sees it."""
        return self.host.repository(path)

    def grant(self, login: str, permission: Permission, path: str = REPOSITORY) -> None:
        """Give somebody a right."""
        self.host.repos[path].permissions[login] = permission

    # ---------------------------------------------------------------- people act

    def push(
        self, files: Mapping[str, str | bytes | None], *, by: str = "alice", branch: str = "main", path: str = REPOSITORY
    ) -> str:  # fmt: skip
        """Push a commit; pull requests from the branch follow. Returns the commit."""
        repository = self.host.repos[path]
        before = repository.branches.get(branch, NO_COMMIT)
        after = repository.commit(branch, _changes(files), message="Change", author=by)
        repo = self.forge(path).repo
        self.handle(
            Push(
                source="fake", repo=repo, ref=f"refs/heads/{branch}", before=before, after=after, actor=_actor(by),
                paths=tuple(files), paths_complete=True,
            )
        )  # fmt: skip
        for target in list(self.host.repos):
            for pull_request in self.forge(target).find_prs(branch):
                if (pull_request.head_repo, pull_request.head_branch) == (path, branch):
                    self._pull_request(target, pull_request.number, "updated", by)
        return after

    def open_pr(
        self, files: Mapping[str, str | bytes | None], *, by: str = "alice", fork: bool = False, title: str = "A change",
        body: str = "", branch: str = "change", path: str = REPOSITORY,
    ) -> int:  # fmt: skip
        """Open a pull request with one commit, from a branch or from the person's fork; returns its number."""
        source = self.host.fork(path, by) if fork else self.host.repos[path]
        source.commit(branch, _changes(files), message=title, author=by)
        opened = self.forge(path).open(
            branch, base="main", title=title, body=body, author=_actor(by), head_repo=source.path
        )
        self._pull_request(path, opened.number, "opened", by)
        return opened.number

    def merge(self, number: int, *, by: str = "alice", path: str = REPOSITORY) -> None:
        """Merge a pull request; the base branch's push follows."""
        forge = self.forge(path)
        repository = self.host.repos[path]
        before = repository.branches["main"]
        changed = tuple(path for file in forge.changed_files(number) for path in file.paths)
        forge.merge(number, forge.pull_request(number).head_sha)
        self._pull_request(path, number, "merged", by)
        self.handle(
            Push(
                source="fake", repo=forge.repo, ref="refs/heads/main", before=before,
                after=repository.branches["main"], actor=_actor(by), paths=changed, paths_complete=True,
            )
        )  # fmt: skip

    def comment(self, text: str, *, by: str = "alice", on: int, path: str = REPOSITORY) -> None:
        """Write a comment."""
        comment = self.forge(path).add_comment(on, text, _actor(by))
        self.handle(
            Comment(
                source="fake", repo=self.forge(path).repo, place="pull_request", text=text, actor=_actor(by),
                comment_id=comment.id, number=on,
            )
        )  # fmt: skip

    def push_image(
        self, reference: str, files: Mapping[str, bytes], platforms: Sequence[str] = ("linux/amd64",)
    ) -> str:
        """Publish an image as somebody else would, with the registry's notification; returns its digest."""
        digest = self.registry.publish(reference, files, platforms)
        image = ImageRef.parse(reference)
        self.handle(ImagePushed(source="fake", image=image.with_tag(image.tag, digest), tags=(image.tag or "latest",)))
        return digest

    def check(self, name: str, state: CheckState, *, on: int, path: str = REPOSITORY) -> None:
        """A check of somebody else's ends on a pull request's head, with the forge's word about it."""
        forge, sha = self.forge(path), self.forge(path).pull_request(on).head_sha
        forge.set_check(sha, name, state, summary="")
        status: Literal["passed", "failed"] = "passed" if state is CheckState.SUCCESS else "failed"
        self.handle(
            TestResult(source="fake", repo=forge.repo, test=name, status=status, subject=sha, sha=sha, number=on)
        )

    def tick(self, bot: str, handler: str, path: str = REPOSITORY) -> None:
        """Let a schedule become due."""
        now = datetime.now(UTC)  # each tick is another one, also where the clock stands still
        self.handle(Tick(source="clock", repo=self.forge(path).repo, bot=bot, handler=handler, scheduled=now))

    # ---------------------------------------------------------------- people look

    def replies(self, path: str = REPOSITORY) -> list[str]:
        """Comments of the bots that were not read yet, oldest first, without their hidden markers."""
        account = self.host.account_name
        fresh = [
            one for one in self.host.repos[path].comments
            if one.author.login == account and f"{one.id}{one.body}" not in self._read
        ]  # fmt: skip
        self._read.update(f"{one.id}{one.body}" for one in fresh)
        return [_visible(one.body) for one in fresh]

    def comments(self, number: int, path: str = REPOSITORY) -> list[str]:
        """All comments of the bots on a pull request as they stand now."""
        found = self.forge(path).comments(number)
        return [_visible(one.body) for one in found if one.author.login == self.host.account_name]

    def checks(self, number: int, path: str = REPOSITORY) -> dict[str, Check]:
        """The checks on a pull request's head, by name."""
        sha = self.forge(path).pull_request(number).head_sha
        return {check.name: check for check in self.forge(path).checks(sha)}

    # ---------------------------------------------------------------- the way of an event

    def handle(self, event: Event) -> None:
        """Plan an event, run its jobs, and the events they make. Raises what a bot did not foresee."""
        waiting = [event]
        for _ in range(MOST_EVENTS):
            if not waiting:
                return
            waiting += self._handle_one(waiting.pop(0))
        raise AssertionError(f"more than {MOST_EVENTS} events follow from one: the bots answer each other")

    def _handle_one(self, event: Event) -> list[Event]:
        self._serial += 1
        event = event.at_home(f"delivery-{self._serial}", self.clock())
        facts = [RepoFacts(self.forge(path).repo, index, self._config(path)) for index, path in self._concerned(event)]
        account = Actor(login=self.host.account_name, id=f"id-{self.host.account_name}", bot=True)
        made = plan(event, facts, self.roster, account=account, mentions=(self.host.account_name,))
        self.verdicts = made.verdicts
        paths = {one.repo_id: one.repo.path for one in facts}
        emitted: list[Event] = []
        for job in sorted(made.jobs, key=lambda one: one.priority):
            if job.key not in self._keys:
                self._keys.add(job.key)
                emitted += self._run(job, paths[job.repo_id], event)
        return emitted

    def _concerned(self, event: Event) -> list[tuple[int, str]]:
        paths = list(self.host.repos)
        if event.repo is not None:
            return [(paths.index(event.repo.path), event.repo.path)]
        if isinstance(event, ImagePushed):
            children = {child.repo.path for child in self.inventory.children(event.image.with_tag(None))}
            return [(paths.index(path), path) for path in sorted(children)]
        return []

    def _config(self, path: str) -> RepoConfig | ConfigProblem:
        data = self.forge(path).read_file(CONFIG_FILE)
        return parse_config(data, self.roster) if data is not None else default_config(self.roster)

    def _run(self, job: PlannedJob, path: str, event: Event) -> Iterable[Event]:
        spec = self.roster.handler(job.bot, job.handler)
        if spec is None:
            raise AssertionError(f"the plan names {job.bot}/{job.handler}, which does not exist")
        config = self._config(path)
        config = config if isinstance(config, RepoConfig) else RepoConfig()
        images = config.images
        if job.number is not None and job.head_sha is not None:
            head = self.host.repos[path].find_commit(job.head_sha).files.get(CONFIG_FILE)
            config = for_pull_request(config, head, self.roster)
        ctx = Context(
            service=self.host.service, bot=job.bot, event=event, repo=self.forge(path).repo,
            services=self._services(path, job.bot), config=config.section(self.roster.bots[job.bot]),
            images=images, configured=config.from_file and job.bot in config.sections,
            now=self.clock(), log=self.log.append, mention=f"@{self.host.account_name}",
            job_key=job.key, number=job.number, actor=job.actor, head_sha=job.head_sha,
            command=command_of(job.handler), args=job.args, reply_key=job.reply_key, bots=self.roster, permissions=config.permissions,
        )  # fmt: skip
        outcome = run_handler(spec, ctx, who=config.who(spec) if isinstance(spec, CommandSpec) else None)
        if outcome.unexpected:
            raise AssertionError(f"{job.bot}/{job.handler}: {outcome.detail}")
        self.outcomes.append((f"{job.bot}/{job.handler}", outcome))
        self._note(job, outcome)
        return outcome.events

    def _note(self, job: PlannedJob, outcome: Outcome) -> None:
        self.board.jobs.append(
            JobSummary(
                id=len(self.board.jobs) + 1, bot=job.bot, handler=job.handler, state=outcome.state,
                reason=outcome.reason, number=job.number, head_sha=job.head_sha, created=self.clock(),
            )
        )  # fmt: skip

    def _services(self, path: str, bot: str) -> FakeServices:
        workspace = FakeWorkspace(self.host.repos[path], self.host.account_name, own=self.approvals.own)
        return FakeServices(
            self.host.repository(path, bot), workspace, self.registry, self.builder, self.linter, self.inventory,
            self.approvals, self.board, FakePlaces(self.counts, path), self.advisories, self.upstreams,
        )  # fmt: skip

    def _pull_request(self, path: str, number: int, action: Action, by: str) -> None:
        forge = self.forge(path)
        self.handle(
            PullRequestChanged(
                source="fake", repo=forge.repo, action=action, pull_request=forge.pull_request(number), actor=_actor(by)
            )
        )


type Action = Literal["opened", "updated", "merged", "closed"]


def _actor(login: str) -> Actor:
    return Actor(login=login, id=f"id-{login}")


def _bytes(files: Mapping[str, str | bytes]) -> dict[str, bytes]:
    return {path: text for path, text in _changes(files).items() if text is not None}


def _changes(files: Mapping[str, str | bytes | None]) -> dict[str, bytes | None]:
    return {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}


def _visible(body: str) -> str:
    return body.split("\n\n<!-- sigbot ")[0]
