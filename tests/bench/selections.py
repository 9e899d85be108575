"""What campaigns do to save items, on simulated models: races, anchors, estimates, and blocks.

New models come one after another, as children do in `steady_state`. The bar is the k-th best score
of the known and of those before. Prints tables in Markdown, and draws docs/images/selections.svg.
"""

from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path

import decisions
import numpy as np
from evolution.summary import row
from exams import ESTIMATOR, SIZES, Exam, Judge
from scipy.stats import spearmanr
from simulated import ITEMS, RACED, SEEDS, SETTINGS, World, best, header, simulate, spread

from speciate.evaluator.items import Reals

PLOT = Path(__file__).parents[2] / "docs" / "images" / "selections.svg"
POPULATIONS = (10, 50)
ERRORS = (0.01, 0.05, 0.2)
COARSE, FINE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5), SIZES[2:]


def campaign(world: World, k: int, judge: Judge) -> Reals:
    """Share of items used, Spearman, share of selections of new models kept, share missed, alike.

    Selected are the k best in the end. "Kept" is of the new models that are truly among them;
    "missed" of those that were as good as the bar when they came; "alike" is the share of the new
    models that are selected when they come if and only if they are that good.
    """
    known = world.setting.known
    scores = world.full.copy()
    scores[known:] = -1.0
    found, good, stays = [], [], []
    for model in range(known, world.setting.models):
        other = int(np.argsort(-scores, kind="stable")[k - 1])
        bar = float(scores[other])
        verdict = judge(model, bar, other)
        found.append(verdict)
        good.append(world.full[model] >= world.full[other])
        stays.append(verdict.stays and verdict.value >= bar)
        scores[model] = verdict.value if verdict.stays else -1.0
    truth = {one for one in best(world.full, k) if one >= known}
    kept = len(best(scores, k) & truth) / len(truth)
    order = spearmanr([one.value for one in found], world.full[known:]).statistic
    missed = sum(a and not b.stays for a, b in zip(good, found, strict=True)) / max(sum(good), 1)
    alike = np.mean(np.array(good) == np.array(stays))
    return np.array([np.mean([one.used for one in found]), order, kept, missed, alike])


def policies(exam: Exam, fine: Exam) -> dict[tuple[str, str], Judge]:
    """Judges by what they do and its setting; `fine` is fitted in three dimensions."""
    made: dict[tuple[str, str], Judge] = {}
    for error in ERRORS:
        made["race", f"error {error}"] = partial(exam.race, error)
    for share in COARSE:
        made["anchors alone", f"{share:.0%}"] = partial(exam.anchors, share)
    for share in COARSE:
        made["one estimate", f"{share:.0%}"] = partial(exam.looks, [share], 0.05, "rest")
    for end, what in (("rest", "estimates"), ("race", "estimates, race")):
        for place, share in enumerate(COARSE[:4]):
            # In a race there is no use of half of the items.
            looks = COARSE[place : None if end == "rest" else -1]
            made[what, f"from {share:.0%}"] = partial(exam.looks, looks, 0.05, end)
    for end, what in (("rest", "finer estimates"), ("above", "finer estimates, both sides")):
        for error in (0.05, 0.1, 0.2):
            made[what, f"error {error}"] = partial(fine.looks, FINE, error, end)
    for error in (0.05, 0.1, 0.2, 0.4):
        made["estimates, both sides", f"error {error}"] = partial(
            exam.looks, COARSE, error, "above"
        )
    return made


Found = dict[tuple[str, str], Reals]


def measure(exams: Sequence[tuple[Exam, Exam]], k: int) -> Found:
    """Results (seeds, 5) of `campaign` by policy."""
    cells: dict[tuple[str, str], list[Reals]] = {}
    for exam, fine in exams:
        for name, judge in policies(exam, fine).items():
            cells.setdefault(name, []).append(campaign(exam.world, k, judge))
    return {name: np.array(found) for name, found in cells.items()}


def table(label: str, k: int, found: Found) -> None:
    """One row a policy."""
    print(f"\nPopulation: {label}; the {k} best are selected")
    header(
        "what", "setting", "items used", "Spearman", "selected kept", "good ones missed", "alike"
    )
    for name, cells in found.items():
        row(*name, *(spread(cells[:, place]) for place in range(5)))


