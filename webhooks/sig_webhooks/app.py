"""The web process: receiver, health and pages in one Flask application."""

from __future__ import annotations

import logging
import re
import sys
from datetime import timedelta

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from sig_webhooks.body import BodyReader
from sig_webhooks.health import make_health
from sig_webhooks.pages import make_pages
from sig_webhooks.receiver import Endpoint, answer, make_receiver
from sig_workers.observe import Redactor, configure_logging
from sig_workers.queue import WakeUps
from sig_workers.settings import Settings, SettingsError, load_settings
from sig_workers.store.errors import StoreDown
from sig_workers.store.store import Store

__all__ = ["create_app", "endpoints", "serving"]

PATIENCE = timedelta(seconds=4)
"""How long a locked store is waited for: senders wait five seconds (Forgejo) or ten (GitHub) for the answer."""

WAKE_UP_PAUSE = 0.02
"""Seconds between wake-ups under load: a worker takes many deliveries at once, and a message costs more than a delivery."""

APP_LOAD_ERROR = 4
"""The exit status that tells gunicorn not to start the process again."""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A repository can become private: what a browser or a proxy kept must be asked for again.
    "Cache-Control": "no-cache",
}
_MACHINES = ("/hooks", "/healthz")
_SENTENCES = {
    404: ("Not here", "There is nothing at this address, or it is not public."),
    405: ("Not this way", "This address does not take that kind of request."),
    500: ("That went wrong", "Something went wrong here; the operators can see what."),
    503: ("One moment", "The store does not answer just now; try again in a minute."),
}


def serving() -> Flask:
    """The application for gunicorn: settings that cannot be used end the process with one sentence."""
    try:
        return create_app()
    except SettingsError as error:
        sys.stderr.write(f"sigbot: {error}\n")
        sys.exit(APP_LOAD_ERROR)


def create_app(settings: Settings | None = None, *, store: Store | None = None) -> Flask:
    """The application, from `settings` or what `load_settings` reads, over its store or the one given.

    Raises SettingsError.
    """
    settings = settings or load_settings()
    redact = Redactor(settings.secret_values())
    configure_logging(redact)
    _take_over_gunicorns_log()
    store = store or Store.open(settings.store_url, durable=settings.durable, patience=PATIENCE)
    wake_ups = WakeUps(settings, pause=WAKE_UP_PAUSE)
    bodies = BodyReader(settings.timing.request.total_seconds())
    app = Flask(__name__, static_url_path="/static")
    # Werkzeug would answer `//hooks//quay//SECRET` with a redirect that repeats it.
    app.url_map.merge_slashes = False
    app.extensions["sigbot"] = {"store": store, "wake_ups": wake_ups, "settings": settings, "bodies": bodies}
    app.register_blueprint(make_receiver(endpoints(settings, store), wake_ups, bodies))
    app.register_blueprint(make_health(store))
    app.register_blueprint(make_pages(settings, store, redact))
    app.register_error_handler(Exception, _refuse)
    app.after_request(_harden)
    return app


def endpoints(settings: Settings, store: Store) -> dict[str, Endpoint]:
    """The hooks that are served: one per instance that has a secret (keys that a forge makes come from the store).

    Raises SettingsError for an instance without a secret, because its hook would accept anything or nothing.
    """
    found: dict[str, Endpoint] = {}
    for instance in settings.instances:
        secrets = instance.secrets()
        if not secrets and not instance.traits.makes_keys:
            raise SettingsError(
                f"instance {instance.name} has no webhook secret; set hook_secrets or hook_secret_files in sigbot.toml"
            )
        found[instance.name] = Endpoint(instance, secrets, store)
    return found


def _refuse(error: Exception) -> Response:
    """Whatever ends a request early, in the form its sender reads; never a word of the request or the exception."""
    code = 503 if isinstance(error, StoreDown) else error.code or 500 if isinstance(error, HTTPException) else 500
    if code == 503:
        logging.getLogger(__name__).error("store down: %s", error)
    elif code >= 500:
        logging.getLogger(__name__).error("request failed: %s", type(error).__name__, exc_info=error)
    title, sentence = _SENTENCES.get(code, ("Not possible", "This request cannot be answered."))
    if request.path.startswith(_MACHINES):
        response = answer("error", sentence, code)
    else:
        response = Response(render_template("error.html", heading=title, sentence=sentence), code)
    for name, value in error.get_headers() if isinstance(error, HTTPException) else ():
        if name == "Allow":
            response.headers[name] = value
    if code == 503:
        response.headers["Retry-After"] = "30"
    return response


def _harden(response: Response) -> Response:
    if request.endpoint != "receiver.hook":
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
    return response


class _HideHookSecrets(logging.Filter):
    """Takes the end of a hook's address out of gunicorn's messages: it may be a secret, also one we do not know."""

    _PATH = re.compile(r"(/hooks/[^/\s?]*)/[^\s'\"]*")

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._PATH.sub(r"\1/[removed]", record.getMessage()), None
        return True


def _take_over_gunicorns_log() -> None:
    """Let gunicorn's messages of this process go the way of all others, redacted."""
    log = logging.getLogger("gunicorn.error")
    if log.handlers:
        log.handlers[:] = []
        log.propagate = True
        log.addFilter(_HideHookSecrets())
