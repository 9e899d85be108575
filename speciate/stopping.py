"""Early stopping: when a search has not found anybody better for long.

What it goes by is archived with every step. So the end neither depends on who finishes first nor
on whether the campaign was interrupted.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from speciate.configs.overfitting import EarlyStopping
from speciate.population.goals import Goals, Known
from speciate.records import Individual, State


@dataclass(frozen=True)
class Stopping:
    """Counts children since the last new best, in the order of their proposals.

    Attributes:
        config: Nothing is counted without it.
        goals: Who breaks a constraint is no new best after somebody who keeps to all.
    """

    config: EarlyStopping | None = None
    goals: Goals = field(default_factory=Goals)

    def begun(self, state: State, founders: Known) -> State:
        """The state after step 0, in which the best founder is the one to beat."""
        if self.config is None:
            return state
        best, _ = self.goals.ranked(founders, founders)[0]
        return replace(state, stopping={"best": best, "children": 0})

    def told(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """The state after a step, with its children counted."""
        if self.config is None:
            return state
        best, children = state.stopping["best"], state.stopping["children"]
        for one in born:
            worths = dict(self.goals.ranked({best, one.id}, known))
            # Who breaks a constraint has no fitness to compare, but how much is broken.
            least = self.config.min_delta if worths[best] >= 0 else 0.0
            better = worths.get(one.id, -math.inf) > worths[best] + least
            best, children = (one.id, 0) if better else (best, children + 1)
        return replace(state, stopping={"best": best, "children": children})

    def over(self, state: State) -> bool:
        """Whether nothing is to be bred any more."""
        return self.config is not None and state.stopping["children"] >= self.config.patience
