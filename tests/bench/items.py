"""Scores from few items on simulated models: which estimator, which anchors, how many items.

Items and abilities are drawn from a two-parameter logistic model in three dimensions. Of 100 models
all answers are known: 60 founders and 40 of their children. Items are fitted to 80 of them; the
other 20, all children, tell the mixing constant. Estimated are 100 new children of two of the 80.
Prints tables in Markdown, and draws docs/images/fewer-items.svg.
"""

import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy.special import expit
from scipy.stats import spearmanr

from speciate.evaluator.items import Indices, Reals
from speciate.evaluator.items.anchors import (
    Anchors,
    clustered_anchors,
    correctness_features,
    item_features,
    random_anchors,
)
from speciate.evaluator.items.estimators import (
    NAMES,
    estimate,
    measured_mixing,
    mixed,
)
from speciate.evaluator.items.irt import Fit
from speciate.evaluator.items.racing import item_order, stopping_time
from speciate.evaluator.items.tuning import tuned_fit
from speciate.population.randomness import Stream, stream

PLOT = Path(__file__).parents[2] / "docs" / "images" / "fewer-items.svg"
SEEDS = range(5)
ITEMS, NEW, TRUE_DIMENSIONS = 1000, 100, 3
SHARES = (0.02, 0.05, 0.1, 0.2, 0.5)
CHOICES = ("random", "item parameters", "answers")
ERRORS = (0.01, 0.05, 0.2)
POPULATION = 10
# Items that an engine is given at a time in a race.
BATCH = 25
# Anchors and estimators of the second table and of the plot.
SHOWN = (
    ("random", "weighted"),
    ("random", "p_irt"),
    ("random", "mp_irt"),
    ("random", "gmp_irt"),
    ("item parameters", "p_irt"),
    ("item parameters", "mp_irt"),
)


@dataclass(frozen=True)
class Setting:
    """What is simulated, and in how many dimensions it is fitted.

    Attributes:
        spread: Of abilities; a quarter is a population that has become alike.
        guess: Chance of a right answer without ability, of which the fitted model knows nothing.
        known: Models of which all answers are known: 60% founders, the rest their children.
        dimensions: Of the fit.
        novelty: How far children lie from the line between their parents, in standard deviations
            of founders.
    """

    spread: float = 1.0
    guess: float = 0.0
    known: int = 100
    dimensions: int = TRUE_DIMENSIONS
    novelty: float = 0.2

    @property
    def founders(self) -> int:
        """They come first."""
        return round(0.6 * self.known)

    @property
    def fitted(self) -> int:
        """Models that items are fitted to; the known ones after them tell the mixing constant."""
        return round(0.8 * self.known)

    @property
    def models(self) -> int:
        """All, the last 100 of them new."""
        return self.known + NEW


SETTINGS = {
    "wide": Setting(),
    "alike: a quarter of the spread": Setting(spread=0.25),
    "10 models known": Setting(known=10),
    "20 models known": Setting(known=20),
    "40 models known": Setting(known=40),
    "answers guessed right with 25%": Setting(guess=0.25),
    "children far from their parents": Setting(novelty=0.6),
    "fitted in 1 dimension": Setting(dimensions=1),
    "fitted in 6 dimensions": Setting(dimensions=6),
}
RACED = ("wide", "alike: a quarter of the spread", "10 models known")


@dataclass(frozen=True)
class World:
    """Simulated answers (models, 1000), the two parents of each child, and their mean scores."""

    seed: int
    setting: Setting
    answers: Reals
    parents: Indices
    full: Reals


