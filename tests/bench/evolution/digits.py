"""M2N2's experiment on scikit-learn's digits, with our strategy and our operators.

Every search is one run that is kept in a file as soon as it is done, so that what was interrupted
goes on where it stopped. Prints tables in Markdown and draws docs/images/digits.svg. One core.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from digits_report import draw, report
from digits_runs import SETTINGS, STARTS, run
from digits_world import World
from rich.progress import Progress

from speciate.files import write_whole
from speciate.population.crew import Crew

OUT = Path("build") / "digits.json"


def wanted(asked: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    """Start, setting and seed of every run, first all settings of the first seed."""
    for start in STARTS:
        for seed in range(asked.seeds):
            for name, setting in SETTINGS.items():
                label = f"{start}/{name}"
                chosen = not asked.only or any(part == label for part in asked.only)
                if start in setting.starts and chosen:
                    yield start, name, seed


def searched(asked: argparse.Namespace) -> dict[str, Any]:
    """All runs of the file, those that were missing among them."""
    done = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    runs = list(wanted(asked))
    missing = {"/".join(map(str, one)): one for one in runs}
    missing = {key: one for key, one in missing.items() if key not in done}
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    with Crew(1) as crew, Progress() as progress:
        world = World(crew)
        total = sum(STARTS[start].evaluations for start, _, _ in missing.values())
        bar = progress.add_task("", total=total)
        for key, (start, name, seed) in missing.items():
            progress.update(bar, description=key)
            done[key] = run(
                world,
                SETTINGS[name],
                STARTS[start],
                seed,
                lambda evaluations: progress.advance(bar, evaluations),
            )
            write_whole(asked.out, json.dumps(done).encode())
    return done


def main() -> None:
    """Searches, prints and draws."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="file with all runs")
    parser.add_argument("--seeds", type=int, default=10, help="how many, from 0 on")
    labels = [f"{start}/{name}" for name, one in SETTINGS.items() for start in one.starts]
    parser.add_argument("--only", nargs="+", choices=labels, default=[], help="some of the runs")
    parser.add_argument("--draw", action="store_true", help="also draw docs/images/digits.svg")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    done = searched(asked)
    report(done)
    if asked.draw:
        draw(done)


if __name__ == "__main__":
    main()
