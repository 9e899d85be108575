"""Benchmarks of the quickstart; prints the tables of docs/benchmarks.md.

For seeds 0 to 4: gain of the champion over the best founder and over the plain average, engine
starts, and wall time. For the engine: seconds a weight swap, and scores a second of both engines.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "quickstart.toml"
ZOO = ROOT / "configs" / "zoo"


def campaign(seed: int, folder: Path) -> dict[str, object]:
    """One quickstart in a process of its own."""
    command = [str(Path(sys.executable).with_name("speciate")), "run", str(CONFIG), "--json"]
    start = time.perf_counter()
    said = subprocess.run(
        [*command, "--out", str(folder), "--set", f"seed={seed}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return json.loads(said) | {"seconds": time.perf_counter() - start}


def row(seed: int, found: dict[str, object]) -> str:
    """One line of the table."""
    gains = {(one["measure"], one["over"]): one for one in found["gains"]}  # type: ignore[attr-defined]
    cells = [
        _cell(gains["all bits/char", found["best_founder"]]),
        _cell(gains["all bits/char", "average"]),
        _cell(gains["choice", found["best_founder"]]),
        _cell(gains["choice", "average"]),
    ]
    return f"| {seed} | {' | '.join(cells)} | {found['seconds']:.0f} | {str(found['head'])[:10]} |"


def _cell(gain: dict[str, object]) -> str:
    low, high = gain["interval_95"]  # type: ignore[misc]
    return f"{gain['mean']:+.4f} [{low:+.4f}, {high:+.4f}]"  # type: ignore[str-format]


def engines() -> None:
    """Swap and scoring times of both engines on the zoo, median of 9."""
    from speciate.configs.schema import Transformers, Vllm
    from speciate.evaluator.engine import VllmEngine
    from speciate.evaluator.hf import TransformersEngine
    from speciate.evaluator.tokenizer import Tokenizer

    models = [ZOO / "models" / name for name in ("base", "library", "tests")]
    tokenizer = Tokenizer(models[0])
    lines = [line for file in sorted(ZOO.glob("tasks/*.test.jsonl")) for line in file.open()]
    texts = [item["text"] for item in map(json.loads, lines) if "text" in item][:500]
    tokens = [tokenizer.encode(text) for text in texts]
    print("| engine | start, s | weight swap, s | 500 x 64 characters, s | agreement |")
    print("|---|---|---|---|---|")
    found = {}
    for name, kind, settings in (
        ("vllm", VllmEngine, Vllm(type="vllm")),
        ("transformers", TransformersEngine, Transformers(type="transformers")),
    ):
        start = time.perf_counter()
        engine = kind(settings, models[0])  # type: ignore[arg-type]
        started = time.perf_counter() - start
        swaps, runs, scores = [], [], []
        for model in models * 3:
            start = time.perf_counter()
            engine.load(model)
            swaps.append(time.perf_counter() - start)
            start = time.perf_counter()
            scores.append(engine.logprobs(tokens))
            runs.append(time.perf_counter() - start)
        found[name] = scores
        first = found["vllm"]
        apart = max(
            float(abs(a - b).max())
            for mine, theirs in zip(first, scores, strict=True)
            for a, b in zip(mine, theirs, strict=True)
        )
        swap, run = statistics.median(swaps), statistics.median(runs)
        print(f"| {name} | {started:.1f} | {swap:.4f} | {run:.2f} | {apart:.1e} |")


def main() -> None:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    engines()
    print("\n| seed | bits/char over best founder | over average | ", end="")
    print(
        "choice over best founder | over average | seconds | main |\n|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(seeds):
            print(row(seed, campaign(seed, Path(folder) / str(seed))), flush=True)


if __name__ == "__main__":
    main()
