"""The loop: ask, breed, evaluate, tell, commit. Only this module knows every stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from speciate.archive.archive import Archive
from speciate.configs import schema
from speciate.errors import BreedError, EvaluationError
from speciate.evaluator.evaluator import Evaluator, evaluation
from speciate.lineage import champion
from speciate.nursery import Nursery
from speciate.population.founders import Founder
from speciate.population.strategies import Strategy
from speciate.records import Evaluation, Individual, Proposal, State
from speciate.watch import Watch


@dataclass(frozen=True)
class Stages:
    """All that a campaign is made of, passed in."""

    config: schema.Campaign
    founders: Sequence[Founder]
    strategy: Strategy
    nursery: Nursery
    search: Evaluator
    archive: Archive
    watch: Watch


def evolve(stages: Stages) -> State:
    """Runs the campaign, or what is left of it, to the end of its strategy.

    Each step is archived before the next is asked for. A candidate that cannot be bred or scored
    is recorded with its error and takes no part in selection.

    Raises:
        EvaluationError: A founder cannot be scored.
        DamageError: A rebuild did not give the recorded weights.
    """
    archive, strategy = stages.archive, stages.strategy
    state = archive.state or _found(stages)
    while (proposals := strategy.ask(state, archive.individuals)) is not None:
        known = dict(archive.individuals)
        born = []
        for proposal in proposals:
            born.append(_raise(stages, proposal, known, state.step))
            known[born[-1].id] = born[-1]
            stages.watch.candidate(len(born), len(proposals))
        state = strategy.tell(state, born, known)
        _commit(stages, state, born, known)
    return state


def _found(stages: Stages) -> State:
    """Step 0: the founders are scored, and become the roots of the family tree."""
    born = []
    for founder in stages.founders:
        unscored = Individual(founder.recipe, founder.digest, 0, "founder")
        born.append(replace(unscored, evaluation=score(stages, unscored, {})))
        stages.watch.candidate(len(born), len(stages.founders))
    state = stages.strategy.start(born)
    _commit(stages, state, born, {one.id: one for one in born})
    return state


def _raise(
    stages: Stages, proposal: Proposal, known: Mapping[str, Individual], step: int
) -> Individual:
    """From a proposal to an individual, scored or failed."""
    recipe = proposal.recipe
    digest, scored, error = None, None, None
    try:
        digest = stages.nursery.raise_offspring(recipe, known)
        unscored = Individual(recipe, digest, step, proposal.proposer)
        scored = score(stages, unscored, known)
    except (BreedError, EvaluationError) as exc:
        error = str(exc)
        stages.archive.telemetry.append({"failed": recipe.id, "cause": repr(exc.__cause__ or exc)})
        # Is it the candidate, or the engine? What fails on a founder too stops the campaign.
        stages.search.engine.load(stages.founders[0].path)
    return Individual(recipe, digest, step, proposal.proposer, proposal.reason, scored, error)


def score(stages: Stages, one: Individual, known: Mapping[str, Individual]) -> Evaluation:
    """An individual's evaluation on the search splits.

    Raises:
        EvaluationError: The engine cannot load or run its weights.
    """
    folder = stages.nursery.folder(one.id, {**known, one.id: one})
    scores = stages.search.score(str(one.digest), folder)
    return evaluation(stages.config.tasks, scores, stages.search.engine.fingerprint)


def _commit(
    stages: Stages, state: State, born: Sequence[Individual], known: Mapping[str, Individual]
) -> None:
    """Archives the step, and tells of it."""
    stages.archive.commit_step(state, born)
    let_go(stages, state, known)
    stages.watch.step(state, born, known)


def let_go(stages: Stages, state: State, known: Mapping[str, Individual]) -> None:
    """Deletes the weights that the store's policy does not keep after a step."""
    if stages.config.store.keep != "all":
        stages.archive.weights.prune(kept_digests(stages.config.store.keep, state, known))


def kept_digests(policy: str, state: State, known: Mapping[str, Individual]) -> frozenset[str]:
    """Digests of the weights that a policy keeps after a step.

    The strategy's references are kept with the living: they are about to be needed.
    """
    names = [*state.members, *state.references]
    if policy == "champions":
        names = [champion(known).id]
    return frozenset(digest for name in names if (digest := known[name].digest))