def simulate(seed: int, setting: Setting) -> World:
    """One world: abilities half shared by all dimensions; each item mainly asks for one of them."""
    random = stream(seed, "bench", "items")

    def normal(*shape: int) -> Reals:
        return random.normal(shape).numpy().astype(np.float64)

    theta = np.sqrt(0.5) * (normal(setting.models, TRUE_DIMENSIONS) + normal(setting.models, 1))
    parents = np.zeros((setting.models, 2), dtype=np.int64)
    for child in range(setting.founders, setting.models):
        pool = setting.founders if child < setting.known else setting.fitted
        parents[child] = random.shuffle(range(pool))[:2]
        share = random.uniform(1)[0]
        middle = share * theta[parents[child, 0]] + (1 - share) * theta[parents[child, 1]]
        theta[child] = middle + setting.novelty * normal(TRUE_DIMENSIONS)
    alpha = 0.3 * np.abs(normal(ITEMS, TRUE_DIMENSIONS))
    alpha[np.arange(ITEMS), np.arange(ITEMS) % TRUE_DIMENSIONS] += np.exp(0.4 * normal(ITEMS))
    p = expit(setting.spread * theta @ alpha.T - 1.2 * normal(ITEMS))
    p = setting.guess + (1 - setting.guess) * p
    answers = (random.uniform(p.size).reshape(p.shape) < p).astype(np.float64)
    return World(seed, setting, answers, parents, answers.mean(axis=1))


def choose(world: World, known: Fit, choice: str, n: int) -> Anchors:
    """Anchors by one of `CHOICES`; they see the fitted models alone."""
    random: Stream = stream(world.seed, "anchors", choice, str(n))
    if choice == "random":
        return random_anchors(ITEMS, n, random)
    if choice == "item parameters":
        return clustered_anchors(item_features(known.items), n, random)
    fitted = world.answers[: world.setting.fitted]
    return clustered_anchors(correctness_features(fitted), n, random)


def estimates(world: World, known: Fit, anchors: Anchors) -> dict[str, Reals]:
    """Of the new models, by every estimator; mixing constants from the models kept for that."""

    def of(name: str, models: range) -> Reals:
        found = [
            estimate(
                name,
                known.items,
                anchors,
                world.answers[model, anchors.items],
                known.theta[world.parents[model]],
            )
            for model in models
        ]
        return np.array(found)

    fitted, end = world.setting.fitted, world.setting.known
    kept, new = range(fitted, end), range(end, world.setting.models)
    result = {name: of(name, new) for name in ("weighted", "p_irt", "mp_irt")}
    kept_weighted = of("weighted", kept)
    for name in ("p_irt", "mp_irt"):
        mixing = measured_mixing(kept_weighted, of(name, kept), world.full[fitted:end])
        result["g" + name] = mixed(result["weighted"], result[name], mixing)
    return result


def best(values: Reals, k: int) -> set[int]:
    """The k best models; of equals, the first."""
    return set(np.argsort(-values, kind="stable")[:k].tolist())