def decided(exams: Sequence[Exam]) -> decisions.Found:
    """What strategies decide alike by estimates, for several estimators on the same anchors."""
    cells: dict[tuple[str, float], list[Reals]] = {}
    for exam in exams:
        full, seed = exam.world.full[exam.world.setting.known :], exam.world.seed
        for name, share in product(("weighted", "mp_irt", "gmp_irt"), decisions.SHARES):
            values = exam.estimates(share, name)
            cells.setdefault((name, share), []).append(decisions.agreement(values, full, seed))
        others = decisions.dealt(full, seed)
        cells.setdefault(("", 0.0), []).append(decisions.agreement(others, full, seed))
    return {key: np.array(found) for key, found in cells.items()}


def noise(worlds: Sequence[World]) -> None:
    """What as many items, drawn at random, can tell by themselves."""
    for size in COARSE:
        left = (1 - size) / (size * ITEMS)
        found = []
        for world in worlds:
            full = world.full[world.setting.known :]
            error = np.mean(full * (1 - full)) * left
            found.append([np.sqrt(error), np.sqrt(full.var() / (full.var() + error))])
        deviation, order = np.mean(found, axis=0)
        print(f"{size:.0%}: standard deviation {deviation:.3f}, correlation {order:.3f}")


def table_of_races() -> None:
    """Items used and selections kept by races alone."""
    header("simulated", "error", "items used", "selected kept", "good ones missed")
    for label, error in product(RACED, ERRORS):
        found = []
        for seed in SEEDS:
            exam = Exam(simulate(seed, SETTINGS[label]), (), np.zeros(0))
            found.append(campaign(exam.world, POPULATIONS[0], partial(exam.race, error)))
        row(label, str(error), *(spread(np.array(found)[:, place]) for place in (0, 2, 3)))


def draw(panels: dict[tuple[str, int], Found]) -> None:
    """Spearman and selections kept by mean share of items."""
    # Here, because only the plot needs it.
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "selections", "font.size": 9}
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        2, len(panels), figsize=(11, 6), layout="constrained", sharex=True, sharey="row"
    )
    for column, ((label, k), found) in enumerate(panels.items()):
        axes[0, column].set_title(f"{label.split(':')[0]}, {k} best of 200")
        for line, (place, aim) in enumerate(((1, 0.95), (2, 0.9))):
            axis = axes[line, column]
            axis.axhline(aim, color="grey", linewidth=0.6)
            axis.axvline(0.1, color="grey", linewidth=0.6)
            for number, what in enumerate(dict.fromkeys(what for what, _ in found)):
                means = np.array([c.mean(axis=0) for (name, _), c in found.items() if name == what])
                means = means[np.argsort(means[:, 0])]
                axis.plot(
                    means[:, 0], means[:, place], f"C{number}o-", label=what, markersize=3, lw=1
                )
            axis.set(xscale="log")
            axis.set_xticks(COARSE, [f"{size:.0%}" for size in COARSE])
            axis.minorticks_off()
        axes[1, column].set_xlabel("mean share of items asked")
    axes[0, 0].set_ylabel("Spearman")
    axes[1, 0].set_ylabel("selected kept")
    axes[1, -1].legend(fontsize=8)
    figure.savefig(PLOT, metadata={"Date": None})


def main() -> None:
    """Measures, prints and draws."""
    print("\nRaces against the tenth best")
    table_of_races()
    panels, alike = {}, {}
    for label in RACED[:2]:
        worlds = [simulate(seed, SETTINGS[label]) for seed in SEEDS]
        exams = [Exam.of(world) for world in worlds]
        alike[label] = decided(exams)
        decisions.table(label, alike[label])
        fine = [Exam.of(world, dimensions=3) for world in worlds]
        print(f"\nItems drawn at random, {label}")
        noise(worlds)
        for k in POPULATIONS:
            panels[label, k] = measure(list(zip(exams, fine, strict=True)), k)
            table(label, k, panels[label, k])
    draw(panels)
    decisions.draw(alike, ESTIMATOR)


if __name__ == "__main__":
    main()
