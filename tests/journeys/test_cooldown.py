"""The cooldown and what passes over it, with real package databases in real images and services that know advisories."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest

from tests.contract.world import SeenPr
from tests.journeys.stage import LiveStage, open_live_stage
from tests.servers.programs import program
from tests.servers.registry import Registry
from tests.standins.bodhi import BodhiStandIn
from tests.standins.osv import OsvStandIn
from tests.workers.packages.managers import Dpkg, Rpm, run

pytestmark = [pytest.mark.server, pytest.mark.timeout(400)]

SOON = 60.0
CONFIG = "version: 1\nupdate: {cooldown: 3d, security: {labels: [security]}}\n"
ADVISORY = {"local": "DSA-5678-1", "github": "FEDORA-2026-aaaa000001"}


@dataclass
class Cooldown:
    """A stage, the services that know advisories, and a maker of images with one package."""

    stage: LiveStage
    osv: OsvStandIn
    bodhi: BodhiStandIn
    forge: str
    folder: Path

    def publish(self, name: str, tag: str, package: str, evr: str) -> str:
        """Build an image whose database the package manager itself has written, and push it as somebody else would."""
        context = self.folder / f"{name}-{tag}"
        (context / "database").mkdir(parents=True)
        if self.forge == "local":
            dpkg = Dpkg(context)
            dpkg.install(context / "database", dpkg.make({package: evr}))
            place, release = "/var/lib/dpkg", 'ID=debian\nVERSION_ID="12"\n'
        else:
            rpm = Rpm(context, "sqlite")
            rpm.install(context / "database", rpm.make_one(package, evr))
            place, release = "/usr/lib/sysimage/rpm", "ID=fedora\nVERSION_ID=42\n"
        (context / "os-release").write_text(release)
        text = f"FROM scratch\nCOPY os-release /usr/lib/os-release\nCOPY database {place}\n"
        image = f"{self.stage.registry}/{name}/base"
        store = ["--root", f"{context}.s", "--runroot", f"{context}.r", "--storage-driver", "vfs"]
        buildah = program("buildah")
        run(buildah, *store, "bud", "--isolation", "chroot", "-q", "-t", "made", "-f", "-", context, text=text)
        run(buildah, *store, "push", "-q", "--tls-verify=false", "made", f"docker://{image}:{tag}")
        return image

    def updates(self) -> list[SeenPr]:
        prs = self.stage.world.prs()
        return [one for one in prs if one.state == "open" and one.head_branch.startswith("sigbot/update/")]

    def opened(self, image: str, tag: str) -> SeenPr:
        def look() -> SeenPr | None:
            return next((one for one in self.updates() if one.title == f"Update {image} to {tag}"), None)

        return self.stage.until(look, SOON, f"the update of {image} to {tag}")


@pytest.fixture(params=["local", "github"])
def cooldown(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cooldown]:
    """On the local forge with dpkg and OSV, on GitHub with rpm and Bodhi."""
    request.getfixturevalue("buildah")
    make_registry: Callable[..., Registry] = request.getfixturevalue("make_registry")
    with ExitStack() as stack:
        world = stack.enter_context(import_module(f"tests.contract.forges.{request.param}").open_world(request))
        data = getattr(world, "data", None) or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        osv, bodhi = stack.enter_context(OsvStandIn()), stack.enter_context(BodhiStandIn())
        settings = {
            "timing": {"periods": {"update.hourly": "3s"}},
            "advisories": {"osv": osv.url, "bodhi": bodhi.url, "private_bases": True},
        }  # fmt: skip
        stage = stack.enter_context(open_live_stage(world, data, make_registry, notify=True, **settings))
        yield Cooldown(stage, osv, bodhi, request.param, tmp_path)


def test_a_security_fix_passes_at_once_while_another_image_waits_for_its_cooldown(cooldown: Cooldown) -> None:
    name = ADVISORY[cooldown.forge]
    cooldown.osv.publish(name, "openssl", "3.0-2", database_specific={"severity": "HIGH"})
    cooldown.bodhi.publish(name, "openssl-3.0-2", severity="high")
    fixed = cooldown.publish("fixed", "1.0", "openssl", "3.0-1")
    plain = cooldown.publish("plain", "1.0", "bash", "5-1")
    files = {".sigbot.yaml": CONFIG, "Containerfile": f"FROM {plain}:1.0 AS a\nFROM {fixed}:1.0\n"}
    cooldown.stage.world.push("owner", "main", files)

    cooldown.publish("plain", "1.1", "bash", "5-2")
    cooldown.publish("fixed", "1.1", "openssl", "3.0-2")
    passed = cooldown.opened(fixed, "1.1")
    assert f"it does not wait for its cooldown, because it fixes `{name}` (important) in `openssl`" in passed.body
    assert f"**important** [{name}](" in passed.body
    assert "in `openssl`, fixed in `3.0-2`" in passed.body
    if cooldown.forge == "github":
        labelled = cooldown.stage.until(lambda: [one for one in cooldown.updates() if one.labels], SOON, "the label")
        assert [one.labels for one in labelled] == [("security",)]
    assert [one.title for one in cooldown.updates()] == [passed.title]

    cooldown.stage.move_clock(timedelta(days=4))
    waited = cooldown.opened(plain, "1.1")
    assert "cooldown" not in waited.body
    assert "Security" not in waited.body
