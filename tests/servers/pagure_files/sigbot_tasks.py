"""Pagure's two Celery applications, with the collection of garbage after every task made cheap (see sigbot_web)."""

import gc

from celery.signals import worker_ready
from pagure.lib.tasks import conn as repositories
from pagure.lib.tasks_services import conn as services

__all__ = ["repositories", "services"]


@worker_ready.connect
def freeze(**_):
    """Leave alone what is loaded by now."""
    gc.freeze()
