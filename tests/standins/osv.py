"""An OSV server for tests: records in, and which of them affect a version is computed from their ranges.

After the API's documentation (https://google.github.io/osv.dev/api/) and the evaluation in the OSV schema.
"""

from __future__ import annotations

from typing import Any

from sig_bots.packages import PackageKind, compare, parse_evr
from tests.standins.json_server import JsonServer

KINDS: dict[str, PackageKind] = {"Debian": "dpkg", "Ubuntu": "dpkg", "Alpine": "apk"}


class OsvStandIn(JsonServer):
    """`page` is how many vulnerabilities one answer to one question holds."""

    def __init__(self, port: int = 0, page: int = 1000) -> None:
        super().__init__(port)
        self.records: dict[str, dict[str, Any]] = {}
        self.page = page

    def publish(
        self, name: str, package: str, fixed: str | None, *, ecosystem: str = "Debian:12", introduced: str = "0",
        upstream: tuple[str, ...] = (), **more: Any,
    ) -> None:  # fmt: skip
        """A record about one package; published again, it is about another one as well."""
        events = [{"introduced": introduced}, *([{"fixed": fixed}] if fixed else [])]
        affected = {
            "package": {"name": package, "ecosystem": ecosystem}, "ranges": [{"type": "ECOSYSTEM", "events": events}],
            **more.pop("affected", {}),
        }  # fmt: skip
        record = self.records.setdefault(
            name, {"id": name, "modified": "2026-11-01T00:00:00Z", "schema_version": "1.7.4", "affected": []}
        )
        record["affected"].append(affected)
        record.update({"upstream": list(upstream), **more})

    def answer(self, method: str, path: str, query: dict[str, str], document: Any) -> tuple[int, Any]:
        if (method, path) == ("POST", "/v1/querybatch"):
            if len(document["queries"]) > 1000:
                return 400, {"code": 3, "message": "Too many queries."}
            return 200, {"results": [self._result(one) for one in document["queries"]]}
        if method == "GET" and path.startswith("/v1/vulns/"):
            record = self.records.get(path.removeprefix("/v1/vulns/"))
            return (200, record) if record else (404, {"code": 5, "message": "Bug not found."})
        return 404, {"code": 5, "message": "Not Found"}

    def _result(self, query: dict[str, Any]) -> dict[str, Any]:
        found = [
            {"id": name, "modified": record["modified"]}
            for name, record in sorted(self.records.items())
            if not record.get("withdrawn") and any(_affects(one, query) for one in record["affected"])
        ]
        start = int(query.get("page_token", "0"))
        page = found[start : start + self.page]
        more = {"next_page_token": str(start + self.page)} if start + self.page < len(found) else {}
        return ({"vulns": page} if page else {}) | more


def _affects(affected: dict[str, Any], query: dict[str, Any]) -> bool:
    if affected["package"] != query["package"]:
        return False
    kind = KINDS.get(query["package"]["ecosystem"].partition(":")[0], "rpm")
    version = parse_evr("", query["version"])
    return query["version"] in affected.get("versions", ()) or any(
        _inside(kind, version, span["events"]) for span in affected["ranges"]
    )


def _inside(kind: PackageKind, version: Any, events: list[dict[str, str]]) -> bool:
    vulnerable = False
    for event in events:  # which are in their order here
        if "introduced" in event and (event["introduced"] == "0" or _reached(kind, version, event["introduced"])):
            vulnerable = True
        if "fixed" in event and _reached(kind, version, event["fixed"]):
            vulnerable = False
    return vulnerable


def _reached(kind: PackageKind, version: Any, other: str) -> bool:
    return compare(kind, version, parse_evr("", other)) >= 0
