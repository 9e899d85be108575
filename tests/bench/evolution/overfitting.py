"""How far campaigns overfit their search items, and what early stopping and validation are worth.

Breeds as `equal.py` does, with 10, 40 or 200 search items of each of five tasks, others for every
seed, as the test items are; and with questions of four answers, 50 for every seed, all of which are
tested by the same 400. Prints the tables of docs/benchmarks.md, and draws
docs/images/overfitting.svg.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from arena import EXPERTS, FILE, ZOO, Ground, bred, finished, leaders, tested
from batch import IMAGES, Run, all_done, options, seeds_of
from equal import BRED, ONE_BY_ONE
from held_out import ground, pooled
from summary import Reals, draw_curves, header, interval, row

from speciate.configs.campaign import load
from speciate.evaluator.evaluator import evaluation
from speciate.records import Score

TESTED, QUESTIONS = 60, 400
ANSWERS = "steady_state, right answers"
STRATEGIES = {
    "steady_state": lambda budget: {**ONE_BY_ONE, "evaluations": budget},
    ANSWERS: lambda budget: {**ONE_BY_ONE, "evaluations": budget},
    # Seven children a generation or fewer.
    "genome": lambda budget: {
        **(BRED | {"generations": budget // 6, "crossover_rate": 1.0, "mutation_rate": 0.1})
    },
}
# Strategy, search items, and whether some are kept for validation; with children.
COURSES = {
    ("steady_state", 50, False): 200,
    ("steady_state", 50, True): 120,
    ("steady_state", 200, False): 60,
    ("steady_state", 200, True): 60,
    ("steady_state", 1000, False): 60,
    (ANSWERS, 50, False): 120,
    (ANSWERS, 50, True): 120,
    ("genome", 50, False): 80,
}
SIZES = (50, 200, 1000)
AT = (0, 10, 20, 30, 40, 60, 80, 120, 200)
PATIENCE = (20, 40, 80)
SHARE, FINALISTS = 0.25, 5
ELECTED = {
    "leader, some kept from selection": "search",
    f"best of {FINALISTS} by what was kept": "validation",
    f"best of {FINALISTS} by all items": "both",
    f"best of {FINALISTS} by the test items": "test",
}
VALIDATED = {"validation": {"share": SHARE, "finalists": FINALISTS}}
Found = Mapping[str, Any]


def questions(drawn: int) -> Ground:
    """Right or wrong, where likelihoods have a value for every character."""
    search, test = (
        {"choice": (ZOO / "tasks" / f"choice.{split}.jsonl").read_text().splitlines()}
        for split in ("search", "test")
    )
    return Ground(search, test, drawn, QUESTIONS, kind="multiple_choice")


def campaign(strategy: str, size: int, validated: bool, seed: int, items: Path) -> Found:
    """One run: fitness of who led after each number of children, as far as it is asked for."""
    budget = COURSES[strategy, size, validated]
    zoo = (
        questions(size)
        if strategy == ANSWERS
        else ground(items, seed, size // len(EXPERTS), TESTED)
    )
    settings = {"type": strategy.split(",")[0], **STRATEGIES[strategy](budget)}
    with finished(zoo, settings, seed, **(VALIDATED if validated else {})) as archive:
        founder, children = bred(archive)
        led = leaders(children, founder, range(min(budget, len(children)) + 1))
        search = [one.fitness for one in led]
        places = sorted({*AT, *(stop(search, patience) for patience in PATIENCE), len(led) - 1})
        places = [n for n in places if n < len(led)]
        report = archive.report or {}
        names = report.get("validation", {}).get("finalists", [])
        finalists = [archive.individuals[name] for name in names]
        those = [led[n] for n in places] + finalists
        scored = [one.fitness for one in tested(archive, those)]
        tasks = load(archive.folder.parent / FILE).tasks
        return {
            "search": search,
            "test": dict(zip(map(str, places), scored[: len(places)], strict=True)),
            "finalists": [
                _finalist(
                    tasks, report["validation"]["scores"][one.id], one.evaluation.scores, score
                )
                for one, score in zip(finalists, scored[len(places) :], strict=True)
                if one.evaluation
            ],
        }


def _finalist(
    tasks: Any, validation: Found, search: Mapping[str, Score], test: float
) -> Mapping[str, float]:
    """Fitness of a finalist by the items: those of search, of validation, of both, and of test."""
    kept = {task: Score.from_json(score) for task, score in validation.items()}
    both = {
        task: replace(score, items=score.items + kept[task].items, answers=None)
        for task, score in search.items()
    }
    parts = {"search": search, "validation": kept, "both": both}
    by = {name: evaluation(tasks, scores, "").fitness for name, scores in parts.items()}
    return {**by, "test": test}


def stop(search: Sequence[float], patience: int) -> int:
    """After how many children a campaign ends, given the fitness of who led after each number."""
    since = accumulate(
        range(1, len(search)), lambda last, n: last if search[n] == search[last] else n, initial=0
    )
    return next((n for n, best in enumerate(since) if n - best >= patience), len(search) - 1)


def at(run: Found, split: str, n: int) -> float:
    """Gain over the best founder of who led after n children, or at the end."""
    last = len(run["search"]) - 1
    if split == "search":
        return float(run["search"][min(n, last)] - run["search"][0])
    return float(run["test"][str(min(n, last))] - run["test"]["0"])


def gaps(found: Mapping[tuple[str, int, bool], Sequence[Found]]) -> None:
    """How much of the gain on search items is not there on others."""
    columns = ("gain, search", "gain, test", "difference", "of it after 20 children")
    header("search items", "strategy", "children", *columns)
    for (strategy, size, validated), runs in found.items():
        for n in (20, 30, 60, 120, 200):
            if validated or n > COURSES[strategy, size, validated]:
                continue
            search, test = ([at(run, split, n) for run in runs] for split in ("search", "test"))
            gap = np.subtract(search, test)
            grown = (
                ""
                if n == 20
                else interval(gap - [at(r, "search", 20) - at(r, "test", 20) for r in runs])
            )
            row(size, f"`{strategy}`", n, *map(interval, (search, test, gap)), grown)
    print()


def stops(found: Mapping[tuple[str, int, bool], Sequence[Found]]) -> None:
    """What early stopping saves, and what it loses."""
    header("search items", "strategy", "patience", "ended early", "children saved", "test lost")
    for (strategy, size, validated), runs in found.items():
        for patience in PATIENCE:
            last = [len(run["search"]) - 1 for run in runs]
            ends = [stop(run["search"], patience) for run in runs]
            if validated or patience > COURSES[strategy, size, validated] / 2:
                continue
            saved = np.subtract(last, ends) / last
            lost = [
                at(r, "test", n) - at(r, "test", end)
                for r, n, end in zip(runs, last, ends, strict=True)
            ]
            early = sum(end < n for end, n in zip(ends, last, strict=True))
            row(
                size,
                f"`{strategy}`",
                patience,
                f"{early} of {len(runs)}",
                f"{np.mean(saved):.0%}",
                interval(lost),
            )
    print()


def elections(found: Mapping[tuple[str, int, bool], Sequence[Found]]) -> None:
    """What it is worth to choose among finalists by items that selection has not seen.

    Gains are over the founder that was the best on all items, for who selected by a part as well.
    """
    columns = ("gain, test", "over all items in selection")
    header("items in all", "strategy", "champion", *columns)
    for (strategy, size, validated), runs in found.items():
        if not validated:
            continue
        plain, children = found[strategy, size, False], COURSES[strategy, size, True]
        founders = np.array([run["test"]["0"] for run in plain])
        whole = np.array([at(run, "test", children) for run in plain])
        row(size, f"`{strategy}`", "leader, all items in selection", interval(whole), "")
        for label, by in ELECTED.items():
            chosen = [max(run["finalists"], key=lambda one: one[by])["test"] for run in runs]
            gained = np.array(chosen) - founders
            row(size, f"`{strategy}`", label, interval(gained), interval(gained - whole))
    print()


def curves(runs: Sequence[Found], children: int, split: str) -> Reals:
    """Gains along the run: (seeds, places)."""
    return np.array([[at(r, split, n) if n <= children else np.nan for n in AT] for r in runs])


def main() -> None:
    """Runs what has not run, and prints."""
    asked = options(__doc__).parse_args()
    folder = asked.out / "overfitting"
    names = {
        (*one, seed): f"{one[0]}-{one[1]}{'-validated' * one[2]}-{seed}"
        for seed in seeds_of(asked)
        for one in COURSES
    }
    make = partial(campaign, items=pooled(asked.out))
    done = all_done([Run(name, make, key) for key, name in names.items()], folder, asked.processes)
    found = {one: [done[name] for key, name in names.items() if key[:3] == one] for one in COURSES}
    for table in (gaps, stops, elections):
        table(found)
    plain = {f"{size} search items": ("steady_state", size, False) for size in SIZES}
    plain["50 questions: right answers"] = (ANSWERS, 50, False)
    panels = {
        title: {
            f"{split} items": curves(found[one], COURSES[one], split)
            for split in ("search", "test")
        }
        for title, one in plain.items()
    }
    labels = ("children scored", "gain in fitness over the best founder")
    draw_curves(IMAGES / "overfitting.svg", AT, panels, labels)


if __name__ == "__main__":
    main()
