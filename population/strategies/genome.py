"""GENOME: crossover, mutation and selection on whole models.

After Zhang et al., "Nature-Inspired Population-Based Evolution of Large Language Models" (2025),
without the defects of the published code; tests/population/strategies names each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from speciate.configs import schema
from speciate.population.crossover import cross
from speciate.population.randomness import Stream, stream
from speciate.population.selection import Ranked, elites, ranked, roulette, tournament
from speciate.records import Individual, Parent, Proposal, Recipe, State, derive_seed

Known = Mapping[str, Individual]


class Genome:
    """Founding by pairs, then generations of crossover, mutation and tournament selection."""

    name = "genome"

    def __init__(
        self, config: schema.Genome, seed: int, base: str | None, models: Sequence[str]
    ) -> None:
        """Takes the ids of the founders; `base` is not bred from except as origin."""
        self.config = config
        self.seed = seed
        self.base = base
        self.models = tuple(models)

    @property
    def steps(self) -> int:
        """See `Strategy.steps`."""
        return 1 + (self.config.founding != "founders") + self.config.generations

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        pool = [(one.id, one.fitness) for one in founders if one.id in self.models]
        order = ranked(pool)
        memory = {
            "phase": "breed" if self.config.founding == "founders" else "found",
            "generation": 0,
            "best": order[0][0],
            "worst": order[-1][0],
        }
        members = tuple(name for name, _ in order)
        return State(step=1, members=members, references=members, memory=memory)

    def ask(self, state: State, known: Known) -> tuple[Proposal, ...] | None:
        """See `Strategy.ask`."""
        if state.memory["generation"] >= self.config.generations:
            return None
        if state.memory["phase"] == "found":
            return self._numbered(state, self._firsts(state), "founding")
        members = fitness_of(state.members, known)
        children = self._numbered(state, self._children(state, members), "crossover")
        parents = [*state.members, *(child.recipe.id for child in children)]
        later = replace(state, asked=state.asked + len(children))
        mutants = self._numbered(later, self._mutants(later, parents), "mutation")
        return children + mutants

    def tell(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """See `Strategy.tell`."""
        state = self._seen(state, born, known)
        alive = [(one.id, one.fitness) for one in born if one.evaluation]
        if state.memory["phase"] == "found":
            # Where pairs failed, founders themselves fill their places.
            spare = ranked(fitness_of(self.models, known))
            pool = (alive + spare)[: max(self.config.population, 2)] if len(alive) < 2 else alive
            return self._next(state, ranked(pool), phase="breed")
        survivors = self.select(state, fitness_of(state.members, known) + alive)
        return self._next(state, survivors, generation=state.memory["generation"] + 1)

    def select(self, state: State, pool: Sequence[Ranked]) -> list[Ranked]:
        """The elite, and for the rest of the places the winners of tournaments."""
        kept, rest, places = self._split_elite(pool)
        draws = self.stream(state, "selection")
        return ranked(kept + tournament(rest, places, self.config.tournament, draws))

    def _split_elite(self, pool: Sequence[Ranked]) -> tuple[list[Ranked], list[Ranked], int]:
        """The elite, the others, and how many places are left for them."""
        size = self.config.population
        kept = elites(pool, round(self.config.elite * size))
        return kept, [entry for entry in pool if entry not in kept], size - len(kept)

    def stream(self, state: State, *names: str) -> Stream:
        """Random numbers of this step for one purpose."""
        return stream(self.seed, self.name, str(state.step), *names)

    def _firsts(self, state: State) -> list[Recipe]:
        """Up to N merges of founders at random weights: of all of them, or of N shuffled pairs."""
        draws = self.stream(state, "founding")
        size = self.config.population
        groups: Sequence[tuple[str, ...]] = [self.models] * size
        if self.config.founding == "pairs":
            groups = draws.shuffle(list(combinations(self.models, 2)))[:size]
        return [
            self._cross(state, index, group, draws.uniform(len(group)).tolist(), draws)
            for index, group in enumerate(groups)
        ]

    def _children(self, state: State, members: Sequence[Ranked]) -> list[Recipe]:
        """Up to N/2 offspring of two distinct parents, both drawn in proportion to fitness."""
        draws = self.stream(state, "crossover")
        children: list[Recipe] = []
        for _ in range(len(members) // 2):
            if draws.uniform(1)[0] < self.config.crossover_rate:
                pair = roulette(members, 2, draws)
                names, weights = zip(*pair, strict=True)
                children.append(self._cross(state, len(children), names, weights, draws))
        return children

    def _mutants(self, state: State, parents: Sequence[str]) -> list[Recipe]:
        """A noisy copy of some of the members and of this step's children."""
        draws = self.stream(state, "mutation").uniform(len(parents))
        chosen = [
            parent
            for parent, draw in zip(parents, draws, strict=True)
            if draw < self.config.mutation_rate
        ]
        parameters = {"sigma": self.config.sigma, "density": self.config.gene_rate}
        return [
            Recipe("gaussian", (Parent(parent, "parent"),), parameters, self.key(state, index))
            for index, parent in enumerate(chosen)
        ]

    def _cross(
        self,
        state: State,
        index: int,
        names: Sequence[str],
        weights: Sequence[float],
        draws: Stream,
    ) -> Recipe:
        key = self.key(state, index)
        return cross(self.config.crossover, names, weights, self.base, draws, key)

    def key(self, state: State, index: int) -> int:
        """Seed of the recipe of the step's proposal at `index`."""
        return derive_seed(self.seed, self.name, "proposal", str(state.asked + index))

    def _numbered(
        self, state: State, recipes: Sequence[Recipe], reason: str
    ) -> tuple[Proposal, ...]:
        return tuple(
            Proposal(state.asked + index, recipe, self.name, reason)
            for index, recipe in enumerate(recipes)
        )

    def _seen(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """Counts the proposals, and remembers the best and the worst ever seen."""
        seen = {state.memory["best"], state.memory["worst"]}
        pool = fitness_of(sorted(seen | {one.id for one in born}), known)
        order = ranked(pool)
        memory = dict(state.memory) | {"best": order[0][0], "worst": order[-1][0]}
        return replace(state, step=state.step + 1, asked=state.asked + len(born), memory=memory)

    def _next(self, state: State, members: Sequence[Ranked], **memory: Any) -> State:  # noqa: ANN401
        names = tuple(name for name, _ in members)
        return replace(state, members=names, references=(), memory=dict(state.memory) | memory)


def fitness_of(names: Sequence[str], known: Known) -> list[Ranked]:
    """(id, fitness) of those that did not fail."""
    return [(name, known[name].fitness) for name in names if known[name].evaluation]
