"""The size of an image as its manifest tells it; a hostile one tells nothing."""

import json

import pytest

from sig_workers.registries.manifests import layers_size


def test_the_layers_are_summed() -> None:
    assert layers_size(json.dumps({"layers": [{"size": 3}, {"size": 4}]}).encode(), "x") == 7


@pytest.mark.parametrize(
    "layers", [None, "many", [], [{}], [{"size": -1}], [{"size": "3"}], [{"size": True}], [{"size": 2**60}], [3]]
)
def test_what_is_no_size_is_not_told(layers: object) -> None:
    assert layers_size(json.dumps({"layers": layers}).encode(), "x") is None
