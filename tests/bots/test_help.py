"""Help is made from what the bots say about themselves: snapshots of each form."""

from __future__ import annotations

import pytest

from sig_bots.errors import UserError
from sig_bots.help import help_data, help_markdown
from tests.bots.sample import sample_roster

DATA = help_data(sample_roster())

OVERVIEW = """\
| command | what it does | who may |
| --- | --- | --- |
| `/sig build [IMAGES...] [--force] [JOBS]` | Build images. | write |
| `/sig cancel [BOT]` | End the waiting and running jobs of this pull request, or those of one bot. | write |
| `/sig help [TOPIC]` | List the commands, or explain one command or bot. | anyone |
| `/sig lint [fix\\|report]` | Lint the pull request. | author |
| `/sig ok SHA [REASON]` | Approve a commit. | write |
| `/sig status` | Show the latest jobs of this pull request. | anyone |
| `/sig update` | Look for updates now. | write |

One command per line, at the start of the line. `/sig help COMMAND` tells more."""

BUILD = """\
`/sig build [IMAGES...] [--force] [JOBS]`

Build images.

Who may: write access.

- `[IMAGES...]`: Images to build; all changed ones by default
- `[--force]`: Build also what is up to date
- `[JOBS]`: Builds at a time, default 1"""


def test_the_overview_lists_every_command() -> None:
    assert help_markdown(DATA) == OVERVIEW


def test_a_command_wins_over_the_bot_of_its_name() -> None:
    assert help_markdown(DATA, "build") == BUILD


def test_a_bot_is_explained_with_its_commands() -> None:
    text = help_markdown(DATA, "sigbot")
    assert text.startswith("**sigbot**: Help, status and cancel")
    assert "Runs in every enabled repository." in text
    assert "`/sig cancel [BOT]`" in text


def test_schedules_and_events_are_data() -> None:
    bot = DATA.bot("update")
    assert bot is not None
    assert bot.schedules == ("every 6h: Look at every image.",)
    assert bot.events == ("image_pushed", "push")


def test_the_topic_may_be_written_as_a_command_line() -> None:
    assert help_markdown(DATA, "/sig lint") == help_markdown(DATA, "lint")


def test_an_unknown_topic_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no command or bot `lnt`\. Did you mean `/sig help lint`\?"):
        help_markdown(DATA, "lnt")


def test_the_prefix_is_the_services_own() -> None:
    assert "`/sig-stg lint" in help_markdown(help_data(sample_roster(), "/sig-stg"))
