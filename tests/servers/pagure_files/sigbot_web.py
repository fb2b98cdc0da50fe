"""Pagure's web application, with the header values of git over HTTP put right.

Pagure hands on what git-http-backend answers as bytes. Werkzeug 3 prints those as `b'...'`, and git then says that
this is no repository.
"""

import ast
import ctypes
import gc
import signal

from pagure.flask_app import create_app

# gunicorn's workers look for their master only now and then; this ends them with it (prctl(2), PR_SET_PDEATHSIG).
ctypes.CDLL(None).prctl(1, signal.SIGKILL)

pagure = create_app()
# Pagure collects garbage after every request, 0.13 s each time unless what is loaded by now is left alone.
gc.freeze()


def text(value):
    """Return a header value as the text that was meant."""
    return ast.literal_eval(value).decode("latin-1") if value[:2] in ("b'", 'b"') else value


def application(environ, start_response):
    """WSGI entry point."""

    def start(status, headers, exc_info=None):
        return start_response(status, [(name, text(value)) for name, value in headers], exc_info)

    return pagure(environ, start)
