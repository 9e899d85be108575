"""Agents in campaigns: what good ones gain, and what bad ones cost.

Evolves the zoo's five experts by `steady_state` with its default operator (linear), on a few items
of each search split, with the agents of evolution/scripted.py, which are asked over HTTP like any
others, and the default settings of the bandit.

Prints the tables of docs/benchmarks.md.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evolution.scripted import EXPERTS, serving

from speciate.archive.archive import Archive
from speciate.records import FOUNDER, Individual
from speciate.session import run

ZOO = Path(__file__).parents[2] / "configs" / "zoo"
SEARCHED, TESTED = 12, 8
LINE_UPS: dict[str, tuple[str, ...]] = {
    "nobody": (),
    "good": ("good",),
    "bad": ("bad",),
    "poor": ("poor",),
    "malformed": ("malformed",),
    "good, bad, malformed": ("good", "bad", "malformed"),
}


@dataclass(frozen=True)
class Course:
    """One campaign: all children in the order in which they were proposed."""

    children: Sequence[Individual]

    @property
    def final(self) -> float:
        """Fitness of the best child."""
        return max(one.fitness for one in self.children if one.evaluation)

    def share(self, agent: str) -> float:
        """Of the evaluations, what went to recipes of an agent."""
        theirs = [one for one in self.children if one.proposer == f"breeder@{agent}"]
        return len(theirs) / len(self.children)

    def reached(self, target: float) -> int | None:
        """Evaluations until a child had this fitness."""
        scored = enumerate(self.children, 1)
        return next((n for n, one in scored if one.evaluation and one.fitness >= target), None)


def campaign(folder: Path, seed: int, evaluations: int, agents: Sequence[str], url: str) -> Course:
    """Runs one."""
    folder.mkdir(parents=True)
    (folder / "c.toml").write_text(_config(folder, seed, evaluations, agents, url))
    run(folder / "c.toml", folder / "out")
    born = Archive.open(folder / "out").individuals.values()
    ours = ("founder", "baseline")
    children = [one for one in born if one.recipe.operator != FOUNDER and one.proposer not in ours]
    return Course(children)


def _config(folder: Path, seed: int, evaluations: int, agents: Sequence[str], url: str) -> str:
    models = [str(ZOO / "models" / name) for name in EXPERTS]
    lines = [f'name = "agents"\nseed = {seed}\n[founders]\nbase = "{ZOO}/models/base"']
    lines += [f'models = {json.dumps(models)}\n[engine]\ntype = "transformers"']
    lines += ["[cluster]\nworkers = 0"]
    lines += [f'[strategy]\ntype = "steady_state"\nevaluations = {evaluations}']
    lines += ["population = 12\nlag = 8\nbatch = 2"]
    for name in EXPERTS:
        for split, items in (("search", SEARCHED), ("test", TESTED)):
            kept = (ZOO / "tasks" / f"{name}.{split}.jsonl").read_text().splitlines()[:items]
            (folder / f"{name}.{split}.jsonl").write_text("\n".join(kept))
        lines += [f'[[tasks]]\nname = "{name}"\nkind = "likelihood"']
        lines += [f'search = "{name}.search.jsonl"\ntest = "{name}.test.jsonl"']
    for name in agents:
        lines += [f'[[agents.endpoints]]\nmodel = "{name}"\nbase_url = "{url}"\nretries = 0']
    return "\n".join(lines)


def row(label: str, courses: Sequence[Course], targets: Sequence[float]) -> str:
    """One line of the table."""
    count = len(courses[0].children)
    reached = [one.reached(target) for one, target in zip(courses, targets, strict=True)]
    never = sum(one is None for one in reached)
    median = statistics.median(count + 1 if one is None else one for one in reached)
    first = "never" if median > count else f"{median:g}" + (f" ({never} never)" if never else "")
    finals = [one.final for one in courses]
    shares = [
        f"{statistics.mean(found):.0%} ({max(found):.0%})" if max(found) else "-"
        for found in ([one.share(agent) for one in courses] for agent in ("good", "bad", "poor"))
    ]
    middle = f"{statistics.median(finals):.4f} ({min(finals):.4f} to {max(finals):.4f})"
    return f"| {label} | {first} | {middle} | {' | '.join(shares)} |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    print("| agents | evaluations to the target | final fitness | good's | bad's | poor's |")
    print("|---|---|---|---|---|---|")
    targets: list[float] = []
    with tempfile.TemporaryDirectory() as scratch, serving() as url:
        for number, (label, agents) in enumerate(LINE_UPS.items()):
            courses = [
                campaign(Path(scratch) / f"{number}-{seed}", seed, asked.evaluations, agents, url)
                for seed in range(asked.seeds)
            ]
            targets = targets or [one.final for one in courses]
            print(row(label, courses, targets), flush=True)


if __name__ == "__main__":
    main()
