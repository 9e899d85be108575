"""What is learned from the results of a step."""

from collections.abc import Sequence

from speciate.agents import bandit, calibration
from speciate.configs.agents import Agents
from speciate.counsel import Known
from speciate.counsel.prompts import judged
from speciate.counsel.remember import recalled, remembering
from speciate.counsel.sources import fitness_of_parents
from speciate.records import Individual, State

MOST_UNREAD = 2
"""Children a step that the critic is asked about."""


def learned(config: Agents, state: State, born: Sequence[Individual], known: Known) -> State:
    """The state in which all who had a slot were given their due, in the order of the proposals.

    Args:
        config: The section of agents.
        state: As the strategy made it, told of `born`.
        born: In the order in which they were proposed.
        known: Everyone ever evaluated, `born` included.
    """
    slots, memory = dict(recalled(state, "slots")), recalled(state, "bandit")
    foretold, outcomes = recalled(state, "calibration"), list[tuple[str, float | None]]()
    # Of those who lived before: who is born may not be its own measure.
    newborn = {one.id for one in born}
    living = [known[name].fitness for name in state.members if name not in newborn]
    for one in born:
        parents = fitness_of_parents(one, known)
        fitness = one.evaluation.fitness if one.evaluation else None
        if one.id in slots:
            arm, cost = slots.pop(one.id)
            gained = bandit.gain(fitness, parents, living)
            memory = bandit.told(config.choice, memory, arm, gained, cost)
            outcomes += [(one.origin.genome, gained)] if one.origin else []
        if one.origin and one.origin.prediction is not None and fitness is not None:
            best = max(parents, default=None)
            foretold = calibration.told(
                foretold, one.origin.arm, one.origin.prediction, fitness, best
            )
    unread = [one.id for one in born if one.origin][-MOST_UNREAD:]
    state = remembering(state, slots=slots, bandit=memory, calibration=foretold, unread=unread)
    return judged(state, outcomes)
