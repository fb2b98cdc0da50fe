"""One builder, with a base image that has a shell in it, for all tests of real builds."""

import pytest

from tests.servers.process import ServerMissing
from tests.servers.registry import Registry
from tests.workers.builders.site import Site, busybox


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, registry_server: Registry) -> Site:
    made = Site(tmp_path_factory.mktemp("builds"), registry_server)
    if reason := made.builder.available(untrusted=True):
        raise ServerMissing(reason)
    status = made.build(
        "fleet/base:1",
        'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox","--install","-s","/bin"]\n',
        busybox(),
        push=True,
    )
    assert status.state == "success", made.log()
    return made


@pytest.fixture
def base(site: Site) -> dict[str, str]:
    image = site.image("fleet/base:1")
    return {str(image): str(image.with_tag(None, site.client.digest(image)))}
