"""The fake forge with as little as Pagure has: no edits, no reactions, no labels, no annotations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sig_bots.forge import Capabilities
from tests.contract.forges.fake import FakeWorld

LITTLE = Capabilities(
    reactions=False, comment_edit=False, labels=False, annotations=False, check_text=False, folds=False,
    reviewers=False, private_hooks=False,
)  # fmt: skip


@contextmanager
def open_world(request: pytest.FixtureRequest) -> Iterator[FakeWorld]:
    """A fake that can do little."""
    yield FakeWorld(LITTLE)
