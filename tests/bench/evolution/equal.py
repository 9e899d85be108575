"""All strategies and baselines at one budget on the zoo: who finds the best merge?

Each gets 50 children, scored on 24 search items of each of five tasks, and whoever leads is tested
on 60 of each; all are others for every seed. All that cross two models do it as the quickstart
does, and mutate as it does; most else is as the strategy comes, see `STRATEGIES`. Prints the tables
of docs/benchmarks.md, and draws docs/images/equal.svg.
"""

from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from arena import EXPERTS, Course, course
from batch import IMAGES, Run, all_done, options, seeds_of
from held_out import ground, pooled
from summary import Interval, Reals, draw_curves, header, interval, ranks, row

BUDGET = 50
DRAWN, TESTED = 24, 60
# What is compared, and with what, was chosen on the seeds before.
FIRST, SEEDS = 10, 10
AT = (5, 10, 15, 20, 25, 30, 40, 50)
CROSSOVER = {
    "operator": "task_arithmetic",
    "parameters": {"scale": {"embedding": [0.4, 1.1], "attention": [0.8, 1.3], "mlp": [0.9, 1.5]}},
}
CROSSED = {"population": 12, "crossover": [CROSSOVER]}
NOISE = {"sigma": 0.001, "gene_rate": 0.1}
BRED = {**CROSSED, **NOISE, "founding": "all"}
ONE_BY_ONE = {**BRED, "evaluations": BUDGET, "lag": 4}
WEIGHED = {"crossover": [CROSSOVER], "evaluations": BUDGET}
TASKS = list(EXPERTS)
# `random` draws how many founders it merges; strategies begin with merges of all of them.
OF_ALL = "random, of all founders"

STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    "random": {"crossover": [CROSSOVER], "evaluations": BUDGET},
    OF_ALL: {**BRED, "type": "genome", "population": BUDGET, "generations": 1},
    "best_of": {"evaluations": BUDGET},
    "greedy_soup": {},
    "genome": {**BRED, "generations": 7, "crossover_rate": 1.0, "mutation_rate": 0.1},
    "genome_plus": {**BRED, "generations": 3},
    "steady_state": ONE_BY_ONE,
    "nsga2": {**BRED, "generations": 5, "objectives": TASKS},
    "kinship": {**BRED, "generations": 5, "stop_above": 1, "patience": 5},
    "m2n2": {"evaluations": BUDGET, "lag": 4},
    "m2n2, crossover as the others": {**ONE_BY_ONE, "type": "m2n2"},
    "map_elites": {**ONE_BY_ONE, "behaviours": TASKS[:2]},
    "cycle_qd": {**CROSSED, "evaluations": BUDGET, "lag": 4, "qualities": TASKS},
    "cma_es": WEIGHED,
    "surrogate": WEIGHED,
    "frank_wolfe": {"rounds": BUDGET // 5},
    "dfs": {"evaluations": BUDGET},
    "ps_dfs": {**WEIGHED, "evaluations": 30, "path_evaluations": 20},
    "darwin": ONE_BY_ONE,
    "power_law": ONE_BY_ONE,
    "archipelago": ONE_BY_ONE,
    "novelty": ONE_BY_ONE,
    "mate_choice": ONE_BY_ONE,
    "mixture": {
        "evaluations": BUDGET,
        "lag": 4,
        "parts": [{"type": name, **BRED} for name in ("steady_state", "m2n2", "darwin")],
    },
}
BASELINES = ("random", "best_of")
# Of the plot: data flow stays far below, and would press all others together.
LEAST = -0.008
PANELS = {
    "baselines and searches of weights": (
        *("greedy_soup", "cma_es", "surrogate", "frank_wolfe", "dfs", "ps_dfs"),
    ),
    "generations": ("genome", "genome_plus", "nsga2", "kinship"),
    "niches": ("m2n2", "m2n2, crossover as the others", "map_elites", "cycle_qd", "novelty"),
    "one by one": (
        *("steady_state", "darwin", "power_law", "archipelago", "mate_choice", "mixture"),
    ),
}


def campaign(label: str, seed: int, items: Path) -> dict[str, Any]:
    """One run."""
    settings = {"type": label, **STRATEGIES[label]}
    return course(ground(items, seed, DRAWN, TESTED), settings, seed, AT).to_json()


def gains(courses: Sequence[Course]) -> Reals:
    """In fitness over the founders' plain average on the test items: (seeds, places).

    Not over the best founder: who that is depends on the search items, and so on the seed.
    """
    return np.array([[one.test[n] - one.average for n in AT] for one in courses])


def compare(
    curves: Mapping[str, Reals],
    over: str,
    show: Callable[[Interval], str] = str,
    baselines: Sequence[str] = BASELINES,
) -> None:
    """The table, the best ranks first, and who is better than the baselines.

    Args:
        curves: Gains by strategy: (seeds, places).
        over: Whom they are gained over.
        show: How an interval is written.
        baselines: Strategies that all are compared with.
    """
    last = {label: runs[:, -1] for label, runs in curves.items()}
    order = ranks({label: runs.tolist() for label, runs in last.items()})
    means = {label: interval(runs) for label, runs in last.items()}
    print(f"Friedman: p = {order.p_value:.1e}; critical difference of ranks {order.critical:.1f}\n")
    header("strategy", f"gain over {over}", "mean rank", *(f"over {n}" for n in baselines))
    for label in sorted(last, key=lambda label: order.means[label]):
        paired = (
            "" if name == label else show(interval(last[label] - last[name])) for name in baselines
        )
        row(f"`{label}`", show(means[label]), f"{order.means[label]:.1f}", *paired)
    bar = max(means[name].high for name in baselines)
    better = [f"`{label}`" for label in last if means[label].low > bar]
    print(f"\nIntervals apart from and above the baselines': {', '.join(better)}")


def raced(
    part: str,
    labels: Iterable[str],
    make: Callable[..., Any],
    given: Sequence[Any],
    asked: Namespace,
) -> Mapping[str, Sequence[Course]]:
    """Courses by label, one a seed: what `make(label, seed, *given)` gives, now or from files.

    Args:
        part: Folder of the files.
        asked: Values of `batch.options`.
    """
    seeds = seeds_of(asked)
    keys = [(label, seed) for seed in seeds for label in labels]
    runs = [Run(f"{label}-{seed}", make, (label, seed, *given)) for label, seed in keys]
    done = all_done(runs, asked.out / part, asked.processes)
    return {
        label: [Course.from_json(done[f"{label}-{seed}"]) for seed in seeds] for label in labels
    }


def main() -> None:
    """Runs what has not run, and prints."""
    asked = options(__doc__, SEEDS, FIRST).parse_args()
    found = raced("equal", STRATEGIES, campaign, (pooled(asked.out),), asked)
    curves = {label: gains(courses) for label, courses in found.items()}
    baselines = (*BASELINES, OF_ALL)
    compare(curves, "the average", baselines=baselines)
    best = interval([one.average - one.founder for one in found[BASELINES[0]]])
    print(f"\nThe plain average gains {best} over the founder that is best on the search items.")
    panels = {title: {name: curves[name] for name in names} for title, names in PANELS.items()}
    axes = ("children scored", "gain over the plain average")
    grey = {name: curves[name] for name in baselines}
    draw_curves(IMAGES / "equal.svg", AT, panels, axes, grey, least=LEAST)


if __name__ == "__main__":
    main()
