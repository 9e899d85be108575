"""From individuals to jobs for workers, and back with their scores."""

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from speciate.archive.store import WeightStore
from speciate.errors import EvaluationError
from speciate.evaluator.evaluator import evaluation
from speciate.evaluator.race import Bar
from speciate.evaluator.trial import Trial
from speciate.nursery import Known, is_there, lineage
from speciate.records import Evaluation, Individual, Proposal
from speciate.stages import Stages
from speciate.worker import Job, Outcome, SplitName
from speciate.workers import SET_ASIDE

T = TypeVar("T")


def in_litters(proposals: Sequence[Proposal], size: int) -> tuple[Proposal, ...]:
    """Proposals of one time, told who is scored together with whom: up to `size` in a row.

    Written down, so that a campaign that goes on has the same litters: in their last bits, scores
    depend on who shares a batch.
    """
    found: list[Proposal] = []
    for part in _parts(proposals, size):
        names = tuple(one.recipe.id for one in part)
        found += [replace(one, litter=names if len(names) > 1 else ()) for one in part]
    return tuple(found)


def send_pending(
    stages: Stages, pending: Sequence[Individual], proposals: Sequence[Proposal], known: Known
) -> None:
    """Hands out individuals that were proposed and whose results are not known, in their litters.

    Of a litter that the strategy was told a part of, those are scored again with the others: they
    are in the cache. Who could not be bred is left out again.
    """
    seen = set[str]()
    for one, proposal in zip(pending, proposals, strict=True):
        if one.id in seen:
            continue
        seen |= {one.id, *proposal.litter}
        litter = [known[name] for name in proposal.litter or (one.id,)]
        if not stages.desk.has("search", one.id):
            trial = trial_of(stages, proposal, known)
            for part in _apart(litter):
                send(stages, part, known, trial=trial)


def _apart(litter: Sequence[Individual]) -> list[list[Individual]]:
    """The litter; or one by one, if one of them had to be set aside that way before."""
    left = [one for one in litter if one.digest or one.error is None]
    if any(one.error == SET_ASIDE for one in litter):
        return [[one] for one in left]
    return [left]


def send(
    stages: Stages,
    litter: Sequence[Individual],
    known: Known,
    split: SplitName = "search",
    trial: Trial | None = None,
) -> None:
    """Hands individuals out to be scored together on a split, and bred if they have no digest yet.

    Parents may be pending too: the worker then makes their weights as well.
    """
    bare = tuple(replace(one, evaluation=None) for one in litter)
    lineages = [_lineage(stages.archive.weights, one, known) for one in bare]
    stages.desk.submit(Job(bare, dict(ChainMap(*map(dict, lineages))), split, trial))


def send_all(
    stages: Stages, individuals: Sequence[Individual], known: Known, split: SplitName = "search"
) -> None:
    """Hands individuals out in litters, in this order; all of them at one time."""
    for litter in _parts(individuals, stages.config.engine.adapters or 1):
        send(stages, litter, known, split)


def _parts(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def trial_of(stages: Stages, proposal: Proposal, known: Known) -> Trial:
    """On what terms a candidate is scored: it must reach the proposal's bar, if that has one.

    Who is drawn to tell how good estimates are is scored in full.
    """
    reached = known[proposal.bar].evaluation if proposal.bar else None
    fits = stages.fits if proposal.fit else None
    if proposal.bar is None or reached is None or (fits and fits.drawn(proposal.recipe.id)):
        return Trial()
    estimate = fits.estimate(proposal, known) if fits else None
    if not stages.config.race:
        return Trial(None, estimate)
    weighted = [task.name for task in stages.config.tasks if task.weight > 0]
    scores = {name: replace(reached.scores[name], answers=None) for name in weighted}
    return Trial(Bar(proposal.bar, scores), estimate)


def _lineage(store: WeightStore, one: Individual, known: Known) -> Known:
    """Ancestors as far as to those whose weights are stored, without their scores."""
    names = [one.id] if one.digest else [parent.id for parent in one.recipe.parents]
    found = lineage(names, known, partial(is_there, store))
    return {name: replace(other, evaluation=None) for name, other in found.items()}


def individual(stages: Stages, one: Individual, proposal: Proposal, known: Known) -> Individual:
    """A proposal's individual that was sent, scored or failed; waits for it."""
    outcome = stages.desk.result("search", one.id)
    scores = None if outcome.error else _evaluation(stages, outcome)
    born = replace(one, digest=outcome.digest, evaluation=scores, error=outcome.error)
    if stages.fits and proposal.fit:
        stages.archive.telemetry.append(stages.fits.facts(proposal, born, known))
    return born


def all_scored(stages: Stages, unscored: Sequence[Individual], known: Known) -> list[Individual]:
    """Individuals that a campaign cannot do without, scored on the search splits.

    Raises:
        EvaluationError: One of them cannot be bred or scored.
    """
    send_all(stages, unscored, known)
    scored = []
    for one in unscored:
        outcome = required(stages, one, "search")
        scored.append(replace(one, digest=outcome.digest, evaluation=_evaluation(stages, outcome)))
        stages.watch.candidate(len(scored), len(unscored))
    return scored


def required(stages: Stages, one: Individual, split: SplitName) -> Outcome:
    """The outcome of an individual that was sent and must not fail.

    Raises:
        EvaluationError: It failed.
    """
    outcome = stages.desk.result(split, one.id)
    if outcome.error is not None:
        raise EvaluationError(outcome.error)
    return outcome


def _evaluation(stages: Stages, outcome: Outcome) -> Evaluation:
    return evaluation(stages.config.tasks, outcome.scores, outcome.fingerprint)
