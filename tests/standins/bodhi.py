"""A Bodhi for tests: updates in, and queries over them by package, release, type and status, in pages.

After bodhi-server's `services/updates.py` and `schemas.py`: names are split at commas, the newest update comes first,
an unknown release is an error 400, and at most 1,000 rows are on a page.
"""

from __future__ import annotations

import math
from typing import Any

from tests.standins.json_server import JsonServer

RELEASES = ("F41", "F42", "EPEL-9")


class BodhiStandIn(JsonServer):
    """`most` is how many rows a page has at most, whatever is asked for."""

    def __init__(self, port: int = 0, most: int = 1000) -> None:
        super().__init__(port)
        self.updates: list[dict[str, Any]] = []
        self.most = most

    def publish(
        self, alias: str, *nvrs: str, release: str = "F42", severity: str = "unspecified", cves: tuple[str, ...] = (),
        kind: str = "security", status: str = "stable",
    ) -> None:  # fmt: skip
        """An update with its builds; the CVEs are in the titles of its bugs, as there."""
        bugs = [
            {"bug_id": 2_000_000 + number, "security": True, "title": f"{cve} demo: a flaw [fedora-all]"}
            for number, cve in enumerate(cves)
        ]
        self.updates.insert(0, {
            "alias": alias, "updateid": alias, "title": " ".join(nvrs), "display_name": "", "notes": "x", "type": kind,
            "status": status, "severity": severity, "bugs": bugs, "release": {"name": release, "id_prefix": "FEDORA"},
            "builds": [{"nvr": nvr, "type": "rpm", "epoch": 0} for nvr in nvrs],
            "url": f"{self.url}/updates/{alias}",
        })  # fmt: skip

    def answer(self, method: str, path: str, query: dict[str, str], document: Any) -> tuple[int, Any]:
        if (method, path) != ("GET", "/updates/"):
            return 404, {"status": "error", "errors": []}
        wanted = query.get("releases", "").split(",")
        if not set(wanted) <= set(RELEASES):
            return 400, {"status": "error", "errors": [{"location": "querystring", "name": "releases"}]}
        names = set(query["packages"].split(","))
        found = [
            one
            for one in self.updates
            if one["release"]["name"] in wanted
            and one["type"] == query.get("type", one["type"])
            and one["status"] in query.get("status", one["status"]).split(",")
            and any(build["nvr"].rsplit("-", 2)[0] in names for build in one["builds"])
        ]
        page, rows = int(query.get("page", "1")), min(int(query.get("rows_per_page", "20")), self.most)
        shown = found[rows * (page - 1) : rows * page]
        return 200, {
            "updates": shown, "page": page, "pages": math.ceil(len(found) / rows), "rows_per_page": rows,
            "total": len(found), "chrome": True, "display_user": False,
        }  # fmt: skip
