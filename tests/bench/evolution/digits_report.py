"""Tables and the plot of searches on digits."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from batch import IMAGES
from digits_runs import SETTINGS, STARTS
from summary import Reals, header, interval, row

Runs = Mapping[str, Any]
MAIN = next(iter(SETTINGS))


def found(runs: Runs, start: str, name: str) -> Runs:
    """Of one setting, by seed."""
    prefix = f"{start}/{name}/"
    named = {key.removeprefix(prefix): key for key in runs if key.startswith(prefix)}
    return {seed: runs[key] for seed, key in sorted(named.items())}


def curves(runs: Runs) -> Reals:
    """Shape (seeds, points, 3): evaluations, training and test accuracy in %."""
    return np.array([one["curve"] for one in runs.values()]) * (1, 100, 100)


def last(runs: Runs) -> tuple[Reals, Reals]:
    """Training and test accuracy at the end, in %, by seed."""
    _, train, test = curves(runs)[:, -1].T
    return train, test


def spread(values: Reals, sign: str = "") -> str:
    """Mean and, of several values, its 95% interval."""
    if len(values) < 2:
        return f"{values.mean():{sign}.1f}"
    told = interval(values)
    return f"{told.mean:{sign}.1f} ± {told.high - told.mean:.1f}"


def report(runs: Runs) -> None:
    """A table a start."""
    heads = (
        "search",
        "seeds",
        "test accuracy, %",
        "published",
        "against M2N2",
        "training, %",
        "evaluations/s",
    )
    for start, facts in STARTS.items():
        if not any(found(runs, start, name) for name in SETTINGS):
            continue
        print(f"\n{start}, {facts.evaluations:,} evaluations\n")
        header(*heads)
        for name in SETTINGS:
            if found(runs, start, name):
                row(*cells(runs, start, name))


def cells(runs: Runs, start: str, name: str) -> list[str]:
    """Of a table; the difference from M2N2 is that of searches from the same founders."""
    mine, main = found(runs, start, name), found(runs, start, MAIN)
    published = SETTINGS[name].published.get(start)
    train, test = last(mine)
    both = [seed for seed in mine if seed in main and name != MAIN]
    apart = ""
    if both:
        pair = [last({seed: some[seed] for seed in both})[1] for some in (mine, main)]
        apart = spread(pair[0] - pair[1], "+")
    speed = len(mine) * STARTS[start].evaluations / sum(one["seconds"] for one in mine.values())
    told = f"about {published:g}" if published else ""
    return [name, str(len(mine)), spread(test), told, apart, spread(train), f"{speed:.0f}"]


def draw(runs: Runs) -> None:
    """Test accuracy by evaluations: means, 95% intervals as bands, and what was published."""
    # Here, because only the plot needs it.
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "digits", "font.size": 9}
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, len(STARTS), figsize=(9, 4), layout="constrained", sharey=True
    )
    for axis, (start, facts) in zip(axes, STARTS.items(), strict=True):
        for place, (name, setting) in enumerate(SETTINGS.items()):
            if mine := found(runs, start, name):
                line(axis, curves(mine), name, f"C{place}")
                if told := setting.published.get(start):
                    axis.plot([facts.evaluations * 1.03], [told], f"C{place}<", markersize=4)
        axis.set(title=start, xlabel="evaluations")
        axis.legend(loc="lower right", fontsize=7)
    axes[0].set_ylabel("test accuracy, %")
    figure.savefig(IMAGES / "digits.svg", metadata={"Date": None})


def line(axis: Any, points: Reals, label: str, color: str) -> None:
    """Of one setting."""
    evaluations, test = points[0, :, 0], points[:, :, 2]
    mean = test.mean(axis=0)
    axis.plot(evaluations, mean, color, label=label, linewidth=1)
    if len(test) > 1:
        bands = [interval(column) for column in test.T]
        low, high = [one.low for one in bands], [min(one.high, 100) for one in bands]
        axis.fill_between(evaluations, low, high, color=color, alpha=0.12, linewidth=0)
