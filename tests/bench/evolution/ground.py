"""Optimisers on known ground: how far below the best place is the best child after n evaluations?

Strategies get 200 children each of four founders; what they search is a simulation, so that nothing
but the search is measured. All that breed begin with random averages, and mutate by the same noise;
other settings are as the strategy comes. Prints the table of docs/benchmarks.md, and draws
docs/images/ground.svg.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from batch import IMAGES, Run, all_done, options, seeds_of
from landscapes import GROUNDS, after, regrets
from summary import Reals, draw_curves, header, interval, row

BUDGET = 200
AT = (5, 10, 20, 40, 60, 80, 100, 130, 160, 200)
# More exact than that is as good as exact.
LEAST = 1e-9
LINEAR = [{"operator": "linear"}]
BRED = {"population": 20, "sigma": 0.02, "founding": "all", "crossover": LINEAR}
ONE_BY_ONE = {**BRED, "lag": 8}
TASKS = ("one", "two")

STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    "random": {},
    "best_of": {},
    "cma_es": {"groups": 1},
    "surrogate": {"first": 40, "size": 10},
    "frank_wolfe": {"rounds": BUDGET // 4},
    "genome": {**BRED, "generations": 20},
    "genome_plus": {**BRED, "generations": 7},
    "steady_state": ONE_BY_ONE,
    "darwin": ONE_BY_ONE,
    "power_law": ONE_BY_ONE,
    "archipelago": {**ONE_BY_ONE, "population": 5, "islands": 4, "interval": 40},
    "mate_choice": ONE_BY_ONE,
    "novelty": ONE_BY_ONE,
    "mixture": {
        "lag": 8,
        "parts": [{"type": name, **BRED} for name in ("steady_state", "m2n2", "darwin")],
    },
    "m2n2": {"population": 20, "lag": 8},
    "m2n2, linear": ONE_BY_ONE,
    "map_elites": {**ONE_BY_ONE, "behaviours": TASKS},
    "cycle_qd": {"lag": 8, "qualities": TASKS},
    "nsga2": {**BRED, "generations": 10, "objectives": TASKS},
}
# For several items, or for two tasks: the first and the second half of the items.
OF_ITEMS = ("m2n2", "m2n2, linear", "map_elites", "cycle_qd", "nsga2")
GROUPS: Mapping[str, Sequence[str]] = {
    "weights": ("best_of", "cma_es", "surrogate", "frank_wolfe"),
    "generations and niches": ("genome", "genome_plus", *OF_ITEMS),
    "one by one": (
        *(
            "steady_state",
            "darwin",
            "power_law",
            "archipelago",
            "mate_choice",
            "novelty",
            "mixture",
        ),
    ),
}
BY_NAME = {ground.__name__: ground for ground in GROUNDS}
Found = Mapping[tuple[str, str], Reals]
"""Powers of ten of the regrets by strategy and ground: (seeds, places)."""


def fits(label: str, ground: str) -> bool:
    """Whether a strategy can be played there."""
    return ground == "items" or label not in OF_ITEMS


def play(label: str, ground: str, seed: int) -> list[float]:
    """Regrets of one run."""
    kind, tasks = label.split(",")[0], TASKS if ground == "items" else TASKS[:1]
    return regrets(kind, BY_NAME[ground], seed, BUDGET, STRATEGIES[label], tasks)


def logarithms(curves: Sequence[Sequence[float]]) -> Reals:
    """Powers of ten at the places."""
    return np.log10(np.maximum([after(curve, AT) for curve in curves], LEAST))


def cell(runs: Reals | None) -> str:
    """Geometric mean of the last regrets, and its interval."""
    if runs is None:
        return ""
    found = interval(runs[:, -1])
    mean, low, high = (f"{10**power:.1e}" for power in (found.mean, found.low, found.high))
    return f"{mean} [{low}, {high}]"


def show(found: Found) -> None:
    """The table."""
    header("strategy", *BY_NAME)
    for label in STRATEGIES:
        row(f"`{label}`", *(cell(found.get((label, ground))) for ground in BY_NAME))


def draw(found: Found) -> None:
    """A column a ground, a line of panels a group; random search is in all."""
    panels = {
        f"{ground}: {group}": {
            label: found[label, ground] for label in ("random", *labels) if fits(label, ground)
        }
        for group, labels in GROUPS.items()
        for ground in BY_NAME
    }
    draw_curves(IMAGES / "ground.svg", AT, panels, ("children", "log10 of the regret"), log=True)


def main() -> None:
    """Runs what has not run, and prints."""
    asked = options(__doc__).parse_args()
    played = [(label, ground) for ground in BY_NAME for label in STRATEGIES if fits(label, ground)]
    runs = [
        Run(f"{label}, {ground}-{seed}", play, (label, ground, seed))
        for label, ground in played
        for seed in seeds_of(asked)
    ]
    done = all_done(runs, asked.out / "ground", asked.processes)
    found = {
        (label, ground): logarithms([done[f"{label}, {ground}-{seed}"] for seed in seeds_of(asked)])
        for label, ground in played
    }
    show(found)
    draw(found)


if __name__ == "__main__":
    main()
