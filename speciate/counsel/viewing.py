"""What agents are shown of a campaign: a selection of what is known, made here alone."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from speciate.agents import memory
from speciate.agents.view import Attempt, Evolved, Kin, Member, Offer, Task, View
from speciate.configs import schema
from speciate.counsel import Known
from speciate.counsel.offers import of_adapters
from speciate.counsel.sources import gains, sources
from speciate.population.goals import Goals
from speciate.records import FOUNDER, Individual, State
from speciate.words import label

_LATEST = 24
_MOST_KIN = 6


def view(
    config: schema.Campaign,
    goals: Goals,
    offers: Sequence[Offer],
    state: State,
    known: Known,
    recommendations: Sequence[str] = (),
) -> View:
    """The campaign as agents see it at this step.

    Args:
        config: Only names, weights and directions of the tasks are taken of it.
        goals: Know in which direction scores get better.
        offers: Operators to choose from.
        state: With what agents remember.
        known: Everyone ever evaluated.
        recommendations: Those of the critic that this agent is to be told.
    """
    founders = [one for one in known.values() if one.recipe.operator == FOUNDER]
    show = partial(member, known=known)
    named = {label(one.id, known): one.id for one in founders}
    base = named[schema.founder_name(config.founders.base)] if config.founders.base else None
    if of_adapters(config):
        # It is a model, of which no adapter is bred.
        founders, base = [one for one in founders if one.id != base], None
    return View(
        step=state.step,
        tasks=tuple(_tasks(config, goals, founders)),
        founders=tuple(map(show, founders)),
        living=tuple(show(known[name]) for name in state.members),
        offers=tuple(offers),
        base=base,
        failures=tuple(map(show, _latest(known, failed=True))),
        attempts=tuple(_attempt(one, known) for one in _latest(known, failed=False)),
        kinship=tuple(_kinship(state.members, known)),
        evolved=tuple(_evolved(known)),
        insights=tuple(memory.insights(state.agents.get("memory", {}))),
        recommendations=tuple(recommendations),
        rejections=tuple(state.agents.get("rejections", ())),
    )


def _tasks(config: schema.Campaign, goals: Goals, founders: Sequence[Individual]) -> Iterable[Task]:
    scored = [one.evaluation.scores for one in founders if one.evaluation]
    metrics = {name: score.metric for scores in scored for name, score in scores.items()}
    for task in config.tasks:
        higher = goals.higher_is_better[task.name]
        yield Task(task.name, metrics[task.name], task.weight, higher)


def member(one: Individual, known: Known) -> Member:
    """An individual as agents see it."""
    evaluation = one.evaluation
    return Member(
        id=one.id,
        name=label(one.id, known),
        operator=one.recipe.operator,
        parents=tuple((label(parent.id, known), parent.role) for parent in one.recipe.parents),
        parameters=_parameters(one),
        fitness=evaluation.fitness if evaluation else None,
        scores={name: score.value for name, score in sorted(evaluation.scores.items())}
        if evaluation
        else {},
        error=one.error,
        step=one.step,
        proposer=one.proposer,
        reason=one.reason,
    )


def _parameters(one: Individual) -> Mapping[str, Any]:
    """Without sources, which are shown where they are what it is about."""
    return {name: value for name, value in one.recipe.parameters.items() if name != "source"}


def _latest(known: Known, *, failed: bool) -> list[Individual]:
    """The last that failed, or that agents proposed; the oldest first."""
    found = (
        one
        for one in known.values()
        if (one.error is not None if failed else one.origin is not None)
    )
    return list(deque(found, maxlen=_LATEST))


def _attempt(one: Individual, known: Known) -> Attempt:
    return Attempt(
        name=label(one.id, known),
        operator=one.recipe.operator,
        proposer=one.proposer,
        reason=one.reason,
        prediction=one.origin.prediction if one.origin else None,
        fitness=one.evaluation.fitness if one.evaluation else None,
        error=one.error,
    )


def _kinship(members: Sequence[str], known: Known) -> Iterable[Kin]:
    """Of the best members: how their scores go together, item by item."""
    best = list(members[:_MOST_KIN])
    for one, other in combinations(best, 2):
        pair = np.array([_behaviour(known[one]), _behaviour(known[other])])
        if np.ptp(pair, axis=1).all():
            likeness = round(float(np.corrcoef(pair)[0, 1]), 3)
            yield Kin(label(one, known), label(other, known), likeness)


def _behaviour(one: Individual) -> list[float]:
    scores = one.evaluation.scores if one.evaluation else {}
    return [value for _, score in sorted(scores.items()) for value in score.items]


def _evolved(known: Known) -> Iterable[Evolved]:
    for digest, (sentence, source) in sources(known).items():
        yield Evolved(digest, sentence, source, tuple(gains(digest, known)))
