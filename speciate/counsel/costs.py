"""What breeding and scoring a recipe is expected to take, by what it took before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from speciate.configs.review import Review
from speciate.counsel import Known
from speciate.counsel.journal import Answer

Lines = Callable[[], Sequence[Mapping[str, Any]]]
TOKENS = 1000
"""Asking an arm costs so many of them a unit, so that numbers in the archive stay short."""


def with_costs(
    review: Review, answers: Sequence[Answer], lines: Lines, known: Known
) -> tuple[Answer, ...]:
    """Answers whose recipes tell what they are expected to cost, if a policy asks for it.

    Put down with the answers, since seconds are another machine's tomorrow.

    Args:
        review: Policies.
        answers: Of agents.
        lines: Reads the telemetry.
        known: Everyone ever evaluated.
    """
    if review.recipe.cost_s is None and review.code.cost_s is None:
        return tuple(answers)
    seconds = _seconds(lines(), known)
    return tuple(_with_cost(one, seconds) for one in answers)


def _with_cost(answer: Answer, seconds: Mapping[str, float]) -> Answer:
    if answer.result is None or "recipe" not in answer.result:
        return answer
    operator = answer.result["recipe"]["operator"]
    return replace(answer, result={**answer.result, "cost_s": seconds.get(operator)})


def _seconds(lines: Sequence[Mapping[str, Any]], known: Known) -> dict[str, float]:
    """Mean over the children of each operator."""
    found: dict[str, list[float]] = {}
    for line in lines:
        one = known.get(str(line.get("scored")))
        if one is not None and "work_seconds" in line:
            found.setdefault(one.recipe.operator, []).append(float(line["work_seconds"]))
    return {operator: round(fmean(times), 3) for operator, times in found.items()}
