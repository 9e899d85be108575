"""All strategies and baselines at one budget on sixteen founders: who finds what is worth merging?

As equal.py, but with many founders and one task that none of them was trained for (`decimals` of
newcomers.py): 100 children on 60 search items, others for every seed, as the 400 test items are.
Founders live until somebody better comes. Those that want several tasks are left out. Prints the
table of docs/benchmarks.md, and draws docs/images/many.svg.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arena import course
from batch import IMAGES, options
from equal import AT, BASELINES, BUDGET, PANELS, STRATEGIES, compare, raced
from newtask import bits_of, founders_in, gains, ground, items_of
from summary import draw_curves

TASK = "decimals"
FOUNDERS, DRAWN = 16, 60
WITHOUT = ("nsga2", "map_elites", "cycle_qd")
# Generations make some children more than are counted.
OTHERWISE: Mapping[str, Mapping[str, Any]] = {
    "genome": {"elite": 0.2, "generations": 22},
    "genome_plus": {"generations": 12},
    "kinship": {"generations": 10},
    "frank_wolfe": {"rounds": 1 + BUDGET // FOUNDERS},
}


def living(settings: Mapping[str, Any]) -> dict[str, Any]:
    """With founders as the first members, where merges of all founders are."""
    found = {**settings, **({"founding": "founders"} if "founding" in settings else {})}
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
    those = ground(TASK, FOUNDERS, seed, lines, folder, DRAWN)
    return course(those, {"type": label, **SETTINGS[label]}, seed, AT).to_json()


def main() -> None:
    """Runs what has not run, and prints."""
    asked = options(__doc__).parse_args()
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
