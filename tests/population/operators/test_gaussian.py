import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

Apply = Callable[..., dict[str, Tensor]]


def test_gaussian_moves_its_share_by_its_deviation(apply: Apply) -> None:
    parent = {"x": torch.linspace(-1, 1, 50_000)}
    child = apply("gaussian", {"parent": [parent]}, sigma=0.1, density=0.2)["x"]
    moves = (child - parent["x"])[child != parent["x"]].double()
    assert abs(len(moves) / 50_000 - 0.2) < 4 * math.sqrt(0.16 / 50_000)
    assert abs(moves.mean()) < 4 * 0.1 / math.sqrt(len(moves))
    assert moves.std().item() == pytest.approx(0.1, rel=0.03)
    still = apply("gaussian", {"parent": [parent]}, sigma=0.0, density=1.0)["x"]
    assert torch.equal(still, parent["x"])
