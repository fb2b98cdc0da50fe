"""The queue: a Celery application whose messages are wake-ups, nothing else.

A message says "there may be something to do in this queue". What there is to do is a row in the store; losing, doubling or
reordering messages is harmless. Publishing happens in a thread of its own, never inside a web request.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sig_bots.queues import QUEUES

if TYPE_CHECKING:
    from celery import Celery

    from sig_workers.settings import Settings

__all__ = ["RECEIVE", "WORK", "WakeUps", "make_app"]

RECEIVE = "sigbot.receive"
WORK = "sigbot.work"

log = logging.getLogger(__name__)


def make_app(settings: Settings) -> Celery:
    """The Celery application for these settings; creates the folders of the file transport."""
    from celery import Celery
    from kombu import Queue

    from sig_workers import filebroker

    filebroker.register()
    app = Celery("sigbot", set_as_current=False)
    app.conf.update(
        broker_url=f"{filebroker.SCHEME}://localhost" if settings.broker == "filesystem" else settings.broker,
        broker_transport_options=_transport(settings),
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=3,
        broker_pool_acquire_timeout=5,
        task_queues=[Queue(name) for name in QUEUES],
        task_default_queue="interactive",
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        # A wake-up may be lost at any time, so acknowledging late buys nothing and doubles work after a visibility timeout.
        task_acks_late=True,
        task_reject_on_worker_lost=False,
        task_publish_retry=False,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_max_tasks_per_child=1000,
        worker_soft_shutdown_timeout=5,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_remote_control=False,
        worker_eta_task_limit=100,
    )
    return app


def _transport(settings: Settings) -> dict[str, Any]:
    if settings.broker == "filesystem":
        folders = {name: broker_folder(settings) / name for name in ("messages", "processed", "control")}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        return {
            "data_folder_in": str(folders["messages"]),
            "data_folder_out": str(folders["messages"]),
            "processed_folder": str(folders["processed"]),
            "control_folder": str(folders["control"]),
            "polling_interval": 0.05,
        }
    if settings.broker.startswith(("redis://", "rediss://")):
        # Without time limits a publish hangs for ever on a dead peer; restore every few seconds, not every hundred.
        return {
            "visibility_timeout": 300,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": 15,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 25,
        }
    return {}


def broker_folder(settings: Settings) -> Path:
    """Where the file transport keeps its messages."""
    return settings.data / "broker"


class WakeUps:
    """Publishes wake-ups from a thread, coalesced: many calls within `pause` seconds send one message per queue.

    `wake` never blocks and never raises; with the broker down the thread logs one line and drops the hint, since the
    sweeper will find what is due.
    """

    def __init__(self, settings: Settings, *, pause: float = 0.004) -> None:
        self._settings = settings
        self._pause = pause
        self._wanted: set[str] = set()
        self._ready = threading.Condition()
        self._stopped = False
        self._broken = False
        self._thread: threading.Thread | None = None

    def wake(self, queues: Iterable[str]) -> None:
        """Ask for a message to each of the queues (`receive` stands for new deliveries)."""
        with self._ready:
            self._wanted.update(queues)
            if self._wanted:
                # Started on first use, so that a process that forks later (gunicorn, Celery) has its own thread; one
                # that was started before the fork is not alive in the child.
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._publish, name="wake-ups", daemon=True)
                    self._thread.start()
                self._ready.notify()

    def stop(self, timeout: float = 3) -> None:
        """Publish what is pending and end the thread."""
        with self._ready:
            self._stopped = True
            self._ready.notify()
        if self._thread is not None:
            self._thread.join(timeout)

    def _publish(self) -> None:
        sender: _Sender | None = None
        while True:
            with self._ready:
                while not self._wanted and not self._stopped:
                    self._ready.wait()
                wanted, self._wanted = self._wanted, set()
                if not wanted:
                    break
            sender = self._send(sender, sorted(wanted))
            time.sleep(self._pause)
        if sender is not None:
            sender.close()

    def _send(self, sender: _Sender | None, queues: list[str]) -> _Sender | None:
        """Send to each queue; returns the sender to go on with, None when the connection has to be made anew."""
        for known in (sender, None) if sender is not None else (None,):
            try:
                # A broker that was emptied has forgotten where queues are; a new connection tells it again.
                used = known or _Sender(self._settings)
                for queue in queues:
                    used.send(queue)
            except Exception as error:  # kombu raises whatever its transport raises
                problem = type(error).__name__
                if known is not None:
                    with contextlib.suppress(Exception):
                        known.close()
            else:
                if self._broken:
                    log.info("broker reachable again")
                self._broken = False
                return used
        if not self._broken:
            log.warning("broker not reachable, the sweeper will find the work: %s", problem)
        self._broken = True
        return None


class _Sender:
    """A connection that is held, and the messages, which differ in their ids only: making one costs as much as sending it."""

    def __init__(self, settings: Settings) -> None:
        app = make_app(settings)
        self._amqp = app.amqp
        self._connection = app.connection_for_write()
        # Left to itself kombu tries for ever, up to half a minute apart, and is asleep when the broker is back.
        patience = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
        self._connection.transport_options = {**_transport(settings), **patience}
        self._producer = self._connection.Producer(serializer="json")
        self._messages: dict[str, Any] = {name: self._amqp.as_task_v2("", WORK, args=(name,)) for name in QUEUES}
        self._messages["receive"] = self._amqp.as_task_v2("", RECEIVE)

    def send(self, queue: str) -> None:
        """One message to a queue; `receive` stands for new deliveries."""
        message = self._messages[queue]
        number = str(uuid.uuid4())
        self._amqp.send_task_message(
            self._producer,
            message.headers["task"],
            message._replace(
                headers=message.headers | {"id": number, "root_id": number},
                properties=message.properties | {"correlation_id": number},
            ),
            queue="interactive" if queue == "receive" else queue,
        )

    def close(self) -> None:
        """Let the connection go."""
        self._connection.release()
