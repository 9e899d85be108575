"""What strategies are made of: founding, children, mutants, and who stands before whom.

Random numbers are keyed by the number of a proposal or by the step, never carried along.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import combinations

from speciate.configs import schema
from speciate.population.crossover import cross
from speciate.population.goals import Goals, Known
from speciate.population.randomness import Stream, stream
from speciate.population.selection import Ranked
from speciate.records import Individual, Parent, Proposal, Recipe, State, derive_seed


class Searcher:
    """What all strategies have: who they may use, and who stands before whom."""

    name: str

    def __init__(
        self,
        config: schema.Search,
        seed: int,
        base: str | None,
        models: Sequence[str],
        goals: Goals | None = None,
    ) -> None:
        """Takes the ids of the founders; `base` is not bred from except as origin."""
        self.config = config
        self.seed = seed
        self.base = base
        self.models = tuple(models)
        self.goals = goals or Goals()
        self.objectives: tuple[str, ...] = getattr(config, "objectives", ())

    def start(self, founders: Sequence[Individual]) -> State:
        """The best founders are the first members."""
        known = {one.id: one for one in founders}
        members = self.ranked([one.id for one in founders if one.id in self.models], known)
        return State(step=1, members=ids(members)[: self.config.population])

    def ranked(self, names: Iterable[str], known: Known) -> list[Ranked]:
        """Those that did not fail, best first; see `Goals.ranked`."""
        return self.goals.ranked(names, known, self.objectives)

    def survivors(self, members: Sequence[str], one: Individual, known: Known) -> tuple[str, ...]:
        """The N best of members and a child; weights that live already do not come in again."""
        if not distinct([one], members, known):
            return tuple(members)
        pool = self.ranked([*members, one.id], known)[: self.config.population]
        return ids(self.ranked(ids(pool), known))

    def crossed(
        self, number: int, parents: Sequence[str], weights: Sequence[float], draws: Stream
    ) -> Recipe:
        """Crossover."""
        key = self.key(number)
        return cross(self.config.crossover, parents, weights, self.base, draws, key)

    def key(self, number: int) -> int:
        """Seed of the recipe of a proposal."""
        return derive_seed(self.seed, self.name, "proposal", str(number))


class Breeder(Searcher):
    """Makes proposals by crossover and mutation, as a strategy's section says."""

    config: schema.Offspring

    def bred(self, number: int, parents: Callable[[Stream], Sequence[str]]) -> Proposal:
        """A merge of the founding, then offspring of those whom `parents` draws."""
        draws = stream(self.seed, self.name, "proposal", str(number))
        if number < len(self._founding):
            recipe, reason = self.mixed(number, self._founding[number], draws), "founding"
        else:
            recipe, reason = self._offspring(number, parents(draws), draws)
        return Proposal(number, recipe, self.name, reason)

    def _offspring(self, number: int, parents: Sequence[str], draws: Stream) -> tuple[Recipe, str]:
        if len(parents) > 1 and draws.uniform(1)[0] < self.config.crossover_rate:
            return self.mixed(number, parents, draws), "crossover"
        return self.mutant(number, parents[0]), "mutation"

    @cached_property
    def _founding(self) -> Sequence[tuple[str, ...]]:
        return self.groups(stream(self.seed, self.name, "founding"))

    def groups(self, draws: Stream) -> Sequence[tuple[str, ...]]:
        """Whom each merge of the founding is made of: all founders, or shuffled pairs of them."""
        size = self.config.population
        if self.config.founding == "pairs":
            return draws.shuffle(list(combinations(self.models, 2)))[:size]
        return [self.models] * size if self.config.founding == "all" else []

    def mixed(self, number: int, parents: Sequence[str], draws: Stream) -> Recipe:
        """Crossover at random weights."""
        return self.crossed(number, parents, draws.uniform(len(parents)).tolist(), draws)

    def mutant(self, number: int, parent: str) -> Recipe:
        """A noisy copy."""
        parameters = {"sigma": self.config.sigma, "density": self.config.gene_rate}
        operator, role = "gaussian", "parent"
        if self.config.of_adapters:
            operator, role = "lora_gaussian", "adapter"
        return Recipe(operator, (Parent(parent, role),), parameters, self.key(number))


def ids(entries: Sequence[Ranked]) -> tuple[str, ...]:
    """Without their worth."""
    return tuple(name for name, _ in entries)


def distinct(born: Sequence[Individual], living: Iterable[str], known: Known) -> list[Individual]:
    """Those of `born` that did not fail and whose weights nobody living has, each weights once."""
    digests = {known[name].digest for name in living}
    found = []
    for one in born:
        if one.evaluation and one.digest not in digests:
            digests.add(one.digest)
            found.append(one)
    return found
