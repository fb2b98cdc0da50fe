"""The single roles, for the cluster: serve, worker, beat, migrate, hooks sync."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence

import click

from sig_workers.cli.extras import need
from sig_workers.cli.options import fail, read_settings

__all__ = ["beat", "hooks", "migrate", "serve", "serve_arguments", "worker", "worker_arguments"]


@click.command()
@click.option("--bind", default="127.0.0.1:8080", show_default=True, help="Address and port to listen on.")
@click.option("--processes", default=1, show_default=True, help="Number of web processes.")
@click.option("--threads", default=8, show_default=True, help="Threads in each of them.")
def serve(bind: str, processes: int, threads: int) -> None:
    """Receive webhooks and serve the pages (gunicorn)."""
    need("web")
    read_settings()
    # gunicorn takes this process over, so signals reach it.
    os.execv(sys.executable, serve_arguments(bind, processes, threads))  # noqa: S606


def serve_arguments(
    bind: str, processes: int, threads: int, application: str = "sig_webhooks.app:serving()"
) -> list[str]:
    """The command line of a web process."""
    return [
        sys.executable, "-m", "gunicorn", "--bind", bind, "--workers", str(processes), "--threads", str(threads),
        "--worker-class", "sig_webhooks.gunicorn_worker.PatientWorker", "--graceful-timeout", "25",
        "--log-level", "warning", "--no-control-socket", "--no-sendfile", application,
    ]  # fmt: skip


@click.command()
@click.option("--queues", default="interactive,bulk,builds", show_default=True, help="Queues to work on.")
@click.option("--pool", type=click.Choice(["prefork", "threads", "solo"]), default="prefork", show_default=True)
@click.option("--concurrency", default=2, show_default=True, help="Jobs at once.")
def worker(queues: str, pool: str, concurrency: int) -> None:
    """Plan deliveries and run jobs (Celery)."""
    need("worker")
    gc.disable()  # until everything is imported: there is no garbage yet, and looking for it costs a tenth of the start
    from sig_bots.queues import QUEUES
    from sig_workers.observe import configure_logging
    from sig_workers.service import Service
    from sig_workers.tasks import worker_app

    wanted = [name.strip() for name in queues.split(",")]
    if unknown := [name for name in wanted if name not in QUEUES]:
        fail(f"there is no queue {unknown[0]}; there are {', '.join(QUEUES)}")
    service = Service(read_settings())
    configure_logging(service.redact)
    _ = service.bots  # a plugin that cannot work refuses to start, here and now
    app = worker_app(service)
    freeze_before_fork()
    app.worker_main(worker_arguments(wanted, pool, concurrency))


def freeze_before_fork() -> None:
    """Keep the collector away from what is there when Celery forks its children, so that they go on sharing it."""
    from celery.signals import worker_init

    @worker_init.connect(weak=False)  # type: ignore[untyped-decorator, unused-ignore]
    def freeze(**_: object) -> None:
        gc.freeze()
        gc.enable()


def worker_arguments(queues: Sequence[str], pool: str, concurrency: int) -> list[str]:
    """Celery's command line for a worker. Workers need not know of each other: they meet in the store only."""
    return [
        "worker", "--queues", ",".join(queues), "--pool", pool, "--concurrency", str(concurrency),
        "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING",
        "--hostname", f"sigbot-{os.getpid()}@%h",
    ]  # fmt: skip


@click.command()
def beat() -> None:
    """Sweep, tick and keep webhook keys in step; several may run, one acts."""
    need("worker")
    from sig_workers.beat import Beat
    from sig_workers.observe import configure_logging
    from sig_workers.service import Service

    service = Service(read_settings())
    configure_logging(service.redact)
    loop = Beat(service)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, frame: loop.stop())
    loop.run()


@click.command()
def migrate() -> None:
    """Bring the store to the newest form."""
    from sig_workers.store.store import Store

    settings = read_settings()
    store = Store.open(settings.store_url, durable=settings.durable)
    store.migrate()
    store.close()


@click.group()
def hooks() -> None:
    """Webhooks of the configured instances."""


@hooks.command("sync")
def sync() -> None:
    """Take the webhook keys that forges make per project into the store."""
    from sig_workers.beat import sync_hook_keys, sync_repositories
    from sig_workers.service import Service

    service = Service(read_settings())
    for instance in service.settings.instances:
        if instance.traits.makes_keys:
            repositories = sync_repositories(service, instance.name)
            keys = sync_hook_keys(service, instance.name)
            click.echo(f"{instance.name}: {repositories} repositories, {keys} webhook keys")
