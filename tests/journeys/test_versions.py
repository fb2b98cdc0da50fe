"""A version rule as people see it: a value follows its upstream project, is refreshed, is left to who declines it, is closed."""

from __future__ import annotations

from tests.contract.world import SeenPr
from tests.journeys.stage import Stage

SOON = 60.0
CONFIG = """\
version: 1
update:
  versions:
    - {arg: TOOL_VERSION, project: tool}
    - {label: version, project: tool, file: 'Containerfile*'}
"""
RECIPE = """\
FROM scratch
ARG TOOL_VERSION=v1.0.0 \\
    OTHER=1.0.0
ARG TOOL_SHA256=abc
COPY <<EOF /x
ARG TOOL_VERSION=v1.0.0
EOF
LABEL a="b" version="1.0"
"""


def test_a_value_follows_its_project_by_pull_request(stage: Stage) -> None:
    project = stage.monitor.add("tool", ["1.1.0", "1.0.0"], prereleases=["2.0.0-rc1"])
    stage.world.push("owner", "main", {".sigbot.yaml": CONFIG, "Containerfile": RECIPE})

    one = opened(stage, "Update tool to 1.1.0")
    assert stage.world.read("Containerfile", one.head_branch) == at("1.1").encode()
    assert project.homepage in one.body
    assert "To be changed by hand" in one.body
    assert "ARG TOOL_SHA256" in one.body

    stage.monitor.release(project.id, "1.2.0")
    two = refreshed(stage, "Update tool to 1.2.0")
    assert two.number == one.number
    assert stage.world.read("Containerfile", two.head_branch) == at("1.2").encode()

    stage.world.close("alice", one.number)
    stage.monitor.release(project.id, "1.3.0")
    later = refreshed(stage, "Update tool to 1.3.0")
    assert later.number != one.number
    assert [each.number for each in stage.world.prs() if each.state == "open"] == [later.number]

    stage.world.push("owner", "main", {"Containerfile": at("1.3")})
    stage.until(lambda: not [each for each in stage.world.prs() if each.state == "open"], SOON, "the closing")
    assert any("no longer needs this update" in each.body for each in stage.world.comments(later.number))


def at(series: str) -> str:
    """The recipe at another version."""
    return RECIPE.replace("=v1.0.0 ", f"=v{series}.0 ").replace('"1.0"', f'"{series}"')


def refreshed(stage: Stage, title: str) -> SeenPr:
    """The same, after something made the bot look again once the monitor's old answer is not believed any more."""
    pushed = 0

    def look() -> SeenPr | None:
        nonlocal pushed
        pushed += 1
        if pushed % 15 == 1:
            stage.world.push("owner", "main", {"README.md": f"# {title} {pushed}\n"})
        return found(stage, title)

    return stage.until(look, SOON, f"the pull request {title}")


def opened(stage: Stage, title: str) -> SeenPr:
    """The open pull request of this title, once it is there."""
    return stage.until(lambda: found(stage, title), SOON, f"the pull request {title}")


def found(stage: Stage, title: str) -> SeenPr | None:
    return next((each for each in stage.world.prs() if each.state == "open" and each.title == title), None)
