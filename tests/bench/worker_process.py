"""A worker process to be measured: ours with the bot that does nothing, or Celery's own with a task that does nothing.

`python -m tests.bench.worker_process ours DATA STORE BROKER POOL N` or `... celery BROKER POOL N`. With BENCH_READY it
writes the moment at which it was ready (CLOCK_MONOTONIC, in ns) into that file.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import monotonic_ns

from celery import Celery
from celery.signals import worker_ready

from tests.bench.starts import note

QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]


def bare_app(broker: str, files: Path | None = None) -> Celery:
    """What one writes to queue a function: no result, acknowledged late as the best of Celery's own settings was.

    `files`: the folder of the file transport.
    """
    app = Celery("bare", broker=broker, set_as_current=False)
    app.conf.update(
        task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=4, worker_send_task_events=False,
        worker_enable_remote_control=False, broker_connection_retry_on_startup=True,
    )  # fmt: skip
    if broker.startswith("filesystem") and files is not None:
        names = {"data_folder_in": "messages", "data_folder_out": "messages", "control_folder": "control"}
        folders = {key: str(files / name) for key, name in names.items()}
        for folder in folders.values():
            Path(folder).mkdir(parents=True, exist_ok=True)
        app.conf.broker_transport_options = {**folders, "polling_interval": 0.05}

    @app.task(name="bare.nothing")  # type: ignore[untyped-decorator, unused-ignore]
    def nothing(number: int) -> None:
        note(number)

    return app


@worker_ready.connect
def tell(**_: object) -> None:
    """Say when the worker takes work."""
    if "BENCH_READY" in os.environ:
        Path(os.environ["BENCH_READY"]).write_text(str(monotonic_ns()))


def main(kind: str, *arguments: str) -> None:
    """Run until a signal comes."""
    if kind == "celery":
        broker, pool, concurrency = arguments
        app = bare_app(broker, Path(os.environ["BENCH_BROKER"]) if "BENCH_BROKER" in os.environ else None)
        app.worker_main(["worker", "--pool", pool, "--concurrency", concurrency, *QUIET])
        return
    from sig_bots.queues import QUEUES
    from sig_workers.cli.roles import worker_arguments
    from sig_workers.observe import configure_logging
    from sig_workers.tasks import worker_app
    from tests.bench.noop import service, settings

    data, store, broker, pool, concurrency = arguments
    one = service(settings(Path(data), store, broker))
    configure_logging(one.redact)
    worker_app(one).worker_main(worker_arguments(QUEUES, pool, int(concurrency)))


if __name__ == "__main__":
    main(*sys.argv[1:])
