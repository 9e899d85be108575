"""What strategies decide by default, from few items and from all: what share of it is the same.

Populations are drawn from the new simulated models, and everybody's fitness, whether member or
child, is an estimate. The strategies' own rules decide, with their default settings.

- Tournaments: the same contestants meet by estimates and by full scores. Those "late" are the
  members of a `steady_state` that has taken in half of the new models or more.
- Survivors: the members and children of a generation of `genome`, whose tournaments are drawn by
  place. So two things can be said: how many survive by both with the same random numbers ("same
  draws"), and how much of the chances to survive lies with the same individuals ("chances").
- Elite: as many of the same generation, by rank alone.
- Entries: new models come one after another to `steady_state`, whose members are those of full
  scores; it is decided whether the child enters.

"By chance" is with the estimates of other models.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from evolution.summary import row
from scipy.stats import spearmanr
from simulated import NEW, header, spread

from speciate.configs import schema
from speciate.evaluator.items import Reals
from speciate.population.randomness import Stream, stream
from speciate.population.selection import Ranked, elites, tournament
from speciate.population.strategies import Genome, SteadyState
from speciate.population.strategies.breeder import ids
from speciate.records import FOUNDER, Evaluation, Individual, Recipe, State

PLOT = Path(__file__).parents[2] / "docs" / "images" / "decisions.svg"
SHARES = (0.02, 0.05, 0.1, 0.2, 0.5)
MEASURED = (
    "Spearman",
    "tournaments",
    "tournaments, late",
    "survivors, same draws",
    "survivors, chances",
    "elite",
    "entries",
)
TRIALS, GENERATIONS, DRAWS, ORDERS = 500, 50, 2000, 5
GENOME = Genome(schema.Genome(type="genome"), 0, None, ())
STEADY = SteadyState(schema.SteadyState(type="steady_state"), 0, None, ())
RECIPES = [Recipe(FOUNDER, (), {"name": str(model)}, 0) for model in range(NEW)]


def agreement(estimated: Reals, full: Reals, seed: int) -> Reals:
    """All of `MEASURED`, of estimates and full scores of the new models of a world."""
    found = [float(spearmanr(estimated, full).statistic), _tournaments(estimated, full, seed)]
    late, entries = _steady(estimated, full, seed)
    return np.array([*found, late, *_generations(estimated, full, seed), entries])


def dealt(estimated: Reals, seed: int) -> Reals:
    """The estimates of others."""
    return estimated[_draws(seed, "dealt").shuffle(range(len(estimated)))]


def _draws(seed: int, *names: str) -> Stream:
    return stream(seed, "bench", "decisions", *names)


def _pool(values: Reals, models: Sequence[int]) -> list[Ranked]:
    return [(RECIPES[model].id, float(values[model])) for model in models]


def _same_winner(estimated: Reals, full: Reals, contestants: Sequence[int]) -> bool:
    """Whether they would end alike; who meets is drawn already, so that no number is needed."""
    size = STEADY.config.tournament
    ours, theirs = (
        tournament(_pool(values, contestants), 1, size, stream(0)) for values in (estimated, full)
    )
    return ids(ours) == ids(theirs)


def _tournaments(estimated: Reals, full: Reals, seed: int) -> float:
    """Among any; a population drawn at random first would make no difference."""
    draws = _draws(seed, "tournaments")
    trials = [draws.shuffle(range(len(full)))[: STEADY.config.tournament] for _ in range(TRIALS)]
    return float(np.mean([_same_winner(estimated, full, trial) for trial in trials]))


def _generations(estimated: Reals, full: Reals, seed: int) -> Reals:
    """Shares of the survivors by the same draws, of their chances, and of the elite."""
    config, found = GENOME.config, []
    children = round(config.crossover_rate * (config.population // 2))
    mutants = round(config.mutation_rate * (config.population + children))
    draws = _draws(seed, "generations")
    chances = _chances(config.population + children + mutants)
    for step in range(GENERATIONS):
        models = draws.shuffle(range(len(full)))[: len(chances)]
        ours, theirs = (elites(_pool(values, models), len(models)) for values in (estimated, full))
        alive = [ids(GENOME.select(State(step=step), pool)) for pool in (ours, theirs)]
        elite = [ids(elites(pool, config.population)) for pool in (ours, theirs)]
        places = {name: place for place, name in enumerate(ids(ours))}
        paired = zip(ids(theirs), chances, strict=True)
        both = [min(chances[places[name]], chance) for name, chance in paired]
        same = [len({*a} & {*b}) for a, b in (alive, elite)]
        found.append([same[0], sum(both), same[1]])
    return np.mean(found, axis=0) / config.population


@cache
def _chances(size: int) -> Sequence[float]:
    """To survive in `genome`, by place in a pool of this size."""
    pool = [(f"{place:03}", 1 - place / size) for place in range(size)]
    alive = [name for n in range(DRAWS) for name in ids(GENOME.select(State(step=n), pool))]
    return [alive.count(name) / DRAWS for name in ids(pool)]


def _steady(estimated: Reals, full: Reals, seed: int) -> tuple[float, float]:
    """Shares of late tournaments and of entries."""
    ours, theirs = _individuals(estimated), _individuals(full)
    number = {recipe.id: model for model, recipe in enumerate(RECIPES)}
    late, entries = [], []
    for order in range(ORDERS):
        draws = _draws(seed, "order", str(order))
        coming = draws.shuffle(list(theirs))
        for place, members, child in _course(coming, theirs):
            by_us, by_them = (_enters(members, child, known) for known in (ours, theirs))
            entries.append(by_us == by_them)
            if place >= len(coming) // 2:
                contestants = draws.shuffle(members)[: STEADY.config.tournament]
                late.append(_same_winner(estimated, full, [number[one] for one in contestants]))
    return float(np.mean(late)), float(np.mean(entries))


def _individuals(values: Reals) -> dict[str, Individual]:
    return {
        recipe.id: Individual(recipe, recipe.id, 0, "", evaluation=Evaluation(float(value), {}, ""))
        for recipe, value in zip(RECIPES, values, strict=True)
    }


def _course(
    coming: Sequence[str], known: Mapping[str, Individual]
) -> Iterator[tuple[int, tuple[str, ...], str]]:
    """Place, members and child, once the population is full."""
    size = STEADY.config.population
    state = State(members=tuple(coming[:size]))
    for place, child in enumerate(coming[size:], size):
        yield place, state.members, child
        state = STEADY.entered(state, known[child], known)


def _enters(members: tuple[str, ...], child: str, known: Mapping[str, Individual]) -> bool:
    return child in STEADY.entered(State(members=members), known[child], known).members


Found = Mapping[tuple[str, float], Reals]
"""Agreement of shape (seeds, measures) by estimator and share of items; chance has a share of 0."""


def table(label: str, found: Found) -> None:
    """A row for each decision and estimator."""
    print(f"\nPopulation: {label}; what is the same by estimates")
    header("what", "estimator", "by chance", *(f"{share:.0%}" for share in SHARES))
    names = list(dict.fromkeys(name for name, share in found if share))
    for (place, what), name in product(enumerate(MEASURED), names):
        cells = [found["", 0.0][:, place], *(found[name, share][:, place] for share in SHARES)]
        row(what, name, *(spread(cell) for cell in cells))


def draw(panels: Mapping[str, Found], estimator: str) -> None:
    """What is the same by share of items."""
    # Here, because only the plot needs it.
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "decisions", "font.size": 9}
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(9, 4), layout="constrained", sharey=True
    )
    for axis, (label, found) in zip(axes, panels.items(), strict=True):
        for place, what in enumerate(MEASURED):
            means = [found[estimator, share][:, place].mean() for share in SHARES]
            style = "k--" if what == "Spearman" else f"C{place}-"
            axis.plot(SHARES, means, style, label=what, marker="o", markersize=3, lw=1)
        for aim in (0.9, 0.95):
            axis.axhline(aim, color="grey", linewidth=0.6)
        axis.axvline(0.1, color="grey", linewidth=0.6)
        axis.set(xscale="log", title=label.split(":")[0], xlabel="share of items asked")
        axis.set_xticks(SHARES, [f"{share:.0%}" for share in SHARES])
        axis.minorticks_off()
    axes[0].set_ylabel(f"the same by {estimator}")
    axes[0].legend(fontsize=8, loc="lower right")
    figure.savefig(PLOT, metadata={"Date": None})
