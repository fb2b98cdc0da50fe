from datetime import timedelta

from sig_workers.store.store import Store
from tests.workers.store.conftest import eventually

HOUR, BLINK = timedelta(hours=1), timedelta(milliseconds=30)
APP = "quay.io/a"


def test_answers_grow_old(store: Store) -> None:
    store.cache(APP, "", "tags", ["1", "2"])
    store.cache(APP, "", "tags", ["1", "2", "3"])
    found = store.cached(APP, "", "tags", HOUR)
    assert found is not None
    assert found.value == ["1", "2", "3"]
    eventually(lambda: store.cached(APP, "", "tags", BLINK) is None)
    assert store.cached(APP, "", "tags", None) is not None
    assert store.cached("quay.io/b", "", "tags", HOUR) is None
    assert store.cached(APP, "", "tags", timedelta(0)) is None


def test_what_was_asked_before_a_push_is_forgotten_even_when_it_comes_after(store: Store) -> None:
    store.cache(APP, ":1", "digest", "old")
    store.cache(APP, "@sha256:1", "manifest", "kept")
    store.cache("quay.io/ab", ":1", "digest", "another image")
    store.forget_answers(APP)
    assert store.cached(APP, ":1", "digest", HOUR) is None
    store.cache(APP, ":1", "digest", "asked before the push", took=timedelta(seconds=5))
    assert store.cached(APP, ":1", "digest", HOUR) is None

    def believed() -> bool:
        store.cache(APP, ":1", "digest", "new")
        return store.cached(APP, ":1", "digest", HOUR) is not None

    eventually(believed)
    assert store.cached(APP, "@sha256:1", "manifest", None) is not None
    assert store.cached("quay.io/ab", ":1", "digest", HOUR) is not None


def test_a_slow_answer_does_not_replace_a_newer_one(store: Store) -> None:
    store.cache(APP, ":1", "digest", "new")
    store.cache(APP, ":1", "digest", "old", took=timedelta(seconds=9))
    found = store.cached(APP, ":1", "digest", HOUR)
    assert found is not None
    assert found.value == "new"


def test_the_first_sight_is_remembered(store: Store) -> None:
    first = store.first_seen(APP, ":1@sha256:1")
    eventually(lambda: store.first_seen(APP, ":1@sha256:1").now > first.now)
    again = store.first_seen(APP, ":1@sha256:1")
    assert again.at == first.at <= first.now
    assert store.first_seen(APP, ":1@sha256:2").at >= first.at


def test_old_answers_go_and_young_ones_stay(store: Store) -> None:
    store.cache(APP, "@sha256:1", "manifest", "old", took=timedelta(days=91))
    store.cache(APP, "@sha256:2", "manifest", "young", took=timedelta(days=89))
    store.forget_old_answers(timedelta(days=90))
    assert store.cached(APP, "@sha256:1", "manifest", None) is None
    assert store.cached(APP, "@sha256:2", "manifest", None) is not None
