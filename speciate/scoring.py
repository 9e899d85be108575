"""From individuals to jobs for workers, and back with their scores."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from speciate.archive.store import WeightStore
from speciate.errors import EvaluationError
from speciate.evaluator.evaluator import evaluation
from speciate.evaluator.race import Bar
from speciate.evaluator.trial import Trial
from speciate.nursery import Known, is_there, lineage
from speciate.records import Evaluation, Individual, Proposal
from speciate.stages import Stages
from speciate.worker import Job, Outcome, SplitName


def send(
    stages: Stages,
    one: Individual,
    known: Known,
    split: SplitName = "search",
    trial: Callable[[], Trial] | None = None,
) -> None:
    """Hands an individual out to be scored on a split, and bred if it has no digest yet.

    Parents may be pending too: the worker then makes their weights as well. `trial` says on what
    terms it is scored, and is asked only if that is not under way yet.
    """
    if not stages.desk.has(split, one.id):
        bare = replace(one, evaluation=None)
        ancestors = _lineage(stages.archive.weights, one, known)
        stages.desk.submit(Job(bare, ancestors, split, trial and trial()))


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
    for one in unscored:
        send(stages, one, known)
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
