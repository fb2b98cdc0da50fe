"""What can happen, in the words of this project: every source reduces its deliveries to these values.

An event is small, frozen and neutral of the forge; it does no I/O. `kind` tells the types apart. `delivery` and `received`
are filled in by the service from its record of the delivery: a pure parser has neither a clock nor a database.

Unknown fields are refused, and old and new processes overlap during an upgrade: a new field is read by one release and
only written (told apart by `schema_version`) by the next.

A bot hears of what happened in a repository that names one, and of `ImagePushed` where images are made from that image.
Nobody makes the other events that name no repository yet (`PackagesUpdated` to `UpstreamReleased`, `BuildFinished`), and the
service does not know whom they concern (`sig_workers.intake`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter

from sig_bots.refs import Actor, ImageRef, PullRequest, Repo, Value

__all__ = [
    "NEW_COMMITS", "NO_COMMIT", "BuildFinished", "CheckRerequested", "Comment", "Event", "EventBase", "Ignored", "ImagePushed",
    "ModuleBuilt", "PackagesUpdated", "PullRequestChanged", "Push", "Rejected", "StreamReleased", "TestResult", "Tick",
    "UpstreamReleased", "dump_event", "issue_text_id", "load_event",
]  # fmt: skip

SCHEMA_VERSION = 1

NO_COMMIT = "0" * 40
"""What git says where there is no commit."""


class EventBase(Value):
    """What all events share."""

    schema_version: int = SCHEMA_VERSION
    source: str
    """Kind of the sender (`sig_bots.sources.kinds`), `clock` for a schedule, `sigbot` for an event of our own."""
    delivery: str = ""
    """The sender's id of the delivery (X-GitHub-Delivery, msg_id, webhook-id, ...)."""
    received: datetime | None = None
    repo: Repo | None = None

    def at(self, instance: str, delivery: str, received: datetime) -> Self:
        """The same event with what only the receiver knows: the instance's name, the delivery and the time."""
        repo = self.repo.model_copy(update={"instance": instance}) if self.repo else None
        return self.model_copy(update={"delivery": delivery, "received": received, "repo": repo})

    def at_home(self, origin: str, received: datetime) -> Self:
        """The same event, made by ourselves: `origin` names the job, the repository keeps its instance."""
        return self.model_copy(update={"delivery": origin, "received": received})


class RepositoryEvent(EventBase):
    """An event in one repository."""

    repo: Repo


class Push(RepositoryEvent):
    """Commits arrived on a branch or tag, or the ref was deleted."""

    kind: Literal["push"] = "push"
    ref: str
    """Full ref name: refs/heads/main, refs/tags/v1."""
    before: str
    """The commit before; NO_COMMIT for a new branch or tag."""
    after: str
    """The commit now; NO_COMMIT when the branch or tag was deleted."""
    actor: Actor
    paths: tuple[str, ...] = ()
    """Files the delivery says were touched; only complete when `paths_complete` is true."""
    paths_complete: bool = False
    deleted: bool = False

    @property
    def branch(self) -> str | None:
        """Name of the branch, None for a tag or any other ref."""
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else None


class PullRequestChanged(RepositoryEvent):
    """A pull request was opened, got new commits, was closed, merged, labelled or edited."""

    kind: Literal["pull_request"] = "pull_request"
    action: Literal["opened", "updated", "reopened", "closed", "merged", "labelled", "unlabelled", "edited", "ready"]
    pull_request: PullRequest
    actor: Actor
    label: str | None = None
    previous_body: str | None = None
    """On an edit of the text, the body before it: only newly written lines are commands."""


NEW_COMMITS = ("opened", "updated", "reopened", "ready")
"""Actions of `PullRequestChanged` after which its commits are to be looked at."""


