"""Answer that the service is alive."""

from sig_bots import Bot, Context, NoArgs

bot = Bot("ping", always=True)


@bot.command("ping")
def ping(ctx: Context, args: NoArgs) -> None:
    """Answer with a pong."""
    ctx.summary = "pong"
    ctx.reply(ctx.summary)
