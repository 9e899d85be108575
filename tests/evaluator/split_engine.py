"""A program: does a vLLM engine whose model is split on two processes take a stream of tensors?

Usage: split_engine.py MODELS FOLDER: of the zoo, and for what is written. Prints one line of JSON:
whether scores are those of the child that is written and loaded, and whether they still are after a
stream that broke off.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from torch import Tensor

from speciate.configs.schema import Vllm
from speciate.errors import BreedError
from speciate.evaluator import engine as engines
from speciate.population.breed import breed
from speciate.population.offspring import Offspring
from speciate.population.plan import make_plan
from speciate.records import Parent, Recipe

RECIPE = Recipe("linear", (Parent("library", "model"), Parent("tests", "model")), {}, 0)
PROMPTS = [[(7 * n * n + 13 * n) % 256 for n in range(40)]]


def broken(tensors: Offspring) -> Iterator[tuple[str, Tensor]]:
    """More than one part of a model."""
    for number, pair in enumerate(tensors):
        if number == 14:
            raise BreedError("broken")
        yield pair


def main(zoo: str, folder: str) -> None:
    engines.PART = 1 << 18
    models = {name: Path(zoo) / name for name in ("base", "library", "tests")}
    written, child = Path(folder) / "written", Offspring(make_plan(RECIPE, models))
    breed(RECIPE, models, written)
    settings = Vllm(type="vllm", max_model_len=64, max_num_seqs=8, tensor_parallel=2)
    engine = engines.VllmEngine(settings, models["base"])
    engine.load(written)
    expected = engine.logprobs(PROMPTS)[0]
    engine.load(models["base"])
    found = {}
    for key in ("written", "after failure"):
        engine.load_tensors(child)
        found[key] = bool(np.array_equal(engine.logprobs(PROMPTS)[0], expected))
        try:
            engine.load_tensors(broken(child))
        except BreedError:
            continue
        found[key] = False
    print(json.dumps(found))
    engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
