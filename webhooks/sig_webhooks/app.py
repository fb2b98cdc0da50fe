"""The web process: receiver, health and pages in one Flask application."""

from __future__ import annotations

from flask import Flask
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from sig_webhooks.health import make_health
from sig_webhooks.pages import make_pages
from sig_webhooks.receiver import Endpoint, answer, make_receiver
from sig_workers.observe import Redactor, configure_logging
from sig_workers.queue import WakeUps
from sig_workers.settings import Settings, SettingsError, load_settings
from sig_workers.store.store import Store

__all__ = ["create_app", "endpoints"]


def create_app(settings: Settings | None = None, *, body_seconds: float = 10.0) -> Flask:
    """The application, from `settings` or what `load_settings` reads. Raises SettingsError.

    gunicorn is given `sig_webhooks.app:create_app()`.
    """
    settings = settings or load_settings()
    configure_logging(Redactor(settings.secret_values()))
    store = Store.open(settings.store_url, durable=settings.durable)
    wake_ups = WakeUps(settings)
    app = Flask(__name__, static_url_path="/static")
    app.json.compact = True  # type: ignore[attr-defined]
    app.extensions["sigbot"] = {"store": store, "wake_ups": wake_ups, "settings": settings}
    app.register_blueprint(make_receiver(endpoints(settings, store), wake_ups, body_seconds=body_seconds))
    app.register_blueprint(make_health(store))
    app.register_blueprint(make_pages(settings, store))

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> ResponseReturnValue:
        if isinstance(error, HTTPException):
            return error
        app.logger.exception("request failed")
        return answer("error", "Something went wrong here; the operators can see what."), 500

    return app


def endpoints(settings: Settings, store: Store) -> dict[str, Endpoint]:
    """The hooks that are served: one per instance that has a secret (Pagure's keys come from the store).

    Raises SettingsError for an instance without a secret, because its hook would accept anything or nothing.
    """
    found: dict[str, Endpoint] = {}
    for instance in settings.instances:
        secrets = instance.secrets()
        if not secrets and instance.kind != "pagure":
            raise SettingsError(
                f"instance {instance.name} has no webhook secret; set hook_secrets or hook_secret_files in sigbot.toml"
            )
        found[instance.name] = Endpoint(instance, secrets, store)
    return found
