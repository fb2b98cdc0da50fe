"""Repositories survive renames and never inherit another one's history."""

from concurrent.futures import ThreadPoolExecutor

from sig_bots.refs import Repo
from sig_workers.store.rows import RepositoryRow
from sig_workers.store.store import Store


def test_the_same_repository_is_one_row(store: Store, repo: RepositoryRow) -> None:
    assert store.ensure_repository("forge", Repo(path="owner/name", forge_id="7", private=False)) == repo
    assert store.find_repository("forge", "owner/name") == repo
    assert (repo.owner, repo.enabled) == ("owner", True)


def test_a_renamed_repository_keeps_its_row(store: Store, repo: RepositoryRow) -> None:
    moved = store.ensure_repository("forge", Repo(path="new/place", forge_id="7"))
    assert (moved.id, moved.path) == (repo.id, "new/place")
    assert store.find_repository("forge", "owner/name") is None


def test_a_new_repository_under_an_old_path_is_another_one(store: Store, repo: RepositoryRow) -> None:
    new = store.ensure_repository("forge", Repo(path="owner/name", forge_id="8", private=True))
    assert new.id != repo.id
    old = store.repository(repo.id)
    assert old is not None
    assert (old.enabled, old.path) == (False, f"owner/name (gone, row {repo.id})")
    assert (store.list_repositories(), store.list_repositories(enabled_only=False)) == ([new], [new, old])


def test_one_that_gave_up_its_path_is_served_under_its_new_one(store: Store, repo: RepositoryRow) -> None:
    store.ensure_repository("forge", Repo(path="owner/name", forge_id="8"))  # told before the rename of 7
    back = store.ensure_repository("forge", Repo(path="new/place", forge_id="7"))
    assert (back.id, back.path, back.enabled) == (repo.id, "new/place", True)


def test_two_that_swap_their_names_follow(store: Store, repo: RepositoryRow) -> None:
    other = store.ensure_repository("forge", Repo(path="owner/other", forge_id="8"))
    store.ensure_repository("forge", Repo(path="owner/other", forge_id="7"))
    swapped = store.ensure_repository("forge", Repo(path="owner/name", forge_id="8"))
    assert (swapped.id, swapped.path) == (other.id, "owner/name")


def test_an_id_learned_later_is_added(store: Store) -> None:
    first = store.ensure_repository("forge", Repo(path="a/b"))
    assert store.ensure_repository("forge", Repo(path="a/b", forge_id="1")).id == first.id
    assert store.ensure_repository("forge", Repo(path="a/c", forge_id="1")).id == first.id


def test_what_a_delivery_does_not_say_stays(store: Store, repo: RepositoryRow) -> None:
    store.ensure_repository("forge", Repo(path="owner/name", default_branch="trunk"), installation="99")
    row = store.ensure_repository("forge", Repo(path="owner/name"))
    assert (row.private, row.default_branch, row.installation) == (False, "trunk", "99")


def test_visibility_is_believed_anew_each_time(store: Store, repo: RepositoryRow) -> None:
    assert store.ensure_repository("forge", Repo(path="owner/name", private=True)).private is True


def test_the_same_path_on_two_instances_is_two_rows(store: Store, repo: RepositoryRow) -> None:
    assert store.ensure_repository("other", Repo(path="owner/name", forge_id="7")).id != repo.id
    assert [row.instance for row in store.list_repositories("other")] == ["other"]


def test_first_contact_from_many_sides_is_one_row(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda _: store.ensure_repository("forge", Repo(path="a/b", forge_id="1")), range(16)))
    assert len({row.id for row in rows}) == 1


def test_the_configuration_is_kept(store: Store, repo: RepositoryRow) -> None:
    store.save_config(repo.id, "version: 1\n", "abc")
    row = store.repository(repo.id)
    assert row is not None
    assert (row.config_text, row.config_sha) == ("version: 1\n", "abc")
    assert row.config_read_at is not None
    assert store.list_repositories() == [row]
    assert row.ref() == Repo(path="owner/name", instance="forge", forge_id="7", private=False)


def test_many_known_ones_are_found_at_once(store: Store, repo: RepositoryRow) -> None:
    other = store.ensure_repository("forge", Repo(path="a/b"))
    asked = [Repo(path="a/b"), Repo(path="owner/name", forge_id="7"), Repo(path="a/unknown")]
    assert store.known_repositories("forge", asked) == [other, repo, None]
    assert store.known_repositories("other", asked) == [None, None, None]


def test_what_would_be_written_is_not_known(store: Store, repo: RepositoryRow) -> None:
    renamed, another = Repo(path="new/place", forge_id="7"), Repo(path="owner/name", forge_id="8")
    now_private = Repo(path="owner/name", forge_id="7", private=True)
    assert store.known_repositories("forge", [renamed, another, now_private]) == [None, None, None]