def quality(estimated: Reals, full: Reals) -> Reals:
    """Spearman correlation, shares of the top half and the top 10 kept, mean absolute error."""
    kept = [len(best(estimated, k) & best(full, k)) / k for k in (len(full) // 2, POPULATION)]
    error = float(np.abs(estimated - full).mean())
    return np.array([spearmanr(estimated, full).statistic, *kept, error])


def measure(
    setting: Setting, choices: tuple[str, ...], shares: tuple[float, ...]
) -> dict[tuple[str, float, str], Reals]:
    """Quality (seeds, 4) by anchors, share of items and estimator."""
    found: dict[tuple[str, float, str], list[Reals]] = {}
    for seed in SEEDS:
        world = simulate(seed, setting)
        known = tuned_fit(
            world.answers[: setting.fitted], setting.dimensions, stream(seed, "bench", "tuning")
        )
        for choice, share in product(choices, shares):
            anchors = choose(world, known, choice, round(share * ITEMS))
            for name, values in estimates(world, known, anchors).items():
                cell = quality(values, world.full[setting.known :])
                found.setdefault((choice, share, name), []).append(cell)
    return {key: np.array(cells) for key, cells in found.items()}


def race(world: World, error: float) -> Reals:
    """Share of items used, of good candidates dropped wrongly, and of the top 10 kept.

    New models come one after another. Each is compared with the tenth best of the known and of
    those before it that stayed, a batch of items at a time.
    """
    scores = world.full.copy()
    scores[world.setting.known :] = -1.0
    used, good, wrong = 0, 0, 0
    for model in range(world.setting.known, world.setting.models):
        limit = int(np.argsort(-scores, kind="stable")[POPULATION - 1])
        order = item_order(ITEMS, stream(world.seed, "race", str(model)))
        stop = stopping_time(world.answers[model, order], world.answers[limit, order], ITEMS, error)
        used += ITEMS if stop is None else -(-stop // BATCH) * BATCH
        good += world.full[model] >= world.full[limit]
        wrong += stop is not None and world.full[model] >= world.full[limit]
        scores[model] = -1.0 if stop is not None else world.full[model]
    kept = len(best(scores, POPULATION) & best(world.full, POPULATION)) / POPULATION
    return np.array([used / ITEMS / NEW, wrong / max(good, 1), kept])


def spread(values: Reals, digits: int = 3) -> str:
    """Mean and range over seeds."""
    return f"{values.mean():.{digits}f} [{values.min():.{digits}f}, {values.max():.{digits}f}]"


def row(*cells: str) -> None:
    """A line of a table."""
    print("| " + " | ".join(cells) + " |", flush=True)


def header(*cells: str) -> None:
    """Its first two lines."""
    print()
    row(*cells)
    row(*["---"] * len(cells))


def tables_of_shares(found: dict[tuple[str, float, str], Reals]) -> None:
    """A table for each measure of quality: anchors and estimators by shares of items."""
    for place, measured in enumerate(("Spearman", "top half kept", "top 10 kept", "mean error")):
        digits = 3 if place in (0, 3) else 2
        header(measured, "anchors", *(f"{share:.0%}" for share in SHARES))
        for name, choice in product(NAMES, CHOICES):
            cells = [found[choice, share, name][:, place] for share in SHARES]
            row(name, choice, *(spread(cell, digits) for cell in cells))


def table_of_settings(done: dict[str, dict[tuple[str, float, str], Reals]]) -> None:
    """Where it falls short, at a tenth of the items."""
    header("simulated", *(f"{name}, {choice}" for choice, name in SHOWN))
    for label, setting in SETTINGS.items():
        found = done.get(label) or measure(setting, CHOICES[:2], (0.1,))
        means = [found[choice, 0.1, name].mean(axis=0) for choice, name in SHOWN]
        row(label, *(f"{cell[0]:.3f} / {cell[1]:.2f} / {cell[2]:.2f}" for cell in means))


def table_of_races() -> None:
    """Items used and selections kept."""
    header("simulated", "error", "items used", "wrongly dropped", "top 10 kept")
    for label, error in product(RACED, ERRORS):
        worlds = [simulate(seed, SETTINGS[label]) for seed in SEEDS]
        found = np.array([race(world, error) for world in worlds])
        row(label, str(error), *(spread(found[:, i]) for i in range(3)))


def draw(panels: dict[str, dict[tuple[str, float, str], Reals]]) -> None:
    """Spearman by share of items; bars are ranges over seeds."""
    # Here, because only the plot needs it.
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "fewer-items", "font.size": 9}
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(panels), figsize=(9, 4), layout="constrained")
    for axis, (title, found) in zip(axes, panels.items(), strict=True):
        for place, (choice, name) in enumerate(SHOWN):
            cells = np.array([found[choice, share, name][:, 0] for share in SHARES])
            mean = cells.mean(axis=1)
            axis.errorbar(
                # Side by side, so that bars do not hide each other.
                np.array(SHARES) * 1.03 ** (place - 2.5),
                mean,
                yerr=[mean - cells.min(axis=1), cells.max(axis=1) - mean],
                label=f"{name}, {choice}",
                color=f"C{place}",
                linestyle="-" if choice == "random" else "--",
                marker="o",
                markersize=3,
                linewidth=1,
                elinewidth=0.6,
            )
        axis.axhline(0.95, color="grey", linewidth=0.6)
        axis.set(xscale="log", title=title, xlabel="share of items asked", ylabel="Spearman")
        axis.set_xticks(SHARES, [f"{share:.0%}" for share in SHARES])
        axis.minorticks_off()
    axes[-1].legend(fontsize=8)
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, metadata={"Date": None})


def main() -> None:
    """Measures, prints and draws."""
    done = {}
    for label in RACED[:2]:
        print(f"\nPopulation: {label}")
        done[label] = measure(SETTINGS[label], CHOICES, SHARES)
        tables_of_shares(done[label])
    print("\nA tenth of the items: Spearman / top half / top 10 kept, means of 5 seeds")
    table_of_settings(done)
    print("\nRaces against the tenth best")
    table_of_races()
    draw(done)
    print(f"\n{time.process_time():.0f} seconds of one core")


if __name__ == "__main__":
    main()
