"""The public interface for authors of bots: everything a plugin imports."""

from sig_bots.bot import Arguments, Bot, BotConfig, NoArgs
from sig_bots.context import Context
from sig_bots.errors import Skip, Transient, UserError
from sig_bots.events import (
    BuildFinished,
    CheckRerequested,
    Comment,
    ImagePushed,
    ModuleBuilt,
    PackagesUpdated,
    PullRequestChanged,
    Push,
    StreamReleased,
    TestResult,
    Tick,
    UpstreamReleased,
)
from sig_bots.forge import Annotation, CheckState, Permission
from sig_bots.refs import Actor, ImageRef, Platform, PullRequest, Repo

__all__ = [
    "Actor", "Annotation", "Arguments", "Bot", "BotConfig", "BuildFinished", "CheckRerequested", "CheckState",
    "Comment", "Context", "ImagePushed", "ImageRef", "ModuleBuilt", "NoArgs", "PackagesUpdated", "Permission",
    "Platform", "PullRequest", "PullRequestChanged", "Push", "Repo", "Skip", "StreamReleased", "TestResult", "Tick",
    "Transient", "UpstreamReleased", "UserError",
]  # fmt: skip
