"""The local forge's pages: its repositories, their pull requests and issues."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template

from sig_bots.errors import NotFound, SigbotError, UserError
from sig_bots.refs import PullRequest
from sig_workers.localforge.forge import LocalForge
from sig_workers.localforge.history import History
from sig_workers.localforge.hooks import HookSender
from sig_workers.settings import Settings
from sig_workers.store.store import Store

__all__ = ["add_forge"]

DIFF_LINES = 3000
FILES = 500
MOST_NUMBER = 2**31 - 1  # what a column of numbers can hold


def add_forge(pages: Blueprint, settings: Settings, store: Store) -> None:
    """Add the routes below `/forge`."""
    forge = LocalForge.of(settings.data, settings.url, store.database, HookSender.for_data(settings.data))

    def public(path: str) -> tuple[Any, History]:
        """The repository, if everybody may see it: 404 otherwise."""
        try:
            history = forge.history(path)
            row = forge.state.row(path)
        except (NotFound, UserError):
            abort(404)
        if row.private is not False:
            abort(404)
        return row, history

    @pages.get("/forge")
    def forge_home() -> str:
        rows = [row for row in forge.state.all() if row.private is False]
        opened = {row.path: len(forge.state.pulls(row.path)) for row in rows}
        return render_template("forge.html", repositories=rows, opened=opened)

    @pages.get("/forge/<path:path>")
    def repository(path: str) -> str:
        row, history = public(path)
        head = history.branch_sha(row.default_branch)
        files = history.files(head, FILES + 1) if head else []
        return render_template(
            "repository.html", row=row, head=head, folder=history.folder,
            checks=forge.state.checks(path, head) if head else [],
            pulls=forge.state.pulls(path, state="all"), issues=[one for _, one in reversed(forge.state.issues(path))], files=files[:FILES], more=len(files) > FILES,
        )  # fmt: skip

    @pages.get(f"/forge/<path:path>/pull/<int(max={MOST_NUMBER}):number>")
    def pull(path: str, number: int) -> str:
        row, history = public(path)
        try:
            found = forge.pull(path, number)
        except NotFound:
            abort(404)
        fork = forge.state.find(found.head_repo) if found.from_fork and found.head_repo else None
        lines = _diff(history, found)
        return render_template(
            "pull.html", row=row, pull=found, diff=lines and lines[:DIFF_LINES],
            more=max(0, len(lines or ()) - DIFF_LINES), fork=fork.path if fork is not None and not fork.private else None,
            comments=forge.state.comments(path, number=number), checks=forge.state.checks(path, found.head_sha),
        )  # fmt: skip

    @pages.get(f"/forge/<path:path>/issue/<int(max={MOST_NUMBER}):number>")
    def issue(path: str, number: int) -> str:
        row, _ = public(path)
        try:
            author, found = forge.issue(path, number)
        except NotFound:
            abort(404)
        comments = forge.state.comments(path, number=number)
        return render_template("issue.html", row=row, issue=found, author=author, comments=comments)


def _diff(history: History, pull: PullRequest) -> list[str] | None:
    """The change's lines; None when git no longer has its two sides."""
    try:
        merged_onto = history.merged_onto(pull.base_branch, pull.head_sha) if pull.state == "merged" else None
        base = merged_onto or history.resolve(pull.base_branch)
        return history.diff(base, pull.head_sha).decode("utf-8", "replace").splitlines()
    except SigbotError:
        return None
