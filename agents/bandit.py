"""Who makes the next recipe, the strategy or one of the agents: a bandit that distrusts agents.

After the bandit of ShinkaEvolve (Lange et al., 2025): only improvements count, large ones more than
in proportion, old results fade, and dear arms are worth less. Other than there, agents have to earn
their slots. An arm is exploited for what it has gained, not for what it might; an arm without gains
is only explored, ever more rarely, so that a bad agent costs a number of evaluations that grows
with the root of their number. Whatever comes of it, the strategy keeps a share.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from speciate.agents.plain import rounded
from speciate.configs.agents import Choice

STRATEGY = "strategy"
"""The arm whose pull is the strategy's own recipe."""

State = Mapping[str, Any]
_LARGEST = 3.0
"""Gains are cut to so many mean ones, so that one stroke of luck does not rule for ever."""


@dataclass(frozen=True)
class Arm:
    """What is known of an arm.

    Attributes:
        pulls: How often it was chosen.
        pending: Of these, those whose result is not known.
        failed: Of these, those that brought no usable recipe.
        idle: Results since the last gain, failures included.
        cost: Of all results together.
        weight: Of all results together, faded.
        reward: Of all results together, faded in the same way.
    """

    pulls: int = 0
    pending: int = 0
    failed: int = 0
    idle: int = 0
    cost: float = 0.0
    weight: float = 0.0
    reward: float = 0.0

    @property
    def mean_cost(self) -> float:
        """Of a result."""
        return self.cost / max(1, self.pulls - self.pending)


def gain(fitness: float | None, parents: Sequence[float], living: Sequence[float]) -> float:
    """What a child is better than it had to be; what `told` must be given.

    A child has to beat its best parent, as in ShinkaEvolve. Alone that would pay an agent for
    improving on the weakest it can find, so it has to beat the median of the population as well.

    Args:
        fitness: The child's; None if it could not be bred, was not scored or was dropped early.
        parents: Fitness of its parents.
        living: Fitness of the population that it is compared with: of `State.members` when its
            result is told, before it may become one of them.
    """
    if fitness is None:
        return 0.0
    bars = [*parents, *([float(np.median(living))] if living else [])]
    return max(0.0, fitness - max(bars)) if bars else 0.0


def arms_of(state: State) -> dict[str, Arm]:
    """All arms that were ever chosen, by name."""
    return {name: Arm(**told) for name, told in sorted(state.get("arms", {}).items())}


def worths(settings: Choice, state: State, arms: Sequence[str]) -> dict[str, float]:
    """The mean reward of each arm, as if it and all its pulls under way had none at first."""
    known = arms_of(state)
    these = {name: known.get(name, Arm()) for name in arms}
    dearest = max((arm.mean_cost for arm in these.values()), default=0.0)
    found = {}
    for name, arm in these.items():
        dear = arm.mean_cost / dearest if dearest else 0.0
        mean = arm.reward / (arm.weight + settings.prior + arm.pending)
        found[name] = mean / (1 + settings.thrift * dear)
    return found


def choose(
    settings: Choice, state: State, arms: Sequence[str], slots: int, random: np.random.Generator
) -> tuple[list[str], State]:
    """An arm for each slot, and the state in which their results are awaited.

    Args:
        settings: Of the choice.
        state: Empty at first.
        arms: Names of the agents' arms in a fixed order; `STRATEGY` need not be among them.
        slots: How many recipes are asked for at once.
        random: Two numbers are drawn a slot.
    """
    agents = [name for name in arms if name != STRATEGY]
    chosen = []
    for _ in range(slots):
        arm, trial = _pick(settings, state, agents, *random.random(2).tolist())
        chosen.append(arm)
        known = arms_of(state)
        old = known.get(arm, Arm())
        known[arm] = replace(old, pulls=old.pulls + 1, pending=old.pending + 1)
        state = _with(state, known) | _counted(state, trial)
    return chosen, state


