"""Tell on the terminal what the bots do: lines made from the store alone, one whenever a job ended or has to wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.markup import escape

from sig_bots.events import load_event
from sig_bots.jobstate import OPEN, JobState
from sig_bots.plans import is_account
from sig_bots.refs import Actor
from sig_bots.wording import counted, in_words
from sig_workers.cli.output import busy, coloured, console, local_time
from sig_workers.service import Service
from sig_workers.store.deliverystate import UNPLANNED, DeliveryState
from sig_workers.store.rows import DeliveryRow, EventRow, JobRow

__all__ = ["Follower", "arriving", "outcome", "state_of", "wait_for_bots"]

QUIET_SECONDS = 1.5
"""Nothing due for so long: what follows from a build (its registry's notification) has had time to arrive."""
SILENCE_SECONDS = 30
QUIET_STATES = (JobState.SKIPPED, JobState.SUPERSEDED, JobState.OBSOLETE)


def state_of(job: JobRow) -> str:
    """The state, with the one name more that people need: `waiting`, for a job that is tried again later."""
    return "waiting" if job.state == JobState.QUEUED and job.attempt > 0 and job.reason else job.state


def is_command(job: JobRow) -> bool:
    """Whether a person asked for it."""
    return job.handler.startswith("command:")


def outcome(job: JobRow) -> str:
    """What became of the job, in a few words."""
    reason = job.reason
    if state_of(job) == "waiting" and job.not_before:
        reason = f"{reason.rstrip('.')}; next try at {local_time(job.not_before)}"
    if job.state == JobState.DEAD:
        reason = f"{reason.rstrip('.')}; given up after {job.attempt} attempts"
    return " ".join(reason.split())


@dataclass
class Follower:
    """Reads the store again and again. `shown` keeps what was said of each job, so that nothing is said twice."""

    service: Service
    url: str
    shown: dict[int, tuple[str, int]] = field(default_factory=dict)
    since: int = 0
    """Jobs up to this id are not told of."""
    skipped: bool = False
    """Whether jobs that found nothing to do are told of too; those of commands always are."""
    failed: int = 0
    """How many jobs ended badly."""
    heard: int = 0
    """Deliveries up to this id are not told of."""

    def skip_known(self) -> None:
        """Tell only of jobs that are made from now on."""
        newest = self.service.store.jobs(limit=1)
        self.since = newest[0].id if newest else 0

    def skip_heard(self) -> None:
        """Tell only of deliveries that arrive from now on: call it before telling a person to send one."""
        self.heard = max((one.id for one in self._recent()), default=0)

    def _recent(self) -> list[DeliveryRow]:
        return list(self.service.store.recent_deliveries(200, public_only=False))

    def turn(self) -> None:
        """Tell what arrived and what ended since the last turn."""
        for one in sorted((one for one in self._recent() if one.id > self.heard), key=lambda one: one.id):
            if one.state in (DeliveryState.RECEIVED, DeliveryState.PROCESSING):
                break  # told of, in order, once it is known what it is
            self.heard = one.id
            self._hear(one)
        self.poll()

    def _hear(self, one: DeliveryRow) -> None:
        """A line for what a person or another service sent, also when no bot wants it; what we did ourselves is on the page."""
        jobs = self.service.store.jobs(delivery=one.id, limit=500)
        events = self.service.store.events_of(one.id)
        if not one.instance or (not jobs and (one.source == "registry" or self._is_ours(one, events))):
            return
        row = self.service.store.repository(one.repo_id) if one.repo_id is not None else None
        what = in_words(events[0].kind) if events else one.source
        follows = counted(len(jobs), "job") if jobs else one.reason or "no bot has anything to do"
        line = f"{local_time(one.received_at)}  {escape(row.path if row else one.instance):<16} {escape(what)}: {escape(follows)}"
        console().print(f"{line}  [dim]{escape(f'{self.url}/deliveries/{one.id}')}[/dim]")

    def _is_ours(self, one: DeliveryRow, events: Sequence[EventRow]) -> bool:
        """Whether our own account did it: then somebody was told already, by the line of a job."""
        instance = self.service.settings.instance(one.instance)
        account = Actor(login=instance.account, id=instance.account_id) if instance else None
        actors = (getattr(load_event(event.json), "actor", None) for event in events)
        return any(actor is not None and is_account(actor, account) for actor in actors)

    def poll(self) -> list[JobRow]:
        """Print a line for each job whose state is news; returns the jobs that are still to come to an end."""
        unsettled, news = [], []
        for job in self.service.store.jobs(limit=500):
            if job.id <= self.since:
                continue
            state = state_of(job)
            if job.state in OPEN and state != "waiting":
                unsettled.append(job)
            elif self.shown.get(job.id) != (state, job.attempt):
                self.shown[job.id] = (state, job.attempt)
                self.failed += state in (JobState.FAILED, JobState.DEAD)
                if self.skipped or state not in QUIET_STATES or (state == JobState.SKIPPED and is_command(job)):
                    news.append(job)
        for job in sorted(news, key=lambda job: (job.finished_at or job.created_at, job.id)):
            self._print(job, state_of(job))
        return unsettled

    def until_quiet(self, seconds: float, check: Callable[[], object] = lambda: None) -> bool:
        """Follow until nothing is due any more, at most `seconds`; whether that point was reached.

        `check` is called at each turn. A job that waits for something outside is told of, not waited for.
        """
        until = time.monotonic() + seconds
        quiet_since = None
        with _progress() as spin:
            while time.monotonic() < until:
                check()
                coming = arriving(self.service)
                unsettled = self.poll()
                spin(unsettled)
                now = time.monotonic()
                if unsettled or coming:
                    quiet_since = None
                else:
                    quiet_since = quiet_since or now
                    if now - quiet_since >= QUIET_SECONDS:
                        return True
                time.sleep(0.2)
        return False

    def _print(self, job: JobRow, state: str) -> None:
        where = f"{job.repo.path}#{job.number}" if job.number is not None else job.repo.path
        line = f"{local_time(job.finished_at) or time.strftime('%H:%M:%S')}  {escape(where):<16} {escape(job.bot):<8} "
        word = JobState.FAILED if state == JobState.DEAD else state
        line += f"{coloured(word)}{' ' * max(0, 8 - len(word))} {escape(outcome(job))}".rstrip()
        if state != JobState.SKIPPED:
            line += f"  [dim]{escape(f'{self.url}/jobs/{job.id}')}[/dim]"
        console().print(line)


def arriving(service: Service) -> bool:
    """Whether deliveries are on their way or not planned yet."""
    from sig_workers.localforge.hooks import SPOOL

    if any((service.settings.data / SPOOL).glob("*.json")):
        return True
    recent = service.store.recent_deliveries(200, public_only=False)
    return any(one.state in UNPLANNED for one in recent)


def wait_for_bots(service: Service, repo: str, number: int | None, seconds: float) -> bool:
    """Wait until the bots have nothing left to do for a pull request (or repository); whether they came to that."""
    until = time.monotonic() + seconds
    quiet = 0
    with _progress() as spin:
        while time.monotonic() < until:
            row = service.store.find_repository("local", repo)
            jobs = service.store.jobs(repo=row.id, number=number, states=OPEN, limit=100) if row else []
            unsettled = [job for job in jobs if state_of(job) != "waiting"]
            spin(unsettled)
            quiet = 0 if unsettled or arriving(service) else quiet + 1
            if quiet >= 3:
                return True
            time.sleep(0.2)
    return False


@contextmanager
def _progress() -> Iterator[Callable[[list[JobRow]], None]]:
    """A spinner on a terminal that says what runs now; elsewhere a line when nothing was said for long."""
    said = time.monotonic()

    def show(jobs: list[JobRow]) -> None:
        nonlocal said
        running = [f"{job.bot} in {job.repo.path}" for job in jobs if job.state == JobState.RUNNING]
        more = len(jobs) - len(running)
        text = (", ".join(running[:4]) or "waiting for the bots") + (f" ({more} more to come)" if more else "")
        if spin is not None:
            spin(text)
        elif time.monotonic() - said > SILENCE_SECONDS:
            said = time.monotonic()
            console(error=True).print(escape(f"... {text}"))

    with busy("waiting for the bots") as spin:
        yield show
