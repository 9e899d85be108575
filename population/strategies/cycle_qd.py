"""CycleQD: the tasks take turns at being the quality, and the others are the behaviour.

After Kuroki et al., "Agent Skill Acquisition for Large Language Models via CycleQD" (2024). The
published code mutates along the task vector of an expert; here it is the individual's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.niches import cell, edges, scored
from speciate.population.randomness import stream
from speciate.population.selection import Ranked, roulette, sound
from speciate.population.strategies.breeder import distinct, ids
from speciate.population.strategies.window import Window
from speciate.records import Individual, Parent, Proposal, Recipe, State

Cells = Mapping[str, str]


class CycleQd(Window):
    """The memory holds an archive a task: from cells of the other tasks' scores to ids."""

    name = "cycle_qd"
    config: schema.CycleQd

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        known = {one.id: one for one in founders}
        models = [known[name] for name in self.models]
        tasks = self.config.qualities
        memory = {"edges": edges(models, tasks), "archives": {task: {} for task in tasks}}
        state = State(step=1, memory=memory)
        for one in models:
            state = self.entered(state, one, known)
        return state

    def propose(self, state: State, members: Sequence[Ranked], known: Known) -> Proposal:
        """See `Window.propose`."""
        number, tasks = state.asked, self.config.qualities
        draws = stream(self.seed, self.name, "proposal", str(number))
        task = tasks[number % len(tasks)]
        archive = state.memory["archives"][task]
        chosen = ids(roulette(self.appeal(archive, known), 2, draws))
        if len(chosen) > 1 and draws.uniform(1)[0] >= self.config.mutation_rate:
            noise = draws.normal((len(chosen),)).double() * self.config.spread
            weights = [max(0.0, 1.0 + each) for each in noise.tolist()]
            recipe, reason = self.crossed(number, chosen, weights, draws), "crossover"
        else:
            recipe, reason = self._mutant(number, chosen[0]), "mutation"
        return Proposal(number, recipe, self.name, f"{reason} for {task}")

    def appeal(self, archive: Cells, known: Known) -> list[Ranked]:
        """How likely elites are to be parents: a product of all scores, each from 0.5 to 1.3.

        Whoever breaks a constraint only is one if all do.
        """
        pool = self.goals.ranked(sorted(archive.values()), known)
        names = ids(sound(pool))
        product = np.ones(len(names))
        for task in self.config.qualities:
            values = np.array([self._turned(known[name], task) for name in names])
            spread = values.max() - values.min()
            product *= 0.5 + 0.8 * (values - values.min()) / (spread or 1.0)
        return list(zip(names, product.tolist(), strict=True))

    def _turned(self, one: Individual, task: str) -> float:
        """The score, turned so that higher is better."""
        return scored(one, task) * (1 if self.goals.higher_is_better.get(task, True) else -1)

    def _mutant(self, number: int, parent: str) -> Recipe:
        config, key = self.config, self.key(number)
        if config.of_adapters:
            noise: dict[str, Any] = {"sigma": config.sigma, "density": config.gene_rate}
            return Recipe("lora_gaussian", (Parent(parent, "adapter"),), noise, key)
        roles = (Parent(str(self.base), "base"), Parent(parent, "parent"))
        growth = {"rate": config.rate, "embeddings": False}
        return Recipe("svd_mutation", roles, growth, key)

    def entered(self, state: State, one: Individual, known: Known) -> State:
        """See `Window.entered`: a child enters every archive where its cell is empty or worse."""
        if not distinct([one], state.members, known):
            return state
        archives: dict[str, Cells] = dict(state.memory["archives"])
        for task, archive in archives.items():
            others = [other for other in self.config.qualities if other != task]
            niche = cell(one, others, state.memory["edges"], self.config.bins)
            if self._takes(one, archive.get(niche), task, known):
                archives[task] = {**archive, niche: one.id}
        living = {name for archive in archives.values() for name in archive.values()}
        members = ids(self.ranked(sorted(living), known))
        return replace(state, members=members, memory={**state.memory, "archives": archives})

    def _takes(self, one: Individual, holder: str | None, task: str, known: Known) -> bool:
        if holder is None:
            return True
        old, excess = known[holder], self.goals.excess(one, known)
        before = self.goals.excess(old, known)
        return (-excess, self._turned(one, task)) > (-before, self._turned(old, task))
