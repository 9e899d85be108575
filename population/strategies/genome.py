"""GENOME: crossover, mutation and selection on whole models.

After Zhang et al., "Nature-Inspired Population-Based Evolution of Large Language Models" (2025),
without the defects of the published code; tests/population/strategies names each.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.randomness import Stream, stream
from speciate.population.selection import Ranked, elites, ranked, roulette, tournament
from speciate.population.strategies.breeder import Breeder, ids
from speciate.records import Individual, Proposal, Recipe, State


class Genome(Breeder):
    """Founding by pairs, then generations of crossover, mutation and tournament selection."""

    name = "genome"
    config: schema.Genome

    @property
    def steps(self) -> int:
        """See `Strategy.steps`."""
        return 1 + (self.config.founding != "founders") + self.config.generations

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        known = {one.id: one for one in founders}
        members = ids(self.ranked([one.id for one in founders if one.id in self.models], known))
        memory = {
            "phase": "breed" if self.config.founding == "founders" else "found",
            "generation": 0,
            "best": members[0],
            "worst": members[-1],
        }
        return State(step=1, members=members, references=members, memory=memory)

    def ask(self, state: State, known: Known) -> tuple[Proposal, ...] | None:
        """See `Strategy.ask`."""
        if state.memory["generation"] >= self.config.generations:
            return None
        if state.memory["phase"] == "found":
            return self._numbered(state, self._firsts(state), "founding")
        children = self._numbered(state, self._children(state, known), "crossover")
        parents = [*state.members, *(child.recipe.id for child in children)]
        later = replace(state, asked=state.asked + len(children))
        mutants = self._numbered(later, self._mutants(later, parents), "mutation")
        return children + mutants

    def due(self, state: State) -> int:
        """See `Strategy.due`: a generation is told as one."""
        return len(state.pending)

    def tell(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """See `Strategy.tell`."""
        state = self._seen(state, born, known)
        if state.memory["phase"] == "found":
            alive = self.ranked([one.id for one in born], known)
            # Where pairs failed, founders themselves fill their places.
            spare = self.ranked(self.models, known)
            pool = (alive + spare)[: max(self.config.population, 2)] if len(alive) < 2 else alive
            return self._next(state, ranked(pool), phase="breed")
        pool = self.ranked([*state.members, *(one.id for one in born)], known)
        survivors = self.select(state, pool)
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
        groups = self.groups(draws)
        return [self.mixed(state.asked + index, one, draws) for index, one in enumerate(groups)]

    def _children(self, state: State, known: Known) -> list[Recipe]:
        """Up to N/2 offspring of two distinct parents, both drawn in proportion to fitness."""
        draws = self.stream(state, "crossover")
        members = self.ranked(state.members, known)
        children: list[Recipe] = []
        for _ in range(len(members) // 2):
            if draws.uniform(1)[0] < self.config.crossover_rate:
                pair = ids(roulette(members, 2, draws))
                weights = [known[name].fitness for name in pair]
                children.append(self.crossed(state.asked + len(children), pair, weights, draws))
        return children

    def _mutants(self, state: State, parents: Sequence[str]) -> list[Recipe]:
        """A noisy copy of some of the members and of this step's children."""
        draws = self.stream(state, "mutation").uniform(len(parents))
        chosen = [
            parent
            for parent, draw in zip(parents, draws, strict=True)
            if draw < self.config.mutation_rate
        ]
        return [self.mutant(state.asked + index, parent) for index, parent in enumerate(chosen)]

    def _numbered(
        self, state: State, recipes: Sequence[Recipe], reason: str
    ) -> tuple[Proposal, ...]:
        return tuple(
            Proposal(state.asked + index, recipe, self.name, reason)
            for index, recipe in enumerate(recipes)
        )

    def _seen(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """Counts the step, and remembers the best and the worst ever seen."""
        seen = {state.memory["best"], state.memory["worst"]}
        order = ids(self.ranked(sorted(seen | {one.id for one in born}), known))
        memory = dict(state.memory) | {"best": order[0], "worst": order[-1]}
        return replace(state, step=state.step + 1, memory=memory)

    def _next(self, state: State, members: Sequence[Ranked], **memory: Any) -> State:  # noqa: ANN401
        merged = dict(state.memory) | memory
        return replace(state, members=ids(members), references=(), memory=merged)
