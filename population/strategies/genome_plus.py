"""GENOME+: GENOME with selection by roulette, and succession: survivors learn from the best.

Succession is a step of a particle swarm in the space of weights (evolution of "Nature-Inspired
Population-Based Evolution of Large Language Models", 2025). Each move is a new individual with a
recipe of its own, so that fitness is always measured on the weights that have it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.selection import Ranked, ranked, roulette
from speciate.population.strategies.breeder import ids
from speciate.population.strategies.genome import Genome
from speciate.records import Individual, Parent, Proposal, Recipe, State


class GenomePlus(Genome):
    """Each generation is two steps: breed and select, then move.

    The memory holds a trail for each member that has moved: its own best position, the position it
    last came from, and the length (lambda) of that move.
    """

    name = "genome_plus"
    config: schema.GenomePlus

    def start(self, founders: Sequence[Individual]) -> State:
        """See `Strategy.start`."""
        state = super().start(founders)
        return replace(state, memory=dict(state.memory) | {"step": self.config.step, "trails": {}})

    @property
    def steps(self) -> int:
        """See `Strategy.steps`."""
        return super().steps + self.config.generations * self.config.succession

    def ask(self, state: State, known: Known) -> tuple[Proposal, ...] | None:
        """See `Strategy.ask`."""
        if state.memory["phase"] != "move":
            return super().ask(state, known)
        moves = [self._move(state, index, name) for index, name in enumerate(state.members)]
        return self._numbered(state, moves, "succession")

    def tell(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """See `Strategy.tell`."""
        if state.memory["phase"] == "move":
            return self._moved(state, born, known)
        bred = super().tell(state, born, known)
        if state.memory["phase"] == "found" or not self.config.succession:
            return bred
        trails = {name: trail for name, trail in _trails(bred).items() if name in bred.members}
        generation = state.memory["generation"]
        return self._with_references(bred, phase="move", trails=trails, generation=generation)

    def select(self, state: State, pool: Sequence[Ranked]) -> list[Ranked]:
        """The elite, and for the rest of the places draws in proportion to fitness."""
        kept, rest, places = self._split_elite(pool)
        return ranked(kept + roulette(rest, places, self.stream(state, "selection")))

    def _move(self, state: State, index: int, name: str) -> Recipe:
        draws = self.stream(state, "succession", name)
        pulls = draws.uniform(4).tolist()
        trail = _trails(state).get(name)
        others = [other for other in state.members if other != name] or [name]
        # A first velocity points from the individual to another one at random.
        came_from, went_to, length = (
            (trail["from"], name, trail["step"])
            if trail
            else (name, others[draws.integer(len(others))], 1.0)
        )
        config = self.config
        parameters = {
            "inertia": pulls[0] * config.inertia,
            "cognitive": pulls[1] * config.cognitive,
            "social": pulls[2] * config.social,
            "repulsion": pulls[3] * config.repulsion,
            "step": state.memory["step"],
            "inertia_step": length,
        }
        parents = (
            Parent(name, "current"),
            Parent(trail["best"] if trail else name, "personal_best"),
            Parent(state.memory["best"], "best"),
            Parent(state.memory["worst"], "worst"),
            Parent(came_from, "inertia_from"),
            Parent(went_to, "inertia_to"),
        )
        key = self.key(state.asked + index)
        if self.config.of_adapters:
            return moved_adapter(parents, parameters, key)
        return Recipe("succession", parents, parameters, key)

    def _moved(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """Those that moved stand where they went; those whose move failed stay."""
        after = self._seen(state, born, known)
        trails: dict[str, Any] = {}
        members = []
        for old, new in zip(state.members, born, strict=True):
            before = _trails(state).get(old)
            if new.evaluation is None:
                members.append(old)
                trails |= {old: before} if before else {}
                continue
            own = [before["best"] if before else old, new.id]
            best = self.ranked(own, known)[0][0]
            trails[new.id] = {"best": best, "from": old, "step": state.memory["step"]}
            members.append(new.id)
        moved = replace(after, members=ids(self.ranked(members, known)))
        return self._with_references(
            moved,
            phase="breed",
            generation=state.memory["generation"] + 1,
            step=state.memory["step"] * self.config.step_decay,
            trails=trails,
        )

    def _with_references(self, state: State, **memory: Any) -> State:  # noqa: ANN401
        """The state with its memory changed, naming all whose weights a move may need."""
        merged = dict(state.memory) | memory
        trails: Mapping[str, Any] = merged["trails"]
        needed = {merged["best"], merged["worst"]}
        needed |= {trail[key] for trail in trails.values() for key in ("best", "from")}
        return replace(state, memory=merged, references=tuple(sorted(needed - set(state.members))))


def moved_adapter(parents: Sequence[Parent], parameters: Mapping[str, float], seed: int) -> Recipe:
    """Succession of adapters: a move is a weighted sum of updates, cut back to the rank.

    Args:
        parents: By the roles of the operator `succession`.
        parameters: Of that operator.
        seed: Of the recipe.
    """
    pulls = (
        ("inertia_to", "inertia_from", parameters["inertia"] / parameters["inertia_step"]),
        ("personal_best", "current", parameters["cognitive"]),
        ("best", "current", parameters["social"]),
        ("worst", "current", -parameters["repulsion"]),
    )
    strength = sum(parameters[name] for name in ("inertia", "cognitive", "social", "repulsion"))
    factor = parameters["step"] / strength if strength else 0.0
    names = {parent.role: parent.id for parent in parents}
    weights = {names["current"]: 1.0}
    for end, start, pull in pulls:
        for role, sign in ((end, 1), (start, -1)):
            weights[names[role]] = weights.get(names[role], 0.0) + sign * pull * factor
    merged = {"weights": list(weights.values()), "normalize": False}
    return Recipe("lora_svd", tuple(Parent(name, "adapter") for name in weights), merged, seed)


def _trails(state: State) -> Mapping[str, Any]:
    trails: Mapping[str, Any] = state.memory["trails"]
    return trails
