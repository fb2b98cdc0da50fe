"""What a Pagure pull request changes. No single answer of Pagure tells that, so several are put together.

`diffstats` (API) compares the whole pull request and finds renames, but knows no lines. The page `N.diff` knows lines, but is the
diff of each commit, one after the other: of a file that several commits touch, its line numbers mean nothing at the head. Those
files, and renamed ones, are read as they were and as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sig_bots.errors import NotFound, Transient
from sig_bots.forge import ChangedFile
from sig_workers.forges import pagure_json
from sig_workers.forges.diffs import lines_between, read_diff
from sig_workers.forges.pagure_api import PagureApi
from sig_workers.forges.pagure_json import understood

__all__ = ["changed_files", "merge_base"]


def changed_files(api: PagureApi, path: str, number: int) -> tuple[ChangedFile, ...]:
    """The files of a pull request of the project `path`; of a private one, whose diff the API does not give, few lines."""
    diffs = _diffs(api, path, number)
    if diffs is not None and not diffs:
        return ()  # Pagure has no stats of nothing
    try:
        files = pagure_json.changed(api.get(path, "pull-request", str(number), "diffstats"))
    except Transient:
        if diffs is None:
            raise
        # It answers 500 for ever where a submodule changes; the diff, just read, says that it is well otherwise.
        return tuple(one[0] if len(one) == 1 else _joined(one) for one in diffs.values())
    compared = _Compared(api, path, number)
    return tuple(_with_lines(file, diffs, compared) for file in files)


@understood
def merge_base(api: PagureApi, path: str, raw: Mapping[str, Any]) -> str:
    """The commit below the first one of a pull request (its JSON), from which Pagure itself counts. Raises NotFound."""
    first = raw.get("commit_start")
    if not first:
        raise NotFound(f"{path}#{raw['id']} holds no commit")
    parents = api.get(_home(path, raw), "c", first, "info")["parent_ids"]
    if not parents:
        raise NotFound(f"{path}#{raw['id']} and {raw['branch']} have no commit in common")
    return str(parents[0])


def _home(path: str, raw: Mapping[str, Any]) -> str:
    """The project that has all commits: Pagure brings those of a fork to the target later, and keeps them when it goes."""
    source = raw.get("repo_from")
    return str(source["url_path"]) if source else path


def _diffs(api: PagureApi, path: str, number: int) -> dict[str, list[ChangedFile]] | None:
    """Per file, what each commit that touches it did; None where we may not see that."""
    try:
        text = api.raw(path, "pull-request", f"{number}.diff")
    except NotFound:
        return None
    found: dict[str, list[ChangedFile]] = {}
    for file in read_diff(text.decode("utf-8", "replace")):
        found.setdefault(file.path, []).append(file)
    return found


def _joined(steps: Sequence[ChangedFile]) -> ChangedFile:
    """One file out of what several commits did to it."""
    status = "removed" if steps[-1].status == "removed" else "added" if steps[0].status == "added" else "modified"
    return ChangedFile(path=steps[0].path, status=status, lines=None)


def _with_lines(
    file: ChangedFile, diffs: Mapping[str, Sequence[ChangedFile]] | None, compared: _Compared
) -> ChangedFile:
    if file.lines is not None or diffs is None:
        return file
    steps = diffs.get(file.path, ())
    told = len(steps) == 1 and file.status == "modified"
    return file.model_copy(update={"lines": steps[0].lines if told else compared.lines(file)})


class _Compared:
    """Files of a pull request as they were and as they are; where it begins is asked when first needed."""

    def __init__(self, api: PagureApi, path: str, number: int) -> None:
        self._api = api
        self._path = path
        self._number = number
        self._ends: tuple[str, str, str] | None = None

    def lines(self, file: ChangedFile) -> frozenset[int] | None:
        """The new lines of a file that was there before; None when they cannot be told."""
        try:
            home, base, head = self._ends = self._ends or self._ask()
            old = self._api.raw(home, "raw", base, "f", file.old_path or file.path)
            new = self._api.raw(home, "raw", head, "f", file.path)
        except NotFound:
            return None
        return lines_between(old, new)

    @understood
    def _ask(self) -> tuple[str, str, str]:
        raw = self._api.get(self._path, "pull-request", str(self._number))
        return _home(self._path, raw), merge_base(self._api, self._path, raw), raw["commit_stop"]
