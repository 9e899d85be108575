"""Tables and the plot of searches on digits."""

from pathlib import Path
from typing import Any

import numpy as np
from digits_runs import SETTINGS, STARTS
from numpy.typing import NDArray
from scipy.stats import t as student

PLOT = Path(__file__).parents[3] / "docs" / "images" / "digits.svg"
Runs = dict[str, Any]


def curves(runs: Runs, start: str, name: str) -> NDArray[np.float64]:
    """Of one setting, shape (seeds, points, 3): evaluations, training and test accuracy in %."""
    prefix = f"{start}/{name}/"
    found = [one["curve"] for key, one in sorted(runs.items()) if key.startswith(prefix)]
    return np.array(found or np.empty((0, 0, 3))) * (1, 100, 100)


def interval(values: NDArray[np.float64]) -> float:
    """Half the width of the 95% interval of the mean, by Student's t."""
    if len(values) < 2:
        return float("nan")
    return float(student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))


def report(runs: Runs) -> None:
    """A table a start."""
    for start, facts in STARTS.items():
        print(f"\n{start}, {facts.evaluations:,} evaluations\n")
        print("| search | seeds | test accuracy, % | published | training, % | evaluations/s |")
        print("|---|---|---|---|---|---|")
        for name, setting in SETTINGS.items():
            found = curves(runs, start, name)
            if len(found):
                seconds = [
                    one["seconds"]
                    for key, one in runs.items()
                    if key.startswith(f"{start}/{name}/")
                ]
                _, train, test = found[:, -1].T
                cells = (
                    name,
                    len(found),
                    f"{test.mean():.1f} ± {interval(test):.1f}",
                    f"about {setting.published[start]:g}" if start in setting.published else "",
                    f"{train.mean():.1f} ± {interval(train):.1f}",
                    f"{facts.evaluations * len(seconds) / sum(seconds):.0f}",
                )
                print(f"| {' | '.join(map(str, cells))} |")


def draw(runs: Runs) -> None:
    """Test accuracy by evaluations: means, and 95% intervals as bands."""
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
            found = curves(runs, start, name)
            if not len(found):
                continue
            evaluations, test = found[0, :, 0], found[:, :, 2]
            mean = test.mean(axis=0)
            band = np.array([interval(column) for column in test.T])
            axis.plot(evaluations, mean, f"C{place}", label=name, linewidth=1)
            axis.fill_between(
                evaluations, mean - band, mean + band, color=f"C{place}", alpha=0.15, linewidth=0
            )
            if start in setting.published:
                axis.plot(
                    [facts.evaluations * 1.02], [setting.published[start]], f"C{place}<", ms=4
                )
        axis.set(title=start, xlabel="evaluations")
    axes[0].set_ylabel("test accuracy, %")
    axes[0].legend(fontsize=8)
    figure.savefig(PLOT, metadata={"Date": None})
