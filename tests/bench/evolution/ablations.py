"""Each part of evolution switched off in turn: which of them matter on the zoo?

A full system and the same without one part get 50 children each, scored on 24 search items of each
of five tasks, which are others for every seed but the same for both. Full systems are those of
equal.py, and are not run again where it has run them. Prints the table of docs/benchmarks.md, and
draws docs/images/ablations.svg.
"""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from arena import Course, course
from batch import IMAGES, options
from equal import AT, DRAWN, FIRST, OF_ALL, STRATEGIES, TESTED, raced
from equal import campaign as full_campaign
from held_out import ground, pooled
from scripted import serving
from summary import Interval, Reals, draw_forest, header, interval, row

AGENTS = "steady_state, with an agent"


@dataclass(frozen=True)
class Ablation:
    """One part less.

    Attributes:
        part: What is switched off.
        full: The system that has it, a label of equal.py or `AGENTS`.
        less: Settings that switch it off; with generations, as many of them as make 50 children.
        label: Of the system without it, if that has been run as one of its own.
    """

    part: str
    full: str
    less: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""

    @property
    def kind(self) -> str:
        """The strategy."""
        return self.full.split(",")[0]

    @property
    def rest(self) -> str:
        """Label of the system without the part."""
        return self.label or f"{self.full}, no {self.part}"


ABLATIONS = (
    Ablation("crossover", "genome_plus", {"crossover_rate": 0, "generations": 3}),
    Ablation("mutation", "genome_plus", {"mutation_rate": 0, "generations": 4}),
    Ablation("selection (the elite)", "genome_plus", {"elite": 0, "generations": 3}),
    Ablation("succession", "genome_plus", {"succession": False, "generations": 10}),
    Ablation("crossover", "steady_state", {"crossover_rate": 0}),
    Ablation("mutation", "steady_state", {"crossover_rate": 1}),
    Ablation("selection of parents", "steady_state", {"tournament": 1}),
    Ablation("selection of who lives", "steady_state", {"replace": "oldest"}),
    Ablation("breeding of children", "steady_state", label=OF_ALL),
    Ablation("agents", AGENTS, label="steady_state"),
    Ablation("mates of little kinship", "kinship", {"explore": 0}),
    Ablation("competition for items", "m2n2, crossover as the others", {"alpha": 0}),
    Ablation("niches: 2 a task, not 10", "map_elites", {"bins": 2}),
    Ablation("islands", "archipelago", label="steady_state"),
)


LESS = {one.rest: one for one in ABLATIONS if not one.label}


def campaign(label: str, seed: int, items: Path) -> dict[str, Any]:
    """One run without a part, or with the good agent of scripted.py."""
    zoo = ground(items, seed, DRAWN, TESTED)
    if label != AGENTS:
        one = LESS[label]
        settings = {"type": one.kind, **STRATEGIES[one.full], **one.less}
        return course(zoo, settings, seed, AT[-1:]).to_json()
    with serving() as url:
        agents = {"endpoints": [{"model": "good", "base_url": url, "retries": 0}]}
        settings = {"type": "steady_state", **STRATEGIES["steady_state"]}
        return course(zoo, settings, seed, AT[-1:], agents=agents).to_json()


Found = Mapping[str, Sequence[Course]]


def run_all(asked: Namespace) -> Found:
    """Courses by label, one a seed: of the full systems, and of those without a part."""
    items = (pooled(asked.out),)
    labels = {label for one in ABLATIONS for label in (one.full, one.label)} & set(STRATEGIES)
    return {
        **raced("ablations", [*LESS, AGENTS], campaign, items, asked),
        **raced("equal", sorted(labels), full_campaign, items, asked),
    }


def gains(courses: Sequence[Course]) -> Reals:
    """Over the best founder in fitness on the test items, after all children."""
    return np.array([one.test[AT[-1]] - one.founder for one in courses])


def compare(found: Found) -> Mapping[str, Interval]:
    """The table; returns what each part gains."""
    header("system", "part", "gain with it", "gain without it", "difference, paired by seeds")
    differences = {}
    for one in ABLATIONS:
        full, less = gains(found[one.full]), gains(found[one.rest])
        differences[f"{one.kind}: {one.part}"] = interval(full - less)
        row(f"`{one.full}`", one.part, interval(full), interval(less), interval(full - less))
    return differences


def main() -> None:
    """Runs what has not run, prints and draws."""
    differences = compare(run_all(options(__doc__, first=FIRST).parse_args()))
    label = "what the part gains in fitness on test items"
    draw_forest(IMAGES / "ablations.svg", differences, label)


if __name__ == "__main__":
    main()
