"""Benchmark of evolved operators: what the sandbox costs, tensor by tensor.

Merges two models' tensors of the shapes of Qwen2.5-0.5B (random float32) by the built-in `linear`
and by docs/evolved-operators/linear.py in a sandbox that is up, in one thread. Prints the
best of several runs in milliseconds, which other work on the machine disturbs least, and the time
that starting a sandbox takes.
"""

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from speciate.population.operators.evolved.merging import Request, Sandboxes
from speciate.population.operators.stages import weighted_mean
from speciate.population.threads import one_thread

SOURCE = Path(__file__).parents[2] / "docs" / "evolved-operators" / "linear.py"
SHAPES = ((896,), (128, 896), (896, 896), (4864, 896), (151936, 896))
RUNS, LARGE = 40, 1 << 26


def main() -> None:
    """Prints the table of docs/evolved-operators.md."""
    source = SOURCE.read_text()
    print(f"starting a sandbox: {_best(lambda: _start(source), 5):.0f} ms\n")
    print("| shape | built-in, ms | evolved, ms |\n|---|---:|---:|")
    with one_thread(), Sandboxes(source) as sandboxes:
        for shape in SHAPES:
            models = [torch.randn(shape) * 0.02 for _ in range(2)]
            request = Request(models, None, {"scale": 1.0}, 1)
            assert torch.allclose(sandboxes.merge(request, "x"), _linear(models))
            runs = 3 if models[0].numel() > LARGE else RUNS
            ours = _best(lambda models=models: _linear(models), runs)
            theirs = _best(lambda request=request: sandboxes.merge(request, "x"), runs)
            print(f"| {' x '.join(map(str, shape))} | {ours:.2f} | {theirs:.1f} |")


def _start(source: str) -> None:
    with Sandboxes(source) as sandboxes:
        sandboxes.merge(Request([torch.zeros(1)], None, {"scale": 1.0}, 1), "x")


def _linear(models: list[Tensor]) -> Tensor:
    return weighted_mean(models, (1.0, 1.0))


def _best(function: Callable[[], object], runs: int) -> float:
    seconds = []
    for _ in range(runs):
        begin = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - begin)
    return min(seconds) * 1000


if __name__ == "__main__":
    main()