def told(settings: Choice, state: State, arm: str, gained: float | None, cost: float) -> State:
    """The state after a result; to be called in the order of the proposals.

    Args:
        settings: Of the choice.
        state: From `choose` or `told`.
        arm: That was chosen.
        gained: See `gain`; in any unit. None when there was no usable recipe. Then the strategy's
            stands, whose result is to be told as that of the arm `STRATEGY`.
        cost: Of asking, 0 for the strategy; tokens, seconds or money, but always the same.
    """
    known = arms_of(state)
    old = known.get(arm, Arm())
    base = replace(
        old,
        # What was chosen elsewhere counts as well.
        pulls=old.pulls + (old.pending == 0),
        pending=max(0, old.pending - 1),
        cost=rounded(old.cost + cost),
        weight=rounded(old.weight * settings.decay + (settings.failure if gained is None else 1)),
        reward=rounded(old.reward * settings.decay),
        idle=0 if gained else old.idle + 1,
    )
    if gained is None:
        known[arm] = replace(base, failed=old.failed + 1)
        own = known.get(STRATEGY, Arm())
        known[STRATEGY] = replace(own, pulls=own.pulls + 1, pending=own.pending + 1)
        return _with(state, known)
    scale = _scale(settings, state, gained)
    reward = math.expm1(min(gained / scale["mean"], _LARGEST)) if gained else 0.0
    known[arm] = replace(base, reward=rounded(base.reward + reward))
    return _with(state, known) | {"scale": scale}


def pulled(state: State, arm: str) -> State:
    """The state in which the result of an arm is awaited that nobody chose in this step."""
    known = arms_of(state)
    old = known.get(arm, Arm())
    return _with(state, known | {arm: replace(old, pulls=old.pulls + 1, pending=old.pending + 1)})


def withdrawn(state: State, arm: str) -> State:
    """The state in which a chosen arm made way for the strategy's own recipe, through no fault."""
    known = arms_of(state)
    old = known[arm]
    known[arm] = replace(old, pulls=old.pulls - 1, pending=old.pending - 1)
    return pulled(_with(state, known), STRATEGY)


def _pick(
    settings: Choice, state: State, agents: Sequence[str], first: float, second: float
) -> tuple[str, bool]:
    """The arm of one slot, and whether it is tried for the first time."""
    known = arms_of(state)
    slots = state.get("slots", 0)
    unseen = [name for name in agents if name not in known]
    if unseen and slots >= state.get("trial", -1) + settings.spacing:
        return unseen[0], True
    tried = [STRATEGY, *(name for name in agents if name in known)]
    earning = [n for n in tried if n == STRATEGY or known[n].idle < settings.patience]
    worth = worths(settings, state, earning)
    # Of equals the first: as long as nobody has gained anything, the strategy.
    best = max(worth, key=lambda name: worth[name])
    chances = {name: _chance(settings, name, known, slots) for name in tried if name != best}
    total = sum(chances.values())
    if first >= min(total, settings.explore):
        return best, False
    return _drawn(chances, second * total), False


def _chance(settings: Choice, name: str, known: Mapping[str, Arm], slots: int) -> float:
    """With which an arm is explored that is not the best."""
    if name == STRATEGY:
        return settings.explore
    # Of all arms of the same agent: it may not cost more for having more families to choose from.
    same = (arm for other, arm in known.items() if _agent(other) == _agent(name))
    in_vain = sum(arm.idle + arm.pending for arm in same)
    return settings.explore if in_vain**2 < settings.allowance * slots else settings.floor


def _agent(arm: str) -> str:
    """Role and endpoint."""
    return arm.partition(":")[0]


def _drawn(chances: Mapping[str, float], point: float) -> str:
    names = list(chances)
    bounds = np.cumsum(list(chances.values()))
    return names[min(int(np.searchsorted(bounds, point, side="right")), len(names) - 1)]


def _scale(settings: Choice, state: State, gained: float) -> dict[str, float]:
    """The mean gain so far, of those above 0, so that rewards have no unit."""
    old = state.get("scale", {"mean": 0.0, "weight": 0.0})
    if gained <= 0:
        return dict(old)
    weight = old["weight"] * settings.decay + 1
    mean = old["mean"] + (gained - old["mean"]) / weight
    return {"mean": rounded(mean), "weight": rounded(weight)}


def _counted(state: State, trial: bool) -> dict[str, int]:
    slots = state.get("slots", 0)
    return {"slots": slots + 1} | ({"trial": slots} if trial else {})


def _with(state: State, arms: Mapping[str, Arm]) -> dict[str, Any]:
    return {**state, "arms": {name: asdict(arm) for name, arm in sorted(arms.items())}}
