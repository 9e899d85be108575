"""How well agents foretell the fitness of what they propose.

Means and spreads go over all predictions of an arm, by Welford's running sums; what needs the
predictions themselves goes over the latest of them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import Any

from speciate.agents.plain import one_line, rounded

KEPT = 200
"""Predictions that are kept one by one, of all arms together."""

State = Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """Sums over the predictions of an arm.

    Attributes:
        count: Of predictions whose outcome is known.
        predicted: Their mean.
        outcome: The mean fitness.
        error: Sum of the absolute differences.
        square: Sum of the squared differences.
        spread_predicted: Sum of the squared distances from the mean.
        spread_outcome: Likewise.
        together: Sum of the products of both distances.
        claims: Of these, those with a parent to be better than.
        brier: Sum over the claims of (chance foretold - outcome)**2.
    """

    count: int = 0
    predicted: float = 0.0
    outcome: float = 0.0
    error: float = 0.0
    square: float = 0.0
    spread_predicted: float = 0.0
    spread_outcome: float = 0.0
    together: float = 0.0
    claims: int = 0
    brier: float = 0.0


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        arm: Who foretold.
        count: How many outcomes are known.
        bias: Mean of prediction - fitness: above 0 if too high.
        error: Mean absolute difference.
        correlation: Of predictions and fitness (Pearson); None if either is always the same.
        within: Share of the latest outcomes at most the tolerance away; None if all are older.
        brier: Mean squared error, 0..1, of the chance to be better than the best parent; a coin
            has 0.25. None if no child had a parent.
    """

    arm: str
    count: int
    bias: float
    error: float
    correlation: float | None
    within: float | None
    brier: float | None


def told(state: State, arm: str, prediction: float, fitness: float, parent: float | None) -> State:
    """The state when one more outcome is known.

    A prediction is a number. The chance that the child is better than its best parent is that of a
    normal distribution around it, as wide as the arm's root mean square error so far.

    Args:
        state: Empty at first.
        arm: Who foretold.
        prediction: The fitness foretold; what is not finite is not counted.
        fitness: The child's. Failed children have none and are not told.
        parent: The best parent's fitness, if there is one.
    """
    if not math.isfinite(prediction):
        return state
    old = _records(state).get(arm, Record())
    new = _added(old, prediction, fitness)
    if parent is not None:
        missed = _chance_to_beat(old, prediction, parent) - (fitness > parent)
        new = replace(new, claims=old.claims + 1, brier=rounded(old.brier + missed**2))
    pairs = [*state.get("pairs", []), [arm, rounded(prediction), rounded(fitness)]][-KEPT:]
    return {"arms": {**state.get("arms", {}), arm: asdict(new)}, "pairs": pairs}


def summary(state: State, tolerance: float) -> tuple[Row, ...]:
    """A row an arm, by name; `tolerance` is in fitness."""
    return tuple(
        _row(arm, record, _latest(state, arm), tolerance)
        for arm, record in sorted(_records(state).items())
    )


def sentence(state: State, arm: str) -> str:
    """What an agent is told of its predictions; empty as long as there are none."""
    record = _records(state).get(arm)
    if record is None:
        return ""
    row = _row(arm, record, _latest(state, arm), 0.0)
    side = "too high" if row.bias > 0 else "too low"
    tendency = f"{side} by {abs(row.bias):.2g} on average" if row.bias else "right on average"
    return one_line(
        f"Your predictions ({row.count}) were {tendency}, and {row.error:.2g} off on average.", 200
    )


def _records(state: State) -> dict[str, Record]:
    return {arm: Record(**sums) for arm, sums in state.get("arms", {}).items()}


def _added(old: Record, prediction: float, fitness: float) -> Record:
    count = old.count + 1
    from_predicted, from_outcome = prediction - old.predicted, fitness - old.outcome
    predicted = old.predicted + from_predicted / count
    outcome = old.outcome + from_outcome / count
    return replace(
        old,
        count=count,
        predicted=rounded(predicted),
        outcome=rounded(outcome),
        error=rounded(old.error + abs(prediction - fitness)),
        square=rounded(old.square + (prediction - fitness) ** 2),
        spread_predicted=rounded(old.spread_predicted + from_predicted * (prediction - predicted)),
        spread_outcome=rounded(old.spread_outcome + from_outcome * (fitness - outcome)),
        together=rounded(old.together + from_predicted * (fitness - outcome)),
    )


def _chance_to_beat(old: Record, prediction: float, parent: float) -> float:
    width = math.sqrt(old.square / old.count) if old.count else 0.0
    if width > 0:
        return 1 - NormalDist(prediction, width).cdf(parent)
    # Nothing is known of its errors, or it never made any: what it says is taken as it is.
    return float(prediction > parent)


def _latest(state: State, arm: str) -> list[float]:
    return [abs(said - came) for name, said, came in state.get("pairs", []) if name == arm]


def _row(arm: str, record: Record, latest: Sequence[float], tolerance: float) -> Row:
    spread = math.sqrt(record.spread_predicted * record.spread_outcome)
    return Row(
        arm=arm,
        count=record.count,
        bias=rounded(record.predicted - record.outcome),
        error=rounded(record.error / record.count),
        correlation=max(-1.0, min(1.0, record.together / spread)) if spread > 0 else None,
        within=sum(miss <= tolerance for miss in latest) / len(latest) if latest else None,
        brier=record.brier / record.claims if record.claims else None,
    )
