"""Benchmark of the turnaround of a candidate: from its recipe to its score, in three ways.

a. mergekit writes the merge; a new process starts vLLM on it and scores.
b. speciate writes the merge; an engine that is up reloads its weights and scores.
c. speciate breeds straight into the engine that is up, which scores; no weights are written. As in
   campaigns, a process beside the engine breeds.

On models of the shape of Qwen2.5-0.5B (bfloat16, random weights), all in the page cache, with the
real vLLM. Scored are the log-probabilities of 64 random texts. Ways b and c take turns, and must
give the same weights and scores. A first candidate, with which the process of way c starts, is not
counted. Operators are as campaigns have them by default, which vote where sums cancel; with
`--positive` they elect + there, as mergekit does.

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
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from merge import (
    EXPERTS,
    OPERATORS,
    SHAPES,
    VOTED,
    parents,
    recipe_of_theirs,
    timed,
    warm,
    write_models,
)
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from speciate.configs.schema import Vllm
from speciate.evaluator import Engine
from speciate.evaluator.start import start_engine
from speciate.population.breed import breed
from speciate.population.breeding_process import BreedingProcess
from speciate.population.offspring import Offspring
from speciate.population.plan import make_plan
from speciate.records import Parent, Recipe

MODELS = ("base", *EXPERTS)
ITEMS, LONGEST = 64, 255
ENGINE = Vllm(type="vllm", dtype="bfloat16", max_model_len=LONGEST + 1, max_num_seqs=ITEMS)
WAYS = {
    "a": "mergekit, new vLLM",
    "b": "speciate, weights reloaded",
    "c": "speciate, bred into the engine",
}
PARTS = ("merge", "load", "score")
Seconds = dict[str, float]
Texts = list[list[int]]


def random_texts(tokens: int) -> Texts:
    """All that are scored, each of so many tokens."""
    size = SHAPES["0.5b"]["vocab_size"]
    texts: Texts = np.random.default_rng(0).integers(0, size, (ITEMS, tokens)).tolist()
    return texts


@contextmanager
def clocked(seconds: Seconds, part: str) -> Iterator[None]:
    """Notes how long a block takes."""
    start = time.perf_counter()
    yield
    seconds[part] = time.perf_counter() - start


def score(engine: Engine, texts: Texts, seconds: Seconds) -> list[list[float]]:
    """Log-probabilities of all texts."""
    with clocked(seconds, "score"):
        found = engine.logprobs(texts)
    return [one.tolist() for one in found]


def add_tokenizer(folder: Path) -> None:
    """vLLM wants one to start with, though what it is given are tokens."""
    words = Tokenizer(WordLevel({"a": 0, "b": 1}, unk_token="a"))
    words.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')


def start_and_score(model: Path, texts: Texts) -> None:
    """The new process of way a: prints what scoring took in it."""
    engine, seconds = start_engine(ENGINE, model), Seconds()
    score(engine, texts, seconds)
    engine.close()
    print(json.dumps(seconds))


def by_mergekit(folder: Path, operator: str, texts: Texts) -> Seconds:
    """Way a; all of the new process but scoring counts as loading: imports, start and end."""
    out, config = folder / "out", recipe_of_theirs(folder, operator)
    program = Path(sys.executable).parent / "mergekit-yaml"
    seconds = {"merge": timed([str(program), str(config), str(out), "--no-copy-tokenizer"])}
    add_tokenizer(out)
    with clocked(seconds, "load"):
        command = [sys.executable, __file__, "--start", str(out), "--tokens", str(len(texts[0]))]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    shutil.rmtree(out)
    scored: Seconds = json.loads(said.splitlines()[-1])
    return seconds | scored | {"load": seconds["load"] - scored["score"]}


def by_reload(folder: Path, recipe: Recipe, engine: Engine) -> tuple[Seconds, str]:
    """Way b: seconds, and the digest of what came of it."""
    seconds, out = Seconds(), folder / "out"
    with clocked(seconds, "merge"):
        digest = breed(recipe, {name: folder / name for name in MODELS}, out)
    with clocked(seconds, "load"):
        engine.load(out)
    shutil.rmtree(out)
    return seconds, digest


def by_stream(
    folder: Path, recipe: Recipe, engine: Engine, process: BreedingProcess | None
) -> tuple[Seconds, str]:
    """Way c: seconds, and the digest of what came of it."""
    seconds = Seconds()
    with clocked(seconds, "load"):
        plan = make_plan(recipe, {name: folder / name for name in MODELS})
        child = Offspring(plan, process=process)
        engine.load_tensors(child)
    return seconds, child.digest


def recipe_of_ours(operator: str, positive: bool) -> Recipe:
    """Of the first candidate; others differ by their seeds."""
    roles = tuple(Parent(n, "base" if n == "base" else "model") for n in parents(operator))
    return Recipe(operator, roles, (OPERATORS if positive else VOTED)[operator], 0)


def in_turn(
    folder: Path,
    first: Recipe,
    engine: Engine,
    process: BreedingProcess | None,
    repeats: int,
    texts: Texts,
) -> tuple[Seconds, Seconds]:
    """Medians of ways b and c over several candidates."""
    by_process = partial(by_stream, process=process)
    written, streamed = list[Seconds](), list[Seconds]()
    for seed in range(repeats):
        recipe, found = replace(first, seed=seed), []
        for way, runs in ((by_reload, written), (by_process, streamed)):
            warm(folder)
            seconds, digest = way(folder, recipe, engine)
            found.append((digest, score(engine, texts, seconds)))
            runs.append(seconds)
        if found[0] != found[1]:
            raise SystemExit(
                f"{first.operator}: bred into the engine is another child than written"
            )
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


def compare(folder: Path, asked: argparse.Namespace) -> Iterator[str]:
    """Way a for all operators, before an engine is started for the others; then the table."""
    warm(folder)
    texts, theirs = random_texts(asked.tokens), {}
    for operator in asked.operators if asked.slow else ():
        runs = [by_mergekit(folder, operator, texts) for _ in range(asked.slow)]
        theirs[operator] = {"a": medians(runs)}
    engine = start_engine(ENGINE, folder / "base")
    process = None if asked.threads else BreedingProcess()
    # What is only done once is none of the candidates'.
    score(engine, texts, Seconds())
    in_turn(folder, recipe_of_ours("linear", False), engine, process, 1, texts)
    for operator in asked.operators:
        recipe = recipe_of_ours(operator, asked.positive)
        b, c = in_turn(folder, recipe, engine, process, asked.repeats, texts)
        yield from table(operator, theirs.get(operator, {}) | {"b": b, "c": c})
    if process:
        process.close()
    engine.close()


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="of ways b and c")
    parser.add_argument("--slow", type=int, default=1, help="repeats of way a; 0 leaves it out")
    parser.add_argument("--tokens", type=int, default=32, help="of each text that is scored")
    parser.add_argument("--threads", action="store_true", help="of the engine breed in way c")
    parser.add_argument("--positive", action="store_true", help="elect + where sums cancel")
    parser.add_argument("--operators", nargs="*", default=["linear", "dare_ties", "ties"])
    parser.add_argument("--folder", type=Path, help="where models are made, and found again")
    parser.add_argument("--start", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not 2 <= asked.tokens <= LONGEST:
        parser.error(f"--tokens: {asked.tokens} is not from 2 to {LONGEST}")
    if asked.start:
        start_and_score(asked.start, random_texts(asked.tokens))
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
        for line in compare(folder, asked):
            print(line, flush=True)


if __name__ == "__main__":
    main()
