"""The build bot with a real builder: base and child of one pull request."""

import pytest

from sig_bots.forge import CheckState
from sig_bots.plugins.build import bot
from sig_bots.testing import SigHarness
from tests.workers.builders.site import Site

pytestmark = pytest.mark.server


@pytest.fixture
def sig(site: Site, base: dict[str, str]) -> SigHarness:
    """A repository with a published base and its child, whose smoke command looks for a file of the base."""
    (shell,) = base
    name = f"{site.registry.host}/pr/base"
    site.build(
        "pr/base:latest", f"FROM {shell}\nCOPY marker /marker\n", {"marker": b"published"}, bases=base, push=True
    )
    config = (
        f"version: 1\nbuild: {{}}\nimages:\n"
        f"  - {{name: {name}, context: base}}\n"
        f"  - {{name: {site.registry.host}/pr/child, context: child, smoke: [grep, changed, /marker, /copy]}}\n"
    )
    files = {
        "base/Containerfile": f"FROM {shell}\nCOPY marker /marker\n",
        "base/marker": "published",
        "child/Containerfile": f"FROM {name}\nCOPY --from={name} /marker /copy\n",
    }
    sig = SigHarness(bots=[bot], config=config, files=files)
    sig.builder, sig.registry = site.builder, site.client  # type: ignore[assignment]
    return sig


def test_the_child_is_built_and_tried_on_the_base_of_the_pull_request(site: Site, sig: SigHarness) -> None:
    image = site.image("pr/base:latest")
    published, kept = site.client.digest(image), set((site.data / "builds").glob("*/result"))
    number = sig.open_pr({"base/marker": "changed"})
    check = sig.checks(number)["sigbot/build"]
    assert check.state == CheckState.SUCCESS, "\n".join(sig.log)
    assert "/copy:changed" in "\n".join(sig.log)
    assert site.client.digest(image) == published
    assert site.client.digest(site.image("pr/child:latest")) is None
    assert set((site.data / "builds").glob("*/result")) == kept


def test_a_typing_error_is_told_with_its_line(sig: SigHarness) -> None:
    number = sig.open_pr({"child/Containerfile": "FROM scratch\nRUM echo\n"})
    check = sig.checks(number)["sigbot/build"]
    assert "(child/Containerfile line 2): The Containerfile does not parse: unknown instruction 'RUM'" in check.summary
    assert "imagebuilder.Step" not in check.text
