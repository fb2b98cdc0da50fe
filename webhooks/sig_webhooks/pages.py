"""The pages: what arrived and what the bots made of it. Read-only; a private repository does not exist here."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request

from sig_bots.jobstate import ENDED
from sig_webhooks.forge_pages import add_forge
from sig_webhooks.rendering import payload_text, register_filters
from sig_workers.observe import Redactor
from sig_workers.settings import Settings
from sig_workers.store.deliverystate import UNPLANNED
from sig_workers.store.rows import JobRow
from sig_workers.store.store import Store

__all__ = ["make_pages"]

PAGE = 40
LOG_LINES = 5000
MOST_ID = 2**63 - 1  # what a column of ids can hold


def make_pages(settings: Settings, store: Store, redact: Redactor) -> Blueprint:
    """All routes of the pages, those of the local forge when it is served."""
    pages = Blueprint("pages", __name__)
    register_filters(pages)

    @pages.app_context_processor
    def names() -> dict[str, Any]:
        return {"service": settings.service, "local": settings.local is not None}

    @pages.get("/")
    def home() -> str:
        everything, before = "all" in request.args, _number("before")
        deliveries = store.recent_deliveries(PAGE, before=before, with_unreadable=True, ignored=everything)
        jobs = store.jobs(public_only=True, limit=PAGE, before=_number("jobs_before"))
        oldest = deliveries[-1].id if len(deliveries) == PAGE else 0
        left_out = 0 if everything else store.count_ignored(oldest, before)
        return render_template(
            "home.html", deliveries=deliveries, jobs=jobs, page=PAGE, everything=everything, left_out=left_out
        )

    @pages.get(f"/deliveries/<int(max={MOST_ID}):number>")
    def delivery(number: int) -> str:
        found = store.delivery(number, public_only=True, with_unreadable=True)
        if found is None:
            abort(404)
        if found.private is not False:
            # About no repository we know of, so nobody can say that what it holds is public.
            return render_template("delivery.html", delivery=found, sealed=True)
        return render_template(
            "delivery.html", delivery=found, unplanned=found.state in UNPLANNED,
            events=store.events_of(number), verdicts=store.verdicts_of(number),
            jobs=store.jobs(delivery=number, public_only=True, limit=200), body=payload_text(found.body, redact),
            headers=[(name, redact(value)) for name, value in found.headers.items()],
            repository=store.repository(found.repo_id) if found.repo_id is not None else None,
        )  # fmt: skip

    @pages.get(f"/jobs/<int(max={MOST_ID}):number>")
    def job(number: int) -> str:
        found = _public_job(store, number)
        lines = store.log_lines(number, _number("after") or 0, limit=LOG_LINES)
        cause = found.delivery_id and store.delivery(found.delivery_id, public_only=True)
        return render_template(
            "job.html", job=found, attempts=store.attempts(number), effects=store.effects_of(number), lines=lines,
            ended=found.state in ENDED, cut=len(lines) == LOG_LINES, cause=cause,
        )  # fmt: skip

    @pages.get(f"/jobs/<int(max={MOST_ID}):number>/log")
    def log(number: int) -> Response:
        found = _public_job(store, number)
        lines = store.log_lines(number, _number("after") or 0, limit=LOG_LINES)
        return jsonify(
            state=found.state, ended=found.state in ENDED, reason=found.reason,
            lines=[{"seq": line.seq, "at": line.at.strftime("%H:%M:%S"), "line": line.line} for line in lines],
        )  # fmt: skip

    if settings.local is not None:
        add_forge(pages, settings, store)
    return pages


def _number(name: str) -> int | None:
    """A number of the query that a database can hold; anything else is as if it were not there."""
    given = request.args.get(name, type=int)
    return given if given is not None and 0 <= given <= MOST_ID else None


def _public_job(store: Store, number: int) -> JobRow:
    found = store.job(number)
    if found is None or found.repo.private is not False:
        abort(404)
    return found
