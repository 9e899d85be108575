"""What campaigns do to save items, on simulated models: races, anchors, estimates, and blocks.

New models come one after another, as children do in `steady_state`. The bar is the k-th best score
of the known and of those before. Prints tables in Markdown, and draws docs/images/selections.svg.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product
from pathlib import Path

import decisions
import numpy as np
from scipy.stats import spearmanr
from simulated import ITEMS, RACED, SEEDS, SETTINGS, World, best, header, row, simulate, spread

from speciate.evaluator.items import Reals
from speciate.evaluator.items.calibration import Calibrated, CrossFit, Known, abilities
from speciate.evaluator.items.pool import Pool
from speciate.evaluator.items.racing import item_order, stopping_time
from speciate.population.randomness import stream

PLOT = Path(__file__).parents[2] / "docs" / "images" / "selections.svg"
POPULATIONS = (10, 50)
ERRORS = (0.01, 0.05, 0.2)
# Items that an engine is given at a time in a race.
BATCH = 25
SIZES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
ESTIMATOR, DIMENSIONS = "gmp_irt", 1
POOL = Pool({"a": ITEMS}, {"a": 1.0})


@dataclass(frozen=True)
class Verdict:
    """What becomes of a new model.

    Attributes:
        used: Share of the items that were asked.
        value: Its score if all were, an estimate otherwise.
        stays: Whether it may be selected.
    """

    used: float
    value: float
    stays: bool


Judge = Callable[[int, float, int], Verdict]
"""Of a new model's number, the bar, and the number of the model that is the bar."""


