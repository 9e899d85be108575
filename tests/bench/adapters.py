"""Benchmark of adapters in one batch: candidates a second, from recipes to scores.

Each candidate is bred from two of four adapters of rank 8 on all linear layers of the blocks
(`lora_svd` at random weights), loaded into vLLM, scored and dropped; one at a time, and 8 together.
For comparison, full models of the same base: each is the average of two, bred into the engine.
Scored are the log-probabilities of 64 random texts of 32 tokens, by the real vLLM.

Prints the table of docs/benchmarks.md.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from merge import SHAPES, write_models
from turnaround import ITEMS, TOKENS, add_tokenizer

from speciate.configs.operators.adapters import LoraSvd
from speciate.configs.schema import Vllm
from speciate.evaluator import Engine
from speciate.evaluator.start import start_engine
from speciate.population.adapters import OPERATORS, Adapter, Factors, breed_adapter, write_adapter
from speciate.population.adapters.config import AdapterConfig
from speciate.population.offspring import Offspring
from speciate.population.plan import make_plan
from speciate.population.randomness import stream
from speciate.population.weights import Checkpoint
from speciate.records import Parent, Recipe

MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
RANK, TOGETHER = 8, 8
FOUNDERS = ("one", "two", "three", "four")
SVD = next(one for one in OPERATORS if one.name == "lora_svd")
Seconds = dict[str, float]


def make_founders(folder: Path) -> None:
    """Adapters with random factors."""
    base = Checkpoint(folder / "base")
    for name in FOUNDERS:
        numbers = stream(0, name)
        pairs = [
            (tensor.removesuffix(".weight"), Factors(
                numbers.normal((RANK, base.shape(tensor)[1])) * 0.02,
                numbers.normal((base.shape(tensor)[0], RANK)) * 0.02,
            ))
            for tensor in base.names
            if tensor.split(".")[-2] in MODULES
        ]  # fmt: skip
        write_adapter(folder / name, AdapterConfig(task_type="CAUSAL_LM"), pairs)


def of_adapters(folder: Path, engine: Engine, candidates: Sequence[int], texts: object) -> Seconds:
    """Breeds, loads and scores some candidates together."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        places = []
        for number in candidates:
            share = float(stream(number, "share").uniform(1)[0])
            parents = [Adapter(folder / FOUNDERS[(number + n) % 4]) for n in range(2)]
            places.append(Path(scratch) / str(number))
            parameters = LoraSvd(weights=(share, 1 - share))
            breed_adapter(SVD, parameters, {"adapter": parents}, places[-1], number)
        bred = time.perf_counter()
        engine.load_adapters(places)
    loaded = time.perf_counter()
    models = [model for model in range(len(places)) for _ in range(ITEMS)]
    engine.logprobs(list(texts) * len(places), models)  # type: ignore[call-overload]
    return _told(start, bred, loaded)


def of_models(folder: Path, engine: Engine, candidates: Sequence[int], texts: object) -> Seconds:
    """Breeds a full model into the engine, and scores it."""
    start = time.perf_counter()
    for number in candidates:
        roles = tuple(Parent(f"model-{(number + n) % 2}", "model") for n in range(2))
        recipe = Recipe("linear", roles, {"weights": (0.3, 0.7)}, number)
        folders = {f"model-{n}": folder / f"model-{n}" for n in range(2)}
        engine.load_tensors(Offspring(make_plan(recipe, folders)))
        loaded = time.perf_counter()
        engine.logprobs(list(texts))  # type: ignore[call-overload]
    return _told(start, start, loaded)


def _told(start: float, bred: float, loaded: float) -> Seconds:
    return {"breed": bred - start, "load": loaded - bred, "score": time.perf_counter() - loaded}


def measured(
    way: Callable[..., Seconds], folder: Path, config: Vllm, together: int, count: int
) -> Seconds:
    """Means over candidates, in seconds a candidate; what is only done once is left out."""
    engine = start_engine(config, folder / "base")
    texts = np.random.default_rng(0).integers(3, 250, (ITEMS, TOKENS)).tolist()
    way(folder, engine, range(together), texts)
    runs = [
        way(folder, engine, range(first, first + together), texts)
        for first in range(together, together + count, together)
    ]
    engine.close()
    return {part: sum(run[part] for run in runs) / (len(runs) * together) for part in runs[0]}


def make_models(folder: Path, shape: str) -> None:
    """A base and two models of it, and the adapters."""
    if shape == "tiny":
        zoo = Path(str(files("speciate.configs"))) / "zoo" / "models"
        for name, source in (("base", "base"), ("model-0", "library"), ("model-1", "english")):
            shutil.copytree(zoo / source, folder / name)
    else:
        write_models(folder, SHAPES[shape], ("model-0", "model-1"))
        for name in ("base", "model-0", "model-1"):
            add_tokenizer(folder / name)
    make_founders(folder)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=["tiny", *SHAPES], default="tiny")
    parser.add_argument("--candidates", type=int, default=32, help="of each way")
    parser.add_argument("--dtype", default="float32")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_models(folder, asked.shape)
        config = Vllm(type="vllm", dtype=asked.dtype, max_model_len=256)
        heads = ["way", "breed, s", "load, s", "score, s", "candidates a second"]
        print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
        for together in (1, TOGETHER):
            more = {"adapters": together, "adapter_rank": RANK, "adapter_modules": MODULES}
            settings = config.model_copy(update=more)
            found = measured(of_adapters, folder, settings, together, asked.candidates)
            print(_line(f"adapters, {together} in a batch", found), flush=True)
        found = measured(of_models, folder, config, 1, asked.candidates)
        print(_line("full models, bred into the engine", found))


def _line(name: str, found: Seconds) -> str:
    cells = [f"{found[part]:.4f}" for part in ("breed", "load", "score")]
    return f"| {name} | {' | '.join(cells)} | {1 / sum(found.values()):.2f} |"


if __name__ == "__main__":
    main()
