"""Point out images that are used by a floating tag, so that a build today and one tomorrow may differ."""

from sig_bots import Annotation, Bot, BotConfig, CheckState, Context, NoArgs, PullRequestChanged
from sig_bots.containerfile import references
from sig_bots.fleet import is_containerfile

bot = Bot("floating")


@bot.config
class Config(BotConfig):
    """The section `floating:` in `.sigbot.yaml`."""

    tags: tuple[str, ...] = ("latest",)


@bot.on(PullRequestChanged, when=lambda event: event.action in ("opened", "updated"))
def check_change(ctx: Context, event: PullRequestChanged) -> None:
    """Check the Containerfiles of a pull request."""
    found = floating(ctx, event.pull_request.head_sha)
    state = CheckState.NEUTRAL if found else CheckState.SUCCESS
    ctx.summary = f"Images used by a floating tag: {len(found)}." if found else "Every image is pinned."
    ctx.check(state, ctx.summary, annotations=found)


@bot.command("floating", examples=("/sig floating",))
def list_floating(ctx: Context, args: NoArgs) -> None:
    """List the images that are used by a floating tag."""
    found = floating(ctx, ctx.pull_request.head_sha)
    lines = [f"- `{one.path}` line {one.line}: {one.message}" for one in found]
    ctx.reply("\n".join(lines) or "Every image is pinned.")


def floating(ctx: Context, sha: str) -> list[Annotation]:
    """One remark for each image without a digest whose tag is missing or one of the configured ones."""
    tags = ctx.config_as(Config).tags
    workspace = ctx.services.workspace
    files = workspace.read(sha, [path for path in workspace.files(sha) if is_containerfile(path)])
    return [
        Annotation(path=path, line=one.line, message=f"`{one.resolved}` may be another image tomorrow")
        for path, data in sorted(files.items())
        for one in references(data)
        if one.resolved and one.digest is None and (one.tag or "latest") in tags
    ]
