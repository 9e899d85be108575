"""All strategies and baselines at one budget on sixteen founders: who finds what is worth merging?

As equal.py, but with many founders and one task that none of them was trained for (`decimals` of
newcomers.py): 40 children on 200 search items, others for every seed, as the 400 test items are.
Founders live until somebody better comes. Those that want several tasks are left out. Prints the
table of docs/benchmarks.md, and draws docs/images/many.svg.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arena import course
from batch import IMAGES, options
from equal import BASELINES, OF_ALL, PANELS, STRATEGIES, compare, raced
from newtask import bits_of, founders_in, gains, ground, items_of
from summary import draw_curves

TASK = "decimals"
FOUNDERS = 16
BUDGET = 40
AT = (5, 10, 15, 20, 30, 40)
# On the seeds before, 60 search items of these did not tell who the best founder is.
FIRST = 10
WITHOUT = ("nsga2", "map_elites", "cycle_qd", OF_ALL)
# Generations make some children more than are counted.
OTHERWISE: Mapping[str, Mapping[str, Any]] = {
    "genome": {"elite": 0.2, "generations": 10},
    "genome_plus": {"generations": 5},
    "kinship": {"generations": 5},
    "frank_wolfe": {"rounds": 1 + BUDGET // FOUNDERS},
    "ps_dfs": {"evaluations": 24, "path_evaluations": 16},
}


def living(settings: Mapping[str, Any]) -> dict[str, Any]:
    """In as many children, and with founders as the first members, not merges of all of them."""
    found = {**settings}
    if "founding" in found:
        found["founding"] = "founders"
    if "evaluations" in found:
        found["evaluations"] = BUDGET
    if "parts" in found:
        found["parts"] = [living(one) for one in found["parts"]]
    return found


SETTINGS = {
    label: {**living(given), **OTHERWISE.get(label, {})}
    for label, given in STRATEGIES.items()
    if label not in WITHOUT
}


def campaign(label: str, seed: int, lines: Any, folder: Path) -> dict[str, Any]:
    """One run."""
    those = ground(TASK, FOUNDERS, seed, lines, folder)
    return course(those, {"type": label, **SETTINGS[label]}, seed, AT).to_json()


def main() -> None:
    """Runs what has not run, and prints."""
    asked = options(__doc__, first=FIRST).parse_args()
    folder = founders_in(asked.out, asked.processes)
    given = (items_of(TASK, asked.out), folder)
    found = raced("many", SETTINGS, campaign, given, asked)
    curves = {label: gains(courses, AT) for label, courses in found.items()}
    compare(curves, "the best founder", bits_of)
    panels = {
        title: {name: curves[name] for name in names if name in curves}
        for title, names in PANELS.items()
    }
    axes = ("children scored", "gain over the best founder, bits/char")
    draw_curves(IMAGES / "many.svg", AT, panels, axes, {name: curves[name] for name in BASELINES})


if __name__ == "__main__":
    main()