@dataclass(frozen=True)
class Exam:
    """A world, and for each size of `SIZES` an estimator and what it finds of the new models.

    Attributes:
        sides: Weighted means and estimates by item response theory, shape (sizes, models, 2).
    """

    world: World
    fits: Sequence[Calibrated]
    sides: Reals

    @classmethod
    def of(cls, world: World) -> "Exam":
        """Fits to the known models as a campaign does; anchors are random, few are among more."""
        setting, answers = world.setting, world.answers

        def parents(model: int) -> list[Reals]:
            return [answers[one] for one in world.parents[model]]

        known = [
            Known(answers[model], parents(model) if child else (), child)
            for model in range(setting.known)
            for child in [model >= setting.founders]
        ]
        fitted = CrossFit.of(known, POOL, DIMENSIONS, partial(stream, world.seed, "bench", "fit"))
        draws = partial(stream, world.seed, "bench", "selections")
        fits = [fitted.calibrated(ESTIMATOR, size, "random", draws) for size in SIZES]
        theirs = [
            abilities(fits[0].predictor, parents(model))
            for model in range(setting.known, setting.models)
        ]
        rows = [
            [
                one.predictor.sides(answers[model, one.predictor.asked], theta)
                for model, theta in enumerate(theirs, setting.known)
            ]
            for one in fits
        ]
        return cls(world, fits, np.array(rows))

    def estimates(self, size: int, name: str = ESTIMATOR) -> Reals:
        """Of all new models by an estimator, from `SIZES[size]` of the items."""
        predictor = replace(self.fits[size].predictor, name=name)
        return np.array([predictor.combined(*both) for both in self.sides[size]])

    @cached_property
    def _estimates(self) -> Reals:
        return np.array([self.estimates(size) for size in range(len(SIZES))])

    def estimate(self, size: int, model: int) -> float:
        """Of a new model, from `SIZES[size]` of the items."""
        return float(self._estimates[size, model - self.world.setting.known])

    def race(self, error: float, model: int, bar: float, other: int) -> Verdict:
        """Racing alone."""
        del bar
        return self._raced(error, model, other, 0.0)

    def _raced(self, error: float, model: int, other: int, known: float) -> Verdict:
        """A race of a model of which a share of the answers, drawn at random, is known already."""
        ours, theirs = self.world.answers[[model, other]]
        order = item_order(ITEMS, stream(self.world.seed, "race", str(model)))
        stop = stopping_time(ours[order], theirs[order], ITEMS, error)
        if stop is None:
            return Verdict(1.0, float(self.world.full[model]), True)
        asked = min(-(-stop // BATCH) * BATCH, ITEMS)
        used = known + (1 - known) * asked / ITEMS
        return Verdict(used, float(ours[order[:asked]].mean()), False)

    def anchors(self, size: int, model: int, bar: float, other: int) -> Verdict:
        """Anchors alone: scores are estimates."""
        del other
        value = self.estimate(size, model)
        return Verdict(SIZES[size], value, value >= bar)

    def looks(
        self, sizes: Sequence[int], error: float, end: str, model: int, bar: float, other: int
    ) -> Verdict:
        """Block after block, until it is clear that the model is below the bar.

        Args:
            sizes: Places in `SIZES`.
            error: Of each look, and of the race.
            end: What then: "rest" asks all items, "race" races; "above" asks all, but stops as well
                when it is clear that the model is above the bar.
        """
        for size in sizes:
            value, fit = self.estimate(size, model), self.fits[size]
            if value + fit.margin(bar, error) < bar:
                return Verdict(SIZES[size], value, False)
            if end == "above" and value - replace(fit, above=-fit.above).margin(bar, error) > bar:
                return Verdict(SIZES[size], value, True)
        if end == "race":
            return self._raced(error, model, other, SIZES[sizes[-1]])
        return Verdict(1.0, float(self.world.full[model]), True)


def campaign(world: World, k: int, judge: Judge) -> Reals:
    """Share of items used, Spearman, share of selections of new models kept, share missed.

    Selected are the k best in the end. "Kept" is of the new models that are truly among them;
    "missed" of those that were as good as the bar when they came.
    """
    known = world.setting.known
    scores = world.full.copy()
    scores[known:] = -1.0
    found, good, missed = [], 0, 0
    for model in range(known, world.setting.models):
        other = int(np.argsort(-scores, kind="stable")[k - 1])
        verdict = judge(model, float(scores[other]), other)
        found.append(verdict)
        reaches = world.full[model] >= world.full[other]
        good += reaches
        missed += reaches and not verdict.stays
        scores[model] = verdict.value if verdict.stays else -1.0
    truth = {one for one in best(world.full, k) if one >= known}
    kept = len(best(scores, k) & truth) / len(truth)
    order = spearmanr([one.value for one in found], world.full[known:]).statistic
    return np.array([np.mean([one.used for one in found]), order, kept, missed / max(good, 1)])


def policies(exam: Exam) -> dict[tuple[str, str], Judge]:
    """Judges by what they do and its setting."""
    made: dict[tuple[str, str], Judge] = {}
    places = range(len(SIZES))
    for error in ERRORS:
        made["race", f"error {error}"] = partial(exam.race, error)
    for place in places:
        made["anchors alone", f"{SIZES[place]:.0%}"] = partial(exam.anchors, place)
    for place in places:
        made["one estimate", f"{SIZES[place]:.0%}"] = partial(exam.looks, [place], 0.05, "rest")
    for end, what in (("rest", "estimates"), ("race", "estimates, race")):
        for place in places[:4]:
            # In a race there is no use of half of the items.
            looks = places[place : None if end == "rest" else -1]
            made[what, f"from {SIZES[place]:.0%}"] = partial(exam.looks, looks, 0.05, end)
    for error in (0.05, 0.1, 0.2, 0.4):
        made["estimates, both sides", f"error {error}"] = partial(
            exam.looks, places, error, "above"
        )
    return made


Found = dict[tuple[str, str], Reals]


def measure(exams: Sequence[Exam], k: int) -> Found:
    """Results (seeds, 4) of `campaign` by policy."""
    cells: dict[tuple[str, str], list[Reals]] = {}
    for exam in exams:
        for name, judge in policies(exam).items():
            cells.setdefault(name, []).append(campaign(exam.world, k, judge))
    return {name: np.array(found) for name, found in cells.items()}


def table(label: str, k: int, found: Found) -> None:
    """One row a policy."""
    print(f"\nPopulation: {label}; the {k} best are selected")
    header("what", "setting", "items used", "Spearman", "selected kept", "good ones missed")
    for name, cells in found.items():
        row(*name, *(spread(cells[:, place]) for place in range(4)))


def decided(exams: Sequence[Exam]) -> decisions.Found:
    """What strategies decide alike by estimates, for several estimators on the same anchors."""
    cells: dict[tuple[str, float], list[Reals]] = {}
    for exam in exams:
        full, seed = exam.world.full[exam.world.setting.known :], exam.world.seed
        for name, share in product(("weighted", "mp_irt", "gmp_irt"), decisions.SHARES):
            values = exam.estimates(SIZES.index(share), name)
            cells.setdefault((name, share), []).append(decisions.agreement(values, full, seed))
        others = decisions.dealt(full, seed)
        cells.setdefault(("", 0.0), []).append(decisions.agreement(others, full, seed))
    return {key: np.array(found) for key, found in cells.items()}


def noise(worlds: Sequence[World]) -> None:
    """What as many items, drawn at random, can tell by themselves."""
    for size in SIZES:
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
            axis.set_xticks(SIZES, [f"{size:.0%}" for size in SIZES])
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
    panels = {}
    for label in RACED[:2]:
        worlds = [simulate(seed, SETTINGS[label]) for seed in SEEDS]
        exams = [Exam.of(world) for world in worlds]
        print(f"\nItems drawn at random, {label}")
        noise(worlds)
        for k in POPULATIONS:
            panels[label, k] = measure(exams, k)
            table(label, k, panels[label, k])
    draw(panels)


if __name__ == "__main__":
    main()
