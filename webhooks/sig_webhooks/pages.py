"""The pages: what arrived, what the bots made of it, and the local forge. Read-only; a private repository does not exist here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request
from markdown_it import MarkdownIt
from markupsafe import Markup

from sig_bots.errors import NotFound, UserError
from sig_workers.settings import Settings
from sig_workers.store.rows import JobRow
from sig_workers.store.store import Store

__all__ = ["make_pages"]

ENDED = frozenset({"done", "skipped", "failed", "dead", "cancelled", "superseded", "obsolete"})
PAGE = 40
LOG_LINES = 5000

# No raw HTML, and only links that go somewhere harmless: comments are written by strangers.
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def make_pages(settings: Settings, store: Store) -> Blueprint:
    """All routes of the pages, those of the local forge when it is served."""
    pages = Blueprint("pages", __name__)
    pages.add_app_template_filter(markdown)
    pages.add_app_template_filter(ago)

    @pages.app_context_processor
    def names() -> dict[str, Any]:
        return {"service": settings.service, "local": settings.local is not None}

    @pages.after_request
    def harden(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @pages.get("/")
    def home() -> str:
        before = request.args.get("before", type=int)
        deliveries = store.recent_deliveries(PAGE, before=before)
        jobs = store.jobs(public_only=True, limit=PAGE)
        return render_template("home.html", deliveries=deliveries, jobs=jobs, more=len(deliveries) == PAGE)

    @pages.get("/deliveries/<int:number>")
    def delivery(number: int) -> str:
        found = store.delivery(number, public_only=True)
        if found is None:
            abort(404)
        return render_template(
            "delivery.html", delivery=found, events=store.events_of(number), verdicts=store.verdicts_of(number),
            jobs=store.jobs(delivery=number, public_only=True, limit=200),
        )  # fmt: skip

    @pages.get("/jobs/<int:number>")
    def job(number: int) -> str:
        found = _public_job(store, number)
        lines = store.log_lines(number, limit=LOG_LINES)
        return render_template(
            "job.html", job=found, attempts=store.attempts(number), effects=store.effects_of(number), lines=lines,
            ended=found.state in ENDED,
        )  # fmt: skip

    @pages.get("/jobs/<int:number>/log")
    def log(number: int) -> Response:
        found = _public_job(store, number)
        lines = store.log_lines(number, request.args.get("after", 0, type=int), limit=LOG_LINES)
        return jsonify(
            state=found.state, ended=found.state in ENDED, reason=found.reason,
            lines=[{"seq": line.seq, "at": line.at.strftime("%H:%M:%S"), "line": line.line} for line in lines],
        )  # fmt: skip

    if settings.local is not None:
        _add_forge(pages, settings, store)
    return pages


def _public_job(store: Store, number: int) -> JobRow:
    found = store.job(number)
    if found is None or found.repo.private is not False:
        abort(404)
    return found


def _add_forge(pages: Blueprint, settings: Settings, store: Store) -> None:
    from sig_workers.localforge.forge import LocalForge
    from sig_workers.localforge.hooks import HookSender
    from sig_workers.localforge.state import LocalState

    forge = LocalForge(
        LocalState(store.database), settings.data / "forge", settings.url, HookSender.for_data(settings.data)
    )

    def public(path: str) -> Any:
        try:
            row = forge.state.row(path)
        except NotFound:
            abort(404)
        if row.private:
            abort(404)
        return row

    @pages.get("/forge")
    def forge_home() -> str:
        rows = [row for row in forge.state.all() if not row.private]
        opened = {row.path: len(forge.state.pulls(row.path)) for row in rows}
        return render_template("forge.html", repositories=rows, opened=opened)

    @pages.get("/forge/<path:path>")
    def repository(path: str) -> str:
        row = public(path)
        history = forge.history(path)
        head = history.branch_sha(row.default_branch)
        return render_template(
            "repository.html", row=row, head=head, folder=history.folder,
            checks=forge.state.checks(path, head) if head else [],
            pulls=forge.state.pulls(path, state="all"), files=history.files(head) if head else [],
        )  # fmt: skip

    @pages.get("/forge/<path:path>/pull/<int:number>")
    def pull(path: str, number: int) -> str:
        row = public(path)
        try:
            found = forge.pull(path, number)
            history = forge.history(path)
            base = history.resolve(found.base_branch) if found.state == "open" else f"{found.head_sha}~1"
            diff = history.diff(history.resolve(base), found.head_sha).decode("utf-8", "replace")
        except (NotFound, UserError):
            abort(404)
        return render_template(
            "pull.html", row=row, pull=found, diff=diff.splitlines()[:3000],
            comments=forge.state.comments(path, number=number), checks=forge.state.checks(path, found.head_sha),
        )  # fmt: skip


def markdown(text: str) -> Markup:
    """Markdown of a comment as harmless HTML; our hidden markers are left out."""
    visible = text.split("\n\n<!-- sigbot ")[0]
    return Markup(_MARKDOWN.render(visible))  # noqa: S704  (rendered with raw HTML off)


def ago(moment: datetime | None) -> str:
    """A time as a distance from now, for people."""
    if moment is None:
        return ""
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{max(0, seconds)} s ago"
