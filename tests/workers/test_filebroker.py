"""The broker of the embedded default: nothing a writer does half ends a reader."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from sig_workers.queue import make_app
from sig_workers.settings import Settings


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    return tmp_path / "broker" / "messages"


def channel(data: Path) -> Any:
    return make_app(Settings(data=data)).connection_for_write().default_channel


def take(reader: Any) -> Any:
    try:
        return reader._get("builds")
    except Empty:
        return None


def test_a_message_is_taken_once_and_by_its_queue_only(tmp_path: Path, messages: Path) -> None:
    one, other = channel(tmp_path), channel(tmp_path)
    one._put("builds", {"body": 1})
    one._put("bulk", {"body": 2})
    assert [take(other), take(one)] == [{"body": 1}, None]
    assert [path.name.partition(".")[2] for path in messages.iterdir()] == ["bulk.msg"]


def test_a_file_that_is_no_message_is_dropped(tmp_path: Path, messages: Path) -> None:
    reader = channel(tmp_path)
    (messages / "1_a.builds.msg").write_text("")
    reader._put("builds", {"body": 1})
    assert take(reader) == {"body": 1}
    assert take(reader) is None


def test_a_reader_never_sees_half_a_message(tmp_path: Path) -> None:
    writer, readers = channel(tmp_path), [channel(tmp_path) for _ in range(2)]
    taken: list[Any] = []
    done = threading.Event()

    def read(reader: Any) -> None:
        while True:
            last = done.is_set()
            if (found := take(reader)) is not None:
                taken.append(found["number"])
            elif last:
                return

    threads = [threading.Thread(target=read, args=(reader,)) for reader in readers]
    for thread in threads:
        thread.start()
    for number in range(100):
        writer._put("builds", {"number": number, "padding": "x" * 20_000})
    done.set()
    for thread in threads:
        thread.join(20)
    assert sorted(taken) == list(range(100))


def test_a_wake_up_reaches_the_queue_it_names(tmp_path: Path, messages: Path) -> None:
    app = make_app(Settings(data=tmp_path))
    with app.connection_for_write() as connection:
        app.send_task("sigbot.work", args=("builds",), queue="builds", producer=connection.Producer(serializer="json"))
    assert [path.name.partition(".")[2] for path in messages.iterdir()] == ["builds.msg"]


def test_a_wake_up_that_waits_already_is_not_given_twice(tmp_path: Path, messages: Path) -> None:
    app = make_app(Settings(data=tmp_path))
    with app.connection_for_write() as connection:
        producer = connection.Producer(serializer="json")
        for queue in ("builds", "bulk", "builds"):
            app.send_task("sigbot.work", args=(queue,), queue=queue, producer=producer)
    assert len(list(messages.iterdir())) == 2
    assert take(channel(tmp_path)) is not None
    assert take(channel(tmp_path)) is None


def test_folders_that_were_removed_are_made_again(tmp_path: Path, messages: Path) -> None:
    writer, reader = channel(tmp_path), channel(tmp_path)
    shutil.rmtree(tmp_path / "broker")
    assert take(reader) is None
    writer._put("builds", {"body": 1})
    assert take(reader) is None  # there was no place to move it to; there is now
    assert take(reader) == {"body": 1}
