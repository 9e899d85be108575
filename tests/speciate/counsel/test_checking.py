"""What speaks against recipes of agents."""

from typing import Any

import pytest

from speciate.configs.agents import Agents
from speciate.counsel.checking import Checks
from speciate.records import Individual, Parent, Proposal, Recipe

SOURCE = '''"""Mean of the models."""
import numpy as np

PARAMETERS = {"share": (0.0, 1.0, 0.5)}


def merge(models, base, parameters, random):
    weights = np.linspace(1.0, 1.0 + parameters["share"], len(models))
    total = sum(weight * model for weight, model in zip(weights, models))
    return (total / weights.sum()).astype(np.float32)
'''


def founder(name: str) -> Individual:
    recipe = Recipe("founder", (), {"name": name, "digest": name * 64}, 0)
    return Individual(recipe, name * 64, 0, "founder")


FOUNDERS = [founder(name) for name in "abc"]
MODELS = tuple(Parent(one.id, "model") for one in FOUNDERS)


def evolved(source: str, share: float, models: tuple[Parent, ...] = MODELS) -> Recipe:
    return Recipe("evolved", models, {"source": source, "values": {"share": share}}, 0)


def checks(*known: Recipe, asked: tuple[Recipe, ...] = (), **more: Any) -> Checks:
    config = Agents.model_validate({"endpoints": [{"model": "m"}], **more})
    born = [*FOUNDERS, *(Individual(one, "d" * 64, 1, "test") for one in known)]
    proposals = [Proposal(number, one, "test") for number, one in enumerate(asked)]
    return Checks(config, proposals, {one.id: one for one in born})


@pytest.mark.parametrize("asked", [False, True])
def test_code_that_hardly_differs_is_refused(asked: bool) -> None:
    changed = SOURCE.replace("1.0 + parameters", "1.5 + parameters")
    old = evolved(SOURCE, 0.5)
    found = checks(asked=(old,)) if asked else checks(old)
    new = evolved(changed, 0.9, MODELS[:2])
    assert found.problem(new) is None  # One token in so few is more than a fiftieth.
    strict = {"likeness": 0.8}
    found = checks(asked=(old,), **strict) if asked else checks(old, **strict)
    said = found.problem(new)
    assert said
    assert said.startswith(f"its code differs from {old.id[:10]} only in source by 0.")
    assert said.endswith("; change more of it, or nothing")


def test_code_may_be_used_again() -> None:
    found = checks(evolved(SOURCE, 0.5), likeness=0.1)
    assert found.problem(evolved(SOURCE, 0.9)) is None
    assert found.problem(evolved(SOURCE.replace("total", "added"), 0.1, MODELS[:2])) is None


def test_recipes_that_hardly_differ_are_refused() -> None:
    old = Recipe("linear", MODELS[:2], {"weights": [1.0, 0.5]}, 0)
    new = Recipe("linear", MODELS[:2], {"weights": [1.0, 0.501]}, 1)
    assert "propose something new" in (checks(old).problem(new) or "")
    assert checks(old, novelty=0.0).problem(new) is None
    assert "again" in (checks(old, novelty=0.0).problem(old) or "")


def test_adapters_are_checked_by_their_operators() -> None:
    adapters = tuple(Parent(one.id, "adapter") for one in FOUNDERS)
    old = Recipe("lora_svd", adapters[:2], {"weights": [1.0, 0.5]}, 0)
    # The order says nothing.
    turned = Recipe("lora_svd", adapters[1::-1], {"weights": [0.5, 1.0]}, 1)
    found = checks(old)
    assert "propose something new" in (found.problem(turned) or "")
    assert found.problem(Recipe("lora_svd", adapters, {"weights": [1.0, 0.5, 0.1]}, 0)) is None
    said = found.problem(Recipe("lora_svd", adapters, {"weights": [1.0]}, 0))
    assert said
    assert said.startswith("lora_svd: ")
    said = found.problem(Recipe("lora_svd", MODELS, {}, 0))
    assert said
    assert "no parent may be 'model'" in said
