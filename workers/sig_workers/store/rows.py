"""What the store hands out and takes in: frozen values, no live objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sig_bots.jobstate import JobState
from sig_bots.refs import Actor, Repo
from sig_workers.store.columns import When
from sig_workers.store.deliverystate import DeliveryState

__all__ = [
    "Accepted", "AttemptRow", "BlockedHost", "DeliveryRow", "Effect", "EffectRow", "EventRow", "HostBlock", "JobRow",
    "LogLine", "NewEvent", "NewJob", "RepositoryRow", "ScheduleRow", "Settlement", "Supersede", "Swept", "VerdictRow",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a delivery: the row's id, and whether it is new.

    `requeued`: the same delivery was here, had failed or was dead, and is due again. `conflict`: the same delivery id
    came with another body; what was stored first stays.
    """

    id: int
    status: Literal["new", "duplicate", "requeued", "conflict"]


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """A repository we know. `private` None: never told, treated as private."""

    id: int
    instance: str
    forge_id: str | None
    path: str
    owner: str
    private: bool | None
    default_branch: str | None
    installation: str | None
    enabled: bool
    config_text: str | None
    config_sha: str | None
    config_read_at: datetime | None

    def ref(self) -> Repo:
        """The repository as bots see it."""
        return Repo(
            path=self.path,
            instance=self.instance,
            forge_id=self.forge_id,
            private=self.private,
            default_branch=self.default_branch,
        )


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery as it arrived. `attempt` is the fence for settling it, `tries` counts since it arrived or was replayed."""

    id: int
    instance: str
    source: str
    delivery_id: str
    headers: Mapping[str, str]
    body: bytes
    state: DeliveryState
    reason: str
    attempt: int
    tries: int
    repo_id: int | None
    private: bool | None
    parent_job_id: int | None
    trace: str | None
    received_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """The event a delivery was reduced to: its kind and its JSON."""

    kind: str
    json: str


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to insert, unless one with the same key was ever inserted. Lower `priority` numbers run first.

    `target` is what only one job may work on at a time; it contains the repository's id.
    """

    repo_id: int
    bot: str
    handler: str
    queue: str
    priority: int
    target: str
    key: str
    version: str = ""
    plugin_version: str = ""
    config_sha: str | None = None
    number: int | None = None
    head_sha: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    actor: Actor | None = None
    reply_key: str = ""
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Supersede:
    """A pull request got a new head: jobs bound to any other head of it are to end."""

    repo_id: int
    number: int
    keep_sha: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one delivery ended. `attempt` is the fence; `verdicts` are (bot, what it said)."""

    delivery_id: int
    attempt: int
    state: DeliveryState
    reason: str = ""
    repo_id: int | None = None
    private: bool | None = None
    event: NewEvent | None = None
    verdicts: Sequence[tuple[str, str]] = ()
    jobs: Sequence[NewJob] = ()
    supersedes: Sequence[Supersede] = ()


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job. `attempt` is the fence for all a run writes, `tries` counts since it was planned or retried by a person."""

    id: int
    repo: RepositoryRow
    delivery_id: int | None
    event: str | None
    bot: str
    handler: str
    plugin_version: str
    """Version of the distribution the bot came from when the job was planned; empty when it has none."""
    config_sha: str | None
    """The `.sigbot.yaml` it was planned with, as `git hash-object` names it; None: the repository had none."""
    queue: str
    priority: int
    target: str
    version: str
    key: str
    number: int | None
    head_sha: str | None
    args: Mapping[str, Any]
    actor: Actor | None
    reply_key: str
    state: JobState
    reason: str
    attempt: int
    tries: int
    max_attempts: int
    not_before: datetime | None
    owner: str | None
    lease_until: datetime | None
    cancel_reason: str | None
    trace: str | None
    """The delivery's `traceparent`."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class HostBlock:
    """Leave a host alone until then. `host` is an instance's name (all its jobs wait) or any host a job waits for."""

    host: str
    until: When
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BlockedHost:
    """A host left alone, and until when."""

    host: str
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: deliveries due, jobs put back, ids of jobs that died, queues with due work."""

    deliveries: int
    jobs: int
    queues: frozenset[str]
    dead: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """Where an effect stands for who is about to do it.

    `new`: do it, then confirm. `intended`: an earlier attempt was about to; look whether it happened before doing it
    again. `confirmed`: it happened; `result` and `url` are what it gave.
    """

    id: int
    state: Literal["new", "intended", "confirmed"]
    result: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class EffectRow:
    """An effect, as a job's page shows it."""

    id: int
    attempt: int
    kind: str
    key: str
    state: str
    result: str
    url: str
    detail: Any
    intended_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One run of a job; the last one may still be going (`ended_at` None, outcome `running`)."""

    attempt: int
    started_at: datetime | None
    ended_at: datetime | None
    outcome: str
    reason: str
    owner: str | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a job's log. `seq` grows; ask for what comes after it."""

    seq: int
    attempt: int
    at: datetime
    line: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """The event of a delivery."""

    id: int
    kind: str
    json: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """What a bot said to a delivery."""

    bot: str
    verdict: str


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A schedule that is due: `next_at` is when it should have run."""

    id: int
    repo: RepositoryRow
    bot: str
    handler: str
    last_at: datetime | None
    next_at: datetime
