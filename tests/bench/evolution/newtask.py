"""New tasks from 200 items: what merging gains over the best of 4, 8 and 16 founders.

No founder was trained for them (newcomers.py), and nothing is trained here: children are scored on
200 search items, others for each seed, and whoever leads is tested on 400 items of other documents,
others for each seed where there is text enough.
Each seed puts the founders in an order of its own, of which the first 4, 8 and 16 are taken. Prints
the tables of docs/benchmarks.md, and draws docs/images/newtask-TASK.svg.
"""

import math
from argparse import Namespace
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from arena import Course, Ground, course, share
from batch import IMAGES, Run, all_done, options, seeds_of
from equal import CROSSED, CROSSOVER, NOISE
from newcomers import BASE, SOURCES, TASKS, founders, make_founder, make_items, path_of
from summary import Interval, Reals, draw_curves, header, interval, row

from speciate.population.randomness import stream

BUDGET = 60
AT = (10, 20, 30, 40, 50, 60)
SIZES = (4, 8, 16)
ITEMS, TESTED = 200, 400
BRED = {**CROSSED, **NOISE, "type": "genome", "crossover_rate": 1.0}
STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    "genome": {**BRED, "founding": "pairs", "generations": 8},
    "genome, founders live": {**BRED, "founding": "founders", "generations": 10, "elite": 0.2},
    "random": {"crossover": [CROSSOVER], "evaluations": BUDGET},
}


def chosen(task: str, size: int, seed: int) -> Sequence[str]:
    """The first founders in the order of a seed."""
    return stream(seed, "bench", "founders").shuffle(list(founders(task)))[:size]


def ground(task: str, size: int, seed: int, lines: Any, folder: Path) -> Ground:
    """A seed's founders and items."""
    return Ground(
        base=BASE,
        models=[path_of(name, folder) for name in chosen(task, size, seed)],
        search={task: lines["search"]},
        test={task: share(lines["test"], seed, TESTED)},
        drawn=ITEMS,
        tested=TESTED,
    )


def campaign(
    task: str, label: str, size: int, seed: int, lines: Any, folder: Path
) -> dict[str, Any]:
    """One run."""
    those = ground(task, size, seed, lines, folder)
    return course(those, {"type": label, **STRATEGIES[label]}, seed, AT).to_json()


Found = Mapping[tuple[str, int], Sequence[Course]]


def bits(fitness: float) -> float:
    """Bits per character of the only task."""
    return -math.log2(fitness)


def gains(courses: Sequence[Course], at: Sequence[int] = AT) -> Reals:
    """Over the best founder on the test items, in bits per character: (seeds, places)."""
    return np.array([[bits(one.founder) - bits(one.test[n]) for n in at] for one in courses])


def bits_of(interval: Interval) -> str:
    """With as many digits as they are worth."""
    return f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def compare(found: Found) -> None:
    """What is gained over the best founder, and over the plain average."""
    header("strategy", "founders", "best founder", "gain", "in percent", "gain over the average")
    for (label, size), courses in found.items():
        founder = np.array([bits(one.founder) for one in courses])
        ours = gains(courses)[:, -1]
        average = np.array([bits(one.average) for one in courses])
        percent = interval(100 * ours / founder)
        row(
            *(f"`{label}`", size, f"{founder.mean():.3f}", bits_of(interval(ours))),
            f"{percent.mean:.1f} [{percent.low:.1f}, {percent.high:.1f}]",
            bits_of(interval(ours - founder + average)),
        )


def growth(found: Found) -> None:
    """Whether gain, and what is reached, grow with the number of founders, seed by seed."""
    header("strategy", "founders", "gain grows by", "bits per character fall by")
    for label in STRATEGIES:
        for few, many in pairwise(SIZES):
            less, more = found[label, few], found[label, many]
            grown = gains(more)[:, -1] - gains(less)[:, -1]
            fallen = [
                bits(one.test[AT[-1]]) - bits(other.test[AT[-1]])
                for one, other in zip(less, more, strict=True)
            ]
            cells = bits_of(interval(grown)), bits_of(interval(fallen))
            row(f"`{label}`", f"{few} to {many}", *cells)


def by_items(found: Found) -> None:
    """The first seed's gain, with the interval over items."""
    header("strategy", "founders", "gain of the first seed, paired by items")
    for (label, size), courses in found.items():
        row(f"`{label}`", size, bits_of(Interval(*courses[0].paired)))


def items_of(task: str, out: Path) -> Any:
    """Lines by split, made if they are not there."""
    return Run("items", make_items, (task,)).done(out / "newtask" / task)


def founders_in(out: Path, processes: int) -> Path:
    """The folder of all that the zoo has not, trained if they are not there."""
    folder = (out / "newtask" / "founders").absolute()
    made = [Run(f"founders/{name}", make_founder, (name, folder)) for name in SOURCES]
    all_done(made, out / "newtask", processes)
    return folder


def measure(task: str, asked: Namespace, folder: Path) -> None:
    """Runs what has not run, and prints."""
    out = asked.out / "newtask" / task
    lines = items_of(task, asked.out)
    names = {
        (label, size): [f"{label}-{size}-{seed}" for seed in seeds_of(asked)]
        for label in STRATEGIES
        for size in SIZES
    }
    runs = [
        Run(names[label, size][seed], campaign, (task, label, size, seed, lines, folder))
        for label in STRATEGIES
        for seed in seeds_of(asked)
        for size in SIZES
    ]
    done = all_done(runs, out, asked.processes)
    found = {key: [Course.from_json(done[name]) for name in each] for key, each in names.items()}
    for table in (compare, growth, by_items):
        table(found)
        print()
    panels = {
        label: {f"{size} founders": gains(found[label, size]) for size in SIZES}
        for label in STRATEGIES
    }
    axes = ("children scored", "gain over the best founder, bits/char")
    draw_curves(IMAGES / f"newtask-{task}.svg", AT, panels, axes)


def main() -> None:
    """Founders, then one task after the other."""
    parser = options(__doc__)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    asked = parser.parse_args()
    folder = founders_in(asked.out, asked.processes)
    for task in asked.tasks:
        measure(task, asked, folder)


if __name__ == "__main__":
    main()
