"""Scores from few items on simulated models: which estimator, which anchors, how many items.

Items are fitted to 80 of the simulated models that are known; the other 20, all children, tell the
mixing constant. Estimated are the new models. Prints tables in Markdown, and draws
docs/images/fewer-items.svg. Then goes on with what campaigns do (`selections.py`).
"""

import time
from itertools import product
from pathlib import Path

import numpy as np
import selections
from evolution.summary import row
from scipy.stats import spearmanr
from simulated import (
    ITEMS,
    RACED,
    SEEDS,
    SETTINGS,
    Setting,
    World,
    best,
    header,
    simulate,
    spread,
)

from speciate.evaluator.items import Reals
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
from speciate.evaluator.items.tuning import tuned_fit
from speciate.population.randomness import Stream, stream

PLOT = Path(__file__).parents[2] / "docs" / "images" / "fewer-items.svg"
SHARES = (0.02, 0.05, 0.1, 0.2, 0.5)
CHOICES = ("random", "item parameters", "answers")
POPULATION = 10
# Anchors and estimators of the second table and of the plot.
SHOWN = (
    ("random", "weighted"),
    ("random", "p_irt"),
    ("random", "mp_irt"),
    ("random", "gmp_irt"),
    ("item parameters", "p_irt"),
    ("item parameters", "mp_irt"),
)


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
    draw(done)
    selections.main()
    print(f"\n{time.process_time():.0f} seconds of one core")


if __name__ == "__main__":
    main()
