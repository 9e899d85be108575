"""The same merges on a GPU; run where there is one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from speciate.population.breed import carry_out
from speciate.population.plan import make_plan
from speciate.population.weights import Checkpoint
from speciate.records import Parent, Recipe

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

OPERATORS: dict[str, dict[str, Any]] = {
    "linear": {"weights": [0.2, 0.3]},
    "slerp": {"t": 0.3},
    "karcher": {},
    "task_arithmetic": {"scale": 0.7},
    "ties": {"density": 0.4},
    "dare_ties": {"density": 0.5},
    "della": {"density": 0.5},
    "breadcrumbs": {"density": 0.4},
    "iso_c": {},
    "gaussian": {},
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_gpu_makes_the_same_child(
    operator: str,
    folder: Callable[..., Path],
    random_weights: Callable[[int], dict[str, Tensor]],
    tmp_path: Path,
) -> None:
    models = {f"p{n}": folder(f"p{n}", random_weights(n)) for n in range(3)}
    roles = {"linear": "mm", "slerp": "mm", "karcher": "mm", "gaussian": "p"}.get(operator, "bmm")
    names = {"b": "base", "m": "model", "p": "parent"}
    parents = tuple(Parent(f"p{n}", names[role]) for n, role in enumerate(roles))
    plan = make_plan(Recipe(operator, parents, OPERATORS[operator], 0), models, "float32")
    for device in ("cpu", "cuda"):
        carry_out(plan, tmp_path / device, device=device)
    ours, theirs = Checkpoint(tmp_path / "cpu"), Checkpoint(tmp_path / "cuda")
    for name in ours.names:
        assert torch.allclose(ours.tensor(name), theirs.tensor(name), rtol=1e-5, atol=1e-6), name
