"""Checks on GitHub: check runs with annotations when we are an App, commit statuses when we have a token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sig_bots.errors import NotFound
from sig_bots.forge import Annotation, Check, CheckState
from sig_bots.refs import same_account
from sig_bots.wording import as_markdown
from sig_workers.forges import github_json
from sig_workers.forges.github_api import Refused, quoted
from sig_workers.forges.github_conversation import GitHubConversation

__all__ = ["GitHubChecks"]

_BATCH = 50
"""Annotations GitHub takes in one request."""
_MOST = 1000
"""Annotations of one check of ours: twenty requests. The text says how many were left out."""
_LONGEST_TEXT = 65_000
_LONGEST_DESCRIPTION = 140


class GitHubChecks(GitHubConversation):
    """Checks of one repository's commits."""

    def set_check(
        self,
        sha: str,
        name: str,
        state: CheckState,
        *,
        summary: str,
        url: str = "",
        text: str = "",
        annotations: Sequence[Annotation] = (),
        number: int | None = None,
    ) -> None:
        """Our one check run (App) or commit status (token) of that name on the commit. A status holds no text or annotations."""
        line = " ".join(summary.split()) or state.value
        link = url if url.startswith(("https://", "http://")) else ""
        if not self._config.is_app:
            self._set_status(sha, name, state, line, link)
            return
        notes = [github_json.annotation_body(note) for note in annotations[:_MOST]]
        if len(annotations) > _MOST:
            text = f"{text}\n\n{len(annotations) - _MOST} more remarks are not shown beside the lines.".strip()
        self._set_run(sha, name, _run_body(state, line, link, text), notes)

    # ------------------------------------------------------------ commit statuses

    def _set_status(self, sha: str, name: str, state: CheckState, line: str, url: str) -> None:
        if len(line) > _LONGEST_DESCRIPTION:
            line = f"{line[: _LONGEST_DESCRIPTION - 1]}…"
        body = {"state": github_json.STATUSES[state], "context": name, "description": line}
        if url:
            body["target_url"] = url
        for raw in self._statuses(sha):
            if raw["context"] == name:
                shown = {
                    "state": raw["state"],
                    "description": raw["description"],
                    "target_url": raw["target_url"] or "",
                }
                wanted = {"state": body["state"], "description": line, "target_url": url}
                if shown == wanted and same_account(github_json.actor(raw["creator"]), self.account):
                    return
                break
        self._call("POST", f"/statuses/{sha}", body=body)

    def _statuses(self, sha: str) -> list[Mapping[str, Any]]:
        """The newest status of each context: GitHub lists them newest first."""
        newest: dict[str, Mapping[str, Any]] = {}
        for raw in self._pages(f"/commits/{sha}/statuses"):
            newest.setdefault(raw["context"], raw)
        return list(newest.values())

    # ------------------------------------------------------------ check runs

    def _set_run(self, sha: str, name: str, body: dict[str, Any], notes: list[dict[str, Any]]) -> None:
        """Update our run of that name, or create one.

        GitHub adds the annotations of an update to those the run has and cannot take any away. So a run is updated only
        when what it has is the beginning of what is wanted, which also finishes what a crash left half done; otherwise a new run
        of the same name takes its place on the page.
        """
        known = self._our_run(sha, name)
        shown = self._annotations(known) if known else []
        if known is None or not _begins_with(notes, shown):
            shown = []
            first = {**body, "output": {**body["output"], "annotations": notes[:_BATCH]}}
            known = self._call("POST", "/check-runs", body={**first, "name": name, "head_sha": sha})
            rest = notes[_BATCH:]
        else:
            rest = notes[len(shown) :]
            if not rest and _says(known, body):
                return
            self._update_run(known["id"], body, rest[:_BATCH])
            rest = rest[_BATCH:]
        for start in range(0, len(rest), _BATCH):
            self._update_run(known["id"], body, rest[start : start + _BATCH])

    def _update_run(self, run: int, body: dict[str, Any], notes: list[dict[str, Any]]) -> None:
        self._call("PATCH", f"/check-runs/{run}", body={**body, "output": {**body["output"], "annotations": notes}})

    def _our_run(self, sha: str, name: str) -> Mapping[str, Any] | None:
        found = self._pages(f"/commits/{sha}/check-runs", key="check_runs", check_name=name, filter="latest")
        return next((raw for raw in found if raw["name"] == name and self._is_our_run(raw)), None)

    def _is_our_run(self, raw: Mapping[str, Any]) -> bool:
        return f"{(raw.get('app') or {}).get('slug')}[bot]" == self.account.login

    def _annotations(self, run: Mapping[str, Any]) -> list[Annotation]:
        if not run["output"].get("annotations_count"):
            return []
        return [github_json.annotation(raw) for raw in self._pages(f"/check-runs/{run['id']}/annotations")]

    # ------------------------------------------------------------ reading

    def checks(self, sha: str, number: int | None = None) -> Sequence[Check]:
        """Check runs and statuses of everybody; annotations of our own. One that bears our service's name is ours or left out."""
        out = []
        for raw in self._pages(f"/commits/{sha}/check-runs", key="check_runs", filter="latest"):
            ours = self._is_our_run(raw)
            if ours or not self._pretends(raw["name"]):
                notes = tuple(self._annotations(raw)) if ours else ()
                out.append(github_json.check_of_run(raw, ours=ours, annotations=notes))
        for raw in self._statuses(sha):
            if not self._pretends(raw["context"]) or same_account(github_json.actor(raw["creator"]), self.account):
                out.append(github_json.check_of_status(raw, sha))
        return out

    def required_checks(self, branch: str) -> Sequence[str]:
        """By branch protection and by rulesets. Which App must report one, GitHub itself sees to when something is merged."""
        told = self._call("GET", f"/branches/{quoted(branch)}").get("protection") or {}
        names = set((told.get("required_status_checks") or {}).get("contexts") or ())
        for rule in self._rules(branch):
            if rule.get("type") == "required_status_checks":
                wanted = (rule.get("parameters") or {}).get("required_status_checks") or ()
                names |= {one["context"] for one in wanted}
        return sorted(names)

    def _rules(self, branch: str) -> list[Mapping[str, Any]]:
        """The rules of the rulesets for a branch; none where the server or the owner's plan has no rulesets."""
        try:
            return self._pages(f"/rules/branches/{quoted(branch)}")
        except NotFound:
            return []
        except Refused as refusal:
            if refusal.status == 403:
                return []
            raise

    def _pretends(self, name: str) -> bool:
        return name.split("/")[0] == self._config.service


def _run_body(state: CheckState, line: str, url: str, text: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "external_id": state.value,
        "output": {"title": line[:255], "summary": as_markdown(line)[:_LONGEST_TEXT], "text": _cut(text)},
    }
    if url:
        body["details_url"] = url
    if state in github_json.CONCLUSIONS:
        body |= {"status": "completed", "conclusion": github_json.CONCLUSIONS[state]}
    else:
        body["status"] = "in_progress" if state is CheckState.RUNNING else "queued"
    return body


def _cut(text: str) -> str:
    return (
        text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}\n\n… (cut here, GitHub takes no longer text)"
    )


def _says(run: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether a run already shows all of this."""
    shown, wanted = run["output"], body["output"]
    texts = all((shown.get(key) or "") == wanted[key] for key in ("title", "summary", "text"))
    fields = all(run.get(key) == body.get(key) for key in ("external_id", "status", "conclusion"))
    return texts and fields and ("details_url" not in body or run.get("details_url") == body["details_url"])


def _begins_with(wanted: Sequence[Mapping[str, Any]], shown: Sequence[Annotation]) -> bool:
    bodies = [github_json.annotation_body(note) for note in shown]
    return bodies == list(wanted[: len(bodies)])