class Comment(RepositoryEvent):
    """Somebody wrote on an issue, a pull request, a review or a commit. One type for all, so bots are written once."""

    kind: Literal["comment"] = "comment"
    action: Literal["created", "edited", "deleted"] = "created"
    place: Literal["issue", "pull_request", "review", "review_comment", "commit"]
    text: str
    previous_text: str | None = None
    actor: Actor
    """Who wrote it (on an edit: who edited it)."""
    comment_id: str = ""
    """The forge's id of the comment; `issue-NUMBER` for the text of an issue itself."""
    number: int | None = None
    """Issue or pull request number; None for a comment on a commit."""
    commit: str | None = None
    """The commit the comment is bound to, where the forge tells."""
    automatic: bool = False
    """The forge wrote it itself (Pagure's notifications): never a command."""
    url: str = ""

    @property
    def is_issue_text(self) -> bool:
        """Whether it is the text an issue begins with, not a comment on it."""
        return self.place == "issue" and self.number is not None and self.comment_id == issue_text_id(self.number)


class CheckRerequested(RepositoryEvent):
    """Somebody pressed "re-run": one check by name, or all checks of a commit when `check` is None."""

    kind: Literal["check_rerequested"] = "check_rerequested"
    sha: str
    check: str | None = None
    actor: Actor
    numbers: tuple[int, ...] = ()


class ImagePushed(EventBase):
    """A tag or digest of an image changed in a registry."""

    kind: Literal["image_pushed"] = "image_pushed"
    image: ImageRef
    """Registry and repository; the tag of the first entry of `tags` and the digest where known."""
    tags: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    actor: Actor | None = None


class PackagesUpdated(EventBase):
    """Newer builds of packages became available (Bodhi stable, a Koji tag)."""

    kind: Literal["packages_updated"] = "packages_updated"
    nvrs: tuple[str, ...]
    release: str | None = None
    advisory: str | None = None
    security: bool = False


class ModuleBuilt(EventBase):
    """A module stream was built."""

    kind: Literal["module_built"] = "module_built"
    name: str
    stream: str
    version: str
    context: str | None = None


class StreamReleased(EventBase):
    """A Fedora CoreOS stream got a new release."""

    kind: Literal["stream_released"] = "stream_released"
    stream: str
    release: str | None = None


class UpstreamReleased(EventBase):
    """An upstream project released a version (Anitya)."""

    kind: Literal["upstream_released"] = "upstream_released"
    project: str
    version: str
    project_id: int | None = None
    homepage: str | None = None


class TestResult(EventBase):
    """A test ended, as a CI system or a forge (check, status, flag) tells. It is a reason to look, the state is asked for."""

    __test__ = False  # not a test class, whatever its name

    kind: Literal["test_result"] = "test_result"
    test: str
    status: Literal["queued", "running", "passed", "failed", "error"]
    subject: str
    url: str = ""
    sha: str | None = None
    number: int | None = None
    branches: tuple[str, ...] = ()
    """Branches that hold the commit, as far as the sender tells; empty: it does not."""


class BuildFinished(EventBase):
    """A build started elsewhere (Koji, OpenShift) ended."""

    kind: Literal["build_finished"] = "build_finished"
    build: str
    status: Literal["success", "failed", "cancelled"]
    system: str
    nvr: str | None = None
    url: str = ""


class Tick(EventBase):
    """A schedule of a bot is due for a repository."""

    kind: Literal["tick"] = "tick"
    bot: str
    handler: str
    scheduled: datetime


def issue_text_id(number: int) -> str:
    """What stands as `Comment.comment_id` for the text of an issue."""
    return f"issue-{number}"


type Event = Annotated[
    Push | PullRequestChanged | Comment | CheckRerequested | ImagePushed | PackagesUpdated | ModuleBuilt
    | StreamReleased | UpstreamReleased | TestResult | BuildFinished | Tick,
    Field(discriminator="kind"),
]  # fmt: skip


class Ignored(Value):
    """A valid delivery that nobody needs, and why."""

    reason: str


class Rejected(Value):
    """A delivery whose content is not what its sender documents, and what is wrong with it."""

    reason: str


_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


def dump_event(event: Event) -> str:
    """The event as JSON, for the store."""
    return event.model_dump_json()


def load_event(text: str | bytes) -> Event:
    """The event from its JSON.

    Raises pydantic.ValidationError when the text is not an event, or has a field that this version does not know.
    """
    return _ADAPTER.validate_json(text)
