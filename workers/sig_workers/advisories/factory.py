"""The advisory services as the settings describe them."""

from __future__ import annotations

from urllib.parse import urlsplit

from sig_bots.refs import ImageRef
from sig_workers.addresses import addresses_of, is_public
from sig_workers.advisories.answers import Answers
from sig_workers.advisories.asked import AskedAdvisories
from sig_workers.advisories.bodhi import Bodhi
from sig_workers.advisories.door import JsonDoor
from sig_workers.advisories.osv import Osv
from sig_workers.instances import AdvisoryServices
from sig_workers.registries.auth import find_login, read_auth_file
from sig_workers.registries.connections import Connections, HostRules
from sig_workers.settings import Settings

__all__ = ["make_advisories"]

_TIMEOUT = 5.0
_AT_ONCE = 2
_SPACING = 0.05


def make_advisories(settings: Settings, answers: Answers) -> AskedAdvisories:
    """The client for both services; one that is set to nothing is not asked. Raises UserError for a bad auth file."""
    wanted = settings.advisories
    return AskedAdvisories(
        Osv(_door(wanted, "osv"), answers) if wanted.osv else None,
        Bodhi(_door(wanted, "bodhi")) if wanted.bodhi else None,
        answers,
        (lambda image: True) if wanted.private_bases else _Openness(settings),
    )


def _door(wanted: AdvisoryServices, name: str) -> JsonDoor:
    url: str = getattr(wanted, name)
    parts = urlsplit(url)
    # Whoever writes an address of their own may mean a service inside their network; ours must be at a public one.
    own = url != AdvisoryServices.model_fields[name].default
    rules = {parts.netloc: HostRules(insecure=parts.scheme == "http")} if own else {}
    return JsonDoor(url, Connections(rules, _TIMEOUT, _AT_ONCE, _SPACING, private=False))


class _Openness:
    """Whether anybody can pull an image: its registry is at a public address, and we have no login for it. Raises Transient."""

    def __init__(self, settings: Settings) -> None:
        given = read_auth_file(settings.registry_auth_file) if settings.registry_auth_file else None
        places = [access.place for access in settings.registries if access.username is not None]
        inside = [access.place for access in settings.registries if access.insecure or access.allow_private_network]
        self._closed = dict.fromkeys(
            (*places, *inside, *(given.logins if given else ()), *(given.unusable if given else ())), True
        )

    def __call__(self, image: ImageRef) -> bool:
        registry = image.registry or "docker.io"
        if find_login(self._closed, registry, image.repository):
            return False
        host, _, port = registry.partition(":")
        return all(map(is_public, addresses_of(host, int(port) if port.isdigit() else 443)))
