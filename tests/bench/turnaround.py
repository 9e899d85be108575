"""Benchmark of the turnaround of a candidate: from its recipe to its score, in three ways.

a. mergekit writes the merge; a new process starts vLLM on it and scores.
b. speciate writes the merge; an engine that is up reloads its weights and scores.
c. speciate breeds straight into the engine that is up, which scores; no weights are written.

On models of the shape of Qwen2.5-0.5B (bfloat16, random weights), all in the page cache, with the
real vLLM. Scored are the log-probabilities of 64 random texts of 32 tokens. Ways b and c take
turns, and must give the same weights and scores. Operators are as campaigns have them by default.

Prints the table of docs/benchmarks.md.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from merge import EXPERTS, SHAPES, VOTED, parents, recipe_of_theirs, timed, warm, write_models
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from speciate.configs.schema import Vllm
from speciate.evaluator import Engine
from speciate.evaluator.start import start_engine
from speciate.population.breed import breed
from speciate.population.offspring import Offspring
from speciate.population.plan import make_plan
from speciate.records import Parent, Recipe

MODELS = ("base", *EXPERTS)
ITEMS, TOKENS = 64, 32
ENGINE = Vllm(type="vllm", dtype="bfloat16", max_model_len=256, max_num_seqs=ITEMS)
WAYS = {
    "a": "mergekit, new vLLM",
    "b": "speciate, weights reloaded",
    "c": "speciate, bred into the engine",
}
PARTS = ("merge", "load", "score")
Seconds = dict[str, float]


@contextmanager
def clocked(seconds: Seconds, part: str) -> Iterator[None]:
    """Notes how long a block takes."""
    start = time.perf_counter()
    yield
    seconds[part] = time.perf_counter() - start


def score(engine: Engine, seconds: Seconds) -> list[list[float]]:
    """Log-probabilities of all texts."""
    size = SHAPES["0.5b"]["vocab_size"]
    texts = np.random.default_rng(0).integers(0, size, (ITEMS, TOKENS)).tolist()
    with clocked(seconds, "score"):
        found = engine.logprobs(texts)
    return [one.tolist() for one in found]


def add_tokenizer(folder: Path) -> None:
    """vLLM wants one to start with, though what it is given are tokens."""
    words = Tokenizer(WordLevel({"a": 0, "b": 1}, unk_token="a"))
    words.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')


def start_and_score(model: Path) -> None:
    """The new process of way a: prints what scoring took in it."""
    engine, seconds = start_engine(ENGINE, model), Seconds()
    score(engine, seconds)
    engine.close()
    print(json.dumps(seconds))


def by_mergekit(folder: Path, operator: str) -> Seconds:
    """Way a; all of the new process but scoring counts as loading: imports, start and end."""
    out, config = folder / "out", recipe_of_theirs(folder, operator)
    program = Path(sys.executable).parent / "mergekit-yaml"
    seconds = {"merge": timed([str(program), str(config), str(out), "--no-copy-tokenizer"])}
    add_tokenizer(out)
    with clocked(seconds, "load"):
        command = [sys.executable, __file__, "--start", str(out)]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    shutil.rmtree(out)
    scored: Seconds = json.loads(said.splitlines()[-1])
    return seconds | scored | {"load": seconds["load"] - scored["score"]}


def by_reload(folder: Path, recipe: Recipe, engine: Engine) -> tuple[Seconds, object]:
    """Way b: seconds, and what came of it."""
    seconds, out = Seconds(), folder / "out"
    with clocked(seconds, "merge"):
        digest = breed(recipe, {name: folder / name for name in MODELS}, out)
    with clocked(seconds, "load"):
        engine.load(out)
    shutil.rmtree(out)
    return seconds, (digest, score(engine, seconds))


def by_stream(folder: Path, recipe: Recipe, engine: Engine) -> tuple[Seconds, object]:
    """Way c: seconds, and what came of it."""
    seconds = Seconds()
    with clocked(seconds, "load"):
        child = Offspring(make_plan(recipe, {name: folder / name for name in MODELS}))
        engine.load_tensors(child)
    return seconds, (child.digest, score(engine, seconds))


def in_turn(folder: Path, operator: str, engine: Engine, repeats: int) -> tuple[Seconds, Seconds]:
    """Medians of ways b and c over several candidates."""
    roles = tuple(Parent(n, "base" if n == "base" else "model") for n in parents(operator))
    written, streamed = list[Seconds](), list[Seconds]()
    for seed in range(repeats):
        recipe, found = Recipe(operator, roles, VOTED[operator], seed), []
        for way, runs in ((by_reload, written), (by_stream, streamed)):
            warm(folder)
            seconds, outcome = way(folder, recipe, engine)
            runs.append(seconds)
            found.append(outcome)
        if found[0] != found[1]:
            raise SystemExit(f"{operator}: bred into the engine is another child than written")
    return medians(written), medians(streamed)


def medians(runs: Sequence[Seconds]) -> Seconds:
    """Of each part."""
    return {part: statistics.median(run[part] for run in runs) for part in runs[0]}


def table(operator: str, ways: dict[str, Seconds]) -> Iterator[str]:
    """A line for each way: its parts, and sums of them, also as a multiple of way c."""
    for way, seconds in ways.items():
        cells = [f"{seconds[part]:.2f}" if part in seconds else "" for part in PARTS]
        for parts in (PARTS[:2], PARTS):
            ours = total(ways["c"], parts)
            cells.append(f"{total(seconds, parts):.1f} ({total(seconds, parts) / ours:.1f})")
        cells.append(f"{total(seconds, PARTS[:2]) / seconds['score']:.2f}")
        yield f"| {operator} | {WAYS[way]} | {' | '.join(cells)} |"


def total(seconds: Seconds, parts: Sequence[str]) -> float:
    """Of several parts, as far as a way has them."""
    return sum(seconds.get(part, 0.0) for part in parts)


def compare(folder: Path, operators: Sequence[str], repeats: int, slow: int) -> Iterator[str]:
    """Way a for all operators, before an engine is started for the others; then the table."""
    warm(folder)
    theirs = {}
    for operator in operators:
        theirs[operator] = medians([by_mergekit(folder, operator) for _ in range(slow)])
    engine = start_engine(ENGINE, folder / "base")
    score(engine, Seconds())  # What is only done once is none of the candidates'.
    for operator in operators:
        b, c = in_turn(folder, operator, engine, repeats)
        yield from table(operator, {"a": theirs[operator], "b": b, "c": c})
    engine.close()


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="of ways b and c")
    parser.add_argument("--slow", type=int, default=1, help="repeats of way a")
    parser.add_argument("--operators", nargs="*", default=["linear", "dare_ties", "ties"])
    parser.add_argument("--folder", type=Path, help="where models are made, and found again")
    parser.add_argument("--start", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.start:
        start_and_score(asked.start)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "base").exists():
            write_models(folder, SHAPES["0.5b"], EXPERTS)
        for name in MODELS:
            add_tokenizer(folder / name)
        heads = ["operator", "way", *PARTS, "until loaded (times c)", "in all (times c)"]
        heads += ["until loaded, in scorings"]
        print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
        for line in compare(folder, asked.operators, asked.repeats, asked.slow):
            print(line, flush=True)


if __name__ == "__main__":
    main()
