"""The public interface for authors of bots: everything a plugin imports."""

from sig_bots.bot import Arguments, Bot, BotConfig, NoArgs
from sig_bots.context import Context
from sig_bots.errors import Skip, Transient, UserError
from sig_bots.events import (
    NEW_COMMITS,
    CheckRerequested,
    Comment,
    ImagePushed,
    PullRequestChanged,
    Push,
    TestResult,
    Tick,
)
from sig_bots.forge import Annotation, CheckState, Permission
from sig_bots.refs import Actor, ImageRef, Platform, PullRequest, Repo

__all__ = [
    "NEW_COMMITS", "Actor", "Annotation", "Arguments", "Bot", "BotConfig", "CheckRerequested", "CheckState", "Comment",
    "Context", "ImagePushed", "ImageRef", "NoArgs", "Permission", "Platform", "PullRequest", "PullRequestChanged",
    "Push", "Repo", "Skip", "TestResult", "Tick", "Transient", "UserError",
]  # fmt: skip
